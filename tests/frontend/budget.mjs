// What the first load of each kind of page fetches, against its budget: budget.mjs FOLDER
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const SCRIPT_BYTES_MAX = 130_000;
export const STYLE_BYTES_MAX = 30_000;

/** The bytes of a kind's scripts and styles, as brotli sends them, and what is over its budget. */
export function measure(manifest, sizeOf) {
  const sum = (files) => files.reduce((bytes, file) => bytes + sizeOf(file), 0);
  const { scripts, styles } = manifest.apps.shell;
  return Object.entries(manifest.kinds).map(([kind, { preloads }]) => {
    const more = preloads.filter((file) => file.endsWith('.js') && !scripts.includes(file));
    const bytes = { script: sum([...scripts, ...more]), style: sum(styles) };
    const over = [];
    if (bytes.script > SCRIPT_BYTES_MAX) over.push(`${kind}: ${bytes.script} bytes of script, at most ${SCRIPT_BYTES_MAX}`);
    if (bytes.style > STYLE_BYTES_MAX) over.push(`${kind}: ${bytes.style} bytes of style, at most ${STYLE_BYTES_MAX}`);
    return { kind, ...bytes, over };
  });
}

function main(folder) {
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'manifest.json'), 'utf8'));
  const rows = measure(manifest, (file) => fs.statSync(path.join(folder, `${file}.br`)).size);
  for (const { kind, script, style } of rows) console.log(`${kind}: ${script} bytes of script, ${style} of style (brotli)`);
  const over = rows.flatMap((row) => row.over);
  for (const line of over) console.error(line);
  process.exitCode = over.length > 0 || rows.length === 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);
