/**
 * Noise's HandshakeState (Noise specification, revision 34, §5.3) for any pattern over 25519, ChaChaPoly and BLAKE2s.
 * Patterns are data; the router uses one (IKpsk2), the tests all that have vectors.
 */
import { concat, utf8, wipe } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { KEY_BYTES, TAG_BYTES } from './messages.js';
import { SymmetricState } from './symmetric.js';

export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

export interface Pattern {
  /** The whole protocol name: `Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s`. */
  readonly protocol: string;
  /** Public keys that each side knows beforehand. */
  readonly known: {
    readonly initiator: readonly Token[];
    readonly responder: readonly Token[];
  };
  /** Messages in turn, the initiator's first. */
  readonly messages: readonly (readonly Token[])[];
}

export interface HandshakeOptions {
  readonly pattern: Pattern;
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  /** Our static private key, where the pattern has one. */
  readonly staticPrivate?: Uint8Array | undefined;
  readonly remoteStatic?: Uint8Array | undefined;
  /** Drawn by the caller; wiped with the state. */
  readonly ephemeralPrivate: Uint8Array;
  readonly presharedKey?: Uint8Array | undefined;
}

/**
 * One side of one handshake. `write` and `read` take turns; each answers undefined when it fails (not authentic,
 * a key missing, a low-order point), and then the state is of no more use: read on a `clone` what strangers may forge.
 */
export class HandshakeState {
  readonly #crypto: Crypto;
  readonly #options: HandshakeOptions;
  readonly #symmetric: SymmetricState;
  #turn = 0;
  #remoteStatic: Uint8Array | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  /** A responder learns whose key to use from the first message. */
  presharedKey: Uint8Array | undefined;

  constructor(crypto: Crypto, options: HandshakeOptions, resume?: SymmetricState) {
    this.#crypto = crypto;
    this.#options = options;
    this.#remoteStatic = options.remoteStatic;
    this.presharedKey = options.presharedKey;
    this.#symmetric = resume ?? new SymmetricState(crypto, utf8(options.pattern.protocol));
    if (resume === undefined) this.#mixKnown();
  }

  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  get hash(): Uint8Array {
    return this.#symmetric.hash;
  }

  write(payload: Uint8Array): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    for (const token of this.#nextMessage()) {
      const part = this.#writeToken(token);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return concat(...parts, this.#symmetric.encryptAndHash(payload));
  }

  read(message: Uint8Array): Uint8Array | undefined {
    let at = 0;
    for (const token of this.#nextMessage()) {
      const read = this.#readToken(token, message.subarray(at));
      if (read === undefined) return undefined;
      at += read;
    }
    return this.#symmetric.decryptAndHash(message.subarray(at));
  }

  /** The transport keys, by direction. */
  split(): { readonly sendKey: Uint8Array; readonly receiveKey: Uint8Array } {
    const [first, second] = this.#symmetric.split();
    return this.#options.initiator
      ? { sendKey: first, receiveKey: second }
      : { sendKey: second, receiveKey: first };
  }

  /** A copy that goes its own way. The ephemeral key is shared: wipe only the original. */
  clone(): HandshakeState {
    const copy = new HandshakeState(this.#crypto, this.#options, this.#symmetric.clone());
    copy.#turn = this.#turn;
    copy.#remoteStatic = this.#remoteStatic;
    copy.#remoteEphemeral = this.#remoteEphemeral;
    copy.presharedKey = this.presharedKey;
    return copy;
  }

  /** Clears chaining and cipher keys only. */
  wipeSymmetric(): void {
    this.#symmetric.wipe();
  }

  wipe(): void {
    this.#symmetric.wipe();
    wipe(this.#options.ephemeralPrivate);
  }

  #nextMessage(): readonly Token[] {
    return this.#options.pattern.messages[this.#turn++] ?? [];
  }

  #mixKnown(): void {
    const { pattern, prologue, initiator, staticPrivate } = this.#options;
    this.#symmetric.mixHash(prologue);
    for (const side of ['initiator', 'responder'] as const) {
      const ours = (side === 'initiator') === initiator;
      for (const _ of pattern.known[side]) {
        const key = ours ? this.#publicOf(staticPrivate) : this.#remoteStatic;
        if (key !== undefined) this.#symmetric.mixHash(key);
      }
    }
  }

  #publicOf(privateKey: Uint8Array | undefined): Uint8Array | undefined {
    return privateKey === undefined ? undefined : this.#crypto.x25519Public(privateKey);
  }

  /** @returns the bytes that the token puts into the message: none for a DH or a PSK. */
  #writeToken(token: Token): Uint8Array | undefined {
    if (token === 'e') {
      const key = this.#crypto.x25519Public(this.#options.ephemeralPrivate);
      this.#mixEphemeral(key);
      return key;
    }
    if (token === 's') {
      const key = this.#publicOf(this.#options.staticPrivate);
      return key === undefined ? undefined : this.#symmetric.encryptAndHash(key);
    }
    return this.#mixSecret(token) ? NOTHING : undefined;
  }

  /** @returns how many bytes the token took. */
  #readToken(token: Token, rest: Uint8Array): number | undefined {
    if (token !== 'e' && token !== 's') return this.#mixSecret(token) ? 0 : undefined;
    const length = KEY_BYTES + (token === 's' && this.#symmetric.hasKey ? TAG_BYTES : 0);
    if (rest.length < length) return undefined;
    if (token === 'e') {
      this.#remoteEphemeral = rest.slice(0, length);
      this.#mixEphemeral(this.#remoteEphemeral);
    } else {
      const key = this.#symmetric.decryptAndHash(rest.subarray(0, length));
      if (key === undefined) return undefined;
      this.#remoteStatic = key.slice();
    }
    return length;
  }

  /** §9.2: with a PSK in the pattern, an ephemeral key is mixed into the key too. */
  #mixEphemeral(key: Uint8Array): void {
    this.#symmetric.mixHash(key);
    if (this.#options.pattern.messages.some((tokens) => tokens.includes('psk'))) {
      this.#symmetric.mixKey(key);
    }
  }

  #mixSecret(token: 'ee' | 'es' | 'se' | 'ss' | 'psk'): boolean {
    if (token === 'psk') {
      if (this.presharedKey === undefined) return false;
      this.#symmetric.mixKeyAndHash(this.presharedKey);
      return true;
    }
    const [ours, theirs] = this.#keysFor(token);
    if (ours === undefined || theirs === undefined) return false;
    const secret = this.#crypto.x25519(ours, theirs);
    if (secret === undefined) return false;
    this.#symmetric.mixKey(secret);
    wipe(secret);
    return true;
  }

  /** The token's first letter is the initiator's key, its second the responder's. */
  #keysFor(token: string): readonly [Uint8Array | undefined, Uint8Array | undefined] {
    const [mine, other] = this.#options.initiator ? [token[0], token[1]] : [token[1], token[0]];
    return [
      mine === 'e' ? this.#options.ephemeralPrivate : this.#options.staticPrivate,
      other === 'e' ? this.#remoteEphemeral : this.#remoteStatic,
    ];
  }
}

const NOTHING = new Uint8Array(0);
