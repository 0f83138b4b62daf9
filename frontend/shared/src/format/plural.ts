/* "1 item", "2 items": the shop's words are English, so the rule is English's. Numbers are grouped as the locale does. */
import { formatNumber } from './money';

export function plural(count: number, one: string, other: string, locale: string): string {
  return `${formatNumber(count, locale)} ${count === 1 ? one : other}`;
}

/** "Colour" of "colour"; attributes are named in lower case. */
export function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
