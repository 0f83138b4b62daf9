// Builds all pages into the folder given: assets/<app>/…, server/render.js and manifest.json. The remotes come first, as
// the shell has the names of their entries, with the hash of what is in them.
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

import { createRsbuild } from '@rsbuild/core';

import { commonConfig, directAliases, exposesOf, federation, FRONTEND, REMOTES, sharedModules, SHELL_KINDS } from './tooling/config.mjs';

const out = path.resolve(process.argv[2] ?? path.join(FRONTEND, '../build/frontend'));
const work = `${out}.new`;
const assetsOf = (app) => path.join(work, 'assets', app);
const readJson = async (file) => JSON.parse(await fs.readFile(file, 'utf8'));

/** Builds and returns webpack's statistics. */
async function build(config) {
  const rsbuild = await createRsbuild({ cwd: config.root, config });
  const { stats, close } = await rsbuild.build();
  const json = stats.toJson({ all: false, entrypoints: true, chunkGroups: true, chunkGroupAuxiliary: true, assets: true });
  await close();
  return json;
}

/** The script that sets the colours before anything is drawn, by the hash of what is in it. */
async function placeThemeBoot() {
  const text = await fs.readFile(path.join(FRONTEND, 'shell/src/theme-boot.js'));
  const name = `theme-boot.${createHash('sha256').update(text).digest('hex').slice(0, 10)}.js`;
  await fs.mkdir(assetsOf('shell'), { recursive: true });
  await fs.writeFile(path.join(assetsOf('shell'), name), text);
  await fs.copyFile(path.join(FRONTEND, 'shell/src/favicon.svg'), path.join(assetsOf('shell'), 'favicon.svg'));
  return `/assets/shell/${name}`;
}

/** Builds a remote; returns the address of its entry and the files of each of its pages. */
async function buildRemote(app) {
  const config = commonConfig({ app, root: assetsOf(app), entry: {} });
  config.plugins.push(
    federation({
      name: app,
      filename: 'remoteEntry.[contenthash:10].js',
      exposes: exposesOf(app),
      shared: sharedModules(false),
      manifest: true,
      experiments: { externalRuntime: true },
    }),
  );
  await build(config);
  const manifest = await readJson(path.join(assetsOf(app), 'mf-manifest.json'));
  const address = (file) => `/assets/${app}/${file}`;
  const entry = address(manifest.metaData.remoteEntry.name);
  const pages = {};
  for (const { name, assets } of manifest.exposes) pages[name] = [entry, ...assets.js.sync.map(address)];
  for (const file of ['mf-manifest.json', 'mf-stats.json']) await fs.rm(path.join(assetsOf(app), file), { force: true });
  return { entry, pages };
}

async function buildShell(remotes) {
  const config = commonConfig({ app: 'shell', root: assetsOf('shell'), entry: { main: './src/main.tsx' } });
  config.performance.chunkSplit = { strategy: 'all-in-one' };
  config.plugins.push(
    federation({
      name: 'shell',
      remotes: Object.fromEntries(Object.entries(remotes).map(([app, { entry }]) => [app, `${app}@${entry}`])),
      shared: sharedModules(true),
      manifest: false,
      experiments: { provideExternalRuntime: true },
    }),
  );
  const stats = await build(config);
  const files = stats.entrypoints.main.assets.map(({ name }) => `/assets/shell/${name.replace(/^\//, '')}`);
  const chunks = {};
  for (const [name, group] of Object.entries(stats.namedChunkGroups))
    chunks[name] = group.assets.map((asset) => `/assets/shell/${asset.name}`).filter((file) => file.endsWith('.js'));
  return {
    scripts: files.filter((file) => file.endsWith('.js')),
    styles: files.filter((file) => file.endsWith('.css')),
    chunks,
  };
}

/** The font that a page in English is set in, to be fetched with the page rather than once its style is known. */
async function findFont() {
  const files = await fs.readdir(assetsOf('shell'));
  const found = files.filter((name) => /-latin-opsz-normal\.[^.]+\.woff2$/.test(name));
  if (found.length !== 1) throw new Error(`one file has the letters of English, not ${found.length}`);
  return `/assets/shell/${found[0]}`;
}

/** React's renderer to strings, all pages, nothing else: no network, no timers, no chunks. */
async function buildServer() {
  const config = commonConfig({ app: 'shell', root: path.join(work, 'server'), entry: { render: './src/server.tsx' } });
  config.output.target = 'web-worker';
  config.output.filename.js = '[name].js';
  config.resolve = {
    alias: {
      ...directAliases(),
      // Of react-dom/server only the part that renders to a string: the other one wants streams and message channels.
      'react-dom/server$': path.join(FRONTEND, 'node_modules/react-dom/cjs/react-dom-server-legacy.browser.production.js'),
    },
  };
  await build(config);
}

async function compress(folder) {
  const brotli = promisify(zlib.brotliCompress);
  const gzip = promisify(zlib.gzip);
  const entries = await fs.readdir(folder, { recursive: true });
  const texts = entries.filter((name) => /\.(js|css|json|svg|txt)$/.test(name));
  await Promise.all(
    texts.map(async (name) => {
      const file = path.join(folder, name);
      const bytes = await fs.readFile(file);
      const options = { params: { [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
      await fs.writeFile(`${file}.br`, await brotli(bytes, options));
      await fs.writeFile(`${file}.gz`, await gzip(bytes, { level: 9 }));
    }),
  );
}

function manifestOf(shell, remotes, early, font) {
  const kinds = {};
  const add = (kind, files) => (kinds[kind] = { preloads: [font, ...files] });
  for (const { pages } of Object.values(remotes)) for (const [page, files] of Object.entries(pages)) add(page, files);
  for (const [kind, chunk] of Object.entries(SHELL_KINDS)) add(kind, shell.chunks[chunk] ?? []);
  return { apps: { shell: { early, scripts: shell.scripts, styles: shell.styles } }, kinds };
}

await fs.rm(work, { recursive: true, force: true });
const themeBoot = await placeThemeBoot();
const remotes = {};
for (const app of Object.keys(REMOTES)) remotes[app] = await buildRemote(app);
const shell = await buildShell(remotes);
await buildServer();
await compress(path.join(work, 'assets'));
const manifest = manifestOf(shell, remotes, [themeBoot], await findFont());
await fs.writeFile(path.join(work, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
await fs.rm(out, { recursive: true, force: true });
await fs.rename(work, out);
