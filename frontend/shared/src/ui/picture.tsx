/* A picture in every width and format that was drawn, behind it its blurred placeholder; a neutral tile where there is
 * none. */
import type { PictureSource as Source } from '../page/document';
import { Mark } from './logo';

const TYPES: Record<string, string> = { avif: 'image/avif', webp: 'image/webp', jpg: 'image/jpeg', png: 'image/png' };

interface PictureProps {
  picture?: Source | undefined;
  /** How wide it is shown, as the sizes attribute says it. */
  sizes: string;
  /** The picture that the page leads with: fetched first, never lazy. */
  lead?: boolean;
  alt?: string | undefined;
  className?: string;
}

function sourceSet(picture: Source, format: string): string {
  return picture.widths.map((width) => `${picture.src}-${width}.${format} ${width}w`).join(', ');
}

function EmptyTile({ className }: { className: string }) {
  return (
    <span className={`picture grid aspect-square place-items-center text-line ${className}`} aria-hidden="true">
      <Mark className="h-8 w-8" />
    </span>
  );
}

export function Picture({ picture, sizes, lead = false, alt, className = '' }: PictureProps) {
  const last = picture?.formats.at(-1);
  if (!picture || !last || picture.widths.length === 0) return <EmptyTile className={className} />;
  const loading = lead ? { fetchPriority: 'high' as const } : { loading: 'lazy' as const, decoding: 'async' as const };
  return (
    <span className={`picture ${className}`}>
      {picture.placeholder && <img className="picture-blur" src={picture.placeholder} alt="" aria-hidden="true" />}
      <picture>
        {picture.formats.slice(0, -1).map((format) => (
          <source key={format} type={TYPES[format]} srcSet={sourceSet(picture, format)} sizes={sizes} />
        ))}
        <img
          src={`${picture.src}-${picture.widths.at(-1)}.${last}`}
          srcSet={sourceSet(picture, last)}
          sizes={sizes}
          width={picture.width}
          height={picture.height}
          alt={alt ?? picture.alt ?? ''}
          {...loading}
        />
      </picture>
    </span>
  );
}
