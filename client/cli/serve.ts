/** The common part of `forward` and `gateway`: their relays, their ports, their messages, and their end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entrance } from '../gateway/entrance.ts';
import { Gateway, STOP_TIME } from '../gateway/gateway.ts';
import { ReportingRelays } from '../gateway/reporting-relays.ts';
import { createConnection } from '../node/index.ts';
import { readList } from './list.ts';
import { type Notice, type Status, showStatus } from './status.ts';

export const OPTIONS = {
  list: { type: 'string', multiple: true, default: [] as string[] },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const;

export const OPTIONS_HELP = `  LINK               a relay's link, or the bare address of an open relay; of several, one that works is used
  --list FILE|URL    a list of relays: a link or host a line, or JSON; may be given several times
  --json             for scripts: one object a line, with "event" and the totals "open", "sessions", "sent", "received",
                     "reconnects". Events are listening ("at"), relay ("relay"), opened, closed ("code"), failed ("code",
                     "message", "next"), refused ("message"), reconnecting, resumed, stopping, stopped
  -h, --help         this text

It runs until Ctrl-C or SIGTERM. Sessions that are open then get ${STOP_TIME / 1000} s to finish; another Ctrl-C cuts them.

Exit code: 0 when it was stopped, 1 when a port cannot be opened or a list cannot be had, 2 when the command is not understood.
`;

export interface Listener {
  entrance: Entrance;
  /** An address of this machine; nothing for all addresses. */
  host?: string;
  /** 0: any free port. */
  port: number;
  /** The name of the listener in messages. */
  at(port: number): string;
}

export interface Plan {
  links: readonly string[];
  /** Files and URLs of lists. */
  lists: readonly string[];
  json: boolean;
  listeners: readonly Listener[];
  /** What to do, or to beware of; printed when all ports are open. */
  advice: readonly string[];
}

/**
 * Opens the ports and serves until a signal comes. A failure sets the exit code 1, unless the command was wrongly
 * written.
 * @throws PuenteError `link-invalid`
 */
export async function serve({ links, lists, json, listeners, advice }: Plan): Promise<void> {
  const found = await orExit(Promise.all(lists.map(readList)));
  if (!found) return;
  const relays = new ReportingRelays([...links, ...found.flatMap(({ relays }) => relays)], (relay) => noteRelay(relay));
  const gateway = new Gateway(
    (backend) => createConnection(backend, { relay: relays, allowHalfOpen: true }),
    (event) => status.tell(event),
  );
  const status = showStatus(gateway.totals, json);
  const noteRelay = onChange((relay) => status.tell({ event: 'relay', relay }));
  for (const { message } of found) if (message) status.say(message);
  if (!(await orExit(listenAll(gateway, listeners, (notice) => status.tell(notice))))) return gateway.stop();
  for (const line of advice) status.say(line);
  await untilStopped(gateway, status);
}

/** Prints a failure of a command that was well written, and sets the exit code 1. */
async function orExit<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
    return undefined;
  }
}

async function listenAll(gateway: Gateway, listeners: readonly Listener[], tell: (notice: Notice) => void) {
  for (const { entrance, host, port, at } of listeners) {
    const opened = await gateway.listen(entrance, host, port).catch((error: NodeJS.ErrnoException) => {
      throw new Error(inWords(error, host, port));
    });
    tell({ event: 'listening', at: at(opened) });
  }
  return true;
}

function inWords({ code, message }: NodeJS.ErrnoException, host: string | undefined, port: number): string {
  if (code === 'EADDRINUSE') return `Port ${port} is in use: stop the program that has it, or take another port.`;
  if (code === 'EACCES') return `Port ${port} is for root: take one from 1024 on (gateway: with --port-offset).`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${host} is no address of this machine.`;
  return `Port ${port} cannot be opened: ${message}`;
}

/**
 * Milliseconds. At a terminal under npm, one Ctrl-C may bring several signals. Signals that come with the first one are
 * not another Ctrl-C.
 */
const ANOTHER_AFTER = 1000;

async function untilStopped(gateway: Gateway, status: Status): Promise<void> {
  const hurry = new AbortController();
  let stoppedAt = 0;
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        stoppedAt ||= performance.now();
        if (performance.now() - stoppedAt > ANOTHER_AFTER) hurry.abort();
        resolve();
      });
  });
  status.tell({ event: 'stopping' });
  await gateway.stop(hurry.signal);
  status.tell({ event: 'stopped' });
  // The last bytes of ended sessions may still be on their way. Do not wait longer for them.
  await sleep(Math.max(1000, STOP_TIME - (performance.now() - stoppedAt)), undefined, { ref: false });
  process.exit();
}

function onChange(tell: (value: string) => void): (value: string) => void {
  let last: string | undefined;
  return (value) => {
    if (value !== last) tell(value);
    last = value;
  };
}
