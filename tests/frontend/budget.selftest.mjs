import assert from 'node:assert/strict';
import test from 'node:test';

import { measure, SCRIPT_BYTES_MAX, STYLE_BYTES_MAX } from './budget.mjs';

const manifest = {
  apps: { shell: { scripts: ['/main.js'], styles: ['/main.css'] } },
  kinds: { product: { preloads: ['/main.js', '/product.js', '/font.woff2'] } },
};
const sizes = (script, style) => (file) => ({ '/main.js': 1000, '/product.js': script - 1000, '/main.css': style })[file];

test('what fits its budget passes, each file counted once', () => {
  const [row] = measure(manifest, sizes(SCRIPT_BYTES_MAX, STYLE_BYTES_MAX));
  assert.deepEqual(row, { kind: 'product', script: SCRIPT_BYTES_MAX, style: STYLE_BYTES_MAX, over: [] });
});

test('one byte more does not', () => {
  assert.equal(measure(manifest, sizes(SCRIPT_BYTES_MAX + 1, 1))[0].over.length, 1);
  assert.equal(measure(manifest, sizes(1000, STYLE_BYTES_MAX + 1))[0].over.length, 1);
});
