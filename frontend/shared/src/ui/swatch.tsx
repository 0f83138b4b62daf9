/* A small disc of the colour that an attribute's value names. The classes are in swatches.css: a page has no style=. */
const KNOWN = new Set([
  'amber', 'ash', 'beech', 'black', 'brass', 'brushed-steel', 'cherry', 'clear', 'copper', 'coral', 'cream',
  'ecru', 'forest', 'green', 'grey', 'ivory', 'matt-black', 'moss', 'mustard', 'natural', 'navy', 'oak',
  'ochre', 'oiled', 'olive', 'orange', 'plum', 'red', 'rose', 'rust', 'sage', 'sand', 'silver', 'slate',
  'smoke', 'smoked', 'steel', 'stone', 'terracotta', 'walnut', 'white', 'wool-green', 'wool-grey',
]);
/* Attributes whose values are colours; a "top" of marble has none to show. */
const OF_COLOUR = new Set(['colour', 'color', 'finish', 'cover', 'tint', 'handle', 'grip', 'seat', 'cushion']);

function slugOf(value: string): string {
  return value.toLowerCase().replace(/[^a-z]+/g, '-');
}

export function hasSwatch(attribute: string, value: string): boolean {
  return OF_COLOUR.has(attribute) && KNOWN.has(slugOf(value));
}

export function Swatch({ value, small = false }: { value: string; small?: boolean }) {
  return <span aria-hidden="true" className={`swatch swatch-${slugOf(value)}${small ? ' swatch-small' : ''}`} />;
}
