/* What stands above every page: the shop's name, search, the visitor's own places, the categories. */
import { useEffect, useState } from 'react';

import { plural } from '../format/plural';
import { usePage } from '../page/context';
import { paths, withReturn } from '../paths';
import { useStore } from '../state/store';
import { loadVisitor, visitorStore } from '../state/visitor';
import { CartIcon, MenuIcon, PersonIcon } from './icons';
import { Logo } from './logo';
import { SearchBox } from './search-box';

function AccountLink() {
  const { visitor, path } = usePage();
  const known = useStore(visitorStore, undefined);
  const signedIn = known?.signed_in ?? visitor !== undefined;
  const name = known?.name ?? visitor?.name;
  const target = /^\/(login|signup|verify|forgot)/.test(path) ? paths.home : path;
  return (
    <a className="tool" href={signedIn ? paths.account : withReturn(paths.login, target)}>
      <PersonIcon />
      <span className="max-w-[12ch] truncate max-sm:sr-only">{signedIn ? (name?.split(' ')[0] ?? 'Account') : 'Sign in'}</span>
    </a>
  );
}

function CartLink() {
  const { site } = usePage();
  const visitor = useStore(visitorStore, undefined);
  const count = visitor?.cart_count ?? 0;
  return (
    <a className="tool" href={paths.cart}>
      <CartIcon />
      <span className="max-sm:sr-only">Cart</span>
      <span className="figures min-w-2 font-semibold" aria-hidden="true">
        {count > 0 && count}
      </span>
      {count > 0 && <span className="sr-only">, {plural(count, 'item', 'items', site.locale)}</span>}
    </a>
  );
}

function CategoryLinks({ className }: { className: string }) {
  const { site, path } = usePage();
  return (
    <ul className={className}>
      {site.categories.map((category) => {
        const href = paths.category(category.slug);
        const here = path === href || path.startsWith(`${href}?`);
        return (
          <li key={category.slug}>
            <a className="nav-link" href={href} aria-current={here ? 'page' : undefined}>
              {category.title}
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function useOffline(): boolean {
  const [offline, setOffline] = useState(false);
  useEffect(() => {
    const look = () => setOffline(!navigator.onLine);
    look();
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return offline;
}

export function Header() {
  const { site } = usePage();
  const offline = useOffline();
  useEffect(() => void loadVisitor(), []);
  return (
    <header>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-30 focus:m-1 focus:bg-paper focus:p-1"
      >
        Skip to the content
      </a>
      <p role="status" className={offline ? 'bg-ink px-2 py-1 text-center text-sm text-paper' : ''}>
        {offline && 'You are offline. What you see may have changed; nothing you do is lost.'}
      </p>
      <div className="frame flex flex-wrap items-center gap-x-2 gap-y-1 pt-2 pb-1 lg:gap-x-6">
        <a href={paths.home} className="mr-auto lg:mr-0" aria-label={`${site.name}, home`}>
          <Logo name={site.name} />
        </a>
        <div className="order-last w-full lg:order-none lg:w-auto lg:flex-1">
          <SearchBox />
        </div>
        <nav aria-label="You" className="-mr-1 flex items-center lg:gap-1">
          <AccountLink />
          <CartLink />
        </nav>
      </div>
      <nav aria-label="Categories" className="border-b border-line">
        <details className="frame group xl:hidden">
          <summary className="flex min-h-6 list-none items-center gap-1 font-semibold">
            <MenuIcon />
            Categories
          </summary>
          <CategoryLinks className="grid grid-cols-2 gap-x-2 pb-2 sm:grid-cols-3" />
        </details>
        <CategoryLinks className="frame hidden justify-between gap-2 xl:flex" />
      </nav>
    </header>
  );
}
