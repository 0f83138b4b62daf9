// Holds the running shop to the contracts: each interaction in the state that it begins with, asked as a browser would.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Verifier } from "@pact-foundation/pact";

import { ask, eventually, startShop } from "../support/shop.mjs";

const PACTS = process.env.CONTRACTS_FOLDER ?? join(dirname(fileURLToPath(import.meta.url)), "pacts");
const ADMIN = "admin@contracts.example";
const PASSWORD = "a long password of mine";
const CSRF = "b1946ac92492d2347c6235b4d2611184"; // as in consumers/contract.ts
const ADDRESS = { name: "Ann", line1: "1 Main Street", city: "Vienna", postal_code: "1010", country: "AT" };
let shop, staff, number = 0;

before(async () => {
  shop = await startShop({
    SHOPSTREAM_ADMIN_EMAIL: ADMIN,
    SHOPSTREAM_ADMIN_PASSWORD: PASSWORD,
    SHOPSTREAM_LOG_LEVEL: "error",
  });
  const { body } = await ask(shop, "POST", "/api/identity/v1/login", { email: ADMIN, password: PASSWORD });
  staff = { authorization: `Bearer ${body.access_token}` };
});

after(async () => assert.equal(await shop.stop(), 0));

// -- A browser --------------------------------------------------------------------------------------------------------

// Its cookies, which each interaction begins without, but for the page's token.
let cookies = {};

function keep(response) {
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    cookies[name] = value;
  }
}

async function open() {
  cookies = {};
  keep(await ask(shop, "GET", "/visitor"));
}

const sent = () => ({
  cookie: Object.entries(cookies).map((pair) => pair.join("=")).join("; "),
  "sec-fetch-site": "same-origin",
});

const newKey = () => `00000000-0000-4000-8000-${String(++number).padStart(12, "0")}`;

async function write(method, path, body) {
  const key = newKey();
  const answer = await ask(shop, method, path, body, { ...sent(), "x-csrf-token": cookies.csrf, "idempotency-key": key });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  keep(answer);
  return answer.body;
}

// A stream of events has no end: it is cut once it is there, as a reader goes away.
async function beginStream(request, response) {
  const gone = new AbortController();
  const { accept } = request.headers;
  const answer = await fetch(new URL(request.url, shop.url), { headers: { ...sent(), accept }, signal: gone.signal });
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") }).end();
  gone.abort();
}

// What a browser adds by itself. The token of the contracts stands for the page's; any other is another page's. Their one
// key stands for as many as there are requests.
function addCookies(request, response, next) {
  if (request.headers.accept === "text/event-stream") return beginStream(request, response).catch(next);
  Object.assign(request.headers, sent());
  if (request.headers["x-csrf-token"] === CSRF) request.headers["x-csrf-token"] = cookies.csrf;
  if (request.headers["idempotency-key"]) request.headers["idempotency-key"] = newKey();
  next();
}

// -- The states -------------------------------------------------------------------------------------------------------

async function sell() {
  const word = `kettle${++number}`;
  const answer = await ask(shop, "POST", "/api/catalog/v1/products", {
    title: `Alder ${word}`,
    category: "kettles",
    image_url: "/pictures/alder-kettle",
    price: { amount: 1000, currency: "EUR" },
    skus: [{ code: `K-${number}`, attributes: { size: "small" }, available: 20 }],
  }, staff);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return { word, product_id: answer.body.id, sku_id: answer.body.skus[0].id };
}

async function mailedCode(email) {
  const { body } = await ask(shop, "GET", "/dev/mail");
  const from = body.indexOf(email);
  return from < 0 ? undefined : /^Code: (\d{6})/m.exec(body.slice(from))?.[1];
}

async function signUp() {
  const email = `ann${++number}@example.com`;
  const answer = await ask(shop, "POST", "/api/identity/v1/signup", { email, password: PASSWORD, name: "Ann" });
  assert.equal(answer.status, 201);
  return { email, code: await eventually(() => mailedCode(email)) };
}

async function register() {
  const { email, code } = await signUp();
  assert.equal((await ask(shop, "POST", "/api/identity/v1/verify", { email, code })).status, 204);
  return { email };
}

async function forgetPassword() {
  const { email, code } = await signUp();
  assert.equal((await ask(shop, "POST", "/api/identity/v1/verify", { email, code })).status, 204);
  assert.equal((await ask(shop, "POST", "/api/identity/v1/password/forgot", { email })).status, 204);
  const newCode = async () => {
    const mailed = await mailedCode(email);
    return mailed !== code && mailed;
  };
  return { email, code: await eventually(newCode) };
}

async function signIn() {
  const { email } = await register();
  await write("POST", "/session", { email, password: PASSWORD });
  const { body } = await ask(shop, "GET", "/api/identity/v1/sessions", undefined, sent());
  return { email, session_id: body.sessions[0].id };
}

async function fillCart() {
  const { sku_id } = await sell();
  const cart = await write("POST", "/api/orders/v1/cart/items", { sku_id, quantity: 1, currency: "EUR" });
  return { item_id: cart.items[0].id };
}

async function placeOrder() {
  const { sku_id } = await sell();
  const placed = await write("POST", "/api/orders/v1/orders", {
    items: [{ sku_id, quantity: 1 }],
    email: "ann@example.com",
    shipping_address: ADDRESS,
    shipping_method: "standard",
    currency: "EUR",
    payment: { payment_method: "pm_card_visa" },
  });
  const read = () => ask(shop, "GET", `/api/orders/v1/orders/${placed.id}`, undefined, sent());
  await eventually(async () => (await read()).body.status === "confirmed");
  return { order_id: placed.id };
}

const stateHandlers = {
  "a product is for sale": sell,
  "somebody has signed up": signUp,
  "somebody has an account": register,
  "somebody forgot their password": forgetPassword,
  "somebody is signed in": signIn,
  "something is in the cart": fillCart,
  "an order was placed": placeOrder,
};

// -- The contracts ----------------------------------------------------------------------------------------------------

for (const file of readdirSync(PACTS).filter((name) => name.endsWith(".json")).sort())
  test(`the shop keeps ${file}`, () =>
    new Verifier({
      provider: file.replace(/^[a-z]+-|\.json$/g, ""),
      providerBaseUrl: shop.url,
      pactUrls: [join(PACTS, file)],
      stateHandlers,
      requestFilter: addCookies,
      beforeEach: open,
      failIfNoPactsFound: true,
      logLevel: process.env.CONTRACTS_LOG ?? "error",
    }).verifyProvider());
