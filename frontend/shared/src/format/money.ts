/* Prices as text. Written out rather than left to Intl: the server's engine has its own locale data, and a page must read
 * the same there and in the browser. format.test.ts holds this to Intl for every locale and currency below. */
import type { Money } from '../page/document';

interface NumberStyle {
  decimal: string;
  group: string;
  /** Where the currency's sign stands, with what is between it and the number. */
  pattern: (sign: string, number: string) => string;
  /** Spanish, Portuguese and Polish write 1234,50 without a group. */
  groupFrom?: number;
}

const NBSP = '\u00a0';
const NARROW = '\u202f';
const before = (sign: string, number: string) => (/[A-Z]$/.test(sign) ? sign + NBSP + number : sign + number);
const after = (sign: string, number: string) => number + NBSP + sign;

const STYLES: Record<string, NumberStyle> = {
  en: { decimal: '.', group: ',', pattern: before },
  de: { decimal: ',', group: '.', pattern: after },
  'de-AT': { decimal: ',', group: NBSP, pattern: (sign, number) => sign + NBSP + number },
  'de-CH': { decimal: '.', group: '’', pattern: (sign, number) => sign + NBSP + number },
  fr: { decimal: ',', group: NARROW, pattern: after },
  es: { decimal: ',', group: '.', pattern: after, groupFrom: 10_000 },
  it: { decimal: ',', group: '.', pattern: after },
  nl: { decimal: ',', group: '.', pattern: (sign, number) => sign + NBSP + number },
  pl: { decimal: ',', group: NBSP, pattern: after, groupFrom: 10_000 },
  sv: { decimal: ',', group: NBSP, pattern: after },
  da: { decimal: ',', group: '.', pattern: after },
};

/* By locale only where it differs: a Canadian's dollar is "$", everybody else's is "CA$". */
const SIGNS: Record<string, string> = { EUR: '€', GBP: '£', USD: '$', JPY: '¥', AUD: 'A$', CAD: 'CA$' };
const OWN_SIGNS: Record<string, string> = {
  'en-GB USD': 'US$',
  'en-AU AUD': '$',
  'en-AU USD': 'USD',
  'en-AU JPY': 'JPY',
  'en-AU EUR': 'EUR',
  'en-AU GBP': 'GBP',
  'en-AU CAD': 'CAD',
  'en-CA CAD': '$',
  'en-CA USD': 'US$',
  'en-CA JPY': 'JP¥',
  'en-GB JPY': 'JP¥',
  'fr USD': '$US',
  'fr GBP': '£GB',
  'fr JPY': 'JPY',
  'fr AUD': '$AU',
  'fr CAD': '$CA',
  'sv SEK': 'kr',
  'da DKK': 'kr.',
  'pl PLN': 'zł',
};
const WITHOUT_MINOR_UNITS = new Set(['JPY', 'KRW', 'VND', 'CLP', 'ISK', 'HUF']);
const MINOR_DIGITS: Record<string, number> = { HUF: 2 };

export function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? (WITHOUT_MINOR_UNITS.has(currency) ? 0 : 2);
}

export function languageOf(locale: string): string {
  return locale.split('-')[0] ?? locale;
}

function styleOf(locale: string): NumberStyle {
  return STYLES[locale] ?? STYLES[languageOf(locale)] ?? (STYLES['en'] as NumberStyle);
}

function signOf(locale: string, currency: string): string {
  return (
    OWN_SIGNS[`${locale} ${currency}`] ??
    OWN_SIGNS[`${languageOf(locale)} ${currency}`] ??
    SIGNS[currency] ??
    currency
  );
}

function group(digits: string, style: NumberStyle): string {
  if (Number(digits) < (style.groupFrom ?? 1000)) return digits;
  return digits.replace(/\B(?=(\d{3})+$)/g, style.group);
}

export function formatNumber(value: number, locale: string): string {
  return group(String(Math.trunc(value)), styleOf(locale));
}

export function formatMoney(money: Money | undefined, locale: string): string {
  if (!money) return '';
  const style = styleOf(locale);
  const digits = minorDigits(money.currency);
  const text = String(Math.abs(money.amount)).padStart(digits + 1, '0');
  const whole = group(text.slice(0, text.length - digits), style);
  const number = digits > 0 ? whole + style.decimal + text.slice(text.length - digits) : whole;
  return (money.amount < 0 ? '-' : '') + style.pattern(signOf(locale, money.currency), number);
}

export function addMoney(left: Money | undefined, right: Money | undefined): Money | undefined {
  if (!left || !right || left.currency !== right.currency) return left ?? right;
  return { amount: left.amount + right.amount, currency: left.currency };
}
