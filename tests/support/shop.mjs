// For tests that Node runs: asking a shop, and starting one of a file's own, on port 0 with a data folder below a temporary
// one. tests/browser starts its own kind, which has pages and two ports.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const START_TIMEOUT_MS = 60000;
const PATIENCE_MS = 10000;
const POLL_MS = 10;

// Resolves to { url, stop(), run(...words) } when the shop says that it is open.
export function startShop(settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), "shopstream-clients-"));
  const env = { ...process.env, SHOPSTREAM_RATE_LIMITS: "off", ...settings };
  for (const name of ["SHOPSTREAM_ROOT", "SHOPSTREAM_BUILD", "SHOPSTREAM_BINARY", "SHOPSTREAM_SANITIZED"]) delete env[name];
  const child = spawn(process.env.SHOPSTREAM_BINARY, ["--port", "0", "--data", join(folder, "data"), "--no-seed"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    const code = await ended;
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  // A command of the command line on this shop: what it prints.
  const run = (...words) =>
    execFileSync(process.env.SHOPSTREAM_BINARY, [...words, "--data", join(folder, "data")], { env, encoding: "utf8" });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the shop did not start in time")), START_TIMEOUT_MS);
    child.once("error", reject);
    ended.then((code) => reject(new Error(`the shop ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const open = /open on (http:\S+)/.exec(line);
      if (!open) return;
      clearTimeout(timer);
      resolve({ url: open[1], stop, run });
    });
  });
}

// Asks the shop; the answer's body is parsed where it is JSON.
export async function ask(shop, method, path, body, headers = {}) {
  const response = await fetch(new URL(path, shop.url), {
    method,
    redirect: "manual",
    headers: { ...(body ? { "content-type": "application/json" } : {}), ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

// What asking returns as soon as it is something.
export async function eventually(question, what = "it", patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`${what} did not come true within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
