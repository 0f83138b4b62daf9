import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

import { DEFINED } from './tooling/server-tables.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const pages = (app: string) => ({
  find: new RegExp(`^${app}/(\\w+)$`),
  replacement: path.join(here, app, 'src/pages/$1.tsx'),
});

export default defineConfig({
  root: here,
  define: DEFINED,
  esbuild: { jsx: 'automatic' },
  resolve: {
    alias: [
      pages('catalog'),
      pages('checkout'),
      { find: '@shopstream/shared', replacement: path.join(here, 'shared/src/index.ts') },
    ],
  },
  test: {
    environment: 'jsdom',
    environmentOptions: { jsdom: { url: 'http://shop.test/' } },
    include: ['tests/**/*.test.{ts,tsx}', '{shared,shell,catalog,checkout}/src/**/*.test.{ts,tsx}'],
    testTimeout: 60_000, // Against what hangs; a machine with much else to do is slow, not wrong.
    setupFiles: ['./tests/setup.ts'],
    reporters: ['default'],
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: path.join(here, '../build/frontend-coverage'),
      include: ['{shared,shell,catalog,checkout}/src/**/*.{ts,tsx}'],
      exclude: ['**/*.test.*', '**/document.ts', '**/index.ts', 'shell/src/main.tsx', '**/dev.tsx'],
      thresholds: { lines: 80 },
    },
  },
});
