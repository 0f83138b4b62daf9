// Stripe's official client speaks to the emulator as it would to Stripe.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import Stripe from "stripe";

const KEY = "sk_test_of_the_client_tests";
const EMULATOR_DISTANCE = 11; // Own ports keep their distance from the shop's: 3011 beside 3000.
const PATIENCE_MS = 20000;
let shop, folder, stripe, port;

function listenSomewhere(handler) {
  return new Promise((resolve) => {
    const server = createServer(handler);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

async function freePort() {
  const server = await listenSomewhere();
  const free = server.address().port;
  await new Promise((resolve) => server.close(resolve));
  return free;
}

function startShop(shopPort) {
  const env = { ...process.env, SHOPSTREAM_STRIPE_SECRET_KEY: KEY };
  for (const name of ["SHOPSTREAM_ROOT", "SHOPSTREAM_BUILD", "SHOPSTREAM_BINARY", "SHOPSTREAM_SANITIZED"]) delete env[name];
  const services = ["--services", "stripe_emulator,payments"];
  const child = spawn(process.env.SHOPSTREAM_BINARY, [...services, "--port", String(shopPort), "--data", join(folder, "data")], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the shop ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (/open on http:/.test(line)) resolve(child);
    });
  });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "shopstream-stripe-"));
  // Both the shop's port and the emulator's must be free; another try where somebody else was faster.
  for (let attempt = 0; !shop; attempt++) {
    const shopPort = await freePort();
    port = shopPort + EMULATOR_DISTANCE;
    shop = await startShop(shopPort).catch((error) => {
      if (attempt === 4) throw error;
    });
  }
  stripe = new Stripe(KEY, { host: "127.0.0.1", port, protocol: "http", maxNetworkRetries: 0, telemetry: false });
});

after(async () => {
  const ended = new Promise((resolve) => shop.once("exit", resolve));
  shop.kill("SIGTERM");
  assert.equal(await ended, 0);
  rmSync(folder, { recursive: true, force: true });
});

const held = (more = {}) => ({
  amount: 1999, currency: "eur", payment_method: "pm_card_visa", confirm: true, capture_method: "manual",
  payment_method_types: ["card"], ...more,
});

test("holds, captures in part and refunds", async () => {
  const intent = await stripe.paymentIntents.create(held({ metadata: { order_id: "o-1" } }));
  assert.equal(intent.status, "requires_capture");
  assert.equal(intent.amount_capturable, 1999);
  assert.equal(intent.metadata.order_id, "o-1");
  const taken = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 1500 });
  assert.equal(taken.status, "succeeded");
  assert.equal(taken.amount_received, 1500);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 500, reason: "requested_by_customer" });
  assert.equal(refund.status, "succeeded");
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id, amount: 1001 }), { type: "StripeInvalidRequestError", param: "amount" });
  const seen = await stripe.paymentIntents.retrieve(intent.id, { expand: ["latest_charge"] });
  assert.equal(seen.latest_charge.amount_refunded, 500);
  assert.equal((await stripe.refunds.list({ payment_intent: intent.id })).data[0].id, refund.id);
});

test("create, update, confirm and cancel step by step", async () => {
  const intent = await stripe.paymentIntents.create({ amount: 500, currency: "usd", metadata: { a: "1", b: "2" } });
  assert.equal(intent.status, "requires_payment_method");
  const updated = await stripe.paymentIntents.update(intent.id, { amount: 600, metadata: { b: "", c: "3" } });
  assert.equal(updated.amount, 600);
  assert.deepEqual(updated.metadata, { a: "1", c: "3" });
  const confirmed = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_mastercard" });
  assert.equal(confirmed.status, "succeeded");
  await assert.rejects(stripe.paymentIntents.cancel(intent.id), { code: "payment_intent_unexpected_state" });
  const other = await stripe.paymentIntents.create(held());
  const cancelled = await stripe.paymentIntents.cancel(other.id, { cancellation_reason: "abandoned" });
  assert.equal(cancelled.status, "canceled");
  assert.equal(cancelled.cancellation_reason, "abandoned");
});

test("a refused card is a StripeCardError with its reason and the intent", async () => {
  await assert.rejects(stripe.paymentIntents.create(held({ payment_method: "pm_card_chargeDeclinedInsufficientFunds" })), (error) => {
    assert.equal(error.type, "StripeCardError");
    assert.equal(error.statusCode, 402);
    assert.equal(error.code, "card_declined");
    assert.equal(error.decline_code, "insufficient_funds");
    assert.equal(error.payment_intent.status, "requires_payment_method");
    return true;
  });
});

test("one key is one charge, and not for another request", async () => {
  const options = { idempotencyKey: "client-key-1" };
  const first = await stripe.paymentIntents.create(held(), options);
  const again = await stripe.paymentIntents.create(held(), options);
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  await assert.rejects(stripe.paymentIntents.create(held({ amount: 1 }), options), { type: "StripeIdempotencyError" });
});

test("the client's own retries after a lost answer charge once", async () => {
  const retrying = new Stripe(KEY, { host: "127.0.0.1", port, protocol: "http", maxNetworkRetries: 2, timeout: 300, telemetry: false });
  await fetch(`http://127.0.0.1:${port}/test/faults`, {
    method: "POST", headers: { authorization: `Bearer ${KEY}` }, body: JSON.stringify({ timeout_after_success: 1, hold_ms: 900 }),
  });
  const intent = await retrying.paymentIntents.create(held({ metadata: { order_id: "retried" } }));
  const all = await stripe.paymentIntents.list({ limit: 100 });
  assert.equal(all.data.filter((one) => one.metadata.order_id === "retried").length, 1);
  assert.equal(intent.status, "requires_capture");
});

test("payment methods from test numbers; others are refused", async () => {
  const card = { number: "4000 0027 6000 3184", exp_month: 12, exp_year: 2040, cvc: "123" };
  const method = await stripe.paymentMethods.create({ type: "card", card });
  assert.equal(method.card.last4, "3184");
  const intent = await stripe.paymentIntents.create(held({ payment_method: method.id, return_url: "http://localhost:3000/back" }));
  assert.equal(intent.status, "requires_action");
  assert.equal(intent.next_action.type, "redirect_to_url");
  await assert.rejects(stripe.paymentMethods.create({ type: "card", card: { ...card, number: "4242424242424241" } }), { code: "incorrect_number" });
  await assert.rejects(stripe.paymentMethods.create({ type: "card", card: { ...card, exp_year: 2001 } }), { code: "invalid_expiry_year" });
  const customer = await stripe.customers.create({ email: "ann@example.com" });
  assert.equal((await stripe.paymentMethods.attach(method.id, { customer: customer.id })).customer, customer.id);
  assert.equal((await stripe.customers.del(customer.id)).deleted, true);
});

test("the challenge page approves, and comes back to the shop", async () => {
  const intent = await stripe.paymentIntents.create(held({ payment_method: "pm_card_authenticationRequired", return_url: "http://localhost:3000/back?x=1" }));
  const page = await fetch(intent.next_action.redirect_to_url.url);
  assert.match(await page.text(), /Approve payment/);
  assert.match(page.headers.get("content-security-policy"), /default-src 'none'/);
  const body = new URLSearchParams({ payment_intent_client_secret: intent.client_secret, decision: "approve" });
  const answer = await fetch(`http://127.0.0.1:${port}/challenge/${intent.id}`, { method: "POST", body, redirect: "manual" });
  assert.equal(answer.status, 303);
  assert.match(answer.headers.get("location"), /^http:\/\/localhost:3000\/back\?x=1&payment_intent=pi_.*redirect_status=succeeded$/);
  assert.equal((await stripe.paymentIntents.retrieve(intent.id)).status, "requires_capture");
});

test("lists page by themselves, newest first", async () => {
  for (let i = 0; i < 5; i++) await stripe.paymentIntents.create({ amount: 100 + i, currency: "eur", description: "paged" });
  const ids = new Set();
  for await (const intent of stripe.paymentIntents.list({ limit: 2 })) ids.add(intent.id);
  const all = await stripe.paymentIntents.list({ limit: 100 });
  assert.equal(ids.size, all.data.length);
});

test("webhooks are signed as the client expects, and repeated until they are taken", async () => {
  const received = [];
  let refuse = 1;
  const server = await listenSomewhere((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      if (refuse-- > 0) return response.writeHead(500).end();
      received.push({ body, signature: request.headers["stripe-signature"] });
      response.writeHead(200).end();
    });
  });
  const url = `http://127.0.0.1:${server.address().port}/hook`;
  const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events: ["payment_intent.succeeded", "charge.refunded"] });
  const intent = await stripe.paymentIntents.create(held({ capture_method: "automatic" }));
  await stripe.refunds.create({ payment_intent: intent.id });
  const end = Date.now() + PATIENCE_MS;
  while (received.length < 2 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
  await stripe.webhookEndpoints.del(endpoint.id);
  server.close();
  const events = received.map(({ body, signature }) => stripe.webhooks.constructEvent(body, signature, endpoint.secret));
  assert.deepEqual(events.map((event) => event.type).sort(), ["charge.refunded", "payment_intent.succeeded"]);
  assert.throws(() => stripe.webhooks.constructEvent(received[0].body + " ", received[0].signature, endpoint.secret));
  assert.equal((await stripe.events.retrieve(events[0].id)).id, events[0].id);
});

test("a wrong key, a wrong id and a wrong parameter are Stripe's errors", async () => {
  const stranger = new Stripe("sk_test_wrong", { host: "127.0.0.1", port, protocol: "http", maxNetworkRetries: 0 });
  await assert.rejects(stranger.paymentIntents.list(), { type: "StripeAuthenticationError" });
  await assert.rejects(stripe.paymentIntents.retrieve("pi_none"), { code: "resource_missing", statusCode: 404 });
  await assert.rejects(stripe.paymentIntents.create({ amount: 0, currency: "eur" }), { param: "amount" });
  await assert.rejects(stripe.paymentIntents.create({ currency: "eur" }), { code: "parameter_missing" });
});
