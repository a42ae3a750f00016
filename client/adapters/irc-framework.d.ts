/** The parts of irc-framework that irc.ts uses: irc-framework has no types of its own. */
declare module 'irc-framework/src/transports/net.js' {
  import { EventEmitter } from 'node:events';
  import type { TLSSocket } from 'node:tls';

  interface Options {
    host?: string;
    port?: number;
    rejectUnauthorized?: boolean;
    client_certificate?: { private_key: string; certificate: string };
  }

  export default class NetTransport extends EventEmitter {
    constructor(options: Options);
    readonly options: Options;
    socket: TLSSocket;
    state: number;
    incoming_buffer: Buffer;
    connect(): void;
    onSocketRawConnected(): void;
    onSocketFullyConnected(): void;
    _onSocketCreate(options: Options, socket: TLSSocket): void;
  }
}
