/* A product as it is now: what the page was rendered with, and what its events say since. */
import { api, listen, problemFrom, unwrap, usePage, type LiveEvent, type Product } from '@shopstream/shared';
import { useEffect, useState } from 'react';

interface ProductEvent {
  product?: Product;
  stock?: { sku_id?: string; available?: number }[];
}

export function applyEvent(product: Product, { data }: LiveEvent): Product {
  const event = (data ?? {}) as ProductEvent;
  const base = event.product ? { ...product, ...event.product } : product;
  const left = new Map(event.stock?.map((stock) => [stock.sku_id, stock.available ?? 0]));
  if (left.size === 0) return base;
  return { ...base, skus: base.skus.map((sku) => ({ ...sku, available: left.get(sku.id) ?? sku.available ?? 0 })) };
}

const TYPES = ['product.updated', 'product.stock_changed', 'product.deleted'];

/** Undefined where there is no such product (any more). */
async function fetchProduct(id: string, query: { currency: string; region: string }): Promise<Product | undefined> {
  try {
    return (await unwrap(api.GET('/api/catalog/v1/products/{id}', { params: { path: { id }, query } }))) as Product;
  } catch (error) {
    if (problemFrom(error).status === 404) return undefined;
    throw error;
  }
}

/** Undefined once it was taken out of the shop. What the page was rendered with may be old: the browser keeps it for Back,
 * and a change may fall between the page and the stream. So it is asked for once as soon as the stream is there. */
export function useLiveProduct(initial: Product): Product | undefined {
  const [product, setProduct] = useState<Product | undefined>(initial);
  const { currency, country: region } = usePage().site;
  useEffect(() => {
    const onEvent = (event: LiveEvent) =>
      setProduct((known) => (event.type === 'product.deleted' ? undefined : known && applyEvent(known, event)));
    const catchUp = async () => setProduct(await fetchProduct(initial.id, { currency, region }));
    return listen(`product:${initial.id}`, TYPES, { onEvent, catchUp }, true);
  }, [initial.id, currency, region]);
  return product;
}
