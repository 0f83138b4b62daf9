import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { DEFINED } from '../../frontend/tooling/server-tables.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const frontend = path.join(here, '../../frontend');

/* Run by the frontend's own vitest, whose packages are found there; the contracts' own are here. */
export default {
  root: here,
  define: DEFINED,
  esbuild: { jsx: 'automatic' },
  server: { fs: { allow: [here, frontend] } },
  resolve: {
    alias: [
      { find: '@shopstream/shared', replacement: path.join(frontend, 'shared/src/index.ts') },
      { find: /^vitest$/, replacement: path.join(frontend, 'node_modules/vitest') },
    ],
  },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://shop.test/' } },
    include: ['consumers/*.test.ts'],
    fileParallelism: false, // contracts of one pair are written to one file
    testTimeout: 60_000, // against what hangs; a machine with much else to do is slow, not wrong
  },
};
