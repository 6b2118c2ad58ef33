/** A service's record as a file: signed by the service key, countersigned by its host, which is a node of the handle. */
import { fromBase64, toBase64Url } from '../base/bytes.js';
import type { Crypto } from '../base/crypto.js';
import { formatNodeId, formatPrefix } from '../base/ip6.js';
import { bad, good, type Parsed } from '../base/result.js';
import {
  type RecordFault,
  type ServiceCheck,
  type VerifiedService,
  verifyService,
} from '../identity/records.js';
import { RECORD_BODY_BYTES_MAX, SIGNATURE_BYTES } from '../wire/limits.js';
import { type FormFault, firstUnlike, formatForm, lineOfKey, parseForm } from './form.js';

const FORMAT = 'alamesh.service/1';
const NOTE = 'A service of ALANET, signed by its key and by its host: any change makes it invalid.';

export interface ServiceFault extends FormFault {
  readonly fault: RecordFault | undefined;
}

export const formatServiceFile = ({ prefix, host, body, record }: VerifiedService): string =>
  formatForm(NOTE, {
    ...{ name: body.name, realm: body.realm, prefix: formatPrefix(prefix) },
    ...{ host: formatNodeId(host), anycast: body.anycast },
    ...(body.ports.length > 0 && { ports: body.ports }),
    seq: body.seq,
    ...{ not_after: body.notAfter, format: FORMAT, body: toBase64Url(record.body) },
    signature: toBase64Url(record.signature),
    countersignature: toBase64Url(record.countersignature),
  });

/** Total; only the canonical text passes, so that the readable fields are the signed ones. */
export function parseServiceFile(
  crypto: Crypto,
  text: string,
  check: ServiceCheck,
): Parsed<VerifiedService, ServiceFault> {
  const form = parseForm(text);
  if (!form.ok) return bad({ ...form.error, fault: undefined });
  if (form.value.format !== FORMAT) return wrong(text, 'format', `format is not "${FORMAT}"`);
  const bytes = (key: string): Uint8Array => fromBase64(String(form.value[key] ?? '')) ?? NONE;
  const body = bytes('body');
  if (body.length === 0 || body.length > RECORD_BODY_BYTES_MAX) {
    return wrong(text, 'body', 'body is missing or no base64 of a record');
  }
  for (const key of ['signature', 'countersignature']) {
    if (bytes(key).length === SIGNATURE_BYTES) continue;
    return wrong(text, key, `${key} is missing or not 64 bytes of base64`);
  }
  const signatures = { signature: bytes('signature'), countersignature: bytes('countersignature') };
  const verified = verifyService(crypto, { kind: 'service', body, ...signatures }, check);
  if (!verified.ok) {
    const { error } = verified;
    return bad({ message: WORDS[error] ?? error, line: lineOfKey(text, 'body'), fault: error });
  }
  const canonical = formatServiceFile(verified.value);
  if (canonical === text) return good(verified.value);
  const line = firstUnlike(text, canonical);
  return bad({ message: 'is not in canonical form', line, fault: undefined });
}

const NONE = new Uint8Array(0);
const WORDS: Partial<Record<RecordFault, string>> = {
  'bad-signature': 'a signature does not match',
  expired: 'the record has expired (not_after)',
  'unknown-signer': 'the host is no node of this handle',
  'wrong-realm': 'the service is of another realm',
};

const wrong = (text: string, key: string, message: string): Parsed<never, ServiceFault> =>
  bad({ message, line: lineOfKey(text, key), fault: undefined });
