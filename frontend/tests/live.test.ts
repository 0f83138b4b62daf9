/* A stream that is refused is opened anew, later each time, and what was missed meanwhile is asked for. */
import { listen } from '@shopstream/shared';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { retryDelayMs } from '../shared/src/state/live';
import { FakeEventSource } from './browser';

const onEvent = vi.fn<(event: { type: string; data: unknown }) => void | Promise<void>>();
const catchUp = vi.fn<(isStreaming: boolean) => Promise<void>>();
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  onEvent.mockReset();
  catchUp.mockReset().mockResolvedValue();
  stop = listen('product:1', ['product.updated'], { onEvent, catchUp });
});

afterEach(() => stop());

const opened = () => FakeEventSource.opened.length;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

it('a stream that opens and stays needs nothing else', async () => {
  FakeEventSource.last().open();
  FakeEventSource.last().tell('product.updated', { version: 2 });
  await pass(3_600_000);
  expect(onEvent.mock.calls).toEqual([[{ type: 'product.updated', data: { version: 2 } }]]);
  expect(catchUp).not.toHaveBeenCalled();
  expect(opened()).toBe(1);
});

it('a break that the browser mends by itself is left to it', async () => {
  const source = FakeEventSource.last();
  source.readyState = 0;
  source.onerror?.();
  await pass(60_000);
  expect(opened()).toBe(1);
});

it('one that is refused is opened anew, and what was missed is asked for once it is there', async () => {
  FakeEventSource.last().refuse();
  expect(opened()).toBe(1);
  await pass(1000);
  expect(opened()).toBe(2);
  expect(catchUp).not.toHaveBeenCalled();
  FakeEventSource.last().open();
  expect(catchUp.mock.calls).toEqual([[true]]);
  FakeEventSource.last().tell('product.updated', {});
  expect(onEvent).toHaveBeenCalledTimes(1);
});

it('while it is refused again and again, news are asked for, and not more often than every ten seconds in the end', async () => {
  FakeEventSource.last().refuse();
  for (let refusals = 0; refusals < 6; refusals++) {
    await vi.advanceTimersToNextTimerAsync();
    FakeEventSource.last().refuse();
  }
  expect(catchUp.mock.calls).toEqual(Array(6).fill([false]));
  const before = opened();
  await pass(9_999);
  expect(opened()).toBe(before);
  await pass(10_001);
  expect(opened()).toBe(before + 1);
});

it('a state that could not be had is asked for again', async () => {
  FakeEventSource.last().open();
  catchUp.mockRejectedValueOnce(new Error('down'));
  FakeEventSource.last().tell('resync', {});
  await pass(1000);
  expect(opened()).toBe(2);
  FakeEventSource.last().open();
  expect(catchUp.mock.calls).toEqual([[true], [true]]);
});

it('so is what an event told of', async () => {
  onEvent.mockRejectedValueOnce(new Error('down'));
  FakeEventSource.last().tell('product.updated', {});
  await pass(1000);
  FakeEventSource.last().open();
  expect(catchUp).toHaveBeenCalledTimes(1);
});

it('nothing is opened once nobody listens', async () => {
  let fail = (_: Error) => undefined as void;
  catchUp.mockReturnValueOnce(new Promise((_, reject) => (fail = reject)));
  FakeEventSource.last().tell('resync', {});
  FakeEventSource.last().refuse();
  stop();
  fail(new Error('gone'));
  await pass(60_000);
  expect(opened()).toBe(1);
});

it('waits twice as long each time, at most twenty seconds, and not the same for everybody', () => {
  const random = vi.spyOn(Math, 'random');
  random.mockReturnValue(1);
  expect([0, 1, 2, 3, 4, 5, 60].map(retryDelayMs)).toEqual([1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  random.mockReturnValue(0);
  expect(retryDelayMs(1)).toBe(1000);
  random.mockRestore();
});
