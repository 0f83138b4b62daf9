/* A page's name, as large as the page allows, and raised beside it how many there are of what it shows. */
import type { ReactNode } from 'react';

import { formatNumber } from '../format/money';
import { plural } from '../format/plural';
import { usePage } from '../page/context';

interface CountProps {
  value: number;
  /** What is counted, for who hears the number rather than sees where it stands. */
  of: [one: string, other: string];
}

export function Count({ value, of: [one, other] }: CountProps) {
  const { site } = usePage();
  return (
    <>
      <span className="count" aria-hidden="true">
        {formatNumber(value, site.locale)}
      </span>
      <span className="sr-only"> {plural(value, one, other, site.locale)}</span>
    </>
  );
}

interface TitleProps {
  id?: string;
  count?: CountProps | undefined;
  /** The space around it. */
  className?: string;
  children: ReactNode;
}

export function Title({ id, count, className = '', children }: TitleProps) {
  return (
    <div className={`title ${className}`.trim()}>
      <h1 {...(id ? { id } : {})}>{children}</h1>
      {count && (
        <p className="title-count">
          <Count {...count} />
        </p>
      )}
    </div>
  );
}
