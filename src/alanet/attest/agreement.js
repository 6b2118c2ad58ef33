import { addressBytes } from '../../base/ip6.js';
import { countersignLink, proposeLink, signDown, verifyProposal } from '../../identity/records.js';
import { isUp, seqOf } from './subjects.js';

/** DESIGN §4: a day or more; the jitter spreads renewals. */
const LIFE_SECONDS = 2 * 86_400;
const LIFE_JITTER_SECONDS = 86_400 / 2;
/** RFC 9234's values as `proto` has them: 1 is peer. */
const ROLE_PEER = 1;
export class Agreement {
  entry;
  #parts;
  /** What the higher end last told (at the lower), or what we last told (at the higher). */
  #toldClass = 0;
  #peerSeq = 0;
  constructor(parts) {
    this.#parts = parts;
    this.entry = parts.subjects.entryOf(parts.own, parts.peer);
  }
  get isProposer() {
    return this.#parts.own < this.#parts.peer;
  }
  get inForce() {
    return isUp(this.entry);
  }
  /** The record in force says something else than we would sign now, or half of its life is over. */
  isDue(nowSeconds) {
    const body = this.entry.up?.body;
    if (!this.inForce || body === undefined) return true;
    if (body.notAfter - nowSeconds < LIFE_SECONDS / 2) return true;
    if (!this.isProposer) return this.#toldClass !== this.#parts.cost.current;
    return body.costClass !== this.#wanted();
  }
  /** The proposer's own class, unless the other end measures clearly more. */
  #wanted() {
    const own = this.#parts.cost.current;
    return this.#toldClass > own + 1 ? this.#toldClass : own;
  }
  /** What we send to get a new record. */
  ask(nowSeconds) {
    if (!this.isProposer) {
      const costClass = this.#parts.cost.current;
      this.#toldClass = costClass;
      return { kind: 'link-agreement', record: undefined, costClass, seqSeen: seqOf(this.entry) };
    }
    const { crypto, seed } = this.#parts;
    const body = this.#body({ nowSeconds, costClass: this.#wanted(), down: false });
    return { kind: 'link-proposal', record: proposeLink(crypto, seed, body) };
  }
  #body({ nowSeconds, costClass, down }) {
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
  handleProposal(proposal, nowSeconds) {
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
    this.#toldClass = cost.current;
    const refused = {
      kind: 'link-agreement',
      record: undefined,
      costClass: cost.current,
      seqSeen: seqOf(entry),
    };
    if (seq <= seqOf(entry) || costClass < cost.current - 1) return { answer: refused };
    const record = countersignLink(crypto, seed, proposal);
    return { answer: { ...refused, record, seqSeen: seq }, record };
  }
  /** What the higher end says of itself; the next `ask` respects it. */
  noteOther(costClass, seqSeen) {
    if (this.isProposer) this.#toldClass = Math.min(Math.max(costClass, 1), 255);
    this.#peerSeq = Math.min(seqSeen, Number.MAX_SAFE_INTEGER - 2);
  }
  /** Our word alone that the link is down; only where it was up. */
  down(nowSeconds) {
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
const equalEnds = (bytes, id) => addressBytes(id).every((byte, i) => byte === bytes[i]);
