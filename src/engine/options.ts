/** One router's settings, as mesh and alanet want them. The router process and the simulator both start here. */

import type { AlanetOptions, Transit } from '../alanet/types.js';
import type { Crypto } from '../base/crypto.js';
import type { Entropy } from '../base/entropy.js';
import type { NodeId } from '../base/ip6.js';
import type { Instant, WallClock } from '../base/time.js';
import { signNode } from '../identity/records.js';
import type { LinkId } from '../link/types.js';
import type { MeshConfig, MeshOptions } from '../mesh/types.js';
import type { LinkCounters } from '../plane/types.js';
import type { NodeRecordBody, Proof, SignedRecord } from '../wire/types.js';

/** The secret half of a node. */
export interface RouterIdentity {
  readonly id: NodeId;
  readonly seed: Uint8Array;
  readonly proof: Proof;
  readonly noisePrivate: Uint8Array;
  readonly noisePublic: Uint8Array;
}

export interface RouterOptions {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly wall: WallClock;
  readonly identity: RouterIdentity;
  /** A number above all that this node has signed with; kept over restarts. */
  readonly nextSeq: () => number;
  /** What `persist` gave before the restart; anything else is ignored. */
  readonly highestSeen: unknown;
  readonly realm: string;
  readonly work: number;
  readonly name: string;
  readonly transit: Transit;
  readonly mesh?: Partial<MeshConfig>;
  /** Offer AES-256-GCM to peers of ours; default false. */
  readonly aes?: boolean;
  /** The plane has a gate for handshakes; default false. */
  readonly gated?: boolean;
  readonly readLink: (link: LinkId, into: LinkCounters) => boolean;
}

/** Ours: a node record lives this long and is signed anew at half its life. */
const NODE_RECORD_LIFE_SECONDS = 14 * 86_400;

/** The newest node record, signed anew when half of its life is over. */
export class NodeRecordSource {
  readonly #options: RouterOptions;
  #signed: SignedRecord | undefined;
  #renewAfterSeconds = 0;
  #transit: Transit;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#transit = options.transit;
  }

  /** The next record says so, and is signed at the next look. */
  setTransit(transit: Transit): void {
    if ((transit === 'full') !== (this.#transit === 'full')) this.#renewAfterSeconds = 0;
    this.#transit = transit;
  }

  current(now: Instant): SignedRecord {
    const seconds = Math.floor(this.#options.wall(now) / 1000);
    if (this.#signed === undefined || seconds >= this.#renewAfterSeconds) this.#sign(seconds);
    return this.#signed as SignedRecord;
  }

  #sign(seconds: number): void {
    const { crypto, identity, realm, name, nextSeq } = this.#options;
    const body: NodeRecordBody = {
      ...{ realm, proof: identity.proof, noiseKey: identity.noisePublic, seq: nextSeq() },
      ...{ notAfter: seconds + NODE_RECORD_LIFE_SECONDS, transit: this.#transit === 'full' },
      ...{
        relay: (this.#options.mesh?.relay ?? 'off') !== 'off',
        name,
        endpoints: [],
        handle: '',
        contact: '',
        tags: [],
      },
    };
    this.#signed = signNode(crypto, identity.seed, body);
    this.#renewAfterSeconds = seconds + NODE_RECORD_LIFE_SECONDS / 2;
  }
}

export interface EngineOptions {
  readonly mesh: MeshOptions;
  readonly alanet: AlanetOptions;
  readonly identity: RouterIdentity;
  readonly record: NodeRecordSource;
}

/** Both machines sign and show the same node record. */
export function engineOptions(options: RouterOptions): EngineOptions {
  const { crypto, entropy, wall, realm, work, name, identity, readLink } = options;
  const shared = { crypto, entropy, wall, realm, work, name };
  const source = new NodeRecordSource(options);
  let lastNow = 0 as Instant;
  const record = (now: Instant): SignedRecord => {
    lastNow = now;
    return source.current(now);
  };
  return {
    identity,
    record: source,
    mesh: {
      ...shared,
      identity: {
        id: identity.id,
        noisePrivateKey: identity.noisePrivate,
        nodeRecord: () => source.current(lastNow),
      },
      readLink,
      aes: options.aes ?? false,
      gated: options.gated ?? false,
      ...(options.mesh && { config: options.mesh }),
    },
    alanet: {
      ...shared,
      identity: { id: identity.id, seed: identity.seed, nodeRecord: record },
      transit: options.transit,
      highestSeen: options.highestSeen,
    },
  };
}
