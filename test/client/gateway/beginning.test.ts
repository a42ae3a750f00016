/** A client's first bytes, in whatever pieces they come: a web page's are refused, and of all else no byte is lost. */
import { duplexPair } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Beginning, FIRST_BYTES_WAIT } from '../../../client/gateway/beginning.ts';
import { Refusal } from '../../../client/gateway/reading.ts';

/** What a session would get of a client that sends these parts, one after another, and ends; or how it is refused. */
async function begin(parts: readonly string[]): Promise<string> {
  const [near, far] = duplexPair();
  const beginning = new Beginning(near);
  for (const part of parts) {
    far.write(part, 'latin1');
    await new Promise(setImmediate);
  }
  far.end();
  try {
    await beginning.mayOpen;
    let whole = (await beginning.bytes).toString('latin1');
    for await (const bytes of near) whole += (bytes as Buffer).toString('latin1');
    return whole;
  } catch (error) {
    if (error instanceof Refusal) return `refused: ${error.reply}`;
    throw error;
  }
}

/** In one piece, byte by byte, and in any two. */
function waysToSay(words: string): (readonly string[])[] {
  const cuts = Array.from({ length: Math.min(words.length, 40) }, (_, at) => [words.slice(0, at), words.slice(at)]);
  return [[words], [...words], ...cuts];
}

describe('refused, in whatever pieces:', () => {
  it.each([
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'HEAD /',
    'POST /a HTTP/1.0\r\n\r\n',
    'PUT /',
    'DELETE /',
    'OPTIONS /',
    'PATCH /',
    'GET http://a/ HTTP/1.1\r\n\r\n',
  ])('%j', async (words) => {
    for (const parts of waysToSay(words)) expect(await begin(parts)).toMatch(/^refused: HTTP\/1\.1 403 /);
  });
});

describe('refused in one piece, as browsers send it:', () => {
  it.each([
    'FOO / HTTP/1.1\r\n\r\n',
    'get / HTTP/1.1\r\n\r\n',
    "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n\r\n",
    'OPTIONS * HTTP/1.1\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ])('%j', async (words) => {
    expect(await begin([words])).toMatch(/^refused: HTTP\/1\.1 403 /);
  });
});

it('TURN is refused, without an answer in another language', async () => {
  expect(await begin(['\x00\x03\x00\x08\x21\x12\xa4\x42 and more'])).toBe('refused: ');
});

describe('left as it is, in whatever pieces:', () => {
  it.each([
    '',
    'G',
    'GET',
    'GET ',
    'GETTER / HTTP',
    'GET key\r\n',
    'get /',
    'WA\x06\x03 and more',
    'ED\x00\x01 and more',
    '\x16\x03\x01\x02\x00\x01GET / HTTP/1.1\r\n\r\n',
    'SSH-2.0-OpenSSH_9.6 Debian\r\n',
    'PASS /secret\r\nNICK ana\r\n',
    'CONNECT {"verbose":false}\r\n',
    'OPTIONS sip:a@b SIP/2.0\r\n',
    '<?xml version="1.0"?><stream:stream to="chat.example">',
    '\r\nGET / HTTP/1.1\r\n\r\n',
    '\x00\x03\x00\x08\x21\x12\xa4\x43 and more',
  ])('%j', async (words) => {
    for (const parts of waysToSay(words)) expect(await begin(parts)).toBe(words);
  });

  it('whatever else it is', async () => {
    const word = fc.constantFrom('G', 'GET', ' ', '/', 'POST ', 'HTTP/1.1', '\r\n', '\x16\x03\x01', 'x');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(word, fc.string({ unit: 'binary-ascii' })), { maxLength: 8 }),
        async (parts) => {
          const came = await begin(parts);
          if (!came.startsWith('refused: ')) expect(came).toBe(parts.join(''));
          else expect(parts.join('')).toMatch(/^\S+ (\/|http:\/\/|\S+ HTTP\/)/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a session may be opened', () => {
  it('at once for a client that speaks', async () => {
    const [near, far] = duplexPair();
    const began = performance.now();
    far.write('hello');
    await new Beginning(near).mayOpen;
    expect(performance.now() - began).toBeLessThan(FIRST_BYTES_WAIT / 2);
  });

  it('after a moment for one that does not, whose first bytes are looked at all the same', async () => {
    const [near, far] = duplexPair();
    const began = performance.now();
    const { mayOpen, bytes } = new Beginning(near);
    await mayOpen;
    expect(performance.now() - began).toBeGreaterThan(FIRST_BYTES_WAIT - 5);
    for (const byte of 'GET /') {
      far.write(byte);
      await sleep(1);
    }
    await expect(bytes).rejects.toBeInstanceOf(Refusal);
  });

  it('for one whose bytes came while the process was busy, by what they are', async () => {
    const [near, far] = duplexPair();
    const { mayOpen } = new Beginning(near);
    setTimeout(() => {
      setImmediate(() => far.write('GET /'));
      for (const until = performance.now() + 2 * FIRST_BYTES_WAIT; performance.now() < until; );
    }, 1);
    await expect(mayOpen).rejects.toBeInstanceOf(Refusal);
  });

  it('not yet, while what has come may become HTTP', async () => {
    const [near, far] = duplexPair();
    let isOpen = false;
    const { mayOpen } = new Beginning(near);
    mayOpen.then(
      () => {
        isOpen = true;
      },
      () => {},
    );
    far.write('GET');
    await sleep(2 * FIRST_BYTES_WAIT);
    expect(isOpen).toBe(false);
    far.write(' key');
    await mayOpen;
    expect(isOpen).toBe(true);
  });
});
