/* Filters and order of a list, as plain links: they work without script, can be shared, and Back undoes them. */
import { CheckIcon, CloseIcon, formatNumber, PlusIcon, usePage, type Facet, type FacetValue, type Link } from '@shopstream/shared';

function Value({ value }: { value: FacetValue }) {
  const { site } = usePage();
  return (
    <li>
      <a
        href={value.href}
        rel="nofollow"
        className="flex min-h-4 items-center gap-1 py-0.5 hover:underline"
        aria-current={value.selected ? 'true' : undefined}
      >
        <span
          className={`grid h-2 w-2 flex-none place-items-center rounded-sm border ${value.selected ? 'border-accent bg-accent text-on-accent' : 'border-edge'}`}
        >
          {value.selected && <CheckIcon small />}
        </span>
        {value.label}
        {value.count !== undefined && (
          <span className="figures ml-auto text-sm text-soft">{formatNumber(value.count, site.locale)}</span>
        )}
      </a>
    </li>
  );
}

function Groups({ facets }: { facets: Facet[] }) {
  return facets.map((facet) => (
    <section key={facet.name} className="mb-3 border-t border-line pt-1.5" aria-label={facet.title}>
      <h2 className="mb-0.5 text-base tracking-normal">{facet.title}</h2>
      <ul>
        {facet.values.map((value) => (
          <Value key={value.href} value={value} />
        ))}
      </ul>
    </section>
  ));
}

export function Facets({ facets }: { facets: Facet[] }) {
  const shown = facets.filter((facet) => facet.values.length > 0);
  const chosen = shown.flatMap((facet) => facet.values).filter((value) => value.selected).length;
  if (shown.length === 0) return null;
  return (
    <>
      <div className="hidden lg:sticky lg:top-3 lg:block lg:max-h-[calc(100dvh-48px)] lg:-mx-1 lg:self-start lg:overflow-y-auto lg:px-1">
        <Groups facets={shown} />
      </div>
      <details className="border-y border-line lg:hidden">
        <summary className="flex min-h-6 list-none items-center justify-between font-semibold">
          <span>Filter{chosen > 0 && ` (${chosen})`}</span>
          <PlusIcon />
        </summary>
        <Groups facets={shown} />
      </details>
    </>
  );
}

export function Sorts({ sorts }: { sorts: Link[] }) {
  if (sorts.length === 0) return null;
  return (
    <nav aria-label="Order" className="max-w-full min-w-0">
      <ul className="sorts -mx-1 flex text-sm">
        {sorts.map((sort) => (
          <li key={sort.label}>
            <a
              href={sort.href}
              rel="nofollow"
              className={`inline-flex min-h-4 items-center px-1 whitespace-nowrap hover:underline ${sort.selected ? 'font-semibold' : 'text-soft'}`}
              aria-current={sort.selected ? 'true' : undefined}
            >
              {sort.label}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** What is chosen now, each to be taken back. */
export function Chosen({ facets, clearHref }: { facets: Facet[]; clearHref: string | undefined }) {
  const values = facets.flatMap((facet) => facet.values).filter((value) => value.selected);
  if (values.length === 0) return null;
  return (
    <ul className="mb-3 flex flex-wrap items-center gap-1" aria-label="Chosen filters">
      {values.map((value) => (
        <li key={value.href}>
          <a className="inline-flex min-h-4 items-center gap-0.5 rounded-sm bg-wash py-0.5 pr-1 pl-1.5 text-sm" href={value.href}>
            {value.label}
            <span className="sr-only">, take back</span>
            <CloseIcon small />
          </a>
        </li>
      ))}
      {clearHref && (
        <li>
          <a className="link px-1 text-sm" href={clearHref}>
            Take all back
          </a>
        </li>
      )}
    </ul>
  );
}
