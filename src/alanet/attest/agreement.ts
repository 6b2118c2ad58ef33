/**
 * How two neighbors come to a LinkRecord that both signed. The lower end proposes, the higher countersigns; the higher
 * asks for a proposal (an agreement without a record) when it wants another. No routes cross a link without a record.
 */
import type { Crypto } from '../../base/crypto.js';
import type { Entropy } from '../../base/entropy.js';
import { addressBytes, type NodeId } from '../../base/ip6.js';
import { countersignLink, proposeLink, signDown, verifyProposal } from '../../identity/records.js';
import type { BgpMessage, LinkRecordBody, SignedRecord } from '../../wire/types.js';
import type { CostClass } from './cost.js';
import { isUp, type LinkEntry, SEQ_PROPOSED_MAX, type Subjects, seqOf } from './subjects.js';

/** What the two ends say to each other about their link. */
export type AgreementMessage = Extract<BgpMessage, { kind: 'link-proposal' | 'link-agreement' }>;

/** DESIGN §4: a day or more; the jitter spreads renewals. */
const LIFE_SECONDS = 2 * 86_400;
const LIFE_JITTER_SECONDS = 86_400 / 2;
/** RFC 9234's values as `proto` has them: 1 is peer. */
const ROLE_PEER = 1;

export interface AgreementParts {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly seed: Uint8Array;
  readonly own: NodeId;
  readonly peer: NodeId;
  readonly subjects: Subjects;
  readonly cost: CostClass;
}

export class Agreement {
  readonly entry: LinkEntry;
  readonly #parts: AgreementParts;
  /** What the higher end last told (at the lower), or what we last told (at the higher). */
  #toldClass = 0;
  #peerSeq = 0;

  constructor(parts: AgreementParts) {
    this.#parts = parts;
    this.entry = parts.subjects.entryOf(parts.own, parts.peer);
  }

  get isProposer(): boolean {
    return this.#parts.own < this.#parts.peer;
  }

  get inForce(): boolean {
    return isUp(this.entry);
  }

  /** The record in force says something else than we would sign now, or half of its life is over. */
  isDue(nowSeconds: number): boolean {
    const body = this.entry.up?.body;
    if (!this.inForce || body === undefined) return true;
    if (body.notAfter - nowSeconds < LIFE_SECONDS / 2) return true;
    if (!this.isProposer) return this.#toldClass !== this.#parts.cost.current;
    return body.costClass !== this.#wanted();
  }

  /** The proposer's own class, unless the other end measures clearly more. */
  #wanted(): number {
    const own = this.#parts.cost.current;
    return this.#toldClass > own + 1 ? this.#toldClass : own;
  }

  /** What we send to get a new record. */
  ask(nowSeconds: number): AgreementMessage {
    if (!this.isProposer) {
      const costClass = this.#parts.cost.current;
      this.#toldClass = costClass;
      return { kind: 'link-agreement', record: undefined, costClass, seqSeen: seqOf(this.entry) };
    }
    const { crypto, seed } = this.#parts;
    const body = this.#body({ nowSeconds, costClass: this.#wanted(), down: false });
    return { kind: 'link-proposal', record: proposeLink(crypto, seed, body) };
  }

  #body({
    nowSeconds,
    costClass,
    down,
  }: {
    nowSeconds: number;
    costClass: number;
    down: boolean;
  }): LinkRecordBody {
    const { own, peer, entropy } = this.#parts;
    const [a, b] = own < peer ? [own, peer] : [peer, own];
    return {
      ...{
        a: addressBytes(a),
        b: addressBytes(b),
        roleA: ROLE_PEER,
        roleB: ROLE_PEER,
        costClass,
        down,
      },
      seq: Math.max(seqOf(this.entry) + 1, this.#peerSeq + 1, nowSeconds),
      notAfter: nowSeconds + LIFE_SECONDS + entropy.below(LIFE_JITTER_SECONDS),
    };
  }

  /**
   * The higher end's side. @returns The answer, and the record when we countersigned; a fault for what no honest lower
   * end sends.
   */
  handleProposal(
    proposal: SignedRecord,
    nowSeconds: number,
  ):
    | { readonly answer: AgreementMessage; readonly record?: SignedRecord }
    | { readonly fault: string } {
    const { crypto, seed, subjects, cost, own, peer } = this.#parts;
    if (own < peer) return { fault: 'the lower end proposes, not the higher' };
    const checked = verifyProposal(crypto, proposal, {
      publicKeyOf: subjects.publicKeyOf,
      nowSeconds,
    });
    if (!checked.ok) return { fault: `link proposal: ${checked.error}` };
    const { a, b, seq, costClass } = checked.value;
    const { entry } = this;
    if (!equalEnds(a, entry.a) || !equalEnds(b, entry.b))
      return { fault: 'link proposal for another link' };
    if (seq > SEQ_PROPOSED_MAX) return { fault: `link proposal: seq ${seq} leaves no room` };
    this.#toldClass = cost.current;
    const refused = {
      kind: 'link-agreement',
      record: undefined,
      costClass: cost.current,
      seqSeen: seqOf(entry),
    } as const;
    if (seq <= seqOf(entry) || costClass < cost.current - 1) return { answer: refused };
    const record = countersignLink(crypto, seed, proposal);
    return { answer: { ...refused, record, seqSeen: seq }, record };
  }

  /** What the higher end says of itself; the next `ask` respects it. */
  noteOther(costClass: number, seqSeen: number): void {
    if (this.isProposer) this.#toldClass = Math.min(Math.max(costClass, 1), 255);
    this.#peerSeq = Math.min(seqSeen, SEQ_PROPOSED_MAX - 1);
  }

  /** Our word alone that the link is down; only where it was up. */
  down(nowSeconds: number): SignedRecord | undefined {
    if (!this.inForce) return undefined;
    const { crypto, seed, own, peer } = this.#parts;
    const body = this.#body({
      nowSeconds,
      costClass: this.entry.up?.body.costClass ?? 1,
      down: true,
    });
    return signDown(crypto, seed, body, own < peer ? 'a' : 'b');
  }
}

const equalEnds = (bytes: Uint8Array, id: NodeId): boolean =>
  addressBytes(id).every((byte, i) => byte === bytes[i]);
