/* `make screenshots`: every page of a seeded shop at the width of a phone and of a desk, and some in dark, as
 * docs/screenshots/PAGE-SIZE[-dark].webp. What is by chance or of today (numbers, dates, trace ids) is written over, so
 * that a picture changes where the page does. Words after the command name the pages that are taken; else all are.
 *
 * Not a test: it is not named *.test.mjs, and looking at what it writes is left to people. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { addToCart, askTheBank, CARDS, fillAddress, fillCard, orderId, payButton, signIn } from "./support/checkout.mjs";
import { PASSWORD, PATIENCE_MS, startShop } from "./support/shop.mjs";
import { launchBrowser, SIZES } from "./support/storefront.mjs";

const OUT = join(process.env.SHOPSTREAM_ROOT, "docs", "screenshots");
const LENGTH_MAX = 1800; // Pixels: a long list says nothing more further down.
const QUALITY = 62;
const EMAILS = { phone: "ann@mail.example", desk: "ann@post.example" };
const PRODUCT = "/products/eider-enamel-storage-jar";
const GOODS = [PRODUCT, "/products/ivy-walnut-dining-chair", "/products/nord-pine-wall-shelf"];
const SOLD_OUT = "sorrel-oak-floor-lamp";
const DARK = ["home", "category", "product", "cart", "checkout", "menu"];

/* -- One picture --------------------------------------------------------------------------------------------------- */

/* Runs in the page: all pictures and the font are there, and nothing is of today. */
async function settle() {
  for (const image of document.querySelectorAll("img")) image.loading = "eager";
  await Promise.all([...document.images].map((image) => image.decode().catch(() => undefined)));
  await document.fonts.ready;
  const fixed = [
    [/\b\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d\b/g, "1 March 2027"],
    [/\b[0-9a-f]{32}\b/g, "00112233445566778899aabbccddeeff"],
    [/\b[0-9A-F]{8}\b/g, "5EED0001"],
  ];
  const walker = document.createTreeWalker(document.getElementById("root"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (const [pattern, words] of fixed) if (node.data.search(pattern) >= 0) node.data = node.data.replace(pattern, words);
  }
}

class Camera {
  constructor(page, size, dark, wanted) {
    Object.assign(this, { page, size, dark, wanted });
  }

  isWanted(name) {
    return (this.wanted.length === 0 || this.wanted.includes(name)) && (!this.dark || DARK.includes(name));
  }

  /** The page from its top; a window of its own length where a frame of another origin has to be drawn. */
  async take(name, { window = false, framed = false } = {}) {
    if (!this.isWanted(name)) return;
    const { page } = this;
    await page.mouse.move(0, 0);
    await page.evaluate(settle);
    const { width, height } = page.viewportSize();
    const length = window ? height : Math.min(LENGTH_MAX, await page.evaluate(() => document.documentElement.scrollHeight));
    if (framed) await page.setViewportSize({ width, height: length });
    // What was clicked or has the focus was scrolled to; the clip counts from the page's top.
    const top = await page.evaluate((stay) => (stay ? scrollY : (scrollTo(0, 0), 0)), window);
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send("Page.captureScreenshot", {
      format: "webp",
      quality: QUALITY,
      captureBeyondViewport: !window && !framed,
      clip: { x: 0, y: top, width, height: length, scale: 1 },
    });
    await session.detach();
    if (framed) await page.setViewportSize({ width, height });
    writeFileSync(join(OUT, `${name}-${this.size}${this.dark ? "-dark" : ""}.webp`), Buffer.from(data, "base64"));
    process.stdout.write(".");
  }
}

/* -- The pages ----------------------------------------------------------------------------------------------------- */

const PUBLIC = {
  home: "/",
  category: "/c/lighting",
  search: "/search?q=oak",
  "search-empty": "/search?q=unicorn",
  product: PRODUCT,
  "product-sold-out": `/products/${SOLD_OUT}`,
  "not-found": "/nowhere",
  error: "/c/lighting?cursor=broken",
  "cart-empty": "/cart",
  signup: "/signup",
  verify: "/verify",
  login: "/login",
  forgot: "/forgot",
};

async function walk(shop, context, camera) {
  const page = await context.newPage();
  camera.page = page;
  page.setDefaultTimeout(PATIENCE_MS);
  const go = async (path) => {
    await page.goto(new URL(path, shop.url).href);
    await page.locator("html[data-ready]").waitFor({ state: "attached" });
  };
  for (const [name, path] of Object.entries(PUBLIC)) {
    if (!camera.isWanted(name)) continue;
    await go(path);
    await camera.take(name);
  }
  if (camera.size === "phone" && camera.isWanted("menu")) {
    await go("/c/lighting");
    await page.getByRole("navigation", { name: "Categories" }).locator("summary").click();
    await camera.take("menu", { window: true });
  }
  await buy(go, page, camera);
  if (!camera.dark) await lookBack(go, page, camera);
  if (!camera.dark) await showOrders(shop, go, page, camera);
}

async function buy(go, page, camera) {
  if (!["drawer", "cart", "checkout", "checkout-error", "order", "orders"].some((name) => camera.isWanted(name))) return;
  for (const path of GOODS) {
    await go(path);
    await addToCart(page);
  }
  await camera.take("drawer", { window: true });
  await go("/cart");
  await camera.take("cart");
  await go("/checkout");
  await page.frameLocator('iframe[title="Card details"]').getByLabel("Card number").waitFor();
  await camera.take("checkout", { framed: true });
  if (camera.dark) return;
  await fillAddress(page, { email: EMAILS[camera.size] });
  await payButton(page).click();
  await page.getByText("Please fill this in.").first().waitFor();
  await camera.take("checkout-error", { framed: true });
  await fillAddress(page);
  await fillCard(page, { number: CARDS.good });
  await payButton(page).click();
  await orderId(page);
  await page.locator("html[data-ready]").waitFor({ state: "attached" });
  await page.locator('[data-status="confirmed"]').waitFor();
  await camera.take("order");
}

/** Who has an account, unless they are signed in by now: then they are sent on. */
async function comeIn(go, page, camera) {
  await go("/login");
  if (new URL(page.url()).pathname === "/login") await signIn(page, EMAILS[camera.size], PASSWORD);
}

/** What somebody with an account sees of what they did before. */
async function lookBack(go, page, camera) {
  if (!["orders", "account"].some((name) => camera.isWanted(name))) return;
  await comeIn(go, page, camera);
  for (const path of GOODS) {
    await go(path);
    await addToCart(page);
    if (path === GOODS[1]) continue; // One order of two things.
    await go("/checkout");
    await fillAddress(page);
    await fillCard(page);
    await payButton(page).click();
    await orderId(page);
    await page.locator('[data-status="confirmed"]').waitFor();
  }
  await go("/orders");
  await camera.take("orders");
  await go("/account");
  await camera.take("account");
}

/** Orders that failed, were sent, or wait for the bank, of a customer. */
async function showOrders(shop, go, page, camera) {
  if (!["order-pending", "order-failed", "order-fulfilled"].some((name) => camera.isWanted(name))) return;
  const [{ skus }] = (await shop.get("/api/catalog/v1/products?q=walnut+dining+chair")).products;
  const headers = { authorization: `Bearer ${await shop.signIn(EMAILS[camera.size])}` };
  const place = (card) => shop.placeOrder(skus[0].id, { payment: { payment_method: card } }, headers);
  const show = async (name, { id }) => {
    await go(`/orders/${id}`);
    await page.locator(`[data-status="${name}"]`).waitFor();
    await camera.take(`order-${name}`);
  };
  await comeIn(go, page, camera);
  await show("failed", await place("pm_card_chargeDeclined"));
  const sent = await place("pm_card_visa");
  await shop.staff("POST", `/api/orders/v1/orders/${sent.id}/fulfil`);
  await show("fulfilled", sent);
  await go(GOODS[1]);
  await addToCart(page);
  await go("/checkout");
  await askTheBank(page);
  const [waiting] = (await shop.get("/api/orders/v1/orders?limit=1", headers)).orders;
  await show("pending", waiting);
}

/* -- All of them --------------------------------------------------------------------------------------------------- */

async function prepare(shop) {
  for (const email of Object.values(EMAILS)) await shop.signUp(email, "Ann Example");
  const found = await shop.get("/api/catalog/v1/products?q=sorrel+oak+floor+lamp");
  for (const sku of found.products.find(({ slug }) => slug === SOLD_OUT).skus) await shop.setStock(sku.id, 0);
}

mkdirSync(OUT, { recursive: true });
const [shop, browser] = await Promise.all([startShop(), launchBrowser(["--font-render-hinting=none"])]);
try {
  await prepare(shop);
  for (const dark of [false, true])
    for (const [size, viewport] of Object.entries(SIZES)) {
      const context = await browser.newContext({
        viewport,
        colorScheme: dark ? "dark" : "light",
        locale: "en-GB",
        timezoneId: "UTC",
        reducedMotion: "reduce",
      });
      await walk(shop, context, new Camera(undefined, size, dark, process.argv.slice(2)));
      await context.close();
    }
} finally {
  await browser.close();
  await shop.stop();
}
process.stdout.write("\n");
