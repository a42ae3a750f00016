/** What Linux tells of processes and sockets. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The workerd processes that this process has started, directly or not. */
export function workerdPids(): number[] {
  const parents = new Map<number, number>();
  const workerds: number[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      parents.set(Number(entry), Number(parent));
      if (name === 'workerd') workerds.push(Number(entry));
    } catch {
      // It ended in the meantime.
    }
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  return workerds.filter(isOurs);
}

/** Open sockets of a process. */
export function openSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Bytes that the kernel holds for loopback connections with this port at either end: sent but not yet read. */
export function bytesInKernel(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let total = 0;
  for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', state, queues = ''] = line.trim().split(/\s+/);
    // 0A: a listener's queues count connections, not bytes.
    if (state === '0A' || !(local.endsWith(suffix) || remote.endsWith(suffix))) continue;
    const [sending = '', receiving = ''] = queues.split(':');
    total += Number.parseInt(sending, 16) + Number.parseInt(receiving, 16);
  }
  return total;
}

/** Loopback connections to this port whose sockets some process still holds. */
export function heldTo(port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  // proc_net_tcp: fields 3 and 10 are the other end and the inode, which is 0 once nobody holds it.
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.filter(([, , remote, , , , , , , inode]) => remote?.endsWith(suffix) && inode !== '0').length;
}

/** CPU time that a process has used, user and system, in seconds. Linux counts it in hundredths. */
export function cpuSeconds(pid: number): number {
  // proc_pid_stat(5): fields 14 and 15, counted after the name, which may hold spaces and brackets.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
