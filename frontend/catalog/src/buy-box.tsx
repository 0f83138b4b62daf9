/* Choosing a variant and putting it into the cart, once a click. */
import {
  addToCart,
  MinusIcon,
  PlusIcon,
  Price,
  useOnce,
  usePage,
  usePictures,
  type Product,
  type Sku,
} from '@shopstream/shared';
import { useEffect, useId, useRef, useState } from 'react';

import { VariantChoice } from './variant-choice';
import { attributesOf, choose, firstChoice, isAvailable } from './variants';

const FEW = 5;
const QUANTITY_MAX = 20;

function stockWords(sku: Sku): { text: string; tone: string } {
  const left = sku.available ?? 0;
  if (left <= 0) return { text: 'Sold out', tone: 'text-bad' };
  if (left <= FEW) return { text: `Only ${left} left`, tone: 'text-ink' };
  return { text: 'In stock, sent within a day', tone: 'text-good' };
}

function Stock({ sku }: { sku: Sku }) {
  const { text, tone } = stockWords(sku);
  return (
    <p role="status" className={`mt-3 flex items-center gap-1 ${tone}`} data-stock={sku.available ?? 0}>
      <span className={`h-1 w-1 rounded-full ${isAvailable(sku) ? 'bg-current' : 'border border-current'}`} />
      {text}
    </p>
  );
}

interface QuantityProps {
  value: number;
  max: number;
  onChange: (value: number) => void;
}

function Quantity({ value, max, onChange }: QuantityProps) {
  const id = useId();
  const set = (wanted: number) => onChange(Math.min(Math.max(1, wanted), max));
  return (
    <div className="flex rounded-sm border border-edge">
      <label className="sr-only" htmlFor={id}>
        Quantity
      </label>
      <button
        type="button"
        className="grid h-6 w-6 place-items-center disabled:text-line"
        aria-label="One less"
        disabled={value <= 1}
        onClick={() => set(value - 1)}
      >
        <MinusIcon />
      </button>
      <input
        id={id}
        className="figures w-4 bg-transparent text-center"
        inputMode="numeric"
        pattern="[0-9]*"
        value={value}
        onChange={(event) => set(Number.parseInt(event.target.value, 10) || 1)}
      />
      <button
        type="button"
        className="grid h-6 w-6 place-items-center disabled:text-line"
        aria-label="One more"
        disabled={value >= max}
        onClick={() => set(value + 1)}
      >
        <PlusIcon />
      </button>
    </div>
  );
}

/** The variant of the address (#code), so that a link shows what was looked at. */
function useSku(skus: Sku[]): [Sku | undefined, (sku: Sku) => void] {
  const [id, setId] = useState(firstChoice(skus)?.id);
  const opened = useRef(skus); // Only the address as the page was opened counts, not each stock that changes.
  useEffect(() => {
    const linked = opened.current.find((sku) => sku.code && `#${sku.code}` === location.hash);
    if (linked) setId(linked.id);
  }, []);
  const select = (sku: Sku) => {
    setId(sku.id);
    if (sku.code) history.replaceState(history.state, '', `#${sku.code}`);
  };
  return [skus.find((sku) => sku.id === id) ?? firstChoice(skus), select];
}

export function BuyBox({ product }: { product: Product }) {
  const { site } = usePage();
  const picture = usePictures(product.image_url)[0];
  const [sku, select] = useSku(product.skus);
  const [quantity, setQuantity] = useState(1);
  const max = Math.max(1, Math.min(sku?.available ?? 1, QUANTITY_MAX));
  const wanted = Math.min(quantity, max);
  const { run, working, problem } = useOnce();
  const add = async () => {
    if (!sku) return;
    const { title } = product;
    await addToCart({ title, attributes: sku.attributes, picture, sku_id: sku.id }, wanted, site.currency);
  };
  if (!sku) return <p className="mt-4 text-soft">This is not for sale at the moment.</p>;
  const available = isAvailable(sku);
  return (
    <form
      className="mt-0.5"
      onSubmit={(event) => {
        event.preventDefault();
        void run(add);
      }}
    >
      <p className="text-3xl tracking-tight text-accent" data-price={sku.price?.amount}>
        <Price money={sku.price ?? product.price} />
      </p>
      {attributesOf(product.skus).map((attribute) => (
        <VariantChoice
          key={attribute.name}
          attribute={attribute}
          skus={product.skus}
          current={sku}
          onChoose={(name, value) => select(choose(product.skus, sku, name, value))}
        />
      ))}
      <Stock sku={sku} />
      <div className="mt-2 flex flex-wrap gap-1">
        <Quantity value={wanted} max={max} onChange={setQuantity} />
        <button type="submit" className="button min-w-[60%] flex-1" disabled={!available} aria-busy={working}>
          {available ? (working ? 'Adding…' : 'Add to cart') : 'Sold out'}
        </button>
      </div>
      <p role="alert" className="mt-1 text-bad empty:hidden">
        {problem}
      </p>
    </form>
  );
}
