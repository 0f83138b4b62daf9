/* Parts whose HTML is kept are what they are when nobody keeps them, whatever they show. */
import { renderToString } from 'react-dom/server';
import { afterEach, describe, expect, it } from 'vitest';

import { keepParts, PageProvider, ProductGrid, type PageDocument, type ProductCard } from '@shopstream/shared';
import { fixture } from './browser';

const page = fixture('home');
const products = page.home?.new_arrivals ?? [];

function grid(shown: ProductCard[], changes: Partial<PageDocument> = {}): string {
  return renderToString(
    <PageProvider page={{ ...page, ...changes }}>
      <ProductGrid products={shown} />
    </PageProvider>,
  );
}

afterEach(() => keepParts(undefined));

describe('kept parts', () => {
  it('are the same as others, the first time and later', () => {
    const html = grid(products);
    keepParts(renderToString);
    expect(grid(products)).toBe(html);
    expect(grid(products)).toBe(html);
  });

  it('are rendered once', () => {
    let rendered = 0;
    keepParts((part) => {
      rendered += 1;
      return renderToString(part);
    });
    grid(products);
    grid(products.toReversed());
    expect(rendered).toBe(products.length);
  });

  it('are new when anything that they show is', () => {
    const [product] = products;
    if (!product) throw new Error('no product');
    keepParts(renderToString);
    const before = grid([product]);
    const price = { amount: 123456, currency: 'EUR' };
    expect(grid([{ ...product, price }])).toContain('1,234.56');
    expect(grid([{ ...product, price }], { site: { ...page.site, locale: 'de-DE' } })).toContain('1.234,56');
    expect(grid([{ ...product, sold_out: true }])).toContain('Sold out');
    expect(grid([product], { galleries: {} })).not.toBe(before);
    expect(grid([product])).toBe(before);
  });

  it('are forgotten, the oldest first, when there are many', () => {
    const [product] = products;
    if (!product) throw new Error('no product');
    let rendered = 0;
    keepParts(() => {
      rendered += 1;
      return '';
    });
    const many = Array.from({ length: 600 }, (_, number) => ({ ...product, slug: `p-${number}` }));
    grid(many);
    grid(many.slice(100));
    expect(rendered).toBe(600);
    grid(many.slice(0, 1));
    expect(rendered).toBe(601);
  });
});
