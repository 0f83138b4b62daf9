/* What stands around the content of every page. */
import type { ReactNode } from 'react';

import { CartDrawer } from '../ui/cart-drawer';
import { Footer } from '../ui/footer';
import { Header } from '../ui/header';
import { PageProvider } from './context';
import type { PageDocument } from './document';

export function PageFrame({ page, children }: { page: PageDocument; children: ReactNode }) {
  return (
    <PageProvider page={page}>
      <div className="flex min-h-dvh flex-col">
        <Header />
        <main id="content" tabIndex={-1} className="flex-1 outline-none">
          {children}
        </main>
        <Footer />
      </div>
      <CartDrawer />
    </PageProvider>
  );
}
