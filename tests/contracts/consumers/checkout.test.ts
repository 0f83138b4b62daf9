/* What the pages of cart, checkout and orders ask, and what they read of the answers. */
import { api, changeQuantity, newKey, problemFrom, removeItem, unwrap } from '@shopstream/shared';
import { expect, test } from 'vitest';

import { beginAttempt, readAttempt, refillCart, sendAttempt, type OrderRequest } from '../../../frontend/checkout/src/attempt';
import {
  asBrowser,
  cart,
  contract,
  JSON_TYPE,
  match,
  money,
  once,
  order,
  problem,
  PROBLEM_TYPE,
  sending,
  streamContract,
  UUID,
  writing,
} from './contract';

const orders = () => contract('checkout', 'orders-service');
const item = (path: string) =>
  match.fromProviderState(`/api/orders/v1/cart/items/\${${path}}`, `/api/orders/v1/cart/items/${UUID}`);

test('checkout: another quantity', () =>
  orders()
    .addInteraction()
    .given('something is in the cart')
    .uponReceiving('another quantity of it')
    .withRequest('PATCH', item('item_id'), (request) =>
      request.headers({ ...sending(), ...once() }).jsonBody({ quantity: match.integer(2) }),
    )
    .willRespondWith(200, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(cart()))
    .executeTest((server) => asBrowser(server, () => changeQuantity(UUID, 2))));

test('checkout: something is taken out', () =>
  orders()
    .addInteraction()
    .given('something is in the cart')
    .uponReceiving('that it is taken out')
    .withRequest('DELETE', item('item_id'), (request) => request.headers({ ...writing(), ...once() }))
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({ id: match.string('795f'), items: [] }))
    .executeTest((server) => asBrowser(server, () => removeItem(UUID))));

test('checkout: ways of delivery', () =>
  orders()
    .addInteraction()
    .uponReceiving('the question how it delivers to a country')
    .withRequest('GET', '/api/orders/v1/shipping-methods', (request) => request.query({ country: 'AT', currency: 'EUR' }))
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({
        shipping_methods: match.eachLike({
          id: match.string('standard'),
          title: match.string('Standard delivery'),
          price: money(),
          days_min: match.integer(2),
          days_max: match.integer(4),
        }),
      }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const query = { country: 'AT', currency: 'EUR' };
        const reply = await unwrap(api.GET('/api/orders/v1/shipping-methods', { params: { query } }));
        expect(reply.shipping_methods).toHaveLength(1);
      }),
    ));

const request = (sku: string, method: string): OrderRequest => ({
  items: [{ sku_id: sku, quantity: 1 }],
  email: 'ann@example.com',
  shipping_address: { name: 'Ann', line1: '1 Main Street', city: 'Vienna', postal_code: '1010', country: 'AT' },
  shipping_method: 'standard',
  currency: 'EUR',
  payment: { payment_method: method },
});
const asked = (method: string) => ({
  ...request(UUID, method),
  items: [{ sku_id: match.fromProviderState('${sku_id}', UUID), quantity: match.integer(1) }],
});
const waiting = () => ({ ...sending(), ...once(), Prefer: match.regex('^wait=\\d+$', 'wait=5') });

test('checkout: an order', () =>
  orders()
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('an order with a card that pays')
    .withRequest('POST', '/api/orders/v1/orders', (to) => to.headers(waiting()).jsonBody(asked('pm_card_visa')))
    .willRespondWith(201, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(order('confirmed')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const placed = await sendAttempt(beginAttempt(request(UUID, 'pm_card_visa'), 'a'));
        expect(placed.status).toBe('confirmed');
        expect(readAttempt()).toMatchObject({ order_id: placed.id });
      }),
    ));

test('checkout: an order that the bank asks more for', () =>
  orders()
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('an order with a card whose bank asks the customer')
    .withRequest('POST', '/api/orders/v1/orders', (to) =>
      to.headers(waiting()).jsonBody(asked('pm_card_authenticationRequired')),
    )
    .willRespondWith(201, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({
        id: match.uuid(UUID),
        status: 'pending',
        payment: {
          next_action: { redirect_to_url: { url: match.regex('^https?:.+$', 'http://localhost:3011/3ds') } },
        },
      }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const placed = await sendAttempt(beginAttempt(request(UUID, 'pm_card_authenticationRequired'), 'b'));
        expect(placed.payment?.next_action?.redirect_to_url?.url).toMatch(/^http/);
      }),
    ));

test('checkout: an order of what is not there', () =>
  orders()
    .addInteraction()
    .uponReceiving('an order of a SKU that there is not')
    .withRequest('POST', '/api/orders/v1/orders', (to) =>
      to.headers(waiting()).jsonBody({ ...request(UUID, 'pm_card_visa'), items: [{ sku_id: UUID, quantity: 1 }] }),
    )
    .willRespondWith(400, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(400, 'no_such_sku', '/items/0')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const failed = await sendAttempt(beginAttempt(request(UUID, 'pm_card_visa'), 'c')).catch((error: unknown) => error);
        expect(problemFrom(failed).code).toBe('no_such_sku');
        expect(readAttempt()).toBeUndefined();
      }),
    ));

const orderPath = (rest = '') =>
  match.fromProviderState(`/api/orders/v1/orders/\${order_id}${rest}`, `/api/orders/v1/orders/${UUID}${rest}`);

test('checkout: an order as it is now', () =>
  orders()
    .addInteraction()
    .given('an order was placed')
    .uponReceiving('a request for the order')
    .withRequest('GET', orderPath())
    .willRespondWith(200, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(order('confirmed')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const found = await unwrap(api.GET('/api/orders/v1/orders/{id}', { params: { path: { id: UUID } } }));
        expect(found.status).toBe('confirmed');
      }),
    ));

test('checkout: an order is cancelled', () =>
  orders()
    .addInteraction()
    .given('an order was placed')
    .uponReceiving('that the order is cancelled')
    .withRequest('POST', orderPath('/cancel'), (to) => to.headers({ ...writing(), ...once() }))
    .willRespondWith(200, (response) =>
      response
        .headers({ 'Content-Type': JSON_TYPE })
        .jsonBody({ id: match.uuid(UUID), status: match.regex('^(confirmed|cancelled)$', 'cancelled') }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const params = { path: { id: UUID }, header: { 'Idempotency-Key': newKey() } };
        const cancelled = await unwrap(api.POST('/api/orders/v1/orders/{id}/cancel', { params }));
        expect(cancelled.status).toBe('cancelled');
      }),
    ));

test('checkout: what happens to an order', () => streamContract('checkout', 'an order was placed', 'order', 'order_id'));

test('checkout: what a failed order held goes back into the cart', () =>
  orders()
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('a SKU of an order that failed')
    .withRequest('POST', '/api/orders/v1/cart/items', (request) =>
      request.headers({ ...sending(), ...once() }).jsonBody({
        sku_id: match.fromProviderState('${sku_id}', UUID),
        quantity: match.integer(2),
        currency: 'EUR',
      }),
    )
    .willRespondWith(201, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(cart()))
    .executeTest((server) =>
      asBrowser(server, async () => {
        expect((await refillCart([{ sku_id: UUID, quantity: 2 }], 'EUR'))?.items).toHaveLength(1);
      }),
    ));
