export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** States what must hold unless the program is wrong; what the network sends is never asserted. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
