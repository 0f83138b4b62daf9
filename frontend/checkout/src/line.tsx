/* A line of a cart or an order: picture where there is one, what it is, how many, what it costs. */
import { Picture, Price, usePictures, type Money } from '@shopstream/shared';
import type { ReactNode } from 'react';

interface LineProps {
  title: string;
  href?: string | undefined;
  imageUrl?: string | undefined;
  attributes?: Record<string, string> | undefined;
  total: Money | undefined;
  note?: string | undefined;
  /** What stands in the way of buying it. */
  warning?: string | undefined;
  size?: 'small' | 'large';
  children?: ReactNode;
}

const SIZES = {
  small: { grid: 'grid-cols-[64px_1fr] gap-2', width: '64px' },
  large: { grid: 'grid-cols-[96px_1fr] gap-2 sm:grid-cols-[144px_1fr] sm:gap-3', width: '144px' },
};

/** Of a line whose article is gone from the shop. */
export const GONE = 'Something that is no longer for sale';

export function Line({ title, href, imageUrl, attributes, total, note, warning, size = 'small', children }: LineProps) {
  const picture = usePictures(imageUrl)[0];
  const { grid, width } = SIZES[size];
  const words = Object.values(attributes ?? {}).join(', ');
  return (
    <div className={`grid ${picture ? grid : ''}`}>
      {picture && (
        <a href={href} tabIndex={-1} aria-hidden="true">
          <Picture picture={picture} sizes={width} alt="" />
        </a>
      )}
      <div className="flex min-w-0 flex-col">
        <div className="flex justify-between gap-2">
          <p className={size === 'large' ? 'font-semibold' : ''}>
            {href ? (
              <a className="hover:underline" href={href}>
                {title}
              </a>
            ) : (
              title
            )}
          </p>
          <p>
            <Price money={total} />
          </p>
        </div>
        {words && <p className="text-sm text-soft">{words}</p>}
        {warning && <p className="text-sm text-bad">{warning}</p>}
        {note && <p className="text-sm text-soft">{note}</p>}
        {children}
      </div>
    </div>
  );
}

/** Sum, delivery, total: one under the other. */
export function Sums({ rows }: { rows: { label: string; money: Money | undefined; words?: string; strong?: boolean }[] }) {
  return (
    <dl className="border-t border-line pt-2">
      {rows.map(({ label, money, words, strong }) => (
        <div key={label} className={`flex items-baseline justify-between py-0.5 ${strong ? 'mt-1 text-lg font-semibold' : ''}`}>
          <dt>{label}</dt>
          <dd>{money ? <Price money={money} /> : <span className="text-soft">{words}</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
