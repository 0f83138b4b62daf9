/* What every file of browser tests stands on: one shop and one Chromium for the file, and pages that are watched.
 *
 *   const { shop, visit } = storefront();                 // once a file: starts both before its tests, stops them after
 *   test("...", async (t) => {
 *     const visitor = await visit(t, { viewport: { width: 320, height: 640 } });  // options of Playwright's newContext
 *     await visitor.go("/cart");                          // opens a page of the shop and waits until React has taken it over
 *     visitor.page                                        // Playwright's page
 *     const tab = await visitor.tab("/checkout");         // a second tab of the same browser, watched as well
 *     visitor.expect(/402 .*payment_methods/);            // this complaint has to come, instead of failing the test
 *     visitor.allow(/404 .*nothing/);                     // this one may come
 *   });
 *
 * A test fails where anything in its browser complains: an error or a warning on the console (a hydration mismatch and a
 * refusal by the content security policy are among them), an error that nobody caught, an answer of 400 and above, a
 * request that failed. Requests that end because their page is left are no complaint. What is expected must come.
 *
 * shop() is the running Shop of shop.mjs. Where the shop logs an error or a warning, the file's last hook fails, unless
 * the file has named it: storefront({ logs: [/.../] }). Options: settings (SHOPSTREAM_... without the prefix), words (of
 * the command line), prepare (what is done with the shop before the first test). A screenshot of a failed test is in SHOPSTREAM_BUILD/test-logs/browser. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

import { signIn } from "./checkout.mjs";
import { PATIENCE_MS, startShop } from "./shop.mjs";

export const CHROMIUM = "/usr/bin/chromium"; // Debian's
const DESK = { width: 1280, height: 900 };
/** The two windows that most pages are looked at in. */
export const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

/** Debian's Chromium without a screen. */
export function launchBrowser(args = []) {
  return chromium.launch({ executablePath: CHROMIUM, args });
}

/* Runs in each page before its own scripts: the console tells of what the policy refuses by itself, with the place. */
function reportViolations() {
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy: ${event.violatedDirective} refuses ${event.blockedURI} at ${event.sourceFile}`);
  });
}

/* Chromium's own line on the console for an answer that is told with its address already. */
const TOLD_ALREADY = /^Failed to load resource: (the server responded with a status|net::ERR_)/;

/** Collects what anything in a browser's context complains of. */
class Watch {
  constructor(context, scripted) {
    this.complaints = [];
    this.expected = [];
    this.allowed = [];
    context.on("console", (message) => this.console(message));
    context.on("weberror", (error) => this.complain(`uncaught: ${error.error().stack ?? error.error()}`));
    context.on("response", (response) => {
      if (response.status() >= 400)
        this.complain(`${response.status()} ${response.request().method()} ${response.url()}`);
    });
    context.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "";
      // Where scripts are switched off, Chromium says of each that it was refused.
      const isOff = !scripted && reason === "csp" && request.resourceType() === "script";
      if (reason !== "net::ERR_ABORTED" && !isOff) this.complain(`failed: ${request.method()} ${request.url()}: ${reason}`);
    });
  }

  console(message) {
    const text = message.text();
    if (!["error", "warning"].includes(message.type()) || TOLD_ALREADY.test(text)) return;
    this.complain(`console ${message.type()}: ${text}`);
  }

  complain(complaint) {
    this.complaints.push(complaint);
  }

  /** Throws where there is a complaint that nobody expected, or one that was expected did not come. */
  judge() {
    const known = [...this.expected, ...this.allowed];
    const isExpected = (complaint) => known.some((pattern) => pattern.test(complaint));
    const unexpected = this.complaints.filter((complaint) => !isExpected(complaint));
    assert.deepEqual(unexpected, [], "the browser complains");
    const missing = this.expected.filter((pattern) => !this.complaints.some((complaint) => pattern.test(complaint)));
    assert.deepEqual(missing, [], `these were expected and did not come; what came: ${this.complaints.join("; ")}`);
  }
}

/** Somebody with a browser of their own: cookies, tabs. */
class Visitor {
  constructor(shop, context, scripted) {
    this.shop = shop;
    this.context = context;
    this.scripted = scripted;
    this.watch = new Watch(context, scripted);
  }

  expect(pattern) {
    this.watch.expected.push(pattern);
  }

  /** As expect(), of what may come or not. */
  allow(pattern) {
    this.watch.allowed.push(pattern);
  }

  async go(path, page = this.page) {
    const response = await page.goto(new URL(path, this.shop.url).href);
    await this.ready(page);
    return response;
  }

  /** Until React has taken the page over: from then on it answers to clicks. */
  async ready(page = this.page) {
    if (this.scripted) await page.locator("html[data-ready]").waitFor({ state: "attached" });
  }

  /** Signs in on the page for it, and is at the shop's first page then. */
  async signIn(email, password) {
    await this.go("/login");
    await signIn(this.page, email, password);
    await this.ready();
  }

  /** With the cookie of a guest whose cart or order was made behind the page's back. */
  async asGuest(token) {
    // Chromium takes a __Host- cookie from a secure address alone, and has this machine's name for one.
    const url = this.shop.url.replace("http:", "https:");
    const cookie = { name: "__Host-guest", value: token, url, secure: true, httpOnly: true, sameSite: "Lax" };
    await this.context.addCookies([cookie]);
  }

  /** Another tab; the first one is `page`. */
  async tab(path) {
    const page = await this.context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    if (path) await this.go(path, page);
    return page;
  }
}

async function visitWith(browser, shop, t, options) {
  const context = await browser.newContext({ viewport: DESK, locale: "en-GB", timezoneId: "UTC", ...options });
  if (options.javaScriptEnabled !== false) await context.addInitScript(reportViolations);
  const visitor = new Visitor(shop, context, options.javaScriptEnabled !== false);
  t.after(async () => {
    if (t.passed === false) await keepScreenshot(visitor, t.name);
    await context.close();
    visitor.watch.judge();
  });
  visitor.page = await visitor.tab();
  return visitor;
}

async function keepScreenshot(visitor, name) {
  const folder = join(process.env.SHOPSTREAM_BUILD, "test-logs", "browser");
  mkdirSync(folder, { recursive: true });
  const file = name.replace(/[^\w]+/g, "-").slice(0, 80);
  await visitor.page.screenshot({ path: join(folder, `${file}.png`) });
}

/* The shop's own log has one line of JSON for each thing. */
function judgeLog(log, known) {
  const lines = log.split("\n").filter((line) => /^\{.*"level":"(warning|error)"/.test(line));
  const unknown = lines.filter((line) => !known.some((pattern) => pattern.test(line)));
  assert.deepEqual(unknown, [], "the shop logs what nobody expected");
}

/** Call it at the top of a file of tests; shop() is there once a test runs. */
export function storefront({ settings = {}, words = [], logs = [], prepare } = {}) {
  let shop, browser;
  before(async () => {
    [shop, browser] = await Promise.all([startShop(settings, words), launchBrowser()]);
    assert.doesNotMatch(shop.log(), /pages are not built/, "tools/frontend.sh builds the pages that are tested here");
    await prepare?.(shop);
  });
  after(async () => {
    await browser?.close();
    const log = shop?.log() ?? "";
    await shop?.stop();
    judgeLog(log, logs);
  });
  return {
    shop: () => shop,
    browser: () => browser,
    visit: (t, options = {}) => visitWith(browser, shop, t, options),
  };
}
