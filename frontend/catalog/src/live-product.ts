/* A product as it is now: what the page was rendered with, and what its events say since. */
import { api, listen, problemFrom, unwrap, type LiveEvent, type Product } from '@shopstream/shared';
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
async function fetchProduct(id: string): Promise<Product | undefined> {
  try {
    return (await unwrap(api.GET('/api/catalog/v1/products/{id}', { params: { path: { id } } }))) as Product;
  } catch (error) {
    if (problemFrom(error).status === 404) return undefined;
    throw error;
  }
}

/** Undefined once it was taken out of the shop. */
export function useLiveProduct(initial: Product): Product | undefined {
  const [product, setProduct] = useState<Product | undefined>(initial);
  useEffect(
    () =>
      listen(`product:${initial.id}`, TYPES, {
        onEvent: (event) => setProduct((known) => (event.type === 'product.deleted' ? undefined : known && applyEvent(known, event))),
        catchUp: async () => setProduct(await fetchProduct(initial.id)),
      }),
    [initial.id],
  );
  return product;
}
