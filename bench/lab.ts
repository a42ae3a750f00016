/** All contestants, each in processes of its own on this machine. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCipher } from '../client/node/cipher.ts';
import { toBase64url } from '../protocol/bytes.ts';
import { formatLink } from '../protocol/permits/link.ts';
import { type Certificate, makeCertificate } from '../test/support/fixtures/certificate.ts';
import { haproxyVersion, startHaproxy } from '../test/support/servers/haproxy.ts';
import { serve, type Workerd } from '../test/support/servers/workerd.ts';
import { type Bundle, bundle } from '../volunteer/relay/bundle.ts';
import { type Backends, startBackends } from './backend.ts';
import { Driver } from './driver.ts';
import type { Case } from './tasks.ts';

/** One way to the backends, ready to be driven. */
export interface Contestant {
  name: Name;
  which: Case;
  driver: Driver;
  /** The relaying process, if there is one. */
  pid?: number;
}

/** The contestants that are Workers. */
export type WorkerName = 'floor' | 'sealed' | 'tunnel' | 'hub';
export type Name = WorkerName | 'direct' | 'haproxy';

/** A contestant that is a Worker, in processes that nothing else has used. */
export interface Fresh extends Contestant {
  pid: number;
  worker: Workerd;
  /** The same contestant, by TLS on another port: the port of `worker`, or of a path to it. */
  overTls(port: number): Case;
  stop(): Promise<void>;
}

export class Lab {
  readonly #folder = mkdtempSync(join(tmpdir(), 'puente-bench-'));
  readonly #certificate: Certificate;
  readonly #certificateFile = join(this.#folder, 'certificate.pem');
  readonly #bundles: Record<WorkerName, Bundle>;
  readonly backends: Backends;
  readonly #stop: (() => unknown)[] = [];

  private constructor(certificate: Certificate, bundles: Record<WorkerName, Bundle>, backends: Backends) {
    this.#certificate = certificate;
    this.#bundles = bundles;
    this.backends = backends;
    writeFileSync(this.#certificateFile, certificate.cert);
  }

  static async open(): Promise<Lab> {
    const relay = bundle('wrangler.toml');
    const bundles = {
      floor: bundle('bench/floor/wrangler.toml'),
      sealed: bundle('bench/floor/sealed.toml'),
      tunnel: relay,
      hub: relay,
    };
    const { backends, stop } = await startBackends();
    const lab = new Lab(await makeCertificate(), bundles, backends);
    lab.#stop.push(stop);
    return lab;
  }

  async close(): Promise<void> {
    await Promise.all(this.#stop.map((stop) => stop()));
    rmSync(this.#folder, { recursive: true });
  }

  /** All contestants, for as long as the lab is open. HAProxy only where it is installed. */
  async contestants(): Promise<Contestant[]> {
    const workers: Fresh[] = [];
    for (const name of ['floor', 'sealed', 'tunnel', 'hub'] as const) workers.push(await this.fresh(name));
    this.#stop.push(...workers.map(({ stop }) => stop));
    const direct: Contestant = { name: 'direct', which: this.#case({ kind: 'direct' }), driver: this.#driver() };
    return [...workers, direct, ...(haproxyVersion() ? [await this.#haproxy()] : [])];
  }

  async fresh(name: WorkerName): Promise<Fresh> {
    const secret = crypto.getRandomValues(new Uint8Array(32));
    const key = await nodeCipher.publicKey(secret);
    const { source, sink, echo } = this.backends;
    const vars = {
      // Plain sessions, or resumable ones.
      HUBS: name === 'hub' ? '1' : '0',
      RELAY_KEY: toBase64url(secret),
      BACKENDS: [source, sink, echo].map((port) => `any://127.0.0.1:${port}`).join(' '),
    };
    const relays = name === 'tunnel' || name === 'hub';
    const worker = await serve(this.#bundles[name], relays ? vars : {}, this.#certificate);
    const driver = new Driver(this.#certificateFile);
    const at = (host: string, tls: 's' | ''): Case =>
      this.#case(
        relays
          ? { kind: 'tunnel', link: formatLink({ url: `http${tls}://${host}/`, key }) }
          : { kind: name, origin: `ws${tls}://${host}` },
      );
    return {
      name,
      which: at(`127.0.0.1:${worker.port}`, ''),
      driver,
      pid: worker.pid,
      worker,
      overTls: (port) => at(`localhost:${port}`, 's'),
      async stop() {
        driver.stop();
        await worker.stop();
      },
    };
  }

  async #haproxy(): Promise<Contestant> {
    const { source, sink, echo } = this.backends;
    const { pid, ports, stop } = await startHaproxy([source, sink, echo], this.#certificate, this.#folder);
    this.#stop.push(stop);
    return { name: 'haproxy', which: this.#case({ kind: 'haproxy', ports }), driver: this.#driver(), pid };
  }

  #driver(): Driver {
    const driver = new Driver(this.#certificateFile);
    this.#stop.push(() => driver.stop());
    return driver;
  }

  #case(way: Case['way']): Case {
    return { way, backends: this.backends };
  }
}
