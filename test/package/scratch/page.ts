/** What the types let a page do: nothing of Node is needed. */
import { connect, type Socket, type Status } from 'puente';
import 'puente/sentences';

const socket: Socket = connect('chat.example.org:5223', { relay: 'relay.example.org' });
const status: Status = 'resumed';
socket.addEventListener(status, () => console.log(status));
socket.opened.then(({ remoteAddress }) => console.log(remoteAddress));
socket.readable.pipeTo(new WritableStream<Uint8Array>());

// @ts-expect-error Bytes only.
socket.writable.getWriter().write('text');
