import { createCipheriv } from 'node:crypto';
import { expect } from 'chai';
import { fromHex, toHex, writeU32le } from '../../../src/base/bytes.js';
import { namesAes } from '../../../src/platform/cpu.js';
import {
  type AeadBackend,
  aeadBackend,
  kernelEntropy,
  nodeCrypto,
} from '../../../src/platform/crypto.js';
import { PUBLIC_KEYS_MAX } from '../../../src/platform/keys.js';
import { hex, vectorJson, vectorText } from '../noise/vectors.js';

const crypto = nodeCrypto();
const NOTHING = new Uint8Array(0);

interface Xdh {
  readonly tcId: number;
  readonly public: string;
  readonly private: string;
  readonly shared: string;
}

interface Aead {
  readonly tcId: number;
  readonly key: string;
  readonly iv: string;
  readonly aad: string;
  readonly msg: string;
  readonly ct: string;
  readonly tag: string;
  readonly result: 'valid' | 'invalid';
}

interface Groups<T> {
  readonly testGroups: readonly { readonly ivSize?: number; readonly tests: readonly T[] }[];
}

describe('X25519', () => {
  it('agrees with Wycheproof, and answers undefined where the result would be zero', function () {
    const file = vectorJson<Groups<Xdh>>(this, 'crypto/wycheproof-x25519_test.json');
    const tests = file.testGroups.flatMap((group) => group.tests);
    expect(tests).to.have.length(518);
    for (const test of tests) {
      const shared = crypto.x25519(hex(test.private), hex(test.public));
      const isZero = /^0*$/.test(test.shared);
      expect(shared && toHex(shared), `tcId ${test.tcId}`).to.equal(
        isZero ? undefined : test.shared,
      );
    }
  });

  it('agrees with RFC 7748 §5.2', function () {
    const text = vectorText(this, 'crypto/x25519-rfc7748.txt');
    const rows = text.matchAll(/INPUT_SCALAR = (\w+)\s+INPUT_U = (\w+)\s+OUTPUT_U = (\w+)/g);
    let count = 0;
    for (const [, scalar = '', u = '', output = ''] of rows) {
      expect(toHex(crypto.x25519(hex(scalar), hex(u)) ?? NOTHING)).to.equal(output);
      count++;
    }
    expect(count).to.be.greaterThan(1);
  });

  it('takes the new key when a caller puts another into the same array', () => {
    const nine = new Uint8Array(32).fill(9, 0, 1);
    const key = new Uint8Array(32).fill(1);
    const first = crypto.x25519Public(key);
    expect(crypto.x25519(key, nine)).to.deep.equal(first);
    key.fill(2);
    expect(crypto.x25519Public(key)).not.to.deep.equal(first);
    expect(crypto.x25519Public(key)).to.deep.equal(crypto.x25519(key, nine));
  });

  it('stays right when more public keys pass than are kept', function () {
    this.timeout(20_000);
    const mine = new Uint8Array(32).fill(1);
    const theirs = new Uint8Array(32).fill(2);
    const expected = crypto.x25519(mine, crypto.x25519Public(theirs));
    for (let i = 0; i <= PUBLIC_KEYS_MAX; i++) {
      const key = new Uint8Array(32).fill(5);
      writeU32le(key, 0, i);
      expect(crypto.x25519(mine, key)).not.to.equal(undefined);
    }
    expect(crypto.x25519(theirs, crypto.x25519Public(mine))).to.deep.equal(expected);
  });
});

describe('Ed25519', () => {
  it('agrees with the first 256 of the sign.input list', function () {
    const lines = vectorText(this, 'crypto/ed25519-sign-input-first256.txt').trim().split('\n');
    expect(lines).to.have.length(256);
    for (const line of lines) {
      const [secret = '', publicKey = '', message = '', signed = ''] = line.split(':');
      const seed = hex(secret.slice(0, 64));
      const signature = hex(signed.slice(0, 128));
      expect(toHex(crypto.ed25519Public(seed))).to.equal(publicKey);
      expect(crypto.ed25519Sign(seed, hex(message))).to.deep.equal(signature);
      expect(crypto.ed25519Verify(hex(publicKey), hex(message), signature)).to.equal(true);
    }
  });

  it('says no, and never throws, to a changed message, signature or key of any shape', () => {
    const seed = new Uint8Array(32).fill(3);
    const key = crypto.ed25519Public(seed);
    const message = Uint8Array.of(1, 2, 3);
    const signature = crypto.ed25519Sign(seed, message);
    const flipped = signature.slice().fill(0xff, 32, 33);
    expect(crypto.ed25519Verify(key, Uint8Array.of(1, 2, 4), signature)).to.equal(false);
    expect(crypto.ed25519Verify(key, message, flipped)).to.equal(false);
    expect(crypto.ed25519Verify(key, message, signature.subarray(1))).to.equal(false);
    expect(crypto.ed25519Verify(key.subarray(1), message, signature)).to.equal(false);
    expect(crypto.ed25519Verify(new Uint8Array(32).fill(0xff), message, signature)).to.equal(false);
    expect(crypto.ed25519Verify(NOTHING, message, NOTHING)).to.equal(false);
  });
});

describe('ChaCha20-Poly1305', () => {
  it('agrees with Wycheproof both ways, and refuses what is forged', function () {
    const file = vectorJson<Groups<Aead>>(this, 'crypto/wycheproof-chacha20_poly1305_test.json');
    let count = 0;
    for (const { ivSize, tests } of file.testGroups) {
      for (const test of tests) {
        count++;
        const [key, nonce, aad, plain] = [test.key, test.iv, test.aad, test.msg].map(hex) as [
          Uint8Array,
          Uint8Array,
          Uint8Array,
          Uint8Array,
        ];
        const sealed = hex(test.ct + test.tag);
        if (ivSize !== 96) {
          expect(() => crypto.open(key, nonce, sealed, aad)).to.throw('nonce');
          continue;
        }
        const opened = crypto.open(key, nonce, sealed, aad);
        if (test.result === 'valid') {
          expect(crypto.seal(key, nonce, plain, aad), `tcId ${test.tcId}`).to.deep.equal(sealed);
          expect(opened, `tcId ${test.tcId}`).to.deep.equal(plain);
        } else {
          expect(opened, `tcId ${test.tcId}`).to.equal(undefined);
        }
      }
    }
    expect(count).to.equal(325);
  });

  it('XChaCha20 agrees with the published vector, and refuses what is forged or cut', function () {
    const [vector] = vectorJson<
      readonly Readonly<Record<'key' | 'nonce' | 'aad' | 'msg' | 'result', string>>[]
    >(this, 'crypto/stablelib_xchacha20poly1305.json');
    if (vector === undefined) throw new Error('no vector');
    const key = hex(vector.key);
    const nonce = hex(vector.nonce);
    const aad = hex(vector.aad);
    const sealed = crypto.xseal(key, nonce, hex(vector.msg), aad);
    expect(toHex(sealed)).to.equal(vector.result);
    expect(toHex(crypto.xopen(key, nonce, sealed, aad) ?? NOTHING)).to.equal(vector.msg);
    expect(crypto.xopen(key, nonce, sealed, NOTHING)).to.equal(undefined);
    for (const length of [0, 15, 16, sealed.length - 1]) {
      expect(crypto.xopen(key, nonce, sealed.subarray(0, length), aad)).to.equal(undefined);
      expect(crypto.open(key, nonce.subarray(0, 12), sealed.subarray(0, length), aad)).to.equal(
        undefined,
      );
    }
  });
});

describe('hashes', () => {
  it('BLAKE2s agrees with the known answers, keyed and not, whole and in parts', function () {
    type Kat = Readonly<Record<'in' | 'key' | 'out', string>>;
    const kats = vectorJson<readonly Kat[]>(this, 'crypto/blake2s-kat.json');
    expect(kats).to.have.length(512);
    for (const kat of kats) {
      const input = hex(kat.in);
      const parts = [input.subarray(0, 7), input.subarray(7)];
      const digest = (...all: Uint8Array[]) =>
        kat.key === '' ? crypto.blake2s(...all) : crypto.blake2sMac(hex(kat.key), 32, ...all);
      expect(toHex(digest(input))).to.equal(kat.out);
      expect(toHex(digest(...parts))).to.equal(kat.out);
    }
  });

  it('SHA-512 and SHA-512/256 agree with FIPS 180-4 for "abc"', () => {
    const parts = [Uint8Array.of(0x61), Uint8Array.of(0x62, 0x63)];
    expect(toHex(crypto.sha512(...parts)).slice(0, 32)).to.equal(
      'ddaf35a193617abacc417349ae204131',
    );
    expect(toHex(crypto.sha512t256(...parts))).to.equal(
      '53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23',
    );
  });
});

describe('kernel entropy', () => {
  it('gives the bytes asked for, different each time, and integers below the limit', () => {
    const entropy = kernelEntropy();
    expect(entropy.bytes(40)).to.have.length(40);
    expect(entropy.bytes(32)).not.to.deep.equal(entropy.bytes(32));
    const drawn = Array.from({ length: 200 }, () => entropy.below(3));
    expect([...new Set(drawn)].sort()).to.deep.equal([0, 1, 2]);
  });
});

const nonceOf = (counter: number) => {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, BigInt(counter), true);
  return nonce;
};

function describeAeadKey(backend: AeadBackend): void {
  const { aeadKey } = nodeCrypto(backend);
  const raw = new Uint8Array(32).map((_, i) => i);
  const plain = (length: number) => new Uint8Array(length).map((_, i) => i * 7);

  describe(`packet key by ${backend}`, () => {
    before(function () {
      if (backend === 'openssl' && aeadBackend() !== 'openssl') this.skip();
    });

    it('seals as RFC 8439 does, for all lengths and counters, at an offset', () => {
      const key = aeadKey(raw);
      for (const length of [0, 1, 16, 63, 64, 65, 1280, 1420, 9000, 65_535]) {
        for (const counter of [0, 1, 255, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
          const expected = crypto.seal(raw, nonceOf(counter), plain(length), NOTHING);
          const out = new Uint8Array(length + 48).fill(0xee);
          key.seal(counter, plain(length), out, 16);
          expect(Buffer.from(out.subarray(16, -16)).equals(expected)).to.equal(true);
          expect(toHex(out.subarray(0, 16)) + toHex(out.subarray(-16))).to.match(/^(ee){32}$/);
          const opened = new Uint8Array(length + 8);
          expect(key.open(counter, expected, opened, 8)).to.equal(true);
          expect(Buffer.from(opened.subarray(8)).equals(plain(length))).to.equal(true);
        }
      }
      key.wipe();
    });

    it('answers false to a wrong tag, text, counter, key or length, and works on', () => {
      const key = aeadKey(raw);
      const out = new Uint8Array(200);
      const sealed = new Uint8Array(116);
      key.seal(9, plain(100), sealed, 0);
      for (let bit = 0; bit < sealed.length * 8; bit += 37) {
        const forged = sealed.slice();
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(key.open(9, forged, out, 0), `bit ${bit}`).to.equal(false);
      }
      expect(key.open(8, sealed, out, 0)).to.equal(false);
      expect(aeadKey(new Uint8Array(32)).open(9, sealed, out, 0)).to.equal(false);
      for (const length of [0, 1, 15, 16, 115]) {
        expect(key.open(9, sealed.subarray(0, length), out, 0), `${length}`).to.equal(false);
      }
      expect(key.open(9, sealed, out, 0)).to.equal(true);
      key.wipe();
    });

    it('opens in place', () => {
      const key = aeadKey(raw);
      const packet = new Uint8Array(132);
      key.seal(1, plain(100), packet, 16);
      expect(key.open(1, packet.subarray(16), packet, 16)).to.equal(true);
      expect(packet.subarray(16, 116)).to.deep.equal(plain(100));
      key.wipe();
    });

    it('never writes outside of the buffer that it was given', () => {
      const key = aeadKey(raw);
      expect(() => key.seal(0, plain(100), new Uint8Array(115), 0)).to.throw('no room');
      expect(() => key.seal(0, plain(100), new Uint8Array(120), 5)).to.throw('no room');
      expect(() => key.seal(0, plain(100), new Uint8Array(200), -1)).to.throw('no room');
      expect(() => key.open(0, new Uint8Array(116), new Uint8Array(99), 0)).to.throw('no room');
      key.wipe();
    });

    it('keeps its own copy of the key, and is of no use once wiped', () => {
      const given = raw.slice();
      const key = aeadKey(given);
      given.fill(0);
      const sealed = new Uint8Array(26);
      key.seal(0, plain(10), sealed, 0);
      expect(sealed).to.deep.equal(crypto.seal(raw, nonceOf(0), plain(10), NOTHING));
      key.wipe();
      key.wipe();
      expect(key.open(0, sealed, new Uint8Array(10), 0)).to.equal(false);
      expect(() => key.seal(0, plain(10), sealed, 0)).to.throw('wiped');
    });
  });
}

describeAeadKey('openssl');
describeAeadKey('node');

describe('packet keys of AES-256-GCM', () => {
  for (const backend of ['openssl', 'node'] as const) {
    it(`are the standard's, by ${backend}`, function () {
      if (backend === 'openssl' && aeadBackend() !== 'openssl') this.skip();
      const raw = new Uint8Array(32).map((_, i) => i);
      const key = nodeCrypto(backend).aeadKey(raw, 'aes-256-gcm');
      for (const length of [0, 1, 16, 63, 1420, 65_535]) {
        const plain = new Uint8Array(length).map((_, i) => i * 7);
        for (const counter of [0, 1, 2 ** 32, 2 ** 53 - 1]) {
          const cipher = createCipheriv('aes-256-gcm', raw, nonceOf(counter));
          const expected = Buffer.concat([
            cipher.update(plain),
            cipher.final(),
            cipher.getAuthTag(),
          ]);
          const out = new Uint8Array(length + 16);
          key.seal(counter, plain, out, 0);
          expect(expected.equals(out)).to.equal(true);
          const opened = new Uint8Array(length);
          expect(key.open(counter, out, opened, 0)).to.equal(true);
          expect(Buffer.from(opened).equals(plain)).to.equal(true);
          expect(key.open(counter + 1, out, opened, 0)).to.equal(false);
        }
      }
      key.wipe();
    });
  }
});

describe('AES instructions', () => {
  it('are found in what Linux tells of the CPU', () => {
    expect(namesAes('flags\t\t: fpu aes pclmulqdq avx2\n', 'x64')).to.equal(true);
    expect(namesAes('flags\t\t: fpu aesx pclmulqdq\n', 'x64')).to.equal(false);
    expect(namesAes('Features\t: fp asimd aes pmull sha1\n', 'arm64')).to.equal(true);
    expect(namesAes('flags : aes pclmulqdq\n', 'mips')).to.equal(false);
  });
});

describe('AEAD backend', () => {
  it('is OpenSSL wherever node exports its symbols', () => {
    expect(aeadBackend()).to.be.oneOf(['openssl', 'node']);
    if (process.platform === 'linux' && process.config.variables.node_shared_openssl === false) {
      expect(aeadBackend()).to.equal('openssl');
    }
  });

  it('uses keys of 32 bytes only', () => {
    expect(() => crypto.aeadKey(fromHex('00') ?? NOTHING)).to.throw('32 bytes');
  });
});
