/* A form that is sent once at a time and shows what is wrong next to each field. */
import { useRef, useState, type FormEvent } from 'react';

import { problemFrom, record, type Problem } from './problem';

export type Values = Record<string, string>;
export type Errors = Record<string, string>;

export function valuesOf(form: HTMLFormElement): Values {
  const values = record();
  for (const [name, value] of new FormData(form)) if (typeof value === 'string') values[name] = value;
  return values;
}

interface Constrained {
  name: string;
  validity: ValidityState;
  validationMessage: string;
  type: string;
  minLength?: number;
}

function isConstrained(element: Element): element is Element & Constrained {
  return 'validity' in element && 'name' in element && element.name !== '';
}

function messageOf({ validity, type, minLength, validationMessage }: Constrained): string {
  if (validity.valueMissing) return 'Please fill this in.';
  if (validity.typeMismatch && type === 'email') return 'This does not look like an e-mail address: name@example.com';
  if (validity.tooShort) return `At least ${minLength ?? 8} characters, please.`;
  return validationMessage;
}

/** What the browser itself knows to be wrong, in our words. */
export function checkForm(form: HTMLFormElement): Errors {
  const errors = record();
  for (const element of form.elements)
    if (isConstrained(element) && !element.validity.valid) errors[element.name] = messageOf(element);
  return errors;
}

export function focusFirst(form: HTMLFormElement, errors: Errors): void {
  for (const element of form.elements) {
    if (!(element instanceof HTMLElement) || !isConstrained(element) || !errors[element.name]) continue;
    element.focus();
    return;
  }
}

/** "/shipping_address/city" belongs to the field "city": the last word of the pointer. */
export function fieldErrors(problem: Problem): Errors {
  const errors = record();
  for (const [pointer, detail] of Object.entries(problem.fields))
    errors[pointer.split('/').at(-1) ?? pointer] = detail;
  return errors;
}

interface FormState {
  errors: Errors;
  /** Of the form as a whole; empty where each error has its field. */
  problem: Problem | undefined;
  working: boolean;
}

const IDLE: FormState = { errors: {}, problem: undefined, working: false };

export function useForm(submit: (values: Values) => Promise<void>) {
  const busy = useRef(false);
  const [state, setState] = useState<FormState>(IDLE);
  const fail = (form: HTMLFormElement, errors: Errors, problem?: Problem) => {
    const placed = Object.keys(errors).some((name) => form.elements.namedItem(name) !== null);
    setState({ errors, problem: placed ? undefined : problem, working: false });
    focusFirst(form, errors);
  };
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (busy.current) return;
    const errors = checkForm(form);
    if (Object.keys(errors).length > 0) {
      fail(form, errors);
      return;
    }
    busy.current = true;
    setState({ ...IDLE, working: true });
    submit(valuesOf(form))
      .then(() => setState(IDLE))
      .catch((error: unknown) => {
        const problem = problemFrom(error);
        fail(form, fieldErrors(problem), problem);
      })
      .finally(() => {
        busy.current = false;
      });
  };
  return { ...state, onSubmit };
}
