/* The way to the API: CSRF token, one renewal of the session, problems. */
import { api, call, problemFrom, safeReturn, unwrap, visitorStore, withReturn } from '@shopstream/shared';
import { expect, it } from 'vitest';

import { answers } from './browser';

const expired = { status: 401, body: { status: 401, code: 'token_expired', detail: 'Sign in again.' } };

it('carries the CSRF token on writes only', async () => {
  answers.on('GET /api/catalog/v1/products', () => ({ body: { products: [] } }));
  answers.on('POST /session', () => ({ status: 204 }));
  await unwrap(api.GET('/api/catalog/v1/products'));
  await call('POST', '/session', { email: 'ann@example.com', password: 'x' });
  expect(answers.of('GET /api/catalog/v1/products')[0]?.headers.get('x-csrf-token')).toBeNull();
  expect(answers.of('POST /session')[0]?.headers.get('x-csrf-token')).toBe('token-of-the-test');
  expect(answers.of('POST /session')[0]?.body).toEqual({ email: 'ann@example.com', password: 'x' });
});

it('asks who it is before the first write, which sets the token', async () => {
  document.cookie = 'csrf=; max-age=0';
  answers.on('GET /visitor', () => {
    document.cookie = 'csrf=fresh';
    return { body: {} };
  });
  answers.on('DELETE /session', () => ({ status: 204 }));
  await call('DELETE', '/session');
  expect(answers.of('DELETE /session')[0]?.headers.get('x-csrf-token')).toBe('fresh');
});

it('renews the session once and sends the request again', async () => {
  let renewed = false;
  answers.on('GET /api/identity/v1/me', () => (renewed ? { body: { id: 'ann' } } : expired));
  answers.on('POST /session/refresh', () => {
    renewed = true;
    return { status: 204 };
  });
  const both = await Promise.all([unwrap(api.GET('/api/identity/v1/me')), unwrap(api.GET('/api/identity/v1/me'))]);
  expect(both).toEqual([{ id: 'ann' }, { id: 'ann' }]);
  expect(answers.of('POST /session/refresh')).toHaveLength(1);
});

it('tells the refusal where the session cannot be renewed', async () => {
  answers.on('GET /api/identity/v1/me', () => expired);
  answers.on('POST /session/refresh', () => ({ status: 401, body: { code: 'invalid_refresh_token' } }));
  const problem = problemFrom(await unwrap(api.GET('/api/identity/v1/me')).catch((error: unknown) => error));
  expect(problem).toMatchObject({ status: 401, code: 'token_expired', detail: 'Sign in again.' });
});

it('goes on as a guest where the session has ended', async () => {
  visitorStore.set({ signed_in: true, name: 'Ann', cart_count: 2 });
  let ended = false;
  answers.on('GET /api/orders/v1/cart', () => (ended ? { body: { id: 'a-guest-s', items: [] } } : expired));
  answers.on('POST /session/refresh', () => {
    ended = true;
    return { status: 401, body: { code: 'invalid_refresh_token' } };
  });
  expect(await unwrap(api.GET('/api/orders/v1/cart'))).toMatchObject({ id: 'a-guest-s' });
  expect(visitorStore.get()).toEqual({ signed_in: false, cart_count: 0 });
});

it('stays signed in where nobody could say whether the session has ended', async () => {
  visitorStore.set({ signed_in: true, name: 'Ann', cart_count: 2 });
  answers.on('GET /api/orders/v1/cart', () => expired);
  answers.on('POST /session/refresh', () => ({ status: 503 }));
  await expect(unwrap(api.GET('/api/orders/v1/cart'))).rejects.toThrow('token_expired');
  expect(answers.of('GET /api/orders/v1/cart')).toHaveLength(1);
  expect(visitorStore.get()?.signed_in).toBe(true);
});

it('takes a new CSRF token where the old one was refused', async () => {
  let tries = 0;
  answers.on('DELETE /session', () => (tries++ === 0 ? { status: 403, body: { code: 'csrf' } } : { status: 204 }));
  await call('DELETE', '/session');
  expect(tries).toBe(2);
});

it('says what failed, by field', async () => {
  answers.on('POST /session', () => ({
    status: 400,
    body: { code: 'invalid', detail: 'Bad.', trace_id: 't1', errors: [{ pointer: '/email', detail: 'must be an address.' }] },
  }));
  const problem = problemFrom(await call('POST', '/session', {}).catch((error: unknown) => error));
  expect(problem).toEqual({
    status: 400,
    code: 'invalid',
    detail: 'Bad.',
    fields: { '/email': 'must be an address.' },
    trace_id: 't1',
  });
});

it('knows a shop that cannot be reached from one that is broken', async () => {
  answers.on('POST /session', () => new TypeError('network'));
  expect(problemFrom(await call('POST', '/session', {}).catch((error: unknown) => error)).code).toBe('unreachable');
  answers.on('POST /session', () => ({ status: 502 }));
  expect(problemFrom(await call('POST', '/session', {}).catch((error: unknown) => error)).detail).toContain('our side');
});

it('comes back to pages of this shop only', () => {
  expect(safeReturn('/checkout?x=1')).toBe('/checkout?x=1');
  for (const bad of [undefined, '', 'https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)'])
    expect(safeReturn(bad)).toBe('/');
  expect(withReturn('/login', '/checkout?a=b&c')).toBe('/login?return_to=%2Fcheckout%3Fa%3Db%26c');
  expect(withReturn('/login', '/')).toBe('/login');
});
