/* The search of the header: a plain form without script; with it, a combobox that looks products up as somebody types
 * (WAI-ARIA's pattern "editable combobox with list autocomplete"). */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';

import type { Product } from '../page/document';
import { usePage } from '../page/context';
import { paths } from '../paths';
import { api, unwrap } from '../state/api';
import { SearchIcon } from './icons';
import { ProductPrice } from './price';

const SUGGESTIONS_MAX = 6;
const TYPING_PAUSE_MS = 120;
const WORDS_MIN = 2;

async function suggest(q: string, currency: string, region: string, signal: AbortSignal): Promise<Product[]> {
  const query = { q, limit: SUGGESTIONS_MAX, currency, region };
  const reply = await unwrap(api.GET('/api/catalog/v1/products', { params: { query }, signal }));
  return reply.products as Product[];
}

/** What is found for the words, a pause after the last key; undefined while nothing was looked for. */
function useSuggestions(words: string): Product[] | undefined {
  const { site } = usePage();
  const [found, setFound] = useState<{ words: string; products: Product[] }>();
  useEffect(() => {
    if (words.length < WORDS_MIN) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      suggest(words, site.currency, site.country, abort.signal)
        .then((products) => setFound({ words, products }))
        .catch(() => undefined); // The form still searches; a failed suggestion is no news.
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [words, site.currency, site.country]);
  return words.length >= WORDS_MIN && found ? found.products : undefined;
}

function Suggestion({ product, id, active }: { product: Product; id: string; active: boolean }) {
  const { site } = usePage();
  const varies = product.skus.some((sku) => sku.price?.amount !== product.price?.amount);
  return (
    <a
      id={id}
      role="option"
      aria-selected={active}
      href={paths.product(product.slug)}
      tabIndex={-1}
      className={`flex min-h-6 items-center justify-between gap-2 px-2 py-1 hover:bg-wash ${active ? 'bg-wash' : ''}`}
    >
      <span>{product.title}</span>
      <span className="text-sm">
        <ProductPrice money={product.price} varies={varies} locale={site.locale} />
      </span>
    </a>
  );
}

interface Combobox {
  open: boolean;
  active: number;
  count: number;
}

function nextActive(key: string, { active, count }: Combobox): number | undefined {
  if (key === 'ArrowDown') return active + 1 >= count ? -1 : active + 1;
  if (key === 'ArrowUp') return active < 0 ? count - 1 : active - 1;
  return undefined;
}

function currentWords(path: string): string {
  const match = /^\/search\?(?:.*&)?q=([^&]*)/.exec(path);
  try {
    return match ? decodeURIComponent((match[1] ?? '').replace(/\+/g, ' ')) : '';
  } catch {
    return '';
  }
}

export function SearchBox() {
  const { path } = usePage();
  const id = useId();
  const box = useRef<HTMLFormElement>(null);
  const [words, setWords] = useState(() => currentWords(path));
  const [typed, setTyped] = useState('');
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const products = useSuggestions(typed.trim());
  const shown = open && products !== undefined;
  const optionId = (index: number) => `${id}-option-${index}`;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && shown) {
      setOpen(false);
      event.preventDefault();
      return;
    }
    const next = shown ? nextActive(event.key, { open, active, count: products.length }) : undefined;
    if (next !== undefined) {
      setActive(next);
      event.preventDefault();
    }
    const chosen = shown ? products[active] : undefined;
    if (event.key === 'Enter' && chosen) {
      event.preventDefault();
      location.assign(paths.product(chosen.slug));
    }
  };

  return (
    <form
      ref={box}
      role="search"
      action={paths.search}
      method="get"
      className="relative w-full"
      onBlur={(event) => {
        if (!box.current?.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <label className="sr-only" htmlFor={`${id}-input`}>
        Search products
      </label>
      <input
        id={`${id}-input`}
        className="input input-line"
        type="search"
        name="q"
        placeholder="Search products"
        maxLength={200}
        autoComplete="off"
        role="combobox"
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={shown && active >= 0 ? optionId(active) : undefined}
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setTyped(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onKeyDown={onKeyDown}
      />
      <span className="pointer-events-none absolute top-1.5 left-0 text-soft">
        <SearchIcon />
      </span>
      <div
        className="absolute inset-x-0 top-full z-20 suggestions"
        hidden={!shown}
      >
        <div id={`${id}-list`} role="listbox" aria-label="Products">
          {products?.map((product, index) => (
            <Suggestion key={product.id} product={product} id={optionId(index)} active={index === active} />
          ))}
        </div>
        {products?.length === 0 && <p className="p-2 text-soft">Nothing is called that. Enter looks for each word.</p>}
      </div>
      <p className="sr-only" role="status">
        {shown && `${products.length} suggestions`}
      </p>
    </form>
  );
}
