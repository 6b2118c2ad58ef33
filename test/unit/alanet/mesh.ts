/** Alanet machines joined by perfect links over virtual time: what one sends the other receives at once. */
import { Alanet, type AlanetOptions } from '../../../src/alanet/alanet.js';
import type { Crypto } from '../../../src/base/crypto.js';
import { type Prefix, prefixOfNode } from '../../../src/base/ip6.js';
import type { EpochMillis, Instant, Millis } from '../../../src/base/time.js';
import { deriveNode } from '../../../src/identity/address.js';
import { signNode } from '../../../src/identity/records.js';
import type { LinkId } from '../../../src/link/types.js';
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
    ...{ name: `n${number}`, endpoints: [], handle: '', contact: '', ...change },
  };
  const record = signNode(crypto, seed, body);
  return { seed, body, record, id: deriveNode(crypto, body.realm, proof).id };
}

interface End {
  readonly node: TestNode;
  readonly link: LinkId;
  far: End | undefined;
}

export class TestNode {
  readonly keys: Keys;
  readonly alanet: Alanet;
  /** Messages that left, decoded, oldest first. */
  readonly said: BgpMessage[] = [];
  readonly fib = new Map<Prefix, LinkId>();
  readonly ends = new Map<LinkId, End>();

  constructor(number: number, options: Partial<AlanetOptions> = {}) {
    this.keys = keysOf(number);
    const { id, seed, record } = this.keys;
    this.alanet = new Alanet({
      ...{ crypto, entropy: new SeededEntropy(3, number), realm: REALM, work: 0 },
      wall: (now: Instant) => (EPOCH * 1000 + now) as EpochMillis,
      identity: { id, seed, nodeRecord: () => record },
      ...{ name: `n${number}`, transit: 'full', ...options },
    });
  }

  get prefix(): Prefix {
    return prefixOfNode(this.keys.id);
  }

  has(other: TestNode): boolean {
    return this.alanet.locRib.best(other.prefix) !== undefined;
  }
}

export class TestMesh {
  now = 0 as Instant;
  readonly nodes: TestNode[];
  readonly #queue: (() => void)[] = [];
  #lastLink = 0;

  constructor(nodes: readonly TestNode[]) {
    this.nodes = [...nodes];
    for (const node of nodes) node.alanet.start(this.now);
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
    const end: End = { node, link, far: undefined };
    node.ends.set(link, end);
    return end;
  }

  #up(end: End, rttMsec: number): void {
    const { keys } = end.far?.node ?? end.node;
    end.node.alanet.handleLink(this.now, {
      ...{ kind: 'up', link: end.link, peer: keys.id, noiseKey: keys.body.noiseKey },
      ...{ name: keys.body.name, rttMsec: rttMsec as Millis, mtu: 1420, transport: 'test' },
    });
  }

  cut(node: TestNode, link: LinkId): void {
    const end = node.ends.get(link);
    for (const one of [end, end?.far]) {
      one?.node.alanet.handleLink(this.now, { kind: 'down', link: one.link, reason: 'cut' });
    }
    this.run();
  }

  /** A message as if `from`'s end of the link had sent it. */
  inject(to: TestNode, link: LinkId, message: Uint8Array): void {
    to.alanet.handleLink(this.now, { kind: 'received', link, message });
    this.run();
  }

  advance(msec: number): void {
    const until = this.now + msec;
    for (;;) {
      let next = Number.POSITIVE_INFINITY;
      for (const { alanet } of this.nodes) next = Math.min(next, alanet.nextTimeout() ?? next);
      if (next > until) break;
      this.now = Math.max(next, this.now) as Instant;
      for (const { alanet } of this.nodes) {
        if ((alanet.nextTimeout() ?? Number.POSITIVE_INFINITY) <= this.now)
          alanet.handleTimeout(this.now);
      }
      this.run();
    }
    this.now = until as Instant;
  }

  run(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const node of this.nodes) busy = this.#drain(node) || busy;
      for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
        busy = true;
        job();
      }
    }
  }

  #drain(node: TestNode): boolean {
    let busy = false;
    for (let output = node.alanet.poll(); output !== undefined; output = node.alanet.poll()) {
      busy = true;
      if (output.kind === 'fib') {
        for (const change of output.changes) {
          if (change.kind === 'set') node.fib.set(change.prefix, change.link);
          else node.fib.delete(change.prefix);
        }
      }
      if (output.kind !== 'link') continue;
      const { command } = output;
      const end = node.ends.get(command.link);
      if (command.kind === 'send') {
        const decoded = decodeBgp(command.message);
        if (decoded.ok) node.said.push(decoded.value);
        this.#queue.push(() => this.#deliver(end?.far, command.message));
        node.alanet.handleSendAnswer(this.now, command.link, 'sent');
      } else this.#queue.push(() => this.#reset(end));
    }
    return busy;
  }

  #deliver(to: End | undefined, message: Uint8Array): void {
    to?.node.alanet.handleLink(this.now, { kind: 'received', link: to.link, message });
  }

  #reset(end: End | undefined): void {
    for (const one of [end, end?.far]) {
      one?.node.alanet.handleLink(this.now, { kind: 'down', link: one.link, reason: 'reset' });
    }
    for (const one of [end, end?.far]) if (one !== undefined) this.#up(one, 1);
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
