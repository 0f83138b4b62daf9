/* Typed calls to the services, by the shop's own OpenAPI description. */
import type { paths } from '@shopstream/api-types';
import createClient from 'openapi-fetch';

import { problemOf, RequestFailed } from './problem';
import { send } from './transport';

const client = createClient<paths>({
  baseUrl: typeof location === 'undefined' ? '' : location.origin,
  fetch: (request: Request) => send(request),
});

export const api = client;

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The answer's body, or RequestFailed with the problem that the API told. */
export async function unwrap<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new RequestFailed(problemOf(response.status, error));
  return data as Data;
}

/** For the few addresses beside the services' API: sessions of a browser, and who the visitor is. */
export async function call<Data>(method: string, path: string, body?: object): Promise<Data> {
  const init: RequestInit = { method, headers: { accept: 'application/json' } };
  if (body) {
    init.body = JSON.stringify(body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const response = await send(new Request(new URL(path, location.href), init));
  const text = await response.text();
  const parsed: unknown = text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : undefined;
  if (!response.ok) throw new RequestFailed(problemOf(response.status, parsed));
  return parsed as Data;
}

export function newKey(): string {
  return crypto.randomUUID();
}
