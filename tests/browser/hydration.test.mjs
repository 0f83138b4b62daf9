/* Each kind of page is rendered by the browser as the server rendered it, down to the attributes, of which React says
 * nothing where it takes a page over. watch.test.mjs shows that a planted one is found. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { findMismatches } from "./support/hydration.mjs";
import { PASSWORD } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront({ prepare });

const FOR_EVERYBODY = {
  home: "/",
  category: "/c/lighting",
  narrowed: "/c/furniture?brand=Tessela&sort=price_desc",
  search: "/search?q=oak",
  "empty search": "/search?q=unicorn",
  product: "/products/eider-enamel-storage-jar",
  "not found": "/nowhere",
  error: "/c/lighting?cursor=broken",
};
const FOR_GUESTS = { login: "/login", signup: "/signup", verify: "/verify", forgot: "/forgot" };
const FOR_BUYERS = { cart: "/cart", checkout: "/checkout" };
const FOR_CUSTOMERS = { orders: "/orders", account: "/account" };
let product, order, failed, guestOrder, email;

async function prepare(made) {
  product = await made.product({ stocks: [20, 0] });
  const [{ id }] = product.skus;
  email = await made.signUp();
  const headers = { authorization: `Bearer ${await made.signIn(email)}` };
  order = await made.placeOrder(id, {}, headers);
  failed = await made.placeOrder(id, { payment: { payment_method: "pm_card_chargeDeclined" } }, headers);
  guestOrder = await made.placeOrder(id);
  const line = { sku_id: id, quantity: 2 };
  await made.ask("POST", "/api/orders/v1/cart/items", line, headers);
  await made.ask("POST", "/api/orders/v1/cart/items", line, { "x-guest-token": guestOrder.guest_token });
}

async function assertSame(visitor, pages) {
  visitor.allow(/^404 GET .*\/nowhere$/);
  visitor.allow(/^400 GET .*cursor=broken$/);
  // What a test answered with comes from nowhere, as Chromium sees it, and may not frame what is of this machine.
  visitor.allow(/^failed: GET .*\/card-field.*LOCAL_NETWORK_ACCESS_CHECKS$/);
  for (const [name, path] of Object.entries(pages)) assert.deepEqual(await findMismatches(visitor, path), [], name);
}

test("pages of a guest", async (t) => {
  const visitor = await visit(t);
  await assertSame(visitor, { ...FOR_EVERYBODY, ...FOR_GUESTS, ...FOR_BUYERS });
  await visitor.asGuest(guestOrder.guest_token);
  await assertSame(visitor, { ...FOR_BUYERS, variants: `/products/${product.slug}`, order: `/orders/${guestOrder.id}` });
});

test("pages of somebody who is signed in", async (t) => {
  const visitor = await visit(t);
  await visitor.signIn(email, PASSWORD);
  const orders = { order: `/orders/${order.id}?placed=1`, "failed order": `/orders/${failed.id}` };
  await assertSame(visitor, { ...FOR_EVERYBODY, ...FOR_BUYERS, ...FOR_CUSTOMERS, ...orders });
});
