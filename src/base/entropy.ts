/** Randomness is an argument: the router gets the kernel's, the simulator a seeded one. */
export interface Entropy {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
  /** A uniform integer in 0..limit-1. */
  below(limit: number): number;
}
