/** Arbitrary values of everything that travels, within the limits of the protocol. */
import fc from 'fast-check';
import * as limits from '../../../src/wire/limits.js';
import type {
  BgpMessage,
  LinkRecordBody,
  MeshMessage,
  NodeRecordBody,
  Proof,
  ServiceRecordBody,
  SignedRecord,
} from '../../../src/wire/types.js';

export const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const bytesOrNone = (length: number) => fc.oneof(bytes(length), fc.constant(new Uint8Array(0)));

/** Any text that may be shown, at most `limit` bytes. */
export const words = (limit: number): fc.Arbitrary<string> =>
  fc
    .string({ unit: 'grapheme', maxLength: 40 })
    .filter(
      (s) => Buffer.byteLength(s) <= limit && !/[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u.test(s),
    );

const name = words(limits.NAME_BYTES_MAX);
const u53 = fc.maxSafeNat();
const u32 = fc.nat({ max: 0xffff_ffff });
const id = fc.integer({ min: 1, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const endpoints = fc.array(words(limits.STRING_BYTES_MAX), { maxLength: limits.CANDIDATES_MAX });

const proofWith = (nonce: fc.Arbitrary<bigint>): fc.Arbitrary<Proof> =>
  fc.record({ publicKey: bytes(32), successor: bytes(32), nonce });

export const nodeBody: fc.Arbitrary<NodeRecordBody> = fc.record({
  realm: name,
  proof: proofWith(u64),
  noiseKey: bytes(32),
  seq: u53,
  notAfter: u53,
  transit: fc.boolean(),
  relay: fc.boolean(),
  name,
  endpoints: fc.array(words(100), { maxLength: 8 }),
  handle: name,
  contact: words(limits.STRING_BYTES_MAX),
  tags: fc.array(name, { maxLength: limits.TAGS_MAX }),
});

export const linkBody: fc.Arbitrary<LinkRecordBody> = fc
  .tuple(bytes(16), bytes(16))
  .filter(([x, y]) => Buffer.compare(x, y) !== 0)
  .chain(([x, y]) => {
    const [a, b] = Buffer.compare(x, y) < 0 ? [x, y] : [y, x];
    return fc.record({
      ...{ a: fc.constant(a), b: fc.constant(b), seq: u53, notAfter: u53, roleA: u32, roleB: u32 },
      ...{ costClass: fc.integer({ min: 1, max: 255 }), down: fc.boolean() },
    });
  });

export const serviceBody: fc.Arbitrary<ServiceRecordBody> = fc.record({
  realm: name,
  proof: proofWith(fc.constant(0n)),
  host: bytes(16),
  seq: u53,
  notAfter: u53,
  anycast: fc.boolean(),
  name,
  ports: fc.array(name, { maxLength: limits.PORTS_MAX }),
});

export const signedRecord: fc.Arbitrary<SignedRecord> = fc.record({
  kind: fc.constantFrom('node', 'link', 'service'),
  body: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  signature: bytesOrNone(64),
  countersignature: bytesOrNone(64),
});

export const meshMessage: fc.Arbitrary<Exclude<MeshMessage, { kind: 'unknown' }>> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    version: u32,
    realm: name,
    node: signedRecord,
    name,
    bootId: bytes(8),
    observed: words(limits.STRING_BYTES_MAX),
    candidates: endpoints,
    capabilities: fc.array(u32, { maxLength: limits.CAPABILITIES_MAX }),
  }),
  fc.record({
    kind: fc.constant('candidates' as const),
    candidates: endpoints,
    observed: words(limits.STRING_BYTES_MAX),
  }),
  fc.record({ kind: fc.constant('goodbye' as const), reason: words(limits.STRING_BYTES_MAX) }),
);

const update = fc.record({
  kind: fc.constant('update' as const),
  records: fc.array(fc.record({ id, record: signedRecord }), { maxLength: 8 }),
  paths: fc.array(fc.record({ id, parent: u32, link: id }), { maxLength: 20 }),
  routes: fc.array(
    fc.record({ origin: id, path: u32, communities: fc.array(u64, { maxLength: 32 }) }),
    { maxLength: 20 },
  ),
  withdrawn: fc.array(u32, { maxLength: 50 }),
  beginOfRib: fc.boolean(),
  endOfRib: fc.boolean(),
  forgetPaths: fc.array(u32, { maxLength: 50 }),
  forgetRecords: fc.array(u32, { maxLength: 50 }),
  malformed: fc.constant([]),
});

const open = fc.record({
  kind: fc.constant('open' as const),
  version: u32,
  node: signedRecord,
  holdTime: u32,
  role: fc.constantFrom('peer' as const, 'provider' as const, 'customer' as const),
  name,
  capabilities: fc.array(fc.record({ code: u32, value: fc.uint8Array({ maxLength: 255 }) }), {
    maxLength: 8,
  }),
});

export const bgpMessage: fc.Arbitrary<Exclude<BgpMessage, { kind: 'unknown' }>> = fc.oneof(
  open,
  update,
  fc.constant({ kind: 'keepalive' as const }),
  fc.constant({ kind: 'route-refresh' as const }),
  fc.record({
    kind: fc.constant('notification' as const),
    code: u32,
    subcode: u32,
    text: words(limits.STRING_BYTES_MAX),
  }),
  fc.record({ kind: fc.constant('link-proposal' as const), record: signedRecord }),
  fc.record({
    kind: fc.constant('link-agreement' as const),
    record: fc.option(signedRecord, { nil: undefined }),
    costClass: u32,
    seqSeen: u53,
  }),
);
