/** Alanet machines joined by links over virtual time, perfect ones unless a test wants weather. */
import { Alanet, type AlanetEvent, type AlanetOptions } from '../../../src/alanet/alanet.js';
import type { Neighbor } from '../../../src/alanet/session/neighbor.js';
import type { Crypto } from '../../../src/base/crypto.js';
import { type Prefix, prefixOfNode } from '../../../src/base/ip6.js';
import { after, type EpochMillis, type Instant, type Millis } from '../../../src/base/time.js';
import { deriveNode } from '../../../src/identity/address.js';
import { signNode } from '../../../src/identity/records.js';
import type { LinkId } from '../../../src/link/types.js';
import type { FibChange } from '../../../src/plane/types.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import { SeededEntropy } from '../../../src/sim/random.js';
import { decodeBgp } from '../../../src/wire/bgp.js';
import type { BgpMessage, NodeRecordBody, SignedRecord } from '../../../src/wire/types.js';

export const REALM = 'test';
/** 2026-01-01 in seconds. */
export const EPOCH = 1_767_225_600;
export const crypto: Crypto = nodeCrypto();

export interface Keys {
  readonly seed: Uint8Array;
  readonly body: NodeRecordBody;
  readonly record: SignedRecord;
  readonly id: ReturnType<typeof deriveNode>['id'];
}

/** A node's keys and record, always the same for a number. */
export function keysOf(number: number, change: Partial<NodeRecordBody> = {}): Keys {
  const entropy = new SeededEntropy(7, number);
  const seed = entropy.bytes(32);
  const noiseKey = entropy.bytes(32);
  const proof = { publicKey: crypto.ed25519Public(seed), successor: new Uint8Array(32), nonce: 0n };
  const body: NodeRecordBody = {
    ...{
      realm: REALM,
      proof,
      noiseKey,
      seq: 10,
      notAfter: EPOCH + 86_400,
      transit: true,
      relay: false,
    },
    ...{ name: `n${number}`, endpoints: [], handle: '', contact: '', tags: [], ...change },
  };
  const record = signNode(crypto, seed, body);
  return { seed, body, record, id: deriveNode(crypto, body.realm, proof).id };
}

interface End {
  readonly node: TestNode;
  readonly link: LinkId;
  far: End | undefined;
  isUp: boolean;
  /** What was sent in an earlier life of the link is lost. */
  life: number;
  /** Messages of one direction arrive in order. */
  lastArrival: Instant;
}

/** Makes the links less than perfect; without it all that is said is heard at once. */
export interface Weather {
  readonly entropy: SeededEntropy;
  /** Each message takes 0 to this long. */
  readonly delayMsecMax: number;
  /** How often a send is refused as `full`, 0..1. */
  readonly fullRate: number;
}

interface Flight {
  readonly at: Instant;
  readonly job: () => void;
}

/** `writable` comes this long after a refused send. */
const WRITABLE_MSEC = 30;

export class TestNode {
  readonly keys: Keys;
  readonly alanet: Alanet;
  /** What it shows of itself; a test may sign another. */
  record: SignedRecord;
  /** Messages that left, decoded, oldest first. */
  readonly said: BgpMessage[] = [];
  readonly fib = new Map<Prefix, LinkId>();
  readonly events: AlanetEvent[] = [];
  /** What was to be kept last. */
  persisted: unknown;
  readonly ends = new Map<LinkId, End>();
  /** Links that take nothing until `release`. */
  readonly blocked = new Set<LinkId>();

  constructor(number: number, options: Partial<AlanetOptions> = {}) {
    this.keys = keysOf(number);
    const { id, seed, record } = this.keys;
    this.record = record;
    this.alanet = new Alanet({
      ...{ crypto, entropy: new SeededEntropy(3, number), realm: REALM, work: 0 },
      wall: (now: Instant) => (EPOCH * 1000 + now) as EpochMillis,
      identity: { id, seed, nodeRecord: () => this.record },
      ...{ name: `n${number}`, transit: 'full', ...options },
    });
  }

  get prefix(): Prefix {
    return prefixOfNode(this.keys.id);
  }

  setFib(changes: readonly FibChange[]): void {
    for (const change of changes) {
      if (change.kind === 'set') this.fib.set(change.prefix, change.link);
      else this.fib.delete(change.prefix);
    }
  }

  /** The only neighbor, or the first. */
  get neighbor(): Neighbor {
    const [first] = this.alanet.neighbors.values();
    return first as Neighbor;
  }

  has(other: TestNode): boolean {
    return this.alanet.locRib.best(other.prefix) !== undefined;
  }
}

export class TestMesh {
  now = 0 as Instant;
  readonly nodes: TestNode[];
  readonly #weather: Weather | undefined;
  #flights: Flight[] = [];
  #lastLink = 0;

  constructor(nodes: readonly TestNode[], weather?: Weather) {
    this.nodes = [...nodes];
    this.#weather = weather;
    for (const node of nodes) node.alanet.start(this.now);
    this.run();
  }

  add(node: TestNode): void {
    this.nodes.push(node);
    node.alanet.start(this.now);
    this.run();
  }

  /** A link that comes up on both sides. */
  join(a: TestNode, b: TestNode, rttMsec = 1): { readonly a: LinkId; readonly b: LinkId } {
    const left = this.#end(a);
    const right = this.#end(b);
    left.far = right;
    right.far = left;
    this.#up(left, rttMsec);
    this.#up(right, rttMsec);
    this.run();
    return { a: left.link, b: right.link };
  }

  #end(node: TestNode): End {
    const link = ++this.#lastLink as LinkId;
    const end: End = {
      ...{ node, link, far: undefined, isUp: false, life: 0, lastArrival: this.now },
    };
    node.ends.set(link, end);
    return end;
  }

  #up(end: End, rttMsec: number): void {
    const { keys } = end.far?.node ?? end.node;
    end.isUp = true;
    end.node.alanet.handleLink(this.now, {
      ...{ kind: 'up', link: end.link, peer: keys.id, noiseKey: keys.body.noiseKey },
      ...{ name: keys.body.name, rttMsec: rttMsec as Millis, mtu: 1420, transport: 'test' },
    });
  }

  #down(end: End | undefined, reason: string): void {
    if (end === undefined) return;
    end.isUp = false;
    end.life++;
    end.node.alanet.handleLink(this.now, { kind: 'down', link: end.link, reason });
  }

  cut(node: TestNode, link: LinkId): void {
    const end = node.ends.get(link);
    this.#down(end, 'cut');
    this.#down(end?.far, 'cut');
    this.run();
  }

  /** The same link again, after `cut`. */
  mend(node: TestNode, link: LinkId, rttMsec = 1): void {
    const end = node.ends.get(link);
    for (const one of [end, end?.far]) if (one !== undefined) this.#up(one, rttMsec);
    this.run();
  }

  /** Both streams of the link begin anew, as when mesh is told to reset it. */
  reset(node: TestNode, link: LinkId): void {
    this.#reset(node.ends.get(link));
    this.run();
  }

  /** The link's queue has drained. */
  release(node: TestNode, link: LinkId): void {
    node.blocked.delete(link);
    node.alanet.handleLink(this.now, { kind: 'writable', link });
    this.run();
  }

  /** A message as if `from`'s end of the link had sent it. */
  inject(to: TestNode, link: LinkId, message: Uint8Array): void {
    to.alanet.handleLink(this.now, { kind: 'received', link, message });
    this.run();
  }

  advance(msec: number): void {
    const until = this.now + msec;
    this.run();
    for (;;) {
      let next = this.#flights[0]?.at ?? Number.POSITIVE_INFINITY;
      for (const { alanet } of this.nodes) next = Math.min(next, alanet.nextTimeout() ?? next);
      if (next > until) break;
      this.now = Math.max(next, this.now) as Instant;
      this.#arrive();
      for (const { alanet } of this.nodes) {
        if ((alanet.nextTimeout() ?? Number.POSITIVE_INFINITY) <= this.now)
          alanet.handleTimeout(this.now);
      }
      this.run();
    }
    this.now = until as Instant;
  }

  /** Carries out all that is due without time going by. */
  run(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const node of this.nodes) busy = this.#drain(node) || busy;
      busy = this.#arrive() || busy;
    }
  }

  #arrive(): boolean {
    let busy = false;
    while ((this.#flights[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now) {
      this.#flights.shift()?.job();
      busy = true;
    }
    return busy;
  }

  #later(at: Instant, job: () => void): void {
    let index = this.#flights.length;
    while (index > 0 && (this.#flights[index - 1] as Flight).at > at) index--;
    this.#flights.splice(index, 0, { at, job });
  }

  #drain(node: TestNode): boolean {
    let busy = false;
    for (let output = node.alanet.poll(); output !== undefined; output = node.alanet.poll()) {
      busy = true;
      if (output.kind === 'fib') node.setFib(output.changes);
      else if (output.kind === 'event') node.events.push(output.event);
      else if (output.kind === 'persist') node.persisted = output.highestSeen;
      else {
        const { command } = output;
        const end = node.ends.get(command.link);
        if (command.kind === 'send') this.#send(node, end, command.message);
        else this.#later(this.now, () => this.#reset(end));
      }
    }
    return busy;
  }

  #send(node: TestNode, end: End | undefined, message: Uint8Array): void {
    const { link } = end as End;
    if (node.blocked.has(link)) {
      node.alanet.handleSendAnswer(this.now, link, 'full');
      return;
    }
    const { entropy, delayMsecMax, fullRate } = this.#weather ?? {};
    if (entropy?.chance(fullRate ?? 0)) {
      const at = after(this.now, WRITABLE_MSEC);
      this.#later(at, () => node.alanet.handleLink(this.now, { kind: 'writable', link }));
      node.alanet.handleSendAnswer(this.now, link, 'full');
      return;
    }
    const decoded = decodeBgp(message);
    if (decoded.ok) node.said.push(decoded.value);
    const { far, life = 0, lastArrival = this.now } = end ?? ({} as Partial<End>);
    const at = Math.max(lastArrival, this.now + (entropy?.below((delayMsecMax ?? 0) + 1) ?? 0));
    if (end !== undefined) end.lastArrival = at as Instant;
    this.#later(at as Instant, () => {
      if (far?.isUp && end?.life === life)
        far.node.alanet.handleLink(this.now, { kind: 'received', link: far.link, message });
    });
    node.alanet.handleSendAnswer(this.now, link, 'sent');
  }

  #reset(end: End | undefined): void {
    if (end?.isUp !== true) return;
    this.#down(end, 'reset');
    this.#down(end.far, 'reset');
    for (const one of [end, end.far]) if (one !== undefined) this.#up(one, 1);
  }
}

/** A chain of nodes 1, 2, … */
export function line(count: number): { readonly mesh: TestMesh; readonly nodes: TestNode[] } {
  const nodes = Array.from({ length: count }, (_, i) => new TestNode(i + 1));
  const mesh = new TestMesh(nodes);
  for (let i = 1; i < count; i++) mesh.join(nodes[i - 1] as TestNode, nodes[i] as TestNode);
  mesh.advance(5_000);
  return { mesh, nodes };
}
