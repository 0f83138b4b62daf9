/* What was typed at checkout, kept for this tab: a reload or a detour loses nothing. Never anything of the card. It is
 * somebody's address, so it goes as soon as it is not needed: with the order, with signing out, and by itself half an hour
 * after the last key (docs/security, "What a browser keeps"). */
const STORED = 'checkout-draft';
const KEPT_MS = 30 * 60 * 1000;

export type Draft = Record<string, string>;

interface Kept {
  at: number;
  values: Draft;
}

function read(): Kept | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(STORED) ?? 'null') as Kept | null) ?? undefined;
  } catch {
    return undefined;
  }
}

export function readDraft(): Draft {
  const kept = read();
  // A clock that was set back makes a draft of the future: that one is too old as well.
  if (kept && Math.abs(Date.now() - kept.at) < KEPT_MS) return kept.values;
  forgetDraft();
  return {};
}

export function keepDraft(values: Draft): void {
  sessionStorage.setItem(STORED, JSON.stringify({ at: Date.now(), values } satisfies Kept));
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
