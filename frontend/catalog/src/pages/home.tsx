/* The first page: the newest product, what is new, and the whole shop by its names. */
import {
  ArrowIcon,
  CategoryIndex,
  paths,
  Picture,
  ProductGrid,
  ProductPrice,
  Title,
  usePage,
  usePictures,
  type PageDocument,
  type ProductCard,
} from '@shopstream/shared';

function Featured({ product }: { product: ProductCard }) {
  const { site } = usePage();
  const picture = usePictures(product.image_url)[0];
  const href = paths.product(product.slug);
  return (
    <section className="frame group relative grid items-end gap-x-4 lg:grid-cols-[5fr_7fr] lg:pt-2" aria-labelledby="featured">
      <Picture
        picture={picture}
        sizes="(min-width: 100rem) 840px, (min-width: 64rem) 54vw, 100vw"
        lead
        alt=""
        className="lead-picture card-picture picture-fill lg:col-start-2 lg:row-start-1"
      />
      <div className="pt-3 lg:pb-1">
        <p className="mb-2 text-soft lg:mb-3">Just in{product.brand && `, from ${product.brand}`}</p>
        <Title id="featured">
          <a href={href} className="after:absolute after:inset-0">
            {product.title}
          </a>
          <span className="block font-normal text-accent">
            <ProductPrice money={product.price} varies={product.price_varies} locale={site.locale} />
          </span>
        </Title>
        <a className="button relative mt-4" href={href}>
          Look at it
          <ArrowIcon />
        </a>
      </div>
    </section>
  );
}

function Empty({ name }: { name: string }) {
  return (
    <section className="frame py-10">
      <Title>{name}</Title>
      <p className="mt-3 max-w-[60ch] text-soft">Nothing is for sale yet. Come back soon.</p>
    </section>
  );
}

export default function HomePage({ page }: { page: PageDocument }) {
  const home = page.home;
  if (!home?.featured) return <Empty name={page.site.name} />;
  return (
    <>
      <Featured product={home.featured} />
      {home.new_arrivals.length > 0 && (
        <section className="frame mt-8 lg:mt-12" aria-labelledby="new">
          <h2 id="new" className="mb-3 text-2xl">
            New this week
          </h2>
          <ProductGrid products={home.new_arrivals} />
        </section>
      )}
      {home.categories.length > 0 && (
        <section className="frame mt-10 lg:mt-16" aria-labelledby="whole">
          <h2 id="whole" className="mb-3 text-2xl">
            The whole shop
          </h2>
          <CategoryIndex tiles={home.categories} />
        </section>
      )}
    </>
  );
}
