/* One way out to the shop's API: carries the CSRF token, renews the session once when it has run out. Where it cannot be
 * renewed the visitor is a guest from then on: the shop has taken the cookies back, and the request is sent as a guest's. */

const UNSAFE = /^(POST|PUT|PATCH|DELETE)$/;

export function readCookie(name: string): string | undefined {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

async function csrfToken(): Promise<string> {
  const known = readCookie('csrf');
  if (known) return known;
  // The first write of a visitor: asking who it is sets the cookie.
  await fetch('/visitor', { headers: { accept: 'application/json' } });
  return readCookie('csrf') ?? '';
}

async function prepare(request: Request): Promise<Request> {
  const prepared = new Request(request);
  if (UNSAFE.test(request.method)) prepared.headers.set('X-CSRF-Token', await csrfToken());
  return prepared;
}

/** What came of a renewal: "ended" says that there is no session any more, "failed" that nobody knows. */
type Renewal = 'renewed' | 'ended' | 'failed';

let renewal: Promise<Renewal> | undefined;
let onSessionEnd = () => undefined as void;

/** Who is told that the visitor, who was signed in, is a guest now. */
export function whenSessionEnds(listener: () => void): void {
  onSessionEnd = listener;
}

async function renew(): Promise<Renewal> {
  const url = new URL('/session/refresh', location.href);
  const response = await fetch(await prepare(new Request(url, { method: 'POST' })));
  if (response.ok) return 'renewed';
  if (response.status !== 401) return 'failed';
  onSessionEnd();
  return 'ended';
}

/* A refresh token is good once. Tabs take turns, and who comes second finds the session renewed already. */
async function renewInTurn(): Promise<Renewal> {
  if (!('locks' in navigator)) return renew();
  const before = Date.now();
  return navigator.locks.request('shopstream-session', async () => {
    const last = Number(localStorage.getItem('session-renewed') ?? 0);
    if (last >= before) return 'renewed';
    const renewed = await renew();
    if (renewed === 'renewed') localStorage.setItem('session-renewed', String(Date.now()));
    return renewed;
  });
}

async function codeOf(response: Response): Promise<string> {
  try {
    const body = (await response.clone().json()) as { code?: string };
    return body.code ?? '';
  } catch {
    return '';
  }
}

async function mendable(response: Response): Promise<boolean> {
  const code = await codeOf(response);
  if (response.status === 403 && code === 'csrf') {
    await fetch('/visitor', { headers: { accept: 'application/json' } });
    return true;
  }
  if (response.status !== 401 || !code.startsWith('token_')) return false;
  renewal ??= renewInTurn().finally(() => {
    renewal = undefined;
  });
  return (await renewal) !== 'failed';
}

export async function send(request: Request): Promise<Response> {
  const spare = request.clone();
  const response = await fetch(await prepare(request));
  if (response.status !== 401 && response.status !== 403) return response;
  return (await mendable(response)) ? fetch(await prepare(spare)) : response;
}
