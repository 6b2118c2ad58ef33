/** Makes the mesh's configured peers those that are wanted: what did not change is not touched. */
import { toHex } from '../base/bytes.js';
import type { Instant } from '../base/time.js';
import type { Engine } from '../engine/engine.js';
import type { PeerSpec } from '../mesh/types.js';
import type { NamedSpec } from './peer-specs.js';

interface Applied {
  /** Where the peer is and what it is called: may change while its link stays up. */
  readonly reach: string;
  /** What its session is made of: a change needs a new link. */
  readonly terms: string;
}

export interface PeerChanges {
  readonly changes: string[];
  /** In words, for the log. */
  readonly refused: string[];
}

export class PeerApplier {
  readonly #engine: Engine;
  readonly #applied = new Map<string, Applied>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @param known Others that may come by themselves; a link to one of them is not ended when it is not wanted any more. */
  apply(now: Instant, wanted: readonly NamedSpec[], known: readonly NamedSpec[] = []): PeerChanges {
    const result: PeerChanges = { changes: [], refused: [] };
    const byKey = new Map(known.map(({ spec }) => [toHex(spec.key), spec]));
    this.#removeOthers(now, new Set(wanted.map(({ id }) => id)), byKey, result);
    this.#engine.commandMesh(now, { kind: 'set-known', peers: byKey });
    for (const { id, spec } of wanted) this.#put(now, id, spec, result);
    return result;
  }

  #removeOthers(
    now: Instant,
    wanted: ReadonlySet<string>,
    known: ReadonlyMap<string, PeerSpec>,
    { changes }: PeerChanges,
  ): void {
    for (const row of this.#engine.mesh.peers()) {
      if (row.source !== 'configured' || wanted.has(row.key)) continue;
      const key = keyOf(row.key);
      if (known.has(toHex(key))) {
        this.#engine.commandMesh(now, { kind: 'release-peer', key });
        this.#applied.delete(row.key);
        changes.push(`peer ${row.name || row.key} is not dialed any more`);
      } else {
        this.#remove(now, row.key);
        changes.push(`removed peer ${row.name || row.key}`);
      }
    }
  }

  #remove(now: Instant, id: string): void {
    this.#engine.commandMesh(now, { kind: 'remove-peer', key: keyOf(id) });
    this.#applied.delete(id);
  }

  #put(now: Instant, id: string, spec: PeerSpec, { changes, refused }: PeerChanges): void {
    const before = this.#applied.get(id);
    const after = described(spec);
    if (before?.reach === after.reach && before.terms === after.terms) return;
    if (before !== undefined && before.terms !== after.terms) this.#remove(now, id);
    const answer = this.#engine.commandMesh(now, { kind: 'add-peer', peer: spec });
    const who = spec.name || id;
    if (!answer.ok) refused.push(`peer ${who} is refused: ${answer.error}`);
    else {
      this.#applied.set(id, after);
      changes.push(`${before === undefined ? 'added' : 'changed'} peer ${who}`);
    }
  }
}

const keyOf = (id: string): Uint8Array => Uint8Array.from(Buffer.from(id, 'base64url'));

function described({ name, endpoints, id, presharedKey, stock, invite }: PeerSpec): Applied {
  const prefixes = stock?.prefixes.map(({ address, length }) => `${toHex(address)}/${length}`);
  const secret = presharedKey === undefined ? '' : toHex(presharedKey);
  return {
    reach: JSON.stringify([name, endpoints, id, invite === undefined ? '' : toHex(invite.id)]),
    terms: JSON.stringify([secret, prefixes, stock?.keepaliveMsec]),
  };
}
