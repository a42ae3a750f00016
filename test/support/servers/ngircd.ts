/** An ngIRCd (IRC server) on loopback, with TLS and nothing else. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificate } from '../fixtures/certificate.ts';
import { type Daemon, startDaemon } from './daemon.ts';

/** What a client says once it is registered, so that it may write more than three lines in a second. */
export function hurry(nick: string): string[] {
  return ['OPER hasty hasty', `MODE ${nick} +F`];
}

export function startNgircd(program: string, certificate: Certificate): Promise<Daemon> {
  return startDaemon(program, (folder, port) => {
    writeFileSync(join(folder, 'cert.pem'), certificate.cert);
    writeFileSync(join(folder, 'key.pem'), certificate.key, { mode: 0o600 });
    writeFileSync(join(folder, 'ngircd.conf'), configuration(folder, port));
    return ['--nodaemon', '--config', join(folder, 'ngircd.conf')];
  });
}

/** Users all come from one address, that of the relay, and write faster than people do. */
function configuration(folder: string, port: number): string {
  return `
[Global]
Name = irc.test.invalid
Info = A server for tests
AdminInfo1 = Nobody
Listen = 127.0.0.1

[Limits]
MaxConnectionsIP = 0
MaxPenaltyTime = 0

[Options]
DNS = no
Ident = no
PAM = no

[Operator]
Name = hasty
Password = hasty

[SSL]
CertFile = ${folder}/cert.pem
KeyFile = ${folder}/key.pem
Ports = ${port}
`;
}
