/* Dates as text, in UTC: a page says the same day wherever it is rendered. Held to Intl by format.test.ts. */
import { languageOf } from './money';

const MONTHS: Record<string, string> = {
  en: 'January|February|March|April|May|June|July|August|September|October|November|December',
  de: 'Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember',
  fr: 'janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre',
  es: 'enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre',
  it: 'gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre',
  nl: 'januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december',
  sv: 'januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december',
  da: 'januar|februar|marts|april|maj|juni|juli|august|september|oktober|november|december',
};
const MONTH_FIRST = new Set(['en', 'en-US']);

interface Day {
  year: number;
  month: number;
  day: number;
}

function parseDay(iso: string): Day | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  return match ? { year: Number(match[1]), month: Number(match[2]), day: Number(match[3]) } : undefined;
}

function arrange(locale: string, { year, day }: Day, month: string): string {
  switch (languageOf(locale)) {
    case 'en':
      return MONTH_FIRST.has(locale) ? `${month} ${day}, ${year}` : `${day} ${month} ${year}`;
    case 'de':
    case 'da':
      return `${day}. ${month} ${year}`;
    case 'es':
      return `${day} de ${month} de ${year}`;
    default:
      return `${day} ${month} ${year}`;
  }
}

/** "2026-11-29T10:00:00Z" as "29 November 2026"; what is no date stays as it is. */
export function formatDate(iso: string | undefined, locale: string): string {
  const day = iso ? parseDay(iso) : undefined;
  if (!iso || !day) return iso ?? '';
  const names = MONTHS[languageOf(locale)] ?? (MONTHS['en'] as string);
  return arrange(locale, day, names.split('|')[day.month - 1] ?? '');
}
