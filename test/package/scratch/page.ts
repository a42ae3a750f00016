/** What the types let a page do: nothing of Node is needed. */
import { connect, type Socket, type Status } from 'puente';
import { concat, toUtf8 } from 'puente/bytes';
import { formatLink, parseLink } from 'puente/link';
import { noble } from 'puente/noble';
import { initiate } from 'puente/noise';
import 'puente/sentences';

const socket: Socket = connect('chat.example.org:5223', { relay: 'relay.example.org' });
const status: Status = 'resumed';
socket.addEventListener(status, () => console.log(status));
socket.opened.then(({ remoteAddress }) => console.log(remoteAddress));
socket.readable.pipeTo(new WritableStream<Uint8Array>());

// @ts-expect-error Bytes only.
socket.writable.getWriter().write('text');

const kept: string = formatLink(parseLink('relay.example.org'));
console.log(kept);

// An app without an encryption of its own has the handshake that Puente uses.
initiate(noble, toUtf8('my app/1'), noble.publicKey(noble.sha256(concat())), noble.sha256(concat()));
