/* Where an order goes to: the fields by which an address is told, in a grid of six columns. */
import { describedBy, Field, FieldFrame, type CheckoutPage, type Errors, type FieldProps } from '@shopstream/shared';
import { useId } from 'react';

const WIDE = 'sm:col-span-6';
const FIELDS: FieldProps[] = [
  { label: 'Full name', name: 'name', autoComplete: 'shipping name', maxLength: 200, className: WIDE },
  { label: 'Street and number', name: 'line1', autoComplete: 'shipping address-line1', maxLength: 200, className: WIDE },
  {
    label: 'Flat, floor, company',
    name: 'line2',
    autoComplete: 'shipping address-line2',
    maxLength: 200,
    required: false,
    className: WIDE,
  },
  { label: 'Postal code', name: 'postal_code', autoComplete: 'shipping postal-code', maxLength: 20, className: 'sm:col-span-2' },
  { label: 'Town or city', name: 'city', autoComplete: 'shipping address-level2', maxLength: 100, className: 'sm:col-span-4' },
];

export function AddressFields({ errors }: { errors: Errors }) {
  return FIELDS.map((field) => <Field key={field.name} {...field} error={errors[field.name]} />);
}

interface CountryProps {
  checkout: CheckoutPage;
  country: string;
  error: string | undefined;
  onChange: (country: string) => void;
}

export function Country({ checkout, country, error, onChange }: CountryProps) {
  const id = useId();
  const choices = checkout.countries.some(({ href }) => href === country)
    ? checkout.countries
    : [{ label: country, href: country }, ...checkout.countries];
  return (
    <FieldFrame id={id} label="Country" error={error} className={WIDE}>
      <select
        id={id}
        name="country"
        autoComplete="shipping country"
        className="input"
        value={country}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, error, undefined)}
        onChange={(event) => onChange(event.target.value)}
      >
        {choices.map(({ label, href }) => (
          <option key={href} value={href}>
            {label}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}
