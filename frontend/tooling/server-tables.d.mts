export function currencyDigits(): Record<string, number>;
export function locales(): string[];
export const DEFINED: { MINOR_DIGITS: string };
