/** The words that people choose, as far as files, lines and shells can carry them. */

/** A realm is part of names and lines: a lowercase DNS label (RFC 1035 §2.3.1). */
export const isRealm = (text: string): boolean =>
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text);

/** A node's name: file names, tables and lines can show it; names of lab nodes fit. */
export const isName = (text: string): boolean =>
  /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(text);

/** `scheme://rest` as a transport understands it: `udp://192.0.2.1:4242`. */
export const isEndpoint = (text: string): boolean =>
  text.length <= 255 && /^[a-z][a-z0-9+.-]{0,15}:\/\/[!-~]+$/.test(text);
