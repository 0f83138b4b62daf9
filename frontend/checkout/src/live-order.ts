/* An order as it is now: told by its events, and asked for again where they cannot come. */
import { api, listen, unwrap, type Order } from '@shopstream/shared';
import { useEffect, useState } from 'react';

import { isSettled } from './status';

/* "resync": more was missed than the stream can tell again. */
const TYPES = ['placed', 'action_required', 'confirmed', 'failed', 'cancelled', 'fulfilled', 'refunded']
  .map((type) => `order.${type}`)
  .concat('payment.authorised', 'payment.failed', 'resync');
const POLL_WAIT_S = 20;
const POLL_PAUSE_MS = 2000;

async function fetchOrder(id: string, waitS: number, signal: AbortSignal): Promise<Order> {
  const headers = waitS > 0 ? { Prefer: `wait=${waitS}` } : {};
  return (await unwrap(api.GET('/api/orders/v1/orders/{id}', { params: { path: { id } }, headers, signal }))) as Order;
}

function newer(known: Order, fetched: Order): Order {
  return (fetched.version ?? 0) >= (known.version ?? 0) ? { ...known, ...fetched } : known;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function useLiveOrder(initial: Order): [Order, (order: Order) => void] {
  const [order, setOrder] = useState(initial);
  const settled = isSettled(order);
  const { id } = initial;
  useEffect(() => {
    const abort = new AbortController();
    const refresh = async (waitS: number) => {
      try {
        const fetched = await fetchOrder(id, waitS, abort.signal);
        setOrder((known) => newer(known, fetched));
        return isSettled(fetched);
      } catch {
        return false; // The next event, or the next turn of the loop, asks again.
      }
    };
    const poll = async () => {
      while (!abort.signal.aborted && !(await refresh(POLL_WAIT_S))) await pause(POLL_PAUSE_MS);
    };
    // A settled order is still listened to: it may be sent or refunded. It is not asked for again and again.
    const stop = listen([`order:${id}`], TYPES, {
      onEvent: () => void refresh(0),
      onLost: () => void (settled || poll()),
    });
    if (!settled) void refresh(0);
    return () => {
      abort.abort();
      stop();
    };
  }, [id, settled]);
  return [order, setOrder];
}
