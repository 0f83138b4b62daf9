import { usePage } from '../page/context';
import { paths } from '../paths';
import { Mark } from './logo';
import { ThemeSwitch } from './theme-switch';

const HELP = [
  { label: 'Your orders', href: paths.orders },
  { label: 'Your account', href: paths.account },
  { label: 'Your cart', href: paths.cart },
];

export function Footer() {
  const { site } = usePage();
  return (
    <footer className="mt-12 border-t border-line">
      <div className="frame grid gap-6 py-6 md:grid-cols-[2fr_3fr_1fr]">
        <div>
          <Mark className="h-6 w-6 text-accent" />
          <p className="mt-2 max-w-[36ch] text-soft">
            The stock you see is the stock there is. An order is charged once, or not at all.
          </p>
        </div>
        <nav aria-label="All categories">
          <ul className="columns-2 gap-3 sm:columns-3">
            {site.categories.map((category) => (
              <li key={category.slug}>
                <a className="inline-block min-h-4 py-0.5 hover:underline" href={paths.category(category.slug)}>
                  {category.title}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <nav aria-label="Your things">
          <ul>
            {HELP.map((link) => (
              <li key={link.href}>
                <a className="inline-block min-h-4 py-0.5 hover:underline" href={link.href}>
                  {link.label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <div className="frame flex flex-wrap items-center justify-between gap-2 pb-4">
        <p className="text-sm text-soft">{site.name}. Prices in {site.currency}.</p>
        <ThemeSwitch />
      </div>
    </footer>
  );
}
