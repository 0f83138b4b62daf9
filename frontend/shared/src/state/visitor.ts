/* Who is here, and how much is in the cart: pages are the same for everybody, so this comes afterwards. */
import { paths } from '../paths';
import { call } from './api';
import { createStore } from './store';
import { whenSessionEnds } from './transport';

export interface VisitorState {
  signed_in: boolean;
  name?: string;
  cart_count: number;
}

export const visitorStore = createStore<VisitorState | undefined>(undefined);

whenSessionEnds(() => visitorStore.set({ signed_in: false, cart_count: 0 }));

export async function loadVisitor(): Promise<void> {
  try {
    visitorStore.set(await call<VisitorState>('GET', '/visitor'));
  } catch {
    // Without an answer the header shows what anybody sees; each page goes on by itself.
  }
}

/** Ends the session, and forgets what this tab kept for whoever was here. */
export async function signOut(): Promise<void> {
  await call('DELETE', '/session');
  sessionStorage.clear();
  location.assign(paths.home);
}

export function setCartCount(count: number): void {
  const visitor = visitorStore.get();
  visitorStore.set({ signed_in: false, ...visitor, cart_count: count });
}
