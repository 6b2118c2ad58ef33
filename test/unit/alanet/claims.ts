/** UPDATEs as a hostile or a very large neighbor would write them. */
import type { Neighbor } from '../../../src/alanet/session/neighbor.js';
import { addressBytes, type NodeId } from '../../../src/base/ip6.js';
import { countersignLink, proposeLink } from '../../../src/identity/records.js';
import type { LinkId } from '../../../src/link/types.js';
import { encodeBgp } from '../../../src/wire/bgp.js';
import type { BgpUpdate, LinkRecordBody, SignedRecord } from '../../../src/wire/types.js';
import { crypto, EPOCH, type Keys, type TestMesh, type TestNode } from './mesh.js';

const NOTHING = {
  ...{ kind: 'update', records: [], paths: [], routes: [], withdrawn: [], beginOfRib: false },
  ...{ endOfRib: false, forgetPaths: [], forgetRecords: [], malformed: [] },
} as const satisfies BgpUpdate;

export const update = (parts: Partial<BgpUpdate>): Uint8Array =>
  encodeBgp({ ...NOTHING, ...parts });

export function linkBody(
  one: NodeId,
  other: NodeId,
  change: Partial<LinkRecordBody> = {},
): LinkRecordBody {
  const [a, b] = one < other ? [one, other] : [other, one];
  return {
    ...{ a: addressBytes(a), b: addressBytes(b), seq: EPOCH, notAfter: EPOCH + 86_400 },
    ...{ roleA: 1, roleB: 1, costClass: 1, down: false, ...change },
  };
}

/** Signed by both ends. */
export function linkRecord(
  one: Keys,
  other: Keys,
  change: Partial<LinkRecordBody> = {},
): SignedRecord {
  const [low, high] = one.id < other.id ? [one, other] : [other, one];
  const body = linkBody(one.id, other.id, change);
  return countersignLink(crypto, high.seed, proposeLink(crypto, low.seed, body));
}

export const linkAt = (node: TestNode, i = 0): LinkId => [...node.ends.keys()][i] as LinkId;

export const neighborAt = (node: TestNode, i = 0): Neighbor =>
  node.alanet.neighbors.get(linkAt(node, i)) as Neighbor;

/** Says that `via` has a link to each of the nodes; ids from `first`, four for each. */
export function announceBehind(
  { mesh, to, link }: { readonly mesh: TestMesh; readonly to: TestNode; readonly link: LinkId },
  via: Keys,
  nodes: readonly Keys[],
  { first = 1000, parent = 0, change = {} as Partial<LinkRecordBody> } = {},
): void {
  for (let start = 0; start < nodes.length; start += 50) {
    const some = nodes.slice(start, start + 50).map((keys, i) => ({
      ...{ keys, origin: first + 4 * (start + i), link: first + 4 * (start + i) + 1 },
    }));
    const message = update({
      records: some.flatMap(({ keys, origin, link: id }) => [
        { id: origin, record: keys.record },
        { id, record: linkRecord(via, keys, change) },
      ]),
      paths: some.map(({ origin, link: id }) => ({ id: origin, parent, link: id })),
      routes: some.map(({ origin }) => ({ origin, path: origin, communities: [] })),
    });
    mesh.inject(to, link, message);
  }
}
