/* What comes in from the side when something was put into the cart: what it was, what is in there now, where to go on. */
import { useEffect, useRef } from 'react';

import { plural } from '../format/plural';
import { usePage } from '../page/context';
import { paths } from '../paths';
import { cartStore, closeDrawer, countItems, type CartState } from '../state/cart';
import { useStore } from '../state/store';
import { CloseIcon } from './icons';
import { Picture } from './picture';
import { Price } from './price';
import { Count } from './title';

const EMPTY: CartState = {};

function Contents({ state }: { state: CartState }) {
  const { site } = usePage();
  const { cart, added } = state;
  const item = cart?.items.find((candidate) => candidate.sku_id === added?.sku_id);
  if (!cart || !added) return null;
  return (
    <div className="flex min-h-full flex-col p-3 sm:p-4">
      <div className="flex items-center justify-between">
        <h2 className="text-2xl font-bold" id="drawer-title">
          In your cart
          <Count value={countItems(cart)} of={['item', 'items']} />
        </h2>
        <button type="button" className="-mr-1.5 grid h-6 w-6 place-items-center" onClick={closeDrawer} aria-label="Close">
          <CloseIcon />
        </button>
      </div>
      <div className="mt-3 grid grid-cols-[120px_1fr] gap-2">
        <Picture picture={added.picture} sizes="120px" alt="" />
        <div>
          <p className="font-semibold">{added.title}</p>
          <p className="text-sm text-soft">{Object.values(added.attributes).join(', ')}</p>
          {item && (
            <p className="mt-1 text-sm">
              {plural(item.quantity, 'piece', 'pieces', site.locale)}, <Price money={item.line_total} />
            </p>
          )}
        </div>
      </div>
      <div className="mt-auto pt-4">
        <p className="flex items-baseline justify-between border-t border-line py-2">
          <span>Total, before delivery</span>
          <span className="text-lg font-semibold">
            <Price money={cart.total} />
          </span>
        </p>
        <div className="grid gap-1">
          <a className="button" href={paths.checkout}>
            Check out
          </a>
          <a className="button button-quiet" href={paths.cart}>
            Look at the cart
          </a>
          <button type="button" className="min-h-6 font-semibold" onClick={closeDrawer}>
            Go on shopping
          </button>
        </div>
      </div>
    </div>
  );
}

export function CartDrawer() {
  const state = useStore(cartStore, EMPTY);
  const dialog = useRef<HTMLDialogElement>(null);
  const open = state.added !== undefined;
  useEffect(() => {
    const element = dialog.current;
    if (open && !element?.open) element?.showModal();
    if (!open && element?.open) element.close();
  }, [open]);
  return (
    <dialog
      ref={dialog}
      className="drawer"
      aria-labelledby="drawer-title"
      onClose={closeDrawer}
      onClick={(event) => {
        if (event.target === dialog.current) closeDrawer();
      }}
    >
      <Contents state={state} />
    </dialog>
  );
}
