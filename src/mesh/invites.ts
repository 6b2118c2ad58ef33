/**
 * Invitations: a stranger that knows an invitation's secret may become a peer. The secret never travels: the Hello carries a MAC of
 * both static keys and the sender's boot id under it. The session proves those keys, so the MAC is of no use to anybody else.
 */
import { equalSecret, toHex, utf8 } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { INVITE_PROOF_BYTES } from '../wire/limits.js';
import type { InviteProof } from '../wire/types.js';

/** Ours: who comes late is told so for this long. */
const TELL_MSEC = 86_400_000;
const DOMAIN = utf8('alamesh invitation v1\0');

/** What the one who was invited holds. */
export interface InviteSecret {
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** 16 bytes. */
  readonly secret: Uint8Array;
}

/** What the inviter knows of one; closed ones too, so that it can say why they serve no more. */
export interface Invite extends InviteSecret {
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly usesLeft: number;
  readonly revoked: boolean;
}

export type InviteVerdict = 'good' | 'unknown' | 'wrong' | 'used' | 'expired' | 'revoked';

/** Both ends of a session, and the start of the router that was invited. */
export interface InviteEnds {
  /** X25519, 32 bytes each. */
  readonly inviter: Uint8Array;
  readonly invited: Uint8Array;
  readonly bootId: Uint8Array;
}

export function proveInvite(
  crypto: Crypto,
  { id, secret }: InviteSecret,
  { inviter, invited, bootId }: InviteEnds,
): InviteProof {
  const key = crypto.blake2s(DOMAIN, secret);
  const parts = [DOMAIN, id, inviter, invited, bootId];
  return { id, proof: crypto.blake2sMac(key, INVITE_PROOF_BYTES, ...parts) };
}

/** The invitations that a router has given out. */
export class InviteBook {
  readonly #crypto: Crypto;
  #invites = new Map<string, Invite>();

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  set(invites: readonly Invite[]): void {
    this.#invites = new Map(invites.map((one) => [toHex(one.id), one]));
  }

  /** Strangers are heard out only then: to be let in, or for a while to be told why not. */
  isOpen(wallMsec: number): boolean {
    for (const { expiresAt } of this.#invites.values()) {
      if (wallMsec < expiresAt + TELL_MSEC) return true;
    }
    return false;
  }

  /** The secret first: only who knows it is told what became of the invitation. */
  check(proof: InviteProof, ends: InviteEnds, wallMsec: number): InviteVerdict {
    const invite = this.#invites.get(toHex(proof.id));
    if (invite === undefined) return 'unknown';
    if (!equalSecret(proveInvite(this.#crypto, invite, ends).proof, proof.proof)) return 'wrong';
    if (invite.revoked) return 'revoked';
    if (wallMsec >= invite.expiresAt) return 'expired';
    return invite.usesLeft < 1 ? 'used' : 'good';
  }

  /** Counts at once, so that two at the same moment are not both let in. */
  use(id: Uint8Array): void {
    const key = toHex(id);
    const invite = this.#invites.get(key);
    if (invite !== undefined) this.#invites.set(key, { ...invite, usesLeft: invite.usesLeft - 1 });
  }
}
