/* The card field: a page of the payment provider in a frame, so that no card number reaches the shop. The two speak by
 * postMessage, each only to the other's origin. */
import { Notice, type CardField as Source } from '@shopstream/shared';
import { useEffect, useImperativeHandle, useRef, useState, type Ref } from 'react';

import { CardRefused, type CardFieldHandle } from './card-handle';
import { StripeField } from './stripe-field';

const ANSWER_TIME_MS = 20_000;
const HEIGHT_MAX = 640;

interface CardMessage {
  type?: string;
  id?: string;
  height?: number;
}

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: Error) => void;
}

function addressOf(source: Source): URL {
  const url = new URL(source.url ?? '', location.href);
  url.searchParams.set('origin', location.origin);
  return url;
}

function FrameField({ source, ref }: { source: Source; ref: Ref<CardFieldHandle> }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const waiting = useRef<Waiting>(undefined);
  const [address, setAddress] = useState<URL>();
  const [ready, setReady] = useState(false);

  useEffect(() => setAddress(addressOf(source)), [source]);

  useEffect(() => {
    if (!address) return undefined;
    const settle = (message: CardMessage) => {
      if (message.type === 'payment_method' && message.id) waiting.current?.resolve(message.id);
      if (message.type === 'error') waiting.current?.reject(new CardRefused(''));
      // Enter was pressed in the field.
      if (message.type === 'submit') frame.current?.closest('form')?.requestSubmit();
    };
    const receive = (event: MessageEvent<unknown>) => {
      if (event.origin !== address.origin || event.source !== frame.current?.contentWindow) return;
      const message = (typeof event.data === 'object' && event.data !== null ? event.data : {}) as CardMessage;
      if (message.type === 'ready') setReady(true);
      if (message.type === 'resize' && frame.current && Number.isFinite(message.height))
        frame.current.style.height = `${Math.min(Math.max(message.height ?? 0, 48), HEIGHT_MAX)}px`;
      settle(message);
    };
    addEventListener('message', receive);
    return () => removeEventListener('message', receive);
  }, [address]);

  useImperativeHandle(ref, () => ({
    tokenise: () =>
      new Promise<string>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new CardRefused('The payment provider does not answer. Nothing was charged. Try again.')),
          ANSWER_TIME_MS,
        );
        const settled = <Value,>(then: (value: Value) => void) => (value: Value) => {
          clearTimeout(timer);
          waiting.current = undefined;
          then(value);
        };
        waiting.current = { resolve: settled(resolve), reject: settled(reject) };
        frame.current?.contentWindow?.postMessage({ type: 'submit' }, address?.origin ?? location.origin);
      }),
  }));

  return (
    <div className="card-place">
      {!ready && <div className="skeleton absolute inset-0" aria-hidden="true" />}
      {address ? (
        <iframe ref={frame} src={address.href} title="Card details" className="card-frame" allow="payment" />
      ) : (
        <div className="card-frame" />
      )}
    </div>
  );
}

interface CardFieldProps {
  source: Source;
  ref: Ref<CardFieldHandle>;
  error: string | undefined;
}

export function CardField({ source, ref, error }: CardFieldProps) {
  const Provided = source.kind === 'stripe' ? StripeField : FrameField;
  return (
    <div>
      <Provided source={source} ref={ref} />
      {error && (
        <div className="mt-2">
          <Notice>{error}</Notice>
        </div>
      )}
    </div>
  );
}
