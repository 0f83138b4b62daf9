/* A guest's way through the shop: looks around, finds, chooses, fills the cart, pays, and sees the order sent. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { addToCart, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { eventually } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();

const cards = (page) => page.locator("main article");
const titles = (page) => cards(page).getByRole("heading").allInnerTexts();
const cartCount = (page) => page.getByRole("navigation", { name: "You" }).getByRole("link", { name: /^Cart/ });

async function follow(visitor, link) {
  const { page } = visitor;
  const href = await link.getAttribute("href");
  await link.click();
  await page.waitForURL((url) => url.pathname + url.search === href);
  await visitor.ready();
}

async function prices(page) {
  const texts = await cards(page).allInnerTexts();
  return texts.map((text) => Number(/€([\d,]+\.\d\d)/.exec(text)[1].replace(",", "")));
}

test("a list is narrowed, sorted and paged by links, and Back undoes each", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go("/");
  await follow(visitor, page.getByRole("navigation", { name: "Categories", exact: true }).getByRole("link", { name: "Lighting" }));
  assert.equal(await page.locator("h1").innerText(), "Lighting");
  const firstPage = await titles(page);

  await follow(visitor, page.getByRole("link", { name: "Show more" }));
  const secondPage = await titles(page);
  assert.ok(secondPage.length > 0 && !secondPage.some((title) => firstPage.includes(title)), `${secondPage}`);
  await follow(visitor, page.getByRole("link", { name: "Back to the first page" }));
  assert.deepEqual(await titles(page), firstPage);

  await follow(visitor, page.getByRole("link", { name: "Price: low to high" }));
  const rising = await prices(page);
  assert.deepEqual(rising, rising.toSorted((a, b) => a - b));

  await follow(visitor, page.getByRole("region", { name: "Brand" }).getByRole("link", { name: /Lyktan/ }));
  assert.match(page.url(), /brand=Lyktan/);
  assert.match(page.url(), /sort=price_asc/);
  for (const text of await cards(page).allInnerTexts()) assert.match(text, /Lyktan/);
  await page.goBack();
  await visitor.ready();
  assert.deepEqual(await prices(page), rising);
  await page.goForward();
  await visitor.ready();
  await follow(visitor, page.getByRole("list", { name: "Chosen filters" }).getByRole("link", { name: /Lyktan/ }));
  assert.deepEqual(await prices(page), rising);
});

test("search suggests as somebody types, by mouse and by keys, and finds all by Enter", async (t) => {
  const product = await shop().product({ title: "Quillfeather Paperweight" });
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go("/");
  const box = page.getByRole("combobox", { name: "Search products" });
  await box.pressSequentially("quillf", { delay: 10 });
  const option = page.getByRole("option", { name: /Quillfeather/ });
  await option.waitFor();
  await box.press("ArrowDown");
  assert.equal(await option.getAttribute("aria-selected"), "true");
  assert.equal(await box.getAttribute("aria-activedescendant"), await option.getAttribute("id"));
  await box.press("Escape");
  await option.waitFor({ state: "hidden" });
  await box.press("Enter");
  await page.waitForURL("**/search?q=quillf");
  await visitor.ready();
  assert.equal(await page.locator("h1").innerText(), "“quillf”");

  await page.getByRole("combobox").fill("quillfeather p");
  await page.getByRole("option", { name: /Quillfeather/ }).click();
  await page.waitForURL(`**/products/${product.slug}`);
  await visitor.ready();
});

test("a product shows each variant's own price and stock, live, and what is sold out", async (t) => {
  const product = await shop().product({ stocks: [3, 0, 40], title: "Variant Lamp" });
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(`/products/${product.slug}`);
  const add = page.getByRole("button", { name: /Add to cart|Sold out/ });
  const stock = page.locator("[data-stock]");
  const choose = (size) => page.getByRole("group", { name: "Size" }).locator("label").nth(size).click();

  assert.equal(await stock.innerText(), "Only 3 left");
  await choose(1);
  assert.equal(await stock.innerText(), "Sold out");
  assert.ok(await add.isDisabled());
  await choose(2);
  assert.match(await stock.innerText(), /^In stock/);
  assert.match(page.url(), new RegExp(`#${product.skus[2].code}$`));

  await shop().setStock(product.skus[2].id, 2);
  await stock.filter({ hasText: "Only 2 left" }).waitFor();
  const known = (await shop().ask("GET", `/api/catalog/v1/products/${product.id}`)).headers.get("etag");
  await shop().staff("PATCH", `/api/catalog/v1/products/${product.id}`, { price: { amount: 1234, currency: "EUR" } }, { "if-match": known });
  await page.locator('[data-price="1234"]').waitFor();

  await page.reload();
  await visitor.ready();
  assert.equal(await stock.innerText(), "Only 2 left");
  await page.getByLabel("Quantity").fill("7");
  assert.equal(await page.getByLabel("Quantity").inputValue(), "2");
});

test("the cart: put in, changed, taken out, and the same in another tab", async (t) => {
  const first = await shop().product({ title: "First Thing", amount: 1500 });
  const second = await shop().product({ title: "Second Thing", amount: 900 });
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(`/products/${first.slug}`);
  await addToCart(page);
  const drawer = page.getByRole("dialog", { name: "In your cart" });
  assert.match(await drawer.innerText(), /First Thing[^]*1 piece[^]*€15\.00/);
  await drawer.getByRole("button", { name: "Close" }).click();
  await drawer.waitFor({ state: "hidden" });
  await cartCount(page).filter({ hasText: "1 item" }).waitFor();

  await visitor.go(`/products/${second.slug}`);
  await cartCount(page).filter({ hasText: "1 item" }).waitFor();
  await page.getByRole("button", { name: "One more" }).click();
  await addToCart(page);
  await drawer.getByRole("link", { name: "Look at the cart" }).click();
  await page.waitForURL("**/cart");
  await visitor.ready();
  const total = page.getByRole("region", { name: /items?$/ });
  await total.filter({ hasText: "€33.00" }).waitFor();

  await page.getByLabel("Quantity of Second Thing").selectOption("3");
  await total.filter({ hasText: "€42.00" }).waitFor();
  await page.getByRole("button", { name: "Remove First Thing" }).click();
  await total.filter({ hasText: "€27.00" }).waitFor();
  await cartCount(page).filter({ hasText: "3 items" }).waitFor();

  const tab = await visitor.tab("/cart");
  assert.match(await tab.locator("main").innerText(), /Second Thing/);
  await page.getByRole("button", { name: "Remove Second Thing" }).click();
  await page.getByRole("heading", { name: "Your cart is empty" }).waitFor();
  await tab.reload();
  await tab.getByRole("heading", { name: "Your cart is empty" }).waitFor();
});

test("from the first page to an order that is sent", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go("/c/lighting");
  await follow(visitor, cards(page).first().getByRole("link"));
  const title = await page.locator("h1").innerText();
  await addToCart(page);
  await page.getByRole("dialog").getByRole("link", { name: "Check out" }).click();
  await page.waitForURL("**/checkout");
  await visitor.ready();

  const summary = page.getByRole("region", { name: "Your order" });
  assert.match(await summary.innerText(), new RegExp(title));
  await fillAddress(page);
  const ways = page.getByRole("group", { name: "Way of delivery" }).locator("label");
  const total = async () => (await summary.innerText()).match(/€[\d.,]+(?=\D*$)/)[0];
  const cheap = await total();
  await ways.last().click();
  await eventually(async () => (await total()) !== cheap, "the dearer way's total");
  assert.equal(await payButton(page).innerText(), `Pay ${await total()}`);
  const paid = await total();
  await fillCard(page);
  await payButton(page).click();
  const id = await orderId(page);
  await visitor.ready();
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
  assert.match(await page.locator("main").innerText(), /Thank you, Ann\./);
  assert.ok((await page.locator("main").innerText()).includes(paid));
  const order = await shop().order(id);
  assert.equal(order.lines[0].title, title);
  assert.equal(order.shipping.address.city, "Berlin");
  const charges = await shop().charges(id);
  assert.deepEqual(charges.map((charge) => charge.amount_captured), [order.total.amount]);

  await shop().staff("POST", `/api/orders/v1/orders/${id}/fulfil`);
  await page.getByRole("heading", { name: "Your order is on its way" }).waitFor();
  await visitor.go("/cart");
  await page.getByRole("heading", { name: "Your cart is empty" }).waitFor();
});
