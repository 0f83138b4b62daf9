/* Where each page is: said once, for every link. */
export const paths = {
  home: '/',
  search: '/search',
  cart: '/cart',
  checkout: '/checkout',
  orders: '/orders',
  login: '/login',
  signup: '/signup',
  verify: '/verify',
  forgot: '/forgot',
  account: '/account',
  category: (slug: string) => `/c/${encodeURIComponent(slug)}`,
  product: (slug: string) => `/products/${encodeURIComponent(slug)}`,
  order: (id: string) => `/orders/${encodeURIComponent(id)}`,
};

/** A page to come back to after signing in: only a path of this shop, never another site. */
export function safeReturn(path: string | undefined): string {
  return path && /^\/(?![/\\])/.test(path) ? path : paths.home;
}

export function withReturn(page: string, path: string): string {
  return path === paths.home ? page : `${page}?return_to=${encodeURIComponent(path)}`;
}
