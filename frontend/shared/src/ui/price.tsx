import { formatMoney } from '../format/money';
import type { Money } from '../page/document';
import { usePage } from '../page/context';

function Amount({ money, locale }: { money: Money | undefined; locale: string }) {
  return <span className="figures whitespace-nowrap">{formatMoney(money, locale)}</span>;
}

export function Price({ money }: { money: Money | undefined }) {
  return <Amount money={money} locale={usePage().site.locale} />;
}

interface ProductPriceProps {
  money: Money | undefined;
  /** Some of its variants cost more. */
  varies: boolean | undefined;
  locale: string;
}

/** A product's price: with "from" where it is the lowest of several. */
export function ProductPrice({ money, varies, locale }: ProductPriceProps) {
  return (
    <>
      {varies && <span className="from text-soft">from </span>}
      <Amount money={money} locale={locale} />
    </>
  );
}
