/** A tunnel whose relay misbehaves before the grant; the ordinary ways are tested end to end. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeCipher } from '../../client/node/cipher.ts';
import type { Dial, DialEvents } from '../../client/runtime.ts';
import { Tunnel } from '../../client/tunnel.ts';
import { PuenteError } from '../../protocol/errors.ts';
import { OPEN_TIMEOUT } from '../../protocol/limits.ts';
import { formatLink } from '../../protocol/permits/link.ts';

const link = formatLink({
  url: 'https://relay.invalid/',
  key: nodeCipher.publicKey(new Uint8Array(32)) as Uint8Array<ArrayBuffer>,
});

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A tunnel over a dialer that does what `act` says, and how it ended. */
function tunnelOver(act: (events: DialEvents) => void) {
  const dialled = { times: 0, closed: 0, hellos: [] as string[][] };
  const dial: Dial = (_, protocols, events) => {
    dialled.times += 1;
    dialled.hellos.push(protocols);
    act(events);
    const close = () => {
      dialled.closed += 1;
    };
    return { send: () => {}, close };
  };
  const ended = new Promise<PuenteError | undefined>((resolve) => {
    const events = {
      opened: () => {},
      status: () => {},
      readable: () => {},
      writable: () => {},
      ended: resolve,
    };
    const runtime = { dial, cipher: async () => nodeCipher, onNetworkChange: () => () => {} };
    new Tunnel('chat.example.org:443', { relay: link }, runtime, events);
  });
  return { dialled, ended };
}

describe('before the grant', () => {
  it('silence ends in a timeout, and the WebSocket is closed', async () => {
    const { dialled, ended } = tunnelOver(() => {});
    await vi.advanceTimersByTimeAsync(OPEN_TIMEOUT - 1);
    expect(dialled.closed).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toMatchObject({ code: 'timeout' });
    expect(dialled).toMatchObject({ times: 1, closed: 1 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    ['text', 'hello'],
    ['something short', new ArrayBuffer(3)],
    ['something else', new ArrayBuffer(176)],
  ])('an answer that is %s is no grant', async (_, answer) => {
    const { dialled, ended } = tunnelOver((events) => events.message(answer));
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'bad-grant' });
    expect(dialled.closed).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a failure to connect is told as it is, at once', async () => {
    const { dialled, ended } = tunnelOver((events) => events.closed(new PuenteError('unreachable')));
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'unreachable' });
    expect(dialled.times).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a stranger is not asked twice when the clock is right', async () => {
    const { dialled, ended } = tunnelOver((events) => events.closed(new PuenteError('not-admitted'), new Date()));
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'not-admitted' });
    expect(dialled.times).toBe(1);
  });

  it('a stranger with another time is asked once more, with a new hello', async () => {
    const { dialled, ended } = tunnelOver((events) =>
      events.closed(new PuenteError('not-admitted'), new Date(Date.now() + 3_600_000)),
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'not-admitted' });
    expect(dialled.times).toBe(2);
    expect(dialled.hellos[0]).not.toEqual(dialled.hellos[1]);
  });

  const SECOND = 1000;
  const DAY = 24 * 60 * 60 * SECOND;

  it.each([
    ['ahead', DAY],
    ['behind', -DAY],
  ])('a stranger whose time is a day %s is asked once more', async (_, difference) => {
    const { dialled, ended } = tunnelOver((events) =>
      events.closed(new PuenteError('not-admitted'), new Date(Date.now() + difference)),
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'not-admitted' });
    expect(dialled.times).toBe(2);
  });

  it.each([
    ['a second more than a day ahead', DAY + SECOND],
    ['a second more than a day behind', -DAY - SECOND],
    ['ten years ahead', 10 * 365 * DAY],
  ])('a stranger whose time is %s gets no hello for that time', async (_, difference) => {
    const { dialled, ended } = tunnelOver((events) =>
      events.closed(new PuenteError('not-admitted'), new Date(Date.now() + difference)),
    );
    await vi.advanceTimersByTimeAsync(100);
    expect(await ended).toMatchObject({ code: 'not-admitted' });
    expect(dialled.times).toBe(1);
  });
});
