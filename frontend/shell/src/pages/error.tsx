/* What could not be shown: what happened, what is safe, how to go on. */
import { CategoryLinks, paths, type ErrorPage as Failure, type PageDocument } from '@shopstream/shared';

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
    <div className="frame pt-6 lg:pt-10">
      <p className="figures text-5xl font-bold tracking-tighter text-line lg:text-6xl" aria-hidden="true">
        {failure.status}
      </p>
      <h1 className="mt-2 text-3xl font-bold lg:text-4xl">{title}</h1>
      <p className="mt-2 max-w-[56ch] text-lg text-soft">{detail}</p>
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
      <CategoryLinks className="mt-6 text-lg" />
      {failure.trace_id && <p className="mt-6 text-sm text-soft">If you write to us, name this: {failure.trace_id}</p>}
    </div>
  );
}
