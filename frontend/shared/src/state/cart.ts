/* The cart, as the last answer of the orders service has it. */
import type { Cart, PictureSource } from '../page/document';
import { api, newKey, unwrap } from './api';
import { createStore } from './store';
import { setCartCount } from './visitor';

export interface Added {
  title: string;
  attributes: Record<string, string>;
  picture?: PictureSource | undefined;
  sku_id: string;
}

export interface CartState {
  cart?: Cart;
  /** What was just put in: the drawer is open while it is set. */
  added?: Added | undefined;
}

export const cartStore = createStore<CartState>({});

export function countItems(cart: Cart): number {
  return cart.items.reduce((sum, item) => sum + item.quantity, 0);
}

export function showCart(cart: Cart): void {
  cartStore.set({ ...cartStore.get(), cart });
  setCartCount(countItems(cart));
}

const idempotent = () => ({ 'Idempotency-Key': newKey() });

export async function addToCart(added: Added, quantity: number, currency: string): Promise<void> {
  const cart = (await unwrap(
    api.POST('/api/orders/v1/cart/items', {
      params: { header: idempotent() },
      body: { sku_id: added.sku_id, quantity, currency },
    }),
  )) as Cart;
  showCart(cart);
  cartStore.set({ cart, added });
}

export async function changeQuantity(id: string, quantity: number): Promise<void> {
  const cart = (await unwrap(
    api.PATCH('/api/orders/v1/cart/items/{id}', {
      params: { path: { id }, header: idempotent() },
      body: { quantity },
    }),
  )) as Cart;
  showCart(cart);
}

export async function removeItem(id: string): Promise<void> {
  const cart = (await unwrap(
    api.DELETE('/api/orders/v1/cart/items/{id}', { params: { path: { id }, header: idempotent() } }),
  )) as Cart;
  showCart(cart);
}

export function closeDrawer(): void {
  cartStore.set({ ...cartStore.get(), added: undefined });
}
