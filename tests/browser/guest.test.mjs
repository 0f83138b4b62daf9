/* A guest's way through the shop: looks around, finds, chooses, fills the cart, pays, and sees the order sent. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { addToCart, cardFrame, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();

const cards = (page) => page.locator("main article");
const titles = (page) => cards(page).getByRole("heading").allInnerTexts();

async function follow(visitor, link) {
  const { page } = visitor;
  const href = await link.getAttribute("href");
  await link.click();
  await page.waitForURL((url) => url.pathname + url.search === href);
  await visitor.ready();
}

test("from the first page to an order that is sent", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;

  await visitor.go("/");
  await follow(visitor, page.getByRole("navigation", { name: "Categories", exact: true }).getByRole("link", { name: "Lighting" }));
  assert.equal(await page.locator("h1").innerText(), "Lighting");
  await follow(visitor, cards(page).first().getByRole("link"));

  await addToCart(page);
  await page.getByRole("dialog").getByRole("link", { name: "Check out" }).click();
  await page.waitForURL("**/checkout");
  await visitor.ready();
  await fillAddress(page);
  await fillCard(page);
  await payButton(page).click();
  const id = await orderId(page);
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();

  await shop().staff("POST", `/api/orders/v1/orders/${id}/fulfil`);
  await page.getByRole("heading", { name: "Your order is on its way" }).waitFor();
  assert.equal((await shop().order(id)).status, "fulfilled");
});
