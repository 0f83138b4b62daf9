/* The first page: one product in full, what is new, and the whole shop by its rooms. */
import {
  ArrowIcon,
  paths,
  Picture,
  plural,
  ProductGrid,
  ProductPrice,
  usePage,
  usePictures,
  type CategoryTile,
  type PageDocument,
  type Product,
} from '@shopstream/shared';

function Featured({ product }: { product: Product }) {
  const picture = usePictures(product.image_url)[0];
  const href = paths.product(product.slug);
  return (
    <section className="frame pt-2 lg:pt-3" aria-labelledby="featured">
      <div className="grid bg-tile lg:grid-cols-[5fr_7fr]">
        <a href={href} tabIndex={-1} aria-hidden="true" className="lg:order-last">
          <Picture
            picture={picture}
            sizes="(min-width: 100rem) 840px, (min-width: 64rem) 54vw, 92vw"
            lead
            alt=""
            className="max-lg:aspect-[4/3] lg:h-full lg:max-h-[720px] picture-fill"
          />
        </a>
        <div className="flex flex-col justify-between gap-4 p-3 sm:p-4 lg:p-5">
          <p className="font-semibold">Just in{product.brand && `, from ${product.brand}`}</p>
          <div>
            <h1 id="featured" className="text-4xl font-bold tracking-tighter sm:text-5xl xl:text-6xl">
              <a href={href}>{product.title}</a>
            </h1>
            {product.description && <p className="mt-2 max-w-[44ch] text-base lg:mt-3">{product.description}</p>}
            <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-1">
              <a className="button" href={href}>
                Look at it
                <ArrowIcon />
              </a>
              <p>
                <ProductPrice product={product} />
              </p>
            </div>
          </div>
        </div>
      </div>
    </section>
  );
}

function Room({ tile }: { tile: CategoryTile }) {
  const { site } = usePage();
  const picture = usePictures(tile.image_url)[0];
  return (
    <li className="group relative border-t border-line">
      <div className="flex items-center gap-2 py-1.5">
        <Picture picture={picture} sizes="72px" alt="" className="h-9 w-9 flex-none picture-fill" />
        <a
          className="text-xl font-semibold tracking-tight decoration-2 underline-offset-4 after:absolute after:inset-0 group-hover:underline sm:text-2xl"
          href={paths.category(tile.slug)}
        >
          {tile.title}
        </a>
        <span className="ml-auto text-sm text-soft">
          {tile.product_count !== undefined && plural(tile.product_count, 'product', 'products', site.locale)}
        </span>
      </div>
    </li>
  );
}

function Empty({ name }: { name: string }) {
  return (
    <section className="frame py-10">
      <h1 className="text-4xl">{name}</h1>
      <p className="mt-2 max-w-[60ch] text-soft">Nothing is for sale yet. Come back soon.</p>
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
        <section className="frame mt-8" aria-labelledby="new">
          <h2 id="new" className="mb-3 text-2xl">
            New this week
          </h2>
          <ProductGrid products={home.new_arrivals.slice(0, 8)} />
        </section>
      )}
      {home.categories.length > 0 && (
        <section className="frame mt-10" aria-labelledby="rooms">
          <h2 id="rooms" className="mb-3 text-2xl">
            The whole shop
          </h2>
          <ul className="grid gap-x-6 md:grid-cols-2 2xl:grid-cols-3">
            {home.categories.map((tile) => (
              <Room key={tile.slug} tile={tile} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
