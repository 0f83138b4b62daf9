/* A form's field with its label, what helps and what is wrong: the error stands next to it and is read with it. */
import { useId, type InputHTMLAttributes, type ReactNode } from 'react';

export interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, 'className'> {
  label: string;
  name: string;
  error?: string | undefined;
  hint?: string | undefined;
  /** Where the field stands in its form's grid. */
  className?: string;
}

export function FieldFrame({
  id,
  label,
  error,
  hint,
  className = '',
  optional = false,
  children,
}: {
  id: string;
  label: string;
  error?: string | undefined;
  hint?: string | undefined;
  className?: string;
  optional?: boolean;
  children: ReactNode;
}) {
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-0.5 flex justify-between text-sm font-semibold">
        {label}
        {optional && <span className="font-normal text-soft">optional</span>}
      </label>
      {children}
      {hint && !error && (
        <p id={`${id}-hint`} className="mt-0.5 text-sm text-soft">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="mt-0.5 text-sm text-bad">
          {error}
        </p>
      )}
    </div>
  );
}

export function describedBy(id: string, error: string | undefined, hint: string | undefined): string | undefined {
  if (error) return `${id}-error`;
  return hint ? `${id}-hint` : undefined;
}

export function Field({ label, error, hint, className, required = true, ...input }: FieldProps) {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} error={error} hint={hint} optional={!required} {...(className ? { className } : {})}>
      <input
        {...input}
        id={id}
        className="input"
        required={required}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, error, hint)}
      />
    </FieldFrame>
  );
}

/** What went wrong with the whole form, or what to know; it takes the focus of readers as it appears. */
export function Notice({ tone = 'bad', children }: { tone?: 'bad' | 'plain'; children: ReactNode }) {
  const colours = tone === 'bad' ? 'border-bad bg-bad-wash' : 'border-accent bg-wash';
  return (
    <div role={tone === 'bad' ? 'alert' : 'status'} className={`border-l-2 px-2 py-1.5 ${colours}`}>
      {children}
    </div>
  );
}

export function Submit({ working, children }: { working: boolean; children: ReactNode }) {
  return (
    <button type="submit" className="button w-full" aria-busy={working} aria-disabled={working}>
      {children}
    </button>
  );
}
