/* Where something is down the page still reads, or says so with the right status; it is never a blank. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { addToCart, askTheBank, fillAddress, payButton } from "./support/checkout.mjs";
import { storefront } from "./support/storefront.mjs";

const NOT_HERE = /"code":"service_unavailable"|"message":"a service does not run in this process/;
const WITHOUT_ORDERS = ["--services", "identity,catalog,realtime,admin,mailbox,shell"];
const WITHOUT_CATALOG = ["--services", "identity,orders,payments,stripe_emulator,realtime,admin,mailbox,shell"];

describe("in the browser", () => {
  const { shop, visit } = storefront({ words: ["--no-seed"] });

  test("no script arrives: the page reads as it was sent", async (t) => {
    const product = await shop().product({ title: "Plain Thing" });
    const visitor = await visit(t);
    const { page } = visitor;
    await page.route("**/assets/**/*.js", (route) => route.abort("connectionrefused"));
    visitor.expect(/^failed: GET .*\.js: net::ERR_CONNECTION_REFUSED$/);
    const response = await page.goto(`${shop().url}/products/${product.slug}`);
    assert.equal(response.status(), 200);
    assert.match(await page.locator("main").innerText(), /Plain Thing[^]*€10\.00/);
    await page.getByRole("link", { name: "Things" }).first().click();
    await page.getByRole("heading", { name: "Things" }).waitFor();
  });

  test("the script of one kind of page does not arrive: it reads, and says what does not work", async (t) => {
    const product = await shop().product({ title: "Half Thing" });
    const visitor = await visit(t);
    const { page } = visitor;
    await page.route("**/assets/catalog/**/*.js", (route) => route.abort("connectionrefused"));
    visitor.expect(/^failed: GET .*assets\/catalog\/.*\.js: net::ERR_CONNECTION_REFUSED$/);
    visitor.expect(/^console error: /);
    await page.goto(`${shop().url}/products/${product.slug}`);
    await page.getByRole("alert").filter({ hasText: "Part of this page did not arrive" }).waitFor();
    assert.match(await page.locator("main").innerText(), /Half Thing/);
  });

  test("the stylesheet does not arrive: everything is there", async (t) => {
    const visitor = await visit(t);
    await visitor.page.route("**/assets/**/*.css", (route) => route.abort("connectionrefused"));
    visitor.expect(/^failed: GET .*\.css/);
    await visitor.go("/login");
    await visitor.page.getByLabel("E-mail").fill("ada@mail.example");
  });

  test("a call that fails is told where it was asked for, and works the next time", async (t) => {
    const product = await shop().product();
    const visitor = await visit(t);
    const { page } = visitor;
    await visitor.go(`/products/${product.slug}`);
    let down = true;
    const problem = { status: 503, code: "service_unavailable", detail: "The shop is being looked after. Try again in a minute." };
    await page.route("**/api/orders/v1/cart/items", (route) =>
      down ? route.fulfill({ status: 503, contentType: "application/problem+json", json: problem }) : route.continue(),
    );
    visitor.expect(/^503 POST .*\/cart\/items$/);
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByRole("alert").filter({ hasText: "Try again in a minute" }).waitFor();
    down = false;
    await addToCart(page);
  });

  test("the connection is gone: the page says so, and when it is back", async (t) => {
    const visitor = await visit(t);
    const { page, context } = visitor;
    await visitor.go("/login");
    await context.setOffline(true);
    await page.getByText("You are offline.").waitFor();
    visitor.expect(/failed: POST .*\/session: net::ERR_INTERNET_DISCONNECTED/);
    await page.getByLabel("E-mail").fill("ada@mail.example");
    await page.getByLabel("Password", { exact: true }).fill("a password of mine");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The shop cannot be reached.").waitFor();
    await context.setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });
  });

  test("the card's frame does not come: the page says so, and nothing was ordered", async (t) => {
    const product = await shop().product();
    const visitor = await visit(t);
    const { page } = visitor;
    await visitor.go(`/products/${product.slug}`);
    await addToCart(page);
    await page.route("**/card-field**", (route) => route.abort("connectionrefused"));
    visitor.expect(/^failed: GET .*\/card-field/);
    await page.clock.install();
    await visitor.go("/checkout");
    await fillAddress(page);
    await payButton(page).click();
    await page.getByRole("button", { name: "Placing your order…" }).waitFor();
    await page.clock.fastForward(21_000);
    await page.getByText("The payment provider does not answer. Nothing was charged.").waitFor();
    assert.deepEqual(await shop().ordersOf(product.skus[0].id), []);
  });

  test("a stream that is refused is opened anew: the page follows its product's stock", async (t) => {
    const product = await shop().product({ stocks: [20] });
    const visitor = await visit(t);
    const { page } = visitor;
    await page.route("**/api/realtime/v1/events**", (route) => route.fulfill({ status: 503 }), { times: 1 });
    visitor.expect(/^503 GET .*\/realtime\/v1\/events/);
    const isOpen = page.waitForResponse((response) => response.url().includes("/realtime/v1/events") && response.status() === 200);
    await visitor.go(`/products/${product.slug}`);
    await page.getByText("In stock").waitFor();
    // Missed: nobody listens yet.
    await shop().setStock(product.skus[0].id, 3);
    await page.getByText("Only 3 left").waitFor();
    await isOpen;
    await shop().setStock(product.skus[0].id, 2);
    await page.getByText("Only 2 left").waitFor();
  });

  test("Back shows a page that the browser has kept: its product is as it is now", async (t) => {
    const product = await shop().product({ stocks: [20] });
    const visitor = await visit(t);
    const { page } = visitor;
    await visitor.go(`/products/${product.slug}`);
    await page.getByText("In stock").waitFor();
    await visitor.go("/cart");
    await shop().setStock(product.skus[0].id, 3);
    await page.goBack();
    await page.getByText("Only 3 left").waitFor();
  });

  test("events do not come: an order's page asks by itself", async (t) => {
    const product = await shop().product();
    const visitor = await visit(t);
    const { page } = visitor;
    await visitor.go(`/products/${product.slug}`);
    await addToCart(page);
    await visitor.go("/checkout");
    await page.route("**/api/realtime/v1/events**", (route) => route.fulfill({ status: 503 }));
    visitor.expect(/^503 GET .*\/realtime\/v1\/events/);
    await askTheBank(page);
    const bank = page.url();
    const [order] = await shop().ordersOf(product.skus[0].id);
    await visitor.go(`/orders/${order.id}`);
    await page.getByRole("heading", { name: "Your bank has a question" }).waitFor();
    const tab = await visitor.tab();
    await tab.goto(bank);
    await tab.getByRole("button", { name: "Approve payment" }).click();
    await page.getByRole("heading", { name: "Your order is confirmed" }).waitFor();
  });
});

describe("without the orders service", () => {
  const { visit } = storefront({ words: WITHOUT_ORDERS, logs: [NOT_HERE] });

  test("the shop can be looked at", async (t) => {
    const visitor = await visit(t);
    await visitor.go("/c/lighting");
    await visitor.page.locator("main article").first().getByRole("link").click();
    await visitor.page.waitForURL("**/products/**");
    await visitor.ready();
  });

  test("the checkout is a 503 that says what is safe and leads on", async (t) => {
    const visitor = await visit(t);
    visitor.expect(/^503 GET .*\/checkout$/);
    const response = await visitor.go("/checkout");
    assert.equal(response.status(), 503);
    await visitor.page.getByRole("heading", { name: "Something broke on our side" }).waitFor();
    await visitor.page.getByRole("link", { name: "Load the page again" }).waitFor();
    await visitor.page.getByRole("main").getByRole("link", { name: "Lighting" }).click();
    await visitor.page.waitForURL("**/c/lighting");
  });
});

describe("without the catalog", () => {
  const { visit } = storefront({ words: [...WITHOUT_CATALOG, "--no-seed"], logs: [NOT_HERE] });

  test("the first page is a 503 with words, not a blank", async (t) => {
    const visitor = await visit(t);
    visitor.expect(/^503 GET .*\/$/);
    const response = await visitor.go("/");
    assert.equal(response.status(), 503);
    await visitor.page.getByRole("heading", { name: "Something broke on our side" }).waitFor();
  });
});
