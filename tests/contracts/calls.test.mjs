// Whatever the pages ask has a contract: each address in their sources is looked up in pacts/.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const frontend = join(here, "../../frontend");
const APPS = ["shell", "catalog", "checkout", "shared"];

const ADDRESS = /['"`](\/api\/|\/session\b|\/visitor\b)/g;
// How the sources ask: each form with its method and address.
const FORMS = [
  /\bapi\s*\.(?<method>[A-Z]+)\(\s*'(?<path>[^']+)'/g,
  /\bcall(?:<[^>]+>)?\('(?<method>[A-Z]+)', '(?<path>[^']+)'/g,
  /\bfetch\('(?<path>[^']+)'/g,
  /new URL\('(?<path>[^']+)', location\.href\);[^;]*method: '(?<method>[A-Z]+)'/g,
  /const url = `(?<path>[^?`]+)\?[^;]*;[^]*new EventSource\(url\)/g,
];

/** As "GET /api/..."; throws where there is an address that no form asks. */
function findCalls(text, name) {
  const calls = FORMS.flatMap((form) => [...text.matchAll(form)]).map(({ groups }) => `${groups.method ?? "GET"} ${groups.path}`);
  const addresses = [...text.matchAll(ADDRESS)].length;
  assert.equal(calls.length, addresses, `${name} asks in a way that this test does not know, beside ${calls.join(", ")}`);
  return calls;
}

function readCalls(app) {
  const folder = join(frontend, app, "src");
  const files = readdirSync(folder, { recursive: true }).filter((file) => /\.tsx?$/.test(file));
  return new Set(files.flatMap((file) => findCalls(readFileSync(join(folder, file), "utf8"), `${app}/src/${file}`)));
}

function readContracts() {
  return readdirSync(join(here, "pacts")).flatMap((file) => {
    const { consumer, interactions } = JSON.parse(readFileSync(join(here, "pacts", file), "utf8"));
    return interactions.map(({ request }) => ({ consumer: consumer.name, asked: `${request.method} ${request.path}` }));
  });
}

/* What all share asks for one of them. */
function isCovered(app, call, contracts) {
  const form = new RegExp(`^${call.replace(/\{\w+\}/g, "[^/]+")}$`);
  return contracts.some(({ consumer, asked }) => (app === "shared" || app === consumer) && form.test(asked));
}

const contracts = readContracts();

for (const app of APPS)
  test(`every call of ${app} has a contract`, () => {
    const calls = [...readCalls(app)];
    assert.ok(calls.length > 0);
    assert.deepEqual(calls.filter((call) => !isCovered(app, call, contracts)), []);
  });

test("a call without a contract is found, and so is one of another form", () => {
  const [call] = findCalls("await unwrap(api\n.PATCH('/api/orders/v1/orders/{id}/gift'))", "planted");
  assert.equal(isCovered("checkout", call, contracts), false);
  assert.equal(isCovered("catalog", "GET /api/orders/v1/orders/{id}", contracts), false);
  assert.throws(() => findCalls('axios.get("/api/orders/v1/orders")', "planted"), /does not know/);
});
