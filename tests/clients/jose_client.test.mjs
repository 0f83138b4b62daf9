// The jose library verifies the shop's access tokens by its JWKS document, as any other party would.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as jose from "jose";
import { ask, eventually, startShop } from "../support/shop.mjs";

const EMAIL = "ann@example.com";
const PASSWORD = "correct horse battery";
let shop, tokens, keys;

before(async () => {
  shop = await startShop();
  const form = { email: EMAIL, password: PASSWORD, name: "Ann" };
  assert.equal((await ask(shop, "POST", "/api/identity/v1/signup", form)).status, 201);
  const code = await eventually(async () => {
    const mails = await ask(shop, "GET", "/dev/mail");
    return /^Code: (\d{6})$/m.exec(mails.body)?.[1];
  });
  assert.equal((await ask(shop, "POST", "/api/identity/v1/verify", { email: EMAIL, code })).status, 204);
  const login = await ask(shop, "POST", "/api/identity/v1/login", { email: EMAIL, password: PASSWORD });
  assert.equal(login.status, 200);
  assert.match(login.headers.get("cache-control"), /no-store/);
  tokens = login.body;
  keys = jose.createRemoteJWKSet(new URL("/api/identity/.well-known/jwks.json", shop.url));
});

after(async () => assert.equal(await shop.stop(), 0));

const expected = { issuer: "shopstream", audience: "shopstream", typ: "at+jwt", algorithms: ["RS256"] };

test("jose verifies an access token by the published keys", async () => {
  const { payload, protectedHeader } = await jose.jwtVerify(tokens.access_token, keys, expected);
  assert.deepEqual(payload.roles, ["customer"]);
  assert.equal(payload.email, EMAIL);
  assert.equal(payload.tenant, "default");
  assert.equal(payload.email_verified, true);
  assert.equal(payload.exp - payload.iat, 600);
  assert.deepEqual(Object.keys(protectedHeader).sort(), ["alg", "kid", "typ"]);
});

test("the key's id is its RFC 7638 thumbprint, and the document has no private part", async () => {
  const { body } = await ask(shop, "GET", "/api/identity/.well-known/jwks.json");
  assert.equal(body.keys.length, 1);
  for (const key of body.keys) {
    assert.equal(key.kid, await jose.calculateJwkThumbprint(key));
    assert.deepEqual(Object.keys(key).sort(), ["alg", "e", "kid", "kty", "n", "use"]);
  }
});

test("a token that jose signs with a key of its own under our kid is refused by the shop", async () => {
  const { privateKey } = await jose.generateKeyPair("RS256");
  const claims = jose.decodeJwt(tokens.access_token);
  const header = jose.decodeProtectedHeader(tokens.access_token);
  const forged = await new jose.SignJWT({ ...claims, roles: ["admin"] }).setProtectedHeader(header).sign(privateKey);
  const unsigned = new jose.UnsecuredJWT({ ...claims, roles: ["admin"] }).encode();
  for (const token of [forged, unsigned]) {
    const answer = await ask(shop, "GET", "/api/identity/v1/me", null, { authorization: `Bearer ${token}` });
    assert.equal(answer.status, 401);
    assert.equal(answer.body.code, "token_invalid");
  }
  const good = await ask(shop, "GET", "/api/identity/v1/me", null, { authorization: `Bearer ${tokens.access_token}` });
  assert.equal(good.status, 200);
  assert.equal(good.body.email, EMAIL);
});

test("a token HMAC-signed with the public key as the secret is refused by the shop", async () => {
  const { body } = await ask(shop, "GET", "/api/identity/.well-known/jwks.json");
  const publicKey = await jose.importJWK(body.keys[0], "RS256", { extractable: true });
  const secret = new TextEncoder().encode(await jose.exportSPKI(publicKey));
  const claims = jose.decodeJwt(tokens.access_token);
  const header = { ...jose.decodeProtectedHeader(tokens.access_token), alg: "HS256" };
  const forged = await new jose.SignJWT(claims).setProtectedHeader(header).sign(secret);
  const answer = await ask(shop, "GET", "/api/identity/v1/me", null, { authorization: `Bearer ${forged}` });
  assert.equal(answer.status, 401);
});

test("after a rotation jose verifies the tokens of the old key and of the new one", async () => {
  const { kid } = JSON.parse(shop.run("keys", "rotate", "--json"));
  const later = await ask(shop, "POST", "/api/identity/v1/refresh", { refresh_token: tokens.refresh_token });
  assert.equal(later.status, 200);
  // Another party, whose copy of the document is from now on.
  const published = jose.createRemoteJWKSet(new URL("/api/identity/.well-known/jwks.json", shop.url));
  const old = await jose.jwtVerify(tokens.access_token, published, expected);
  const fresh = await jose.jwtVerify(later.body.access_token, published, expected);
  assert.equal(fresh.protectedHeader.kid, kid);
  assert.notEqual(old.protectedHeader.kid, kid);
  const { keys: listed } = JSON.parse(shop.run("keys", "list", "--json"));
  assert.deepEqual(Object.fromEntries(listed.map((key) => [key.kid, key.state])), {
    [old.protectedHeader.kid]: "verifying",
    [kid]: "signing",
  });
});
