import { expect } from 'chai';
import type { EpochMillis, Millis } from '../../../src/base/time.js';
import { isLater, offerAes, offersAes, TimestampSource } from '../../../src/noise/tai64n.js';
import { Pair } from './pair.js';

const [AES, CHACHA] = ['aes-256-gcm', 'chacha20-poly1305'];

/** The cipher of both sides' keypairs after one handshake of `from`. */
function agreed(pair: Pair, from: 'a' | 'b' = 'a'): (string | undefined)[] {
  pair[from].want();
  pair.advance(100);
  expect(pair.a.current?.sendKey).to.deep.equal(pair.b.current?.receiveKey);
  return [pair.a.current?.cipher, pair.b.current?.cipher];
}

describe('noise device: the cipher of transport data', () => {
  it('is AES-256-GCM where both sides can, whoever begins', () => {
    expect(agreed(new Pair(1, {}, { aes: 'ab' }))).to.deep.equal([AES, AES]);
    expect(agreed(new Pair(2, {}, { aes: 'ab' }), 'b')).to.deep.equal([AES, AES]);
  });

  for (const [what, how] of [
    ['only the initiator can', { aes: 'a' }],
    ['only the responder can', { aes: 'b' }],
    ['neither can', {}],
    ['the initiator takes the other for stock', { aes: 'ab', stock: 'a' }],
    ['the responder takes the other for stock', { aes: 'ab', stock: 'b' }],
  ] as const) {
    it(`is ChaCha20-Poly1305 where ${what}`, () => {
      expect(agreed(new Pair(3, {}, how))).to.deep.equal([CHACHA, CHACHA]);
    });
  }

  it('stays the same over rekeys', () => {
    const pair = new Pair(4, { rekeyAfter: 2_000 as Millis }, { aes: 'ab' });
    agreed(pair);
    for (let i = 0; i < 300; i++) {
      pair.a.sendData();
      pair.b.sendData();
      pair.advance(100);
    }
    const ciphers = pair.a.of('keypair').map(({ keypair }) => keypair.cipher);
    expect(ciphers.length).to.be.above(2);
    expect(new Set(ciphers)).to.deep.equal(new Set([AES]));
  });

  it('cannot be changed by whoever carries the handshake', () => {
    for (const kind of ['initiation', 'response'] as const) {
      for (let at = 4; at < (kind === 'initiation' ? 116 : 60); at++) {
        const pair = new Pair(5, {}, { aes: 'ab' });
        pair.network = (packet) => {
          if (packet.kind === kind) packet.datagram[at] = (packet.datagram[at] ?? 0) ^ 0xa5;
          return [20];
        };
        pair.a.want();
        pair.advance(100);
        for (const { cipher } of [...pair.a.of('keypair'), ...pair.b.of('keypair')].map(
          ({ keypair }) => keypair,
        ))
          expect(cipher, `${kind}, byte ${at}`).to.equal(AES);
      }
    }
  });
});

describe('the offer in a timestamp', () => {
  it('keeps the order of times, also when the clock stands still', () => {
    const source = new TimestampSource();
    let last: Uint8Array | undefined;
    for (let i = 0; i < 1_000; i++) {
      const plain = source.next(1_790_000_000_000 as EpochMillis);
      const label = i % 3 === 0 ? offerAes(plain) : plain;
      expect(offersAes(label)).to.equal(i % 3 === 0);
      expect(isLater(label, last)).to.equal(true);
      last = label;
    }
  });
});
