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
