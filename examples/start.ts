/** `npm start`: runs a relay, two chat servers and a web chat on this machine, until Ctrl-C. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startChatServer } from '../test/support/servers/chat-server.ts';
import { startRelay } from '../test/support/servers/harness-relay.ts';
import { startPages } from './chat/server/pages.ts';
import { startServer } from './chat/server/server.ts';

const HELP = `npm start

Starts a relay, a web chat with its server, and a chat server for other programs (MQTT over TLS) on this machine, prints how to
use them, and runs until Ctrl-C.

  -h, --help  this text
`;

interface Running {
  /** The web chat. */
  page: string;
  /** The relay's bare address and its link. */
  origin: string;
  link: string;
  /** The chat server for other programs. */
  backend: string;
  caFile: string;
}

function explain({ page, origin, link, backend, caFile }: Running): string {
  return `✓ The relay is running, and so is a chat.

  Web chat         ${page}
  Bare address     ${origin}
  Link             ${link}
  Chat server      ${backend} (MQTT 3.1.1 over TLS; beside the web chat's own, the only backend that this relay connects)
  Its certificate  ${caFile}

To chat in the browser, open the web chat in two windows of which one is private, so that they are two people. In its settings, under
Storage and data → Proxy, paste the relay's link or bare address.

To chat in terminals, paste this into two others, in the folder of this repository, and type:

${chatCommand(link, backend, caFile)}

Ctrl-C here stops all of it.
`;
}

/** A command for a shell: it must have no single quotes inside. */
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

/** Resolves at the first SIGINT or SIGTERM. At a terminal under npm, one Ctrl-C may bring several. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      // The relay's runtime brings listeners that exit at once with 130. Here a stop is not a failure.
      process.removeAllListeners(signal);
      process.on(signal, () => resolve());
    }
    // npm passes a signal on to the shell between npm and this process. The shell dies of the signal and tells nobody.
    const parent = process.ppid;
    if (process.env.npm_lifecycle_event) setInterval(() => process.ppid !== parent && resolve(), 500).unref();
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help) return void process.stdout.write(HELP);

  const [server, chat] = await Promise.all([startChatServer(), startServer()]);
  const backend = `localhost:${server.port}`;
  const [relay, pages] = await Promise.all([
    startRelay({ BACKENDS: `${backend} whatsapp://${chat.address.backend}` }),
    startPages(chat.address),
  ]);
  const stopped = untilStopped();

  const folder = mkdtempSync(join(tmpdir(), 'puente-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, server.ca);
  process.stdout.write(explain({ page: pages.url, origin: relay.origin, link: relay.link, backend, caFile }));

  await stopped;
  await pages.close();
  await relay.close();
  await Promise.all([chat.close(), server.close()]);
  process.stdout.write('\n✓ Stopped.\n');
}

main().catch((error: unknown) => {
  console.error(`✗ It could not start: ${error instanceof Error ? error.stack : error}`);
  process.exit(1);
});
