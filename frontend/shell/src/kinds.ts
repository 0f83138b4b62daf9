/* Which workspace has which kind of page. In the browser these are remotes, fetched when they are needed. */
import type { PageComponent } from './app';

type Loader = () => Promise<{ default: PageComponent }>;

const access: Loader = () => import(/* webpackChunkName: "access" */ './pages/access');

export const loaders: Record<string, Loader> = {
  home: () => import('catalog/home'),
  listing: () => import('catalog/listing'),
  product: () => import('catalog/product'),
  cart: () => import('checkout/cart'),
  checkout: () => import('checkout/checkout'),
  order: () => import('checkout/order'),
  orders: () => import('checkout/orders'),
  login: access,
  signup: access,
  verify: access,
  forgot: access,
  account: () => import(/* webpackChunkName: "account" */ './pages/account'),
  error: () => import(/* webpackChunkName: "error" */ './pages/error'),
};
