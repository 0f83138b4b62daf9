import { usePage } from '../page/context';
import { paths } from '../paths';
import { ThemeSwitch } from './theme-switch';

const YOURS = [
  { label: 'Your orders', href: paths.orders },
  { label: 'Your account', href: paths.account },
  { label: 'Your cart', href: paths.cart },
];

export function Footer() {
  const { site } = usePage();
  return (
    <footer className="mt-12 border-t border-line">
      <div className="frame flex flex-wrap items-end justify-between gap-x-8 gap-y-4 py-6">
        <p className="max-w-[26ch] text-xl font-semibold tracking-tight text-balance sm:text-2xl">
          The stock you see is the stock there is. An order is charged once, or not at all.
        </p>
        <nav aria-label="Your things">
          <ul className="flex flex-wrap gap-x-3">
            {YOURS.map((link) => (
              <li key={link.href}>
                <a className="inline-flex min-h-6 items-center hover:underline" href={link.href}>
                  {link.label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <div className="frame flex flex-wrap items-center justify-between gap-2 pb-4">
        <p className="text-sm text-soft">
          {site.name}. Prices in {site.currency}.
        </p>
        <ThemeSwitch />
      </div>
    </footer>
  );
}
