/**
 * Cryptography for many routers in one process: the real one, with one memory of verified signatures for all, since
 * each of them verifies the same records.
 */
import type { Crypto } from '../base/crypto.js';
import { nodeCrypto } from '../platform/crypto.js';

/** Ours: results remembered; beyond it the oldest half is forgotten. */
const REMEMBERED_MAX = 65_536;

/** Real in everything; `ed25519Verify` answers from memory what it was asked before. */
export function sharedCrypto(real: Crypto = nodeCrypto()): Crypto {
  let recent = new Map<string, boolean>();
  let older = new Map<string, boolean>();
  const remember = (key: string, valid: boolean): boolean => {
    if (recent.size >= REMEMBERED_MAX / 2) {
      older = recent;
      recent = new Map();
    }
    recent.set(key, valid);
    return valid;
  };
  return {
    ...real,
    ed25519Verify: (publicKey, message, signature) => {
      const digest = real.sha512t256(publicKey, signature, message); // two fixed lengths, then the rest
      const key = String.fromCharCode(...digest);
      const known = recent.get(key);
      if (known !== undefined) return known;
      const old = older.get(key);
      return remember(key, old ?? real.ed25519Verify(publicKey, message, signature));
    },
  };
}
