/* Events as they happen, over one server-sent stream. The browser resumes a broken stream by itself with the last id. */

export interface LiveEvent {
  type: string;
  data: unknown;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export interface Live {
  onEvent: (event: LiveEvent) => void;
  /** The stream is broken and the browser has given up. */
  onLost?: () => void;
}

/** Listens on the channels for the named types; returns how to stop. */
export function listen(channels: string[], types: string[], live: Live): () => void {
  if (typeof EventSource === 'undefined') {
    live.onLost?.();
    return () => undefined;
  }
  const query = new URLSearchParams({ channels: channels.join(',') });
  const source = new EventSource(`/api/realtime/v1/events?${query.toString()}`);
  const receive = (event: MessageEvent<string>) => live.onEvent({ type: event.type, data: parse(event.data) });
  for (const type of types) source.addEventListener(type, receive);
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) live.onLost?.();
  };
  return () => source.close();
}
