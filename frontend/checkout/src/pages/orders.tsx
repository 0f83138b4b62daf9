/* The orders of an account, the newest first. */
import { formatDate, paths, Picture, Price, Title, usePage, usePictures, type Order, type PageDocument } from '@shopstream/shared';

import { shortNumber, standingOf } from '../status';

const TONES = { good: 'text-good', bad: 'text-bad', plain: 'text-ink' };

function contents(order: Order): string {
  const [first, ...others] = order.lines;
  if (!first) return '';
  return others.length > 0 ? `${first.title} and ${others.length} more` : first.title;
}

function Row({ order }: { order: Order }) {
  const { site } = usePage();
  const { label, tone } = standingOf(order);
  const picture = usePictures(order.lines[0]?.image_url)[0];
  return (
    <li className="group relative flex gap-2 border-t border-line py-2">
      <Picture picture={picture} sizes="96px" alt="" className="h-12 w-12 flex-none" />
      <div className="grid min-w-0 flex-1 content-start gap-x-4 sm:grid-cols-[1fr_auto]">
        <a href={paths.order(order.id)} className="font-semibold after:absolute after:inset-0 group-hover:underline">
          {contents(order)}
        </a>
        <span className="sm:text-right">
          <Price money={order.total} />
        </span>
        <span className="text-soft">
          {formatDate(order.created_at, site.locale)}, <span className="figures">{shortNumber(order)}</span>
        </span>
        <span className={`sm:text-right ${TONES[tone]}`}>{label}</span>
      </div>
    </li>
  );
}

export default function OrdersPage({ page }: { page: PageDocument }) {
  const orders = page.orders?.orders ?? [];
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title className="mb-3 lg:mb-6">Your orders</Title>
      {orders.length === 0 ? (
        <>
          <p className="max-w-[60ch] text-lg text-soft">You have not ordered anything yet. What you order while signed in is listed here.</p>
          <p className="mt-3">
            <a className="button" href={paths.home}>
              Look around the shop
            </a>
          </p>
        </>
      ) : (
        <ul className="max-w-[960px] border-b border-line">
          {orders.map((order) => (
            <Row key={order.id} order={order} />
          ))}
        </ul>
      )}
      {page.orders?.next_href && (
        <p className="mt-4">
          <a className="button button-quiet" href={page.orders.next_href} rel="next">
            Show older ones
          </a>
        </p>
      )}
    </div>
  );
}
