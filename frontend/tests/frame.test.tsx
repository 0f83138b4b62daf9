/* What stands around every page: search as one types, the visitor, offline, colours. */
import { expect, it, vi } from 'vitest';

import { Boundary } from '../shell/src/boundary';
import { answers, change, click, find, fixture, mount, mountTree, press, type, until, watchLocation } from './browser';

const product = fixture('product').product?.product;
const products = [1, 2, 3].map((number) => ({ ...product, id: `${number}`, slug: `grinder-${number}`, title: `Grinder ${number}` }));

function searchInput(root: ParentNode): HTMLInputElement {
  return find<HTMLInputElement>(root, 'input[role="combobox"]');
}

async function suggestions(root: ParentNode): Promise<HTMLInputElement> {
  answers.on('GET /api/catalog/v1/products', () => ({ body: { products } }));
  const input = searchInput(root);
  await type(input, 'steel');
  await until(() => root.querySelectorAll('[role="option"]').length === 3);
  return input;
}

it('suggests products, to be walked through by keys', async () => {
  const root = await mount(fixture('home'));
  const went = watchLocation();
  const input = await suggestions(root);
  expect(answers.of('GET /api/catalog/v1/products')[0]?.query.get('q')).toBe('steel');
  expect(input.getAttribute('aria-expanded')).toBe('true');
  await press(input, 'ArrowDown');
  await press(input, 'ArrowDown');
  const active = input.getAttribute('aria-activedescendant') ?? '';
  expect(document.getElementById(active)?.textContent).toContain(products[1]?.title);
  await press(input, 'ArrowUp');
  await press(input, 'Enter');
  expect(went).toEqual([`/products/${products[0]?.slug}`]);
});

it('wraps around, and Escape closes without leaving the words', async () => {
  const root = await mount(fixture('home'));
  const input = await suggestions(root);
  await press(input, 'ArrowUp');
  expect(document.getElementById(input.getAttribute('aria-activedescendant') ?? '')?.textContent).toContain(products[2]?.title);
  await press(input, 'ArrowDown');
  expect(input.getAttribute('aria-activedescendant')).toBeNull();
  await press(input, 'Escape');
  expect(input.getAttribute('aria-expanded')).toBe('false');
  expect(input.value).toBe('steel');
});

it('says when nothing is found, and asks nothing for a single letter', async () => {
  const root = await mount(fixture('home'));
  answers.on('GET /api/catalog/v1/products', () => ({ body: { products: [] } }));
  await type(searchInput(root), 's');
  expect(answers.of('GET /api/catalog/v1/products')).toHaveLength(0);
  await type(searchInput(root), 'sx');
  await until(() => root.textContent?.includes('Nothing is called that') ?? false);
});

it('keeps the words of the search that is shown', async () => {
  expect(searchInput(await mount(fixture('search'))).value).toBe('oak');
});

it('shows who is here and how much is in the cart', async () => {
  answers.on('GET /visitor', () => ({ body: { signed_in: true, name: 'Ann Example', cart_count: 3 } }));
  const root = await mount(fixture('home'));
  expect(find(root, 'a[href="/account"]').textContent).toContain('Ann');
  expect(find(root, 'header a[href="/cart"]').textContent).toContain('3 items');
});

it('goes on where nobody answers who is here', async () => {
  answers.on('GET /visitor', () => new TypeError('network'));
  const root = await mount(fixture('home'));
  expect(find(root, 'header').textContent).toContain('Cart');
});

it('says so when the browser is offline, and stops when it is back', async () => {
  const root = await mount(fixture('home'));
  const online = vi.spyOn(navigator, 'onLine', 'get');
  online.mockReturnValue(false);
  await change(() => dispatchEvent(new Event('offline')));
  expect(root.textContent).toContain('You are offline');
  online.mockReturnValue(true);
  await change(() => dispatchEvent(new Event('online')));
  expect(root.textContent).not.toContain('You are offline');
});

it('keeps the colours that were chosen', async () => {
  const root = await mount(fixture('home'));
  await click(find(root, 'input[value="dark"]'));
  expect(document.documentElement.dataset['theme']).toBe('dark');
  expect(localStorage.getItem('theme')).toBe('dark');
  await click(find(root, 'input[value="system"]'));
  expect(document.documentElement.dataset['theme']).toBeUndefined();
  expect(localStorage.getItem('theme')).toBeNull();
});

it('a page that breaks says so, and what is safe', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const Broken = () => {
    throw new Error('planted');
  };
  const root = await mountTree(
    <Boundary>
      <Broken />
    </Boundary>,
  );
  expect(root.textContent).toContain('This page broke');
  expect(root.textContent).toContain('Nothing was ordered');
});
