import { expect } from 'chai';
import fc from 'fast-check';
import type { Parsed } from '../../../src/base/result.js';
import { decodeBgp, encodeBgp } from '../../../src/wire/bgp.js';
import { decodeMesh, encodeMesh } from '../../../src/wire/mesh.js';
import * as record from '../../../src/wire/record.js';
import * as any from './arbitrary.js';

const RUNS = { numRuns: 200 };

function roundtrips<T>(
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (bytes: Uint8Array) => Parsed<unknown>,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const decoded = decode(encode(value));
      expect(decoded).to.deep.equal({ ok: true, value });
    }),
    RUNS,
  );
}

describe('wire codecs, any message', () => {
  it('gives back every BGP message', () => roundtrips(any.bgpMessage, encodeBgp, decodeBgp));
  it('gives back every mesh message', () => roundtrips(any.meshMessage, encodeMesh, decodeMesh));
  it('gives back every node record', () =>
    roundtrips(any.nodeBody, record.encodeNodeRecord, record.decodeNodeRecord));
  it('gives back every link record', () =>
    roundtrips(any.linkBody, record.encodeLinkRecord, record.decodeLinkRecord));
  it('gives back every service record', () =>
    roundtrips(any.serviceBody, record.encodeServiceRecord, record.decodeServiceRecord));
  it('gives back every signed record', () =>
    roundtrips(any.signedRecord, record.encodeSignedRecord, record.decodeSignedRecord));
});

const DECODERS: readonly ((bytes: Uint8Array) => Parsed<unknown>)[] = [
  decodeBgp,
  decodeMesh,
  record.decodeNodeRecord,
  record.decodeLinkRecord,
  record.decodeServiceRecord,
  record.decodeSignedRecord,
];

/** Overwrites, cuts or extends. */
interface Mutation {
  readonly at: number;
  readonly byte: number;
  readonly cut: number | undefined;
  readonly tail: Uint8Array;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat(5000),
  byte: fc.nat(255),
  cut: fc.option(fc.nat(5000), { nil: undefined }),
  tail: fc.uint8Array({ maxLength: 4 }),
});

function mutate(bytes: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let out = bytes;
  for (const { at, byte, cut, tail } of changes) {
    out = Uint8Array.from([...out, ...tail]);
    if (out.length > 0) out[at % out.length] = byte;
    if (cut !== undefined) out = out.slice(0, cut % (out.length + 1));
  }
  return out;
}

interface Outcome {
  readonly ok: boolean;
  readonly value?: unknown;
}

function decodesToSomething(bytes: Uint8Array): void {
  for (const decode of DECODERS) {
    const before = bytes.slice();
    const outcome: Outcome = decode(bytes);
    expect(outcome.ok).to.be.a('boolean');
    if (!outcome.ok) expect(outcome).to.have.property('error').that.is.a('string').and.not.empty;
    expect(bytes, 'the input is left alone').to.deep.equal(before);
  }
}

describe('wire decoders, hostile bytes', () => {
  it('answer random bytes with a value or an error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), decodesToSomething), RUNS);
  });

  it('answer mutated messages with a value or an error, and encode again what they accept', () => {
    const message = fc.oneof(any.bgpMessage.map(encodeBgp), any.meshMessage.map(encodeMesh));
    const changes = fc.array(mutation, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(message, changes, (bytes, list) => {
        const mutated = mutate(bytes, list);
        decodesToSomething(mutated);
        const bgp = decodeBgp(mutated);
        if (!bgp.ok || bgp.value.kind === 'unknown') return;
        const again = decodeBgp(encodeBgp(bgp.value));
        const value = bgp.value.kind === 'update' ? { ...bgp.value, malformed: [] } : bgp.value;
        expect(again).to.deep.equal({ ok: true, value });
      }),
      { numRuns: 400 },
    );
  });

  it('answer mutated records with a value or an error', () => {
    const body = fc.oneof(
      any.nodeBody.map(record.encodeNodeRecord),
      any.linkBody.map(record.encodeLinkRecord),
      any.serviceBody.map(record.encodeServiceRecord),
    );
    const changes = fc.array(mutation, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(body, changes, (bytes, list) => decodesToSomething(mutate(bytes, list))),
      RUNS,
    );
  });
});
