/**
 * Whether a webhook comes from who knows the secret. GitHub signs the body (X-Hub-Signature-256: `sha256=` and the
 * HMAC-SHA256 in hex), Gitea, Forgejo and Gogs do the same without the prefix (X-Gitea-Signature…), GitLab sends the
 * secret itself (X-Gitlab-Token).
 */
import { createHash, createHmac, type Hmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a request says it is; `none` shows nothing that could be checked. */
export type HookProof =
  | { readonly kind: 'signature'; readonly hex: string }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'none' };

const SIGNATURES = ['x-forgejo-signature', 'x-gitea-signature', 'x-gogs-signature'];
const EVENTS = ['x-github-event', 'x-forgejo-event', 'x-gitea-event', 'x-gogs-event'];
const DELIVERIES = [
  ...['x-github-delivery', 'x-forgejo-delivery', 'x-gitea-delivery', 'x-gogs-delivery'],
  ...['x-gitlab-event-uuid', 'idempotency-key'],
];
const DELIVERY_CHARS_MAX = 200;

const first = (headers: IncomingHttpHeaders, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
};

export function proofOf(headers: IncomingHttpHeaders): HookProof {
  const github = first(headers, ['x-hub-signature-256']);
  if (github?.startsWith('sha256=')) return { kind: 'signature', hex: github.slice(7) };
  const plain = first(headers, SIGNATURES);
  if (plain !== undefined) return { kind: 'signature', hex: plain };
  const token = first(headers, ['x-gitlab-token']);
  return token === undefined ? { kind: 'none' } : { kind: 'token', token };
}

/** push: something may have changed. ping: the host tries whether we are there. other: no concern of ours. */
export function eventOf(headers: IncomingHttpHeaders): 'push' | 'ping' | 'other' {
  const name = first(headers, [...EVENTS, 'x-gitlab-event'])?.toLowerCase();
  if (name === undefined || name === 'push' || name === 'push hook') return 'push';
  return name === 'ping' ? 'ping' : 'other';
}

/** What the host calls this delivery; undefined when it gives no name. */
export function deliveryOf(headers: IncomingHttpHeaders): string | undefined {
  return first(headers, DELIVERIES)?.slice(0, DELIVERY_CHARS_MAX);
}

/** Takes the body as it comes; nothing of it is kept. */
export class HookCheck {
  readonly #secret: string;
  readonly #proof: HookProof;
  readonly #hmac: Hmac;

  constructor(secret: string, proof: HookProof) {
    this.#secret = secret;
    this.#proof = proof;
    this.#hmac = createHmac('sha256', secret);
  }

  update(part: Uint8Array): void {
    this.#hmac.update(part);
  }

  /** @returns The HMAC of the body in hex, which names it; undefined when the request is not authentic. Constant time. */
  end(): string | undefined {
    const digest = this.#hmac.digest();
    const isGood = this.#isGood(digest);
    return isGood ? digest.toString('hex') : undefined;
  }

  #isGood(digest: Buffer): boolean {
    const proof = this.#proof;
    switch (proof.kind) {
      case 'signature':
        return (
          /^[0-9a-fA-F]{64}$/.test(proof.hex) &&
          timingSafeEqual(Buffer.from(proof.hex, 'hex'), digest)
        );
      case 'token':
        return timingSafeEqual(sha256(proof.token), sha256(this.#secret));
      case 'none':
        return false;
      default:
        return proof satisfies never;
    }
  }
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
