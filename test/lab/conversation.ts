/** Two people who write to each other, over whatever streams they are given: stock MQTT clients, TLS inside. */
import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { MqttClient } from 'mqtt';
import { noisePicture } from '../support/fixtures/picture.ts';
import { nextEvent } from '../support/next-event.ts';
import type { Delivery } from './delivery.ts';

export interface ConversationOptions {
  /** The certificate of the chat server. */
  ca: string;
  messages?: number;
  /** Bytes of the picture that follows them. */
  pictureSize?: number;
  /** Milliseconds, for all of it. */
  deadline?: number;
}

/**
 * Each message answers the one before it, so the first that is lost ends the conversation.
 * @param open opens a stream to the chat server; called once for each of the two
 */
export async function converse(
  open: () => Duplex,
  { ca, messages = 200, pictureSize = 256 * 1024, deadline = 20_000 }: ConversationOptions,
): Promise<Delivery> {
  const texts = Array.from({ length: messages }, (_, number) =>
    Buffer.from(`${number}: ${'¿y? '.repeat(number % 80)}`),
  );
  const parts = [...texts, noisePicture(pictureSize)];
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, deadline);
  const streams: Duplex[] = [];
  let delivered = 0;
  let duplicated = 0;
  let next = 0;

  const join = (name: string) => {
    // Many conversations may share a server.
    const topic = `${name}-${randomUUID()}`;
    const connect = () => {
      const stream = open();
      streams.push(stream);
      // The client hears of it too, from its own TLS.
      stream.on('error', () => {});
      return tls.connect({ socket: stream, servername: 'localhost', ca });
    };
    const client = new MqttClient(connect, { clientId: topic, reconnectPeriod: 0 });
    client.on('error', () => {});
    client.on('close', () => over.resolve());
    client.on('message', (_topic, payload) => hear(payload));
    return { client, topic };
  };
  const ana = join('ana');
  const babak = join('babak');

  const say = () => {
    const part = parts[next];
    if (!part) return over.resolve();
    const [from, to] = next % 2 === 0 ? [ana, babak] : [babak, ana];
    from.client.publish(to.topic, part, { qos: 1 });
  };
  const hear = (payload: Buffer) => {
    const number = parts.findIndex((part) => part.equals(payload));
    if (number < 0 || number > next) return over.reject(new Error(`another message than number ${next}`));
    if (number < next) {
      duplicated += payload.length;
      return;
    }
    delivered += payload.length;
    next += 1;
    say();
  };
  const ready = [ana, babak].map(async ({ client, topic }) => {
    await nextEvent(client, 'connect');
    await client.subscribeAsync(topic, { qos: 1 });
  });
  Promise.all(ready).then(say, () => over.resolve());

  try {
    await over.promise;
  } finally {
    clearTimeout(timer);
    for (const { client } of [ana, babak]) client.end(true);
    for (const stream of streams) stream.destroy();
  }
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  return { delivered, lost: total - delivered, duplicated };
}
