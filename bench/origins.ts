/** Members by the thousand, each with keys of its own and one link, to the speaker: what a large realm announces. */
import { compareBytes } from '../src/base/bytes.js';
import type { Crypto } from '../src/base/crypto.js';
import type { Entropy } from '../src/base/entropy.js';
import { addressBytes } from '../src/base/ip6.js';
import type { RouterIdentity } from '../src/engine/options.js';
import { countersignLink, proposeLink, signNode } from '../src/identity/records.js';
import { seededIdentity } from '../src/sim/identity.js';
import { encodeBgp } from '../src/wire/bgp.js';
import type { BgpUpdate, LinkRecordBody, SignedRecord } from '../src/wire/types.js';

export const REALM = 'bench';
const LIFE_SECONDS = 86_400;
/** As the router fills its UPDATEs: about 12 kB. */
const ORIGINS_PER_UPDATE = 20;
const WITHDRAWN_PER_UPDATE = 500;
/** Far above what the speaker itself uses on the session. */
const FIRST_ID = 1_000_000;

export interface Origin {
  readonly node: SignedRecord;
  readonly link: SignedRecord;
}

export interface Signing {
  readonly crypto: Crypto;
  readonly entropy: Entropy;
  readonly nowSeconds: number;
}

export function nodeRecord(
  { crypto, nowSeconds }: Signing,
  who: RouterIdentity,
  name: string,
): SignedRecord {
  return signNode(crypto, who.seed, {
    ...{ realm: REALM, proof: who.proof, noiseKey: who.noisePublic, seq: nowSeconds },
    ...{ notAfter: nowSeconds + LIFE_SECONDS, transit: true, relay: false, name },
    ...{ endpoints: [], handle: '', contact: '', tags: [] },
  });
}

/** A member, and the link between it and the speaker as both signed it. */
export function makeOrigin(signing: Signing, speaker: RouterIdentity, name: string): Origin {
  const { crypto, entropy, nowSeconds } = signing;
  const member = seededIdentity(crypto, entropy, REALM);
  const ends = [speaker, member].map((end) => ({ end, bytes: addressBytes(end.id) }));
  const [low, high] = ends.sort((x, y) => compareBytes(x.bytes, y.bytes));
  if (low === undefined || high === undefined) throw new Error('a link has two ends');
  const body: LinkRecordBody = {
    ...{ a: low.bytes, b: high.bytes, seq: nowSeconds, notAfter: nowSeconds + LIFE_SECONDS },
    ...{ roleA: 1, roleB: 1, costClass: 1 + entropy.below(50), down: false },
  };
  const proposal = proposeLink(crypto, low.end.seed, body);
  return {
    node: nodeRecord(signing, member, name),
    link: countersignLink(crypto, high.end.seed, proposal),
  };
}

const NOTHING = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [] },
  ...{ beginOfRib: false, endOfRib: false, forgetPaths: [], forgetRecords: [], malformed: [] },
} as const satisfies BgpUpdate;

const nodeIdAt = (i: number): number => FIRST_ID + 2 * i;
const linkIdAt = (i: number): number => FIRST_ID + 2 * i + 1;

/** The UPDATEs, encoded, that announce them all from the speaker. */
export function announcements(origins: readonly Origin[]): Uint8Array[] {
  return chunks(origins, ORIGINS_PER_UPDATE).map(({ from, items }) => {
    const records = items.flatMap(({ node, link }, i) => [
      { id: nodeIdAt(from + i), record: node },
      { id: linkIdAt(from + i), record: link },
    ]);
    const ids = items.map((_, i) => from + i);
    const paths = ids.map((i) => ({ id: linkIdAt(i), parent: 0, link: linkIdAt(i) }));
    const routes = ids.map((i) => ({ origin: nodeIdAt(i), path: linkIdAt(i), communities: [] }));
    return encodeBgp({ ...NOTHING, records, paths, routes });
  });
}

/** The UPDATEs, encoded, that withdraw them all again and forget their ids. */
export function withdrawals(count: number): Uint8Array[] {
  const all = Array.from({ length: count }, (_, i) => i);
  return chunks(all, WITHDRAWN_PER_UPDATE).map(({ items }) =>
    encodeBgp({
      ...{ ...NOTHING, withdrawn: items.map(nodeIdAt), forgetPaths: items.map(linkIdAt) },
      forgetRecords: items.flatMap((i) => [nodeIdAt(i), linkIdAt(i)]),
    }),
  );
}

function chunks<T>(
  items: readonly T[],
  size: number,
): { readonly from: number; readonly items: readonly T[] }[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => {
    return { from: i * size, items: items.slice(i * size, (i + 1) * size) };
  });
}
