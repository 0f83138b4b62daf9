import { usePage } from '../page/context';
import { paths } from '../paths';

/** Where to go on from a page that has nothing to show. className: the space around, and the size. */
export function CategoryLinks({ className = '' }: { className?: string }) {
  const { site } = usePage();
  if (site.categories.length === 0) return null;
  return (
    <ul className={`flex flex-wrap gap-x-3 gap-y-1 ${className}`.trim()}>
      {site.categories.map((category) => (
        <li key={category.slug}>
          <a className="link" href={paths.category(category.slug)}>
            {category.title}
          </a>
        </li>
      ))}
    </ul>
  );
}
