/** HAProxy in front of the backends, as WhatsApp's own proxy has it: TLS ends there, TCP goes on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certificate } from '../fixtures/certificate.ts';
import { accepts, freePort } from '../network/port.ts';

export interface Haproxy {
  pid: number;
  /** Which of its ports leads to which of the backends'. */
  ports: Record<number, number>;
  stop(): void;
}

export function haproxyVersion(): string | undefined {
  const { stdout } = spawnSync('haproxy', ['-v'], { encoding: 'utf8' });
  return /version (\S+)/.exec(stdout ?? '')?.[1];
}

export async function startHaproxy(targets: number[], { key, cert }: Certificate, folder: string): Promise<Haproxy> {
  const pem = join(folder, 'haproxy.pem');
  writeFileSync(pem, `${cert}\n${key}\n`, { mode: 0o600 });
  const ports: Record<number, number> = {};
  for (const target of targets) ports[target] = await freePort();
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, configuration(pem, ports));
  const child = spawn('haproxy', ['-q', '-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  await Promise.all(Object.values(ports).map((port) => reachable(port, child)));
  return { pid: child.pid as number, ports, stop: () => child.kill('SIGKILL') };
}

function configuration(pem: string, ports: Record<number, number>): string {
  const services = Object.entries(ports).map(
    ([target, port]) => `
listen to_${target}
  bind 127.0.0.1:${port} ssl crt ${pem}
  server backend 127.0.0.1:${target}`,
  );
  return `
global
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
${services.join('\n')}
`;
}

async function reachable(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('HAProxy did not start.');
    if (await accepts(port)) return;
    await sleep(50);
  }
}
