/** Largest message on the alanet stream, in bytes; longer ones are refused on both sides. */
export const LINK_MESSAGE_MAX = 65_535;
