/** A relay that knows its key and admits everybody, but then does something else than serve. */
import https from 'node:https';
import { type WebSocket, WebSocketServer } from 'ws';
import { nodeCipher } from '../../../client/node/cipher.ts';
import { type Bytes, fromBase64url } from '../../../protocol/bytes.ts';
import { encodeGrant, readOffer } from '../../../protocol/carrier/hello.ts';
import { Responder, relayKeyOf } from '../../../protocol/carrier/noise.ts';
import { type Code, toWire } from '../../../protocol/errors.ts';
import { formatLink } from '../../../protocol/permits/link.ts';
import type { Certificate } from '../fixtures/certificate.ts';
import { random } from '../fixtures/open-hello.ts';
import { type Listening, listen } from '../network/listen.ts';

/** Has the WebSocket after 101. */
export type Misdeed = (socket: WebSocket, handshake: Responder) => unknown;

export interface BrokenRelay extends Listening {
  link: string;
}

export async function startBrokenRelay(certificate: Certificate, misdeed: Misdeed): Promise<BrokenRelay> {
  const key = await relayKeyOf(nodeCipher, random(32));
  const server = https.createServer(certificate, (_request, response) => response.writeHead(404).end());
  new WebSocketServer({ server }).on('connection', async (socket, { headers }) => {
    const offered = readOffer(headers['sec-websocket-protocol'] ?? '');
    if (!offered) return socket.terminate();
    misdeed(socket, await Responder.readHello(nodeCipher, key, fromBase64url(offered.hello) as Bytes));
  });
  const listening = await listen(server);
  const origin = `https://localhost:${listening.port}/`;
  return { ...listening, link: formatLink({ url: origin, key: key.publicKey }) };
}

export function refuse(code: Code): Misdeed {
  return async (socket, handshake) => {
    const { message } = await handshake.writeGrant(
      encodeGrant({ refusal: toWire(code) }, Infinity, random),
      random(32),
    );
    socket.send(message);
    socket.close();
  };
}
