/* The card field where the provider is Stripe itself: its script, from its own address, mounts the field in a frame of its
 * own. Only what this page asks of it is described here. */
import type { CardField as Source } from '@shopstream/shared';
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';

import { CardRefused, type CardFieldHandle } from './card-handle';

const SCRIPT = 'https://js.stripe.com/v3/';

interface CardElement {
  mount(place: HTMLElement): void;
  destroy(): void;
}

interface Stripe {
  elements(): { create(type: 'card', options: object): CardElement };
  createPaymentMethod(options: { type: 'card'; card: CardElement }): Promise<{
    paymentMethod?: { id: string };
    error?: { message?: string };
  }>;
}

declare global {
  interface Window {
    Stripe?: (publishableKey: string) => Stripe;
  }
}

function loadScript(): Promise<void> {
  if (window.Stripe) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = SCRIPT;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error('not loaded'));
    document.head.append(script);
  });
}

/* Stripe's field takes no CSS, only values: those of this page's own text. */
function looks(place: HTMLElement): object {
  const { color, fontSize } = getComputedStyle(place);
  return { style: { base: { color, fontSize } }, hidePostalCode: true };
}

const UNREACHABLE = 'The payment provider cannot be reached. Nothing was charged. Load the page again.';

export function StripeField({ source, ref }: { source: Source; ref: Ref<CardFieldHandle> }) {
  const place = useRef<HTMLDivElement>(null);
  const open = useRef<{ stripe: Stripe; card: CardElement }>(undefined);
  const [problem, setProblem] = useState('');
  const key = source.publishable_key ?? '';

  useEffect(() => {
    let gone = false;
    const mount = () => {
      const stripe = window.Stripe?.(key);
      if (gone || !stripe || !place.current) return;
      const card = stripe.elements().create('card', looks(place.current));
      card.mount(place.current);
      open.current = { stripe, card };
    };
    loadScript().then(mount, () => setProblem(UNREACHABLE));
    return () => {
      gone = true;
      open.current?.card.destroy();
    };
  }, [key]);

  useImperativeHandle(ref, () => ({
    tokenise: async () => {
      if (!open.current) throw new CardRefused(UNREACHABLE);
      const { stripe, card } = open.current;
      const { paymentMethod, error } = await stripe.createPaymentMethod({ type: 'card', card });
      if (!paymentMethod) throw new CardRefused(error?.message ?? 'The card was not accepted.');
      return paymentMethod.id;
    },
  }));

  return (
    <>
      <div ref={place} className="input" />
      {problem && (
        <p role="alert" className="mt-0.5 text-sm text-bad">
          {problem}
        </p>
      )}
    </>
  );
}
