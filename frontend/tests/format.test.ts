/* The shop's own formatting says what Intl says, for every locale that a shop may be set to, and what the server's table of
 * currencies says. */
import { addMoney, formatDate, formatMoney, formatNumber, plural } from '@shopstream/shared';
import { describe, expect, it } from 'vitest';

import { currencyDigits, locales } from '../tooling/server-tables.mjs';

const CURRENCIES = ['EUR', 'GBP', 'USD', 'JPY', 'CHF', 'AUD', 'CAD', 'SEK', 'DKK', 'NOK', 'PLN', 'CZK'];
const AMOUNTS = [0, 5, 99, 100, 123456, 1234567890];

describe.each(locales())('%s', (locale) => {
  it.each(CURRENCIES)('writes %s as Intl does', (currency) => {
    const intl = new Intl.NumberFormat(locale, { style: 'currency', currency });
    const digits = intl.resolvedOptions().maximumFractionDigits ?? 2;
    for (const amount of AMOUNTS)
      expect(formatMoney({ amount, currency }, locale)).toBe(intl.format(amount / 10 ** digits));
  });

  it('writes numbers as Intl does', () => {
    for (const value of [0, 7, 999, 1000, 12345, 1234567])
      expect(formatNumber(value, locale)).toBe(new Intl.NumberFormat(locale).format(value));
  });

  it('writes dates as Intl does', () => {
    const intl = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
    for (let month = 1; month <= 12; month++) {
      const iso = `2026-${String(month).padStart(2, '0')}-09T23:30:00.000Z`;
      expect(formatDate(iso, locale)).toBe(intl.format(new Date(iso)));
    }
  });
});

describe('digits behind the point', () => {
  const table = Object.entries(currencyDigits());

  it('the server has a table of every currency that is in use', () => {
    const counts = [0, 1, 2, 3].map((digits) => table.filter(([, has]) => has === digits).length);
    expect(counts).toEqual([16, 0, 132, 7]);
    expect(table.every(([code]) => /^[A-Z]{3}$/.test(code))).toBe(true);
  });

  it.each(table)('%s has %i, as the server has it', (currency, digits) => {
    const written = formatMoney({ amount: 1234567, currency }, 'en-GB').replace(/[^\d.]/g, '');
    expect(written).toBe((1234567 / 10 ** digits).toFixed(digits));
    expect(formatMoney({ amount: 5, currency }, 'en-GB').replace(/[^\d.]/g, '')).toBe((5 / 10 ** digits).toFixed(digits));
  });
});

it('an amount may be missing, negative, of an unknown locale or currency', () => {
  expect(formatMoney(undefined, 'en-GB')).toBe('');
  expect(formatMoney({ amount: -1250, currency: 'EUR' }, 'en-GB')).toBe('-€12.50');
  expect(formatMoney({ amount: 1250, currency: 'XTS' }, 'xx-XX')).toBe('XTS\u00a012.50');
});

it('sums amounts of one currency only', () => {
  const two = { amount: 200, currency: 'EUR' };
  expect(addMoney(two, { amount: 50, currency: 'EUR' })).toEqual({ amount: 250, currency: 'EUR' });
  expect(addMoney(two, undefined)).toEqual(two);
  expect(addMoney(undefined, two)).toEqual(two);
  expect(addMoney(two, { amount: 50, currency: 'USD' })).toEqual(two);
});

it('counts', () => {
  expect(plural(1, 'item', 'items', 'en-GB')).toBe('1 item');
  expect(plural(0, 'item', 'items', 'en-GB')).toBe('0 items');
  expect(plural(1200, 'item', 'items', 'de-DE')).toBe('1.200 items');
});

it('leaves alone what is no date', () => {
  expect(formatDate('soon', 'en-GB')).toBe('soon');
  expect(formatDate(undefined, 'en-GB')).toBe('');
});
