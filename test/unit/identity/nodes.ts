/** Nodes with real keys, made from small numbers so that every run has the same. */
import type { NodeId } from '../../../src/base/ip6.js';
import { deriveNode } from '../../../src/identity/address.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import type { LinkRecordBody, NodeRecordBody, Proof } from '../../../src/wire/types.js';

export const crypto = nodeCrypto();
export const NOW = 1_800_000_000;
export const REALM = 'lab';

export interface TestNode {
  readonly seed: Uint8Array;
  readonly proof: Proof;
  readonly id: NodeId;
  readonly body: NodeRecordBody;
}

/** Another one for each number. */
function bytesOf(number: number): Uint8Array {
  if (number < 256) return new Uint8Array(32).fill(number);
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, number);
  return bytes;
}

export function testNode(number: number, change: Partial<NodeRecordBody> = {}): TestNode {
  const seed = bytesOf(number);
  const publicKey = crypto.ed25519Public(seed);
  const proof = { publicKey, successor: new Uint8Array(32), nonce: 0n };
  const body = {
    ...{ realm: REALM, proof, noiseKey: bytesOf(number), seq: 1 },
    ...{ notAfter: NOW + 86_400, transit: true, relay: false, name: `node${number}` },
    ...{ endpoints: [], handle: '', contact: '', tags: [], ...change },
  };
  return { seed, proof, id: deriveNode(crypto, body.realm, proof).id, body };
}

/** Two nodes in the order of their addresses. */
export function testPair(): { a: TestNode; b: TestNode } {
  const [one, two] = [testNode(1), testNode(2)];
  return one.id < two.id ? { a: one, b: two } : { a: two, b: one };
}

export function linkBody(a: TestNode, b: TestNode, change: Partial<LinkRecordBody> = {}) {
  const bytes = (node: TestNode): Uint8Array => Uint8Array.from(Buffer.from(node.id, 'hex'));
  return {
    ...{ a: bytes(a), b: bytes(b), seq: 1, notAfter: NOW + 86_400, roleA: 1, roleB: 1 },
    ...{ costClass: 10, down: false, ...change },
  };
}
