// Draws /api/openapi.json and lets one try its operations. Text only ever enters the page as text nodes.

const METHODS = ["get", "post", "put", "patch", "delete"];
const SCHEMA_DEPTH_MAX = 6;
const WHO = {
  anyone: "Anyone", shopper: "A signed-in person, or a guest with a token", signed_in: "Signed-in people",
  support: "Support and administrators", merchandiser: "Merchandisers and administrators", staff: "Staff",
  admin: "Administrators", service: "Services of the shop only",
};

const byId = (id) => document.getElementById(id);
let api = null;

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

/* -- Reading the document ------------------------------------------------------------------------------------------ */

function resolve(part) {
  for (let hops = 0; part && part.$ref && hops < 10; hops++) {
    const { $ref, ...beside } = part;
    part = { ...$ref.slice(2).split("/").reduce((at, key) => at?.[key], api), ...beside };
  }
  return part ?? {};
}

function operationsOf(document) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })));
}

const bodySchema = (operation) => operation.requestBody?.content?.["application/json"]?.schema;

function typeOf(schema) {
  if (schema.type === "array") return `list of ${typeOf(resolve(schema.items))}`;
  if (schema.type === "object" && schema.additionalProperties?.type) return `map of ${schema.additionalProperties.type}`;
  return schema.format && schema.type === "string" ? schema.format : schema.type ?? "any";
}

/* What a person must know to fill the value in, as short phrases. */
function limitsOf(schema) {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems, minProperties, maxProperties, pattern } = schema;
  const range = (low, high, unit) =>
    low == null && high == null ? "" : high == null ? `at least ${low}${unit}` : low == null ? `at most ${high}${unit}`
      : `${low} to ${high}${unit}`;
  return [
    schema.enum && `one of ${schema.enum.join(", ")}`,
    range(minimum, maximum, ""),
    range(minLength, maxLength, " characters"),
    range(minItems, maxItems, " items"),
    range(minProperties, maxProperties, " entries"),
    pattern && `matches ${pattern}`,
    schema.default != null && `${schema.default} when left out`,
    schema.examples?.length && `as ${schema.examples[0]}`,
  ].filter(Boolean).join("; ");
}

function exampleOf(schema, depth = 0) {
  schema = resolve(schema);
  if (schema.examples?.length) return schema.examples[0];
  if (schema.default != null) return schema.default;
  if (schema.enum) return schema.enum[0];
  if (schema.type === "array") return depth > SCHEMA_DEPTH_MAX ? [] : [exampleOf(schema.items, depth + 1)];
  if (schema.type === "integer") return schema.minimum ?? 0;
  if (schema.type === "boolean") return false;
  if (schema.type !== "object") return schema.format === "email" ? "a.buyer@example.com" : "";
  const required = new Set(schema.required);
  return Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => required.has(name))
    .map(([name, property]) => [name, exampleOf(property, depth + 1)]));
}

/* -- Schemas ------------------------------------------------------------------------------------------------------- */

function nestedSchema(schema) {
  if (schema.type === "array") return nestedSchema(resolve(schema.items));
  return schema.properties && Object.keys(schema.properties).length > 0 ? schema : null;
}

function row(name, schema, required, description, depth) {
  schema = resolve(schema);
  const nested = depth < SCHEMA_DEPTH_MAX ? nestedSchema(schema) : null;
  const limits = limitsOf(schema);
  const says = description ?? schema.description;
  return element("tr", {},
    element("th", { scope: "row" }, element("code", {}, name), required ? element("span", { class: "required" }, " required") : ""),
    element("td", {}, typeOf(schema), limits ? `, ${limits}` : "", says ? element("div", { class: "note" }, says) : "",
      nested ? element("details", { class: "nested" }, element("summary", {}, `fields of ${name}`), schemaTable(nested, depth + 1)) : ""));
}

function schemaTable(schema, depth = 0) {
  schema = resolve(schema);
  const required = new Set(schema.required);
  return element("table", {}, element("tbody", {}, ...Object.entries(schema.properties ?? {}).map(([name, property]) =>
    row(name, property, required.has(name), null, depth))));
}

function section(title, ...content) {
  return [element("h4", {}, title), ...content];
}

/* -- Trying an operation ------------------------------------------------------------------------------------------- */

const parametersOf = (operation) => (operation.parameters ?? []).map(resolve).filter((p) => p.name !== "X-Tenant");

function field(operation, parameter) {
  const id = `${operation.operationId}-${parameter.in}-${parameter.name}`;
  const schema = resolve(parameter.schema);
  const value = parameter.name === "Idempotency-Key" ? crypto.randomUUID?.() : null;
  const control = schema.enum
    ? element("select", { id, name: parameter.name, "data-in": parameter.in, required: !!parameter.required },
      element("option", { value: "" }, "–"), ...schema.enum.map((option) => element("option", {}, option)))
    : element("input", { id, name: parameter.name, "data-in": parameter.in, required: !!parameter.required, value,
      autocomplete: "off", spellcheck: "false", inputmode: schema.type === "integer" ? "numeric" : null,
      placeholder: schema.default ?? schema.examples?.[0] });
  return element("label", { for: id }, `${parameter.name}${parameter.required ? " (required)" : ""}`, control);
}

const cookie = (name) => document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

function buildRequest(operation, form) {
  const headers = new Headers();
  const query = new URLSearchParams();
  let path = operation.path;
  for (const control of form.querySelectorAll("[data-in]")) {
    if (control.value === "") continue;
    if (control.dataset.in === "path") path = path.replace(`{${control.name}}`, encodeURIComponent(control.value));
    else if (control.dataset.in === "query") query.append(control.name, control.value);
    else headers.set(control.name, control.value);
  }
  if (byId("token").value.trim()) headers.set("Authorization", `Bearer ${byId("token").value.trim()}`);
  if (byId("tenant").value.trim()) headers.set("X-Tenant", byId("tenant").value.trim());
  if (operation.method !== "get" && cookie("csrf")) headers.set("X-CSRF-Token", cookie("csrf"));
  const body = form.elements.body?.value || undefined;
  if (body) headers.set("Content-Type", "application/json");
  return { url: path + (query.size ?? [...query].length ? `?${query}` : ""), init: { method: operation.method.toUpperCase(), headers, body } };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/* The same request for a terminal; the token stays a variable, so that the line can be shared. */
function curlOf({ url, init }) {
  const lines = [`curl -i -X ${init.method} ${quoted(location.origin + url)}`];
  for (const [name, value] of init.headers)
    lines.push(name === "authorization" ? '-H "Authorization: Bearer $TOKEN"' : name === "x-csrf-token" ? "" : `-H ${quoted(`${name}: ${value}`)}`);
  if (init.body) lines.push(`--data ${quoted(init.body)}`);
  return lines.filter(Boolean).join(" \\\n  ");
}

function prettyBody(text, type) {
  if (!/json/.test(type ?? "")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function send(operation, form, answer) {
  const button = form.querySelector("button");
  const request = buildRequest(operation, form);
  button.disabled = true;
  answer.replaceChildren(element("p", {}, "Waiting for the answer …"));
  const started = performance.now();
  try {
    const response = await fetch(request.url, { ...request.init, credentials: "same-origin" });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    const shown = ["etag", "location", "retry-after", "content-type"].filter((name) => response.headers.has(name))
      .map((name) => `${name}: ${response.headers.get(name)}`).join("\n");
    answer.replaceChildren(
      element("p", {}, element("strong", { class: response.ok ? "good" : "bad" }, `${response.status} ${response.statusText}`), ` in ${took} ms`),
      shown ? element("pre", { tabindex: "0", "aria-label": "Headers" }, shown) : "",
      text ? element("pre", { tabindex: "0", "aria-label": "Body" }, prettyBody(text, response.headers.get("content-type"))) : "",
      ...section("The same by curl", element("pre", { tabindex: "0" }, curlOf(request))));
  } catch (error) {
    answer.replaceChildren(element("p", { class: "bad" }, `No answer: ${error.message}. Whether the request arrived is not known; with its Idempotency-Key it may be sent again.`));
  } finally {
    button.disabled = false;
  }
}

function tryout(operation) {
  const answer = element("div", { class: "answer", role: "status" });
  const schema = bodySchema(operation);
  const bodyId = `${operation.operationId}-body`;
  const form = element("form", { onsubmit: (event) => { event.preventDefault(); send(operation, form, answer); } },
    element("div", { class: "fields" },
      ...parametersOf(operation).map((parameter) => field(operation, parameter)),
      schema ? element("label", { for: bodyId, class: "wide" }, "Body",
        element("textarea", { id: bodyId, name: "body", spellcheck: "false" }, JSON.stringify(exampleOf(schema), null, 2))) : ""),
    element("button", {}, `Send ${operation.method.toUpperCase()}`));
  return element("details", { class: "tryout" }, element("summary", {}, "Try it"), form, answer);
}

/* -- Operations ---------------------------------------------------------------------------------------------------- */

function fill(details, operation) {
  const parameters = (operation.parameters ?? []).map(resolve);
  const schema = bodySchema(operation);
  const responses = Object.entries(operation.responses ?? {}).map(([status, response]) => [status, resolve(response)]);
  const success = responses.find(([status]) => status.startsWith("2"))?.[1].content?.["application/json"]?.schema;
  details.append(element("div", { class: "inside" },
    operation.description ? element("p", {}, operation.description) : "",
    element("p", { class: "note" }, `For: ${WHO[operation["x-auth"]] ?? "not said"}`),
    ...(parameters.length ? section("Parameters", element("table", {}, element("tbody", {}, ...parameters.map((parameter) =>
      row(parameter.name, parameter.schema, parameter.required, `${parameter.in}${parameter.description ? `: ${parameter.description}` : ""}`, 0))))) : []),
    ...(schema ? section("Body", schemaTable(schema)) : []),
    ...(success ? section("Reply", schemaTable(success)) : []),
    ...section("Answers", element("table", {}, element("tbody", {}, ...responses.map(([status, response]) => element("tr", {},
      element("th", { scope: "row" }, element("code", {}, status)), element("td", {}, response.description)))))),
    tryout(operation)));
}

function draw(operation) {
  const details = element("details", { class: "operation", id: operation.operationId },
    element("summary", {}, element("span", { class: "method" }, operation.method.toUpperCase()),
      element("h3", { class: "path" }, operation.path),
      operation.summary ? element("span", { class: "summary" }, operation.summary) : ""));
  /* Drawn when it is first opened: the page is short until then. */
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector(".inside")) fill(details, operation);
  });
  details.dataset.words = `${operation.method} ${operation.path} ${operation.operationId} ${operation.summary ?? ""}`.toLowerCase();
  return details;
}

function drawAll() {
  const operations = operationsOf(api);
  for (const tag of api.tags ?? []) {
    const own = operations.filter((operation) => operation.tags?.includes(tag.name));
    byId("operations").append(element("section", { "aria-labelledby": `tag-${tag.name}` },
      element("h2", { id: `tag-${tag.name}` }, tag.name), element("p", {}, tag.description ?? ""), ...own.map(draw)));
    byId("index").append(element("div", {}, element("p", {}, tag.name), element("ul", {}, ...own.map((operation) =>
      element("li", { "data-for": operation.operationId },
        element("a", { href: `#${operation.operationId}` }, operation.summary ?? `${operation.method.toUpperCase()} ${operation.path}`))))));
  }
}

function applyFilter() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const details of document.querySelectorAll(".operation")) {
    const fits = words.every((word) => details.dataset.words.includes(word));
    details.hidden = !fits;
    document.querySelector(`[data-for="${details.id}"]`).hidden = !fits;
    found += fits;
  }
  for (const part of document.querySelectorAll("main section")) part.hidden = !part.querySelector(".operation:not([hidden])");
  for (const part of document.querySelectorAll("#index > div")) part.hidden = !part.querySelector("li:not([hidden])");
  byId("state").textContent = words.length ? (found ? `${found} found` : "Nothing fits these words. Clear the field to see everything.") : "";
}

function openLinked() {
  const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches?.(".operation")) {
    target.open = true;
    target.scrollIntoView();
    target.querySelector("summary").focus({ preventScroll: true });
  }
}

function remember(id) {
  const control = byId(id);
  control.value = sessionStorage.getItem(`api-${id}`) ?? "";
  control.addEventListener("input", () => sessionStorage.setItem(`api-${id}`, control.value));
}

async function start() {
  const wide = matchMedia("(min-width: 900px)");
  byId("contents").open = wide.matches;
  remember("token");
  remember("tenant");
  byId("filter").addEventListener("input", applyFilter);
  byId("settings").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", openLinked);
  try {
    const response = await fetch("/api/openapi.json");
    if (!response.ok) throw new Error(`the shop answered ${response.status}`);
    api = await response.json();
    drawAll();
    byId("state").textContent = "";
    openLinked();
  } catch (error) {
    byId("state").className = "error";
    byId("state").replaceChildren(`The description could not be read: ${error.message}. `,
      element("button", { onclick: () => location.reload() }, "Read it again"));
  } finally {
    byId("skeleton").hidden = true;
  }
}

start();
