/* Without JavaScript everything can be read: the server's HTML has it all. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();
const WITHOUT = { javaScriptEnabled: false };

async function assertShown(page, words) {
  await page.getByText(words).first().waitFor();
}

/* Playwright's search for text leaves this element out. */
async function assertExplained(page, words) {
  const shown = page.locator("noscript > *").first();
  await shown.waitFor();
  assert.match(await shown.innerText(), words);
}

/* Every picture of the first screen has arrived and is drawn. */
async function assertPictures(page, least) {
  const pictures = page.locator("main picture img");
  assert.ok((await pictures.count()) >= least, `${await pictures.count()} pictures`);
  const { width, height } = await pictures.first().evaluate((img) => ({ width: img.naturalWidth, height: img.naturalHeight }));
  assert.ok(width > 0 && height > 0);
}

test("the first page, a category with its filters, order and pages", async (t) => {
  const visitor = await visit(t, WITHOUT);
  const { page } = visitor;
  await visitor.go("/");
  await assertPictures(page, 5);
  await page.getByRole("navigation", { name: "Categories", exact: true }).getByRole("link", { name: "Lighting" }).click();
  await page.waitForURL("**/c/lighting");
  const cards = page.locator("main article");
  const first = await cards.getByRole("heading").allInnerTexts();
  await page.getByRole("link", { name: "Show more" }).click();
  await page.waitForURL(/cursor=/);
  assert.ok(!first.includes((await cards.getByRole("heading").allInnerTexts())[0]));
  await page.getByRole("link", { name: "A to Z" }).click();
  await page.waitForURL(/sort=title/);
  const titles = await cards.getByRole("heading").allInnerTexts();
  assert.deepEqual(titles, titles.toSorted((a, b) => a.localeCompare(b, "en")));
  await page.getByRole("region", { name: "Brand" }).getByRole("link", { name: /Lyktan/ }).click();
  await page.waitForURL(/brand=Lyktan/);
  for (const text of await cards.allInnerTexts()) assert.match(text, /Lyktan/);
});

test("on a phone the filters and the categories open without script", async (t) => {
  const visitor = await visit(t, { ...WITHOUT, viewport: { width: 375, height: 800 } });
  const { page } = visitor;
  await visitor.go("/c/lighting");
  await page.getByText("Filter", { exact: true }).click();
  await page.getByRole("link", { name: /Lyktan/ }).click();
  await page.waitForURL(/brand=Lyktan/);
  await page.locator("summary", { hasText: "Categories" }).click();
  await page.getByRole("link", { name: "Kitchen" }).first().click();
  await page.waitForURL("**/c/kitchen");
});

test("search by its form, and a product with its pictures", async (t) => {
  const visitor = await visit(t, WITHOUT);
  const { page } = visitor;
  await visitor.go("/");
  await page.getByRole("combobox", { name: "Search products" }).fill("wall light");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/search?q=wall+light");
  await assertShown(page, "“wall light”");
  await page.locator("main article").first().getByRole("link").click();
  await page.waitForURL("**/products/**");
  await assertPictures(page, 2);
  await assertShown(page, "Details");
  assert.match(await page.locator("main").innerText(), /€\d/);
  assert.match(await page.locator("[data-stock]").innerText(), /stock|left|out/i);
});

test("cart, checkout and sign-in say what needs script", async (t) => {
  const visitor = await visit(t, WITHOUT);
  const { page } = visitor;
  await visitor.go("/cart");
  await assertShown(page, "Your cart is empty");
  await visitor.go("/login");
  await assertExplained(page, /^Signing in needs JavaScript/);
  const product = await shop().product();
  const added = await shop().ask("POST", "/api/orders/v1/cart/items", { sku_id: product.skus[0].id, quantity: 1 });
  await visitor.asGuest(added.body.guest_token);
  await visitor.go("/cart");
  await assertShown(page, product.title);
  await page.getByRole("link", { name: "Check out" }).click();
  await page.waitForURL("**/checkout");
  await assertExplained(page, /^Paying needs JavaScript/);
});

test("an order can be read", async (t) => {
  const product = await shop().product({ title: "Read Thing" });
  const placed = await shop().placeOrder(product.skus[0].id);
  const visitor = await visit(t, WITHOUT);
  await visitor.asGuest(placed.guest_token);
  await visitor.go(`/orders/${placed.id}`);
  await assertShown(visitor.page, "Your order is confirmed");
  await assertShown(visitor.page, "Read Thing");
});

test("what is not there is a 404 that leads on", async (t) => {
  const visitor = await visit(t, WITHOUT);
  visitor.expect(/^404 GET .*\/products\/nothing-like-it$/);
  const response = await visitor.go("/products/nothing-like-it");
  assert.equal(response.status(), 404);
  await assertShown(visitor.page, "There is nothing here");
  await visitor.page.getByRole("link", { name: "To the first page" }).click();
  await visitor.page.waitForURL((url) => url.pathname === "/");
});
