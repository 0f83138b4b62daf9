/* What the catalog's pages ask, and what they read of the answers. */
import { addToCart, api, cartStore, problemFrom, unwrap } from '@shopstream/shared';
import { expect, test } from 'vitest';

import {
  asBrowser,
  cart,
  contract,
  id,
  JSON_TYPE,
  match,
  once,
  problem,
  PROBLEM_TYPE,
  product,
  sending,
  streamContract,
  UUID,
} from './contract';

const getProduct = (which: string) =>
  unwrap(api.GET('/api/catalog/v1/products/{id}', { params: { path: { id: which } } }));

test('catalog: a product as it is now', () =>
  contract('catalog', 'catalog-service')
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('a request for the product')
    .withRequest('GET', match.fromProviderState('/api/catalog/v1/products/${product_id}', `/api/catalog/v1/products/${UUID}`))
    .willRespondWith(200, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(product()))
    .executeTest((server) =>
      asBrowser(server, async () => {
        expect(await getProduct(UUID)).toMatchObject({ id: UUID, skus: [{ available: 5 }] });
      }),
    ));

test('catalog: a product that is no longer for sale', () =>
  contract('catalog', 'catalog-service')
    .addInteraction()
    .uponReceiving('a request for a product that is not there')
    .withRequest('GET', `/api/catalog/v1/products/${UUID}`)
    .willRespondWith(404, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(404, 'product_not_found')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const refused = problemFrom(await getProduct(UUID).catch((error: unknown) => error));
        expect(refused).toMatchObject({ status: 404, code: 'product_not_found' });
      }),
    ));

const added = { title: 'Alder Kettle', attributes: {}, sku_id: UUID };

test('catalog: something goes into the cart', () =>
  contract('catalog', 'orders-service')
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('a SKU for the cart')
    .withRequest('POST', '/api/orders/v1/cart/items', (request) =>
      request.headers({ ...sending(), ...once() }).jsonBody({
        sku_id: match.fromProviderState('${sku_id}', UUID),
        quantity: match.integer(1),
        currency: 'EUR',
      }),
    )
    .willRespondWith(201, (response) => response.headers({ 'Content-Type': JSON_TYPE }).jsonBody(cart()))
    .executeTest((server) =>
      asBrowser(server, async () => {
        await addToCart(added, 1, 'EUR');
        expect(cartStore.get().cart?.items).toHaveLength(1);
      }),
    ));

test('catalog: a SKU that there is not', () =>
  contract('catalog', 'orders-service')
    .addInteraction()
    .uponReceiving('a SKU for the cart that there is not')
    .withRequest('POST', '/api/orders/v1/cart/items', (request) =>
      request.headers({ ...sending(), ...once() }).jsonBody({ sku_id: id(), quantity: match.integer(1), currency: 'EUR' }),
    )
    .willRespondWith(400, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(400, 'no_such_sku', '/sku_id')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const refused = problemFrom(await addToCart(added, 1, 'EUR').catch((error: unknown) => error));
        expect(refused.fields).toHaveProperty('/sku_id');
      }),
    ));

test('catalog: what happens to a product', () => streamContract('catalog', 'a product is for sale', 'product', 'product_id'));
