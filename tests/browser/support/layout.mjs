/* What is wrong with how a page lies on the screen, found in the page itself: each function runs in the browser and
 * returns words for each fault, so that an empty list is a good page. */

/** Beyond the screen's edge, cut off, or one on another; of the whole page, or of what lies above it. */
export function findFaults(selector = "body") {
  const faults = [];
  const root = document.querySelector(selector);
  const width = document.documentElement.clientWidth;
  const name = (element) =>
    `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""} "${(element.innerText ?? "").trim().slice(0, 30)}"`;

  if (document.scrollingElement.scrollWidth > width)
    faults.push(`the page scrolls sideways: ${document.scrollingElement.scrollWidth} of ${width}`);

  /* Only readers are meant to meet it, or nobody: nothing of it lies on the screen. */
  const isHidden = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const clipped = style.clipPath !== "none" || style.clip !== "auto";
      if (style.display === "none" || style.visibility === "hidden" || style.opacity === "0") return true;
      if (clipped && one.offsetWidth <= 1) return true;
      if (one.tagName === "DETAILS" && !one.open && !element.closest("summary")) return true;
    }
    return false;
  };
  /* A shelf that is swept sideways may hold what is outside. */
  const scroller = (element) => {
    for (let one = element.parentElement; one; one = one.parentElement)
      if (/auto|scroll/.test(getComputedStyle(one).overflowX)) return one;
    return undefined;
  };

  /* -- Lines of text: each where it can be read, none on another -- */
  const lines = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT|OPTION|TITLE)$/.test(element.tagName) || isHidden(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    // What is shortened on purpose ends where its box ends, by three dots.
    const right = getComputedStyle(element).textOverflow === "ellipsis" ? element.getBoundingClientRect().right : Infinity;
    for (const rect of range.getClientRects()) {
      const box = new DOMRect(rect.x, rect.y, Math.min(rect.width, right - rect.x), rect.height);
      if (box.width < 1 || box.height < 1) continue;
      lines.push({ element, box });
      if (!scroller(element) && (box.left < -1 || box.right > width + 1)) faults.push(`${name(element)} is cut off by the edge`);
    }
  }
  const overlap = (a, b) => {
    const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    // The boxes of lines set tightly may touch; their letters do not.
    return across > 2 && down > Math.min(a.height, b.height) * 0.35;
  };
  for (let i = 0; i < lines.length; i++)
    for (let j = i + 1; j < lines.length; j++)
      if (lines[i].element !== lines[j].element && overlap(lines[i].box, lines[j].box) && !scroller(lines[i].element))
        faults.push(`${name(lines[i].element)} lies on ${name(lines[j].element)}`);

  /* -- Controls: each large enough, within the screen, none on another -- */
  const controls = [...root.querySelectorAll("a[href], button, input, select, summary, iframe")].filter(
    (element) => !isHidden(element) && element.getBoundingClientRect().width > 1 && element.tabIndex >= 0,
  );
  for (const [index, element] of controls.entries()) {
    const box = element.getBoundingClientRect();
    if (!scroller(element) && (box.left < -1 || box.right > width + 1)) faults.push(`${name(element)} is cut off by the edge`);
    const isClipped = element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === "hidden";
    if (isClipped) faults.push(`${name(element)} shows a part of its words only`);
    for (const other of controls.slice(index + 1)) {
      if (element.contains(other) || other.contains(element) || element.closest("label")?.contains(other)) continue;
      const second = other.getBoundingClientRect();
      if (overlap(box, second) && !scroller(element)) faults.push(`${name(element)} lies on ${name(other)}`);
    }
  }
  return [...new Set(faults)];
}

/** What lies light on a dark page: large boxes whose ground is bright, and text that is as dark as its ground. */
export function findBrightness() {
  const faults = [];
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const brightness = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return alpha < 128 ? undefined : (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  };
  for (const element of document.querySelectorAll("body, body *")) {
    const box = element.getBoundingClientRect();
    if (box.width * box.height < 40_000 || element.closest("picture, .picture")) continue;
    const ground = brightness(getComputedStyle(element).backgroundColor);
    if (ground !== undefined && ground > 0.4) faults.push(`${element.tagName} .${element.className} is ${ground.toFixed(2)} bright`);
  }
  const ink = brightness(getComputedStyle(document.body).color);
  if (ink < 0.6) faults.push(`the text is ${ink}`);
  return faults;
}

/** Runs before the page's own scripts: keeps what moved, and what the largest thing was that was painted. */
export function observeMoves() {
  globalThis.moves = { sum: 0, which: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      globalThis.moves.sum += entry.value;
      for (const { node, previousRect, currentRect } of entry.sources) {
        const rects = [previousRect, currentRect].map(({ x, y, width, height }) => [x, y, width, height].join(" "));
        globalThis.moves.which.push(`${entry.value.toFixed(4)} (${rects.join(" to ")}) ${node?.outerHTML?.slice(0, 120) ?? node?.textContent}`);
      }
    }
  }).observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => {
    const { element } = list.getEntries().at(-1);
    globalThis.largest = { image: element?.currentSrc ?? "", text: element?.textContent?.trim() ?? "" };
  }).observe({ type: "largest-contentful-paint", buffered: true });
}
