/* By keyboard alone: every step of a guest's order, the cart, the bank's question and an account, with the focus to be seen
 * at each. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ADDRESS, addToCart, CARDS, orderId } from "./support/checkout.mjs";
import { newEmail, PASSWORD } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront();

const STEPS_MAX = 80;

/* What has the focus: its name, and whether somebody who looks can tell. */
function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: "", visible: true };
    const marks = (one) => {
      const style = getComputedStyle(one);
      return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    };
    const box = element.getBoundingClientRect();
    // A radio button that is drawn by its label shows its focus there; the frame of the card shows it inside.
    const visible = element.tagName === "IFRAME" || marks(element) || (element.closest("label") !== null && marks(element.closest("label")));
    const inView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.innerText ?? element.innerText ?? "";
    return { name: name.trim(), visible, inView, tag: element.tagName };
  });
}

/* Tabs on until the wanted thing has the focus; each thing on the way has to show that it has it. */
async function tabTo(page, wanted) {
  const met = [];
  for (let step = 0; step < STEPS_MAX; step++) {
    const now = await focused(page);
    met.push(now.name);
    assert.ok(now.visible, `the focus on ${now.tag} "${now.name}" cannot be seen`);
    if (now.name) assert.ok(now.inView, `${now.tag} "${now.name}" has the focus out of sight`);
    if (wanted.test(now.name)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`no ${wanted} by Tab; there were: ${met.join(" | ")}`);
}

/* From inside the frame, where the page knows only that the frame has the focus. */
async function typeCard(page, { number, expiry, cvc }) {
  const frame = page.frames().find((one) => one.url().includes("card-field"));
  const inside = () => frame.evaluate(() => document.activeElement?.id);
  const texts = { number, expiry, cvc };
  for (const [id, text] of Object.entries(texts)) {
    assert.equal(await inside(), id);
    const outlined = await frame.evaluate(() => {
      const places = [document.activeElement, document.activeElement.closest(".box")];
      return places.some((place) => {
        const style = getComputedStyle(place);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
      });
    });
    assert.ok(outlined, `the focus on the card's ${id} cannot be seen`);
    await page.keyboard.type(text);
    await page.keyboard.press("Tab");
  }
}

/* What the checkout asks, from its first field to the button that pays. */
async function typeOrder(page, card) {
  for (const [name, label] of [
    ["email", /^E-mail/],
    ["name", /^Full name/],
    ["line1", /^Street and number/],
    ["postal_code", /^Postal code/],
    ["city", /^Town or city/],
  ]) {
    await tabTo(page, label);
    await page.keyboard.type(ADDRESS[name]);
  }
  await tabTo(page, /Standard|Post|Delivery|working day/i);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assert.equal((await focused(page)).tag, "IFRAME");
  await typeCard(page, { number: card.replaceAll(" ", ""), expiry: "1234", cvc: "123" });
  await tabTo(page, /^Pay /);
  await page.keyboard.press("Enter");
}

/* Types over what stands in each field. */
async function typeInto(page, fields) {
  for (const [label, text] of fields) {
    await tabTo(page, label);
    await page.keyboard.press("Control+a");
    await page.keyboard.type(text);
  }
}

/* Where the focus is taken to by the page, or nowhere: a new page begins at its top. */
async function press(page, wanted) {
  await tabTo(page, wanted);
  await page.keyboard.press("Enter");
}

test("the skip link comes first, and leads to the content", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go("/c/lighting");
  await page.keyboard.press("Tab");
  assert.equal((await focused(page)).name, "Skip to the content");
  assert.ok((await focused(page)).inView);
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest("main") !== null), "Tab goes on in the content");
});

test("the drawer keeps the focus, Escape closes it and gives the focus back", async (t) => {
  const product = await shop().product({ stocks: [9] });
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(`/products/${product.slug}`);
  await tabTo(page, /^Add to cart$/);
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog", { name: "In your cart" });
  await drawer.waitFor();
  const seen = new Set();
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press("Tab");
    // The browser's own controls may have it in between: then it is the body that is active.
    const inside = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement === document.body || activeElement.closest("dialog") !== null;
    });
    assert.ok(inside, "the focus left the drawer");
    seen.add((await focused(page)).name);
  }
  for (const name of ["Close", "Check out", "Look at the cart", "Go on shopping"]) assert.ok(seen.has(name), name);
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  assert.equal((await focused(page)).name, "Add to cart");
});

test("a guest's order by keys alone", async (t) => {
  const product = await shop().product({ stocks: [5, 7], title: "Keyboard Thing" });
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go("/");
  await tabTo(page, /^Search products$/);
  await page.keyboard.type("keyboard thing", { delay: 10 });
  await page.getByRole("option", { name: /Keyboard Thing/ }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/products/${product.slug}`);
  await visitor.ready();

  await tabTo(page, /^0$/);
  await page.keyboard.press("ArrowRight");
  await page.locator('[data-stock="7"]').waitFor();
  await tabTo(page, /^Add to cart$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "In your cart" }).waitFor();
  await tabTo(page, /^Check out$/);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/checkout");
  await visitor.ready();

  await typeOrder(page, CARDS.good);
  const id = await orderId(page);
  const order = await shop().ended(id);
  assert.equal(order.status, "confirmed");
  assert.equal(order.lines[0].sku_id, product.skus[1].id);
});

test("an account by keys alone: made, confirmed, left, entered again, and changed", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  const email = newEmail("keys");
  await visitor.go("/");
  await press(page, /^Sign in$/);
  await page.waitForURL("**/login**");
  await visitor.ready();
  await press(page, /^Create an account$/);
  await page.waitForURL("**/signup**");
  await visitor.ready();
  await typeInto(page, [[/^Name$/, "Ada Keys"], [/^E-mail$/, email], [/^Password$/, PASSWORD]]);
  await page.keyboard.press("Enter");
  await page.getByLabel("Code").waitFor();
  await typeInto(page, [[/^Code$/, await shop().mailedCode(email)]]);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "You" }).getByRole("link", { name: "Ada" }).waitFor();

  await visitor.ready();
  await press(page, /^Ada/);
  await page.waitForURL("**/account");
  await visitor.ready();
  await typeInto(page, [[/^Name$/, "Eve Keys"]]);
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "You" }).getByRole("link", { name: "Eve" }).waitFor();
  const changed = "quite another long password";
  await typeInto(page, [[/^Current password$/, PASSWORD], [/^New password$/, changed]]);
  const answered = page.waitForResponse("**/password/change");
  await page.keyboard.press("Enter");
  assert.equal((await answered).status(), 204);
  await visitor.go("/account");
  await press(page, /^Sign out$/);
  await page.getByRole("navigation", { name: "You" }).getByRole("link", { name: "Sign in" }).waitFor();

  await visitor.go("/login");
  await typeInto(page, [[/^E-mail$/, email], [/^Password$/, changed]]);
  await press(page, /^Sign in$/);
  await page.getByRole("navigation", { name: "You" }).getByRole("link", { name: "Eve" }).waitFor();
});

test("a cart is changed by keys alone", async (t) => {
  const products = [await shop().product({ title: "First Thing" }), await shop().product({ title: "Second Thing" })];
  const visitor = await visit(t);
  const { page } = visitor;
  for (const { slug } of products) {
    await visitor.go(`/products/${slug}`);
    await addToCart(page);
  }
  await visitor.go("/cart");
  await tabTo(page, /^Quantity of First Thing/);
  for (const total of ["€30.00", "€40.00"]) {
    await page.keyboard.press("ArrowDown");
    await page.getByRole("main").getByText(total).first().waitFor();
  }
  await press(page, /^Remove Second Thing/);
  await page.getByRole("link", { name: "Second Thing" }).waitFor({ state: "detached" });
  assert.match(await page.getByRole("main").innerText(), /First Thing[^]*€30\.00/);
  // What had the focus is gone: the keyboard goes on from somewhere in the page.
  await press(page, /^Check ?out/);
  await page.waitForURL("**/checkout");
});

test("the bank's question is answered by keys alone", async (t) => {
  const product = await shop().product();
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(`/products/${product.slug}`);
  await addToCart(page);
  await visitor.go("/checkout");
  await typeOrder(page, CARDS.asksTheBank);
  await page.getByRole("button", { name: "Approve payment" }).waitFor();
  await press(page, /^Approve payment$/);
  const order = await shop().ended(await orderId(page));
  assert.equal(order.status, "confirmed");
});
