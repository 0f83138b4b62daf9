import { capitalise, PlusIcon, ProductGrid, usePage, type PageDocument, type Product } from '@shopstream/shared';
import type { ReactNode } from 'react';

import { BuyBox } from '../buy-box';
import { Gallery } from '../gallery';
import { useLiveProduct } from '../live-product';
import { attributesOf } from '../variants';

function Fold({ title, open = false, children }: { title: string; open?: boolean; children: ReactNode }) {
  return (
    <details className="group border-b border-line" open={open}>
      <summary className="flex min-h-7 list-none items-center justify-between font-semibold">
        {title}
        <span className="group-open:rotate-45">
          <PlusIcon />
        </span>
      </summary>
      {children}
    </details>
  );
}

function Facts({ product }: { product: Product }) {
  const { site } = usePage();
  const facts = attributesOf(product.skus).map(({ name, values }) => [capitalise(name), values.join(', ')]);
  return (
    <div className="mt-5 border-t border-line">
      <Fold title="Details" open>
        <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 pb-2">
          {product.brand && (
            <>
              <dt className="text-soft">By</dt>
              <dd>{product.brand}</dd>
            </>
          )}
          {facts.map(([name, values]) => (
            <div key={name} className="contents">
              <dt className="text-soft">{name}</dt>
              <dd>{values}</dd>
            </div>
          ))}
        </dl>
      </Fold>
      <Fold title="Delivery and payment">
        <p className="pb-2 text-soft">
          Ways of delivery and what they cost are shown at checkout, before you pay. Your card goes to the payment provider
          and never reaches {site.name}.
        </p>
      </Fold>
    </div>
  );
}

function Gone() {
  return (
    <p role="status" className="mt-3 border-l-2 border-bad pl-2">
      This was just taken out of the shop.
    </p>
  );
}

export default function ProductPage({ page }: { page: PageDocument }) {
  const shown = page.product;
  if (!shown) return null;
  return <Shown shown={shown} />;
}

function Shown({ shown }: { shown: NonNullable<PageDocument['product']> }) {
  const live = useLiveProduct(shown.product);
  const product = live ?? shown.product;
  return (
    <>
      <div className="frame grid gap-x-8 lg:grid-cols-[minmax(0,7fr)_minmax(0,5fr)] lg:pt-4">
        <Gallery imageUrl={product.image_url} title={product.title} />
        <div className="pt-3 lg:pt-0">
          <div className="lg:sticky lg:top-4">
            <div className="flex flex-wrap justify-between gap-x-2 text-soft">
              {shown.category && (
                <nav aria-label="Where this is">
                  <a className="inline-flex min-h-3 hover:underline" href={shown.category.href}>
                    {shown.category.label}
                  </a>
                </nav>
              )}
              {product.brand && <p>{product.brand}</p>}
            </div>
            <h1 className="mt-1 text-3xl font-bold tracking-tight lg:mt-2 lg:text-4xl">{product.title}</h1>
            {live ? <BuyBox product={product} /> : <Gone />}
            {product.description && <p className="mt-5 max-w-[60ch] text-base">{product.description}</p>}
            <Facts product={product} />
          </div>
        </div>
      </div>
      {shown.related.length > 0 && (
        <section className="frame mt-8 lg:mt-12" aria-labelledby="related">
          <h2 id="related" className="mb-3 text-2xl">
            Goes with it
          </h2>
          <ProductGrid products={shown.related} />
        </section>
      )}
    </>
  );
}
