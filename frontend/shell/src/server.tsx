/* The server's side: one classic script that defines renderPage, for an engine without a browser around it. */
import { keepParts, type PageDocument } from '@shopstream/shared';
import Cart from 'checkout/cart';
import Checkout from 'checkout/checkout';
import Home from 'catalog/home';
import Listing from 'catalog/listing';
import Order from 'checkout/order';
import Orders from 'checkout/orders';
import Product from 'catalog/product';
import { renderToString } from 'react-dom/server';

import { App, type PageComponent } from './app';
import { Boundary } from './boundary';
import Access from './pages/access';
import Account from './pages/account';
import ErrorPage from './pages/error';

const contents: Record<string, PageComponent> = {
  home: Home,
  listing: Listing,
  product: Product,
  cart: Cart,
  checkout: Checkout,
  order: Order,
  orders: Orders,
  login: Access,
  signup: Access,
  verify: Access,
  forgot: Access,
  account: Account,
  error: ErrorPage,
};

export function renderPage(text: string): string {
  const page = JSON.parse(text) as PageDocument;
  const Content = contents[page.kind];
  if (!Content) throw new Error(`no page of kind ${page.kind}`);
  return renderToString(
    <Boundary>
      <App page={page} Content={Content} />
    </Boundary>,
  );
}

keepParts(renderToString);
Object.assign(globalThis, { renderPage });
