/* Signing in and up, forgotten passwords, the account. */
import { expect, it } from 'vitest';

import { describeDevice } from '../shell/src/access/device';
import { answers, click, control, fill, find, fixture, mount, submit, until, watchLocation } from './browser';

const SESSION = 'POST /session';
const PASSWORD_FORM = 'form:has([name="current_password"])';
const done = () => ({ status: 204 });

it('signs in and goes back to where one came from', async () => {
  answers.on(SESSION, done);
  const went = watchLocation();
  const root = await mount(fixture('login'));
  await fill(root, { email: 'ann@example.com', password: 'a long password' });
  await submit(root);
  expect(answers.of(SESSION)[0]?.body).toEqual({ email: 'ann@example.com', password: 'a long password' });
  expect(went).toEqual(['/checkout']);
});

it('says that address and password do not go together, and keeps them', async () => {
  answers.on(SESSION, () => ({ status: 401, body: { code: 'invalid_credentials', detail: 'x' } }));
  const root = await mount(fixture('login'));
  await submit(root);
  expect(root.querySelectorAll('[aria-invalid="true"]')).toHaveLength(2);
  await fill(root, { email: 'ann@example.com', password: 'wrong' });
  await submit(root);
  expect(root.textContent).toContain('do not go together');
  expect(find<HTMLInputElement>(root, '[name="password"]').value).toBe('wrong');
});

it('leads who has not confirmed the address to the code', async () => {
  answers.on(SESSION, () => ({ status: 403, body: { code: 'email_not_verified' } }));
  const root = await mount(fixture('login'));
  await fill(root, { email: 'ann@example.com', password: 'a long password' });
  await submit(root);
  expect(control(root, 'Confirm it').getAttribute('href')).toBe('/verify?return_to=%2Fcheckout');
});

it('shows the password on demand', async () => {
  const root = await mount(fixture('login'));
  await click(control(root, 'Show'));
  expect(find<HTMLInputElement>(root, '[name="password"]').type).toBe('text');
});

it('signs up, confirms, and is signed in', async () => {
  const went = watchLocation();
  const root = await mount(fixture('signup'));
  answers.on('POST /api/identity/v1/signup', () => ({
    status: 400,
    body: { code: 'password_too_common', detail: 'x', errors: [{ pointer: '/password', detail: 'Too common.' }] },
  }));
  await fill(root, { name: 'Ann', email: 'ann@example.com', password: 'password' });
  await submit(root);
  expect(root.textContent).toContain('Too common.');
  answers.on('POST /api/identity/v1/signup', () => ({ status: 202, body: { status: 'verification_sent' } }));
  await submit(root);
  expect(root.textContent).toContain('We have sent a code to ann@example.com');
  answers.on('POST /api/identity/v1/verify', done);
  answers.on(SESSION, done);
  await fill(root, { code: '123456' });
  await submit(root);
  await until(() => went.length === 1);
  expect(answers.of(SESSION)[0]?.body).toEqual({ email: 'ann@example.com', password: 'password' });
});

it('confirms an address with a code, on a page of its own', async () => {
  sessionStorage.setItem('access-email', 'ann@example.com');
  const went = watchLocation();
  const root = await mount(fixture('verify'));
  expect(find<HTMLInputElement>(root, '[name="email"]').value).toBe('ann@example.com');
  answers.on('POST /api/identity/v1/verify', () => ({ status: 400, body: { code: 'invalid_code', detail: 'Wrong code.' } }));
  await fill(root, { code: '000000' });
  await submit(root);
  expect(root.textContent).toContain('Wrong code.');
  answers.on('POST /api/identity/v1/verify', done);
  await submit(root);
  expect(went).toEqual(['/login?return_to=%2Fcheckout']);
});

it('sets a new password with a code', async () => {
  const went = watchLocation();
  const root = await mount(fixture('forgot'));
  answers.on('POST /api/identity/v1/password/forgot', done);
  await fill(root, { email: 'ann@example.com' });
  await submit(root);
  answers.on('POST /api/identity/v1/password/reset', done);
  answers.on(SESSION, done);
  await fill(root, { code: '123456', password: 'a longer password' });
  await submit(root);
  await until(() => went.length === 1);
  expect(answers.of('POST /api/identity/v1/password/reset')[0]?.body).toEqual({
    email: 'ann@example.com',
    code: '123456',
    password: 'a longer password',
  });
});

it('changes the name, and greets by it', async () => {
  const root = await mount(fixture('account'));
  answers.on('PATCH /api/identity/v1/me', () => ({
    status: 400,
    body: { code: 'invalid', detail: 'x', errors: [{ pointer: '/name', detail: 'must not be blank.' }] },
  }));
  await fill(root, { name: ' Ann B. Example ' });
  await submit(root);
  expect(root.textContent).toContain('must not be blank.');
  answers.on('PATCH /api/identity/v1/me', () => ({ body: { id: 'ann', name: 'Ann B. Example' } }));
  answers.on('GET /visitor', () => ({ body: { signed_in: true, name: 'Bea Example', cart_count: 0 } }));
  await submit(root);
  expect(answers.of('PATCH /api/identity/v1/me').at(-1)?.body).toEqual({ name: 'Ann B. Example' });
  expect(root.textContent).toContain('Your name is changed.');
  expect(find(root, 'header').textContent).toContain('Bea');
});

it('ends other sessions, changes the password, signs out', async () => {
  const went = watchLocation();
  answers.on('GET /visitor', () => ({ body: { signed_in: true, name: 'Ann Example', cart_count: 0 } }));
  const root = await mount(fixture('account'));
  expect(root.textContent).toContain('Chrome on Linux');
  answers.on('DELETE /api/identity/v1/sessions/s2', () => ({ status: 503, body: { detail: 'Not now.' } }));
  await click(control(root, 'Sign out of Safari on an iPhone'));
  expect(root.textContent).toContain('Not now.');
  answers.on('DELETE /api/identity/v1/sessions/s2', done);
  await click(control(root, 'Sign out of Safari on an iPhone'));
  expect(root.textContent).not.toContain('iPhone');
  answers.on('POST /api/identity/v1/password/change', () => ({
    status: 400,
    body: { code: 'wrong_password', detail: 'x', errors: [{ pointer: '/current_password', detail: 'This is not it.' }] },
  }));
  await fill(root, { current_password: 'old password', new_password: 'new password' });
  await submit(root, PASSWORD_FORM);
  expect(root.textContent).toContain('This is not it.');
  answers.on('POST /api/identity/v1/password/change', done);
  await submit(root, PASSWORD_FORM);
  expect(root.textContent).toContain('Your password is changed.');
  const leave = [...root.querySelectorAll('button')].find(({ textContent }) => textContent === 'Sign out') as HTMLElement;
  sessionStorage.setItem('checkout-draft', '{}');
  answers.on('DELETE /session', () => ({ status: 503, body: { detail: 'Not now.' } }));
  await click(leave);
  expect(find(root, 'header [role="alert"]').textContent).toBe('Not now.');
  answers.on('DELETE /session', done);
  await click(leave);
  expect(went).toEqual(['/']);
  expect(sessionStorage).toHaveLength(0);
});

it('names devices as their owners do', () => {
  expect(describeDevice('curl/8.1')).toBe('curl');
  expect(describeDevice('Mozilla/5.0 (Windows NT 10.0) Firefox/130.0')).toBe('Firefox on Windows');
  expect(describeDevice('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605')).toBe('Safari on a Mac');
  expect(describeDevice(undefined)).toBe('An unknown program');
});
