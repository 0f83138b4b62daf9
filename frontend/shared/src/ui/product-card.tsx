/* One product of a list: the picture, the words, the price. */
import type { PictureSource, ProductCard as Card } from '../page/document';
import { usePage } from '../page/context';
import { KeptItem } from '../page/kept';
import { paths } from '../paths';
import { Picture } from './picture';
import { ProductPrice } from './price';
import { hasSwatch, Swatch } from './swatch';

const SWATCHES_MAX = 5;

function coloursOf(product: Card): string[] {
  const values = product.options.flatMap((option) => option.values.filter((value) => hasSwatch(option.name, value)));
  return [...new Set(values)];
}

function Colours({ values }: { values: string[] }) {
  if (values.length < 2) return null;
  const more = values.length - SWATCHES_MAX;
  return (
    <p className="flex items-center gap-0.5 py-0.5">
      <span className="sr-only">In {values.length} colours</span>
      {values.slice(0, SWATCHES_MAX).map((value) => (
        <Swatch key={value} value={value} small />
      ))}
      {more > 0 && (
        <span className="text-sm text-soft" aria-hidden="true">
          +{more}
        </span>
      )}
    </p>
  );
}

interface ProductCardProps {
  product: Card;
  picture: PictureSource | undefined;
  locale: string;
  sizes: string;
  lead: boolean;
  level: 'h2' | 'h3';
}

function ProductCard({ product, picture, locale, sizes, lead, level: Heading }: ProductCardProps) {
  return (
    <article className="group relative flex h-full flex-col">
      <div className="relative">
        <Picture picture={picture} sizes={sizes} lead={lead} alt="" className="card-picture" />
        {product.sold_out && (
          <span className="absolute top-1.5 left-1.5 bg-paper px-1 text-sm text-soft">Sold out</span>
        )}
      </div>
      <Heading className="mt-1.5 text-base font-semibold tracking-normal">
        <a
          className="decoration-1 underline-offset-4 after:absolute after:inset-0 group-hover:underline"
          href={paths.product(product.slug)}
        >
          {product.title}
        </a>
      </Heading>
      {product.brand && <p className="text-sm text-soft">{product.brand}</p>}
      <div className="mt-0.5 flex flex-wrap items-center justify-between gap-x-1">
        <p>
          <ProductPrice money={product.price} varies={product.price_varies} locale={locale} />
        </p>
        <Colours values={coloursOf(product)} />
      </div>
    </article>
  );
}

const COLUMNS = {
  3: { grid: 'lg:grid-cols-3', sizes: '(min-width: 64rem) 25vw, 46vw' },
  4: { grid: 'lg:grid-cols-4', sizes: '(min-width: 64rem) 22vw, 46vw' },
};

interface ProductGridProps {
  products: Card[];
  /** How many of the first pictures are fetched at once: those that are seen before anybody scrolls. */
  leads?: number;
  level?: 'h2' | 'h3';
  columns?: keyof typeof COLUMNS;
}

export function ProductGrid({ products, leads = 0, level = 'h3', columns = 4 }: ProductGridProps) {
  const { grid, sizes } = COLUMNS[columns];
  const { site, galleries } = usePage();
  return (
    <ul className={`grid grid-cols-2 gap-x-1.5 gap-y-4 md:gap-x-2 md:gap-y-6 ${grid}`}>
      {products.map((product, index) => {
        const picture = galleries[product.image_url ?? '']?.pictures[0];
        const props = { product, picture, locale: site.locale, sizes, lead: index < leads, level };
        return <KeptItem key={product.slug} name="card" of={ProductCard} props={props} />;
      })}
    </ul>
  );
}
