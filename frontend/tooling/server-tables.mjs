// What pages must know as the server does, out of the server's own tables: nothing of it is written down twice.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The initialiser of `static const char *const NAME[]` of a C file. */
function readTable(file, name) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const found = new RegExp(`\\*const ${name}\\[\\] = \\{(.*?)\\};`, 's').exec(text);
  if (!found) throw new Error(`${file} has no table ${name}`);
  return found[1];
}

const stringsOf = (text) => [...text.matchAll(/"([^"]*)"/g)].map(([, string]) => string);

/** How many digits of an amount stand behind the point, by the code of each currency. */
export function currencyDigits() {
  const rows = [...readTable('platform/base/iso_code.c', 'currencies').matchAll(/\[(\d)\] =([^[]*)/g)];
  const pairs = rows.flatMap(([, digits, text]) => stringsOf(text).join('').split(' ').map((code) => [code, Number(digits)]));
  return Object.fromEntries(pairs.filter(([code]) => code));
}

/** Those that a shop may be set to. */
export function locales() {
  return stringsOf(readTable('platform/service/shop_settings.c', 'locales'));
}

const exceptions = Object.entries(currencyDigits()).filter(([, digits]) => digits !== 2);

/** Put in for these names in the sources. */
export const DEFINED = { MINOR_DIGITS: JSON.stringify(Object.fromEntries(exceptions)) };
