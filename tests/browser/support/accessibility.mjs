/* What axe-core finds wrong with a page as it stands, and the frame of the card field in it.
 *
 *   await assertAccessible(page, "cart");            // in light, and the colours once more in dark
 *
 * All of axe's rules are run, its best practices too. What it cannot decide ("incomplete") is no violation. */
import assert from "node:assert/strict";
import axe from "axe-core";

const STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const COLOURS = { runOnly: ["color-contrast"] };

/* By evaluate(), as the policy of the pages lets no other script in. */
async function findIn(frame, options) {
  if (!(await frame.evaluate(() => "axe" in globalThis))) await frame.evaluate(axe.source);
  const violations = await frame.evaluate(async (rules) => (await globalThis.axe.run(document, rules)).violations, options);
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")} (${help})`));
}

/** As "rule: selector (words)". */
export async function findViolations(page) {
  const found = await findIn(page.mainFrame(), {});
  // What a document as a whole should have, as one heading, is not asked of what stands in a frame.
  for (const frame of page.frames().slice(1)) found.push(...(await findIn(frame, { runOnly: STANDARD })));
  return found;
}

export async function assertAccessible(page, name) {
  assert.deepEqual(await findViolations(page), [], `${name}, in light`);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  // Not in the frame: it is transparent, and axe takes what it cannot see behind it for white.
  assert.deepEqual(await findIn(page.mainFrame(), COLOURS), [], `${name}, in dark`);
  await page.emulateMedia({ colorScheme: "light" });
}
