/* One group of radio buttons an attribute. A combination that is not made, or is sold out, says so and can still be looked
 * at: choosing it goes to the nearest that exists. */
import { capitalise, hasSwatch, Swatch, type Sku } from '@shopstream/shared';

import { standingOf, type Attribute, type Standing } from './variants';

const STANDING_CLASS: Record<Standing, string> = { available: '', 'sold-out': 'choice-off', none: 'choice-none' };
const STANDING_WORDS: Record<Standing, string> = { available: '', 'sold-out': ', sold out', none: ', not made like this' };

interface VariantChoiceProps {
  attribute: Attribute;
  skus: Sku[];
  current: Sku;
  onChoose: (name: string, value: string) => void;
}

export function VariantChoice({ attribute, skus, current, onChoose }: VariantChoiceProps) {
  const { name, values } = attribute;
  const chosen = current.attributes[name];
  return (
    <fieldset className="mt-3">
      <legend className="flex gap-1">
        <span className="font-semibold">{capitalise(name)}</span>
        <span className="text-soft">{chosen}</span>
      </legend>
      <div className="mt-1 flex flex-wrap gap-1">
        {values.map((value) => {
          const standing = standingOf(skus, current.attributes, name, value);
          return (
            <label key={value} className={`choice ${STANDING_CLASS[standing]}`}>
              <input
                type="radio"
                name={name}
                value={value}
                checked={chosen === value}
                onChange={() => onChoose(name, value)}
              />
              {hasSwatch(name, value) && <Swatch value={value} />}
              <span>
                {value}
                {standing !== 'available' && <span className="sr-only">{STANDING_WORDS[standing]}</span>}
              </span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}
