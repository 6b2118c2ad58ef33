/** The states of a link, as a table. */
import type { LinkState } from './types.js';

/**
 * session: a usable key and a path. proven: Hello verified and a round trip measured (a stock peer: at once).
 * reset: the control channel started afresh. lost: no path answers, goodbye, refused, or no key.
 */
export type LinkTrigger = 'session' | 'proven' | 'reset' | 'lost';

const NEXT: Readonly<Record<LinkState, Partial<Record<LinkTrigger, LinkState>>>> = {
  down: { session: 'handshaking' },
  handshaking: { session: 'handshaking', proven: 'up', reset: 'handshaking', lost: 'down' },
  up: { session: 'up', proven: 'up', reset: 'handshaking', lost: 'down' },
};

/** What is not in the table changes nothing. */
export const nextLinkState = (state: LinkState, trigger: LinkTrigger): LinkState =>
  NEXT[state][trigger] ?? state;
