/* Events as they happen, over one server-sent stream. A stream that breaks is resumed by the browser itself, with the last
 * id; one that is refused (any answer but 200) is given up by it, and opened anew here until it is there again. */

export interface LiveEvent {
  type: string;
  data: unknown;
}

export interface Live {
  onEvent: (event: LiveEvent) => void | Promise<void>;
  /** More was missed than the stream can tell again, or there is none: asks for the state as it is. */
  catchUp: (isStreaming: boolean) => Promise<void>;
}

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 20_000;

/** Twice as long after each failure in a row, and not the same for all who were cut off at once. */
export function retryDelayMs(failures: number): number {
  return Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Listens on the channel for the named types; returns how to stop. Where an event or a state could not be had, the stream
 * is opened anew. What is behind already catches up once the first stream is there. */
export function listen(channel: string, types: string[], { onEvent, catchUp }: Live, isBehind = false): () => void {
  const url = `/api/realtime/v1/events?${new URLSearchParams({ channels: channel }).toString()}`;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let stopped = false;

  const reopenLater = () => {
    if (stopped) return;
    source.close();
    clearTimeout(timer);
    timer = setTimeout(() => (source = open(true)), retryDelayMs(failures++));
  };
  const missed = () => catchUp(true).then(() => void (failures = 0), reopenLater);
  const receive = async (event: MessageEvent<string>) => {
    try {
      await onEvent({ type: event.type, data: parse(event.data) });
    } catch {
      reopenLater();
    }
  };
  const open = (isLate: boolean): EventSource => {
    const opened = new EventSource(url);
    for (const type of types) opened.addEventListener(type, (event: MessageEvent<string>) => void receive(event));
    opened.addEventListener('resync', () => void missed());
    opened.onopen = () => {
      if (isLate) void missed();
      isLate = false;
    };
    opened.onerror = () => {
      if (opened.readyState !== EventSource.CLOSED) return;
      // Refused again: whoever waits for news hears of them once in a while at least.
      if (isLate) catchUp(false).catch(() => undefined);
      reopenLater();
    };
    return opened;
  };

  let source = open(isBehind);
  return () => {
    stopped = true;
    clearTimeout(timer);
    source.close();
  };
}
