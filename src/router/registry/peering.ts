/** Whom of the members in force this router dials: the choice made anew as links come up, are measured, and die. */
import { fromBase64 } from '../../base/bytes.js';
import {
  type Choosable,
  choose,
  type Experience,
  type Policy,
  type Why,
} from '../../registry/choose.js';
import type { StoredPeer } from '../peer-store.js';
import type { MemberInForce } from './state.js';

/** Ours: a link that is down for so long is one that does not work. */
const DOWN_MSEC_MAX = 20_000;
/** Ours: then others are dialed instead for this long. */
const DEAD_MSEC = 300_000;

/** One peer of the mesh, as `links` and `peer list` have it. */
export interface SeenPeer {
  /** base64url */
  readonly key: string;
  readonly isUp: boolean;
  readonly rttMsec: number | null;
}

interface Candidate extends Choosable {
  /** base64url */
  readonly id: string;
  readonly peer: StoredPeer;
}

interface Known {
  rttMsec?: number;
  /** It is dialed and down since then; undefined while up or not dialed. */
  downSince?: number | undefined;
  deadUntil?: number | undefined;
  isUp: boolean;
}

export class Peering {
  readonly #own: Uint8Array;
  readonly #known = new Map<string, Known>();
  #members: readonly Candidate[] = [];
  #policy: Policy;
  #chosen = new Map<string, Why>();

  /** @param own Our X25519 key. */
  constructor(own: Uint8Array, policy: Policy) {
    this.#own = own;
    this.#policy = policy;
  }

  setPolicy(policy: Policy): void {
    this.#policy = policy;
  }

  /** @param members In force, not expired, without ourselves. */
  setMembers(members: readonly MemberInForce[]): void {
    this.#members = members.flatMap(
      ({ key: id, id: address, name, handle, endpoints, relay, tags = [] }) => {
        const key = fromBase64(id);
        if (key?.length !== 32) return [];
        const peer = { key, id: address, name, endpoints };
        return [{ id, key, handle, relay, tags, peer, isDialable: endpoints.length > 0 }];
      },
    );
    const ids = new Set(this.#members.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }

  /** Learns how links are. @returns Whether a choice made now could be another one. */
  look(nowMsec: number, seen: readonly SeenPeer[]): boolean {
    const rows = new Map(seen.map((row) => [row.key, row]));
    let isNews = false;
    for (const { id } of this.#members) {
      const row = rows.get(id);
      const isDialed = this.#chosen.has(id);
      if (row === undefined && !isDialed && !this.#known.has(id)) continue;
      isNews = this.#learn(nowMsec, id, { row, isDialed }) || isNews;
    }
    return isNews;
  }

  #learn(
    nowMsec: number,
    id: string,
    { row, isDialed }: { readonly row: SeenPeer | undefined; readonly isDialed: boolean },
  ): boolean {
    const known = this.#known.get(id) ?? { isUp: false };
    this.#known.set(id, known);
    const wasMeasured = known.rttMsec !== undefined;
    const wasUp = known.isUp;
    known.isUp = row?.isUp ?? false;
    if (known.isUp && row?.rttMsec) known.rttMsec = row.rttMsec;
    const isOver = known.deadUntil !== undefined && (known.isUp || known.deadUntil <= nowMsec);
    if (isOver) known.deadUntil = undefined;
    known.downSince = known.isUp || !isDialed ? undefined : (known.downSince ?? nowMsec);
    const since = known.downSince;
    if (since !== undefined && nowMsec - since >= DOWN_MSEC_MAX && !this.#isDead(nowMsec, known)) {
      known.deadUntil = nowMsec + DEAD_MSEC;
      known.downSince = nowMsec + DEAD_MSEC;
      return true;
    }
    return isOver || known.isUp !== wasUp || (known.rttMsec !== undefined) !== wasMeasured;
  }

  #isDead(nowMsec: number, known: Known | undefined): boolean {
    return (known?.deadUntil ?? 0) > nowMsec;
  }

  /** @returns Whether others are dialed than before. */
  choose(nowMsec: number): boolean {
    const experience = ({ id }: Candidate): Experience => {
      const known = this.#known.get(id);
      const isDead = this.#isDead(nowMsec, known);
      return { isUp: known?.isUp ?? false, isDead, rttMsec: known?.rttMsec };
    };
    const isChosen = ({ id }: Candidate): boolean => this.#chosen.has(id);
    const members = this.#members;
    const chosen = choose({ own: this.#own, members, policy: this.#policy, experience, isChosen });
    const before = this.#chosen;
    this.#chosen = new Map([...chosen].map(([{ id }, why]) => [id, why]));
    return (
      before.size !== this.#chosen.size || [...before.keys()].some((id) => !this.#chosen.has(id))
    );
  }

  /** Those that are dialed. */
  dialed(): StoredPeer[] {
    return this.#members.filter(({ id }) => this.#chosen.has(id)).map(({ peer }) => peer);
  }

  /** Those that may come by themselves. */
  others(): StoredPeer[] {
    return this.#members.filter(({ id }) => !this.#chosen.has(id)).map(({ peer }) => peer);
  }

  /** Why this key is dialed; null when it is not. */
  why(id: string): Why | null {
    return this.#chosen.get(id) ?? null;
  }
}
