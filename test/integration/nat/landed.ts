/** What the links of this version can do; what they cannot yet is not asked of them. A part that lands is set true. */
export const LANDED = {
  /** Neighbors carry datagrams between two of their peers. */
  relay: true,
  /** Candidates are exchanged, boxes are punched, and what was blocked is tried again. */
  punching: true,
  /** A change of the host's addresses or routes is noticed at once. */
  roaming: false,
} as const satisfies Readonly<Record<string, boolean>>;
