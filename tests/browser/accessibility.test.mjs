/* No page has anything that axe-core knows to be wrong, on a phone and on a desk, in light and in dark, and neither has
 * what unfolds over a page: the menu, the drawer, the suggestions, the filters. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, findViolations } from "./support/accessibility.mjs";
import { addToCart, askTheBank, cardFrame, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { PASSWORD } from "./support/shop.mjs";
import { SIZES, storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();

// Motion would be looked at half-way: a drawer that is still coming in has other colours.
const visitAt = (t, size) => visit(t, { viewport: SIZES[size], colorScheme: "light", reducedMotion: "reduce" });

const PAGES = {
  home: "/",
  category: "/c/lighting",
  filtered: "/c/furniture?brand=Tessela",
  search: "/search?q=oak",
  "empty search": "/search?q=unicorn",
  product: "/products/eider-enamel-storage-jar",
  "empty cart": "/cart",
  "empty checkout": "/checkout",
  "sign-in": "/login",
  "sign-up": "/signup",
  "confirm an address": "/verify",
  "forgotten password": "/forgot",
};

test("the search for violations finds those that are planted", async (t) => {
  const { page, go } = bind(await visitAt(t, "desk"));
  await go("/");
  await page.evaluate(() => {
    const main = document.querySelector("main");
    main.append(document.createElement("button"), Object.assign(document.createElement("img"), { src: "/favicon.ico" }));
    main.append(Object.assign(document.createElement("p"), { textContent: "Hardly to be read", id: "pale" }));
    document.getElementById("pale").style.color = "#e0e0e0";
  });
  const rules = (await findViolations(page)).map((found) => found.split(":")[0]);
  assert.deepEqual([...new Set(rules)].sort(), ["button-name", "color-contrast", "image-alt"]);
});

function bind(visitor) {
  return { page: visitor.page, go: (path) => visitor.go(path), visitor };
}

for (const size of Object.keys(SIZES)) {
  test(`pages for everybody, ${size}`, async (t) => {
    const { page, go } = bind(await visitAt(t, size));
    for (const [name, path] of Object.entries(PAGES)) {
      await go(path);
      await assertAccessible(page, name);
    }
  });

  test(`pages of problems, ${size}`, async (t) => {
    const { page, go, visitor } = bind(await visitAt(t, size));
    visitor.expect(/404 GET .*\/nowhere/);
    visitor.expect(/400 GET .*cursor=broken/);
    await go("/nowhere");
    await assertAccessible(page, "not found");
    await go("/c/lighting?cursor=broken");
    await assertAccessible(page, "error");
  });

  test(`what unfolds, ${size}`, async (t) => {
    const { page, go } = bind(await visitAt(t, size));
    if (size === "phone") {
      await go("/c/lighting");
      await page.getByRole("navigation", { name: "Categories" }).locator("summary").click();
      await page.getByRole("link", { name: "Furniture" }).first().waitFor();
      await assertAccessible(page, "menu");
      await go("/search?q=oak");
      await page.locator("main summary", { hasText: "Filter" }).click();
      await assertAccessible(page, "filters");
    }
    await go("/");
    await page.getByRole("combobox").fill("lamp");
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("ArrowDown");
    await assertAccessible(page, "suggestions");
  });

  test(`from the cart to the order, ${size}`, async (t) => {
    const { page, go } = bind(await visitAt(t, size));
    const gone = await shop().product({ stocks: [0] });
    await go(`/products/${gone.slug}`);
    await assertAccessible(page, "sold out");
    await go(PAGES.product);
    await addToCart(page);
    await assertAccessible(page, "drawer");
    await go("/cart");
    await assertAccessible(page, "cart");
    await go("/checkout");
    await cardFrame(page).getByLabel("Card number").waitFor();
    await assertAccessible(page, "checkout");
    await payButton(page).click();
    await page.getByText("Please fill this in.").first().waitFor();
    await assertAccessible(page, "checkout with errors");
    await fillAddress(page);
    await fillCard(page);
    await payButton(page).click();
    await orderId(page);
    await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
    await assertAccessible(page, "order");
  });

  test(`pages of an account, ${size}`, async (t) => {
    const { page, go, visitor } = bind(await visitAt(t, size));
    await visitor.signIn(await shop().signUp(), PASSWORD);
    await go("/orders");
    await page.getByRole("button", { name: "Sign out" }).waitFor();
    await assertAccessible(page, "no orders yet");
    await go("/account");
    await assertAccessible(page, "account");
  });

  test(`orders as they end, and a cart with what is sold out, ${size}`, async (t) => {
    const { page, go, visitor } = bind(await visitAt(t, size));
    const email = await shop().signUp();
    const headers = { authorization: `Bearer ${await shop().signIn(email)}` };
    const { skus } = await shop().product({ stocks: [20, 5] });
    const declined = await shop().placeOrder(skus[0].id, { payment: { payment_method: "pm_card_chargeDeclined" } }, headers);
    const sent = await shop().placeOrder(skus[0].id, {}, headers);
    await shop().staff("POST", `/api/orders/v1/orders/${sent.id}/fulfil`);
    for (const { id } of skus) await shop().ask("POST", "/api/orders/v1/cart/items", { sku_id: id, quantity: 1 }, headers);
    await shop().setStock(skus[1].id, 0);
    await visitor.signIn(email, PASSWORD);
    await go("/orders");
    assert.equal(await page.getByRole("main").getByRole("listitem").count(), 2);
    await assertAccessible(page, "orders");
    for (const [status, { id }] of Object.entries({ failed: declined, fulfilled: sent })) {
      await go(`/orders/${id}`);
      await page.locator(`[data-status="${status}"]`).waitFor();
      await assertAccessible(page, `${status} order`);
    }
    await go("/cart");
    await page.getByRole("main").getByText("Sold out").first().waitFor();
    await assertAccessible(page, "cart with what is sold out");
  });

  test(`the bank's question, ${size}`, async (t) => {
    const { page, go } = bind(await visitAt(t, size));
    const { slug, skus } = await shop().product();
    await go(`/products/${slug}`);
    await addToCart(page);
    await go("/checkout");
    await askTheBank(page);
    await assertAccessible(page, "the bank's question");
    const [order] = await shop().ordersOf(skus[0].id);
    await go(`/orders/${order.id}`);
    await page.getByRole("heading", { name: "Your bank has a question" }).waitFor();
    await assertAccessible(page, "order that waits for the bank");
  });
}
