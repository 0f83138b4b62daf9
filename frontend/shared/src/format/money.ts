/* Prices as text. Written out rather than left to Intl: the server's engine has its own locale data, and a page must read
 * the same there and in the browser. format.test.ts holds this to Intl for every locale and currency below. */
import type { Money } from '../page/document';

interface NumberStyle {
  decimal: string;
  group: string;
  /** Where the currency's sign stands, with what is between it and the number. */
  pattern: (sign: string, number: string) => string;
  /** Spanish and Italian write 1234,50 without a group. */
  groupFrom?: number;
  /** The signs that this language writes in another way than most: a dollar is "$" at home only. */
  signs?: Record<string, string>;
}

const NBSP = '\u00a0';
const NARROW = '\u202f';
const before = (sign: string, number: string) => (/[A-Z]$/.test(sign) ? sign + NBSP + number : sign + number);
const apart = (sign: string, number: string) => sign + NBSP + number;
const after = (sign: string, number: string) => number + NBSP + sign;

const SIGNS: Record<string, string> = { EUR: '€', GBP: '£', USD: 'US$', JPY: 'JP¥', AUD: 'AU$', CAD: 'CA$' };

/* By locale, or else by language. */
const STYLES: Record<string, NumberStyle> = {
  en: { decimal: '.', group: ',', pattern: before, signs: { AUD: 'A$' } },
  'en-US': { decimal: '.', group: ',', pattern: before, signs: { USD: '$', JPY: '¥', AUD: 'A$' } },
  de: { decimal: ',', group: '.', pattern: after, signs: { USD: '$', JPY: '¥' } },
  fr: {
    decimal: ',',
    group: NARROW,
    pattern: after,
    signs: { USD: '$US', GBP: '£GB', JPY: 'JPY', AUD: '$AU', CAD: '$CA' },
  },
  es: {
    decimal: ',',
    group: '.',
    pattern: after,
    groupFrom: 10_000,
    signs: { GBP: 'GBP', JPY: 'JPY', AUD: 'AUD', CAD: 'CAD' },
  },
  it: {
    decimal: ',',
    group: '.',
    pattern: after,
    groupFrom: 10_000,
    signs: { USD: 'USD', JPY: 'JPY', AUD: 'A$' },
  },
  nl: { decimal: ',', group: '.', pattern: apart, signs: { CAD: 'C$' } },
  sv: {
    decimal: ',',
    group: NBSP,
    pattern: after,
    signs: { GBP: 'GBP', JPY: 'JPY', AUD: 'AUD', SEK: 'kr', DKK: 'Dkr', NOK: 'Nkr' },
  },
  da: { decimal: ',', group: '.', pattern: after, signs: { DKK: 'kr.' } },
};
/* The currencies that have not two digits behind the point: out of the server's table, by the build. */
declare const MINOR_DIGITS: Record<string, number>;

function minorDigits(currency: string): number {
  return MINOR_DIGITS[currency] ?? 2;
}

export function languageOf(locale: string): string {
  return locale.split('-')[0] ?? locale;
}

function styleOf(locale: string): NumberStyle {
  return STYLES[locale] ?? STYLES[languageOf(locale)] ?? (STYLES['en'] as NumberStyle);
}

function signOf(style: NumberStyle, currency: string): string {
  return style.signs?.[currency] ?? SIGNS[currency] ?? currency;
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
  return (money.amount < 0 ? '-' : '') + style.pattern(signOf(style, money.currency), number);
}

export function addMoney(left: Money | undefined, right: Money | undefined): Money | undefined {
  if (!left || !right || left.currency !== right.currency) return left ?? right;
  return { amount: left.amount + right.amount, currency: left.currency };
}
