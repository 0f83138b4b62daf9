/* What jsdom lacks of a browser, and a server for the pages' calls. */
import { afterEach, beforeEach, vi } from 'vitest';

import { answers, FakeEventSource, leave } from './browser';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

beforeEach(() => {
  answers.reset();
  vi.stubGlobal('fetch', (request: Request | string, init?: RequestInit) => answers.fetch(request, init));
  vi.stubGlobal('EventSource', FakeEventSource);
  HTMLDialogElement.prototype.showModal = function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function close() {
    this.open = false;
    this.dispatchEvent(new Event('close'));
  };
  document.cookie = 'csrf=token-of-the-test';
  sessionStorage.clear();
  localStorage.clear();
  history.replaceState(null, '', '/');
});

afterEach(() => {
  leave();
  FakeEventSource.opened.length = 0;
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});
