import { Field, type Errors } from '@shopstream/shared';
import { useState } from 'react';

export function EmailField({ errors, initial = '' }: { errors: Errors; initial?: string }) {
  return (
    <Field
      label="E-mail"
      name="email"
      type="email"
      autoComplete="username"
      inputMode="email"
      maxLength={254}
      defaultValue={initial}
      error={errors['email']}
    />
  );
}

interface PasswordFieldProps {
  errors: Errors;
  label?: string;
  name?: string;
  /** One that is being chosen, rather than known. */
  fresh?: boolean;
}

export function PasswordField({ errors, label = 'Password', name = 'password', fresh = false }: PasswordFieldProps) {
  const [shown, setShown] = useState(false);
  return (
    <div className="relative">
      <Field
        label={label}
        name={name}
        type={shown ? 'text' : 'password'}
        autoComplete={fresh ? 'new-password' : 'current-password'}
        maxLength={128}
        error={errors[name]}
        {...(fresh ? { minLength: 8, hint: 'At least 8 characters. A sentence is better than a word.' } : {})}
      />
      <button
        type="button"
        className="link absolute top-0 right-0 text-sm"
        aria-pressed={shown}
        onClick={() => setShown(!shown)}
      >
        {shown ? 'Hide' : 'Show'}
        <span className="sr-only"> {label.toLowerCase()}</span>
      </button>
    </div>
  );
}

export function CodeField({ errors }: { errors: Errors }) {
  return (
    <Field
      label="Code"
      name="code"
      autoComplete="one-time-code"
      inputMode="numeric"
      minLength={6}
      maxLength={6}
      error={errors['code']}
      hint="Six digits, from the mail that we have just sent. They hold for ten minutes."
    />
  );
}
