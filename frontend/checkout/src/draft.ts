/* What was typed at checkout, kept for this tab: a reload or a detour loses nothing. Never anything of the card. */
const STORED = 'checkout-draft';

export type Draft = Record<string, string>;

export function readDraft(): Draft {
  try {
    return (JSON.parse(sessionStorage.getItem(STORED) ?? '{}') ?? {}) as Draft;
  } catch {
    return {};
  }
}

export function keepDraft(values: Draft): void {
  sessionStorage.setItem(STORED, JSON.stringify(values));
}

export function forgetDraft(): void {
  sessionStorage.removeItem(STORED);
}

/** Puts what was kept into the fields that the server left empty. */
export function fillIn(form: HTMLFormElement, draft: Draft): void {
  for (const [name, value] of Object.entries(draft)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement && field.value === '') field.value = value;
  }
}
