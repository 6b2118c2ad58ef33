/** The inner loop of the work search: SHA-512 over one preimage with rising nonces (design §4). */
import { hash } from 'node:crypto';

export interface NonceRange {
  readonly start: number;
  readonly stride: number;
  /** How many nonces to try. */
  readonly count: number;
}

/**
 * @param preimage Its last 8 bytes are the nonce, big endian, and are overwritten.
 * @param work Leading zero bits wanted in bytes 32..63 of the hash.
 * @returns The first nonce of the range that has them.
 */
export function searchNonce(
  preimage: Uint8Array,
  work: number,
  { start, stride, count }: NonceRange,
): number | undefined {
  const tail = new DataView(preimage.buffer, preimage.byteOffset + preimage.length - 8, 8);
  for (let i = 0, nonce = start; i < count; i++, nonce += stride) {
    tail.setUint32(0, Math.floor(nonce / 0x1_0000_0000));
    tail.setUint32(4, nonce >>> 0);
    // A latin1 string is 2.5 times as fast as a Buffer here, and 3.5 times createHash.
    if (hasWork(hash('sha512', preimage, 'binary'), work)) return nonce;
  }
  return undefined;
}

function hasWork(digest: string, work: number): boolean {
  let at = 32;
  let left = work;
  for (; left >= 8; left -= 8) if (digest.charCodeAt(at++) !== 0) return false;
  return digest.charCodeAt(at) >> (8 - left) === 0;
}
