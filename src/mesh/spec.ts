/** What a peer's specification must be like, and why the Noise device may refuse one. */
import { CANDIDATES_PER_PEER_MAX } from './candidates.js';
import { isEndpoint } from './endpoint.js';
import type { PeerSpec } from './types.js';

const KEY_BYTES = 32;

export const ADD_ERRORS = {
  exists: 'the key is a peer already',
  'own-key': 'this is our own key',
  'bad-key': 'not a valid X25519 key',
  full: 'too many peers',
} as const;

/** @returns In words what is wrong; undefined when nothing is. */
export function specFault(spec: PeerSpec): string | undefined {
  if (spec.key.length !== KEY_BYTES) return `a key has ${KEY_BYTES} bytes`;
  if (spec.endpoints.length > CANDIDATES_PER_PEER_MAX) return 'too many endpoints';
  const wrong = spec.endpoints.find((endpoint) => !isEndpoint(endpoint));
  return wrong === undefined ? undefined : `'${wrong.slice(0, 80)}' is not an endpoint URL`;
}
