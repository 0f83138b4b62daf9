/* The whole shop as the index of a catalogue: its categories one after the other, each with how much is in it. It ends
 * the first page, and is where to go on from a page that has nothing to show. */
import type { CategoryTile, PictureSource } from '../page/document';
import { usePage } from '../page/context';
import { KeptItem } from '../page/kept';
import { paths } from '../paths';
import { Picture } from './picture';
import { CountIn } from './title';

interface EntryProps {
  tile: CategoryTile;
  picture: PictureSource | undefined;
  locale: string;
}

function Entry({ tile: { slug, title, product_count: count }, picture, locale }: EntryProps) {
  return (
    <a href={paths.category(slug)}>
      {picture && <Picture picture={picture} sizes="80px" alt="" className="index-picture" />}
      {title}
      {count !== undefined && <CountIn value={count} of={['product', 'products']} locale={locale} />}
    </a>
  );
}

/** tiles: the categories with a picture each; else those of the site, by name alone. */
export function CategoryIndex({ tiles }: { tiles?: CategoryTile[] }) {
  const { site, galleries } = usePage();
  const shown: CategoryTile[] = tiles ?? site.categories;
  if (shown.length === 0) return null;
  return (
    <ul className="index">
      {shown.map((tile) => {
        const props = { tile, picture: galleries[tile.image_url ?? '']?.pictures[0], locale: site.locale };
        return <KeptItem key={tile.slug} name="entry" of={Entry} props={props} />;
      })}
    </ul>
  );
}
