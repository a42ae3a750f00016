/** What xmpp.test.ts uses of `@xmpp/client`, which has no types of its own. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events';

  export interface Element {
    is(name: string): boolean;
    getChildText(name: string): string | null;
  }

  export function xml(name: string, attributes?: Record<string, string>, ...children: (Element | string)[]): Element;

  export interface Client extends EventEmitter {
    transports: unknown[];
    reconnect: { stop(): void };
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
  }

  export function client(options: { service: string; domain: string; username: string; password: string }): Client;
}

declare module '@xmpp/tls/lib/Connection.js' {
  import type Socket from '@xmpp/tls/lib/Socket.js';

  export default class ConnectionTLS {
    Socket: typeof Socket;
  }
}

declare module '@xmpp/tls/lib/Socket.js' {
  import type { TLSSocket } from 'node:tls';

  export default class Socket {
    connect(parameters: { host: string; port: number }): void;
    _attachSocket(socket: TLSSocket): void;
  }
}
