/* What the shell asks: the search of its header, and the pages of access and account. */
import { api, loadVisitor, problemFrom, signOut, unwrap, visitorStore } from '@shopstream/shared';
import { expect, test } from 'vitest';

import * as access from '../../../frontend/shell/src/access/account-calls';
import {
  asBrowser,
  contract,
  id,
  JSON_TYPE,
  match,
  once,
  problem,
  PROBLEM_TYPE,
  product,
  sending,
  UUID,
  writing,
} from './contract';

const PASSWORD = 'a long password of mine';

test('shell: what is found as somebody types', () =>
  contract('shell', 'catalog-service')
    .addInteraction()
    .given('a product is for sale')
    .uponReceiving('words of its title')
    .withRequest('GET', '/api/catalog/v1/products', (request) =>
      request.query({ q: match.fromProviderState('${word}', 'kettle'), limit: '6', currency: 'EUR', region: 'DE' }),
    )
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({ products: match.eachLike(product()) }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const query = { q: 'kettle', limit: 6, currency: 'EUR', region: 'DE' };
        const found = await unwrap(api.GET('/api/catalog/v1/products', { params: { query } }));
        expect(found.products).toHaveLength(1);
      }),
    ));

test('shell: who is here', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('the question who is here')
    .withRequest('GET', '/visitor', (request) => request.headers({ Accept: 'application/json' }))
    .willRespondWith(200, (response) =>
      response
        .headers({ 'Content-Type': JSON_TYPE })
        .jsonBody({ signed_in: true, name: match.string('Ann'), cart_count: match.integer(0) }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        await loadVisitor();
        expect(visitorStore.get()).toEqual({ signed_in: true, name: 'Ann', cart_count: 0 });
      }),
    ));

test('shell: somebody signs in', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody has an account')
    .uponReceiving('their address and password')
    .withRequest('POST', '/session', (request) =>
      request.headers(sending()).jsonBody({ email: match.fromProviderState('${email}', 'ann@example.com'), password: PASSWORD }),
    )
    .willRespondWith(204)
    .executeTest((server) => asBrowser(server, () => access.signIn('ann@example.com', PASSWORD))));

test('shell: a wrong password', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody has an account')
    .uponReceiving('their address and a wrong password')
    .withRequest('POST', '/session', (request) =>
      request.headers(sending()).jsonBody({
        email: match.fromProviderState('${email}', 'ann@example.com'),
        password: 'not the password',
      }),
    )
    .willRespondWith(401, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(401, 'invalid_credentials')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const refused = problemFrom(await access.signIn('ann@example.com', 'not the password').catch((e: unknown) => e));
        expect(refused.code).toBe('invalid_credentials');
      }),
    ));

test('shell: a write without the token of the page is refused', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('the end of their session with a token that is not the page’s')
    .withRequest('DELETE', '/session', (request) => request.headers({ 'X-CSRF-Token': 'of-another-page' }))
    .willRespondWith(403, (response) => response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(403, 'csrf')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        document.cookie = 'csrf=of-another-page';
        const response = await fetch(
          new Request('http://shop.test/session', { method: 'DELETE', headers: { 'X-CSRF-Token': 'of-another-page' } }),
        );
        expect(response.status).toBe(403);
      }),
    ));

test('shell: somebody signs out', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('the end of their session')
    .withRequest('DELETE', '/session', (request) => request.headers(writing()))
    .willRespondWith(204)
    .executeTest((server) => asBrowser(server, signOut)));

test('shell: an account is asked for', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .uponReceiving('name, address and password of somebody new')
    .withRequest('POST', '/api/identity/v1/signup', (request) =>
      request.headers(sending()).jsonBody({ email: 'new@example.com', password: PASSWORD, name: 'Ann' }),
    )
    .willRespondWith(201, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({ email: 'new@example.com', status: 'verification_sent' }))
    .executeTest((server) =>
      asBrowser(server, () => access.signUp({ email: 'new@example.com', password: PASSWORD, name: 'Ann' })),
    ));

test('shell: a password that is too short', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .uponReceiving('a password that is too short')
    .withRequest('POST', '/api/identity/v1/signup', (request) =>
      request.headers(sending()).jsonBody({ email: 'short@example.com', password: 'short', name: 'Ann' }),
    )
    .willRespondWith(400, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(400, 'too_short', '/password')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const body = { email: 'short@example.com', password: 'short', name: 'Ann' };
        const refused = problemFrom(await access.signUp(body).catch((error: unknown) => error));
        expect(refused.fields).toHaveProperty('/password');
      }),
    ));

test('shell: the code of the mail', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody has signed up')
    .uponReceiving('the code that was mailed to them')
    .withRequest('POST', '/api/identity/v1/verify', (request) =>
      request.headers(sending()).jsonBody({
        email: match.fromProviderState('${email}', 'ann@example.com'),
        code: match.fromProviderState('${code}', '123456'),
      }),
    )
    .willRespondWith(204)
    .executeTest((server) =>
      asBrowser(server, () => access.confirmAddress({ email: 'ann@example.com', code: '123456' })),
    ));

test('shell: a wrong code', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody has signed up')
    .uponReceiving('a wrong code')
    .withRequest('POST', '/api/identity/v1/verify', (request) =>
      request.headers(sending()).jsonBody({ email: match.fromProviderState('${email}', 'ann@example.com'), code: 'xxxxxx' }),
    )
    .willRespondWith(400, (response) =>
      response.headers({ 'Content-Type': PROBLEM_TYPE }).jsonBody(problem(400, 'invalid_code', '/code')))
    .executeTest((server) =>
      asBrowser(server, async () => {
        const body = { email: 'ann@example.com', code: 'xxxxxx' };
        const refused = problemFrom(await access.confirmAddress(body).catch((error: unknown) => error));
        expect(refused.fields).toHaveProperty('/code');
      }),
    ));

test('shell: a code for a forgotten password', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .uponReceiving('the address of somebody who forgot their password')
    .withRequest('POST', '/api/identity/v1/password/forgot', (request) =>
      request.headers(sending()).jsonBody({ email: 'whoever@example.com' }),
    )
    .willRespondWith(204)
    .executeTest((server) => asBrowser(server, () => access.askForCode('whoever@example.com'))));

test('shell: another password', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('their password and another one')
    .withRequest('POST', '/api/identity/v1/password/change', (request) =>
      request.headers(sending()).jsonBody({ current_password: PASSWORD, new_password: 'another long password' }),
    )
    .willRespondWith(204)
    .executeTest((server) =>
      asBrowser(server, () =>
        access.changePassword({ current_password: PASSWORD, new_password: 'another long password' })),
    ));

test('shell: another password for one that was forgotten', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody forgot their password')
    .uponReceiving('the code that was mailed to them, and another password')
    .withRequest('POST', '/api/identity/v1/password/reset', (request) =>
      request.headers(sending()).jsonBody({
        email: match.fromProviderState('${email}', 'ann@example.com'),
        code: match.fromProviderState('${code}', '123456'),
        password: 'another long password',
      }),
    )
    .willRespondWith(204)
    .executeTest((server) =>
      asBrowser(server, () =>
        access.resetPassword({ email: 'ann@example.com', code: '123456', password: 'another long password' })),
    ));

test('shell: another name', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('their new name')
    .withRequest('PATCH', '/api/identity/v1/me', (request) =>
      request.headers({ ...sending(), ...once() }).jsonBody({ name: 'Ann of Old' }),
    )
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({ id: id(), name: 'Ann of Old' }))
    .executeTest((server) =>
      asBrowser(server, () => access.changeName('Ann of Old'), { 'GET /visitor': () => Response.json({ signed_in: true }) }),
    ));

/* What is asked with a session that has run out is asked again once it is renewed. */
const runsOutOnce = () => {
  let asked = 0;
  const code = 'token_expired';
  return { 'GET /visitor': () => Response.json(asked++ ? { signed_in: true, name: 'Ann' } : { code }, { status: asked > 1 ? 200 : 401 }) };
};

test('shell: a session that has run out is renewed', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('that their session is renewed')
    .withRequest('POST', '/session/refresh', (request) => request.headers(writing()))
    .willRespondWith(204)
    .executeTest((server) =>
      asBrowser(server, async () => {
        await loadVisitor();
        expect(visitorStore.get()).toMatchObject({ signed_in: true, name: 'Ann' });
      }, runsOutOnce()),
    ));

test('shell: a session elsewhere is ended', () =>
  contract('shell', 'identity-service')
    .addInteraction()
    .given('somebody is signed in')
    .uponReceiving('the end of one of their sessions')
    .withRequest(
      'DELETE',
      match.fromProviderState('/api/identity/v1/sessions/${session_id}', `/api/identity/v1/sessions/${UUID}`),
      (request) => request.headers(writing()),
    )
    .willRespondWith(204)
    .executeTest((server) => asBrowser(server, () => access.endSession(UUID))));

test('shell: nobody is here', () =>
  contract('shell', 'shell-service')
    .addInteraction()
    .uponReceiving('the question who is here, of nobody')
    .withRequest('GET', '/visitor', (request) => request.headers({ Accept: 'application/json' }))
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': JSON_TYPE }).jsonBody({ signed_in: false, cart_count: 0 }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        await loadVisitor();
        expect(visitorStore.get()).toEqual({ signed_in: false, cart_count: 0 });
      }),
    ));
