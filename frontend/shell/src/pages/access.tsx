import type { PageDocument } from '@shopstream/shared';

export default function AccessPage({ page }: { page: PageDocument }) {
  return <h1 className="frame text-3xl">{page.meta?.title}</h1>;
}
