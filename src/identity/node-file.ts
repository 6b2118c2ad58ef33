/**
 * A node's signed record as a file (design §8): what people read, and the bytes that were signed. The readable fields
 * repeat the signed ones and must agree with them; the signed ones count. Holds no secret.
 */
import { parse, TomlError } from 'smol-toml';
import { assert } from '../base/assert.js';
import { fromBase64, toBase64Url, utf8 } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { formatNodeId, formatPrefix } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import { RECORD_BODY_BYTES_MAX, SIGNATURE_BYTES } from '../wire/limits.js';
import type { SignedRecord } from '../wire/types.js';
import { isName } from './names.js';
import { type NodeCheck, type RecordFault, type VerifiedNode, verifyNode } from './records.js';

/** Ours: a record of 2 KiB, its repetition and base64 fit twice. */
export const NODE_FILE_BYTES_MAX = 16_384;
const FORMAT = 'alamesh.node/1';
const NOTE =
  '# A node of ALANET, signed by its key: any change makes it invalid. It holds no secret.\n';

export interface NodeFile {
  readonly node: VerifiedNode;
  /** Byte for byte what `formatNodeFile` writes. */
  readonly canonical: boolean;
}

export interface NodeFileFault {
  readonly message: string;
  /** 1-based, where it can be told. */
  readonly line: number | undefined;
  /** When the record itself was refused. */
  readonly fault: RecordFault | undefined;
}

/** @param name An `isName`. */
export function nodeFileName(name: string): string {
  assert(isName(name), 'a node file is named by a node name');
  return `node-${name}.toml`;
}

/** The canonical text. */
export function formatNodeFile(node: VerifiedNode): string {
  const fields = { ...readable(node), ...signedFields(node.record) };
  const lines = Object.entries(fields).map(([key, value]) => `${key} = ${toToml(value)}\n`);
  return NOTE + lines.join('');
}

/** Total: a bounded text gives the verified node, or what is wrong and where. */
export function parseNodeFile(
  crypto: Crypto,
  text: string,
  check: NodeCheck,
): Parsed<NodeFile, NodeFileFault> {
  if (text.length > NODE_FILE_BYTES_MAX || utf8(text).length > NODE_FILE_BYTES_MAX) {
    return fault(`a node file has at most ${NODE_FILE_BYTES_MAX} bytes`);
  }
  const toml = readToml(text);
  if (!toml.ok) return toml;
  const { format, body, signature, ...shown } = toml.value;
  if (format !== FORMAT) {
    return fault(
      `format is not "${FORMAT}": no node file, or one of a newer alamesh`,
      text,
      'format',
    );
  }
  const record = recordOf(body, signature);
  if (!record.ok) return fault(record.error.message, text, record.error.field);
  const verified = verifyNode(crypto, record.value, check);
  if (!verified.ok) return recordFault(verified.error, text);
  const unlike = firstDifference(shown, readable(verified.value));
  if (unlike !== undefined) return fault(unlike.message, text, unlike.field);
  return good({ node: verified.value, canonical: formatNodeFile(verified.value) === text });
}

type Value = string | number | boolean | readonly string[];

/** What is repeated for people, in the order of the file. */
function readable({ id, prefix, body }: VerifiedNode): Readonly<Record<string, Value>> {
  return {
    handle: body.handle,
    name: body.name,
    contact: body.contact,
    realm: body.realm,
    address: formatNodeId(id),
    prefix: formatPrefix(prefix),
    noise_key: toBase64Url(body.noiseKey),
    endpoints: body.endpoints,
    transit: body.transit,
    relay: body.relay,
    ...(body.tags.length > 0 && { tags: body.tags }),
    seq: body.seq,
    not_after: body.notAfter,
  };
}

const signedFields = (record: SignedRecord): Readonly<Record<string, Value>> => ({
  format: FORMAT,
  body: toBase64Url(record.body),
  signature: toBase64Url(record.signature),
});

/** JSON strings without control characters (the record has none) are TOML basic strings. */
function toToml(value: Value): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
}

function readToml(text: string): Parsed<Readonly<Record<string, unknown>>, NodeFileFault> {
  try {
    return good(parse(text, { maxDepth: 4 }));
  } catch (error) {
    const line = error instanceof TomlError ? error.line : undefined;
    return bad({ message: 'not valid TOML', line, fault: undefined });
  }
}

interface FieldFault {
  readonly field: string;
  readonly message: string;
}

function recordOf(body: unknown, signature: unknown): Parsed<SignedRecord, FieldFault> {
  const bytes = typeof body === 'string' ? fromBase64(body) : undefined;
  if (bytes === undefined || bytes.length === 0 || bytes.length > RECORD_BODY_BYTES_MAX) {
    return bad({ field: 'body', message: 'body is missing or no base64 of a record' });
  }
  const signed = typeof signature === 'string' ? fromBase64(signature) : undefined;
  if (signed?.length !== SIGNATURE_BYTES) {
    return bad({ field: 'signature', message: 'signature is missing or not 64 bytes of base64' });
  }
  const countersignature = new Uint8Array(0);
  return good({ kind: 'node', body: bytes, signature: signed, countersignature });
}

function firstDifference(
  shown: Readonly<Record<string, unknown>>,
  signed: Readonly<Record<string, Value>>,
): FieldFault | undefined {
  const unknown = Object.keys(shown).find((key) => !Object.hasOwn(signed, key));
  if (unknown !== undefined) return { field: unknown, message: 'a field that is not signed' };
  for (const [field, value] of Object.entries(signed)) {
    if (!Object.hasOwn(shown, field)) return { field, message: `${field} is missing` };
    if (JSON.stringify(shown[field]) !== JSON.stringify(value)) {
      return { field, message: `${field} is not what was signed (${toToml(value)})` };
    }
  }
  return undefined;
}

const FAULT_WORDS: Readonly<Record<RecordFault, string>> = {
  malformed: 'body is not a node record',
  unsigned: 'the record is not signed',
  'bad-signature': 'the signature does not match: the file was changed after it was signed',
  expired: 'the record has expired (not_after): ask for a newer one',
  replayed: 'a newer record of this node is known',
  'wrong-realm': 'the node is of another realm',
  'too-little-work': 'the address proof has less work than the realm asks for',
  'unknown-signer': 'the signer is not known',
  'wrong-key': 'the record names another key',
};

function recordFault(what: RecordFault, text: string): Parsed<never, NodeFileFault> {
  const field = what === 'bad-signature' ? 'signature' : what === 'expired' ? 'not_after' : 'body';
  return bad({ message: FAULT_WORDS[what], line: lineOf(text, field), fault: what });
}

function fault(message: string, text = '', field = ''): Parsed<never, NodeFileFault> {
  return bad({ message, line: lineOf(text, field), fault: undefined });
}

function lineOf(text: string, field: string): number | undefined {
  if (field === '') return undefined;
  const at = text.split('\n').findIndex((line) => /^\s*"?([^\s"=]+)/.exec(line)?.[1] === field);
  return at < 0 ? undefined : at + 1;
}
