/* Light, dark, or as the system has it. The choice is kept, and set before anything is drawn by theme-boot.js. */
import { useEffect, useId, useState } from 'react';

const CHOICES = ['system', 'light', 'dark'] as const;
type Choice = (typeof CHOICES)[number];
const KEY = 'theme';

function readChoice(): Choice {
  const kept = localStorage.getItem(KEY);
  return CHOICES.find((choice) => choice === kept) ?? 'system';
}

function apply(choice: Choice): void {
  if (choice === 'system') {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset['theme'];
  } else {
    localStorage.setItem(KEY, choice);
    document.documentElement.dataset['theme'] = choice;
  }
}

export function ThemeSwitch() {
  const name = useId();
  const [choice, setChoice] = useState<Choice>();
  useEffect(() => {
    const kept = readChoice();
    apply(kept); // Where the page was drawn in the browser alone, the script of before did not run.
    setChoice(kept);
  }, []);
  return (
    <fieldset className="segments text-sm" disabled={choice === undefined}>
      <legend className="sr-only">Colours</legend>
      {CHOICES.map((value) => (
        <label key={value} className="capitalize">
          <input
            type="radio"
            name={name}
            value={value}
            checked={choice === value}
            onChange={() => {
              apply(value);
              setChoice(value);
            }}
          />
          {value}
        </label>
      ))}
    </fieldset>
  );
}
