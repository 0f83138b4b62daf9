/* Lighthouse over pages of a shop, in a browser that has been there before: what is in its cart stays.
 *
 *   const browser = await openLighthouse(folder);           // a profile in the folder
 *   const scores = await browser.audit(url, { onlyCategories: ["seo"] });   // { seo: { score: 100, failed: [] } }
 *   browser.context                                         // Playwright's, to fill a cart by
 *   await browser.close(); */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import lighthouse, { desktopConfig } from "lighthouse";
import { chromium } from "playwright-core";

import { eventually, PATIENCE_MS } from "../support/shop.mjs";
import { CHROMIUM } from "../support/storefront.mjs";

/* The browser writes down which port it took. */
function readPort(folder) {
  try {
    return Number(readFileSync(join(folder, "DevToolsActivePort"), "utf8").split("\n")[0]);
  } catch {
    return 0;
  }
}

function summarise({ categories, audits }) {
  const entries = Object.values(categories).map(({ id, score, auditRefs }) => {
    const failed = auditRefs.filter(({ id: audit, weight }) => weight > 0 && (audits[audit].score ?? 1) < 1);
    const words = failed.map(({ id: audit }) => `${audit}: ${audits[audit].title} ${JSON.stringify(audits[audit].details?.items?.slice(0, 3) ?? "")}`);
    return [id, { score: Math.round((score ?? 0) * 100), failed: words }];
  });
  return Object.fromEntries(entries);
}

export async function openLighthouse(folder) {
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    args: ["--remote-debugging-port=0"],
    viewport: { width: 1280, height: 800 },
  });
  const port = await eventually(() => readPort(folder), "the browser's port");
  return {
    context,
    async audit(url, settings) {
      const flags = { port, logLevel: "error", disableStorageReset: true, maxWaitForLoad: PATIENCE_MS, ...settings };
      const { lhr } = await lighthouse(url, flags, desktopConfig);
      if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
      return summarise(lhr);
    },
    close: () => context.close(),
  };
}
