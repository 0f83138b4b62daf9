/* Any page: its frame, and inside what its kind shows. The same in the server and in the browser. */
import { PageFrame, type PageDocument } from '@shopstream/shared';
import type { ComponentType } from 'react';

export type PageComponent = ComponentType<{ page: PageDocument }>;

export function App({ page, Content }: { page: PageDocument; Content: PageComponent }) {
  return (
    <PageFrame page={page}>
      <Content page={page} />
    </PageFrame>
  );
}
