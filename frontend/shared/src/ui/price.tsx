import { formatMoney } from '../format/money';
import type { Money, Product } from '../page/document';
import { usePage } from '../page/context';

export function Price({ money }: { money: Money | undefined }) {
  const { site } = usePage();
  return <span className="figures whitespace-nowrap">{formatMoney(money, site.locale)}</span>;
}

/** A product's price: with "from" where its variants differ. */
export function ProductPrice({ product }: { product: Product }) {
  const differ = product.skus.some((sku) => sku.price && product.price && sku.price.amount !== product.price.amount);
  return (
    <>
      {differ && <span className="from text-soft">from </span>}
      <Price money={product.price} />
    </>
  );
}
