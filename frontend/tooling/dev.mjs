// Runs one workspace alone, with its pages from the fixtures: dev.mjs APP; on its own port, or PORT. Calls go on to a shop on
// port 3000.
import path from 'node:path';
import process from 'node:process';

import { createRsbuild } from '@rsbuild/core';

import { commonConfig, directAliases, FRONTEND, REMOTES, SHELL_KINDS, SHELL_PORT } from './config.mjs';

const app = process.argv[2];
const port = Number(process.env.PORT ?? REMOTES[app]?.port ?? SHELL_PORT);
const kinds = REMOTES[app]?.pages ?? Object.keys(SHELL_KINDS);
const shop = 'http://localhost:3000';

const config = commonConfig({ app: 'shell', root: path.join(FRONTEND, '../build/frontend-dev'), mode: 'development' });
config.source.entry = { index: path.join(FRONTEND, 'tooling/dev.tsx') };
config.source.define = { ...config.source.define, KINDS: JSON.stringify(kinds) };
config.output.assetPrefix = '/';
config.resolve = { alias: directAliases() };
config.tools = {};
config.html = { title: app };
config.server = {
  port,
  host: '127.0.0.1',
  strictPort: true,
  historyApiFallback: true,
  proxy: Object.fromEntries(['/api', '/visitor', '/session', '/pictures'].map((at) => [at, shop])),
};
const rsbuild = await createRsbuild({ cwd: config.root, config });
await rsbuild.startDevServer();
console.log(`${app} alone: ${kinds.map((kind) => `http://localhost:${port}/${kind}`).join(' ')}`);
