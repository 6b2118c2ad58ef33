/** WHO of the command line: a node address, a unique prefix of one, a name, or for peers a key. */

import { toHex } from '../base/bytes.js';
import { UserError } from '../base/errors.js';
import { parseAddress } from '../base/ip6.js';

export interface Known {
  /** As text. */
  readonly address: string | null;
  readonly name: string;
  /** base64url, where there is one. */
  readonly key?: string;
}

const KNOWN_SHOWN_MAX = 8;

/** @throws UserError `not-found` or `ambiguous`, which name what there is. */
export function resolveWho<T extends Known>(who: string, known: readonly T[], what: string): T {
  const matches = candidates(who, known);
  const [first, second] = matches;
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) {
    const names = known.slice(0, KNOWN_SHOWN_MAX).map((one) => one.name || one.address || '?');
    const more = known.length > KNOWN_SHOWN_MAX ? ', …' : '';
    throw new UserError(`there is no ${what} called ${who.slice(0, 80)}`, {
      code: 'not-found',
      hint: names.length === 0 ? `there is no ${what} yet` : `known: ${names.join(', ')}${more}`,
    });
  }
  const list = matches.map((one) => `${one.name} ${one.address ?? one.key ?? ''}`.trim());
  throw new UserError(`${who} may be any of ${list.join(', ')}`, {
    code: 'ambiguous',
    hint: 'use the whole address',
  });
}

function candidates<T extends Known>(who: string, known: readonly T[]): T[] {
  const exact = known.filter(
    ({ name, address, key }) =>
      (name === who && who !== '') ||
      address === who ||
      (key !== undefined && plainKey(key) === plainKey(who)),
  );
  if (exact.length > 0) return exact;
  const parsed = parseAddress(who);
  if (parsed.ok) {
    const hex = toHex(parsed.value);
    return known.filter((one) => one.address !== null && hexOf(one.address) === hex);
  }
  if (who.includes('…')) return known.filter((one) => isAbbreviation(who, one.address));
  const text = who.toLowerCase().replace(/:+$/, '');
  if (text.length < 2) return [];
  return known.filter((one) => one.address?.startsWith(text));
}

function hexOf(address: string): string {
  const parsed = parseAddress(address);
  return parsed.ok ? toHex(parsed.value) : '';
}

/** base64 and base64url, with padding or without, name the same key. */
const plainKey = (key: string): string =>
  key.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** `fd5c:…:9a1f`, as the tables have it. */
function isAbbreviation(who: string, address: string | null): boolean {
  const [head = '', tail = ''] = who.toLowerCase().split('…');
  return address?.startsWith(head) === true && address.endsWith(tail);
}
