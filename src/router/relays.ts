/** The relay transport in a router: what its paths send goes to the mesh in a later turn of the loop, in batches. */
import { RelayTransport } from '../../transports/relay/index.js';
import type { CreateTransport } from '../transport/types.js';

/** Ours: datagrams of one turn. */
const WAITING_MAX = 16_384;

export interface RelayMesh {
  send(endpoint: string, datagrams: readonly Uint8Array[]): void;
  released(endpoint: string): void;
}

export class Relays {
  transport: RelayTransport | undefined;
  readonly #mesh: RelayMesh;
  #waiting: [string, Uint8Array[]][] = [];
  #count = 0;

  constructor(mesh: RelayMesh) {
    this.#mesh = mesh;
  }

  readonly create: CreateTransport = (host) => {
    this.transport = new RelayTransport(host, {
      carry: (endpoint, datagrams) => this.#carry(endpoint, datagrams),
      released: (endpoint) => setImmediate(() => this.#mesh.released(endpoint)),
    });
    return this.transport;
  };

  /** The datagrams are the caller's after the call. */
  #carry(endpoint: string, datagrams: readonly Uint8Array[]): void {
    if (this.#count === 0) setImmediate(() => this.#flush());
    if (this.#count >= WAITING_MAX) return;
    this.#count += Math.max(datagrams.length, 1);
    this.#waiting.push([endpoint, datagrams.map((one) => one.slice())]);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#count = 0;
    for (const [endpoint, datagrams] of waiting) this.#mesh.send(endpoint, datagrams);
  }
}
