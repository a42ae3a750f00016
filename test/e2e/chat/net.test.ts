/** The example chat without its user interface: its network layer and its server, with a real relay and networks that cut. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  checkRelays,
  newIdentity,
  type ServerAddress,
  TEXT_MAX,
  WAITING_MAX,
} from '../../../examples/chat/net/chat.ts';
import { inboxOf, topicOf } from '../../../examples/chat/net/identity.ts';
import { Line } from '../../../examples/chat/net/line.ts';
import { Outbox } from '../../../examples/chat/net/outbox.ts';
import { openWebSocket } from '../../../examples/chat/net/stream.ts';
import { CLIENT_HELLO, HEADER } from '../../../examples/chat/net/wire.ts';
import { type Server, startServer } from '../../../examples/chat/server/server.ts';
import { type Bytes, bytesOf, fromBase64url } from '../../../protocol/bytes.ts';
import { formatLink, parseLink } from '../../../protocol/permits/link.ts';
import type { Fault } from '../../lab/connection.ts';
import { type Middlebox, startMiddlebox } from '../../lab/middlebox.ts';
import { formsOf } from '../../support/fixtures/canaries.ts';
import { freePort } from '../../support/network/port.ts';
import { Recording } from '../../support/network/recording.ts';
import { type LocalRelay, startRelay } from '../../support/servers/harness-relay.ts';
import { until } from '../../support/until.ts';
import { Person } from './people.ts';

let server: Server;
let relay: LocalRelay;
/** Before the server's WebSocket port, before the relay, and between the relay and the server. */
let pageToServer: Middlebox;
let pageToRelay: Middlebox;
let relayToServer: Middlebox;
let address: ServerAddress;
let link: string;
/** All that the server could read. */
const heard = new Recording();
const people: Person[] = [];

const portOf = (url: string): number => Number(new URL(url).port);

beforeAll(async () => {
  server = await startServer(heard.stream());
  const { backend, webSocket } = server.address;
  relayToServer = await startMiddlebox(portOf(`tcp://${backend}`));
  pageToServer = await startMiddlebox(portOf(webSocket));
  address = {
    ...server.address,
    backend: `localhost:${relayToServer.port}`,
    webSocket: `ws://127.0.0.1:${pageToServer.port}`,
  };
  relay = await startRelay({ BACKENDS: `whatsapp://${address.backend}` });
  pageToRelay = await startMiddlebox(portOf(relay.origin));
  link = formatLink({ ...parseLink(relay.link), url: `http://127.0.0.1:${pageToRelay.port}/` });
});

afterEach(async () => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  for (const box of [pageToServer, pageToRelay, relayToServer]) box.faults = [];
  await Promise.all(people.splice(0).map(({ chat }) => chat.close()));
});

afterAll(async () => {
  for (const box of [pageToServer, pageToRelay, relayToServer]) await box?.close();
  await relay?.close();
  await server?.close();
});

function person(through: string | undefined, identity = newIdentity()): Person {
  const one = new Person(address, through, identity);
  people.push(one);
  return one;
}

/** Two who are online, each on their way. */
async function pair(ana: string | undefined, babak: string | undefined): Promise<[Person, Person]> {
  const both: [Person, Person] = [person(ana), person(babak)];
  await Promise.all(both.map((one) => one.becomes('online')));
  return both;
}

/** Loses what the server sends while it is on. */
function deafness(): {
  isOn: boolean;
  fault: () => (packet: Buffer, direction: 'up' | 'down') => { pass: 0 } | undefined;
} {
  const deaf = {
    isOn: false,
    fault: () => (_packet: Buffer, direction: 'up' | 'down') =>
      deaf.isOn && direction === 'down' ? ({ pass: 0 } as const) : undefined,
  };
  return deaf;
}

const TEXTS = ['¿Me lees? 🌉', 'سلام، می‌خوانم', '通了！', '', '\u0001'.repeat(TEXT_MAX)];

describe('two people', () => {
  it.each([
    ['straight', () => undefined],
    ['through the relay', () => link],
    ['through the relay, by its bare address', () => relay.origin],
  ])('converse %s', async (_, way) => {
    const [ana, babak] = await pair(way(), way());
    const before = Date.now();
    const ids = [ana.say(babak, ...TEXTS), babak.say(ana, ...TEXTS)] as const;
    await Promise.all([ana.hasDelivered(ids[0]), babak.hasDelivered(ids[1])]);
    expect(babak.texts).toEqual(TEXTS);
    expect(ana.texts).toEqual(TEXTS);
    expect(ana.sent).toEqual(ids[0]);
    expect(babak.messages.map(({ id }) => id)).toEqual(ids[0]);
    expect(babak.messages[0]).toMatchObject({ from: ana.code, to: babak.code });
    expect([...ana.receivers]).toEqual([babak.code]);
    expect(Math.abs((babak.messages[0]?.at ?? 0) - before)).toBeLessThan(60_000);
    expect(ana.states).toEqual(['connecting', 'online']);
  });

  it('may write to one who is away, or was never here', async () => {
    const [ana, babak] = await pair(link, undefined);
    const layla = newIdentity();
    await babak.chat.close();
    const ids = ana.say(babak, 'one', 'two');
    ids.push(ana.chat.send(layla.code, 'welcome'));
    await until('the server has them', () => ana.sent.length === 3);
    const back = person(link, babak.identity);
    const first = person(undefined, layla);
    await ana.hasDelivered(ids);
    expect(back.texts).toEqual(['one', 'two']);
    expect(first.texts).toEqual(['welcome']);
  });
});

describe('a message', () => {
  it('that is sent again, as after its page was closed, arrives once and is acknowledged again', async () => {
    const [ana, babak] = await pair(link, link);
    const [id = ''] = ana.say(babak, 'one');
    await ana.hasDelivered([id]);
    expect(ana.chat.send(babak.code, 'one', id)).toBe(id);
    await until('it is acknowledged again', () => ana.delivered.length === 2);
    expect(babak.texts).toEqual(['one']);
  });

  it('that the page has no room for is not acknowledged, and may be sent again', async () => {
    const [ana, babak] = await pair(link, undefined);
    babak.keeps = false;
    const [one = ''] = ana.say(babak, 'one');
    await until('it has come', () => babak.messages.length === 1);
    babak.keeps = true;
    const two = ana.say(babak, 'two');
    await ana.hasDelivered(two);
    expect(ana.delivered).toEqual(two);
    ana.chat.send(babak.code, 'one', one);
    await ana.hasDelivered([one]);
    expect(babak.texts).toEqual(['one', 'two', 'one']);
  });

  it('is acknowledged by one who has as many to send as they may', async () => {
    const ana = person(link);
    const babak = person('not a link');
    const { code } = newIdentity();
    for (let count = 0; count < WAITING_MAX; count += 1) babak.chat.send(code, `${count}`);
    const ids = ana.say(babak, 'one');
    await until('it waits for him', () => ana.sent.length === 1);
    babak.chat.use(link);
    await ana.hasDelivered(ids);
  });

  it('finds a place however many acknowledgements wait, which have a bound of their own', () => {
    const outbox = new Outbox();
    while (!outbox.isFullOfAcks) outbox.add('inbox/', new Uint8Array());
    expect(outbox.isFull).toBe(false);
    for (let count = 0; count < WAITING_MAX; count += 1) outbox.add('inbox/', new Uint8Array(), `${count}`);
    expect(outbox.isFull).toBe(true);
  });

  it('that comes while the page closes is left to the next one', async () => {
    const goodbye = Promise.withResolvers<void>();
    let isHeld = false;
    pageToServer.faults = [
      () => async (_packet, direction) => {
        if (isHeld && direction === 'up') await goodbye.promise;
        return undefined;
      },
    ];
    const [ana, babak] = await pair(link, undefined);
    isHeld = true;
    const closed = babak.chat.close();
    const { down } = pageToServer;
    const ids = ana.say(babak, 'one');
    await until('the server has sent it', () => pageToServer.down > down);
    goodbye.resolve();
    await closed;
    expect(babak.texts).toEqual([]);
    const next = person(undefined, babak.identity);
    await ana.hasDelivered(ids);
    expect(next.texts).toEqual(['one']);
  });
});

describe('a connection that is given up', () => {
  it('is not waited for when it is a WebSocket that froze', async () => {
    const ana = person(undefined);
    await ana.becomes('online');
    pageToServer.block();
    ana.chat.use(link);
    await ana.becomes('online', 2);
    expect(ana.states).toEqual(['connecting', 'online', 'connecting', 'online']);
    pageToServer.unblock();
  });

  it('is not waited for when it is a WebSocket that froze before it opened', async () => {
    pageToServer.faults = [(connection) => void connection.freeze('both')];
    const { accepted } = pageToServer;
    const ana = person(undefined);
    await until('it is being opened', () => pageToServer.accepted > accepted);
    ana.chat.use(link);
    await ana.becomes('online');
    expect(ana.states).toEqual(['connecting', 'connecting', 'online']);
  });

  it('is not begun when it is closed in the same task', async () => {
    const { accepted } = pageToServer;
    await person(undefined).chat.close();
    expect(pageToServer.accepted).toBe(accepted);
  });

  it('leaves the next one its events when it is given up in the same task', async () => {
    const ana = person(undefined);
    ana.chat.use(link);
    await ana.becomes('online');
    pageToRelay.cutAll('rst');
    await ana.becomes('resumed');
    expect(ana.states.slice(0, 5)).toEqual(['connecting', 'connecting', 'online', 'reconnecting', 'resumed']);
  });

  it('is not one whose ping was cut, and which was mended', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const over = new AbortController();
    const line = await Line.open(() => openWebSocket(address.webSocket), address.key, newIdentity(), over);
    // The server's answers are not read meanwhile.
    const passInterval = () => vi.advanceTimersByTime(45_000);
    passInterval();
    line.isMended = true;
    passInterval();
    line.isMended = false;
    passInterval();
    expect(over.signal.aborted).toBe(false);
    passInterval();
    expect(over.signal.aborted).toBe(true);
  });
});

describe('what is said while the network is cut arrives once', () => {
  it('when the session is resumed', async () => {
    const [ana, babak] = await pair(link, link);
    pageToRelay.block();
    pageToRelay.cutAll('rst');
    await Promise.all([ana.becomes('reconnecting'), babak.becomes('reconnecting')]);
    const ids = [ana.say(babak, 'one', 'two', 'three'), babak.say(ana, 'four')] as const;
    pageToRelay.unblock();
    await Promise.all([ana.hasDelivered(ids[0]), babak.hasDelivered(ids[1])]);
    await ana.becomes('online', 2);
    expect(ana.states).toEqual(['connecting', 'online', 'reconnecting', 'resumed', 'online']);
    expect(babak.texts).toEqual(['one', 'two', 'three']);
    expect(ana.texts).toEqual(['four']);
  });

  it.each([
    ['through the relay', () => link, () => relayToServer],
    ['straight', () => undefined, () => pageToServer],
  ])('when the session is lost and nobody knows what has arrived, %s', async (_, way, boxOf) => {
    const deaf = deafness();
    const box = boxOf();
    box.faults = [deaf.fault];
    const [ana, babak] = await pair(way(), way());
    deaf.isOn = true;
    const ids = [ana.say(babak, 'one', 'two'), babak.say(ana, 'three')] as const;
    // The server has them, and its answers and deliveries are lost.
    const { up } = box;
    await until('it has read them', () => box.up > up + 300);
    box.faults = [];
    box.cutAll('rst');
    await Promise.all([ana.hasDelivered(ids[0]), babak.hasDelivered(ids[1])]);
    await until('it is said that the server has them', () => ana.sent.length === 2);
    expect(ana.states).toEqual(['connecting', 'online', 'reconnecting', 'online']);
    expect(babak.texts).toEqual(['one', 'two']);
    expect(ana.texts).toEqual(['three']);
    expect(ana.sent).toEqual(ids[0]);
  });

  it('when its sender moves to another way', async () => {
    const [ana, babak] = await pair(undefined, undefined);
    const ids = ana.say(babak, 'one');
    ana.chat.use(link);
    ids.push(...ana.say(babak, 'two'));
    babak.chat.use(link);
    await ana.hasDelivered(ids);
    expect(babak.texts).toEqual(['one', 'two']);
  });
});

describe('a blocked server', () => {
  it('is reached through a relay, with what was said before', async () => {
    pageToServer.block();
    const ana = person(undefined);
    const babak = person(link);
    const ids = ana.say(babak, 'Can you read me?');
    await ana.becomes('offline');
    expect(ana.errors).toContain('backend-down');
    ana.chat.use(link);
    await ana.hasDelivered(ids);
    expect(ana.state).toBe('online');
    expect(babak.texts).toEqual(['Can you read me?']);
    pageToServer.unblock();
  });

  it('tells which relays of a list lead to it', async () => {
    const nobody = formatLink({ ...parseLink(relay.link), url: `http://127.0.0.1:${await freePort()}/` });
    const stages: string[] = [];
    const report = await checkRelays([nobody, link], address, (at, { stage }) => stages.push(`${at} ${stage}`));
    expect(report.relays.map(({ ok, code }) => [ok, code])).toEqual([
      [false, 'unreachable'],
      [true, null],
    ]);
    expect(stages).toContain(`${parseLink(link).url} answer`);
  });

  it.each([
    ['a link that is none', () => ['not a link', address] as const, 'link-invalid'],
    [
      'a backend that the relay does not reach',
      () => [link, { ...address, backend: 'localhost:9' }] as const,
      'backend-not-allowed',
    ],
    ['a server with another key', () => [link, { ...address, key: newIdentity().code }] as const, 'backend-strange'],
    ['the same, straight', () => [undefined, { ...address, key: newIdentity().code }] as const, 'backend-strange'],
    ['a key that is spoilt', () => [link, { ...address, key: 'spoilt' }] as const, 'backend-strange'],
    ['an address that is none', () => [undefined, { ...address, webSocket: 'no URL' }] as const, 'backend-strange'],
  ])('says what is wrong: %s', async (_, given, code) => {
    const [way, server] = given();
    const ana = new Person(server, way);
    people.push(ana);
    await ana.becomes('offline');
    // It is tried again, and may have failed again by now.
    expect(ana.states.slice(0, 2)).toEqual(['connecting', 'offline']);
    expect(new Set(ana.errors)).toEqual(new Set([code]));
  });

  it('says so, too, when the identity is spoilt', async () => {
    const ana = person(link, { secret: 'spoilt', code: 'spoilt' });
    await ana.becomes('offline');
    expect(new Set(ana.errors)).toEqual(new Set(['backend-strange']));
  });
});

describe('what cannot be sent is refused at once', () => {
  it('and so is what would be too much', async () => {
    const ana = person('not a link');
    const { code } = newIdentity();
    expect(() => ana.chat.send('nobody', 'hello')).toThrow(TypeError);
    expect(() => ana.chat.send(code, '.'.repeat(TEXT_MAX + 1))).toThrow(RangeError);
    for (let count = 0; count < WAITING_MAX; count += 1) ana.chat.send(code, `${count}`);
    expect(() => ana.chat.send(code, 'one more')).toThrow(RangeError);
    // They are not forgotten for it.
    ana.chat.use(link);
    await until('they are sent', () => ana.sent.length === WAITING_MAX, 20_000);
    ana.chat.send(code, 'one more');
  });
});

describe('what people say', () => {
  /** WebSocket messages of a page, before the mask is on them, and the hello before them. */
  function recordWebSockets(recording: Recording): void {
    class Recorded extends WebSocket {
      readonly #up = recording.stream();

      constructor(url: string, protocols: string[] = []) {
        super(url, protocols);
        const down = recording.stream();
        for (const protocol of protocols) this.#up(Buffer.from(protocol, 'base64url'));
        this.addEventListener('message', ({ data }) => down(bytesOf(data) ?? Buffer.from(String(data))));
      }

      override send(data: ArrayBufferView<ArrayBuffer>): void {
        this.#up(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        super.send(data);
      }
    }
    vi.stubGlobal('WebSocket', Recorded);
  }

  function recordPackets(recording: Recording): Fault {
    return () => {
      const add = { up: recording.stream(), down: recording.stream() };
      return (packet, direction) => void add[direction](packet);
    };
  }

  it('is found nowhere on the way, nor in the server', async () => {
    const [atPages, atFront, log, told] = [new Recording(), new Recording(), new Recording(), new Recording()];
    recordWebSockets(atPages);
    relayToServer.faults = [recordPackets(atFront)];
    const [ana, babak, layla] = [person(link), person(relay.origin), person(undefined)];
    const texts = ['canary: the bridge at noon', 'قناری: پل در ظهر', '金丝雀：正午大桥'];
    const ids = [ana.say(babak, ...texts), babak.say(layla, ...texts)] as const;
    await Promise.all([ana.hasDelivered(ids[0]), babak.hasDelivered(ids[1])]);
    log.stream()(Buffer.from(relay.logs()));

    const secrets = [ana, babak, layla].map(({ identity }) => Buffer.from(fromBase64url(identity.secret) as Bytes));
    const spoken = texts.map((text) => Buffer.from(text));
    const needles = [...spoken, ...secrets].flatMap(formsOf);
    for (const recording of [atPages, atFront, log, heard]) expect(recording.find(needles)).toEqual([]);

    // The search finds what is there, and each recording has what it should.
    for (const text of [...babak.texts, ...layla.texts]) told.stream()(Buffer.from(text));
    expect(told.find(needles)).toEqual(spoken);
    const inboxes = [ana, babak, layla].map(({ code }) => Buffer.from(topicOf(inboxOf(code))));
    expect(heard.find(inboxes)).toEqual(inboxes);
    expect([atPages, atFront].flatMap((recording) => recording.find(inboxes))).toEqual([]);
    const hello = Buffer.concat([HEADER, Buffer.of(0, 0, 54, CLIENT_HELLO, 52, 0x0a)]);
    // Of those who come through the relay it is sealed once more; of the one who comes straight it is in her WebSocket.
    expect([atPages, atFront].map((recording) => recording.find([hello]).length)).toEqual([1, 1]);
    expect(atPages.bytes).toBeGreaterThan(atFront.bytes);
  });
});
