/* Whatever a customer does while paying, there is one order and one charge: counted behind the page's back. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { addToCart, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { eventually } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront({ words: ["--no-seed"] });
const isPlacing = (request) => request.method() === "POST" && /\/api\/orders\/v1\/orders$/.test(request.url());

/* Somebody at the checkout with all filled in, and one piece of a product that nobody else buys. */
async function readyToPay(t) {
  const product = await shop().product({ stocks: [10] });
  const visitor = await visit(t);
  await visitor.go(`/products/${product.slug}`);
  await addToCart(visitor.page);
  await visitor.go("/checkout");
  await fillAddress(visitor.page);
  await fillCard(visitor.page);
  return { visitor, page: visitor.page, sku: product.skus[0].id };
}

/* One order of the SKU, confirmed, charged once, one unit gone. */
async function assertOnce(sku) {
  const orders = await shop().ordersOf(sku);
  assert.equal(orders.length, 1, JSON.stringify(orders));
  const order = await shop().ended(orders[0].id);
  assert.equal(order.status, "confirmed");
  assert.equal(order.lines[0].quantity, 1);
  const charges = await shop().charges(order.id);
  assert.deepEqual(charges.map((charge) => charge.amount_captured), [order.total.amount]);
  assert.deepEqual(await shop().stock(sku), { on_hand: 9, reserved: 0, available: 9 });
  return order;
}

/* Holds the page's first request for an order back until it is let go; `arrived` once it is there. */
async function holdOrders(page, { reachShop }) {
  const held = { count: 0 };
  held.arrived = new Promise((resolve) => (held.arrive = resolve));
  held.released = new Promise((resolve) => (held.release = resolve));
  await page.route(/\/api\/orders\/v1\/orders$/, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    if (held.count++ > 0) return route.continue();
    const response = reachShop ? await route.fetch() : undefined;
    held.arrive();
    await held.released;
    // A page that was left hears nothing of it any more.
    return (response ? route.fulfill({ response }) : route.continue()).catch(() => undefined);
  });
  return held;
}

test("a double click on the pay button", async (t) => {
  const { page, sku } = await readyToPay(t);
  let sent = 0;
  page.on("request", (request) => (sent += isPlacing(request) ? 1 : 0));
  await payButton(page).dblclick();
  await orderId(page);
  await assertOnce(sku);
  assert.equal(sent, 1);
});

test("clicks and Enter again and again while the shop is at it", async (t) => {
  const { page, sku } = await readyToPay(t);
  const held = await holdOrders(page, { reachShop: true });
  await payButton(page).click();
  await held.arrived;
  const placing = page.getByRole("button", { name: "Placing your order…" });
  for (let i = 0; i < 3; i++) await placing.click({ force: true });
  await page.locator('main [name="city"]').press("Enter");
  held.release();
  await orderId(page);
  assert.equal(held.count, 1);
  await assertOnce(sku);
});

test("a reload after the shop got the order and before the page heard of it", async (t) => {
  const { visitor, page, sku } = await readyToPay(t);
  const held = await holdOrders(page, { reachShop: true });
  await payButton(page).click();
  await held.arrived;
  await page.reload();
  held.release();
  const id = await orderId(page);
  await visitor.ready();
  assert.equal((await assertOnce(sku)).id, id);
});

test("a reload before the shop got the order", async (t) => {
  const { page, sku } = await readyToPay(t);
  const held = await holdOrders(page, { reachShop: false });
  await payButton(page).click();
  await held.arrived;
  await page.reload();
  held.release();
  await orderId(page);
  await assertOnce(sku);
});

test("the answer is lost, and the customer presses again", async (t) => {
  const { visitor, page, sku } = await readyToPay(t);
  let lost = 0;
  await page.route(/\/api\/orders\/v1\/orders$/, async (route) => {
    if (route.request().method() !== "POST" || lost++ > 0) return route.continue();
    await route.fetch();
    return route.abort("connectionreset");
  });
  visitor.expect(/failed: POST .*\/orders: net::ERR_CONNECTION_RESET/);
  await payButton(page).click();
  await page.getByText("it is never placed or charged twice").waitFor();
  await payButton(page).click();
  await orderId(page);
  await assertOnce(sku);
});

test("Back after the order, and paying again", async (t) => {
  const { visitor, page, sku } = await readyToPay(t);
  await payButton(page).click();
  const id = await orderId(page);
  await visitor.ready();
  await page.goBack();
  await visitor.ready();
  // The checkout has nothing to pay for any more, or leads on to the order; it never offers to pay.
  await page.getByRole("heading", { name: /There is nothing to pay for|Your order is confirmed/ }).waitFor();
  assert.equal(await payButton(page).count(), 0);
  assert.equal((await assertOnce(sku)).id, id);
});

test("Back to the page as it was left, and paying again", async (t) => {
  const { page, sku, visitor } = await readyToPay(t);
  await payButton(page).click();
  await orderId(page);
  // The same page as a browser shows it from its cache: the form filled in, its script as it stood.
  await visitor.go("/checkout");
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await page.getByRole("heading", { name: /There is nothing to pay for|Your order is confirmed/ }).waitFor();
  await assertOnce(sku);
});

test("a second tab with the same cart, one after the other", async (t) => {
  const { visitor, page, sku } = await readyToPay(t);
  const tab = await visitor.tab("/checkout");
  await fillAddress(tab);
  await fillCard(tab);
  await payButton(page).click();
  await orderId(page);
  visitor.expect(/^4\d\d POST .*\/api\/orders\/v1\/orders$/);
  await payButton(tab).click();
  const notice = tab.getByRole("alert").filter({ hasText: /\w/ });
  await notice.waitFor();
  assert.match(await notice.innerText(), /cart/i);
  await assertOnce(sku);
});

test("a second tab with the same cart, at the same moment", async (t) => {
  const { visitor, page, sku } = await readyToPay(t);
  const tab = await visitor.tab("/checkout");
  await fillAddress(tab);
  await fillCard(tab);
  visitor.expect(/^4\d\d POST .*\/api\/orders\/v1\/orders$/);
  const held = [await holdOrders(page, { reachShop: false }), await holdOrders(tab, { reachShop: false })];
  await payButton(page).click();
  await payButton(tab).click();
  await Promise.all(held.map((one) => one.arrived));
  for (const one of held) one.release();
  const arrived = () => [page, tab].filter((one) => /\/orders\//.test(one.url())).length;
  await eventually(arrived, "an order in one of the tabs");
  const refused = (one) => one.getByRole("alert").filter({ hasText: /cart/i }).count();
  await eventually(async () => (await refused(page)) + (await refused(tab)) === 1, "a refusal in the other tab");
  assert.equal(arrived(), 1);
  await assertOnce(sku);
});
