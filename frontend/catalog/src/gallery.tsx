/* A product's pictures: one after the other to be swept through on a phone, all of them at once on a desk. No script. */
import { Picture, usePictures } from '@shopstream/shared';

export function Gallery({ imageUrl, title }: { imageUrl: string | undefined; title: string }) {
  const pictures = usePictures(imageUrl);
  const [first, ...others] = pictures;
  return (
    <div
      className="shelf -mx-[clamp(16px,4vw,56px)] lg:mx-0 lg:grid lg:auto-cols-auto lg:grid-flow-row lg:grid-cols-2 lg:gap-2 lg:overflow-visible"
      role="group"
      aria-label={`Pictures of ${title}`}
      {...(others.length > 0 ? { tabIndex: 0 } : {})}
    >
      <div className="lg:col-span-2">
        <Picture picture={first} sizes="(min-width: 64rem) 56vw, 100vw" lead alt={first?.alt ?? title} />
      </div>
      {others.map((picture, index) => (
        <div key={picture.src} className={others.length % 2 === 1 && index === others.length - 1 ? 'lg:col-span-2' : ''}>
          <Picture picture={picture} sizes="(min-width: 64rem) 28vw, 100vw" alt={picture.alt ?? title} />
        </div>
      ))}
    </div>
  );
}
