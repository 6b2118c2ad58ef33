/** WireGuard's messages on the wire (whitepaper §5.4): constants and layouts, no cryptography. */
import { readU32le, writeU32le } from '../base/bytes.js';

export const TYPE_INITIATION = 1;
export const TYPE_RESPONSE = 2;
export const TYPE_COOKIE_REPLY = 3;
export const TYPE_TRANSPORT = 4;

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;
export const MAC_BYTES = 16;
export const COOKIE_BYTES = 16;
export const COOKIE_NONCE_BYTES = 24;
export const TIMESTAMP_BYTES = 12;

/** type ‖ 3 zeros ‖ sender ‖ Noise message (ephemeral, static, timestamp) ‖ MAC1 ‖ MAC2 */
export const INITIATION_BYTES = 148;
export const INITIATION_NOISE_AT = 8;
/** type ‖ 3 zeros ‖ sender ‖ receiver ‖ Noise message (ephemeral, nothing) ‖ MAC1 ‖ MAC2 */
export const RESPONSE_BYTES = 92;
export const RESPONSE_NOISE_AT = 12;
/** type ‖ 3 zeros ‖ receiver ‖ nonce ‖ sealed cookie */
export const COOKIE_REPLY_BYTES = 64;
export const COOKIE_NONCE_AT = 8;
export const COOKIE_SEALED_AT = COOKIE_NONCE_AT + COOKIE_NONCE_BYTES;

const SENDER_AT = 4;
const MACS_BYTES = 2 * MAC_BYTES;

export type HandshakeKind = 'initiation' | 'response' | 'cookie-reply';

/** @returns undefined unless type, reserved zeros and length are exactly those of a handshake message. */
export function handshakeKind(datagram: Uint8Array): HandshakeKind | undefined {
  const type = datagram.length >= COOKIE_REPLY_BYTES ? readU32le(datagram, 0) : 0;
  if (type === TYPE_INITIATION && datagram.length === INITIATION_BYTES) return 'initiation';
  if (type === TYPE_RESPONSE && datagram.length === RESPONSE_BYTES) return 'response';
  if (type === TYPE_COOKIE_REPLY && datagram.length === COOKIE_REPLY_BYTES) return 'cookie-reply';
  return undefined;
}

/** The index that the sender of an initiation or a response chose for itself. */
export const senderIndex = (datagram: Uint8Array): number => readU32le(datagram, SENDER_AT);

/** Whom a response or a cookie reply is for. */
export function receiverIndex(datagram: Uint8Array): number {
  return readU32le(datagram, datagram[0] === TYPE_RESPONSE ? 8 : 4);
}

/** The Noise message inside an initiation or a response. */
export function noisePart(datagram: Uint8Array): Uint8Array {
  const from = datagram[0] === TYPE_RESPONSE ? RESPONSE_NOISE_AT : INITIATION_NOISE_AT;
  return datagram.subarray(from, mac1At(datagram));
}

/** Where MAC1 begins: it covers all that is before it. */
export const mac1At = (datagram: Uint8Array): number => datagram.length - MACS_BYTES;
/** Where MAC2 begins: it covers all that is before it, MAC1 included. */
export const mac2At = (datagram: Uint8Array): number => datagram.length - MAC_BYTES;

/** Frames a Noise message; both MACs are still zero. */
export function layInitiation(sender: number, noise: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(INITIATION_BYTES);
  datagram[0] = TYPE_INITIATION;
  writeU32le(datagram, SENDER_AT, sender);
  datagram.set(noise, INITIATION_NOISE_AT);
  return datagram;
}

/** Frames a Noise message; both MACs are still zero. */
export function layResponse(sender: number, receiver: number, noise: Uint8Array): Uint8Array {
  const datagram = new Uint8Array(RESPONSE_BYTES);
  datagram[0] = TYPE_RESPONSE;
  writeU32le(datagram, SENDER_AT, sender);
  writeU32le(datagram, 8, receiver);
  datagram.set(noise, RESPONSE_NOISE_AT);
  return datagram;
}

export function layCookieReply(
  receiver: number,
  nonce: Uint8Array,
  sealedCookie: Uint8Array,
): Uint8Array {
  const datagram = new Uint8Array(COOKIE_REPLY_BYTES);
  datagram[0] = TYPE_COOKIE_REPLY;
  writeU32le(datagram, 4, receiver);
  datagram.set(nonce, COOKIE_NONCE_AT);
  datagram.set(sealedCookie, COOKIE_SEALED_AT);
  return datagram;
}
