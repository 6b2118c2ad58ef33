export const LIMITS = {
  routesMax: 20_000,
  recordsMax: 80_000,
  inboxBytesMax: 16 * 1024 * 1024,
};
