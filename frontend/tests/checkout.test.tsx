/* Cart and checkout: nothing is lost, nothing is ordered twice. */
import type { Order, PageDocument } from '@shopstream/shared';
import { beforeEach, describe, expect, it } from 'vitest';

import { isPlaced, linesOf, readAttempt } from '../checkout/src/attempt';
import { answers, change, click, control, fill, find, fixture, mount, submit, type, until, watchLocation } from './browser';

const ORDER = 'POST /api/orders/v1/orders';
const ADD = 'POST /api/orders/v1/cart/items';
const CARD = 'http://pay.test';
const ADDRESS = { name: 'Ann Example', line1: 'Main Street 1', postal_code: '10115', city: 'Berlin' };

function checkoutPage(): PageDocument {
  const page = fixture('checkout');
  if (page.checkout) page.checkout.card_field = { kind: 'emulator', url: `${CARD}/card-field` };
  return page;
}

function order(status: Order['status'], more: Partial<Order> = {}): Order {
  return { ...(fixture('order').order?.order as Order), status, ...more };
}

/** What the provider's frame says, as if it came from it. */
async function cardSays(root: ParentNode, data: unknown, origin = CARD): Promise<void> {
  const source = find<HTMLIFrameElement>(root, 'iframe').contentWindow;
  await change(() => dispatchEvent(new MessageEvent('message', { data, origin, source })));
}

async function pay(root: ParentNode, id = 'pm_card_visa'): Promise<void> {
  await submit(root);
  await cardSays(root, { type: 'payment_method', id });
}

async function open(): Promise<{ root: HTMLElement; went: string[] }> {
  const went = watchLocation();
  const root = await mount(checkoutPage());
  await cardSays(root, { type: 'ready' });
  await fill(root, { email: 'ann@example.com', ...ADDRESS });
  return { root, went };
}

describe('checkout', () => {
  beforeEach(() => {
    answers.on(ORDER, () => ({ status: 201, body: order('confirmed') }));
  });

  it('places the order once and goes to it', async () => {
    const { root, went } = await open();
    await submit(root);
    await submit(root);
    await cardSays(root, { type: 'payment_method', id: 'pm_card_visa' });
    await submit(root);
    const asked = answers.of(ORDER);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.headers.get('prefer')).toBe('wait=5');
    expect(asked[0]?.body).toEqual({
      cart_id: 'cart-1',
      email: 'ann@example.com',
      shipping_address: { ...ADDRESS, country: 'DE' },
      shipping_method: checkoutPage().checkout?.shipping_methods[0]?.id,
      currency: 'EUR',
      payment: { payment_method: 'pm_card_visa' },
    });
    expect(went).toEqual([`/orders/${order('confirmed').id}?placed=1`]);
    expect(sessionStorage.getItem('checkout-draft')).toBeNull();
  });

  it('names what is missing, next to each field, and asks nobody', async () => {
    const root = await mount(checkoutPage());
    await fill(root, { email: 'ann' });
    await submit(root);
    expect(answers.of(ORDER)).toHaveLength(0);
    const email = find<HTMLInputElement>(root, '[name="email"]');
    expect(document.activeElement).toBe(email);
    expect(email.getAttribute('aria-invalid')).toBe('true');
    const error = document.getElementById(email.getAttribute('aria-describedby') ?? '');
    expect(error?.textContent).toContain('does not look like an e-mail address');
    expect(root.querySelectorAll('[aria-invalid="true"]')).toHaveLength(5);
  });

  it('shows what the shop refuses at its field, and takes a new key afterwards', async () => {
    const { root } = await open();
    const detail = 'must be a postal code.';
    const errors = [{ pointer: '/shipping_address/postal_code', detail }];
    answers.on(ORDER, () => ({ status: 400, body: { code: 'invalid', detail, errors } }));
    await pay(root);
    expect(find(root, '[name="postal_code"]').getAttribute('aria-invalid')).toBe('true');
    expect(root.textContent).toContain(detail);
    expect(readAttempt()).toBeUndefined();
    answers.on(ORDER, () => ({ status: 201, body: order('confirmed') }));
    await pay(root);
    const keys = answers.of(ORDER).map(({ headers }) => headers.get('idempotency-key'));
    expect(new Set(keys).size).toBe(2);
  });

  it('sends the same again under the same key when no answer came, and asks for no other card', async () => {
    const { root, went } = await open();
    answers.on(ORDER, () => new TypeError('network'));
    await pay(root);
    expect(root.textContent).toContain('never placed or charged twice');
    answers.on(ORDER, () => ({ status: 201, body: order('confirmed') }));
    await submit(root);
    const [first, second] = answers.of(ORDER);
    expect(second?.headers.get('idempotency-key')).toBe(first?.headers.get('idempotency-key'));
    expect(second?.body).toEqual(first?.body);
    expect(went).toHaveLength(1);
  });

  it('goes on after a reload with what was sent before it', async () => {
    const { root } = await open();
    answers.on(ORDER, () => new TypeError('network'));
    await pay(root);
    const attempt = readAttempt();
    const key = attempt && !isPlaced(attempt) ? attempt.key : undefined;
    expect(key).toBeDefined();
    root.remove();
    let tries = 0;
    answers.on(ORDER, () =>
      tries++ === 0 ? { status: 409, body: { code: 'still_running' } } : { status: 201, body: order('confirmed') },
    );
    const went = watchLocation();
    await mount(checkoutPage());
    await until(() => went.length === 1);
    const asked = answers.of(ORDER);
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ headers }) => headers.get('idempotency-key')))).toEqual(new Set([key]));
  });

  it('finds the order of before the reload though its cart is gone, and links to it from then on', async () => {
    const { root } = await open();
    answers.on(ORDER, () => new TypeError('network'));
    await pay(root);
    root.remove();
    const empty = fixture('checkout');
    if (empty.checkout?.cart) empty.checkout.cart.items = [];
    answers.on(ORDER, () => ({ status: 201, body: order('confirmed') }));
    const went = watchLocation();
    (await mount(empty)).remove();
    expect(went).toEqual([`/orders/${order('confirmed').id}?placed=1`]);
    const again = await mount(empty);
    expect(control(again, 'Your order').getAttribute('href')).toBe(`/orders/${order('confirmed').id}`);
  });

  it('Back to the checkout of a placed order leads to the order', async () => {
    const { root } = await open();
    await pay(root);
    root.remove();
    const went = watchLocation();
    await mount(checkoutPage());
    expect(went).toEqual([`/orders/${order('confirmed').id}`]);
    expect(answers.of(ORDER)).toHaveLength(1);
  });

  it('a new cart is a new order, whatever came before', async () => {
    const { root } = await open();
    await pay(root);
    root.remove();
    const went = watchLocation();
    const page = checkoutPage();
    const cart = page.checkout?.cart;
    if (cart) cart.items = cart.items.map((item) => ({ ...item, id: `${item.id}-new` }));
    await mount(page);
    expect(went).toEqual([]);
    expect(cart && linesOf(cart)).not.toBe(readAttempt()?.lines);
  });

  it('goes to the bank where it asks for more', async () => {
    const url = 'http://pay.test/challenge/pi_1';
    const payment = { id: 'p', status: 'requires_action', next_action: { type: 'redirect_to_url', redirect_to_url: { url } } };
    answers.on(ORDER, () => ({ status: 201, body: order('pending', { payment }) }));
    const { root, went } = await open();
    await pay(root);
    expect(went).toEqual([url]);
  });

  it('says that a card was declined, keeps what was typed, and fills the cart again', async () => {
    const failure = { code: 'card_declined', message: 'Your card was declined.' };
    answers.on(ORDER, () => ({ status: 201, body: order('failed', { failure }) }));
    const refilled = { ...checkoutPage().checkout?.cart, id: 'cart-2' };
    answers.on(ADD, () => ({ status: 201, body: refilled }));
    const { root, went } = await open();
    await pay(root, 'pm_card_chargeDeclined');
    await until(() => root.textContent?.includes('Your card was declined. Nothing was charged.') ?? false);
    expect(went).toEqual([]);
    expect(find<HTMLInputElement>(root, '[name="city"]').value).toBe('Berlin');
    expect(answers.of(ADD)).toHaveLength(3);
    answers.on(ORDER, () => ({ status: 201, body: order('confirmed') }));
    await pay(root);
    expect((answers.of(ORDER)[1]?.body as { cart_id: string }).cart_id).toBe('cart-2');
  });

  it('shows what is wrong with the card, and believes nobody but the provider', async () => {
    const { root } = await open();
    await submit(root);
    await cardSays(root, { type: 'payment_method', id: 'pm_evil' }, 'http://evil.test');
    expect(answers.of(ORDER)).toHaveLength(0);
    await cardSays(root, { type: 'error', message: 'The number is not complete.', field: 'number' });
    expect(control(root, 'Pay €').getAttribute('aria-busy')).toBe('false');
    expect(root.textContent).not.toContain('The number is not complete.'); // The frame shows it, next to the number.
    await cardSays(root, { type: 'submit' });
    await cardSays(root, { type: 'payment_method', id: 'pm_card_visa' });
    expect(answers.of(ORDER)).toHaveLength(1);
    await cardSays(root, { type: 'resize', height: 240 });
    expect(find<HTMLIFrameElement>(root, 'iframe').style.height).toBe('240px');
    await cardSays(root, { type: 'resize', height: 1e9 });
    expect(find<HTMLIFrameElement>(root, 'iframe').style.height).toBe('640px');
  });

  it('finds the ways of delivery of another country, and keeps what was typed over a reload', async () => {
    const methods = [{ id: 'far', title: 'By ship', price: { amount: 1990, currency: 'EUR' }, days_min: 7, days_max: 21 }];
    answers.on('GET /api/orders/v1/shipping-methods', () => ({ body: { shipping_methods: methods } }));
    const { root } = await open();
    await type(find<HTMLSelectElement>(root, '[name="country"]'), 'US');
    expect(root.textContent).toContain('By ship');
    expect(root.textContent).toContain('7 to 21 working days');
    root.remove();
    const again = await mount(checkoutPage());
    expect(find<HTMLInputElement>(again, '[name="line1"]').value).toBe('Main Street 1');
    expect(find<HTMLSelectElement>(again, '[name="country"]').value).toBe('US');
    expect(again.textContent).toContain('By ship');
  });

  it('says why no way of delivery can be shown', async () => {
    answers.on('GET /api/orders/v1/shipping-methods', () => ({ status: 400, body: { detail: 'Nobody delivers there.' } }));
    const { root } = await open();
    await type(find<HTMLSelectElement>(root, '[name="country"]'), 'US');
    expect(root.textContent).toContain('Nobody delivers there.');
  });

  it('asks Stripe for the card where that is the provider', async () => {
    const page = checkoutPage();
    if (page.checkout) page.checkout.card_field = { kind: 'stripe', publishable_key: 'pk_test_1' };
    const answer: { paymentMethod?: { id: string }; error?: { message: string } } = { error: { message: 'Expired.' } };
    const card = { mount: () => undefined, destroy: () => undefined };
    const keys: string[] = [];
    window.Stripe = (key) => {
      keys.push(key);
      return { elements: () => ({ create: () => card }), createPaymentMethod: () => Promise.resolve(answer) };
    };
    const went = watchLocation();
    const root = await mount(page);
    await fill(root, { email: 'ann@example.com', ...ADDRESS });
    await submit(root);
    expect(root.textContent).toContain('Expired.');
    answer.paymentMethod = { id: 'pm_from_stripe' };
    await submit(root);
    expect((answers.of(ORDER)[0]?.body as { payment: object }).payment).toEqual({ payment_method: 'pm_from_stripe' });
    expect(went).toHaveLength(1);
    expect(keys).toEqual(['pk_test_1']);
    delete window.Stripe;
  });

  it('cannot be sent where nobody takes cards', async () => {
    const page = checkoutPage();
    delete page.checkout?.card_field;
    const root = await mount(page);
    expect(root.textContent).toContain('Cards cannot be taken');
    expect(find<HTMLButtonElement>(root, 'main form button[type="submit"]').disabled).toBe(true);
  });

  it('of an empty cart says what to do', async () => {
    const page = checkoutPage();
    if (page.checkout) page.checkout.cart.items = [];
    const root = await mount(page);
    expect(root.textContent).toContain('There is nothing to pay for');
  });
});

describe('cart', () => {
  const PATCH = 'PATCH /api/orders/v1/cart/items/item-1';
  const DELETE = 'DELETE /api/orders/v1/cart/items/item-1';

  it('changes quantities and takes things out', async () => {
    const page = fixture('cart');
    const cart = page.cart?.cart;
    if (!cart) throw new Error('no cart');
    const root = await mount(page);
    const first = cart.items[0];
    answers.on(PATCH, () => ({ body: { ...cart, items: [{ ...first, quantity: 1 }, ...cart.items.slice(1)] } }));
    await type(find<HTMLSelectElement>(root, 'main select'), '1');
    expect(answers.of(PATCH)[0]?.body).toEqual({ quantity: 1 });
    expect(root.textContent).toContain('3 items');
    answers.on(DELETE, () => ({ body: { ...cart, items: [] } }));
    await click(control(root, `Remove ${first?.title}`));
    expect(root.textContent).toContain('Your cart is empty');
  });

  it('says what went wrong, and what can no longer be bought', async () => {
    const page = fixture('cart');
    const [first, second] = page.cart?.cart.items ?? [];
    if (first) delete first.price;
    if (second) second.available = 0;
    const root = await mount(page);
    expect(root.textContent).toContain('No longer for sale');
    expect(root.textContent).toContain('Sold out. Take it out');
    expect(root.querySelector('main a[href="/checkout"]')).toBeNull();
    answers.on(DELETE, () => ({ status: 503, body: { detail: 'The disk is full.' } }));
    await click(control(root, `Remove ${first?.title}`));
    expect(root.textContent).toContain('The disk is full.');
  });
});
