/* What only a browser can show of docs/security: who may speak to the card field's frame, how passwords are typed, that the
 * way out is always there, and what a browser keeps of a customer. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ADDRESS, addToCart, CARDS, cardFrame, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { PASSWORD } from "./support/shop.mjs";
import { SIZES, storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();
const PRODUCT = "/products/eider-enamel-storage-jar";

async function openCheckout(visitor) {
  await visitor.go(PRODUCT);
  await addToCart(visitor.page);
  await visitor.go("/checkout");
  await cardFrame(visitor.page).getByLabel("Card number").waitFor();
}

async function signIn(visitor) {
  const email = await shop().signUp();
  await visitor.signIn(email, PASSWORD);
  return email;
}

/* -- The card field ------------------------------------------------------------------------------------------------ */

const HEIGHT = 333;
const frameHeight = (page) => page.locator('iframe[title="Card details"]').evaluate((frame) => frame.style.height);

/* Counts messages as they come, after the page's own listener, which was there before. */
function countMessages() {
  globalThis.messages = 0;
  addEventListener("message", () => globalThis.messages++);
}

/* Resizing shows at once, and submitting names the empty fields: a page that listens cannot hide it. */
function speak([target, height]) {
  const window = target === "self" ? globalThis : globalThis.parent;
  window.postMessage({ type: "resize", height }, "*");
  window.postMessage({ type: "payment_method", id: "pm_card_visa" }, "*");
  window.postMessage({ type: "submit" }, "*");
  return 3;
}

test("only the card field's own window is listened to", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await openCheckout(visitor);
  await page.evaluate(countMessages);
  const own = page.frames().find((frame) => frame.url().includes("/card-field"));

  // The page itself, as anything that got into it would, and another frame of the very same origin.
  let sent = await page.evaluate(speak, ["self", HEIGHT]);
  await page.evaluate((src) => {
    const frame = Object.assign(document.createElement("iframe"), { src, title: "Another" });
    document.body.append(frame);
    return new Promise((loaded) => (frame.onload = loaded));
  }, own.url());
  const other = page.frames().find((frame) => frame !== own && frame.url().includes("/card-field"));
  const before = await page.evaluate(() => globalThis.messages);
  sent = await other.evaluate(speak, ["parent", HEIGHT]);
  await page.waitForFunction((count) => globalThis.messages >= count, before + sent);
  assert.notEqual(await frameHeight(page), `${HEIGHT}px`);
  assert.equal(await page.getByText("Please fill this in.").count(), 0);

  // The same words from the right one are heard, or nothing was shown.
  await own.evaluate(speak, ["parent", HEIGHT]);
  await page.getByText("Please fill this in.").first().waitFor();
  assert.equal(await frameHeight(page), `${HEIGHT}px`);
  assert.deepEqual(await shop().ordersOf("none"), []);
});

/* -- Passwords ----------------------------------------------------------------------------------------------------- */

async function checkPassword(page, field) {
  assert.equal(await field.getAttribute("type"), "password");
  await page.evaluate((text) => navigator.clipboard.writeText(text), PASSWORD);
  await field.focus();
  await page.keyboard.press("Control+V");
  assert.equal(await field.inputValue(), PASSWORD);
  const show = page.getByRole("button", { name: /^Show/ }).first();
  await show.click();
  assert.equal(await field.getAttribute("type"), "text");
  assert.equal(await field.inputValue(), PASSWORD);
  await page.getByRole("button", { name: /^Hide/ }).click();
  assert.equal(await field.getAttribute("type"), "password");
}

test("passwords are masked, can be pasted, and are shown on demand", async (t) => {
  const visitor = await visit(t, { permissions: ["clipboard-read", "clipboard-write"] });
  for (const path of ["/login", "/signup"]) {
    await visitor.go(path);
    await checkPassword(visitor.page, visitor.page.locator('main [name="password"]'));
  }
  await signIn(visitor);
  await visitor.go("/account");
  await checkPassword(visitor.page, visitor.page.locator('main [name="current_password"]'));
  assert.equal(await visitor.page.locator('main [name="new_password"]').getAttribute("type"), "password");
});

/* -- The way out --------------------------------------------------------------------------------------------------- */

const PAGES = ["/", "/c/lighting", "/search?q=oak", PRODUCT, "/cart", "/checkout", "/orders", "/account"];

for (const [size, viewport] of Object.entries(SIZES))
  test(`signing out is seen on every page and ends the session, ${size}`, async (t) => {
    const visitor = await visit(t, { viewport });
    const { page } = visitor;
    await signIn(visitor);
    const leave = page.getByRole("button", { name: "Sign out", exact: true });
    for (const path of PAGES) {
      await visitor.go(path);
      await leave.waitFor();
      assert.ok(await leave.evaluate((button) => button.getBoundingClientRect().top < innerHeight), path);
    }
    await page.evaluate(() => sessionStorage.setItem("checkout-draft", "{}"));
    await leave.click();
    await page.waitForURL((url) => url.pathname === "/");
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await visitor.go("/account");
    assert.equal(new URL(page.url()).pathname, "/login");
  });

/* -- What is kept -------------------------------------------------------------------------------------------------- */

const kept = (page) => page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));

test("a browser keeps an address no longer than the checkout needs it, and nothing of the card", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await openCheckout(visitor);
  await fillAddress(page);
  await fillCard(page);
  const digits = (await kept(page)).replace(/\D/g, "");
  assert.ok(!digits.includes(CARDS.good.replaceAll(" ", "")), "the card's number is kept");
  assert.ok((await kept(page)).includes(ADDRESS.line1), "a reload loses what was typed");
  await visitor.go("/checkout");
  assert.equal(await page.locator('main [name="line1"]').inputValue(), ADDRESS.line1);
  await cardFrame(page).getByLabel("Card number").waitFor();
  await fillCard(page);
  await payButton(page).click();
  await orderId(page);
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
  for (const value of Object.values(ADDRESS)) assert.ok(!(await kept(page)).includes(value), value);
  const cookies = JSON.stringify((await visitor.context.cookies()).filter((cookie) => !cookie.httpOnly));
  for (const value of Object.values(ADDRESS)) assert.ok(!cookies.includes(value), value);
});

test("signing in leaves no trace of who it was where scripts can read", async (t) => {
  const visitor = await visit(t);
  const email = await signIn(visitor);
  await visitor.go("/account");
  assert.ok(!(await kept(visitor.page)).includes(email));
});
