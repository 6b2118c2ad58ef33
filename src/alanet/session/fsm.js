/** The session's states as a table: RFC 4271 §8, with the link's up and down in place of TCP's. */
/**
 * Connect: configured, its link is not up. Active: another link to the same node is in use; this one waits. A trigger
 * that a state does not list is an error of the neighbor (or of us): the session ends.
 */
const NEXT = {
  Idle: { LinkUp: 'OpenSent', LinkDown: 'Connect' },
  Connect: { LinkUp: 'OpenSent', LinkDown: 'Connect' },
  Active: { LinkUp: 'OpenSent', LinkDown: 'Connect' },
  OpenSent: { RcvdOpen: 'OpenConfirm', LinkDown: 'Connect', Fault: 'Idle' },
  OpenConfirm: { RcvdKeepalive: 'Established', LinkDown: 'Connect', Fault: 'Idle' },
  Established: {
    RcvdKeepalive: 'Established',
    RcvdUpdate: 'Established',
    LinkDown: 'Connect',
    Fault: 'Idle',
  },
};
export const next = (state, trigger) => NEXT[state][trigger] ?? 'Idle';
/** False: the trigger must not come in this state (NOTIFICATION 5). */
export const accepts = (state, trigger) => NEXT[state][trigger] !== undefined;
