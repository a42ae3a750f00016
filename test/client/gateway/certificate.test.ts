import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../client/gateway/certificate.ts';
import { integer, oid } from '../../../client/gateway/der.ts';

const NAMES = ['localhost', '127.0.0.1', '192.168.7.5', '::1', '2001:db8::10:0:1', 'fd00:1:2:3:4:5:6:7'];
const DAY = 24 * 60 * 60_000;

describe('a certificate', () => {
  it('says what it should', () => {
    const now = Date.UTC(2026, 10, 25, 12);
    const { cert, key } = makeCertificate(NAMES, now);
    const parsed = new X509Certificate(cert);
    expect(parsed.subject).toBe('CN=localhost');
    expect(parsed.issuer).toBe(parsed.subject);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect([parsed.validFromDate.getTime(), parsed.validToDate.getTime()]).toEqual([now - DAY, now + 397 * DAY]);
    expect(parsed.ca).toBe(false);
    expect(parsed.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    for (const address of NAMES.slice(1)) expect(parsed.checkIP(address)).toBe(address);
    expect(parsed.checkHost('localhost')).toBe('localhost');
    expect(parsed.checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  it('is another each time', () => {
    const [one, other] = [makeCertificate(['a']), makeCertificate(['a'])].map(({ cert }) => new X509Certificate(cert));
    expect(one?.serialNumber).not.toBe(other?.serialNumber);
    expect(one?.publicKey.equals(other?.publicKey as never)).toBe(false);
  });

  it('is dated rightly after 2049', () => {
    const { validToDate } = new X509Certificate(makeCertificate(['a'], Date.UTC(2049, 11, 1)).cert);
    expect(validToDate.getUTCFullYear()).toBe(2051);
  });

  it('needs a name', () => {
    expect(() => makeCertificate([])).toThrow(TypeError);
  });

  it('is accepted by a client of TLS that trusts it, for each of its names', async () => {
    const made = makeCertificate(NAMES);
    const server = tls.createServer(made, (socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const host of ['localhost', '127.0.0.1']) {
      const socket = tls.connect({ port, host, ca: made.cert });
      await once(socket, 'secureConnect');
      expect(socket.authorized).toBe(true);
      socket.destroy();
    }
    server.close();
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)('is accepted by OpenSSL', () => {
    const { cert } = makeCertificate(NAMES);
    const read = spawnSync('openssl', ['x509', '-noout', '-text'], { input: cert, encoding: 'utf8' });
    expect([read.status, read.stderr]).toEqual([0, '']);
    expect(read.stdout).toContain('Signature Algorithm: ecdsa-with-SHA256');
    expect(read.stdout).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/);
    expect(read.stdout).toMatch(/X509v3 Basic Constraints: critical\s+CA:FALSE/);
    expect(read.stdout).toContain('DNS:localhost, IP Address:127.0.0.1, IP Address:192.168.7.5');
  });
});

describe('DER', () => {
  it('writes numbers as they are read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 16 }), (bytes) => {
        const number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
        const der = integer(bytes);
        expect(der[1]).toBe(der.length - 2);
        expect(BigInt.asIntN(8 * (der.length - 2), BigInt(`0x${der.subarray(2).toString('hex')}`))).toBe(number);
        // As few bytes as possible (X.690 section 8.3.2).
        if (der.length > 3) expect(der.readInt16BE(2) >> 7).not.toBe(0);
      }),
    );
  });

  it('writes identifiers', () => {
    expect(oid('1.2.840.10045.4.3.2').toString('hex')).toBe('06082a8648ce3d040302');
  });
});
