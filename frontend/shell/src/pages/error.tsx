/* What could not be shown: what happened, what is safe, how to go on. */
import { CategoryIndex, paths, Title, type ErrorPage as Failure, type PageDocument } from '@shopstream/shared';

interface Words {
  title: string;
  detail: string;
}

function wordsOf({ status, title, detail }: Failure): Words {
  if (status === 404)
    return {
      title: 'There is nothing here',
      detail: 'The page may have moved, or the product is no longer for sale. Everything that is, is below.',
    };
  if (status === 401 || status === 403)
    return { title: 'This is somebody’s own', detail: detail ?? 'Sign in to see it.' };
  if (status === 429)
    return { title: 'That was a lot at once', detail: 'Wait a minute, then load the page again.' };
  if (status >= 500)
    return {
      title: 'Something broke on our side',
      detail: 'Your cart and your orders are safe, and nothing was charged by this. Load the page again in a moment.',
    };
  return { title: title ?? 'This did not work', detail: detail ?? 'Go back and try again.' };
}

export default function ErrorPage({ page }: { page: PageDocument }) {
  const failure = page.error ?? { status: 404 };
  const { title, detail } = wordsOf(failure);
  return (
    <div className="frame pt-4 lg:pt-6">
      <Title>
        {title}
        <span className="count" aria-hidden="true">
          {failure.status}
        </span>
      </Title>
      <p className="mt-3 max-w-[56ch] text-lg text-soft">{detail}</p>
      <p className="mt-4 flex flex-wrap gap-1">
        {failure.status >= 500 ? (
          <a className="button" href={page.path}>
            Load the page again
          </a>
        ) : (
          <a className="button" href={paths.home}>
            To the first page
          </a>
        )}
        {failure.status === 401 && (
          <a className="button button-quiet" href={`${paths.login}?return_to=${encodeURIComponent(page.path)}`}>
            Sign in
          </a>
        )}
      </p>
      {failure.trace_id && <p className="mt-2 text-sm break-all text-soft">If you write to us, name this: {failure.trace_id}</p>}
      <h2 className="mt-8 mb-2 text-2xl">The whole shop</h2>
      <CategoryIndex />
    </div>
  );
}
