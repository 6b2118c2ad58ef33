/** What one packet costs the portable plane itself: two cores, back to back in memory, without sockets or a TUN. */

import { PortableCore } from '../src/plane/portable/core.js';
import type { PathId, PathInfo } from '../src/plane/types.js';
import { at, crypto, link, net, node, packet, path } from '../test/contract/plane/harness.js';
import type { Measure, Plan } from './measure.js';

const ROUNDS = 5;
const PACKETS = 100_000;
/** As one read of a busy TUN brings them. */
const BATCH = 32;
const NOW = at(2_000);

export async function plane(plan: Plan): Promise<readonly Measure[]> {
  const measures: Measure[] = [];
  for (const bytes of [100, 1420]) {
    const passage = new Passage(bytes);
    passage.carry(PACKETS); // warms the compiler
    const rounds = plan.quick ? 1 : ROUNDS;
    const values = Array.from({ length: rounds }, () => passage.carry(PACKETS));
    measures.push({
      ...{ part: 'plane', name: `seal and open, ${bytes} bytes`, unit: 'µs/packet', values },
      note: 'two cores in memory, no system calls',
    });
    plan.say(`${PACKETS} packets of ${bytes} bytes, ${rounds} times`);
  }
  return measures;
}

/** Node 1 sends what its TUN has to node 2, whose TUN only counts. */
class Passage {
  readonly #from: PortableCore;
  readonly #packets: readonly Uint8Array[];
  #arrived = 0;

  constructor(bytes: number) {
    const onTheWay = path(1);
    const to = core(2, onTheWay, { tun: () => this.#arrived++, send: () => {} });
    this.#from = core(1, onTheWay, {
      tun: () => {},
      send: (datagrams) => {
        to.handleDatagrams(NOW, onTheWay, datagrams);
        to.flush(NOW);
      },
    });
    const one = packet({ source: node(1), destination: node(2), bytes });
    this.#packets = Array.from({ length: BATCH }, () => one.slice());
  }

  /** @returns Microseconds of wall time for each. */
  carry(count: number): number {
    const target = this.#arrived + count;
    const started = performance.now();
    while (this.#arrived < target) {
      const before = this.#arrived;
      this.#from.handleTunPackets(NOW, this.#packets);
      this.#from.flush(NOW);
      if (this.#arrived === before) throw new Error('no packet came through');
    }
    return ((performance.now() - started) * 1000) / count;
  }
}

interface Ports {
  readonly tun: () => void;
  readonly send: (datagrams: readonly Uint8Array[]) => void;
}

/** Node 1 or 2 with a link, keys and a route to the other; node 1 initiated. */
function core(own: 1 | 2, onTheWay: PathInfo, ports: Ports): PortableCore {
  const other = 3 - own;
  const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
  const made = new PortableCore({
    ...{ crypto, pathInfo: () => onTheWay, emit: () => {} },
    tun: {
      write: () => {
        ports.tun();
        return true;
      },
    },
    paths: {
      send: (_: PathId, datagrams) => {
        ports.send(datagrams);
        return datagrams.length;
      },
    },
  });
  const to = { link: link(other), path: onTheWay.id, peer: node(other) };
  made.apply(NOW, [
    { kind: 'local', address: node(own), prefixes: [net(own)], transit: true },
    { kind: 'link', ...to, datagramBytesMax: 1452, mtu: 1420, sourceCheck: 'routed' },
    { kind: 'fib', changes: [{ kind: 'set', prefix: net(other), link: to.link }] },
    {
      ...{ kind: 'keypair', link: to.link },
      keypair: {
        ...{ localIndex: own, remoteIndex: other, sendKey: key(own), receiveKey: key(other) },
        ...{ initiator: own === 1, createdAt: NOW, rejectAfterMsec: 180_000 },
      },
    },
  ]);
  return made;
}
