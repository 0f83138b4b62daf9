/* The product page as somebody uses it. */
import type { Cart, Product } from '@shopstream/shared';
import { expect, it } from 'vitest';

import { answers, change, click, control, FakeEventSource, find, fixture, mount, submit, type } from './browser';

const ADD = 'POST /api/orders/v1/cart/items';

function product(): Product {
  return fixture('product').product?.product as Product;
}

function cartWith(sku_id: string, quantity: number): Cart {
  const price = { amount: 9990, currency: 'EUR' };
  return { id: 'c', items: [{ id: 'i', sku_id, title: 'x', quantity, price, line_total: price, attributes: {} }], total: price };
}

function answerAdds(): void {
  answers.on(ADD, ({ body }) => {
    const { sku_id, quantity } = body as { sku_id: string; quantity: number };
    return { body: cartWith(sku_id, quantity) };
  });
}

it('puts the chosen variant into the cart once, however often it is clicked, and opens the drawer', async () => {
  answerAdds();
  const root = await mount(fixture('product'));
  const form = find<HTMLFormElement>(root, 'main form');
  await change(() => {
    form.requestSubmit();
    form.requestSubmit();
    form.requestSubmit();
  });
  const asked = answers.of(ADD);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.body).toEqual({ sku_id: product().skus[0]?.id, quantity: 1, currency: 'EUR' });
  expect(asked[0]?.headers.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/);
  const drawer = find<HTMLDialogElement>(root, 'dialog');
  expect(drawer.open).toBe(true);
  expect(drawer.textContent).toContain(product().title);
  expect(find(root, 'a[href="/cart"]').textContent).toContain('1');
  await click(control(drawer, 'Go on shopping'));
  expect(drawer.open).toBe(false);
});

it('says what went wrong and lets one try again', async () => {
  answers.on(ADD, () => ({ status: 409, body: { code: 'cart_full', detail: 'A cart holds at most 99 articles.' } }));
  const root = await mount(fixture('product'));
  await submit(root);
  expect(find(root, 'main form [role="alert"]').textContent).toBe('A cart holds at most 99 articles.');
  answerAdds();
  await submit(root);
  expect(answers.of(ADD)).toHaveLength(2);
  expect(find<HTMLDialogElement>(root, 'dialog').open).toBe(true);
});

it('shows a sold-out variant as such, and its price with each choice', async () => {
  const root = await mount(fixture('product'));
  const sold = product().skus[1];
  const [, second = ''] = Object.keys(sold?.attributes ?? {});
  await click(find(root, `input[name="${second}"][value="${sold?.attributes[second]}"]`));
  const button = find<HTMLButtonElement>(root, 'main form button[type="submit"]');
  expect(button.disabled).toBe(true);
  expect(button.textContent).toBe('Sold out');
  expect(location.hash).toBe(`#${sold?.code}`);
  expect(find(root, '[data-price]').dataset['price']).toBe(String(sold?.price?.amount));
});

it('opens the variant that the address names', async () => {
  const linked = product().skus[2];
  history.replaceState(null, '', `#${linked?.code}`);
  const root = await mount(fixture('product'));
  expect(find(root, '[data-stock]').dataset['stock']).toBe('3');
  expect(find(root, '[data-stock]').textContent).toContain('Only 3 left');
});

it('never offers more than is there', async () => {
  const root = await mount(fixture('product'));
  history.replaceState(null, '', `#${product().skus[2]?.code}`);
  const sku = product().skus[2];
  const [, second = ''] = Object.keys(sku?.attributes ?? {});
  await click(find(root, `input[name="${second}"][value="${sku?.attributes[second]}"]`));
  const quantity = find<HTMLInputElement>(root, 'input[inputmode="numeric"]');
  await type(quantity, '50');
  expect(quantity.value).toBe('3');
  await click(find(root, '[aria-label="One less"]'));
  expect(quantity.value).toBe('2');
  await click(find(root, '[aria-label="One more"]'));
  expect(quantity.value).toBe('3');
  await type(quantity, 'many');
  expect(quantity.value).toBe('1');
});

it('follows stock and price as they change, and says when it is gone', async () => {
  const root = await mount(fixture('product'));
  const source = FakeEventSource.opened[0] as FakeEventSource;
  expect(source.url).toBe(`/api/realtime/v1/events?channels=product%3A${product().id}`);
  const sku = product().skus[0];
  await change(() => source.tell('product.stock_changed', { stock: [{ sku_id: sku?.id, available: 2 }] }));
  expect(find(root, '[data-stock]').textContent).toContain('Only 2 left');
  await change(() => source.tell('product.stock_changed', { stock: [{ sku_id: sku?.id }] }));
  expect(find(root, '[data-stock]').textContent).toContain('Sold out');
  const dearer = product().skus.map((one) => ({ ...one, price: { amount: 12345, currency: 'EUR' } }));
  await change(() => source.tell('product.updated', { product: { ...product(), title: 'Renamed', skus: dearer } }));
  expect(find(root, 'h1').textContent).toBe('Renamed');
  expect(find(root, '[data-price]').textContent).toBe('€123.45');
  answers.on(`GET /api/catalog/v1/products/${product().id}`, () => ({ body: { ...product(), title: 'Fetched anew' } }));
  await change(() => source.tell('resync', {}));
  expect(find(root, 'h1').textContent).toBe('Fetched anew');
  await change(() => source.tell('product.deleted', {}));
  expect(root.textContent).toContain('just taken out of the shop');
});

it('says that it is gone where that happened unheard', async () => {
  const root = await mount(fixture('product'));
  answers.on(`GET /api/catalog/v1/products/${product().id}`, () => ({ status: 404, body: { code: 'product_not_found' } }));
  await change(() => FakeEventSource.last().tell('resync', {}));
  expect(root.textContent).toContain('just taken out of the shop');
});

it('is a page still where nothing is for sale and nothing was drawn', async () => {
  const page = fixture('product-bare');
  if (page.product) page.product.product.skus = [];
  const root = await mount(page);
  expect(root.textContent).toContain('not for sale at the moment');
  expect(root.querySelector('main svg')).not.toBeNull();
});
