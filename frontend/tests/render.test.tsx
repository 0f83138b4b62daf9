/* Every fixture through the server's bundle in an engine with nothing around it, and taken over without a mismatch. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

import { act } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { beforeAll, describe, expect, it, vi } from 'vitest';

import { App } from '../shell/src/app';
import { Boundary } from '../shell/src/boundary';
import { loaders } from '../shell/src/kinds';
import { fixture, fixtureNames, fixtureText } from './browser';

const built = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../build/frontend');

interface Engine {
  renderPage(document: string): string;
}

let engine: Engine;

beforeAll(() => {
  const context = vm.createContext({});
  vm.runInContext(readFileSync(path.join(built, 'server/render.js'), 'utf8'), context);
  engine = context as unknown as Engine;
});

function render(name: string): string {
  return engine.renderPage(fixtureText(name));
}

describe.each(fixtureNames)('%s', (name) => {
  it('renders without a browser, with one heading and no style attribute', () => {
    const html = render(name);
    expect(html.match(/<h1/g)).toHaveLength(1);
    expect(html).toContain('<main id="content"');
    expect(html).not.toMatch(/\sstyle=/);
    expect(html).not.toMatch(/undefined|NaN|\[object/);
  });

  it('renders the same twice', () => {
    expect(render(name)).toBe(render(name));
  });

  it('is taken over without a mismatch', async () => {
    const said: unknown[] = [];
    for (const method of ['error', 'warn'] as const)
      vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void said.push(words.join(' ')));
    const page = fixture(name);
    const { default: Content } = await (loaders[page.kind] as (typeof loaders)[string])();
    const root = document.createElement('div');
    root.innerHTML = render(name);
    document.body.append(root);
    const recovered: unknown[] = [];
    await act(async () => {
      hydrateRoot(
        root,
        <Boundary>
          <App page={page} Content={Content} />
        </Boundary>,
        { onRecoverableError: (error) => recovered.push(error) },
      );
    });
    expect(recovered).toEqual([]);
    expect(said).toEqual([]);
  });
});

/* The pictures of a page as it is sent, each with what stands before and in its element. */
function picturesOf(name: string): { lead: boolean; image: HTMLImageElement; sources: HTMLSourceElement[]; blur: Element | null }[] {
  const root = document.createElement('div');
  root.innerHTML = render(name);
  return [...root.querySelectorAll('picture')].map((picture) => {
    const image = picture.querySelector('img') as HTMLImageElement;
    const lead = image.getAttribute('fetchpriority') === 'high';
    return { lead, image, sources: [...picture.querySelectorAll('source')], blur: picture.previousElementSibling };
  });
}

/* How many pictures of a page lead it: what stands at its top, a list's first row. */
const LEADS = { home: 1, listing: 3, search: 3, product: 1, cart: 0, checkout: 0 };

describe.each(Object.entries(LEADS))('pictures of %s', (name, leads) => {
  it('are fetched once they are looked at, but for those at the top', () => {
    const pictures = picturesOf(name);
    expect(pictures.length).toBeGreaterThan(leads);
    for (const [index, { lead, image }] of pictures.entries()) {
      expect(lead).toBe(index < leads);
      expect(image.getAttribute('loading')).toBe(lead ? null : 'lazy');
    }
  });

  it('have their place before they come: a width, a height, and what they look like from afar', () => {
    for (const { image, blur } of picturesOf(name)) {
      expect(Number(image.getAttribute('width'))).toBeGreaterThan(0);
      expect(Number(image.getAttribute('height'))).toBeGreaterThan(0);
      expect(blur?.className).toBe('picture-blur');
      expect(blur?.getAttribute('src')).toMatch(/^data:image\/|^\/pictures\//);
    }
  });

  it('say how wide they are shown, in every format and width that there is', () => {
    for (const { image, sources } of picturesOf(name)) {
      expect(sources.length).toBeGreaterThan(0);
      for (const one of [image, ...sources]) {
        expect(one.getAttribute('sizes')).toMatch(/\d(px|vw)$/);
        expect(one.getAttribute('srcset')).toMatch(/^\S+ \d+w(, \S+ \d+w)*$/);
      }
      for (const source of sources) expect(source.getAttribute('type')).toMatch(/^image\//);
    }
  });
});

it('a page with less than it should have says so rather than breaking', () => {
  const empty = { ...fixture('home'), home: undefined };
  expect(engine.renderPage(JSON.stringify(empty))).toContain('Nothing is for sale yet');
});

it('text of a document stays text', () => {
  const page = fixture('product');
  if (page.product) page.product.product.title = '<script>alert(1)</script>';
  const html = engine.renderPage(JSON.stringify(page));
  expect(html).not.toContain('<script>alert');
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
});

it('a kind that nobody knows is refused', () => {
  expect(() => engine.renderPage(JSON.stringify({ ...fixture('home'), kind: 'nothing' }))).toThrow('no page of kind');
});
