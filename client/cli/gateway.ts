/** `puente gateway SERVICE LINK…`: this machine as the proxy of phones in the same network. */
import { networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { makeCertificate } from '../gateway/certificate.ts';
import { PRESETS } from '../gateway/presets.ts';
import { OPTIONS, OPTIONS_HELP, serve } from './serve.ts';

const help = (name: string) => `${name} SERVICE LINK... [OPTIONS]

Makes this machine the proxy of stock apps on phones in the same network. It opens its ports to the whole network, and says what to
type into the app.

${Object.entries(PRESETS)
  .map(([service, { does }]) => `  ${service.padEnd(17)}  ${does}\n`)
  .join('')}
  --port-offset N    opens each port N higher, such as 10443 for 443 with 10000: ports below 1024 are for root
${OPTIONS_HELP}`;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...OPTIONS, 'port-offset': { type: 'string', default: '0' } },
  });
  if (values.help) return void process.stdout.write(help(name));
  const [service = '', ...links] = positionals;
  const preset = Object.hasOwn(PRESETS, service) ? PRESETS[service] : undefined;
  if (!preset) throw new Error(`Give a service (${Object.keys(PRESETS).join(', ')}): ${name} whatsapp LINK`);
  if (links.length + values.list.length === 0) throw new Error(`Give a relay: ${name} ${service} LINK`);
  const addresses = ownAddresses();
  const ports = preset.ports(makeCertificate(['localhost', ...addresses]));
  const offset = parseOffset(values['port-offset'], Math.max(...ports.map(({ port }) => port)));
  await serve({
    links,
    lists: values.list,
    json: values.json,
    listeners: ports.map(({ port, what, entrance }) => ({
      entrance,
      port: port + offset,
      at: (opened) => `port ${opened}, on all addresses: ${what}`,
    })),
    advice: [
      '! Everybody in this network can use these ports. Run it only in a network whose people you trust.',
      ...preset.steps(shown(addresses), (port) => port + offset),
    ],
  });
}

function parseOffset(text: string, highest: number): number {
  const offset = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (offset + highest <= 65_535) return offset;
  throw new Error(`--port-offset: "${text}" is not a number from 0 to ${65_535 - highest}.`);
}

/** This machine's addresses that others in its networks can use. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}

/** The addresses to show: people type IPv4 addresses, where there are any. */
function shown(addresses: readonly string[]): readonly string[] {
  const short = addresses.filter((address) => address.includes('.'));
  if (short.length > 0) return short;
  return addresses.length > 0 ? addresses : ['(this machine has no address in a network)'];
}
