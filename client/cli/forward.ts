/** `puente forward -L … LINK…`: ports on this machine that lead through a relay. */
import { parseArgs } from 'node:util';
import { isPublic, parseForward, written } from '../gateway/forward.ts';
import { OPTIONS, OPTIONS_HELP, serve } from './serve.ts';

const help = (name: string) => `${name} -L FORWARD... LINK... [OPTIONS]

Opens ports on this machine that lead through a relay, for apps that do not know of Puente. The relay reaches only what its
volunteer has listed, and most relays take only apps that encrypt (TLS from the first byte on, not STARTTLS).

  -L [BIND:]PORT:HOST:HOSTPORT   to one server: point the app to 127.0.0.1, port PORT. HTTP is refused there, as any web
                                 page can send it; for a server that speaks HTTP without TLS: PORT:any://HOST:HOSTPORT
  -L socks5://[BIND:]PORT        a SOCKS5 proxy, for apps that have such a setting; the app must leave names to the proxy
  -L http://[BIND:]PORT          an HTTP proxy for CONNECT, for apps and browsers that have such a setting
                                 -L may be given several times. BIND is an address of this machine, IPv6 in brackets; default
                                 127.0.0.1, so that only this machine's apps reach it. PORT 0: any that is free

${OPTIONS_HELP}
Examples:

  ${name} -L 5223:chat.example.org:5223 LINK
      an XMPP app: in the account's settings, server 127.0.0.1 (connect host), port 5223, direct TLS
  ${name} -L socks5://1080 LINK
      curl --proxy socks5h://127.0.0.1:1080 https://chat.example.org/
      chromium --proxy-server=socks5://127.0.0.1:1080
  ${name} -L http://8080 LINK
      curl --proxy http://127.0.0.1:8080 https://chat.example.org/
`;

export async function run(args: string[], name: string): Promise<void> {
  const { values, positionals: links } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...OPTIONS, listen: { type: 'string', short: 'L', multiple: true, default: [] } },
  });
  if (values.help) return void process.stdout.write(help(name));
  if (values.listen.length === 0) throw new Error(`Give a port: ${name} -L 5223:chat.example.org:5223 LINK`);
  if (links.length + values.list.length === 0) throw new Error(`Give a relay: ${name} -L … LINK`);
  const forwards = values.listen.map(parseForward);
  await serve({
    links,
    lists: values.list,
    json: values.json,
    listeners: forwards.map((forward) => ({ ...forward, at: (port) => written(forward, port) })),
    advice: forwards
      .filter(isPublic)
      .map(
        (forward) => `! ${forward.host} is not this machine alone: others in the network can use port ${forward.port}.`,
      ),
  });
}
