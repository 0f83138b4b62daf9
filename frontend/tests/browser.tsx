/* A browser for the tests: pages are mounted, typed into and clicked; the shop's answers are said beforehand. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { PageDocument } from '@shopstream/shared';
import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { expect, vi } from 'vitest';

import { App } from '../shell/src/app';
import { Boundary } from '../shell/src/boundary';
import { loaders } from '../shell/src/kinds';

const fixtures = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures');

export const fixtureNames = readdirSync(fixtures).map((name) => name.replace(/\.json$/, ''));

export function fixtureText(name: string): string {
  return readFileSync(path.join(fixtures, `${name}.json`), 'utf8');
}

export function fixture(name: string): PageDocument {
  return JSON.parse(fixtureText(name)) as PageDocument;
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: unknown;
}

type Answer = { status?: number; body?: unknown } | Error;
type Answerer = (asked: Asked) => Answer | Promise<Answer>;

/** The shop, as far as a test needs it: "POST /session" → what it answers. Everything that was asked is kept. */
class Answers {
  asked: Asked[] = [];
  private rows = new Map<string, Answerer>();

  reset(): void {
    this.asked = [];
    this.rows.clear();
    this.on('GET /visitor', () => ({ body: { signed_in: false, cart_count: 0 } }));
  }

  on(what: string, answerer: Answerer): void {
    this.rows.set(what, answerer);
  }

  of(what: string): Asked[] {
    return this.asked.filter(({ method, path: at }) => `${method} ${at}` === what);
  }

  async fetch(input: Request | string, init?: RequestInit): Promise<Response> {
    const request = input instanceof Request ? input : new Request(new URL(input, location.href), init);
    const url = new URL(request.url);
    const text = await request.text();
    const asked: Asked = {
      method: request.method,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: text ? (JSON.parse(text) as unknown) : undefined,
    };
    this.asked.push(asked);
    const answerer = this.rows.get(`${asked.method} ${asked.path}`);
    if (!answerer) throw new TypeError(`the test answers nothing to ${asked.method} ${asked.path}`);
    const answer = await answerer(asked);
    if (answer instanceof Error) throw answer;
    const { status = 200, body } = answer;
    return new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    });
  }
}

export const answers = new Answers();

export class FakeEventSource extends EventTarget {
  static readonly CLOSED = 2;
  static readonly opened: FakeEventSource[] = [];
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    FakeEventSource.opened.push(this);
  }

  static last(): FakeEventSource {
    const source = FakeEventSource.opened.at(-1);
    if (!source) throw new Error('nobody listens');
    return source;
  }

  close(): void {
    this.readyState = FakeEventSource.CLOSED;
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  tell(type: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  refuse(): void {
    this.close();
    this.onerror?.();
  }
}

/** Where a page sent the browser; jsdom itself goes nowhere. */
export function watchLocation(): string[] {
  const went: string[] = [];
  const { href, origin, hash } = window.location;
  vi.stubGlobal('location', {
    href,
    origin,
    hash,
    assign: (url: string) => went.push(url),
    replace: (url: string) => went.push(url),
  });
  return went;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await act(() => new Promise((resolve) => setTimeout(resolve, 0)));
}

export async function mount(page: PageDocument): Promise<HTMLElement> {
  const load = loaders[page.kind];
  if (!load) throw new Error(`no page of kind ${page.kind}`);
  const { default: Content } = await load();
  return mountTree(
    <Boundary>
      <App page={page} Content={Content} />
    </Boundary>,
  );
}

const mounted: Root[] = [];

export async function mountTree(tree: ReactNode): Promise<HTMLElement> {
  const element = document.createElement('div');
  document.body.append(element);
  const root = createRoot(element);
  mounted.push(root);
  await act(async () => root.render(tree));
  await settle();
  return element;
}

/** As somebody leaves the pages: nothing of them goes on. */
export function leave(): void {
  act(() => mounted.splice(0).forEach((root) => root.unmount()));
}

export async function change(work: () => void): Promise<void> {
  await act(async () => work());
  await settle();
}

export async function until(condition: () => boolean): Promise<void> {
  const look = async () => {
    await settle();
    expect(condition()).toBe(true);
  };
  await vi.waitFor(look, { timeout: 30_000 });
}

export function find<Found extends Element = HTMLElement>(root: ParentNode, selector: string): Found {
  const found = root.querySelector<Found>(selector);
  if (!found) throw new Error(`nothing matches ${selector}`);
  return found;
}

/** The button or link with these words. */
export function control(root: ParentNode, words: string): HTMLElement {
  const found = [...root.querySelectorAll<HTMLElement>('button, a, summary')].find(
    (element) => element.textContent?.includes(words) || element.getAttribute('aria-label') === words,
  );
  if (!found) throw new Error(`no control says ${words}`);
  return found;
}

export async function click(element: HTMLElement): Promise<void> {
  await change(() => element.click());
}

/** As somebody types: React hears of it by the native setter and an input event. */
export async function type(element: HTMLInputElement | HTMLSelectElement, value: string): Promise<void> {
  const prototype = element instanceof HTMLSelectElement ? HTMLSelectElement.prototype : HTMLInputElement.prototype;
  await change(() => {
    Object.getOwnPropertyDescriptor(prototype, 'value')?.set?.call(element, value);
    element.dispatchEvent(new Event('input', { bubbles: true }));
    element.dispatchEvent(new Event('change', { bubbles: true }));
  });
}

export async function fill(root: ParentNode, values: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await type(find<HTMLInputElement>(root, `[name="${name}"]`), value);
}

export async function submit(root: ParentNode, selector = 'main form'): Promise<void> {
  await change(() => find<HTMLFormElement>(root, selector).requestSubmit());
}

export async function press(element: HTMLElement, key: string): Promise<void> {
  await change(() => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })));
}
