/* Holds document.ts to the API's own description, by types alone: what we say of a page document must be true of the
 * schema, member by member, and name nothing that it does not have. */
import type { components } from '@shopstream/api-types';

import type { PageDocument } from './document';

type Described = components['schemas']['PagesPage'];

/** The members of ours that the description does not know, as paths. */
type Unknown<Ours, Theirs> = Ours extends readonly (infer One)[]
  ? Theirs extends readonly (infer Other)[]
    ? Unknown<One, Other>
    : 'not a list'
  : Ours extends object
    ? string extends keyof Ours
      ? never
      : {
          [Name in keyof Ours & string]: Name extends keyof Theirs
            ? Unknown<NonNullable<Ours[Name]>, NonNullable<Theirs[Name]>> extends infer Below
              ? [Below] extends [never]
                ? never
                : `${Name}.${Below & string}`
              : never
            : Name;
        }[keyof Ours & string]
    : never;

type IsNothing<Value> = [Value] extends [never] ? true : Value;

/* A name that is in the way here is the member that differs. */
export const unknown: IsNothing<Unknown<PageDocument, Described>> = true;
export const fits: PageDocument extends Described ? true : false = true;
