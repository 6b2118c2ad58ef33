/** Both planes get the same stream of good, odd and hostile input, and must do the same, byte for byte. */
import { expect } from 'chai';
import type { LinkId } from '../../../src/link/types.js';
import type { LinkCounters, PlaneCommand } from '../../../src/plane/types.js';
import { loadNative } from '../../../src/platform/native.js';
import { SeededEntropy } from '../../../src/sim/random.js';
import {
  at,
  link,
  net,
  node,
  Peer,
  type PlaneUnderTest,
  packet,
  path,
  service,
  serviceAddress,
} from '../../contract/plane/harness.js';
import { nativeMaker } from '../../contract/plane/native.js';
import { makePortable } from '../../contract/plane/portable.js';

const LINKS = 5;
const STEPS = 1_500;
const paths = Array.from({ length: 12 }, (_, i) => path(i, i === 7 ? 700 : 65_507));

/** One random run against two planes. */
class Twins {
  readonly #random: SeededEntropy;
  readonly #planes: readonly [PlaneUnderTest, PlaneUnderTest];
  readonly #peers = new Map<number, Peer[]>();
  #now = 1_000;
  #keys = 0;

  constructor(seed: number, planes: readonly [PlaneUnderTest, PlaneUnderTest]) {
    this.#random = new SeededEntropy(seed, 1);
    this.#planes = planes;
  }

  run(): void {
    this.#apply([
      { kind: 'local', address: node(1), prefixes: [net(1), service(1)], transit: true },
    ]);
    for (let i = 1; i <= LINKS; i++) this.#apply([this.#linkCommand(i), this.#keyCommand(i)]);
    for (let i = 1; i <= LINKS; i++)
      this.#apply([{ kind: 'fib', changes: [{ kind: 'set', prefix: net(i + 1), link: link(i) }] }]);
    for (let step = 0; step < STEPS; step++) {
      this.#step();
      this.#compare(step);
    }
  }

  #step(): void {
    this.#now += this.#random.chance(0.02) ? this.#random.below(30_000) : this.#random.below(40);
    const dice = this.#random.below(100);
    if (dice < 45) this.#receive(this.#datagrams());
    else if (dice < 75) this.#fromTun(Array.from({ length: this.#count() }, () => this.#packet()));
    else if (dice < 95) this.#apply([this.#command()]);
    else this.#block(this.#random.chance(0.5));
  }

  #count(): number {
    return 1 + this.#random.below(this.#random.chance(0.1) ? 80 : 3);
  }

  #which(): number {
    return 1 + this.#random.below(LINKS);
  }

  #linkCommand(i: number): PlaneCommand {
    const isSmall = this.#random.chance(0.2);
    const isProven = !this.#random.chance(0.1);
    const isStock = i === LINKS;
    return {
      ...{ kind: 'link', link: link(i), datagramBytesMax: isSmall ? 700 : 1452 },
      path: this.#random.chance(0.05) ? undefined : (paths[i]?.id ?? paths[0]?.id),
      mtu: isSmall ? 1280 : 1420,
      sourceCheck: this.#random.chance(0.2) ? 'own' : 'routed',
      peer: isProven && !isStock ? node(i + 1) : undefined,
      ...(isStock && { prefixes: [{ address: serviceAddress(9), length: 100 }] }),
    };
  }

  #keyCommand(i: number): PlaneCommand {
    const peer = new Peer(++this.#keys, {
      initiator: this.#random.chance(0.5),
      createdAt: at(this.#now),
      rejectAfterMsec: this.#random.chance(0.1) ? 500 : 180_000,
    });
    const known = this.#peers.get(i) ?? [];
    this.#peers.set(i, [...known.slice(-3), peer]);
    return { kind: 'keypair', link: link(i), keypair: peer.keypair };
  }

  #command(): PlaneCommand {
    const i = this.#which();
    const via = paths[this.#random.below(paths.length)]?.id;
    const prefix = this.#random.chance(0.5) ? net(this.#random.below(9)) : service(2);
    const pick: readonly (() => PlaneCommand)[] = [
      () => this.#linkCommand(i),
      () => this.#keyCommand(i),
      () => ({ kind: 'send', link: link(i), payload: this.#random.bytes(this.#random.below(900)) }),
      () => ({
        ...{ kind: 'send', link: link(i), payload: new Uint8Array(0) },
        ...(via !== undefined && { via }),
      }),
      () => ({ kind: 'transmit', path: via ?? (0 as never), datagram: this.#random.bytes(148) }),
      () => ({ kind: 'arm', link: link(i) }),
      () => ({ kind: 'inject', packet: this.#packet() }),
      () => ({ kind: 'fib', changes: [{ kind: 'set', prefix, link: link(i) }] }),
      () => ({ kind: 'fib', changes: [{ kind: 'delete', prefix }] }),
      () => ({ kind: 'wipe-keys', link: link(i) }),
      () => ({ kind: 'remove-link', link: link(i) }),
      () => ({
        ...{ kind: 'local', address: node(1), prefixes: [net(1)] },
        transit: this.#random.chance(0.7),
      }),
    ];
    const weights = [0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 7, 7, 8, 0, 1, 2, 11];
    if (this.#random.chance(0.02)) return (pick[9] as () => PlaneCommand)();
    if (this.#random.chance(0.01)) return (pick[10] as () => PlaneCommand)();
    return (pick[weights[this.#random.below(weights.length)] ?? 0] as () => PlaneCommand)();
  }

  #address(): Uint8Array | ReturnType<typeof node> {
    const dice = this.#random.below(12);
    if (dice === 0) return this.#random.bytes(16);
    if (dice === 1) return serviceAddress(1 + this.#random.below(3));
    if (dice === 2) return serviceAddress(9);
    if (dice === 3) return new Uint8Array(16).fill(this.#random.chance(0.5) ? 0xff : 0);
    return node(1 + this.#random.below(LINKS + 2));
  }

  #packet(): Uint8Array {
    if (this.#random.chance(0.04)) return this.#random.bytes(this.#random.below(120));
    const made = packet({
      source: this.#random.chance(0.6) ? node(1) : this.#address(),
      destination: this.#address(),
      hopLimit: this.#random.below(this.#random.chance(0.3) ? 3 : 255),
      protocol: [17, 6, 58, 58, 0, 43, 44, 60][this.#random.below(8)] ?? 17,
      payload: this.#random.bytes(this.#random.below(this.#random.chance(0.2) ? 3_000 : 200)),
    });
    const isEcho = made[6] === 58 && made.length > 48 && this.#random.chance(0.7);
    if (isEcho) made[40] = [128, 129, 1, 3, 137][this.#random.below(5)] ?? 128;
    if (this.#random.chance(0.05)) return made.subarray(0, this.#random.below(made.length + 1));
    if (this.#random.chance(0.05)) return new Uint8Array([...made, ...this.#random.bytes(9)]);
    return made;
  }

  #payload(): Uint8Array {
    const dice = this.#random.below(12);
    if (dice === 0) return new Uint8Array(0);
    if (dice === 1)
      return new Uint8Array([0xa0 + this.#random.below(5), ...this.#random.bytes(40)]);
    if (dice === 2) return this.#random.bytes(1 + this.#random.below(80));
    if (dice > 4) return this.#packet();
    const shape = (this.#random.below(4) << 4) | (1 + this.#random.below(4));
    return new Uint8Array([0xa3, shape, 0, this.#random.below(3), ...this.#packet()]);
  }

  #datagrams(): Uint8Array[] {
    return Array.from({ length: this.#count() }, () => {
      const known = this.#peers.get(this.#which()) ?? [];
      const peer = known[this.#random.below(known.length)];
      if (peer === undefined || this.#random.chance(0.05))
        return this.#random.bytes([64, 92, 148, 31, 200][this.#random.below(5)] ?? 0);
      const counter = this.#random.chance(0.15) ? this.#random.below(9_000) : peer.sent++;
      const sealed = peer.seal(this.#payload(), counter);
      if (this.#random.chance(0.05)) {
        const bit = this.#random.below(sealed.length);
        sealed[bit] = (sealed[bit] ?? 0) ^ 1;
      }
      return sealed;
    });
  }

  #receive(datagrams: readonly Uint8Array[]): void {
    const from = paths[this.#random.below(paths.length)] ?? path(0);
    for (const plane of this.#planes) plane.receive(at(this.#now), from, datagrams);
  }

  #fromTun(packets: readonly Uint8Array[]): void {
    for (const plane of this.#planes) plane.fromTun(at(this.#now), packets);
  }

  #apply(commands: readonly PlaneCommand[]): void {
    for (const plane of this.#planes) plane.apply(at(this.#now), commands);
  }

  #block(isBlocked: boolean): void {
    for (const plane of this.#planes) plane.setBlocked(isBlocked);
  }

  #compare(step: number): void {
    const [portable, native] = this.#planes.map((plane) => ({
      sent: plane.takeSent().map((one) => [one.path, hexOf(one.datagram)]),
      tun: plane.takeTun().map(hexOf),
      events: plane.takeEvents().map((event) => JSON.stringify(event, bytesAsHex)),
      drops: plane.plane.drops(),
      links: Array.from({ length: LINKS }, (_, i) => countersOf(plane, link(i + 1))),
    }));
    expect(native, `step ${step}`).to.deep.equal(portable);
  }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesAsHex = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? hexOf(value) : value;

function countersOf(plane: PlaneUnderTest, of: LinkId): LinkCounters | undefined {
  const into = {} as LinkCounters;
  return plane.plane.readLink(of, into) ? into : undefined;
}

describe('the native plane', () => {
  const loaded = loadNative();
  it('does what the portable one does, byte for byte, whatever comes', function () {
    this.timeout(60_000);
    if (!loaded.ok) this.skip();
    const seeds = Number(process.env.TWINS ?? 12);
    for (let seed = 1; seed <= seeds; seed++) {
      const infoOf = (id: number) => paths[id];
      const planes = [makePortable(infoOf), nativeMaker(loaded.native)(infoOf)] as const;
      try {
        new Twins(seed, planes).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
