/* A category, or what a search found. */
import {
  ArrowIcon,
  CategoryLinks,
  plural,
  ProductGrid,
  type ListingPage as Listing,
  type PageDocument,
} from '@shopstream/shared';

import { Chosen, Facets, Sorts } from '../facets';

const LEADS = 2; // In the first row of a phone: fetched first, as they are seen first.

function Paging({ listing }: { listing: Listing }) {
  if (!listing.next_href && !listing.first_href) return null;
  return (
    <nav aria-label="Pages" className="mt-8 flex flex-wrap items-center justify-center gap-2">
      {listing.first_href && (
        <a className="button button-quiet" href={listing.first_href}>
          Back to the first page
        </a>
      )}
      {listing.next_href && (
        <a className="button button-quiet" href={listing.next_href} rel="next">
          Show more
          <ArrowIcon />
        </a>
      )}
    </nav>
  );
}

function Nothing({ listing }: { listing: Listing }) {
  return (
    <div className="max-w-[60ch] py-2">
      <p>
        {listing.q
          ? 'Nothing in the shop has all of these words. Fewer words find more, and so does another name for the thing.'
          : 'Nothing here is for sale with these filters.'}
      </p>
      {listing.clear_href && (
        <p className="mt-2">
          <a className="button" href={listing.clear_href}>
            Take the filters back
          </a>
        </p>
      )}
      <h2 className="mt-5 mb-1 text-lg">Or look around</h2>
      <CategoryLinks />
    </div>
  );
}

function Found({ listing }: { listing: Listing }) {
  if (listing.products.length === 0) return <Nothing listing={listing} />;
  return (
    <>
      <ProductGrid products={listing.products} leads={LEADS} level="h2" columns={listing.facets.length > 0 ? 3 : 4} />
      <Paging listing={listing} />
    </>
  );
}

export default function ListingPage({ page }: { page: PageDocument }) {
  const listing = page.listing;
  if (!listing) return null;
  return (
    <div className="frame pt-4 lg:pt-6">
      <div className="mb-3 flex flex-wrap items-end justify-between gap-x-4 gap-y-1 lg:mb-5">
        <div>
          {listing.q !== undefined && <p className="text-soft">What we found for</p>}
          <h1 className="text-3xl font-bold lg:text-4xl">{listing.q === undefined ? listing.title : `“${listing.q}”`}</h1>
          {listing.total !== undefined && (
            <p className="mt-0.5 text-soft">{plural(listing.total, 'product', 'products', page.site.locale)}</p>
          )}
        </div>
        <Sorts sorts={listing.sorts} />
      </div>
      <div className={listing.facets.length > 0 ? 'grid gap-x-6 gap-y-3 lg:grid-cols-[200px_1fr]' : ''}>
        <Facets facets={listing.facets} />
        <div className="min-w-0">
          <Chosen facets={listing.facets} clearHref={listing.clear_href} />
          <Found listing={listing} />
        </div>
      </div>
    </div>
  );
}
