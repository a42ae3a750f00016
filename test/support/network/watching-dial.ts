import { nodeCipher } from '../../../client/node/cipher.ts';
import { type Dial, dial } from '../../../client/node/index.ts';
import { type Bytes, fromBase64url } from '../../../protocol/bytes.ts';
import { decodeHello, type OpenHello, readOffer } from '../../../protocol/carrier/hello.ts';
import { Responder, relayKeyOf } from '../../../protocol/carrier/noise.ts';

export interface Dialled {
  hostname: string;
  /** Opened with the relay's key; `undefined` while it is being opened, and where no key fits. */
  hello?: OpenHello;
  isClosed: boolean;
}

/** The usual dialer, whose hellos a test can look into. */
export class WatchingDial {
  readonly #secrets: Bytes[];
  readonly dialled: Dialled[] = [];
  /** Nothing leaves any more but the upgrade requests. */
  isMute = false;

  /** @param secrets of the relays */
  constructor(...secrets: Bytes[]) {
    this.#secrets = secrets;
  }

  get hostnames(): string[] {
    return this.dialled.map(({ hostname }) => hostname);
  }

  readonly dial: Dial = (url, protocols, events, resumeTls) => {
    const dialled: Dialled = { hostname: new URL(url).hostname, isClosed: false };
    this.dialled.push(dialled);
    void this.#read(dialled, protocols);
    const closed: typeof events.closed = (error, date) => {
      dialled.isClosed = true;
      events.closed(error, date);
    };
    const wire = dial(url, protocols, { message: events.message, closed }, resumeTls);
    return {
      send: (message) => {
        if (!this.isMute) wire.send(message);
      },
      close: () => wire.close(),
    };
  };

  async #read(dialled: Dialled, protocols: string[]): Promise<void> {
    const offered = readOffer(protocols.join(', '));
    if (!offered) throw new Error('no offer');
    for (const secret of this.#secrets) {
      const opening = Responder.readHello(
        nodeCipher,
        await relayKeyOf(nodeCipher, secret),
        fromBase64url(offered.hello) as Bytes,
      );
      const opened = await opening.catch(() => undefined);
      if (opened) dialled.hello = decodeHello(opened.payload) as OpenHello;
    }
  }
}
