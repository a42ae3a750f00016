/** DNS messages: against bytes written by hand; what is hostile is in the fuzz targets. */
import { describe, expect, it } from 'vitest';
import { decodeAnswer, encodeQuery } from '../../client/node/dialer/dns-message.ts';
import { type Bytes, Malformed } from '../../protocol/bytes.ts';

const hex = (text: string): Bytes => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

/** RFC 8484 section 4.1.1: the example's query, for the A record of www.example.com. */
const QUERY = hex('0000 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001');
/** RFC 8484 section 4.2.2: the example's answer, for the AAAA record. */
const ANSWER = hex(
  `0000 8180 0001 0001 0000 0000 03777777 076578616d706c65 03636f6d 00 001c 0001
   c00c 001c 0001 00000e7d 0010 20010db8abcd00120001000200030004`,
);

function changed(at: number, ...bytes: number[]): Bytes {
  const copy = ANSWER.slice();
  copy.set(bytes, at);
  return copy;
}

it('asks as the standard shows', () => {
  expect(encodeQuery('www.example.com', 'A')).toEqual(QUERY);
  expect(encodeQuery('WWW.example.com.', 'A')).toEqual(QUERY);
});

it.each(['', '.', 'a..b', '.a', `${'a'.repeat(64)}.b`, `${'a.'.repeat(130)}b`])('does not ask for %j', (name) => {
  expect(() => encodeQuery(name, 'A')).toThrow(Malformed);
});

describe('an answer', () => {
  const decode = (message: Bytes) => decodeAnswer(message, 'www.example.com', 'AAAA');

  it('is read as the standard shows it', () => {
    expect(decode(ANSWER)).toEqual(['2001:db8:abcd:12:1:2:3:4']);
    expect(decode(changed(13, 0x57))).toEqual(['2001:db8:abcd:12:1:2:3:4']);
  });

  it('may have aliases before the address, and none at the end', () => {
    const alias = hex(
      `0000 8180 0001 0002 0000 0000 0161 0262 63 00 0001 0001
       c00c 0005 0001 00000001 0004 0178 c00e
       0178 c00e 0001 0001 00000001 0004 01020304`,
    );
    expect(decodeAnswer(alias, 'a.bc', 'A')).toEqual(['1.2.3.4']);
    expect(decodeAnswer(changed(7, 0).subarray(0, 33), 'www.example.com', 'AAAA')).toEqual([]);
  });

  it.each([
    ['is a query', changed(2, 0x01)],
    ['is truncated', changed(2, 0x83)],
    ['says that there is no such name', changed(3, 0x83)],
    ['is to another name', changed(13, 0x78)],
    ['is to another type', changed(30, 0x01)],
    ['has no question', changed(5, 0)],
    ['counts more than it has', changed(7, 2)],
    ['ends early', ANSWER.subarray(0, -1)],
    ['has an address of another length', changed(44, 15)],
    ['has a name with a label of a kind that is none', changed(33, 0x80)],
    ['is empty', new Uint8Array(0)],
  ])('that %s is none', (_, message) => {
    expect(() => decode(message)).toThrow(Malformed);
  });
});
