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

export function CountIn({ value, of: [one, other], locale }: CountProps & { locale: string }) {
  return (
    <>
      <span className="count" aria-hidden="true">
        {formatNumber(value, locale)}
      </span>
      <span className="sr-only"> {plural(value, one, other, locale)}</span>
    </>
  );
}

export function Count(props: CountProps) {
  return <CountIn {...props} locale={usePage().site.locale} />;
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
