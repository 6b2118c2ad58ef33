/** Signed records and their bodies (proto/alamesh/v1/record.proto, docs/protocol.md §Records). */
import type { Parsed } from '../base/result.js';
import { alamesh } from './gen/schema.js';
import type { alamesh as Types } from './gen/schema-types.js';
import {
  CANDIDATES_MAX,
  KEY_BYTES,
  NAME_BYTES_MAX,
  NODE_ID_BYTES,
  PORTS_MAX,
  RECORD_BODY_BYTES_MAX,
  SIGNATURE_BYTES,
  TAGS_MAX,
} from './limits.js';
import {
  bigInteger,
  bounded,
  decodeWith,
  encodeWith,
  fixedBytes,
  integer,
  Malformed,
  optionalBytes,
  required,
  text,
  wide,
} from './scalar.js';
import type {
  LinkRecordBody,
  NodeRecordBody,
  Proof,
  RecordKind,
  ServiceRecordBody,
  SignedRecord,
} from './types.js';

const { v1 } = alamesh;
type V1Record = Types.v1.SignedRecord;

/** A body, two signatures and their framing. */
const SIGNED_RECORD_BYTES_MAX = RECORD_BODY_BYTES_MAX + 2 * SIGNATURE_BYTES + 16;

const KIND_CODE: Readonly<Record<RecordKind, number>> = { node: 1, link: 2, service: 3 };
const KINDS: readonly (RecordKind | undefined)[] = [undefined, 'node', 'link', 'service'];

/** @throws AssertionError when the body exceeds RECORD_BODY_BYTES_MAX (the caller bounds its strings). */
export function encodeNodeRecord(body: NodeRecordBody): Uint8Array {
  const message = {
    ...{ ...body, proof: proofToWire(body.proof), endpoints: [...body.endpoints] },
    tags: [...body.tags],
    ...{ seq: wide(body.seq), notAfter: wide(body.notAfter) },
  };
  return encodeWith(v1.NodeRecord.encode, message, RECORD_BODY_BYTES_MAX);
}

/** Checks sizes and ranges, not the proof and not the signature: `identity` does. */
export function decodeNodeRecord(bytes: Uint8Array): Parsed<NodeRecordBody> {
  return decodeWith(v1.NodeRecord.decode, bytes, nodeFromWire, RECORD_BODY_BYTES_MAX);
}

function nodeFromWire(wire: Types.v1.NodeRecord): NodeRecordBody {
  return {
    realm: text(wire.realm, 'realm', NAME_BYTES_MAX),
    proof: proofFromWire(wire.proof),
    noiseKey: fixedBytes(wire.noiseKey, KEY_BYTES, 'noise_key'),
    seq: integer(wire.seq, 'seq'),
    notAfter: integer(wire.notAfter, 'not_after'),
    transit: wire.transit,
    relay: wire.relay,
    name: text(wire.name, 'name', NAME_BYTES_MAX),
    endpoints: bounded(wire.endpoints, CANDIDATES_MAX, 'endpoints').map((e) => text(e, 'endpoint')),
    handle: text(wire.handle, 'handle', NAME_BYTES_MAX),
    contact: text(wire.contact, 'contact'),
    tags: bounded(wire.tags, TAGS_MAX, 'tags').map((tag) => text(tag, 'tag', NAME_BYTES_MAX)),
  };
}

export function encodeLinkRecord(body: LinkRecordBody): Uint8Array {
  const message = { ...body, seq: wide(body.seq), notAfter: wide(body.notAfter) };
  return encodeWith(v1.LinkRecord.encode, message, RECORD_BODY_BYTES_MAX);
}

/** Also checks a < b and, unless the link is down, cost class 1..255. */
export function decodeLinkRecord(bytes: Uint8Array): Parsed<LinkRecordBody> {
  return decodeWith(v1.LinkRecord.decode, bytes, linkFromWire, RECORD_BODY_BYTES_MAX);
}

function linkFromWire(wire: Types.v1.LinkRecord): LinkRecordBody {
  const a = fixedBytes(wire.a, NODE_ID_BYTES, 'a');
  const b = fixedBytes(wire.b, NODE_ID_BYTES, 'b');
  if (!isBelow(a, b)) throw new Malformed('a is not below b');
  const { roleA, roleB, costClass, down } = wire;
  if (costClass > 255 || (costClass === 0 && !down)) {
    throw new Malformed(`cost class ${costClass} outside 1..255`);
  }
  const seq = integer(wire.seq, 'seq');
  const notAfter = integer(wire.notAfter, 'not_after');
  return { a, b, seq, notAfter, roleA, roleB, costClass, down };
}

function isBelow(a: Uint8Array, b: Uint8Array): boolean {
  let i = 0;
  while (i < NODE_ID_BYTES - 1 && a[i] === b[i]) i++;
  return (a[i] as number) < (b[i] as number);
}

export function encodeServiceRecord(body: ServiceRecordBody): Uint8Array {
  const message = {
    ...{ ...body, proof: proofToWire(body.proof) },
    ...{ seq: wide(body.seq), notAfter: wide(body.notAfter) },
    ports: [...body.ports],
  };
  return encodeWith(v1.ServiceRecord.encode, message, RECORD_BODY_BYTES_MAX);
}

export function decodeServiceRecord(bytes: Uint8Array): Parsed<ServiceRecordBody> {
  return decodeWith(v1.ServiceRecord.decode, bytes, serviceFromWire, RECORD_BODY_BYTES_MAX);
}

function serviceFromWire(wire: Types.v1.ServiceRecord): ServiceRecordBody {
  return {
    realm: text(wire.realm, 'realm', NAME_BYTES_MAX),
    proof: proofFromWire(wire.proof),
    host: fixedBytes(wire.host, NODE_ID_BYTES, 'host'),
    seq: integer(wire.seq, 'seq'),
    notAfter: integer(wire.notAfter, 'not_after'),
    anycast: wire.anycast,
    name: text(wire.name, 'name', NAME_BYTES_MAX),
    ports: bounded(wire.ports, PORTS_MAX, 'ports').map((p) => text(p, 'port', NAME_BYTES_MAX + 11)),
  };
}

export function encodeSignedRecord(record: SignedRecord): Uint8Array {
  return encodeWith(v1.SignedRecord.encode, signedToWire(record), SIGNED_RECORD_BYTES_MAX);
}

export function decodeSignedRecord(bytes: Uint8Array): Parsed<SignedRecord> {
  return decodeWith(v1.SignedRecord.decode, bytes, signedFromWire, SIGNED_RECORD_BYTES_MAX);
}

export function signedToWire(record: SignedRecord): V1Record {
  const { body, signature, countersignature } = record;
  return { kind: KIND_CODE[record.kind] as V1Record['kind'], body, signature, countersignature };
}

/** @throws Malformed, for `decodeWith` to catch. */
export function signedFromWire(wire: V1Record | null | undefined): SignedRecord {
  const record = required(wire, 'record');
  const kind = KINDS[record.kind];
  if (kind === undefined) throw new Malformed(`record kind ${record.kind} is unknown`);
  const { body } = record;
  if (body.length === 0 || body.length > RECORD_BODY_BYTES_MAX) {
    throw new Malformed(`record body of ${body.length} bytes, not 1..${RECORD_BODY_BYTES_MAX}`);
  }
  return {
    kind,
    body: body.slice(),
    signature: optionalBytes(record.signature, SIGNATURE_BYTES, 'signature'),
    countersignature: optionalBytes(record.countersignature, SIGNATURE_BYTES, 'countersignature'),
  };
}

function proofToWire(proof: Proof): Types.v1.Proof {
  return { ...proof, nonce: wide(proof.nonce) };
}

function proofFromWire(wire: Types.v1.Proof | null | undefined): Proof {
  const proof = required(wire, 'proof');
  return {
    publicKey: fixedBytes(proof.publicKey, KEY_BYTES, 'public_key'),
    successor: fixedBytes(proof.successor, KEY_BYTES, 'successor'),
    nonce: bigInteger(proof.nonce, 'nonce'),
  };
}
