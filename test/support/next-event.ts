import { type EventEmitter, once } from 'node:events';
import type { MqttClient, MqttClientEventCallbacks } from 'mqtt';

type Event = 'connect' | 'message';

/** What the next such event tells; rejects when an 'error' comes first. */
export function nextEvent<E extends Event>(
  client: MqttClient,
  event: E,
): Promise<Parameters<MqttClientEventCallbacks[E]>> {
  // `once`, typed: mqtt's types hide that its clients are EventEmitters of Node.
  return once(client as unknown as EventEmitter, event) as Promise<Parameters<MqttClientEventCallbacks[E]>>;
}
