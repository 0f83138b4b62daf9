/* A category, or what a search found. */
import {
  ArrowIcon,
  CategoryIndex,
  ProductGrid,
  Title,
  type ListingPage as Listing,
  type PageDocument,
} from '@shopstream/shared';

import { Chosen, Facets, Sorts } from '../facets';

const LEADS = 3; // The first row of a desk: fetched first, as they are seen first.

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
    <div>
      <p className="max-w-[60ch] text-lg">
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
      <h2 className="mt-8 mb-2 text-2xl">The whole shop</h2>
      <CategoryIndex />
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
      <div className="mb-3 flex flex-wrap items-end justify-between gap-x-4 gap-y-2 lg:mb-6">
        <div className="min-w-0">
          {listing.q !== undefined && <p className="mb-1 text-soft">{listing.products.length > 0 ? 'Found for' : 'Nothing found for'}</p>}
          <Title count={listing.total ? { value: listing.total, of: ['product', 'products'] } : undefined}>
            {listing.q === undefined ? listing.title : `“${listing.q}”`}
          </Title>
        </div>
        {listing.products.length > 1 && <Sorts sorts={listing.sorts} />}
      </div>
      <div className={listing.facets.length > 0 ? 'grid gap-x-6 gap-y-3 lg:grid-cols-[184px_1fr]' : ''}>
        <Facets facets={listing.facets} />
        <div className="min-w-0">
          <Chosen facets={listing.facets} clearHref={listing.clear_href} />
          <Found listing={listing} />
        </div>
      </div>
    </div>
  );
}
