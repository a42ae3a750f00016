/** The configuration file of a plain `workerd serve` that runs a bundle. */
import type { Bundle } from '../relay/bundle.ts';

/** The file of the bundle's script, beside the configuration. */
export const SCRIPT = 'relay.js';
/** Files for the sockets that speak TLS, in the folder that `--import-path` names. */
export const CERTIFICATE = 'cert.pem';
export const PRIVATE_KEY = 'key.pem';

export interface Serving {
  bundle: Bundle;
  /** Texts, by the names of their bindings. */
  vars: Record<string, string>;
  /** Bindings that workerd takes from its environment: secrets, which are then in no configuration. */
  fromEnvironment?: readonly string[];
  /**
   * The folder for Durable Objects. Without a folder they are in memory, where they have no SQLite, and count nothing.
   */
  storage?: string;
  /** The networks that the Worker may connect to: `public`, `private`, or blocks such as `192.0.2.0/24`. */
  allow: readonly string[];
  /** Blocks within `allow` that the Worker must not connect to. The narrower of an allowed and a denied block wins. */
  deny?: readonly string[];
  /** Headers from outside that the Worker must not believe. */
  dropped?: readonly string[];
  sockets: readonly Socket[];
}

export interface Socket {
  /** The command line uses this name to give the socket another address: `--socket-addr=NAME=ADDRESS`. */
  name: string;
  /** `127.0.0.1:8080`, `*:443` */
  address: string;
  tls: boolean;
}

export function workerdConfig({ bundle, storage, allow, deny = [], ...serving }: Serving): string {
  const disk = `
    (name = "objects", disk = (path = ${quote(storage ?? '')}, writable = true)),`;
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "${SCRIPT}", esModule = embed "${SCRIPT}")],
      compatibilityDate = ${quote(bundle.compatibilityDate)},
      compatibilityFlags = [${bundle.compatibilityFlags.map(quote).join(', ')}],
      bindings = [${lines(bindings(bundle, serving), 8)}
      ],
      durableObjectNamespaces = [${Object.values(bundle.objects).map(namespace).join(', ')}],
      durableObjectStorage = (${storage === undefined ? 'inMemory = void' : 'localDisk = "objects"'}),
    )),${storage === undefined ? '' : disk}
    (name = "internet", network = (
      allow = [${allow.map(quote).join(', ')}],
      deny = [${lines(deny.map(quote), 8)}
      ],
      tlsOptions = (trustBrowserCas = true),
    )),
  ],
  sockets = [${lines(
    serving.sockets.map((socket) => socketText(socket, serving.dropped ?? [])),
    4,
  )}
  ],
);
`;
}

/** Texts in this configuration follow the rules of JSON, as far as this file uses either. */
const quote = (text: string): string => JSON.stringify(text);

const lines = (items: string[], indent: number): string =>
  items.map((item) => `\n${' '.repeat(indent)}${item},`).join('');

function bindings({ objects }: Bundle, { vars, fromEnvironment = [] }: Pick<Serving, 'vars' | 'fromEnvironment'>) {
  return [
    ...Object.entries(vars).map(([name, text]) => `(name = ${quote(name)}, text = ${quote(text)})`),
    ...fromEnvironment.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
    ...Object.entries(objects).map(
      ([name, className]) => `(name = ${quote(name)}, durableObjectNamespace = ${quote(className)})`,
    ),
  ];
}

const namespace = (className: string): string =>
  `(className = ${quote(className)}, uniqueKey = ${quote(className)}, enableSql = true)`;

function socketText({ name, address, tls }: Socket, dropped: readonly string[]): string {
  // Workerd removes a header without a value.
  const headers = `injectRequestHeaders = [${dropped.map((header) => `(name = ${quote(header)})`).join(', ')}]`;
  const keypair = `(privateKey = embed "/${PRIVATE_KEY}", certificateChain = embed "/${CERTIFICATE}")`;
  const kind = tls
    ? `https = (options = (${headers}), tlsOptions = (keypair = ${keypair}))`
    : // The Worker then knows its address as its visitors know it.
      `http = (forwardedProtoHeader = "X-Forwarded-Proto", ${headers})`;
  return `(name = ${quote(name)}, address = ${quote(address)}, service = "main",
      ${kind})`;
}
