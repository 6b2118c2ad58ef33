/**
 * Which members of a realm a node dials. Two of them are its successors on a ring of all members by key: as every node
 * dials its own two, the mesh holds together when any one node is gone (a circulant graph is as connected as its degree).
 * The rest are those that its owner wishes for, relays, and the nearest. All others may still dial us.
 */
import { compareBytes } from '../base/bytes.js';

export interface Choosable {
  /** X25519, 32 bytes. */
  readonly key: Uint8Array;
  readonly handle: string;
  readonly tags: readonly string[];
  readonly relay: boolean;
  /** It has endpoints. */
  readonly isDialable: boolean;
}

export interface Policy {
  /** all: whoever fits `handles` and `tags`. auto: at most `most` of them. none: nobody. */
  readonly peers: 'auto' | 'all' | 'none';
  readonly most: number;
  /** Empty: of any handle. */
  readonly handles: readonly string[];
  /** Empty: with any tags; else with at least one of these. */
  readonly tags: readonly string[];
  readonly relaysFirst: boolean;
}

/** What is known of one member, by experience. */
export interface Experience {
  readonly isUp: boolean;
  /** It was dialed for long and did not answer. */
  readonly isDead: boolean;
  /** Undefined: never measured. */
  readonly rttMsec: number | undefined;
}

export type Why = 'ring' | 'relay' | 'near' | 'spread' | 'wished';

/** Ours: successors on the ring, and relays where they go first. */
const SUCCESSORS = 2;
const RELAYS = 2;

export interface Choice<M> {
  /** Our own X25519 key. */
  readonly own: Uint8Array;
  readonly members: readonly M[];
  readonly policy: Policy;
  readonly experience: (member: M) => Experience;
  /** It is dialed so far: it is kept unless another is clearly better. */
  readonly isChosen: (member: M) => boolean;
}

/** @returns Whom to dial, and why each. Equal input gives equal output. */
export function choose<M extends Choosable>(choice: Choice<M>): Map<M, Why> {
  const { own, policy, experience } = choice;
  const fitting = choice.members.filter((one) => fits(one, policy));
  if (policy.peers === 'none') return new Map();
  if (policy.peers === 'all' || fitting.length <= policy.most) {
    return new Map(fitting.map((member) => [member, 'wished']));
  }
  const picked = new Map<M, Why>();
  const pick = (from: readonly M[], most: number, why: (member: M) => Why): void => {
    const room = Math.min(most, policy.most - picked.size);
    const others = from.filter((one) => !picked.has(one));
    for (const one of others.slice(0, room)) picked.set(one, why(one));
  };
  const dialable = fitting.filter((one) => one.isDialable);
  const ring = ringAfter(own, dialable);
  const living = ring.filter((one) => !experience(one).isDead);
  pick(living, SUCCESSORS, () => 'ring');
  const near = byRank(choice, living);
  if (policy.relaysFirst)
    pick(
      near.filter((one) => one.relay),
      RELAYS,
      () => 'relay',
    );
  const isMeasured = (one: M): boolean => experience(one).rttMsec !== undefined;
  pick(near, policy.most, (one) => (isMeasured(one) ? 'near' : 'spread'));
  pick(ring, policy.most, () => 'spread'); // too few live: the dead are dialed on
  return picked;
}

const fits = ({ handle, tags }: Choosable, { handles, tags: wanted }: Policy): boolean =>
  (handles.length === 0 || handles.includes(handle)) &&
  (wanted.length === 0 || tags.some((tag) => wanted.includes(tag)));

/** All in the order of their keys, beginning after ours. */
function ringAfter<M extends Choosable>(own: Uint8Array, members: readonly M[]): M[] {
  const sorted = [...members].sort((a, b) => compareBytes(a.key, b.key));
  const first = sorted.findIndex(({ key }) => compareBytes(key, own) > 0);
  return first < 0 ? sorted : [...sorted.slice(first), ...sorted.slice(0, first)];
}

/** A measured round trip counts in steps that grow, so that a link is not left for one a little nearer. */
const RTT_STEP = 1.5;
/** Ours: where one that was never measured stands: better than far ones, worse than near ones. */
const UNKNOWN_RTT_MSEC = 60;

/** Nobody is left for one that was never met, however far: else every far node would meet everybody in the end. */
function groupOf({ isUp, rttMsec }: Experience, step: number): number {
  if (isUp) return 0;
  if (rttMsec === undefined) return 1;
  return step <= stepOf(UNKNOWN_RTT_MSEC) ? 0 : 2;
}

const stepOf = (msec: number): number =>
  Math.floor(Math.log(Math.max(msec, 1)) / Math.log(RTT_STEP));

/** The nearest first; among equals those that are up or dialed already, then in an order of our own. */
function byRank<M extends Choosable>(
  { own, experience, isChosen }: Choice<M>,
  members: readonly M[],
): M[] {
  const rank = (one: M): readonly number[] => {
    const { rttMsec, isUp } = experience(one);
    const step = stepOf(rttMsec ?? UNKNOWN_RTT_MSEC);
    return [
      groupOf(experience(one), step),
      step,
      isUp ? 0 : 1,
      isChosen(one) ? 0 : 1,
      mixed(own, one.key),
    ];
  };
  return members
    .map((one) => ({ one, rank: rank(one) }))
    .sort((a, b) => compareRanks(a.rank, b.rank))
    .map(({ one }) => one);
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

/** A number of both keys, another for each pair (FNV-1a, 32 bits): every node spreads its links in its own way. */
function mixed(own: Uint8Array, key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const bytes of [own, key]) {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}
