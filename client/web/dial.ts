import { PuenteError } from '../../protocol/errors.ts';
import type { Dial } from '../runtime.ts';

/** Opens a carrier with the runtime's own WebSocket: browsers, Deno, Bun. */
export const dial: Dial = (url, protocols, events) => {
  const socket = new WebSocket(url, protocols);
  socket.binaryType = 'arraybuffer';
  let opened = false;
  socket.onopen = () => {
    opened = true;
  };
  socket.onmessage = ({ data }) => events.message(data);
  // A browser reveals neither the status of a failed upgrade nor the reason of a failed connection.
  socket.onclose = () => events.closed(new PuenteError(opened ? 'carrier-lost' : 'unreachable'));
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    close: () => socket.close(),
  };
};
