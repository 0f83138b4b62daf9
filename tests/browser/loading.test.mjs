/* What a page fetches first: pictures as wide as they are shown, the leading one at once, the font with the page; and
 * nothing on the page moves when they arrive. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { SCRIPT_BYTES_MAX, STYLE_BYTES_MAX } from "../frontend/budget.mjs";
import { addToCart, checkOut } from "./support/checkout.mjs";
import { eventually } from "./support/shop.mjs";
import { SIZES, storefront } from "./support/storefront.mjs";

const { visit } = storefront();
const PAGES = { home: "/", category: "/c/lighting", search: "/search?q=oak", product: "/products/eider-enamel-storage-jar" };

/* Runs in the page: each picture within the window, with the file that the browser chose for it. */
async function lookAtPictures() {
  const images = [...document.querySelectorAll("picture img")].filter((image) => {
    const { top, bottom, left, right } = image.getBoundingClientRect();
    return bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
  });
  await Promise.all(images.map((image) => image.decode()));
  return images.map((image) => ({
    shown: image.getBoundingClientRect().width,
    chosen: Number(/-(\d+)\.\w+$/.exec(image.currentSrc)[1]),
    widths: [...image.srcset.matchAll(/ (\d+)w/g)].map(([, width]) => Number(width)),
    format: image.currentSrc.split(".").pop(),
  }));
}

/** The narrowest file that is wide enough, or, as Chromium has it, the one below where that is nearer by their mean. */
function isRight({ shown, chosen, widths }) {
  const enough = widths.find((width) => width >= shown) ?? widths.at(-1);
  const below = widths.filter((width) => width < enough).at(-1);
  return chosen === enough || (chosen === below && shown <= Math.sqrt(below * enough));
}

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const [name, path] of Object.entries(PAGES))
    test(`pictures of the right width, ${name}, ${size}`, async (t) => {
      const visitor = await visit(t, { viewport });
      await visitor.go(path);
      const pictures = await visitor.page.evaluate(lookAtPictures);
      assert.ok(pictures.length > 0);
      for (const picture of pictures) {
        assert.ok(isRight(picture), JSON.stringify(picture));
        assert.ok(["webp", "avif"].includes(picture.format), JSON.stringify(picture)); // avif where it was drawn
      }
    });

  test(`the largest thing is in the first HTML and is fetched first, ${size}`, async (t) => {
    const visitor = await visit(t, { viewport });
    await visitor.context.addInitScript(watchLargest);
    for (const path of [PAGES.home, PAGES.category, PAGES.product]) {
      const html = await (await visitor.go(path)).text();
      const lead = visitor.page.locator("main picture img").first();
      assert.equal(await lead.getAttribute("fetchpriority"), "high", path);
      assert.equal(await lead.getAttribute("loading"), null, path);
      assert.ok(html.includes(await lead.getAttribute("src")), path);
      // Text is painted before pictures, so what is the largest changes until the picture is there.
      await visitor.page.waitForFunction(() => ["IMG:high", "IMG:auto", "IMG:low"].includes(globalThis.largest));
      assert.equal(await visitor.page.evaluate(() => globalThis.largest), "IMG:high", path);
    }
  });

  test(`nothing moves while a page loads, ${size}`, async (t) => {
    const visitor = await visit(t, { viewport });
    const { page } = visitor;
    // The font comes last: what is laid out with the fallback must stay where it is.
    await page.route("**/*.woff2", async (route) => {
      await page.waitForFunction(() => document.documentElement.dataset.ready);
      await route.continue();
    });
    for (const path of Object.values(PAGES)) {
      await page.goto(new URL(path, visitor.shop.url).href);
      await visitor.ready();
      await page.evaluate(() => document.fonts.ready);
      assert.equal(await page.evaluate(sumShifts), 0, path);
    }
  });
}

/* Runs in each page before its own scripts. */
function watchLargest() {
  new PerformanceObserver((list) => {
    const { element } = list.getEntries().at(-1);
    globalThis.largest = element?.tagName === "IMG" ? `IMG:${element.fetchPriority}` : element?.tagName;
  }).observe({ type: "largest-contentful-paint", buffered: true });
}

function sumShifts() {
  return new Promise((found) => {
    const shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: "layout-shift", buffered: true });
    requestAnimationFrame(() => requestAnimationFrame(() => found(shifts.reduce((sum, { value }) => sum + value, 0))));
  });
}

/* What crossed the line for a file, with its headers; by the protocol, as a page's own script is not told of all of it. */
async function watchBytes(page) {
  const session = await page.context().newCDPSession(page);
  const types = new Map();
  const bytes = { Script: 0, Stylesheet: 0 };
  session.on("Network.responseReceived", ({ requestId, type }) => types.set(requestId, type));
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => (bytes[types.get(requestId)] += encodedDataLength));
  await session.send("Network.enable");
  return bytes;
}

test("a first visit's product page fetches no more script and style than it may, packed by brotli", async (t) => {
  const visitor = await visit(t);
  const bytes = await watchBytes(visitor.page);
  const packed = [];
  visitor.page.on("response", (response) => {
    if (/\.(js|css)$/.test(new URL(response.url()).pathname)) packed.push(response.headers()["content-encoding"]);
  });
  await visitor.go(PAGES.product);
  await visitor.page.waitForLoadState("networkidle");
  assert.ok(bytes.Script > 0 && bytes.Script <= SCRIPT_BYTES_MAX, `${bytes.Script} bytes of script`);
  assert.ok(bytes.Stylesheet > 0 && bytes.Stylesheet <= STYLE_BYTES_MAX, `${bytes.Stylesheet} bytes of style`);
  assert.deepEqual([...new Set(packed)], ["br"]);
});

test("the font is asked for by the page itself", async (t) => {
  const visitor = await visit(t);
  const response = await visitor.go("/");
  const preloads = await visitor.page.locator('link[rel="preload"][as="font"]').evaluateAll((links) => links.map(({ href }) => href));
  assert.equal(preloads.length, 1);
  assert.ok(response.headers().link.includes(new URL(preloads[0]).pathname));
  const used = await eventually(() =>
    visitor.page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".woff2")).map(({ name }) => name)),
  );
  assert.deepEqual([...new Set(used)], preloads);
});

test("lines of the cart, the checkout and the order have their picture", async (t) => {
  const visitor = await visit(t);
  const { page } = visitor;
  await visitor.go(PAGES.product);
  await addToCart(page);
  const picture = page.locator("main picture img:visible");
  for (const path of ["/cart", "/checkout"]) {
    await visitor.go(path);
    await picture.first().waitFor();
  }
  await checkOut(visitor);
  await page.locator('[data-status="confirmed"]').waitFor();
  await picture.first().waitFor();
});
