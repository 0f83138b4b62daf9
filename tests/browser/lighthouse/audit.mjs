/* `make lighthouse`: what Lighthouse says of the pages. Accessibility, best practices and SEO must be 100. Those that are
 * nobody's business but the customer's ask search engines to stay away, so that one audit of SEO, that a page may be
 * indexed, is not asked of them. Performance, as on a desk, is told as the median of LIGHTHOUSE_RUNS, five: the speed of a
 * machine is nothing that the shop can promise. Not in `make test`, as it brings 200 packages. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { addToCart, signIn } from "../support/checkout.mjs";
import { PASSWORD } from "../support/shop.mjs";
import { openLighthouse } from "./chromium.mjs";
import { PATIENCE_MS, startShop } from "../support/shop.mjs";

const CATEGORIES = ["accessibility", "best-practices", "seo"];
const PRODUCT = "/products/eider-enamel-storage-jar";
const PUBLIC = { home: "/", category: "/c/lighting", product: PRODUCT };
const PERSONAL = { search: "/search?q=oak", cart: "/cart", checkout: "/checkout", "sign-in": "/login", "sign-up": "/signup", "forgotten password": "/forgot" };
const SIGNED_IN = { account: "/account", orders: "/orders" };
const settings = { onlyCategories: CATEGORIES, throttlingMethod: "provided" };

const folder = mkdtempSync(join(tmpdir(), "shopstream-lighthouse-"));
let shop, browser;
before(async () => {
  [shop, browser] = await Promise.all([startShop(), openLighthouse(folder)]);
  await once(PRODUCT, addToCart);
});
after(async () => {
  await browser?.close();
  await shop?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/* What somebody does on a page before others are looked at. */
async function once(path, does) {
  const page = await browser.context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(shop.url + path);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  await does(page);
  await page.close();
}

async function assertPerfect(path, more = {}) {
  const scores = await browser.audit(shop.url + path, { ...settings, ...more });
  assert.deepEqual(Object.keys(scores).sort(), CATEGORIES);
  for (const [category, { score, failed }] of Object.entries(scores)) assert.equal(score, 100, `${category}: ${failed.join("\n")}`);
}

for (const [name, path] of Object.entries(PUBLIC)) test(name, () => assertPerfect(path));
const assertPerfectInPrivate = (path) => assertPerfect(path, { skipAudits: ["is-crawlable"] });
for (const [name, path] of Object.entries(PERSONAL)) test(name, () => assertPerfectInPrivate(path));

test("of a customer", async (t) => {
  const email = await shop.signUp();
  const { skus } = await shop.product();
  const order = await shop.placeOrder(skus[0].id, { email }, { authorization: `Bearer ${await shop.signIn(email)}` });
  await once("/login", (page) => signIn(page, email, PASSWORD));
  for (const [name, path] of Object.entries({ ...SIGNED_IN, order: `/orders/${order.id}` })) await t.test(name, () => assertPerfectInPrivate(path));
});

test("what asks not to be found is found out", async () => {
  const { seo } = await browser.audit(shop.url + PERSONAL.cart, settings);
  assert.ok(seo.score < 100);
  assert.match(seo.failed.join(), /^is-crawlable/);
});

const RUNS = Number(process.env.LIGHTHOUSE_RUNS ?? 5);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

test("performance, as on a desk", async (t) => {
  for (const [name, path] of Object.entries(PUBLIC)) {
    const scores = [];
    for (let run = 0; run < RUNS; run++) {
      const audited = await browser.audit(shop.url + path, { onlyCategories: ["performance"] });
      scores.push(audited.performance.score);
    }
    t.diagnostic(`${name}: ${median(scores)}, the median of ${scores.join(", ")}`);
  }
});
