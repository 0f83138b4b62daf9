/* The other tests stand on this: whatever a page complains of is noticed. Each complaint is planted here. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { findMismatches } from "./support/hydration.mjs";
import { storefront } from "./support/storefront.mjs";

const { visit } = storefront({ words: ["--no-seed"] });

test("a console's error and warning, an uncaught error, a missing file are complaints", async (t) => {
  const visitor = await visit(t);
  await visitor.go("/");
  visitor.expect(/^console error: planted$/);
  visitor.expect(/^console warning: planted$/);
  visitor.expect(/^uncaught: Error: planted/);
  visitor.expect(/^404 GET .*\/assets\/shell\/planted\.js$/);
  await visitor.page.evaluate(async () => {
    console.error("planted");
    console.warn("planted");
    setTimeout(() => {
      throw new Error("planted");
    });
    await fetch("/assets/shell/planted.js");
  });
});

test("what the content security policy refuses is a complaint", async (t) => {
  const visitor = await visit(t);
  await visitor.go("/");
  visitor.expect(/^console error: policy: script-src/);
  visitor.expect(/^console error: .*Content Security Policy/);
  await visitor.page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "globalThis.planted = true";
    document.body.append(script);
  });
  assert.equal(await visitor.page.evaluate(() => globalThis.planted), undefined);
});

test("HTML that React does not find as its page document has it is a complaint", async (t) => {
  const visitor = await visit(t);
  await visitor.page.route("**/", async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace("Nothing is for sale yet.", "Planted.");
    await route.fulfill({ response, body });
  });
  visitor.expect(/^uncaught: .*React error #418/);
  await visitor.go("/");
});

test("an attribute that React would render otherwise is found, which React says nothing of", async (t) => {
  const visitor = await visit(t);
  const found = await findMismatches(visitor, "/login", (html) => html.replace('type="password"', 'type="text"'));
  assert.deepEqual(found.map((line) => line[0] + /type=\w+/.exec(line)), ["-type=text", "+type=password"]);
  assert.deepEqual(await findMismatches(visitor, "/login"), []);
});

test("a complaint that nobody expected fails the test, and so does one that was expected and did not come", async (t) => {
  const visitor = await visit(t);
  visitor.watch.complain("planted");
  assert.throws(() => visitor.watch.judge(), /the browser complains/);
  visitor.expect(/planted/);
  visitor.watch.judge();
  visitor.expect(/another/);
  assert.throws(() => visitor.watch.judge(), /did not come/);
  visitor.watch.expected.pop();
});
