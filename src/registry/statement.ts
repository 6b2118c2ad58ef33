/**
 * What a key says of keys: a tombstone (I am over, for good) and a vouch (this other key is mine too). The signature is
 * over domain ‖ the text above the signature's line, which has one exact form.
 */
import { assert } from '../base/assert.js';
import { equalBytes, fromBase64, toBase64Url, utf8 } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { formatNodeId, type NodeId, parseNodeId } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import { deriveNode } from '../identity/address.js';
import { STATEMENT_DOMAIN } from '../identity/domains.js';
import { isRealm } from '../identity/names.js';
import type { Proof } from '../wire/types.js';
import { type FormFault, firstUnlike, formatForm, lineOfKey, parseForm } from './form.js';
import { isHandle } from './layout.js';

export interface Statement {
  readonly kind: 'tombstone' | 'vouch';
  readonly realm: string;
  readonly handle: string;
  /** The node it is about; of a tombstone the signer itself. */
  readonly subject: NodeId;
  /** Seconds since 1970. */
  readonly at: number;
  /** The signer's. */
  readonly proof: Proof;
}

export interface VerifiedStatement extends Statement {
  readonly by: NodeId;
}

const NOTES = {
  tombstone: 'The end of a key of ALANET, signed by itself: it never comes back.',
  vouch: 'A node of ALANET says that another belongs to the same handle.',
} as const;

/** @throws AssertionError when `seed` is not the key of the proof. */
export function signStatement(crypto: Crypto, seed: Uint8Array, statement: Statement): string {
  const own = equalBytes(crypto.ed25519Public(seed), statement.proof.publicKey);
  assert(own, 'the seed is not of the proven key');
  const text = unsigned(crypto, statement);
  const signature = crypto.ed25519Sign(seed, signedBytes(text));
  return `${text}signature = "${toBase64Url(signature)}"\n`;
}

function unsigned(crypto: Crypto, { kind, realm, handle, subject, at, proof }: Statement): string {
  return formatForm(NOTES[kind], {
    ...{ format: `alamesh.${kind}/1`, realm, handle, address: formatNodeId(subject) },
    ...{ by: formatNodeId(deriveNode(crypto, realm, proof).id), at },
    public_key: toBase64Url(proof.publicKey),
    successor: toBase64Url(proof.successor),
    nonce: proof.nonce.toString(),
  });
}

const signedBytes = (text: string): Uint8Array => {
  const bytes = utf8(text);
  const all = new Uint8Array(STATEMENT_DOMAIN.length + bytes.length);
  all.set(STATEMENT_DOMAIN);
  all.set(bytes, STATEMENT_DOMAIN.length);
  return all;
};

/** Total. Only the canonical text passes; whether the signer may say so is the caller's question. */
export function parseStatement(
  crypto: Crypto,
  text: string,
  kind: Statement['kind'],
): Parsed<VerifiedStatement, FormFault> {
  const form = parseForm(text);
  if (!form.ok) return form;
  const read = statementOf(form.value, kind);
  if (!read.ok)
    return bad({ message: read.error, line: lineOfKey(text, read.error.split(' ')[0] ?? '') });
  const statement = read.value;
  const canonical = unsigned(crypto, statement);
  const signature = fromBase64(String(form.value.signature ?? ''));
  const whole = `${canonical}signature = "${toBase64Url(signature ?? new Uint8Array(0))}"\n`;
  if (whole !== text)
    return bad({ message: 'is not in canonical form', line: firstUnlike(text, whole) });
  const { publicKey } = statement.proof;
  if (!signature || !crypto.ed25519Verify(publicKey, signedBytes(canonical), signature)) {
    return bad({ message: 'signature does not match', line: lineOfKey(text, 'signature') });
  }
  const by = deriveNode(crypto, statement.realm, statement.proof).id;
  if (kind === 'tombstone' && by !== statement.subject) {
    return bad({
      message: 'by is another node: only the key itself can end',
      line: lineOfKey(text, 'by'),
    });
  }
  return good({ ...statement, by });
}

function statementOf(
  raw: Readonly<Record<string, unknown>>,
  kind: Statement['kind'],
): Parsed<Statement> {
  const { format, realm, handle, address, at, nonce } = raw;
  if (format !== `alamesh.${kind}/1`) return bad(`format is not "alamesh.${kind}/1"`);
  if (typeof realm !== 'string' || !isRealm(realm)) return bad('realm is no name');
  if (typeof handle !== 'string' || !isHandle(handle)) return bad('handle is no name');
  const subject = typeof address === 'string' ? parseNodeId(address) : undefined;
  if (!subject?.ok) return bad('address is none of a node');
  if (typeof at !== 'number' || !Number.isSafeInteger(at) || at < 0) return bad('at is no time');
  const publicKey = fromBase64(String(raw.public_key ?? ''));
  if (publicKey?.length !== 32) return bad('public_key is not 32 bytes in base64');
  const successor = fromBase64(String(raw.successor ?? ''));
  if (successor?.length !== 32) return bad('successor is not 32 bytes in base64');
  if (typeof nonce !== 'string' || !/^(?:0|[1-9]\d{0,19})$/.test(nonce))
    return bad('nonce is none');
  if (BigInt(nonce) >= 1n << 64n) return bad('nonce is over 64 bits');
  const proof = { publicKey, successor, nonce: BigInt(nonce) };
  return good({ kind, realm, handle, subject: subject.value, at, proof });
}
