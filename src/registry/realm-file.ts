/** `realm.toml`: what all members agree on. */
import { bad, good, type Parsed } from '../base/result.js';
import { WORK_MAX } from '../identity/address.js';
import { isRealm } from '../identity/names.js';
import { type FormFault, firstUnlike, formatForm, lineOfKey, parseForm } from './form.js';

export interface RealmFile {
  readonly realm: string;
  /** Leading zero bits of every member's proof. */
  readonly work: number;
  /** Whether endpoints may be private addresses: for a realm within one network. */
  readonly privateEndpoints: boolean;
}

const FORMAT = 'alamesh.realm/1';
const NOTE = 'A realm of ALANET: docs/registry-format.md.';

export const formatRealmFile = ({ realm, work, privateEndpoints }: RealmFile): string =>
  formatForm(NOTE, { format: FORMAT, realm, work, private_endpoints: privateEndpoints });

export function parseRealmFile(text: string): Parsed<RealmFile, FormFault> {
  const form = parseForm(text);
  if (!form.ok) return form;
  const { format, realm, work, private_endpoints: privateEndpoints } = form.value;
  if (format !== FORMAT) return fault(text, 'format', `format is not "${FORMAT}"`);
  if (typeof realm !== 'string' || !isRealm(realm)) return fault(text, 'realm', 'realm is no name');
  if (typeof work !== 'number' || !Number.isInteger(work) || work < 0 || work > WORK_MAX) {
    return fault(text, 'work', `work is not a whole number from 0 to ${WORK_MAX}`);
  }
  if (typeof privateEndpoints !== 'boolean') {
    return fault(text, 'private_endpoints', 'private_endpoints is not true or false');
  }
  const file = { realm, work, privateEndpoints };
  const canonical = formatRealmFile(file);
  if (canonical === text) return good(file);
  return bad({ message: 'is not in canonical form', line: firstUnlike(text, canonical) });
}

const fault = (text: string, key: string, message: string): Parsed<never, FormFault> =>
  bad({ message, line: lineOfKey(text, key) });
