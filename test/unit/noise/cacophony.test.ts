import { expect } from 'chai';
import { toHex } from '../../../src/base/bytes.js';
import { HandshakeState } from '../../../src/noise/handshake-state.js';
import { CipherState } from '../../../src/noise/symmetric.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import { patternOf } from './patterns.js';
import { hex, vectorJson } from './vectors.js';

interface Vector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_static?: string;
  readonly init_ephemeral: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_static?: string;
  readonly resp_ephemeral?: string;
  readonly resp_remote_static?: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

const crypto = nodeCrypto();
const NOTHING = new Uint8Array(0);
const maybe = (text: string | undefined) => (text === undefined ? undefined : hex(text));

function side(vector: Vector, role: 'init' | 'resp'): HandshakeState {
  return new HandshakeState(crypto, {
    pattern: patternOf(vector.protocol_name),
    initiator: role === 'init',
    prologue: hex(vector[`${role}_prologue`]),
    staticPrivate: maybe(vector[`${role}_static`]),
    remoteStatic: maybe(vector[`${role}_remote_static`]),
    ephemeralPrivate: hex(vector[`${role}_ephemeral`] ?? '00'.repeat(32)),
    presharedKey: maybe(vector[`${role}_psks`]?.[0]),
  });
}

interface Sides<T> {
  readonly init: T;
  readonly resp: T;
}

function runHandshake(vector: Vector, sides: Sides<HandshakeState>): void {
  const length = patternOf(vector.protocol_name).messages.length;
  vector.messages.slice(0, length).forEach(({ payload, ciphertext }, turn) => {
    const [writer, reader] = turn % 2 === 0 ? [sides.init, sides.resp] : [sides.resp, sides.init];
    const message = writer.write(hex(payload));
    expect(message && toHex(message)).to.equal(ciphertext);
    const read = reader.read(hex(ciphertext));
    expect(read && toHex(read)).to.equal(payload);
  });
}

function runTransport(vector: Vector, sides: Sides<HandshakeState>): void {
  const length = patternOf(vector.protocol_name).messages.length;
  const isOneWay = length === 1;
  const keys = { init: sides.init.split(), resp: sides.resp.split() };
  expect(keys.init.sendKey).to.deep.equal(keys.resp.receiveKey);
  expect(keys.init.receiveKey).to.deep.equal(keys.resp.sendKey);
  const init = new CipherState(crypto, keys.init.sendKey);
  const resp = new CipherState(crypto, keys.resp.sendKey);
  vector.messages.slice(length).forEach(({ payload, ciphertext }, i) => {
    const sender = isOneWay || (length + i) % 2 === 0 ? init : resp;
    expect(toHex(sender.encrypt(NOTHING, hex(payload)))).to.equal(ciphertext);
  });
}

describe('Noise engine', () => {
  it('agrees with every cacophony vector of 25519, ChaChaPoly and BLAKE2s', function () {
    const file = 'noise/cacophony-25519-chachapoly-blake2s.json';
    const { vectors } = vectorJson<{ readonly vectors: readonly Vector[] }>(this, file);
    expect(vectors).to.have.length(59);
    for (const vector of vectors) {
      const sides = { init: side(vector, 'init'), resp: side(vector, 'resp') };
      runHandshake(vector, sides);
      expect(toHex(sides.init.hash), vector.protocol_name).to.equal(vector.handshake_hash);
      expect(toHex(sides.resp.hash), vector.protocol_name).to.equal(vector.handshake_hash);
      runTransport(vector, sides);
    }
  });

  it('fails, and does not throw, when a message is cut short or a key is missing', () => {
    const pattern = patternOf('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
    const responder = () =>
      new HandshakeState(crypto, {
        pattern,
        initiator: false,
        prologue: NOTHING,
        staticPrivate: new Uint8Array(32).fill(1),
        ephemeralPrivate: new Uint8Array(32).fill(2),
      });
    for (const length of [0, 31, 32, 79, 80, 95]) {
      expect(responder().read(new Uint8Array(length).fill(9))).to.equal(undefined);
    }
    const noRemote = new HandshakeState(crypto, {
      pattern,
      initiator: true,
      prologue: NOTHING,
      staticPrivate: new Uint8Array(32).fill(1),
      ephemeralPrivate: new Uint8Array(32).fill(2),
    });
    expect(noRemote.write(NOTHING)).to.equal(undefined);
  });
});
