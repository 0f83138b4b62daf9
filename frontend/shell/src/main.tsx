/* The browser's side: reads the page document, fetches what its kind needs, takes over the server's HTML. */
import './main.css';

import type { PageDocument } from '@shopstream/shared';
import { createRoot, hydrateRoot } from 'react-dom/client';

import { App } from './app';
import { Boundary } from './boundary';
import { loaders } from './kinds';

async function start(): Promise<void> {
  const root = document.getElementById('root');
  const text = document.getElementById('page')?.textContent;
  if (!root || !text) return;
  const page = JSON.parse(text) as PageDocument;
  const load = loaders[page.kind];
  if (!load) return;
  const { default: Content } = await load();
  const tree = (
    <Boundary>
      <App page={page} Content={Content} />
    </Boundary>
  );
  // Without the server's HTML (its renderer failed) the page is drawn here from the start.
  if (root.hasChildNodes()) hydrateRoot(root, tree);
  else createRoot(root).render(tree);
  document.documentElement.dataset['ready'] = page.kind;
}

/* What the server rendered stays and can be read; what needs script does not work, and a reader is told so. */
function explainFailure(error: unknown): void {
  console.error(error);
  const notice = document.createElement('p');
  notice.setAttribute('role', 'alert');
  notice.className = 'bg-bad-wash px-2 py-1 text-center text-bad';
  notice.textContent = 'Part of this page did not arrive. You can read it; to order, load it again in a moment.';
  document.body.prepend(notice);
}

start().catch(explainFailure);
