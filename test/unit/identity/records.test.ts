import { expect } from 'chai';
import type { NodeId } from '../../../src/base/ip6.js';
import type { Parsed } from '../../../src/base/result.js';
import { VerificationCache } from '../../../src/identity/cache.js';
import * as records from '../../../src/identity/records.js';
import type { SignedRecord } from '../../../src/wire/types.js';
import { crypto, linkBody, NOW, REALM, type TestNode, testNode, testPair } from './nodes.js';

const CHECK = { realm: REALM, work: 0, nowSeconds: NOW };
const fault = <T>(result: Parsed<T, records.RecordFault>): string =>
  result.ok ? 'none' : result.error;
const keysOf =
  (...nodes: readonly TestNode[]): records.PublicKeyOf =>
  (id: NodeId) =>
    nodes.find((node) => node.id === id)?.proof.publicKey;
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('node records', () => {
  const node = testNode(1);
  const record = records.signNode(crypto, node.seed, node.body);

  it('verify and tell id, prefix and digest', () => {
    const verified = records.verifyNode(crypto, record, CHECK);
    if (!verified.ok) throw new Error(verified.error);
    expect(verified.value).to.include({ kind: 'node', id: node.id });
    expect(verified.value.prefix).to.equal(`${node.id.slice(0, 16)}/64`);
    expect(verified.value.digest).to.match(/^[0-9a-f]{64}$/);
    expect(verified.value.body).to.deep.equal(node.body);
  });

  it('fail with any bit of body or signature changed', () => {
    for (let at = 0; at < record.body.length; at += 3) {
      const changed = { ...record, body: flipped(record.body, at) };
      expect(fault(records.verifyNode(crypto, changed, CHECK)), `byte ${at}`).not.to.equal('none');
    }
    const signature = flipped(record.signature, 40);
    expect(fault(records.verifyNode(crypto, { ...record, signature }, CHECK))).to.equal(
      'bad-signature',
    );
  });

  it('say why they are refused', () => {
    const verify = (change: Partial<SignedRecord>, check = {}): string =>
      fault(records.verifyNode(crypto, { ...record, ...change }, { ...CHECK, ...check }));
    expect(verify({})).to.equal('none');
    expect(verify({ signature: new Uint8Array(0) })).to.equal('unsigned');
    expect(verify({ countersignature: record.signature })).to.equal('malformed');
    expect(verify({ kind: 'link' })).to.equal('malformed');
    expect(verify({}, { realm: 'other' })).to.equal('wrong-realm');
    expect(verify({}, { work: 200 })).to.equal('too-little-work');
    expect(verify({}, { nowSeconds: node.body.notAfter })).to.equal('none');
    expect(verify({}, { nowSeconds: node.body.notAfter + 1 })).to.equal('expired');
    expect(verify({}, { noiseKey: new Uint8Array(32) })).to.equal('wrong-key');
    expect(verify({}, { noiseKey: node.body.noiseKey })).to.equal('none');
  });

  it('of a key cannot be signed with another, nor verify with another’s signature', () => {
    const other = testNode(2);
    expect(() => records.signNode(crypto, other.seed, node.body)).to.throw('not of the proven key');
    const { signature } = records.signNode(crypto, other.seed, other.body);
    expect(fault(records.verifyNode(crypto, { ...record, signature }, CHECK))).to.equal(
      'bad-signature',
    );
  });
});

describe('link records', () => {
  const { a, b } = testPair();
  const check = { publicKeyOf: keysOf(a, b), nowSeconds: NOW };
  const proposal = records.proposeLink(crypto, a.seed, linkBody(a, b));
  const agreed = records.countersignLink(crypto, b.seed, proposal);
  const verify = (record: SignedRecord): string => fault(records.verifyLink(crypto, record, check));

  it('are up with both signatures only', () => {
    expect(verify(agreed)).to.equal('none');
    expect(verify(proposal)).to.equal('unsigned');
    expect(verify({ ...agreed, signature: new Uint8Array(0) })).to.equal('unsigned');
  });

  it('are verified as a proposal with the lower end’s signature only', () => {
    const propose = (record: SignedRecord): string =>
      fault(records.verifyProposal(crypto, record, check));
    expect(propose(proposal)).to.equal('none');
    expect(propose(agreed)).to.equal('malformed');
    const byB = records.proposeLink(crypto, b.seed, linkBody(a, b));
    expect(propose(byB)).to.equal('bad-signature');
  });

  it('need each end to sign as itself', () => {
    const { signature, countersignature } = agreed;
    const swapped = { ...agreed, signature: countersignature, countersignature: signature };
    expect(verify(swapped)).to.equal('bad-signature');
    expect(verify({ ...agreed, countersignature: signature })).to.equal('bad-signature');
  });

  it('say DOWN with either end’s signature, and with no other', () => {
    const down = linkBody(a, b, { down: true, seq: 2 });
    expect(verify(records.signDown(crypto, a.seed, down, 'a'))).to.equal('none');
    expect(verify(records.signDown(crypto, b.seed, down, 'b'))).to.equal('none');
    expect(verify(records.signDown(crypto, b.seed, down, 'a'))).to.equal('bad-signature');
    expect(verify(records.signDown(crypto, testNode(9).seed, down, 'b'))).to.equal('bad-signature');
    const unsigned = { ...agreed, body: records.signDown(crypto, a.seed, down, 'a').body };
    expect(verify(unsigned)).to.equal('bad-signature');
  });

  it('cannot be turned into DOWN by one who holds the UP record', () => {
    expect(() => records.signDown(crypto, a.seed, linkBody(a, b), 'a')).to.throw(
      'only ever says DOWN',
    );
    expect(verify({ ...agreed, countersignature: new Uint8Array(0) })).to.equal('unsigned');
  });

  it('are refused when an end is unknown or time is over', () => {
    const known = (...nodes: readonly TestNode[]): string =>
      fault(records.verifyLink(crypto, agreed, { ...check, publicKeyOf: keysOf(...nodes) }));
    expect([known(a), known(b), known()]).to.deep.equal(new Array(3).fill('unknown-signer'));
    const late = { ...check, nowSeconds: NOW + 86_401 };
    expect(fault(records.verifyLink(crypto, agreed, late))).to.equal('expired');
  });
});

describe('service records', () => {
  const host = testNode(1);
  const key = testNode(5);
  const check = { realm: REALM, publicKeyOf: keysOf(host), nowSeconds: NOW };
  const body = {
    ...{ realm: REALM, proof: key.proof, host: Uint8Array.from(Buffer.from(host.id, 'hex')) },
    ...{ seq: 1, notAfter: NOW + 10, anycast: false, name: 'wiki', ports: ['http:80/tcp'] },
  };
  const half = records.signService(crypto, key.seed, body);
  const whole = records.countersignService(crypto, host.seed, half);
  const verify = (record: SignedRecord): string =>
    fault(records.verifyService(crypto, record, check));

  it('need the service’s signature and its host’s', () => {
    const verified = records.verifyService(crypto, whole, check);
    expect(verified.ok && verified.value).to.deep.include({ kind: 'service', host: host.id });
    expect(verified.ok && verified.value.prefix).to.match(/^fc[0-9a-f]{30}\/128$/);
    expect(verify(half)).to.equal('unsigned');
    expect(verify(records.countersignService(crypto, key.seed, half))).to.equal('bad-signature');
    const unknown = { ...check, publicKeyOf: keysOf() };
    expect(fault(records.verifyService(crypto, whole, unknown))).to.equal('unknown-signer');
  });

  it('have no nonce, and a realm', () => {
    const proof = { ...key.proof, nonce: 1n };
    const mined = records.signService(crypto, key.seed, { ...body, proof });
    expect(verify(records.countersignService(crypto, host.seed, mined))).to.equal('malformed');
    const other = { ...check, realm: 'other' };
    expect(fault(records.verifyService(crypto, whole, other))).to.equal('wrong-realm');
  });
});

describe('domains', () => {
  it('keep a signature of one kind from counting for another', () => {
    const { a, b } = testPair();
    const link = records.proposeLink(crypto, a.seed, linkBody(a, b));
    const node = records.signNode(crypto, a.seed, a.body);
    const crossed = { ...node, signature: crypto.ed25519Sign(a.seed, node.body) };
    expect(fault(records.verifyNode(crypto, crossed, CHECK))).to.equal('bad-signature');
    const digests = (['node', 'link', 'service'] as const).map((kind) =>
      records.recordDigest(crypto, { ...link, kind }),
    );
    expect(new Set(digests).size).to.equal(3);
  });
});

describe('VerificationCache', () => {
  function counting() {
    let verified = 0;
    const ed25519Verify: typeof crypto.ed25519Verify = (...args) => {
      verified++;
      return crypto.ed25519Verify(...args);
    };
    return { count: () => verified, crypto: { ...crypto, ed25519Verify } };
  }

  it('verifies the same record once', () => {
    const counted = counting();
    const cache = new VerificationCache(counted.crypto);
    const node = testNode(1);
    const record = records.signNode(crypto, node.seed, node.body);
    const copy = { ...record, body: record.body.slice() };
    const first = cache.node(record, CHECK);
    expect(cache.node(copy, CHECK)).to.deep.equal(first);
    expect(counted.count()).to.equal(1);
  });

  it('still checks time, realm and key of what it knows', () => {
    const cache = new VerificationCache(crypto);
    const node = testNode(1);
    const record = records.signNode(crypto, node.seed, node.body);
    expect(fault(cache.node(record, CHECK))).to.equal('none');
    expect(fault(cache.node(record, { ...CHECK, nowSeconds: NOW + 86_401 }))).to.equal('expired');
    expect(fault(cache.node(record, { ...CHECK, realm: 'other' }))).to.equal('wrong-realm');
    expect(fault(cache.node(record, { ...CHECK, noiseKey: new Uint8Array(32) }))).to.equal(
      'wrong-key',
    );
  });

  it('does not take one signature for another, nor keep failures', () => {
    const counted = counting();
    const cache = new VerificationCache(counted.crypto);
    const node = testNode(1);
    const record = records.signNode(crypto, node.seed, node.body);
    cache.node(record, CHECK);
    const forged = { ...record, signature: flipped(record.signature, 3) };
    expect(fault(cache.node(forged, CHECK))).to.equal('bad-signature');
    expect(fault(cache.node(forged, CHECK))).to.equal('bad-signature');
    expect([cache.size, counted.count()]).to.deep.equal([1, 3]);
  });

  it('forgets the least recently used beyond its limit', () => {
    const counted = counting();
    const cache = new VerificationCache(counted.crypto, 2);
    const signed = [1, 2, 3].map((n) =>
      records.signNode(crypto, testNode(n).seed, testNode(n).body),
    );
    const [one, two, three] = signed as [SignedRecord, SignedRecord, SignedRecord];
    for (const record of [one, two, one, three]) cache.node(record, CHECK);
    expect([cache.size, counted.count()]).to.deep.equal([2, 3]);
    cache.node(one, CHECK);
    expect(counted.count(), 'one was kept').to.equal(3);
    cache.node(two, CHECK);
    expect(counted.count(), 'two was dropped').to.equal(4);
  });
});
