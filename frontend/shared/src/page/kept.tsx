/* Parts that are the same from page to page, as a product's card: where one script renders page after page, in the
 * server, their HTML is kept by what they show. It is what React makes of them, so the browser, which keeps nothing,
 * takes it over as any other. A part shows its props and nothing else: no context reaches it. */
import { createElement, type ComponentType, type ReactElement } from 'react';

const PARTS_MAX = 500; // Some 2 kB each.

type Render = (part: ReactElement) => string;

let render: Render | undefined;
const parts = new Map<string, string>();

/** From now on the HTML of parts is kept; how says how they are rendered. */
export function keepParts(how: Render | undefined): void {
  render = how;
  parts.clear();
}

function htmlOf(how: Render, name: string, part: ReactElement): string {
  const key = name + JSON.stringify(part.props);
  const kept = parts.get(key);
  if (kept !== undefined) return kept;
  const html = how(part);
  if (parts.size >= PARTS_MAX) parts.delete(parts.keys().next().value as string);
  parts.set(key, html);
  return html;
}

interface KeptItemProps<Props extends object> {
  /** By which the part is told from others: names of functions are gone from what is built. */
  name: string;
  of: ComponentType<Props>;
  /** All that it shows; plain data. */
  props: Props;
}

/** An item of a list with such a part in it. */
export function KeptItem<Props extends object>({ name, of, props }: KeptItemProps<Props>) {
  const part = createElement(of, props);
  if (!render) return <li>{part}</li>;
  return <li dangerouslySetInnerHTML={{ __html: htmlOf(render, name, part) }} />;
}
