/** The network causes values, bugs cause exceptions: parsers return this, they never throw. */
export type Parsed<T, E = string> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export const good = <T>(value: T): { readonly ok: true; readonly value: T } => ({
  ok: true,
  value,
});

export const bad = <E>(error: E): { readonly ok: false; readonly error: E } => ({
  ok: false,
  error,
});
