/* One attempt to place an order. What is sent is kept, with its key, before it is sent: a second click, a reload or a lost
 * answer sends the same again under the same key, and the shop answers with the same order. Only a refusal ends an
 * attempt, as then there is no order; only then may there be another key. */
import { api, newKey, problemFrom, problemOf, RequestFailed, unwrap, type Address, type Cart, type Order } from '@shopstream/shared';

const STORED = 'checkout-attempt';
const WAIT_S = 5;
const STILL_RUNNING = 'still_running';
const TURNS_MAX = 20;
const TURN_PAUSE_MS = 500;

export interface OrderRequest {
  cart_id?: string;
  items?: { sku_id: string; quantity: number }[];
  email: string;
  shipping_address: Address;
  shipping_method: string;
  currency?: string;
  payment: { payment_method: string };
}

export interface Attempt {
  key: string;
  request: OrderRequest;
  /** Which cart it is of, by its lines: the next cart has others. */
  lines: string;
}

/** What is kept of it once there is an order: nothing of the customer. */
export interface Placed {
  lines: string;
  order_id: string;
}

export function isPlaced(attempt: Attempt | Placed): attempt is Placed {
  return 'order_id' in attempt;
}

export function linesOf(cart: Cart): string {
  return cart.items.map((item) => `${item.id}:${item.quantity}`).join(' ');
}

export function readAttempt(): Attempt | Placed | undefined {
  try {
    return (JSON.parse(sessionStorage.getItem(STORED) ?? 'null') as Attempt | Placed | null) ?? undefined;
  } catch {
    return undefined;
  }
}

function keep(attempt: Attempt | Placed): void {
  sessionStorage.setItem(STORED, JSON.stringify(attempt));
}

export function forgetAttempt(): void {
  sessionStorage.removeItem(STORED);
}

export function beginAttempt(request: OrderRequest, lines: string): Attempt {
  const attempt = { key: newKey(), request, lines };
  keep(attempt);
  return attempt;
}

/** A refusal is final where the shop has decided; "too many requests", "sign in again" and "still at it" are not. */
function isRefusal(status: number, code: string): boolean {
  return status >= 400 && status < 500 && ![401, 403, 408, 425, 429].includes(status) && code !== STILL_RUNNING;
}

async function post(attempt: Attempt): Promise<Order> {
  const order = (await unwrap(
    api.POST('/api/orders/v1/orders', {
      params: { header: { 'Idempotency-Key': attempt.key } },
      headers: { Prefer: `wait=${WAIT_S}` },
      body: attempt.request,
    }),
  )) as Order;
  keep({ lines: attempt.lines, order_id: order.id });
  return order;
}

/** Sends the attempt, as often as it is called; the order is the same each time. */
export async function sendAttempt(attempt: Attempt): Promise<Order> {
  for (let turn = 0; ; turn++) {
    try {
      return await post(attempt);
    } catch (error) {
      const { status, code } = problemFrom(error);
      // The request of before the reload is still at work in the shop: its answer is worth waiting for.
      if (code === STILL_RUNNING && turn < TURNS_MAX) {
        await new Promise((resolve) => setTimeout(resolve, TURN_PAUSE_MS));
        continue;
      }
      if (isRefusal(status, code)) forgetAttempt();
      if (status === 0 || status >= 500) throw new RequestFailed(unheard(status));
      throw error;
    }
  }
}

function unheard(status: number) {
  return problemOf(status, {
    code: 'unheard',
    detail:
      'We did not hear back, so we do not know yet whether your order was placed. Try again: it is the same order, and it ' +
      'is never placed or charged twice.',
  });
}

/** Where the customer goes with the order: to the bank, where it asks for more; else to the order. */
export function nextAddress(order: Order): string {
  const url = order.status === 'pending' ? order.payment?.next_action?.redirect_to_url?.url : undefined;
  return url ?? `/orders/${encodeURIComponent(order.id)}?placed=1`;
}

/** What a failed order held goes back into the cart, so that nothing has to be found again. */
export async function refillCart(items: { sku_id: string; quantity: number }[], currency: string): Promise<Cart | undefined> {
  let cart: Cart | undefined;
  for (const { sku_id, quantity } of items) {
    cart = (await unwrap(
      api.POST('/api/orders/v1/cart/items', {
        params: { header: { 'Idempotency-Key': newKey() } },
        body: { sku_id, quantity, currency },
      }),
    )) as Cart;
  }
  return cart;
}
