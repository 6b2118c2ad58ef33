import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { formatNodeId, formatPrefix } from '../../../src/base/ip6.js';
import {
  defaultWork,
  deriveNode,
  deriveService,
  leadingZeroBits,
  successorOf,
} from '../../../src/identity/address.js';
import { isEndpoint, isName, isRealm } from '../../../src/identity/names.js';
import { crypto } from './nodes.js';

const publicKey = Uint8Array.from({ length: 32 }, (_, i) => i);
const successor = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);

/** Computed with Python's hashlib: key 00 01 02 …, successor ff fe fd …, nonce 7 (service: 0). */
const VECTOR = {
  address: 'fd9d:100c:fe94:990e:2147:5f00:bde5:f0f3',
  prefix: 'fd9d:100c:fe94:990e::/64',
  work: 0,
  service: 'fc2f:c2a:96ae:a729:8a48:cacf:255a:8614/128',
};

/** Design §4, written a second time. */
function hashByHand(realm: string, kind: number, nonce: bigint): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeBigUInt64BE(nonce);
  const name = Buffer.from(realm);
  const head = Buffer.from('alamesh address v1\0');
  const parts = [head, Buffer.of(name.length), name, Buffer.of(kind), publicKey, successor, tail];
  return createHash('sha512').update(Buffer.concat(parts)).digest();
}

describe('addresses from keys', () => {
  it('are the hash of design §4 for a node', () => {
    for (const nonce of [0n, 1n, 0x0102_0304_0506_0708n, 2n ** 64n - 1n]) {
      const hash = hashByHand('alanet', 1, nonce).toString('hex');
      const node = deriveNode(crypto, 'alanet', { publicKey, successor, nonce });
      expect(node.id).to.equal(`fd${hash.slice(0, 30)}`);
      expect(node.prefix).to.equal(`fd${hash.slice(0, 14)}/64`);
      const bits = BigInt(`0x${hash.slice(64)}`)
        .toString(2)
        .padStart(256, '0');
      expect(node.work).to.equal(bits.indexOf('1'));
    }
  });

  it('are the hash of design §4 for a service', () => {
    const hash = hashByHand('alanet', 2, 0n).toString('hex');
    const service = deriveService(crypto, 'alanet', { publicKey, successor, nonce: 0n });
    expect(service.prefix).to.equal(`fc${hash.slice(0, 30)}/128`);
    expect(Buffer.from(service.address).toString('hex')).to.equal(`fc${hash.slice(0, 30)}`);
  });

  it('stay what they were (vectors for a second implementation)', () => {
    const node = deriveNode(crypto, 'alanet', { publicKey, successor, nonce: 7n });
    const service = deriveService(crypto, 'alanet', { publicKey, successor, nonce: 0n });
    expect({
      address: formatNodeId(node.id),
      prefix: formatPrefix(node.prefix),
      work: node.work,
      service: formatPrefix(service.prefix),
    }).to.deep.equal(VECTOR);
  });

  it('differ with realm, successor, nonce and key', () => {
    const proof = { publicKey, successor, nonce: 0n };
    const ids = [
      deriveNode(crypto, 'alanet', proof),
      deriveNode(crypto, 'alanet2', proof),
      deriveNode(crypto, 'alanet', { ...proof, nonce: 1n }),
      deriveNode(crypto, 'alanet', { ...proof, successor: publicKey }),
      deriveNode(crypto, 'alanet', { ...proof, publicKey: successor }),
    ].map(({ id }) => id);
    expect(new Set(ids).size).to.equal(ids.length);
  });

  it('count leading zero bits', () => {
    expect(leadingZeroBits(Uint8Array.of(0x80))).to.equal(0);
    expect(leadingZeroBits(Uint8Array.of(0, 0, 0x10, 0))).to.equal(19);
    expect(leadingZeroBits(new Uint8Array(32))).to.equal(256);
  });

  it('ask for 20 bits of work in alanet only', () => {
    expect([defaultWork('alanet'), defaultWork('lab')]).to.deep.equal([20, 0]);
  });

  it('commit to a successor by SHA-512/256', () => {
    const expected = createHash('sha512-256').update(publicKey).digest();
    expect(Buffer.from(successorOf(crypto, publicKey))).to.deep.equal(expected);
  });
});

describe('names', () => {
  it('of realms are DNS labels', () => {
    expect(['a', 'alanet', 'my-lab2'].every(isRealm)).to.equal(true);
    expect(['', 'A', '-a', 'a-', 'a.b', 'a:b', 'x'.repeat(64)].some(isRealm)).to.equal(false);
  });

  it('of nodes need no quoting', () => {
    expect(['a', 'Berlin', 'my_node-2'].every(isName)).to.equal(true);
    expect(['', '.a', '../a', 'a b', '$a', 'a:b', 'x'.repeat(64)].some(isName)).to.equal(false);
  });

  it('of endpoints have a scheme', () => {
    expect(['udp://[::1]:1', 'tcp://example.net:443'].every(isEndpoint)).to.equal(true);
    const wrong = ['', '192.0.2.1:1', 'udp://', 'udp://a b', `udp://${'x'.repeat(255)}`];
    expect(wrong.some(isEndpoint)).to.equal(false);
  });
});
