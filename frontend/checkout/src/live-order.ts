/* An order as it is now: told by its events, and asked for again where they cannot come. */
import { api, listen, unwrap, type Order } from '@shopstream/shared';
import { useEffect, useState } from 'react';

import { isSettled } from './status';

const TYPES = ['placed', 'action_required', 'confirmed', 'failed', 'cancelled', 'fulfilled', 'refunded']
  .map((type) => `order.${type}`)
  .concat('payment.authorised', 'payment.failed');
const WAIT_S = 20;

async function fetchOrder(id: string, waitS: number, signal: AbortSignal): Promise<Order> {
  const headers = waitS > 0 ? { Prefer: `wait=${waitS}` } : {};
  return (await unwrap(api.GET('/api/orders/v1/orders/{id}', { params: { path: { id } }, headers, signal }))) as Order;
}

function newer(known: Order, fetched: Order): Order {
  return (fetched.version ?? 0) >= (known.version ?? 0) ? { ...known, ...fetched } : known;
}

export function useLiveOrder(initial: Order): [Order, (order: Order) => void] {
  const [order, setOrder] = useState(initial);
  const { id } = initial;
  useEffect(() => {
    const abort = new AbortController();
    let settled = isSettled(initial);
    let waiting: Promise<void> | undefined;
    const refresh = async (waitS: number) => {
      const fetched = await fetchOrder(id, waitS, abort.signal);
      settled = isSettled(fetched);
      setOrder((known) => newer(known, fetched));
    };
    const catchUp = async (isStreaming: boolean) => {
      await refresh(0);
      if (isStreaming || settled) return;
      waiting ??= refresh(WAIT_S).finally(() => (waiting = undefined));
      await waiting;
    };
    // A settled order is still listened to: it may be sent or refunded.
    const stop = listen(`order:${id}`, TYPES, { onEvent: () => refresh(0), catchUp }, !settled);
    return () => {
      abort.abort();
      stop();
    };
  }, [id]);
  return [order, setOrder];
}
