/* With an account: signing up by the code in the mail, the guest's cart kept, orders listed, the account changed, and
 * sessions that run out or are ended elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { addToCart, fillAddress, fillCard, orderId, payButton } from "./support/checkout.mjs";
import { newEmail, PASSWORD } from "./support/shop.mjs";
import { storefront } from "./support/storefront.mjs";

const { shop, visit } = storefront({ words: ["--no-seed"] });

const you = (page) => page.getByRole("navigation", { name: "You" });

test("a guest fills a cart, signs up on the way to the checkout, and finds the order in the account", async (t) => {
  const product = await shop().product({ title: "Kept Thing" });
  const email = newEmail("ada");
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(`/products/${product.slug}`);
  await addToCart(page);
  await visitor.go("/checkout");
  await page.getByRole("main").getByRole("link", { name: "sign in" }).click();
  await page.waitForURL("**/login?return_to=%2Fcheckout");
  await visitor.ready();
  await page.getByRole("link", { name: "Create an account" }).click();
  await page.waitForURL("**/signup?return_to=%2Fcheckout");
  await visitor.ready();
  await page.getByLabel("Name").fill("Ada Example");
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create the account" }).click();

  await page.getByLabel("Code").waitFor();
  visitor.expect(/^4\d\d POST .*\/identity\/v1\/verify$/);
  const code = await shop().mailedCode(email);
  await page.getByLabel("Code").fill(code === "000000" ? "111111" : "000000");
  await page.getByRole("button", { name: "Confirm and sign in" }).click();
  await page.getByRole("alert").or(page.locator('[name="code"][aria-invalid]')).first().waitFor();
  await page.getByLabel("Code").fill(code);
  await page.getByRole("button", { name: "Confirm and sign in" }).click();

  await page.waitForURL("**/checkout");
  await visitor.ready();
  await you(page).getByRole("link", { name: "Ada" }).waitFor();
  assert.equal(await page.getByLabel("E-mail").inputValue(), email);
  assert.match(await page.locator("main").innerText(), /Kept Thing/);
  await fillAddress(page, { name: "Ada Example", line1: "1 Main Street", postal_code: "10115", city: "Berlin" });
  await fillCard(page);
  await payButton(page).click();
  const id = await orderId(page);
  await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
  await page.getByRole("link", { name: "All your orders" }).click();
  await page.waitForURL("**/orders");
  await visitor.ready();
  const row = page.getByRole("listitem").filter({ hasText: "Kept Thing" });
  assert.match(await row.innerText(), /Confirmed/);
  await row.getByRole("link").click();
  assert.equal(await orderId(page), id);
  await visitor.ready();
});

test("the account: name, another device's session, password, signing out", async (t) => {
  const email = await shop().signUp();
  const other = await visit(t, { userAgent: "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0" });
  await other.signIn(email, PASSWORD);
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.signIn(email, PASSWORD);
  await you(page).getByRole("link", { name: "Ada" }).click();
  await page.waitForURL("**/account");
  await visitor.ready();

  await page.getByLabel("Name").fill("Grace Example");
  await page.getByRole("button", { name: "Save the name" }).click();
  await page.getByText("Your name is changed.").waitFor();
  await you(page).getByRole("link", { name: "Grace" }).waitFor();

  const sessions = page.getByRole("list", { name: "Where you are signed in" }).getByRole("listitem");
  assert.equal(await sessions.filter({ hasText: "This device" }).count(), 1);
  const elsewhere = sessions.filter({ hasText: "Firefox on Windows" });
  await elsewhere.getByRole("button", { name: /^Sign out/ }).click();
  await elsewhere.waitFor({ state: "detached" });
  const gone = await other.page.goto(`${shop().url}/account`);
  await other.page.waitForURL("**/login**");
  assert.ok(gone.status() < 500);

  const changed = "another sentence of mine";
  await page.getByLabel("Current password", { exact: true }).fill("not the password");
  await page.getByLabel("New password", { exact: true }).fill(changed);
  visitor.expect(/^4\d\d POST .*\/identity\/v1\/password\/change$/);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByRole("alert").or(page.locator('[name="current_password"][aria-invalid]')).first().waitFor();
  await page.getByLabel("Current password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Your password is changed.").waitFor();
  await page.reload();
  await visitor.ready();
  assert.equal(await page.getByLabel("Name").inputValue(), "Grace Example");

  await page.getByRole("banner").getByRole("button", { name: "Sign out", exact: true }).click();
  await page.waitForURL((url) => url.pathname === "/");
  await visitor.ready();
  await you(page).getByRole("link", { name: "Sign in" }).waitFor();
  assert.deepEqual((await visitor.context.cookies()).map(({ name }) => name), ["csrf"]);

  const login = page;
  await visitor.go("/login");
  visitor.expect(/^401 POST .*\/session$/);
  await login.getByLabel("E-mail").fill(email);
  await login.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await login.getByRole("button", { name: "Sign in" }).click();
  await login.getByText("Address and password do not go together.").waitFor();
  await visitor.signIn(email, changed);
});

test("an access token that has run out is renewed while the page is used", async (t) => {
  const product = await shop().product();
  const email = await shop().signUp();
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.signIn(email, PASSWORD);
  await visitor.go(`/products/${product.slug}`);
  // As after ten minutes: the browser has let the access token go, and keeps what renews it.
  await visitor.context.clearCookies({ name: "__Host-session" });
  visitor.expect(/^401 POST .*\/cart\/items$/);
  await addToCart(page);
  const names = (await visitor.context.cookies()).map(({ name }) => name);
  assert.ok(names.includes("__Host-session") && !names.includes("__Host-guest"), `${names}`);
  await visitor.go("/account");
  await page.getByRole("heading", { name: "Your account" }).waitFor();
});

test("two tabs whose token has run out at once stay signed in", async (t) => {
  const product = await shop().product();
  const email = await shop().signUp();
  const visitor = await visit(t);
  await visitor.signIn(email, PASSWORD);
  await visitor.go(`/products/${product.slug}`);
  const tab = await visitor.tab(`/products/${product.slug}`);
  await visitor.context.clearCookies({ name: "__Host-session" });
  visitor.expect(/^401 POST .*\/cart\/items$/);
  await Promise.all([addToCart(visitor.page), addToCart(tab)]);
  await visitor.go("/cart");
  assert.equal(await visitor.page.getByLabel(/^Quantity of/).inputValue(), "2");
  await you(visitor.page).getByRole("link", { name: "Ada" }).waitFor();
});

test("a session that was ended elsewhere: the page goes on as a guest's", async (t) => {
  const product = await shop().product();
  const email = await shop().signUp();
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.signIn(email, PASSWORD);
  await visitor.go(`/products/${product.slug}`);
  await you(page).getByRole("link", { name: "Ada" }).waitFor();
  const token = await shop().signIn(email);
  const headers = { authorization: `Bearer ${token}` };
  for (const { id, current } of (await shop().get("/api/identity/v1/sessions", headers)).sessions)
    if (!current) await shop().ask("DELETE", `/api/identity/v1/sessions/${id}`, undefined, headers);

  visitor.expect(/^401 POST .*\/cart\/items$/);
  visitor.expect(/^401 POST .*\/session\/refresh$/);
  await addToCart(page);
  await page.keyboard.press("Escape");
  await you(page).getByRole("link", { name: "Sign in" }).waitFor();
  await you(page).getByRole("link", { name: /1 item/ }).waitFor();
  await visitor.go("/cart");
  assert.match(await page.locator("main").innerText(), new RegExp(product.title));
});
