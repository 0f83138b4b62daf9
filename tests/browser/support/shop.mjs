/* A shop of one's own for browser tests: the real program with its demo catalog and its pages, the provider's emulator
 * beside it, and what tests ask of both behind the pages' back.
 *
 *   const shop = await startShop();        // or startShop({ NAME: "..." }): settings without SHOPSTREAM_
 *   shop.url                               // http://localhost:PORT, where __Host- cookies hold
 *   await shop.ask("GET", "/api/...", body, headers)   // { status, headers, body }, JSON parsed
 *   await shop.product({ stocks: [3] })    // a product of the test's own
 *   await shop.charges(orderId)            // every charge of the order that took money, as the provider knows them
 *   await shop.stop()                      // throws where the shop did not end well
 *
 * Nothing here sleeps for something that it can ask for: eventually() asks until the answer comes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ask, eventually as poll } from "../../support/shop.mjs";

const SLOWNESS = process.env.SHOPSTREAM_SANITIZED === "1" ? 3 : 1;
export const PATIENCE_MS = 30_000 * SLOWNESS;
const START_PATIENCE_MS = 90_000 * SLOWNESS;
const PROVIDER_PORT_DISTANCE = 11; // Own ports keep their distance from the shop's: 3011 beside 3000.
const PORT_ATTEMPTS_MAX = 5;

export const PASSWORD = "correct horse battery staple";
const ADMIN_EMAIL = "admin@shop.example";
const PROVIDER_KEY = "sk_test_of_the_browser_tests";
const FINAL = ["confirmed", "failed", "cancelled", "fulfilled", "refunded"];

/** What asking returns as soon as it is something: with the patience that a browser needs. */
export function eventually(question, what = "it", patienceMs = PATIENCE_MS) {
  return poll(question, what, patienceMs);
}

export function newEmail(name = "buyer") {
  return `${name}.${randomUUID().slice(0, 12)}@mail.example`;
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/* Below what the system gives to outgoing connections; the provider's is looked at too. */
async function freePort() {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    if ((await isFree(port)) && (await isFree(port + PROVIDER_PORT_DISTANCE))) return port;
  }
}

/* The program on a data folder; resolves once it says that it is open, rejects where it ends before that. */
class Process {
  constructor(folder, words, settings) {
    this.logPath = join(folder, "log");
    const bare = Object.entries(process.env).filter(([name]) => !name.startsWith("SHOPSTREAM_"));
    const own = Object.entries(settings).map(([name, value]) => [`SHOPSTREAM_${name}`, String(value)]);
    const log = createWriteStream(this.logPath, { flags: "a" });
    this.child = spawn(process.env.SHOPSTREAM_BINARY, words, {
      env: Object.fromEntries([...bare, ...own]),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout.pipe(log);
    this.child.stderr.pipe(log);
    this.ended = new Promise((resolve) => this.child.once("exit", (code, signal) => resolve(code ?? signal)));
    this.ended.then((code) => (this.code = code));
  }

  log() {
    return existsSync(this.logPath) ? readFileSync(this.logPath, "utf8") : "";
  }

  async isOpen(url) {
    if (this.code !== undefined) throw new Error(`the shop ended with ${this.code}: ${this.log().slice(-2000)}`);
    try {
      return (await fetch(`${url}/health/ready`)).ok;
    } catch {
      return false;
    }
  }

  async stop() {
    this.child.kill("SIGTERM");
    const code = await this.ended;
    assert.equal(code, 0, `the shop ended with ${code}: ${this.log().slice(-4000)}`);
  }
}

export class Shop {
  constructor(port, folder, running) {
    this.url = `http://localhost:${port}`;
    this.providerUrl = `http://127.0.0.1:${port + PROVIDER_PORT_DISTANCE}`;
    this.folder = folder;
    this.process = running;
  }

  /** What the shop has logged. */
  log() {
    return this.process.log();
  }

  async stop() {
    try {
      await this.process.stop();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  /* -- Requests ------------------------------------------------------------------------------------------------- */

  ask(method, path, body, headers) {
    return ask(this, method, path, body, headers);
  }

  /** The body of an answer that must be a good one. */
  async get(path, headers) {
    const answer = await this.ask("GET", path, undefined, headers);
    assert.equal(answer.status, 200, `${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** As the administrator; a write has a key of its own. The answer's body, which must be a good one. */
  async staff(method, path, body, headers = {}) {
    this.token ??= await this.signIn(ADMIN_EMAIL);
    const answer = await this.ask(method, path, body, {
      authorization: `Bearer ${this.token}`,
      ...(method === "GET" ? {} : { "idempotency-key": randomUUID() }),
      ...headers,
    });
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** An access token. */
  async signIn(email, password = PASSWORD) {
    const answer = await this.ask("POST", "/api/identity/v1/login", { email, password });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.access_token;
  }

  /* -- People and mails ----------------------------------------------------------------------------------------- */

  /** The texts of the mails to an address, the newest first. */
  async mails(address) {
    const text = await this.get("/dev/mail", { accept: "text/plain" });
    return text.split(/^(?=To: )/m).filter((mail) => mail.startsWith(`To: ${address}`));
  }

  /** The code of the newest mail to the address that has one. */
  mailedCode(address) {
    const question = async () => {
      for (const mail of await this.mails(address)) {
        const code = /^Code: (\d{6})/m.exec(mail)?.[1];
        if (code) return code;
      }
      return undefined;
    };
    return eventually(question, `a mail with a code to ${address}`);
  }

  /** Somebody with an account and a confirmed address: the address. */
  async signUp(email = newEmail(), name = "Ada Example") {
    const signedUp = await this.ask("POST", "/api/identity/v1/signup", { email, password: PASSWORD, name });
    assert.equal(signedUp.status, 201, JSON.stringify(signedUp.body));
    const code = await this.mailedCode(email);
    const verified = await this.ask("POST", "/api/identity/v1/verify", { email, code });
    assert.ok(verified.status < 300, JSON.stringify(verified.body));
    return email;
  }

  /* -- Goods and orders ----------------------------------------------------------------------------------------- */

  /** A product with one SKU for each number of units, told apart by their size. */
  async product({ stocks = [10], amount = 1000, title = `Article ${randomUUID().slice(0, 8)}`, ...fields } = {}) {
    const product = await this.staff("POST", "/api/catalog/v1/products", {
      title,
      brand: "Acme",
      category: "things",
      description: "A thing.",
      price: { amount, currency: "EUR" },
      skus: stocks.map((_, index) => ({ code: `C-${randomUUID().slice(0, 12)}`, attributes: { size: String(index) } })),
      ...fields,
    });
    for (const [index, units] of stocks.entries()) await this.setStock(product.skus[index].id, units);
    return product;
  }

  async setStock(skuId, units) {
    await this.staff("PUT", `/api/catalog/v1/skus/${skuId}/stock`, { on_hand: units });
  }

  async stock(skuId) {
    const { on_hand, reserved, available } = await this.get(`/api/catalog/v1/skus/${skuId}/stock`);
    return { on_hand, reserved, available };
  }

  /** An order of one unit, confirmed: a guest's, with the token, or whose headers say. */
  async placeOrder(skuId, fields = {}, headers = {}) {
    const body = {
      items: [{ sku_id: skuId, quantity: 1 }],
      email: "ann@mail.example",
      shipping_address: { name: "Ann Example", line1: "1 Main Street", city: "Berlin", postal_code: "10115", country: "DE" },
      payment: { payment_method: "pm_card_visa" },
      ...fields,
    };
    const answer = await this.ask("POST", "/api/orders/v1/orders", body, { "idempotency-key": randomUUID(), ...headers });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return { ...(await this.ended(answer.body.id)), guest_token: answer.body.guest_token };
  }

  /** Every order of the shop. */
  async orders() {
    return this.all("/api/orders/v1/orders?limit=100", "orders");
  }

  async all(path, key) {
    const found = [];
    for (let cursor = ""; ; ) {
      const page = await this.staff("GET", path + (cursor && `&cursor=${encodeURIComponent(cursor)}`));
      found.push(...(page[key] ?? []));
      cursor = page.next_cursor;
      if (!cursor) return found;
    }
  }

  /** Every order with a line of the SKU. */
  async ordersOf(skuId) {
    const orders = await this.orders();
    return orders.filter((order) => order.lines.some((line) => line.sku_id === skuId));
  }

  order(id) {
    return this.staff("GET", `/api/orders/v1/orders/${id}`);
  }

  /** The order once nothing more comes by itself. */
  ended(id) {
    const question = async () => {
      const order = await this.order(id);
      return FINAL.includes(order.status) && order;
    };
    return eventually(question, `the end of order ${id}`);
  }

  /* -- The provider --------------------------------------------------------------------------------------------- */

  async provider(path) {
    const response = await fetch(this.providerUrl + path, { headers: { authorization: `Bearer ${PROVIDER_KEY}` } });
    assert.equal(response.status, 200, `${path}: ${response.status}`);
    return response.json();
  }

  /** Every object of one of Stripe's lists, the newest first. */
  async providerList(path) {
    const found = [];
    for (;;) {
      const after = found.length > 0 ? `&starting_after=${found.at(-1).id}` : "";
      const page = await this.provider(`${path}?limit=100${after}`);
      found.push(...page.data);
      if (!page.has_more) return found;
    }
  }

  /** Every charge of the order that took money: by all of its payments, as the provider has them. */
  async charges(orderId) {
    const intents = await this.providerList("/v1/payment_intents");
    const own = new Set(intents.filter(({ metadata }) => metadata.order_id === orderId).map(({ id }) => id));
    const charges = await this.providerList("/v1/charges");
    return charges.filter((charge) => own.has(charge.payment_intent) && charge.captured);
  }

  /** What is to go wrong at the provider; nothing where nothing is named. */
  async faults(faults) {
    const response = await fetch(`${this.providerUrl}/test/faults`, {
      method: faults ? "POST" : "DELETE",
      headers: { authorization: `Bearer ${PROVIDER_KEY}`, "content-type": "application/json" },
      body: faults && JSON.stringify(faults),
    });
    assert.ok(response.ok, `${response.status}`);
  }
}

/** Starts a shop; with words as ["--no-seed"] for the command line. */
export async function startShop(settings = {}, words = []) {
  assert.ok(process.env.SHOPSTREAM_BINARY, "run this by tools/run_tests.py, which says which program it tests");
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), "shopstream-browser-"));
    const port = await freePort();
    const running = new Process(folder, ["--port", String(port), "--data", join(folder, "data"), ...words], {
      RATE_LIMITS: "off",
      LOG_LEVEL: "warning",
      ADMIN_EMAIL,
      ADMIN_PASSWORD: PASSWORD,
      STRIPE_SECRET_KEY: PROVIDER_KEY,
      ...settings,
    });
    const shop = new Shop(port, folder, running);
    try {
      await eventually(() => running.isOpen(shop.url), "the shop's start", START_PATIENCE_MS);
      return shop;
    } catch (error) {
      running.child.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
      // Somebody else took the port in between.
      if (attempt === PORT_ATTEMPTS_MAX || !/address|port/i.test(error.message)) throw error;
    }
  }
}
