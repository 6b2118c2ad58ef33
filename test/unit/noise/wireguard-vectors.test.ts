import { expect } from 'chai';
import { concat, toHex, writeU32le } from '../../../src/base/bytes.js';
import type { Instant, Millis } from '../../../src/base/time.js';
import { CookieChecker, CookieJar } from '../../../src/noise/cookie.js';
import {
  consumeInitiation,
  consumeResponse,
  createInitiation,
  createResponse,
} from '../../../src/noise/handshake.js';
import { receiverIndex, senderIndex } from '../../../src/noise/messages.js';
import { hkdf } from '../../../src/noise/symmetric.js';
import { kernelEntropy, nodeCrypto } from '../../../src/platform/crypto.js';
import { hex, vectorJson } from './vectors.js';

interface Capture {
  readonly psk: string;
  readonly initiator_static_private: string;
  readonly initiator_static_public: string;
  readonly responder_static_private: string;
  readonly responder_static_public: string;
  readonly initiator_ephemeral_private: string;
  readonly responder_ephemeral_private: string;
  readonly initiation_datagram: string;
  readonly response_datagram: string;
  readonly derived: {
    readonly tai64n: string;
    readonly after_initiation: { readonly h: string };
    readonly final: { readonly h: string };
    readonly transport_key_initiator_to_responder: string;
    readonly transport_key_responder_to_initiator: string;
  };
  readonly transport: readonly {
    readonly direction: string;
    readonly counter: number;
    readonly datagram: string;
    readonly plaintext: string;
  }[];
}

const crypto = nodeCrypto();
const now = 1 as Instant;
const refresh = 120_000 as Millis;
const FILE = 'wireguard/handshake-vectors.json';

const captures = (test: Mocha.Context) =>
  vectorJson<{ readonly vectors: readonly Capture[] }>(test, FILE).vectors;

const jarFor = (publicKey: string) => new CookieJar(crypto, hex(publicKey), refresh);
const checkerFor = (publicKey: string) =>
  new CookieChecker(crypto, kernelEntropy(), hex(publicKey), refresh);

function initiate(capture: Capture) {
  const sent = createInitiation(crypto, {
    privateKey: hex(capture.initiator_static_private),
    remotePublic: hex(capture.responder_static_public),
    presharedKey: hex(capture.psk),
    ephemeralPrivate: hex(capture.initiator_ephemeral_private),
    localIndex: senderIndex(hex(capture.initiation_datagram)),
    timestamp: hex(capture.derived.tai64n),
  });
  if (sent === undefined) throw new Error('no initiation');
  return sent;
}

function receive(capture: Capture) {
  const received = consumeInitiation(
    crypto,
    hex(capture.responder_static_private),
    hex(capture.initiation_datagram),
    hex(capture.responder_ephemeral_private),
  );
  if (received === undefined) throw new Error('the initiation was refused');
  return received;
}

const CHACHA = 'chacha20-poly1305' as const;

describe('WireGuard captures', () => {
  it('makes the captured initiation, MAC1 included, byte for byte', function () {
    for (const capture of captures(this)) {
      const { datagram, state } = initiate(capture);
      jarFor(capture.responder_static_public).stamp(now, datagram);
      expect(toHex(datagram)).to.equal(capture.initiation_datagram);
      expect(toHex(state.hash)).to.equal(capture.derived.after_initiation.h);
    }
  });

  it('reads the captured initiation and answers it with the captured response', function () {
    for (const capture of captures(this)) {
      const received = receive(capture);
      expect(toHex(received.remotePublic)).to.equal(capture.initiator_static_public);
      expect(toHex(received.timestamp)).to.equal(capture.derived.tai64n);
      const index = senderIndex(hex(capture.response_datagram));
      const response = createResponse(crypto, received, {
        ...{ presharedKey: hex(capture.psk), localIndex: index, cipher: CHACHA },
      });
      if (response === undefined) throw new Error('no response');
      jarFor(capture.initiator_static_public).stamp(now, response.datagram);
      expect(toHex(response.datagram)).to.equal(capture.response_datagram);
      expect(toHex(received.state.hash)).to.equal(capture.derived.final.h);
      const { derived } = capture;
      expect(toHex(response.keys.sendKey)).to.equal(derived.transport_key_responder_to_initiator);
      expect(toHex(response.keys.receiveKey)).to.equal(
        derived.transport_key_initiator_to_responder,
      );
    }
  });

  it('reads the captured response and derives the keys of the captured packets', function () {
    for (const capture of captures(this)) {
      const { state } = initiate(capture);
      const response = consumeResponse(crypto, state, hex(capture.response_datagram), [CHACHA]);
      if (response === undefined) throw new Error('the response was refused');
      expect(response.remoteIndex).to.equal(senderIndex(hex(capture.response_datagram)));
      const toResponder = crypto.aeadKey(response.keys.sendKey);
      const toInitiator = crypto.aeadKey(response.keys.receiveKey);
      expect(capture.transport).not.to.have.length(0);
      for (const packet of capture.transport) {
        const key = packet.direction === 'initiator->responder' ? toResponder : toInitiator;
        const plain = hex(packet.plaintext);
        const sealed = hex(packet.datagram).subarray(16);
        const opened = new Uint8Array(plain.length);
        expect(key.open(packet.counter, sealed, opened, 0)).to.equal(true);
        expect(opened).to.deep.equal(plain);
        const resealed = new Uint8Array(sealed.length);
        key.seal(packet.counter, plain, resealed, 0);
        expect(resealed).to.deep.equal(sealed);
      }
    }
  });

  it('accepts the captured MAC1s, and no other', function () {
    for (const capture of captures(this)) {
      const pairs = [
        [capture.responder_static_public, capture.initiation_datagram],
        [capture.initiator_static_public, capture.response_datagram],
      ] as const;
      for (const [publicKey, text] of pairs) {
        const datagram = hex(text);
        expect(checkerFor(publicKey).hasMac1(datagram)).to.equal(true);
        datagram[20] = (datagram[20] ?? 0) ^ 1;
        expect(checkerFor(publicKey).hasMac1(datagram)).to.equal(false);
      }
    }
  });

  it('keeps a sent initiation usable after a forged response, and wipes it after the right one', function () {
    const [capture] = captures(this);
    if (capture === undefined) throw new Error('no capture');
    const { state } = initiate(capture);
    const right = hex(capture.response_datagram);
    const forged = right.slice();
    forged[50] = (forged[50] ?? 0) ^ 1;
    expect(consumeResponse(crypto, state, forged, [CHACHA])).to.equal(undefined);
    expect(consumeResponse(crypto, state, right, [CHACHA])).not.to.equal(undefined);
    expect(consumeResponse(crypto, state, right, [CHACHA])).to.equal(undefined);
  });

  it('refuses an initiation and a response with a low-order ephemeral key', function () {
    const [capture] = captures(this);
    if (capture === undefined) throw new Error('no capture');
    const initiation = hex(capture.initiation_datagram).fill(0, 8, 40);
    const key = hex(capture.responder_static_private);
    expect(consumeInitiation(crypto, key, initiation, new Uint8Array(32))).to.equal(undefined);
    const response = hex(capture.response_datagram).fill(0, 12, 44);
    expect(consumeResponse(crypto, initiate(capture).state, response, [CHACHA])).to.equal(
      undefined,
    );
  });

  it('refuses a response made with another preshared key', function () {
    const [capture] = captures(this);
    if (capture === undefined) throw new Error('no capture');
    const response = createResponse(crypto, receive(capture), {
      ...{ presharedKey: new Uint8Array(32).fill(1), localIndex: 7, cipher: CHACHA },
    });
    if (response === undefined) throw new Error('no response');
    expect(consumeResponse(crypto, initiate(capture).state, response.datagram, [CHACHA])).to.equal(
      undefined,
    );
  });
});

describe('WireGuard KDF', () => {
  it('agrees with the published KDF1, KDF2 and KDF3', function () {
    type Kdf = Readonly<Record<'key' | 'input' | 't0' | 't1' | 't2', string>>;
    const file = vectorJson<{ readonly vectors: readonly Kdf[] }>(
      this,
      'wireguard/kdf-vectors.json',
    );
    expect(file.vectors).to.have.length(3);
    for (const { key, input, t0, t1, t2 } of file.vectors) {
      const outputs = hkdf(crypto, hex(key), hex(input), 3);
      expect(outputs.map(toHex)).to.deep.equal([t0, t1, t2]);
      expect(hkdf(crypto, hex(key), hex(input), 1).map(toHex)).to.deep.equal([t0]);
    }
  });
});

describe('cookies', () => {
  const privateKey = new Uint8Array(32).fill(7);
  const publicKey = crypto.x25519Public(privateKey);
  const here = new TextEncoder().encode('udp://192.0.2.1:4242');
  const elsewhere = new TextEncoder().encode('udp://192.0.2.1:4243');
  const later = (msec: number) => (now + msec) as Instant;
  const initiation = () => {
    const datagram = new Uint8Array(148).fill(3);
    writeU32le(datagram, 0, 1);
    datagram.fill(0, 116);
    return datagram;
  };
  const setup = () => ({
    checker: new CookieChecker(crypto, kernelEntropy(), publicKey, refresh),
    jar: new CookieJar(crypto, publicKey, refresh),
  });

  it('are demanded, accepted and then proven, from the one address they were made for', () => {
    const { checker, jar } = setup();
    const first = initiation();
    jar.stamp(now, first);
    expect(checker.hasMac2(now, here, first)).to.equal(false);
    const reply = checker.reply(now, here, first);
    expect(reply).to.have.length(64);
    expect(receiverIndex(reply)).to.equal(senderIndex(first));
    expect(jar.accept(now, reply)).to.equal(true);
    const second = initiation();
    jar.stamp(now, second);
    expect(checker.hasMac1(second)).to.equal(true);
    expect(checker.hasMac2(now, here, second)).to.equal(true);
    expect(checker.hasMac2(now, elsewhere, second)).to.equal(false);
    const tampered = concat(second);
    tampered[147] = (tampered[147] ?? 0) ^ 0x80;
    expect(checker.hasMac2(now, here, tampered)).to.equal(false);
  });

  it('are refused when the reply is forged, for another message, or came before', () => {
    const { checker, jar } = setup();
    const first = initiation();
    expect(jar.accept(now, checker.reply(now, here, first))).to.equal(false);
    jar.stamp(now, first);
    const reply = checker.reply(now, here, first);
    const forged = concat(reply);
    forged[40] = (forged[40] ?? 0) ^ 1;
    expect(jar.accept(now, forged)).to.equal(false);
    expect(jar.accept(now, reply)).to.equal(true);
    expect(jar.accept(now, reply)).to.equal(false);
  });

  it('expire with the secret behind them, and the jar stops using them a little before', () => {
    const { checker, jar } = setup();
    const first = initiation();
    jar.stamp(now, first);
    jar.accept(now, checker.reply(now, here, first));
    const fresh = initiation();
    jar.stamp(later(114_999), fresh);
    expect(checker.hasMac2(later(114_999), here, fresh)).to.equal(true);
    expect(checker.hasMac2(later(120_000), here, fresh)).to.equal(false);
    const stale = initiation();
    jar.stamp(later(115_000), stale);
    expect(stale.subarray(132)).to.deep.equal(new Uint8Array(16));
  });
});
