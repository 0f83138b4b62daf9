// A workspace serves its pages alone; and what was built once is built again without a network, and is the same.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const node = (...words) => [path.join(root, 'tools/node.sh'), words];

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

test('npm run dev -w catalog serves the pages of the catalog alone', async (t) => {
  const env = { ...process.env, PORT: String(await freePort()) };
  const child = spawn(...node('npm', 'run', 'dev', '-w', 'catalog', '--prefix', path.join(root, 'frontend')), {
    env,
    detached: true, // with a group of its own: npm leaves what it started behind
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => process.kill(-child.pid));
  const url = await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`it ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /alone:.* (http:\S+\/product)/.exec(line);
      if (found) resolve(found[1]);
    });
  });
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  const scripts = [...page.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, address]) => fetch(new URL(address, url)));
  const texts = await Promise.all((await Promise.all(scripts)).map((response) => response.text()));
  assert.match(texts.join(), /is a page of another workspace/);
});

test('a second build needs no network, and makes the same files', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shopstream-frontend-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const nowhere = 'http://127.0.0.1:9';
  const names = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'npm_config_registry'];
  const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, nowhere])), npm_config_offline: 'true' };
  const out = path.join(folder, 'out');
  await promisify(execFile)(...node('node', path.join(root, 'frontend/build.mjs'), out), { env });
  for (const file of ['manifest.json', 'server/render.js'])
    assert.equal(fs.readFileSync(path.join(out, file), 'utf8'), fs.readFileSync(path.join(root, 'build/frontend', file), 'utf8'), file);
});
