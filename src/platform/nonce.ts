/** RFC 8439 §2.8. */
export const TAG_BYTES = 16;

/** WireGuard's nonce (whitepaper §5.4.6): 32 zero bits, then the counter as u64 little endian. `counter` < 2^53. */
export function setCounter(nonce: Uint8Array, counter: number): void {
  const high = Math.floor(counter / 2 ** 32);
  nonce[4] = counter & 0xff;
  nonce[5] = (counter >>> 8) & 0xff;
  nonce[6] = (counter >>> 16) & 0xff;
  nonce[7] = (counter >>> 24) & 0xff;
  nonce[8] = high & 0xff;
  nonce[9] = (high >>> 8) & 0xff;
  nonce[10] = (high >>> 16) & 0xff;
  nonce[11] = 0;
}
