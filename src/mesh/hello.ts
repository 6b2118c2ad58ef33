/** The first message each way on a new control channel: it binds the session's static key to a node. */
import { formatNodeId, type NodeId } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import type { Instant } from '../base/time.js';
import { verifyNode } from '../identity/records.js';
import type { MeshMessage, NodeRecordBody } from '../wire/types.js';
import type { MeshContext } from './context.js';
import { proveInvite } from './invites.js';
import type { PeerSpec } from './types.js';

export const HELLO_VERSION = 1;
type Hello = Extract<MeshMessage, { kind: 'hello' }>;

/** Who the other side has proven to be. */
export interface ProvenPeer {
  readonly id: NodeId;
  readonly body: NodeRecordBody;
}

export interface HelloExpectation {
  readonly now: Instant;
  /** The session's static key. */
  readonly key: Uint8Array;
  /** When the configuration names the node. */
  readonly id: NodeId | undefined;
}

/** @param observed The receiver's endpoint as we see it, empty when unknown. */
export function makeHello(ctx: MeshContext, { key, invite }: PeerSpec, observed: string): Hello {
  const { crypto, realm, name, identity } = ctx.options;
  const { bootId } = ctx;
  const ends = { inviter: key, invited: ctx.noise.publicKey, bootId };
  return {
    kind: 'hello',
    version: HELLO_VERSION,
    ...{ realm, name, observed },
    node: identity.nodeRecord(),
    bootId,
    candidates: ctx.ownCandidates(),
    capabilities: [],
    ...(invite !== undefined && { invite: proveInvite(crypto, invite, ends) }),
  };
}

/** @returns who it is, or in words why we do not link with it. */
export function checkHello(
  ctx: MeshContext,
  hello: Hello,
  expected: HelloExpectation,
): Parsed<ProvenPeer> {
  const { crypto, realm, work, wall, identity } = ctx.options;
  if (hello.version !== HELLO_VERSION) {
    return bad(`version ${hello.version}, ours is ${HELLO_VERSION}`);
  }
  if (hello.realm !== realm) return bad(`realm ${hello.realm}, ours is ${realm}`);
  const nowSeconds = Math.floor(wall(expected.now) / 1000);
  const node = verifyNode(crypto, hello.node, { realm, work, nowSeconds, noiseKey: expected.key });
  if (!node.ok) return bad(`its node record is refused: ${node.error}`);
  const { id, body } = node.value;
  if (id === identity.id) return bad('it has our own identity');
  if (expected.id !== undefined && expected.id !== id) {
    return bad(`it is ${formatNodeId(id)}, expected ${formatNodeId(expected.id)}`);
  }
  return good({ id, body });
}

/**
 * Whether one who is no configured peer may be one by invitation. Cheap: a MAC, before any signature is looked at.
 * @returns the invitation's id, or in words why not.
 */
export function checkInvite(
  ctx: MeshContext,
  hello: Hello,
  { now, key }: HelloExpectation,
): Parsed<Uint8Array> {
  const { invite, bootId } = hello;
  if (invite === undefined) return bad('not a peer, and not invited');
  const ends = { inviter: ctx.noise.publicKey, invited: key, bootId };
  const verdict = ctx.invites.check(invite, ends, ctx.options.wall(now));
  if (verdict === 'good') return good(invite.id);
  ctx.counters.refusedInvites++;
  return bad(`invitation ${verdict}`);
}
