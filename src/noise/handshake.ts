/**
 * WireGuard's handshake (whitepaper §5.4.2 and §5.4.3) as Noise_IKpsk2 in its framing. Pure: indices, ephemeral keys and
 * timestamps are arguments; the MACs are `cookie`'s. Failures are values: not authentic, or a low-order point.
 */
import { utf8 } from '../base/bytes.js';
import type { AeadCipher, Crypto } from '../base/crypto.js';
import { HandshakeState, type Pattern } from './handshake-state.js';
import { layInitiation, layResponse, noisePart, senderIndex, TIMESTAMP_BYTES } from './messages.js';

export const IKPSK2: Pattern = {
  protocol: 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s',
  known: { initiator: [], responder: ['s'] },
  messages: [
    ['e', 'es', 's', 'ss'],
    ['e', 'ee', 'se', 'psk'],
  ],
};

const PROLOGUE = utf8('WireGuard v1 zx2c4 Jason@zx2c4.com');
const NOTHING = new Uint8Array(0);

export interface InitiationOptions {
  readonly privateKey: Uint8Array;
  readonly remotePublic: Uint8Array;
  /** 32 bytes; zeros without one. */
  readonly presharedKey: Uint8Array;
  /** 32 fresh random bytes; wiped with the state. */
  readonly ephemeralPrivate: Uint8Array;
  readonly localIndex: number;
  /** TAI64N, 12 bytes. */
  readonly timestamp: Uint8Array;
}

/** An initiation on the wire, MACs still zero, and what its answer is read with. */
export interface SentInitiation {
  readonly datagram: Uint8Array;
  readonly state: HandshakeState;
}

/** @returns undefined when the remote public key is a low-order point. */
export function createInitiation(
  crypto: Crypto,
  options: InitiationOptions,
): SentInitiation | undefined {
  const state = new HandshakeState(crypto, {
    pattern: IKPSK2,
    initiator: true,
    prologue: PROLOGUE,
    staticPrivate: options.privateKey,
    remoteStatic: options.remotePublic,
    ephemeralPrivate: options.ephemeralPrivate,
    presharedKey: options.presharedKey,
  });
  const noise = state.write(options.timestamp);
  if (noise === undefined) return undefined;
  return { datagram: layInitiation(options.localIndex, noise), state };
}

export interface ReceivedInitiation {
  readonly remoteIndex: number;
  /** Authenticated, but nothing yet says that it is not a replay. */
  readonly remotePublic: Uint8Array;
  readonly timestamp: Uint8Array;
  readonly state: HandshakeState;
}

/**
 * @param datagram 148 bytes whose MAC1 is right.
 * @param ephemeralPrivate 32 fresh random bytes, for the response.
 */
export function consumeInitiation(
  crypto: Crypto,
  privateKey: Uint8Array,
  datagram: Uint8Array,
  ephemeralPrivate: Uint8Array,
): ReceivedInitiation | undefined {
  const state = new HandshakeState(crypto, {
    pattern: IKPSK2,
    initiator: false,
    prologue: PROLOGUE,
    staticPrivate: privateKey,
    ephemeralPrivate,
  });
  const timestamp = state.read(noisePart(datagram));
  const remotePublic = state.remoteStatic;
  if (timestamp?.length !== TIMESTAMP_BYTES || remotePublic === undefined) {
    state.wipe();
    return undefined;
  }
  return { remoteIndex: senderIndex(datagram), remotePublic, timestamp, state };
}

export interface TransportKeys {
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
}

const AES_LABEL = utf8('alamesh v1 AES-256-GCM');

/**
 * How a responder says which cipher it takes: AES-256-GCM turns the preshared key into another one, which both sides mix
 * in. What the response decrypts under is what was agreed: nobody in between can change it.
 */
function keyFor(crypto: Crypto, presharedKey: Uint8Array, cipher: AeadCipher): Uint8Array {
  return cipher === 'aes-256-gcm' ? crypto.blake2s(AES_LABEL, presharedKey) : presharedKey;
}

/** The responder's answer, MACs still zero. Ends and wipes the received state. */
export function createResponse(
  crypto: Crypto,
  received: ReceivedInitiation,
  answer: {
    readonly presharedKey: Uint8Array;
    readonly localIndex: number;
    /** AES-256-GCM only where the initiation offers it. */
    readonly cipher: AeadCipher;
  },
): { readonly datagram: Uint8Array; readonly keys: TransportKeys } | undefined {
  const { state } = received;
  const { localIndex } = answer;
  state.presharedKey = keyFor(crypto, answer.presharedKey, answer.cipher);
  const noise = state.write(NOTHING);
  const keys = noise === undefined ? undefined : state.split();
  state.wipe();
  if (noise === undefined || keys === undefined) return undefined;
  return { datagram: layResponse(localIndex, received.remoteIndex, noise), keys };
}

/**
 * The initiator's last step. The sent state stays usable when the response is forged; it is wiped when it is right.
 * @param datagram 92 bytes.
 * @param ciphers What the initiation allows, likeliest first.
 */
export function consumeResponse(
  crypto: Crypto,
  sent: HandshakeState,
  datagram: Uint8Array,
  ciphers: readonly AeadCipher[],
): ReceivedResponse | undefined {
  const presharedKey = sent.presharedKey as Uint8Array;
  for (const cipher of ciphers) {
    const attempt = sent.clone();
    attempt.presharedKey = keyFor(crypto, presharedKey, cipher);
    const payload = attempt.read(noisePart(datagram));
    const keys = payload?.length === 0 ? attempt.split() : undefined;
    attempt.wipeSymmetric();
    if (keys === undefined) continue;
    sent.wipe();
    return { remoteIndex: senderIndex(datagram), keys, cipher };
  }
  return undefined;
}

export interface ReceivedResponse {
  readonly remoteIndex: number;
  readonly keys: TransportKeys;
  readonly cipher: AeadCipher;
}
