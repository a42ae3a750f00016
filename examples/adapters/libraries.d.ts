/** The parts that the examples and the tests use of libraries without types of their own. */
declare module '@xmpp/client' {
  import type { EventEmitter } from 'node:events';

  export interface Element {
    is(name: string): boolean;
    getChildText(name: string): string | null;
  }

  export function xml(name: string, attributes?: Record<string, string>, ...children: (Element | string)[]): Element;

  export interface Client extends EventEmitter {
    transports: unknown[];
    reconnect: { stop(): void; delay: number };
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'stanza', listener: (stanza: Element) => void): this;
    on(event: 'online' | 'disconnect', listener: () => void): this;
    /** Resolves with the user's own address. */
    start(): Promise<{ toString(): string }>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
  }

  export function client(options: { service: string; domain?: string; username: string; password: string }): Client;
}

declare module 'irc-framework' {
  interface Options {
    host: string;
    port: number;
    nick: string;
    transport?: new (options: object) => object;
    rejectUnauthorized?: boolean;
    encoding?: string;
    auto_reconnect?: boolean;
    ping_interval?: number;
    ping_timeout?: number;
  }

  interface Message {
    nick: string;
    target: string;
    message: string;
  }

  export class Client {
    connect(options: Options): void;
    say(target: string, message: string): void;
    join(channel: string): void;
    raw(line: string): void;
    quit(message?: string): void;
    on(event: 'registered' | 'reconnecting' | 'close', listener: () => void): this;
    on(event: 'privmsg', listener: (message: Message) => unknown): this;
    on(event: 'join', listener: (join: { nick: string; channel: string }) => void): this;
    on(event: 'socket close', listener: (error: Error | false) => void): this;
  }
}
