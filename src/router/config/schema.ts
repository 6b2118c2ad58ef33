/** Every setting of alamesh.toml: its type, its limits, its default. The checker and docs/configuration.md follow this. */

export type Kind =
  | {
      readonly type: 'text';
      readonly choices?: readonly string[];
      readonly pattern?: RegExp;
      readonly what?: string;
    }
  | { readonly type: 'number'; readonly least: number; readonly most: number }
  | { readonly type: 'flag' }
  | { readonly type: 'texts'; readonly pattern?: RegExp; readonly what?: string }
  | { readonly type: 'table'; readonly keys: Table }
  | { readonly type: 'tables'; readonly keys: Table };

export interface Setting {
  readonly kind: Kind;
  /** A setting of CLI.md that a later version acts on: accepted with a warning. */
  readonly later?: true;
}

export type Table = Readonly<Record<string, Setting>>;

const text = (
  extra: { choices?: readonly string[]; pattern?: RegExp; what?: string } = {},
): Setting => ({
  kind: { type: 'text', ...extra },
});
const number = (least: number, most: number): Setting => ({
  kind: { type: 'number', least, most },
});
const texts = (pattern?: RegExp, what?: string): Setting => ({
  kind: { type: 'texts', ...(pattern && { pattern }), ...(what && { what }) },
});
const later = (kind: Kind): Setting => ({ kind, later: true });
const laterTable = (keys: readonly string[]): Setting =>
  later({
    type: 'table',
    keys: Object.fromEntries(keys.map((key) => [key, ANY])),
  });

/** A value that this version does not look at. */
const ANY: Setting = { kind: { type: 'table', keys: {} }, later: true };

const URL_PATTERN = /^[a-z][a-z0-9+-]*:\/\/\S+$/;
const KEY_PATTERN = /^[A-Za-z0-9+/_-]{43}=?$/;

const PEER: Table = {
  key: text({ pattern: KEY_PATTERN, what: 'a public key: 32 bytes in base64' }),
  name: text(),
  address: text(),
  endpoints: texts(URL_PATTERN, 'a URL like udp://203.0.113.7:4242'),
  allowed_ips: texts(/^[0-9a-fA-F:]+\/\d{1,3}$/, 'an IPv6 prefix like fd00:1::/64'),
  preshared_key_file: text(),
  persistent_keepalive_s: number(0, 65_535),
};

export const SETTINGS: Table = {
  name: text({ pattern: /^[\p{L}\p{N}_.-]{1,63}$/u, what: '1 to 63 letters, digits, -, _ or .' }),
  realm: text({ pattern: /^[a-z0-9-]{1,63}$/, what: '1 to 63 of a-z, 0-9 and -' }),
  transit: text({ choices: ['full', 'stub', 'none'] }),
  plane: text({ choices: ['auto', 'native', 'portable'] }),
  listen: texts(URL_PATTERN, 'a URL like udp://[::]:4242'),
  relay: later({ type: 'text', choices: ['off', 'peers', 'anyone'] }),
  probe_interval_ms: number(20, 60_000),
  probe_count: number(1, 20),
  idle_probe_s: number(1, 3_600),
  discovery: { kind: { type: 'table', keys: { interfaces: texts() } } },
  tun: {
    kind: {
      type: 'table',
      keys: {
        name: text({
          pattern: /^[A-Za-z0-9_.%-]{1,15}$/,
          what: 'an interface name of at most 15 characters',
        }),
        mtu: number(1280, 65_535),
      },
    },
  },
  peers: { kind: { type: 'tables', keys: PEER } },
  registry: laterTable(['url', 'mirrors', 'interval_s']),
  webhook: laterTable(['listen', 'path', 'secret', 'secret_file']),
  dns: laterTable(['listen']),
  bmp: laterTable(['collector']),
  mrt: laterTable(['directory']),
  bgp4: later({
    type: 'tables',
    keys: Object.fromEntries(
      ['neighbor', 'port', 'remote_as', 'local_as', 'password_file', 'ttl_security'].map((key) => [
        key,
        ANY,
      ]),
    ),
  }),
};
