/* One order: what came of it, changing by itself, and everything that it is about. */
import {
  api,
  CheckIcon,
  formatDate,
  newKey,
  Notice,
  paths,
  plural,
  Title,
  unwrap,
  useOnce,
  usePage,
  type Address,
  type Order,
  type PageDocument,
} from '@shopstream/shared';
import { useEffect } from 'react';

import { refillCart } from '../attempt';
import { Line, Sums } from '../line';
import { useLiveOrder } from '../live-order';
import { bankAddress, isOpen, shortNumber, standingOf } from '../status';

async function cancel(id: string): Promise<Order> {
  const params = { path: { id }, header: { 'Idempotency-Key': newKey() } };
  return (await unwrap(api.POST('/api/orders/v1/orders/{id}/cancel', { params }))) as Order;
}

function Cancel({ order, onChange }: { order: Order; onChange: (order: Order) => void }) {
  const { run, working, problem } = useOnce();
  return (
    <details className="mt-3">
      <summary className="link inline-block list-none">Cancel this order</summary>
      <p className="mt-1 text-soft">
        {order.status === 'pending'
          ? 'Nothing is charged then, and the goods go back on the shelf.'
          : 'Your money goes back to your card, and the goods go back on the shelf.'}
      </p>
      <button
        type="button"
        className="button button-quiet mt-1"
        aria-busy={working}
        onClick={() => void run(async () => onChange(await cancel(order.id)))}
      >
        {working ? 'Cancelling…' : 'Yes, cancel it'}
      </button>
      {problem && (
        <p role="alert" className="mt-1 text-bad">
          {problem}
        </p>
      )}
    </details>
  );
}

function TryAgain({ order }: { order: Order }) {
  const { run, working, problem } = useOnce();
  const again = async () => {
    await refillCart(order.lines, order.total?.currency ?? 'EUR');
    location.assign(paths.checkout);
  };
  return (
    <div className="mt-3">
      <button type="button" className="button" aria-busy={working} onClick={() => void run(again)}>
        {working ? 'One moment…' : 'Try again with another card'}
      </button>
      {problem && (
        <p role="alert" className="mt-1 text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

const TONES = { good: 'bg-good text-paper', bad: 'bg-bad text-paper', plain: 'bg-accent text-on-accent' };

function Outcome({ order, thanks, onChange }: { order: Order; thanks: boolean; onChange: (order: Order) => void }) {
  const standing = standingOf(order);
  const open = isOpen(order);
  const bank = open ? bankAddress(order) : undefined;
  const name = order.shipping?.address?.name.split(' ')[0];
  return (
    <div>
      <p className="mb-2 flex items-center gap-1">
        <span className={`grid h-3 w-3 flex-none place-items-center rounded-full ${TONES[standing.tone]}`}>
          {standing.tone === 'good' ? <CheckIcon small /> : <span aria-hidden="true">{standing.tone === 'bad' ? '!' : '···'}</span>}
        </span>
        {thanks && standing.tone === 'good' ? `Thank you${name ? `, ${name}` : ''}.` : standing.label}
      </p>
      <div role="status" data-status={order.status}>
        <Title>{standing.title}</Title>
        <p className="mt-3 max-w-[56ch] text-lg">
          {order.status === 'failed' && order.failure?.message && `${order.failure.message} `}
          {standing.words}
        </p>
      </div>
      {bank && (
        <p className="mt-3">
          <a className="button" href={bank}>
            Go to your bank
          </a>
        </p>
      )}
      {order.status === 'failed' && <TryAgain order={order} />}
      {open && <Cancel order={order} onChange={onChange} />}
    </div>
  );
}

function AddressLines({ address, country }: { address: Address; country: string | undefined }) {
  const { name, line1, line2, postal_code, city } = address;
  const lines = [name, line1, line2, `${postal_code} ${city}`, country ?? address.country];
  return (
    <address className="not-italic">
      {lines.filter(Boolean).map((line) => (
        <span key={line} className="block">
          {line}
        </span>
      ))}
    </address>
  );
}

function Facts({ order, country }: { order: Order; country: string | undefined }) {
  const { site } = usePage();
  return (
    <dl className="mt-5 grid gap-x-4 gap-y-3 border-t border-line pt-3 sm:grid-cols-2">
      <div>
        <dt className="text-sm text-soft">Number</dt>
        <dd className="figures">{shortNumber(order)}</dd>
      </div>
      <div>
        <dt className="text-sm text-soft">Placed on</dt>
        <dd>{formatDate(order.created_at, site.locale)}</dd>
      </div>
      {order.shipping?.address && (
        <div>
          <dt className="text-sm text-soft">Goes to</dt>
          <dd>
            <AddressLines address={order.shipping.address} country={country} />
          </dd>
        </div>
      )}
      {order.email && (
        <div>
          <dt className="text-sm text-soft">Mails go to</dt>
          <dd className="break-all">{order.email}</dd>
        </div>
      )}
    </dl>
  );
}

function Goods({ order }: { order: Order }) {
  const { site } = usePage();
  return (
    <section aria-labelledby="goods" className="h-fit bg-tile p-2 sm:p-3">
      <h2 id="goods" className="mb-2 text-lg">
        What is in it
      </h2>
      <ul className="mb-2 grid gap-2">
        {order.lines.map((line) => (
          <li key={line.sku_id}>
            <Line
              title={line.title}
              href={line.product_slug ? paths.product(line.product_slug) : undefined}
              imageUrl={line.image_url}
              attributes={line.attributes}
              total={line.line_total}
              note={plural(line.quantity, 'piece', 'pieces', site.locale)}
            />
          </li>
        ))}
      </ul>
      <Sums
        rows={[
          ...(order.shipping?.price ? [{ label: order.shipping.title ?? 'Delivery', money: order.shipping.price }] : []),
          { label: 'Total', money: order.total, strong: true },
        ]}
      />
    </section>
  );
}

export default function OrderPage({ page }: { page: PageDocument }) {
  const shown = page.order;
  if (!shown?.order) return <Notice>This order cannot be shown.</Notice>;
  return <Shown shown={shown} signedIn={page.visitor !== undefined} />;
}

const OF_THE_BANK = ['payment_intent', 'payment_intent_client_secret', 'redirect_status'];

/** The provider sends its customer back with the payment's secret in the address; it is not to be kept or passed on. */
function useCleanAddress(): void {
  useEffect(() => {
    const url = new URL(location.href);
    for (const name of OF_THE_BANK) url.searchParams.delete(name);
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }, []);
}

function Shown({ shown, signedIn }: { shown: NonNullable<PageDocument['order']>; signedIn: boolean }) {
  const [order, setOrder] = useLiveOrder(shown.order);
  useCleanAddress();
  return (
    <div className="frame pt-4 lg:pt-6">
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
        <div>
          <Outcome order={order} thanks={shown.placed_now ?? false} onChange={setOrder} />
          <Facts order={order} country={shown.country} />
          <p className="mt-4 flex flex-wrap gap-x-3 gap-y-1">
            <a className="link" href={paths.home}>
              Go on shopping
            </a>
            {signedIn && (
              <a className="link" href={paths.orders}>
                All your orders
              </a>
            )}
          </p>
        </div>
        <Goods order={order} />
      </div>
    </div>
  );
}
