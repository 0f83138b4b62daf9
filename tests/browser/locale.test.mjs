/* Prices and dates are written as the locale of the shop has them, whatever the browser has; the words stay English. So they
 * are in the HTML of the server, and still when React has taken it over, which complains where the two differ. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const LOCALE = "fr-FR"; // by a narrow space, a comma and the sign at the end, and with its own names of months
const AMOUNT = 123450;
const BROWSERS = {
  "of the other side of the world": { locale: "ja-JP", timezoneId: "Pacific/Kiritimati" },
  "without script": { locale: "en-US", javaScriptEnabled: false },
};

let product, order, guest;
const { visit } = storefront({
  settings: { LOCALE },
  prepare: async (shop) => {
    product = await shop.product({ amount: AMOUNT, title: "Dear Thing" });
    const [{ id }] = product.skus;
    order = await shop.placeOrder(id);
    guest = (await shop.ask("POST", "/api/orders/v1/cart/items", { sku_id: id, quantity: 2 })).body.guest_token;
  },
});

/* By Node's own locale data, which is not what the pages have. */
const asPrice = (amount) => new Intl.NumberFormat(LOCALE, { style: "currency", currency: "EUR" }).format(amount / 100);
const asDate = (iso) => new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeZone: "UTC" }).format(new Date(iso));

/** No amount of the page is written in another way than the locale's. */
async function assertWritten(visitor, path, ...texts) {
  await visitor.go(path);
  const main = visitor.page.locator("main");
  const isShown = async () => (await main.innerText()).includes(texts[0]);
  await eventually(isShown, `${texts[0]} on ${path}`);
  const words = await main.innerText();
  for (const text of texts) assert.ok(words.includes(text), `${text} is not on ${path}: ${words}`);
  assert.doesNotMatch(words, /[€¥$]\d|\d\.\d\d\b/);
}

for (const [name, options] of Object.entries(BROWSERS)) {
  test(`prices, a browser ${name}`, async (t) => {
    const visitor = await visit(t, options);
    await visitor.asGuest(guest);
    await assertWritten(visitor, `/products/${product.slug}`, asPrice(AMOUNT));
    await assertWritten(visitor, "/search?q=Dear+Thing", asPrice(AMOUNT));
    await assertWritten(visitor, "/cart", asPrice(2 * AMOUNT));
  });

  test(`an order with its day and its country, a browser ${name}`, async (t) => {
    const visitor = await visit(t, options);
    await visitor.asGuest(order.guest_token);
    await assertWritten(visitor, `/orders/${order.id}`, asDate(order.created_at), asPrice(order.total.amount));
    assert.match(await visitor.page.locator("address").innerText(), /^10115 Berlin\nGermany$/m);
  });
}
