/* What a browser keeps of a customer, and for how long; and that nothing which comes from outside reaches prototypes. */
import { type PageDocument } from '@shopstream/shared';
import { expect, it, vi } from 'vitest';

import { applyEvent } from '../catalog/src/live-product';
import { isPlaced, readAttempt } from '../checkout/src/attempt';
import { keepDraft, readDraft } from '../checkout/src/draft';
import { fieldErrors } from '../shared/src/state/form';
import { problemOf } from '../shared/src/state/problem';
import { answers, change, fill, find, fixture, mount, submit, watchLocation } from './browser';

const CARD = 'http://pay.test';
const PERSONAL = { email: 'ann@example.com', name: 'Ann Example', line1: 'Main Street 1', postal_code: '10115', city: 'Berlin' };

function kept(): string {
  return JSON.stringify([{ ...sessionStorage }, { ...localStorage }]);
}

async function openCheckout(): Promise<HTMLElement> {
  const page = fixture('checkout');
  if (page.checkout) page.checkout.card_field = { kind: 'emulator', url: `${CARD}/card-field` };
  const root = await mount(page);
  await fill(root, PERSONAL);
  return root;
}

it('keeps what was typed for half an hour and no longer', () => {
  vi.useFakeTimers({ now: 1_000_000 });
  keepDraft({ city: 'Berlin' });
  vi.advanceTimersByTime(29 * 60_000);
  expect(readDraft()).toEqual({ city: 'Berlin' });
  vi.advanceTimersByTime(60_000);
  expect(readDraft()).toEqual({});
  expect(sessionStorage).toHaveLength(0);
});

it('a draft that is none is passed over', () => {
  for (const text of ['{', 'null', '7', '[]', '{"at":"x"}']) {
    sessionStorage.setItem('checkout-draft', text);
    expect(readDraft()).toEqual({});
  }
});

it('nothing of the customer is left once there is an order', async () => {
  const root = await openCheckout();
  expect(kept()).toContain(PERSONAL.line1);
  watchLocation();
  answers.on('POST /api/orders/v1/orders', () => ({ status: 201, body: { ...fixture('order').order?.order, status: 'confirmed' } }));
  const source = find<HTMLIFrameElement>(root, 'iframe').contentWindow;
  await submit(root);
  await change(() => dispatchEvent(new MessageEvent('message', { data: { type: 'payment_method', id: 'pm_1' }, origin: CARD, source })));
  const attempt = readAttempt();
  expect(attempt && isPlaced(attempt)).toBe(true);
  for (const value of [...Object.values(PERSONAL), 'pm_1']) expect(kept()).not.toContain(value);
});

it('the address of a sign-in is forgotten with it', async () => {
  watchLocation();
  const root = await mount(fixture('login'));
  const values = { email: PERSONAL.email, password: 'a long password' };
  answers.on('POST /session', () => ({ status: 401, body: { detail: 'No.' } }));
  await fill(root, values);
  await submit(root);
  expect(kept()).toContain(PERSONAL.email); // For "forgot your password?".
  answers.on('POST /session', () => ({ status: 204 }));
  await submit(root);
  expect(kept()).not.toContain(PERSONAL.email);
  expect(kept()).not.toContain(values.password);
});

const HOSTILE = ['{"__proto__":{"polluted":"yes"}}', '{"constructor":{"prototype":{"polluted":"yes"}}}'];

function withHostile(page: PageDocument, hostile: string): PageDocument {
  const listing = JSON.parse(hostile) as object;
  return JSON.parse(JSON.stringify({ ...page, ...listing, site: { ...page.site, ...listing } })) as PageDocument;
}

it('no JSON reaches a prototype', async () => {
  const before = Reflect.ownKeys(Object.prototype).length;
  for (const hostile of HOSTILE) {
    const parsed = JSON.parse(hostile) as Record<string, unknown>;
    const errors = ['/__proto__', '__proto__', '/a/constructor', '/__proto__/polluted'].map((pointer) => ({ pointer, detail: 'x' }));
    const found = fieldErrors(problemOf(400, { ...parsed, errors }));
    expect(Object.getPrototypeOf(found)).toBeNull();
    expect(found['__proto__']).toBe('x');
    const product = fixture('product').product?.product;
    if (product) applyEvent(product, { type: 'product.updated', data: { ...parsed, product: parsed, stock: [parsed] } });
    for (const key of ['checkout-draft', 'checkout-attempt']) sessionStorage.setItem(key, hostile);
    readDraft();
    readAttempt();
    await mount(withHostile(fixture('product'), hostile));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  }
  expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before);
});
