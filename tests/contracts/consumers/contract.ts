/* A contract's making: the pages' own client asks, a server of Pact answers as the contract says, and what was asked and
 * answered goes into a file of the consumer and the provider. */
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { MatchersV3 as match, PactV4 } from '@pact-foundation/pact';
import { listen } from '@shopstream/shared';
import { expect, vi } from 'vitest';

export { match };

export const CSRF = 'b1946ac92492d2347c6235b4d2611184';
const folder = process.env['CONTRACTS_FOLDER'] ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '../pacts');

export function contract(consumer: string, provider: string): PactV4 {
  return new PactV4({ consumer, provider, dir: folder, logLevel: 'warn' });
}

/* On a connection of its own: each contract has a server of its own, and the next one may get the port of the last, to
 * which a connection that was kept leads no more. */
function send(url: URL, { method, headers }: Request, body: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const asked = http.request(url, { method, headers: Object.fromEntries(headers), agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        const type = { 'content-type': answer.headers['content-type'] ?? '' };
        resolve(new Response(chunks.length > 0 ? Buffer.concat(chunks) : null, { status, headers: type }));
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/* As much of a browser's EventSource as shows whether a stream is there. */
class Stream extends EventTarget {
  static readonly CLOSED = 2;
  readyState = 0;
  onopen?: () => void;
  onerror?: () => void;

  constructor(url: string) {
    super();
    void this.connect(url);
  }

  async connect(url: string): Promise<void> {
    const response = await fetch(url, { headers: { accept: 'text/event-stream' } });
    const isStream = response.status === 200 && response.headers.get('content-type')?.startsWith('text/event-stream');
    this.readyState = isStream ? 1 : Stream.CLOSED;
    (isStream ? this.onopen : this.onerror)?.();
  }

  close(): void {
    this.readyState = Stream.CLOSED;
  }
}

/** What the contract is not about, by its method and path: how it is answered here. */
type Others = Record<string, () => Response>;

/** Has the pages' calls go to the contract's server, as a browser's that has been on a page of the shop before. */
export async function asBrowser<Data>(server: { url: string }, work: () => Promise<Data>, others: Others = {}): Promise<Data> {
  document.cookie = `csrf=${CSRF}`;
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(input, location.href), init);
    const { pathname, search } = new URL(request.url);
    const other = others[`${request.method} ${pathname}`];
    return other ? other() : send(new URL(pathname + search, server.url), request, await request.text());
  });
  vi.stubGlobal('EventSource', Stream);
  try {
    return await work();
  } finally {
    vi.unstubAllGlobals();
  }
}

/* -- What several contracts say ------------------------------------------------------------------------------------ */

/** A stream of events has no end, so the contract is on what it is asked by and how it begins. */
export function streamContract(consumer: string, state: string, channel: string, id: string) {
  return contract(consumer, 'realtime-service')
    .addInteraction()
    .given(state)
    .uponReceiving(`the wish to follow ${channel}`)
    .withRequest('GET', '/api/realtime/v1/events', (request) =>
      request
        .query({ channels: match.fromProviderState(`${channel}:\${${id}}`, `${channel}:${UUID}`) })
        .headers({ Accept: 'text/event-stream' }),
    )
    .willRespondWith(200, (response) =>
      response.headers({ 'Content-Type': match.regex('^text/event-stream.*$', 'text/event-stream') }))
    .executeTest((server) =>
      asBrowser(server, async () => {
        let stop = () => undefined as void;
        const open = (isOpen: (isStreaming: boolean) => void) => {
          stop = listen(`${channel}:${UUID}`, [], { onEvent: () => undefined, catchUp: async (is) => isOpen(is) }, true);
        };
        expect(await new Promise(open)).toBe(true);
        stop();
      }),
    );
}

export const JSON_TYPE = match.regex('^application/json.*$', 'application/json');
export const PROBLEM_TYPE = 'application/problem+json';
export const UUID = '01948a3c-5f80-7112-b670-b0e38b63a292';

export const id = () => match.uuid(UUID);
export const money = () => ({ amount: match.integer(1000), currency: match.regex('^[A-Z]{3}$', 'EUR') });
export const writing = () => ({ 'X-CSRF-Token': match.regex('^[\\w-]+$', CSRF) });
export const sending = () => ({ ...writing(), 'Content-Type': match.regex('^application/json.*$', 'application/json') });
export const once = () => ({ 'Idempotency-Key': match.uuid(UUID) });

/** What a page shows of a refusal (RFC 9457). */
export const problem = (status: number, code: string, pointer?: string) => ({
  status,
  code,
  detail: match.string('A sentence.'),
  trace_id: match.string('b6ad6d4f5a7f4d2e9f3c1d2b3a4c5d6e'),
  ...(pointer ? { errors: match.eachLike({ pointer, detail: match.string('A sentence.') }) } : {}),
});

export const product = () => ({
  id: id(),
  slug: match.string('alder-kettle'),
  title: match.string('Alder Kettle'),
  image_url: match.string('/pictures/alder-kettle'),
  price: money(),
  version: match.integer(1),
  skus: match.eachLike({
    id: id(),
    attributes: { size: match.string('small') },
    price: money(),
    available: match.integer(5),
  }),
});

export const cart = () => ({
  id: match.string('795f1017c250b3f9b75e5608775f011d'),
  version: match.integer(1),
  total: money(),
  items: match.eachLike({
    id: id(),
    sku_id: id(),
    title: match.string('Alder Kettle'),
    quantity: match.integer(1),
    price: money(),
    line_total: money(),
    attributes: { size: match.string('small') },
    product_slug: match.string('alder-kettle'),
    image_url: match.string(''),
    available: match.integer(5),
  }),
});

export const order = (status: string) => ({
  id: id(),
  status,
  version: match.integer(1),
  total: money(),
  email: match.string('ann@example.com'),
  created_at: match.regex('^\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z$', '2026-11-29T21:39:04.249Z'),
  lines: match.eachLike({
    sku_id: id(),
    title: match.string('Alder Kettle'),
    quantity: match.integer(1),
    price: money(),
    line_total: money(),
  }),
  shipping: { method: match.string('standard'), title: match.string('Standard delivery'), price: money() },
  payment: { id: id(), status: match.string('captured') },
});
