/* What React does not say in production: attributes in which the server's HTML differs from what the page itself renders.
 *
 *   await findMismatches(visitor, "/cart")     // as "- main > a href=/cart" of the server, "+ ..." of the browser
 *
 * The page is opened without the server's HTML, so that it renders afresh from the very same document; what it puts there
 * first, before any effect has run, is held against that HTML. Text is compared too. */

const ROOT = /(<div id="root">)(.*?)(<\/div>\n(?:<noscript>|<script id="page"))/s;

/* Runs in each page before its own scripts. */
function keepFirstRender() {
  new MutationObserver((_, observer) => {
    const root = document.getElementById("root");
    if (!root?.hasChildNodes()) return;
    globalThis.firstRender = root.innerHTML;
    observer.disconnect();
  }).observe(document, { childList: true, subtree: true });
}

/* Runs in the page: a line for each element with its attributes, and for each text. */
function describe(html) {
  const ids = new Map();
  // useId() counts in another way where it hydrates; what such an id stands for is told by its first use.
  const sameId = (value) => value.replace(/_[Rr]_\w*?_/g, (id) => ids.get(id) ?? ids.set(id, `id${ids.size}`).get(id));
  const lines = [];
  const visit = (node, path) => {
    if (node.nodeType === Node.TEXT_NODE) lines.push(`${path} "${node.data}"`);
    if (node.nodeType !== Node.ELEMENT_NODE || node.tagName === "LINK") return;
    const own = `${path} > ${node.tagName.toLowerCase()}`;
    // Which option is selected, a browser's React says by a property.
    const attributes = [...node.attributes].filter(({ name }) => name !== "selected");
    lines.push([own, ...attributes.map(({ name, value }) => `${name}=${sameId(value)}`).sort()].join(" "));
    // What nobody sees where there is script, React does not render in a browser.
    if (node.tagName !== "NOSCRIPT") for (const child of node.childNodes) visit(child, own);
  };
  const { body } = new DOMParser().parseFromString(html, "text/html");
  const comments = document.createTreeWalker(body, NodeFilter.SHOW_COMMENT);
  const found = [];
  while (comments.nextNode()) found.push(comments.currentNode);
  for (const comment of found) comment.remove(); // React's marks between two texts
  body.normalize();
  for (const child of body.childNodes) visit(child, "");
  return lines;
}

/** change: what is planted in the server's HTML. */
export async function findMismatches(visitor, path, change = (html) => html) {
  const page = await visitor.context.newPage();
  await page.addInitScript(keepFirstRender);
  const url = new URL(path, visitor.shop.url).href;
  let served;
  await page.route(url, async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace(ROOT, (_, before, html, after) => ((served = change(html)), before + after));
    await route.fulfill({ response, body });
  });
  await page.goto(url);
  await visitor.ready(page);
  await page.waitForFunction(() => globalThis.firstRender);
  const rendered = await page.evaluate(() => globalThis.firstRender);
  const [server, browser] = [await page.evaluate(describe, served), await page.evaluate(describe, rendered)];
  await page.close();
  return difference(server, browser);
}

function difference(server, browser) {
  const only = (lines, others) => {
    const left = new Map();
    for (const line of others) left.set(line, (left.get(line) ?? 0) + 1);
    return lines.filter((line) => left.set(line, (left.get(line) ?? 0) - 1).get(line) < 0);
  };
  return [...only(server, browser).map((line) => `-${line}`), ...only(browser, server).map((line) => `+${line}`)];
}
