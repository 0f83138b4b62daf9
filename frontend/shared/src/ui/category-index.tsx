/* The whole shop as the index of a catalogue: its categories one after the other, each with how much is in it. It ends
 * the first page, and is where to go on from a page that has nothing to show. */
import type { CategoryTile } from '../page/document';
import { usePage, usePictures } from '../page/context';
import { paths } from '../paths';
import { Picture } from './picture';
import { Count } from './title';

function Entry({ tile: { slug, title, product_count: count, image_url: imageUrl } }: { tile: CategoryTile }) {
  const picture = usePictures(imageUrl)[0];
  return (
    <li>
      <a href={paths.category(slug)}>
        {picture && <Picture picture={picture} sizes="80px" alt="" className="index-picture" />}
        {title}
        {count !== undefined && <Count value={count} of={['product', 'products']} />}
      </a>
    </li>
  );
}

/** tiles: the categories with a picture each; else those of the site, by name alone. */
export function CategoryIndex({ tiles }: { tiles?: CategoryTile[] }) {
  const { site } = usePage();
  const shown: CategoryTile[] = tiles ?? site.categories;
  if (shown.length === 0) return null;
  return (
    <ul className="index">
      {shown.map((tile) => (
        <Entry key={tile.slug} tile={tile} />
      ))}
    </ul>
  );
}
