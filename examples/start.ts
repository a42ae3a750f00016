/** `npm start`: a relay and a chat server on this machine, until Ctrl-C. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChatServer } from './local/chat-server.ts';
import { startRelay } from './local/relay.ts';

const HELP = `npm start

Starts a relay and a chat server (MQTT over TLS) on this machine, prints how to use them, and runs until Ctrl-C.

  -h, --help  this text
`;

interface Running {
  /** The relay's bare address and its link. */
  origin: string;
  link: string;
  /** The chat server. */
  backend: string;
  caFile: string;
}

function explain({ origin, link, backend, caFile }: Running): string {
  return `✓ The relay is running.

  Bare address     ${origin}
  Link             ${link}
  Chat server      ${backend} (MQTT 3.1.1 over TLS; the only backend that this relay connects)
  Its certificate  ${caFile}

To chat through the relay, paste this into two other terminals, in the folder of this repository, and type:

${chatCommand(link, backend, caFile)}

Ctrl-C here stops the relay and the chat server.
`;
}

/** For a shell: so no single quotes in it. */
function chatCommand(link: string, backend: string, caFile: string): string {
  return `npx node --input-type=module -e '
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import tls from "node:tls";
import { MqttClient } from "mqtt";
import { createConnection } from "puente/node";

const relay = "${link}";
const ca = readFileSync("${caFile}");
const socket = () => createConnection("${backend}", { relay });
const chat = new MqttClient(() => tls.connect({ socket: socket(), servername: "localhost", ca }), {});
chat.on("message", (topic, text) => console.log(String(text)));
chat.on("error", (error) => console.error(error.message));
await chat.subscribeAsync("plaza");
console.log("✓ connected through " + new URL(relay).host);
for await (const line of createInterface({ input: process.stdin })) await chat.publishAsync("plaza", line);
await chat.endAsync();
'`;
}

/** Resolves at the first SIGINT or SIGTERM; at a terminal under npm, one Ctrl-C may bring several. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // The relay's runtime brings listeners that exit at once with 130; here a stop is not a failure.
      process.removeAllListeners(signal);
      process.on(signal, () => resolve());
    }
    // npm passes a signal on to the shell between us, which dies of it and tells nobody.
    const parent = process.ppid;
    if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && resolve(), 500).unref();
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(HELP);

  const server = await startChatServer();
  const backend = `localhost:${server.port}`;
  const relay = await startRelay({ BACKENDS: backend });
  const stopped = untilStopped();

  const folder = mkdtempSync(join(tmpdir(), 'puente-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, server.ca);
  process.stdout.write(explain({ origin: relay.origin, link: relay.link, backend, caFile }));

  await stopped;
  await relay.close();
  await server.close();
  process.stdout.write('\n✓ Stopped.\n');
}

main().catch((error: unknown) => {
  console.error(`✗ It could not start: ${error instanceof Error ? error.stack : error}`);
  process.exit(1);
});
