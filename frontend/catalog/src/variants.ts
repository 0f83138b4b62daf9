/* Which combination of attributes is which variant. Not every combination exists, and not every one that does is there. */
import type { Sku } from '@shopstream/shared';

export type Selection = Record<string, string>;
export type Standing = 'available' | 'sold-out' | 'none';

export interface Attribute {
  name: string;
  values: string[];
}

/** The attributes by which variants differ, in the order of the first variant, their values as they come. */
export function attributesOf(skus: Sku[]): Attribute[] {
  const names = new Set(skus.flatMap((sku) => Object.keys(sku.attributes)));
  return [...names].map((name) => ({
    name,
    values: [...new Set(skus.flatMap((sku) => sku.attributes[name] ?? []))],
  }));
}

export function isAvailable(sku: Sku): boolean {
  return (sku.available ?? 0) > 0;
}

/** What is shown first: the first that can be bought, else the first. */
export function firstChoice(skus: Sku[]): Sku | undefined {
  return skus.find(isAvailable) ?? skus[0];
}

function matches(sku: Sku, selection: Selection): boolean {
  return Object.entries(selection).every(([name, value]) => sku.attributes[name] === value);
}

/** How a value stands with the rest of what is selected. */
export function standingOf(skus: Sku[], selection: Selection, name: string, value: string): Standing {
  const found = skus.filter((sku) => matches(sku, { ...selection, [name]: value }));
  if (found.length === 0) return 'none';
  return found.some(isAvailable) ? 'available' : 'sold-out';
}

/** The variant that is meant when a value is chosen: the rest stays as it was where that exists, else the nearest. */
export function choose(skus: Sku[], current: Sku, name: string, value: string): Sku {
  const wanted = { ...current.attributes, [name]: value };
  const likeness = (sku: Sku) =>
    Object.entries(wanted).filter(([key, one]) => sku.attributes[key] === one).length * 2 + (isAvailable(sku) ? 1 : 0);
  const candidates = skus.filter((sku) => sku.attributes[name] === value);
  return candidates.reduce((best, sku) => (likeness(sku) > likeness(best) ? sku : best), candidates[0] ?? current);
}
