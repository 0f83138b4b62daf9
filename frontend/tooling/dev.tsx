/* A workspace that runs alone: shows the fixture that the address names, with the frame around it. */
import '../shell/src/main.css';

import type { PageDocument } from '@shopstream/shared';
import { createRoot } from 'react-dom/client';

import { App } from '../shell/src/app';
import { Boundary } from '../shell/src/boundary';
import { loaders } from '../shell/src/kinds';

/* The kinds of the workspace's own pages: the build says them. */
declare const KINDS: string[];

async function readFixture(name: string): Promise<PageDocument> {
  const { default: page } = (await import(`../fixtures/${name}.json`)) as { default: PageDocument };
  return page;
}

async function show(): Promise<void> {
  const name = location.pathname.slice(1) || KINDS[0] || 'home';
  const page = await readFixture(name);
  const load = loaders[page.kind];
  if (!load || !KINDS.includes(page.kind)) throw new Error(`${name} is a page of another workspace`);
  const { default: Content } = await load();
  createRoot(document.body.appendChild(document.createElement('div'))).render(
    <Boundary>
      <App page={page} Content={Content} />
    </Boundary>,
  );
}

void show();
