/* What stands above every page: the shop's name, search, the visitor's own places, the categories. */
import { useEffect, useState } from 'react';

import { usePage } from '../page/context';
import { paths, withReturn } from '../paths';
import { useOnce } from '../state/once';
import { useStore } from '../state/store';
import { loadVisitor, signOut, visitorStore } from '../state/visitor';
import { CartIcon, CloseIcon, LeaveIcon, MenuIcon, PersonIcon } from './icons';
import { Logo } from './logo';
import { SearchBox } from './search-box';
import { Count } from './title';

function Account() {
  const { visitor, path } = usePage();
  const known = useStore(visitorStore, undefined);
  const { run, working, problem } = useOnce();
  const signedIn = known?.signed_in ?? visitor !== undefined;
  const name = known?.name ?? visitor?.name;
  if (!signedIn) {
    const target = /^\/(login|signup|verify|forgot)/.test(path) ? paths.home : path;
    return (
      <a className="tool" href={withReturn(paths.login, target)}>
        <PersonIcon />
        <span className="max-sm:sr-only">Sign in</span>
      </a>
    );
  }
  return (
    <>
      <a className="tool" href={paths.account}>
        <PersonIcon />
        <span className="max-w-[12ch] truncate max-sm:sr-only">{name?.split(' ')[0] ?? 'Account'}</span>
      </a>
      <button type="button" className="tool" aria-busy={working} onClick={() => void run(signOut)}>
        <LeaveIcon />
        <span className="max-sm:sr-only">Sign out</span>
      </button>
      {problem && (
        <p role="alert" className="menu p-2 text-center text-bad">
          {problem}
        </p>
      )}
    </>
  );
}

function CartLink() {
  const visitor = useStore(visitorStore, undefined);
  const count = visitor?.cart_count ?? 0;
  return (
    <a className="tool relative" href={paths.cart}>
      <CartIcon />
      <span className="max-sm:sr-only">Cart</span>
      {/* It hangs outside of the line, so that nothing moves when the number comes. */}
      <span className="absolute top-1 left-[30px] sm:top-1.5 sm:left-full">{count > 0 && <Count value={count} of={['item', 'items']} />}</span>
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

/** The categories where they do not fit into a line: they unfold over the page, without script too. */
function Menu() {
  return (
    <details className="group xl:hidden">
      <summary className="tool list-none">
        <span className="group-open:hidden">
          <MenuIcon />
        </span>
        <span className="hidden group-open:block">
          <CloseIcon />
        </span>
        <span className="max-sm:sr-only">Categories</span>
      </summary>
      <div className="menu">
        <CategoryLinks className="frame grid grid-cols-2 gap-x-2 py-2 text-lg font-semibold sm:grid-cols-3" />
      </div>
    </details>
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
    <header className="relative z-10 border-b border-line">
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:absolute focus:z-30 focus:m-1 focus:bg-paper focus:p-1"
      >
        Skip to the content
      </a>
      <p role="status" className={offline ? 'bg-ink px-2 py-1 text-center text-sm text-paper' : ''}>
        {offline && 'You are offline. What you see may have changed; nothing you do is lost.'}
      </p>
      <div className="frame flex flex-wrap items-center gap-x-1 py-1 sm:gap-x-2 lg:gap-x-5 lg:pt-2 lg:pb-0.5">
        <a href={paths.home} className="mr-auto py-1 lg:mr-0" aria-label={`${site.name}, home`}>
          <Logo name={site.name} />
        </a>
        <div className="order-last w-full lg:order-none lg:mr-auto lg:w-auto lg:max-w-[480px] lg:flex-1">
          <SearchBox />
        </div>
        <nav aria-label="You" className="flex items-center sm:gap-2 lg:gap-3">
          <Account />
          <CartLink />
        </nav>
        <nav aria-label="Categories" className="xl:order-last xl:w-full">
          <Menu />
          <CategoryLinks className="hidden flex-wrap gap-x-3 xl:flex" />
        </nav>
      </div>
    </header>
  );
}
