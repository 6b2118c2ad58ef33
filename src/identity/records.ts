/**
 * Signing and verifying records (design §4, docs/protocol.md §Records). Signed bytes are kept and checked verbatim.
 *
 * Every signature is Ed25519 over domain ‖ body. Checks run cheapest first: shape, realm, expiry, work, then the
 * signature. Whether a sequence number is new is another question: see `sequence.ts`.
 */
import { assert } from '../base/assert.js';
import { concat, equalBytes, toHex } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { NODE_SPACE, type NodeId, nodeIdOf, type Prefix } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import {
  decodeLinkRecord,
  decodeNodeRecord,
  decodeServiceRecord,
  encodeLinkRecord,
  encodeNodeRecord,
  encodeServiceRecord,
} from '../wire/record.js';
import type {
  LinkRecordBody,
  NodeRecordBody,
  RecordKind,
  ServiceRecordBody,
  SignedRecord,
} from '../wire/types.js';
import { deriveNode, deriveService } from './address.js';
import { LINK_RECORD_DOMAIN, NODE_RECORD_DOMAIN, SERVICE_RECORD_DOMAIN } from './domains.js';

/** Why a record is not believed; `replayed` is for callers that keep a `HighestSeen`. */
export type RecordFault =
  | 'malformed'
  | 'unsigned'
  | 'bad-signature'
  | 'expired'
  | 'replayed'
  | 'wrong-realm'
  | 'too-little-work'
  | 'unknown-signer'
  | 'wrong-key';

export interface VerifiedNode {
  readonly kind: 'node';
  readonly id: NodeId;
  readonly prefix: Prefix;
  readonly work: number;
  readonly body: NodeRecordBody;
  /** Hex SHA-512/256 over kind, body and signatures: equal only for the same bytes. */
  readonly digest: string;
  readonly record: SignedRecord;
}

export interface VerifiedLink {
  readonly kind: 'link';
  /** The lower end. */
  readonly a: NodeId;
  readonly b: NodeId;
  readonly body: LinkRecordBody;
  readonly digest: string;
  readonly record: SignedRecord;
}

export interface VerifiedService {
  readonly kind: 'service';
  readonly prefix: Prefix;
  readonly host: NodeId;
  readonly body: ServiceRecordBody;
  readonly digest: string;
  readonly record: SignedRecord;
}

export interface NodeCheck {
  readonly realm: string;
  /** Leading zero bits that the realm asks for. */
  readonly work: number;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
  /** When given, the record must name this X25519 key: it binds a link session to the node. */
  readonly noiseKey?: Uint8Array;
}

/** The Ed25519 identity key of a node whose record was verified before. */
export type PublicKeyOf = (id: NodeId) => Uint8Array | undefined;

export interface LinkCheck {
  readonly publicKeyOf: PublicKeyOf;
  readonly nowSeconds: number;
}

export interface ServiceCheck extends LinkCheck {
  readonly realm: string;
}

const DOMAINS: Readonly<Record<RecordKind, Uint8Array>> = {
  node: NODE_RECORD_DOMAIN,
  link: LINK_RECORD_DOMAIN,
  service: SERVICE_RECORD_DOMAIN,
};
const KIND_BYTE: Readonly<Record<RecordKind, number>> = { node: 1, link: 2, service: 3 };
const NONE = new Uint8Array(0);

/** @throws AssertionError when `seed` is not the key that the proof names. */
export function signNode(crypto: Crypto, seed: Uint8Array, body: NodeRecordBody): SignedRecord {
  assertOwn(crypto, seed, body.proof.publicKey);
  return signed(crypto, seed, { kind: 'node', body: encodeNodeRecord(body) });
}

/** One hash for the address and its work, one signature. */
export function verifyNode(
  crypto: Crypto,
  record: SignedRecord,
  check: NodeCheck,
): Parsed<VerifiedNode, RecordFault> {
  const node = readNode(crypto, record);
  if (!node.ok) return node;
  const fault = nodeFault(node.value, check);
  if (fault !== undefined) return bad(fault);
  const { publicKey } = node.value.body.proof;
  return isSigned(crypto, record, record.signature, publicKey) ? node : bad('bad-signature');
}

function readNode(crypto: Crypto, record: SignedRecord): Parsed<VerifiedNode, RecordFault> {
  if (record.kind !== 'node' || record.countersignature.length > 0) return bad('malformed');
  const decoded = decodeNodeRecord(record.body);
  if (!decoded.ok) return bad('malformed');
  if (record.signature.length === 0) return bad('unsigned');
  const body = decoded.value;
  const derived = deriveNode(crypto, body.realm, body.proof);
  return good({ kind: 'node', ...derived, body, digest: recordDigest(crypto, record), record });
}

/** What may change after a record was verified: the time, and what the caller expects. */
export function nodeFault(node: VerifiedNode, check: NodeCheck): RecordFault | undefined {
  if (node.body.realm !== check.realm) return 'wrong-realm';
  if (node.body.notAfter < check.nowSeconds) return 'expired';
  if (node.work < check.work) return 'too-little-work';
  const { noiseKey } = check;
  return noiseKey && !equalBytes(noiseKey, node.body.noiseKey) ? 'wrong-key' : undefined;
}

/** The lower end's half of a link that is up. */
export function proposeLink(crypto: Crypto, seed: Uint8Array, body: LinkRecordBody): SignedRecord {
  assert(!body.down, 'a link that is down is signed by signDown');
  return signed(crypto, seed, { kind: 'link', body: encodeLinkRecord(body) });
}

/** The higher end's half, over the very bytes that the lower end signed. */
export function countersignLink(
  crypto: Crypto,
  seed: Uint8Array,
  proposal: SignedRecord,
): SignedRecord {
  return countersigned(crypto, seed, proposal, 'link');
}

/** Either end alone may say that the link is down. @param end Which end `seed` belongs to. */
export function signDown(
  crypto: Crypto,
  seed: Uint8Array,
  body: LinkRecordBody,
  end: 'a' | 'b',
): SignedRecord {
  assert(body.down, 'one signature only ever says DOWN');
  const byA = signed(crypto, seed, { kind: 'link', body: encodeLinkRecord(body) });
  return end === 'a' ? byA : { ...byA, signature: NONE, countersignature: byA.signature };
}

/** Up: both signatures. Down: at least one, and every one that is there must be good. */
export function verifyLink(
  crypto: Crypto,
  record: SignedRecord,
  check: LinkCheck,
): Parsed<VerifiedLink, RecordFault> {
  const link = readLink(crypto, record);
  if (!link.ok) return link;
  const { a, b, body } = link.value;
  if (body.notAfter < check.nowSeconds) return bad('expired');
  const byA = record.signature.length > 0;
  const byB = record.countersignature.length > 0;
  if (body.down ? !byA && !byB : !byA || !byB) return bad('unsigned');
  const fault =
    (byA ? signerFault(crypto, record, record.signature, check.publicKeyOf(a)) : undefined) ??
    (byB ? signerFault(crypto, record, record.countersignature, check.publicKeyOf(b)) : undefined);
  return fault === undefined ? link : bad(fault);
}

/** What the higher end checks before it countersigns: the lower end's signature, and nothing else signed yet. */
export function verifyProposal(
  crypto: Crypto,
  record: SignedRecord,
  check: LinkCheck,
): Parsed<LinkRecordBody, RecordFault> {
  const link = readLink(crypto, record);
  if (!link.ok) return link;
  const { a, body } = link.value;
  if (body.down || record.countersignature.length > 0) return bad('malformed');
  if (record.signature.length === 0) return bad('unsigned');
  if (body.notAfter < check.nowSeconds) return bad('expired');
  const fault = signerFault(crypto, record, record.signature, check.publicKeyOf(a));
  return fault === undefined ? good(body) : bad(fault);
}

function readLink(crypto: Crypto, record: SignedRecord): Parsed<VerifiedLink, RecordFault> {
  if (record.kind !== 'link') return bad('malformed');
  const decoded = decodeLinkRecord(record.body);
  if (!decoded.ok) return bad('malformed');
  const body = decoded.value;
  if (body.a[0] !== NODE_SPACE || body.b[0] !== NODE_SPACE) return bad('malformed');
  const ends = { a: nodeIdOf(body.a), b: nodeIdOf(body.b) };
  return good({ kind: 'link', ...ends, body, digest: recordDigest(crypto, record), record });
}

/** The service key's half. */
export function signService(
  crypto: Crypto,
  seed: Uint8Array,
  body: ServiceRecordBody,
): SignedRecord {
  assertOwn(crypto, seed, body.proof.publicKey);
  return signed(crypto, seed, { kind: 'service', body: encodeServiceRecord(body) });
}

/** The host's half: it agrees to carry the service. */
export function countersignService(
  crypto: Crypto,
  hostSeed: Uint8Array,
  record: SignedRecord,
): SignedRecord {
  return countersigned(crypto, hostSeed, record, 'service');
}

export function verifyService(
  crypto: Crypto,
  record: SignedRecord,
  check: ServiceCheck,
): Parsed<VerifiedService, RecordFault> {
  const service = readService(crypto, record);
  if (!service.ok) return service;
  const { body, host } = service.value;
  if (body.realm !== check.realm) return bad('wrong-realm');
  if (body.notAfter < check.nowSeconds) return bad('expired');
  const fault =
    signerFault(crypto, record, record.signature, body.proof.publicKey) ??
    signerFault(crypto, record, record.countersignature, check.publicKeyOf(host));
  return fault === undefined ? service : bad(fault);
}

function readService(crypto: Crypto, record: SignedRecord): Parsed<VerifiedService, RecordFault> {
  if (record.kind !== 'service') return bad('malformed');
  const decoded = decodeServiceRecord(record.body);
  if (!decoded.ok || decoded.value.proof.nonce !== 0n) return bad('malformed');
  const body = decoded.value;
  if (body.host[0] !== NODE_SPACE) return bad('malformed');
  const unsigned = record.signature.length === 0 || record.countersignature.length === 0;
  if (unsigned) return bad('unsigned');
  const { prefix } = deriveService(crypto, body.realm, body.proof);
  const digest = recordDigest(crypto, record);
  return good({ kind: 'service', prefix, host: nodeIdOf(body.host), body, digest, record });
}

/** Identifies the exact bytes. Lengths are in the hash, so no two records share an encoding. */
export function recordDigest(crypto: Crypto, record: SignedRecord): string {
  const { body, signature, countersignature } = record;
  const head = Uint8Array.of(
    ...[KIND_BYTE[record.kind], body.length >> 8, body.length & 0xff],
    ...[signature.length, countersignature.length],
  );
  return toHex(crypto.sha512t256(head, body, signature, countersignature));
}

function signed(
  crypto: Crypto,
  seed: Uint8Array,
  { kind, body }: { readonly kind: RecordKind; readonly body: Uint8Array },
): SignedRecord {
  const signature = crypto.ed25519Sign(seed, concat(DOMAINS[kind], body));
  return { kind, body, signature, countersignature: NONE };
}

function countersigned(
  crypto: Crypto,
  seed: Uint8Array,
  record: SignedRecord,
  kind: RecordKind,
): SignedRecord {
  assert(record.kind === kind, `expected a ${kind} record`);
  const countersignature = crypto.ed25519Sign(seed, concat(DOMAINS[kind], record.body));
  return { ...record, countersignature };
}

function signerFault(
  crypto: Crypto,
  record: SignedRecord,
  signature: Uint8Array,
  publicKey: Uint8Array | undefined,
): RecordFault | undefined {
  if (publicKey === undefined) return 'unknown-signer';
  return isSigned(crypto, record, signature, publicKey) ? undefined : 'bad-signature';
}

function isSigned(
  crypto: Crypto,
  record: SignedRecord,
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return crypto.ed25519Verify(publicKey, concat(DOMAINS[record.kind], record.body), signature);
}

function assertOwn(crypto: Crypto, seed: Uint8Array, publicKey: Uint8Array): void {
  assert(equalBytes(crypto.ed25519Public(seed), publicKey), 'the seed is not of the proven key');
}
