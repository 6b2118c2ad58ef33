/** What RFC 4787's behaviours allow: which two hosts can have a direct path, by which means. */
import type { NatBehaviour } from './nat.js';

type Behaviour = Pick<NatBehaviour, 'mapping' | 'filtering'>;

/**
 * Both know the other's outside as a third host saw it, send there at once and again, and answer where packets really
 * come from; no port is guessed. The hosts are behind boxes of different outside addresses, neither blocks UDP.
 */
export function canPunch(a: Behaviour, b: Behaviour): boolean {
  return canOpen(a, b) || canOpen(b, a);
}

/** Does a packet of `a` to the outside of `b` that others saw pass, and then an answer to it? */
function canOpen(a: Behaviour, b: Behaviour): boolean {
  return passes(a, b) && (isStable(b) || a.filtering !== 'address-and-port');
}

/** One that is not sends to each host from another port than to the third. */
const isStable = ({ mapping }: Behaviour): boolean => mapping === 'endpoint-independent';

/** `b` has sent to where `a` was seen, from the outside that others saw only when its mapping is stable. */
function passes(a: Behaviour, b: Behaviour): boolean {
  if (b.filtering === 'endpoint-independent') return true;
  return isStable(b) && (b.filtering === 'address' || isStable(a));
}
