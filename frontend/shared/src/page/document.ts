/* The page document: all that a page shows, as the shell encodes it from pages.proto. Lists and maps are always there;
 * what the shell may leave out is optional. */

export interface Money {
  amount: number;
  currency: string;
}

export interface Category {
  slug: string;
  title: string;
  product_count?: number;
}

export interface Site {
  name: string;
  locale: string;
  currency: string;
  country: string;
  categories: Category[];
  url: string;
}

export interface Meta {
  title?: string;
  description?: string;
  canonical?: string;
  image?: string;
  no_index?: boolean;
}

export interface PictureSource {
  src: string;
  widths: number[];
  formats: string[];
  width: number;
  height: number;
  placeholder?: string;
  alt?: string;
}

export interface Gallery {
  pictures: PictureSource[];
}

export type Galleries = Record<string, Gallery>;

export interface Visitor {
  id: string;
  name?: string;
  email?: string;
}

export interface Link {
  label: string;
  href: string;
  selected?: boolean;
}

export interface FacetValue extends Link {
  count?: number;
}

export interface Facet {
  name: string;
  title: string;
  values: FacetValue[];
}

export interface Sku {
  id: string;
  code?: string;
  attributes: Record<string, string>;
  price?: Money;
  available?: number;
}

export interface Product {
  id: string;
  slug: string;
  title: string;
  brand?: string;
  category?: string;
  description?: string;
  image_url?: string;
  price?: Money;
  version?: number;
  skus: Sku[];
}

export interface Option {
  name: string;
  values: string[];
}

export interface ProductCard {
  slug: string;
  title: string;
  brand?: string;
  image_url?: string;
  price?: Money;
  price_varies?: boolean;
  sold_out?: boolean;
  options: Option[];
}

export interface CategoryTile {
  slug: string;
  title: string;
  product_count?: number;
  image_url?: string;
}

export interface HomePage {
  new_arrivals: ProductCard[];
  categories: CategoryTile[];
  featured?: ProductCard;
}

export interface ListingPage {
  title: string;
  category?: string;
  q?: string;
  products: ProductCard[];
  facets: Facet[];
  sorts: Link[];
  next_href?: string;
  first_href?: string;
  clear_href?: string;
  total?: number;
}

export interface ProductPage {
  product: Product;
  category?: Link;
  related: ProductCard[];
}

export interface CartItem {
  id: string;
  sku_id: string;
  /** Absent of what is no longer for sale, as is its price. */
  title?: string;
  quantity: number;
  price?: Money;
  line_total?: Money;
  attributes: Record<string, string>;
  product_slug?: string;
  image_url?: string;
  available?: number;
}

export interface Cart {
  id: string;
  items: CartItem[];
  total?: Money;
  guest_token?: string;
  version?: number;
}

export interface CartPage {
  cart: Cart;
}

export interface ShippingMethod {
  id: string;
  title: string;
  price: Money;
  days_min?: number;
  days_max?: number;
}

export interface CardField {
  kind: string;
  url?: string;
  publishable_key?: string;
}

export interface CheckoutPage {
  cart: Cart;
  shipping_methods: ShippingMethod[];
  card_field?: CardField;
  countries: Link[];
}

export interface Address {
  name: string;
  line1: string;
  line2?: string;
  city: string;
  postal_code: string;
  country: string;
}

export interface OrderLine {
  sku_id: string;
  title: string;
  quantity: number;
  price?: Money;
  line_total?: Money;
  attributes: Record<string, string>;
  product_slug?: string;
  image_url?: string;
}

export interface Failure {
  code?: string;
  message?: string;
}

export type OrderStatus = 'pending' | 'confirmed' | 'failed' | 'cancelled' | 'fulfilled' | 'refunded';

export interface Order {
  id: string;
  status: OrderStatus;
  total?: Money;
  lines: OrderLine[];
  shipping?: { method?: string; title?: string; price?: Money; address?: Address };
  payment?: { id?: string; status?: string; next_action?: { type?: string; redirect_to_url?: { url?: string } } };
  failure?: Failure;
  email?: string;
  created_at?: string;
  version?: number;
  guest_token?: string;
  cancel_requested?: boolean;
}

export interface OrderPage {
  order: Order;
  placed_now?: boolean;
  country?: string; // that it goes to, by its name
}

export interface OrdersPage {
  orders: Order[];
  next_href?: string;
}

export interface AccessPage {
  return_to?: string;
  email?: string;
}

export interface User {
  id: string;
  email: string;
  name?: string;
  roles: string[];
  email_verified?: boolean;
  created_at?: string;
}

export interface Session {
  id: string;
  created_at?: string;
  last_used_at?: string;
  address?: string;
  user_agent?: string;
  current?: boolean;
}

export interface AccountPage {
  user: User;
  sessions: Session[];
}

export interface ErrorPage {
  status: number;
  title?: string;
  detail?: string;
  trace_id?: string;
}

export interface PageDocument {
  kind: string;
  path: string;
  meta?: Meta;
  site: Site;
  visitor?: Visitor;
  galleries: Galleries;
  home?: HomePage;
  listing?: ListingPage;
  product?: ProductPage;
  cart?: CartPage;
  checkout?: CheckoutPage;
  order?: OrderPage;
  orders?: OrdersPage;
  access?: AccessPage;
  account?: AccountPage;
  error?: ErrorPage;
}
