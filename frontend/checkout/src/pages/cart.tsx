import {
  cartStore,
  CategoryIndex,
  changeQuantity,
  Notice,
  paths,
  plural,
  Price,
  removeItem,
  Title,
  useOnce,
  useStore,
  type Cart,
  type CartItem,
  type PageDocument,
} from '@shopstream/shared';
import { useEffect, useId, useRef } from 'react';

import { GONE, Line, Sums } from '../line';

const CHOICES_MAX = 10;

function Quantity({ item, onChange }: { item: CartItem; onChange: (value: number) => void }) {
  const id = useId();
  const most = Math.max(item.quantity, Math.min(CHOICES_MAX, item.available ?? CHOICES_MAX));
  const choices = Array.from({ length: most }, (_, index) => index + 1);
  return (
    <div>
      <label className="sr-only" htmlFor={id}>
        Quantity of {item.title ?? GONE}
      </label>
      <select
        id={id}
        className="input figures w-11"
        value={item.quantity}
        onChange={(event) => onChange(Number(event.target.value))}
      >
        {choices.map((choice) => (
          <option key={choice}>{choice}</option>
        ))}
      </select>
    </div>
  );
}

function warningOf(item: CartItem): string | undefined {
  if (!item.price) return 'No longer for sale. Take it out to go on.';
  if (item.available !== undefined && item.available < item.quantity)
    return item.available > 0 ? `Only ${item.available} left.` : 'Sold out. Take it out to go on.';
  return undefined;
}

function Items({ cart }: { cart: Cart }) {
  const { run, working, problem } = useOnce();
  const list = useRef<HTMLDivElement>(null);
  const remove = async (id: string) => {
    await removeItem(id);
    list.current?.focus(); // The button that had the focus is gone; the keyboard goes on from here.
  };
  // Nothing is disabled while it works: what is loses the focus. useOnce() lets one thing through at a time.
  return (
    <div aria-busy={working} ref={list} tabIndex={-1} role="group" aria-label="What is in the cart">
      {problem && <Notice>{problem}</Notice>}
      <ul>
        {cart.items.map((item) => (
          <li key={item.id} className="border-t border-line py-2 sm:py-3">
            <Line
              title={item.title ?? GONE}
              href={item.product_slug ? paths.product(item.product_slug) : undefined}
              imageUrl={item.image_url}
              attributes={item.attributes}
              total={item.line_total}
              warning={warningOf(item)}
              size="large"
            >
              {item.quantity > 1 && (
                <p className="text-sm text-soft">
                  <Price money={item.price} /> each
                </p>
              )}
              <div className="mt-auto flex items-center gap-2 pt-2">
                <Quantity item={item} onChange={(value) => void run(() => changeQuantity(item.id, value))} />
                <button
                  type="button"
                  className="link min-h-6"
                  onClick={() => void run(() => remove(item.id))}
                  aria-label={`Remove ${item.title ?? GONE}`}
                >
                  Remove
                </button>
              </div>
            </Line>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Empty() {
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title>Your cart is empty</Title>
      <p className="mt-3 max-w-[60ch] text-lg text-soft">
        What you put in stays here for half a year, on this device or in your account.
      </p>
      <h2 className="mt-8 mb-2 text-2xl">The whole shop</h2>
      <CategoryIndex />
    </div>
  );
}

export default function CartPage({ page }: { page: PageDocument }) {
  const initial = page.cart?.cart;
  const cart = useStore(cartStore, {}).cart ?? initial;
  useEffect(() => {
    // The browser may show this page again as it was left: the document it came with is the truth then.
    if (initial) cartStore.set({ cart: initial });
  }, [initial]);
  if (!cart || cart.items.length === 0) return <Empty />;
  const count = cart.items.reduce((sum, item) => sum + item.quantity, 0);
  const orderable = cart.items.every((item) => item.price);
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title className="mb-3 lg:mb-6" count={{ value: count, of: ['item', 'items'] }}>
        Your cart
      </Title>
      <div className="grid gap-x-8 gap-y-4 lg:grid-cols-[minmax(0,7fr)_minmax(0,4fr)]">
        <Items cart={cart} />
        <section aria-labelledby="sum" className="h-fit bg-tile p-3 lg:sticky lg:top-3">
          <h2 id="sum" className="mb-2 text-lg">
            {plural(count, 'item', 'items', page.site.locale)}
          </h2>
          <Sums
            rows={[
              { label: 'Delivery', money: undefined, words: 'chosen at checkout' },
              { label: 'Total', money: cart.total, strong: true },
            ]}
          />
          {orderable ? (
            <a className="button mt-2 w-full" href={paths.checkout}>
              Check out
            </a>
          ) : (
            <p className="mt-2 text-bad">Something in your cart can no longer be bought. Take it out to go on.</p>
          )}
          <p className="mt-2 text-sm text-soft">You can order as a guest, without an account.</p>
        </section>
      </div>
    </div>
  );
}
