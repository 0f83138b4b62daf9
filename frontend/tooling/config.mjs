// How each part is built: what all have in common, and the Module Federation of shell and remotes.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { pluginModuleFederation } from '@module-federation/rsbuild-plugin';
import { pluginReact } from '@rsbuild/plugin-react';

import { DEFINED } from './server-tables.mjs';

export const FRONTEND = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The remotes, their pages (each an exposed module), and the port on which each runs alone. */
export const REMOTES = {
  catalog: { pages: ['home', 'listing', 'product'], port: 3101 },
  checkout: { pages: ['cart', 'checkout', 'order', 'orders'], port: 3102 },
};
export const SHELL_PORT = 3100;
/** The shell's own pages: the chunk that has each kind. */
export const SHELL_KINDS = { login: 'access', signup: 'access', verify: 'access', forgot: 'access', account: 'account', error: 'error' };

/* One React and one design system in a page: contexts and stores must be the same for shell and remotes. */
export function sharedModules(eager) {
  const one = { singleton: true, eager, requiredVersion: false };
  return {
    react: one,
    'react/jsx-runtime': one,
    'react-dom': one,
    'react-dom/client': one,
    '@shopstream/shared': { ...one, version: '1.0.0' },
  };
}

export function pageFile(app, page) {
  return path.join(FRONTEND, app, 'src/pages', `${page}.tsx`);
}

export function exposesOf(app) {
  return Object.fromEntries(REMOTES[app].pages.map((page) => [`./${page}`, pageFile(app, page)]));
}

/** catalog/product → the file itself: in the server, in tests, in a workspace that runs alone. */
export function directAliases() {
  const aliases = {};
  for (const [app, { pages }] of Object.entries(REMOTES))
    for (const page of pages) aliases[`${app}/${page}`] = pageFile(app, page);
  return aliases;
}

/** What all parts have in common. */
export function commonConfig({ app, root, entry, mode = 'production' }) {
  return {
    root: path.join(FRONTEND, app),
    mode,
    logLevel: 'warn',
    source: { entry, define: DEFINED },
    dev: { progressBar: false },
    performance: { printFileSize: false },
    output: {
      distPath: { root, js: '', css: '', font: '', svg: '', image: '', jsAsync: '', cssAsync: '' },
      assetPrefix: `/assets/${app}/`,
      filename: { js: '[name].[contenthash:10].js', css: '[name].[contenthash:10].css' },
      dataUriLimit: 0,
      legalComments: 'none',
      sourceMap: false,
      cleanDistPath: false,
      overrideBrowserslist: ['chrome >= 123', 'firefox >= 120', 'safari >= 17.5'],
    },
    tools: { htmlPlugin: false },
    plugins: [pluginReact()],
  };
}

export function federation(options) {
  return pluginModuleFederation({ dts: false, dev: false, shareStrategy: 'loaded-first', ...options });
}
