import { expect } from 'chai';
import { RECORD_BODY_BYTES_MAX } from '../../../src/wire/limits.js';
import { decodeMesh, encodeMesh } from '../../../src/wire/mesh.js';
import * as record from '../../../src/wire/record.js';
import type { LinkRecordBody, NodeRecordBody } from '../../../src/wire/types.js';

const NODE: NodeRecordBody = {
  realm: 'alanet',
  proof: {
    publicKey: new Uint8Array(32).fill(1),
    successor: new Uint8Array(32),
    nonce: 0xffff_ffff_ffff_ffffn,
  },
  noiseKey: new Uint8Array(32).fill(2),
  ...{ seq: 2 ** 53 - 1, notAfter: 1, transit: true, relay: false, name: 'berlin' },
  ...{ endpoints: [], handle: '', contact: '', tags: [] },
};
const LINK: LinkRecordBody = {
  ...{ a: new Uint8Array(16).fill(1), b: new Uint8Array(16).fill(2), seq: 1, notAfter: 1 },
  ...{ roleA: 1, roleB: 1, costClass: 1, down: false },
};

const errorOf = (result: { ok: boolean; error?: string }): string | undefined =>
  result.ok ? undefined : result.error;
const nodeError = (change: Partial<NodeRecordBody>): string | undefined =>
  errorOf(record.decodeNodeRecord(record.encodeNodeRecord({ ...NODE, ...change })));
const linkError = (change: Partial<LinkRecordBody>): string | undefined =>
  errorOf(record.decodeLinkRecord(record.encodeLinkRecord({ ...LINK, ...change })));

describe('record bodies', () => {
  it('leave out what is empty', () => {
    const bytes = record.encodeNodeRecord(NODE);
    // realm, proof (key, successor, nonce), noise key, seq, not_after, transit, name
    expect(bytes.length).to.equal(8 + (2 + 34 + 34 + 9) + 34 + 9 + 2 + 2 + 8);
    expect(bytes.subarray(0, 8)).to.deep.equal(Uint8Array.of(10, 6, ...Buffer.from('alanet')));
  });

  it('keep all 64 bits of the nonce', () => {
    const decoded = record.decodeNodeRecord(record.encodeNodeRecord(NODE));
    expect(decoded.ok && decoded.value.proof.nonce).to.equal(0xffff_ffff_ffff_ffffn);
  });

  it('refuse fixed-size bytes of another size', () => {
    expect(nodeError({ noiseKey: new Uint8Array(31) })).to.equal('noise_key has 31 bytes, not 32');
    const proof = { ...NODE.proof, successor: new Uint8Array(0) };
    expect(nodeError({ proof })).to.equal('successor has 0 bytes, not 32');
    expect(linkError({ a: new Uint8Array(15) })).to.equal('a has 15 bytes, not 16');
  });

  it('refuse long and dangerous text', () => {
    expect(nodeError({ name: 'x'.repeat(64) })).to.equal('name is longer than 63 bytes');
    expect(nodeError({ name: 'ä'.repeat(32) })).to.equal('name is longer than 63 bytes');
    expect(nodeError({ contact: 'a\u001b[2J' })).to.equal('contact has control characters');
    expect(nodeError({ handle: 'a\u202eb' })).to.equal('handle has control characters');
    expect(nodeError({ endpoints: new Array(17).fill('') })).to.match(/^17 endpoints/);
  });

  it('refuse a missing proof and a body that is too big', () => {
    expect(errorOf(record.decodeNodeRecord(new Uint8Array(0)))).to.equal('proof is missing');
    const big = new Uint8Array(RECORD_BODY_BYTES_MAX + 1);
    expect(errorOf(record.decodeNodeRecord(big))).to.equal('2049 bytes, the limit is 2048');
  });

  it('refuse a link whose ends are out of order or that costs nothing, unless it is down', () => {
    expect(linkError({ a: LINK.b, b: LINK.a })).to.equal('a is not below b');
    expect(linkError({ b: LINK.a })).to.equal('a is not below b');
    expect(linkError({ costClass: 0 })).to.equal('cost class 0 outside 1..255');
    expect(linkError({ costClass: 256, down: true })).to.equal('cost class 256 outside 1..255');
    expect(linkError({ costClass: 0, down: true })).to.equal(undefined);
  });
});

describe('mesh messages', () => {
  it('are unknown when of a newer version', () => {
    expect(decodeMesh(Uint8Array.of(0x7a, 1, 0))).to.deep.equal({
      ...{ ok: true, value: { kind: 'unknown' } },
    });
  });

  it('refuse more than 16 candidates', () => {
    const candidates = new Array(17).fill('udp://192.0.2.1:1');
    const decoded = decodeMesh(encodeMesh({ kind: 'candidates', candidates, observed: '' }));
    expect(errorOf(decoded)).to.equal('17 candidates, the limit is 16');
  });
});
