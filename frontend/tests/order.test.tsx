/* An order's page follows the order. */
import type { Order } from '@shopstream/shared';
import { expect, it } from 'vitest';

import { answers, change, click, control, FakeEventSource, find, fixture, mount, until, watchLocation } from './browser';

const pending = fixture('order-pending').order?.order as Order;
const GET = `GET /api/orders/v1/orders/${pending.id}`;

function status(root: ParentNode): string | undefined {
  return find(root, '[data-status]').dataset['status'];
}

it('leads to the bank, and changes when the order is confirmed', async () => {
  answers.on(GET, () => ({ body: pending }));
  const root = await mount(fixture('order-pending'));
  expect(control(root, 'Go to your bank').getAttribute('href')).toBe('http://localhost:3011/challenge/pi_1');
  const [source] = FakeEventSource.opened;
  expect(source?.url).toBe(`/api/realtime/v1/events?channels=order%3A${pending.id}`);
  answers.on(GET, () => ({ body: { ...pending, status: 'confirmed', version: 9 } }));
  await change(() => source?.tell('order.confirmed', { order_id: pending.id }));
  await until(() => status(root) === 'confirmed');
  expect(root.textContent).toContain('Your order is confirmed');
  expect(find(root, 'address').textContent).toBe('Ann ExampleMain Street 110115 BerlinGermany');
});

it('is asked for once its stream is there: it may have changed since the page was made', async () => {
  answers.on(GET, () => ({ body: { ...pending, status: 'confirmed', version: 9 } }));
  const root = await mount(fixture('order-pending'));
  expect(answers.of(GET)).toHaveLength(0);
  await change(() => FakeEventSource.last().open());
  expect(status(root)).toBe('confirmed');
});

it('is waited for where events do not come', async () => {
  answers.on(GET, ({ headers }) => ({ body: headers.has('prefer') ? { ...pending, status: 'failed', version: 9 } : pending }));
  const root = await mount(fixture('order-pending'));
  await change(() => FakeEventSource.last().refuse());
  expect(status(root)).toBe('failed');
  expect(answers.of(GET).map(({ headers }) => headers.get('prefer'))).toEqual([null, 'wait=20']);
});

it('is cancelled by its customer', async () => {
  const order = fixture('order').order?.order as Order;
  const CANCEL = `POST /api/orders/v1/orders/${order.id}/cancel`;
  answers.on(`GET /api/orders/v1/orders/${order.id}`, () => ({ body: { ...order, cancel_requested: true } }));
  const root = await mount(fixture('order'));
  expect(root.textContent).toContain('Thank you, Ann');
  answers.on(CANCEL, () => ({ status: 409, body: { detail: 'It was sent already.' } }));
  await click(control(root, 'Yes, cancel it'));
  expect(root.textContent).toContain('It was sent already.');
  answers.on(CANCEL, () => ({ body: { ...order, cancel_requested: true } }));
  await click(control(root, 'Yes, cancel it'));
  expect(root.textContent).toContain('being cancelled');
});

it('that failed goes back into the cart', async () => {
  const order = fixture('order-failed').order?.order as Order;
  const went = watchLocation();
  const root = await mount(fixture('order-failed'));
  expect(root.textContent).toContain('Your card was declined. Nothing was charged');
  answers.on('POST /api/orders/v1/cart/items', () => ({ status: 409, body: { detail: 'The cart is full.' } }));
  await click(control(root, 'Try again with another card'));
  expect(root.textContent).toContain('The cart is full.');
  answers.on('POST /api/orders/v1/cart/items', () => ({ status: 201, body: {} }));
  await click(control(root, 'Try again with another card'));
  await until(() => went.length === 1);
  expect(went).toEqual(['/checkout']);
  expect(answers.of('POST /api/orders/v1/cart/items').at(-1)?.body).toMatchObject({ sku_id: order.lines.at(-1)?.sku_id });
});
