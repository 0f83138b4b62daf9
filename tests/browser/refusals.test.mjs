/* What goes wrong at the checkout is said where it is, nothing is lost, and the way on works. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { addToCart, askTheBank, cardFrame, CARDS, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront({ words: ["--no-seed"] });

async function atCheckout(t, { stocks = [10] } = {}) {
  const product = await shop().product({ stocks });
  const visitor = await visit(t);
  await visitor.go(`/products/${product.slug}`);
  await addToCart(visitor.page);
  await visitor.go("/checkout");
  return { visitor, page: visitor.page, product, sku: product.skus[0].id };
}

/* An element and what a reader says of it beside its name. */
async function describe(field) {
  return field.evaluate((element) => ({
    invalid: element.getAttribute("aria-invalid"),
    focused: element === element.ownerDocument.activeElement,
    words: (element.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .map((id) => element.ownerDocument.getElementById(id)?.textContent ?? "")
      .join(" "),
  }));
}

test("fields that miss are named, and the first of them has the focus", async (t) => {
  const { page } = await atCheckout(t);
  await fillAddress(page);
  for (const name of ["line1", "city"]) await page.locator(`main [name="${name}"]`).fill("");
  await fillCard(page);
  await payButton(page).click();
  const street = await describe(page.getByLabel("Street and number"));
  assert.deepEqual(street, { invalid: "true", focused: true, words: "Please fill this in." });
  const city = await describe(page.getByLabel("Town or city"));
  assert.deepEqual(city, { invalid: "true", focused: false, words: "Please fill this in." });
  assert.equal((await describe(page.getByLabel("E-mail"))).invalid, null);

  await page.getByLabel("Street and number").fill("1 Main Street");
  await page.getByLabel("Town or city").fill("Berlin");
  await payButton(page).click();
  await orderId(page);
});

test("an expiry date of the past is refused in the card's frame, before anybody is asked", async (t) => {
  const { page, sku } = await atCheckout(t);
  await fillAddress(page);
  await fillCard(page, { expiry: "01 / 20" });
  await payButton(page).click();
  const expiry = cardFrame(page).getByLabel("Expiry date");
  await cardFrame(page).getByText("Your card has expired.").waitFor();
  const said = await describe(expiry);
  assert.equal(said.invalid, "true");
  assert.match(said.words, /Your card has expired\./);
  await payButton(page).waitFor();
  assert.deepEqual(await shop().ordersOf(sku), []);

  await expiry.fill("12 / 34");
  await payButton(page).click();
  await orderId(page);
});

for (const [card, words] of [
  ["declined", /Your card was declined\..*Nothing was charged\./s],
  ["insufficientFunds", /insufficient funds\..*Nothing was charged\./s],
]) {
  test(`a card that is refused (${card}): what was typed and the cart stay, another card pays`, async (t) => {
    const { page, sku } = await atCheckout(t);
    await fillAddress(page);
    await fillCard(page, { number: CARDS[card] });
    await payButton(page).click();
    const alert = page.getByRole("region", { name: "Payment" }).getByRole("alert");
    await alert.filter({ hasText: words }).waitFor();
    assert.equal(await page.getByLabel("Town or city").inputValue(), "Berlin");
    const [failed] = await shop().ordersOf(sku);
    assert.equal(failed.status, "failed");
    assert.deepEqual(await shop().stock(sku), { on_hand: 10, reserved: 0, available: 10 });

    await fillCard(page);
    await payButton(page).click();
    const id = await orderId(page);
    assert.notEqual(id, failed.id);
    const order = await shop().ended(id);
    assert.equal(order.status, "confirmed");
    assert.deepEqual(await shop().charges(failed.id), []);
    assert.equal((await shop().charges(id)).length, 1);
  });
}

test("sold out meanwhile: the checkout says so, the cart shows which, and takes it out", async (t) => {
  const { visitor, page, product, sku } = await atCheckout(t, { stocks: [1] });
  await fillAddress(page);
  await fillCard(page);
  await shop().setStock(sku, 0);
  visitor.expect(/^409 POST .*\/api\/orders\/v1\/orders$/);
  await payButton(page).click();
  const alert = page.getByRole("alert").filter({ hasText: /\w/ });
  await alert.waitFor();
  assert.match(await alert.innerText(), /stock|sold out|left/i);
  assert.deepEqual(await shop().ordersOf(sku), []);

  await visitor.go("/cart");
  await page.getByText("Sold out. Take it out to go on.").waitFor();
  await page.getByRole("button", { name: `Remove ${product.title}` }).click();
  await page.getByRole("heading", { name: "Your cart is empty" }).waitFor();
});

/* -- 3-D Secure ---------------------------------------------------------------------------------------------------- */

async function atTheBank(t) {
  const { visitor, page, sku } = await atCheckout(t);
  await askTheBank(page);
  await page.getByRole("heading", { name: "Is it you who pays?" }).waitFor();
  const [order] = await shop().ordersOf(sku);
  return { visitor, page, sku, id: order.id };
}

test("the bank asks, and the payment is approved", async (t) => {
  const { visitor, page, sku, id } = await atTheBank(t);
  await page.getByRole("button", { name: "Approve payment" }).click();
  assert.equal(await orderId(page), id);
  await visitor.ready();
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
  // The client's secret, which the bank sent along, does not stay in the address.
  await page.waitForURL((url) => url.search === "");
  // Back to the bank and again: it has decided.
  await page.goBack();
  assert.equal(await orderId(page), id);
  assert.equal((await shop().ordersOf(sku)).length, 1);
  assert.equal((await shop().charges(id)).length, 1);
});

test("the bank asks, and the payment is refused: the goods are at hand to try again", async (t) => {
  const { visitor, page, sku, id } = await atTheBank(t);
  await page.getByRole("button", { name: "Refuse payment" }).click();
  assert.equal(await orderId(page), id);
  await visitor.ready();
  await page.getByRole("heading", { name: "This order did not work out" }).waitFor();
  assert.deepEqual(await shop().charges(id), []);
  await page.getByRole("button", { name: "Try again with another card" }).click();
  await page.waitForURL("**/checkout");
  await visitor.ready();
  await fillAddress(page);
  await fillCard(page);
  await payButton(page).click();
  const second = await orderId(page);
  assert.equal((await shop().ended(second)).status, "confirmed");
  assert.equal((await shop().ordersOf(sku)).length, 2);
});

test("the bank asks, and the customer goes back without an answer: the order waits, can be cancelled, and is not doubled", async (t) => {
  const { visitor, page, sku, id } = await atTheBank(t);
  await page.goBack();
  await visitor.ready();
  // The checkout knows the order, by its link or by going there.
  const link = page.getByRole("main").getByRole("link", { name: "Your order", exact: true });
  const waiting = page.getByRole("heading", { name: "Your bank has a question" });
  await link.or(waiting).waitFor();
  if (await link.isVisible()) await link.click();
  await waiting.waitFor();
  await visitor.ready();
  await page.getByText("Cancel this order").click();
  await page.getByRole("button", { name: "Yes, cancel it" }).click();
  await page.getByRole("heading", { name: "Your order is cancelled" }).waitFor();
  assert.deepEqual(await shop().charges(id), []);
  assert.equal((await shop().ordersOf(sku)).length, 1);
  assert.deepEqual(await shop().stock(sku), { on_hand: 10, reserved: 0, available: 10 });
});

test("the bank's page is left alone, and approved from the order's page", async (t) => {
  const { visitor, page, id } = await atTheBank(t);
  await visitor.go(`/orders/${id}`);
  await page.getByRole("link", { name: "Go to your bank" }).click();
  await page.getByRole("button", { name: "Approve payment" }).click();
  assert.equal(await orderId(page), id);
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
});
