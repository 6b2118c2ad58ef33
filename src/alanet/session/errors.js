/** NOTIFICATION codes: RFC 4271 §4.5 and §6, RFC 4486. */
const fault = (code, subcode) => (text) => ({ code, subcode, text });
export const badOpenVersion = fault(2, 1);
export const badPeer = fault(2, 2);
export const badHoldTime = fault(2, 6);
export const malformedUpdate = fault(3, 1);
export const holdTimerExpired = fault(4, 0);
export const unexpectedMessage = fault(5, 0);
export const maxPrefixes = fault(6, 1);
export const shutdown = fault(6, 2);
export const adminReset = fault(6, 4);
export const outOfResources = fault(6, 8);
const NAMES = {
  1: 'message header error',
  2: 'OPEN message error',
  3: 'UPDATE message error',
  4: 'hold timer expired',
  5: 'finite state machine error',
  6: 'cease',
};
export const faultText = ({ code, subcode, text }) =>
  `${NAMES[code] ?? `error ${code}`} (${code}/${subcode})${text === '' ? '' : `: ${text}`}`;
