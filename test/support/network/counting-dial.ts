import { type Dial, dial } from '../../../client/node/index.ts';

export interface CountingDial {
  dial: Dial;
  /** Bytes and number of WebSocket messages in each direction. */
  sent: number;
  received: number;
  sentMessages: number;
  receivedMessages: number;
}

/** The usual dialer, counted. */
export function countingDial(): CountingDial {
  const counts: CountingDial = {
    sent: 0,
    received: 0,
    sentMessages: 0,
    receivedMessages: 0,
    dial(url, protocols, events, resumeTls) {
      const counted = {
        message(data: unknown) {
          counts.received += (data as ArrayBuffer).byteLength;
          counts.receivedMessages += 1;
          events.message(data);
        },
        closed: events.closed,
      };
      const wire = dial(url, protocols, counted, resumeTls);
      return {
        send(message) {
          counts.sent += message.length;
          counts.sentMessages += 1;
          wire.send(message);
        },
        close: () => wire.close(),
      };
    },
  };
  return counts;
}
