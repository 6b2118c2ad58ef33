const NEXT = {
    down: { session: 'handshaking' },
    handshaking: { session: 'handshaking', proven: 'up', reset: 'handshaking', lost: 'down' },
    up: { session: 'up', proven: 'up', reset: 'handshaking', lost: 'down' },
};
/** What is not in the table changes nothing. */
export const nextLinkState = (state, trigger) => NEXT[state][trigger] ?? state;
