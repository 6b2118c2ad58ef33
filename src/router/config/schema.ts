/** Every setting of alamesh.toml: its type and limits. The checker follows this, docs/configuration.md says it in words. */
import { fromBase64 } from '../../base/bytes.js';
import { parseAddress, parseNodeId } from '../../base/ip6.js';
import { isEndpoint, isName, isRealm } from '../../identity/names.js';
import { CANDIDATES_MAX } from '../../wire/limits.js';
import { parsePlace } from '../socket-place.js';

/** What one text must be like. */
export interface TextKind {
  readonly choices?: readonly string[];
  readonly fits?: (text: string) => boolean;
  /** What `fits` wants, after "expected". */
  readonly what?: string;
}

export type Kind =
  | ({ readonly type: 'text' } & TextKind)
  | ({ readonly type: 'texts'; readonly most: number } & TextKind)
  | { readonly type: 'number'; readonly least: number; readonly most: number }
  | { readonly type: 'flag' }
  | { readonly type: 'table'; readonly keys: Table }
  /** `open`: further keys are somebody else's. */
  | { readonly type: 'tables'; readonly keys: Table; readonly open?: true };

export interface Setting {
  readonly kind: Kind;
  /** A setting of CLI.md that a later version acts on: checked, and told of in a warning. */
  readonly later?: true;
}

export type Table = Readonly<Record<string, Setting>>;

/** Ours: items of a list; endpoints have a limit of their own. */
const LIST_MAX = 64;

const text = (kind: TextKind = {}): Setting => ({ kind: { type: 'text', ...kind } });
const texts = (kind: TextKind = {}, most = LIST_MAX): Setting => ({
  kind: { type: 'texts', most, ...kind },
});
const number = (least: number, most: number): Setting => ({
  kind: { type: 'number', least, most },
});
const flag: Setting = { kind: { type: 'flag' } };
const tableOf = (keys: Table): Setting => ({ kind: { type: 'table', keys } });
const tablesOf = (keys: Table): Setting => ({ kind: { type: 'tables', keys } });
const later = ({ kind }: Setting): Setting => ({ kind, later: true });

const NAME = { fits: isName, what: '1 to 63 letters, digits, - and _' };
const REALM = { fits: isRealm, what: '1 to 63 of a-z, 0-9 and -' };
const ENDPOINT = { fits: isEndpoint, what: 'a URL like udp://203.0.113.7:4242' };
const LISTEN = { fits: isEndpoint, what: 'a URL like udp://[::]:4242' };
const INTERFACE = {
  fits: (name: string): boolean => /^[A-Za-z0-9_.%-]{1,15}$/.test(name) && !/^\.\.?$/.test(name),
  what: 'an interface name of at most 15 characters',
};
const KEY = {
  fits: (key: string): boolean => fromBase64(key)?.length === 32,
  what: 'a public key: 32 bytes in base64',
};
const NODE = {
  fits: (address: string): boolean => parseNodeId(address).ok,
  what: 'a node address in fd00::/8',
};
const PREFIX = { fits: isIp6Prefix, what: 'an IPv6 prefix like fd00:1::/64' };

function isIp6Prefix(prefix: string): boolean {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(prefix);
  return match !== null && parseAddress(match[1] ?? '').ok && Number(match[2]) <= 128;
}

const PEER: Table = {
  key: text(KEY),
  name: text(NAME),
  address: text(NODE),
  endpoints: texts(ENDPOINT, CANDIDATES_MAX),
  allowed_ips: texts(PREFIX),
  preshared_key_file: text(),
  persistent_keepalive_s: number(0, 65_535),
};

const HANDLE = { fits: isRealm, what: '1 to 63 of a-z, 0-9 and -' };
const MODULE = {
  fits: (module: string): boolean => /^[^\p{Cc}]{1,1024}$/u.test(module),
  what: 'a file or the name of a package',
};

const LISTEN_PLACE = {
  fits: (text: string): boolean => parsePlace(text) !== undefined,
  what: 'an address and port like 127.0.0.1:5300',
};
const HTTP_PATH = {
  fits: (text: string): boolean => /^\/[!-~]{0,200}$/.test(text) && !/[?#]/.test(text),
  what: 'a path like /hook',
};
const SECRET = { fits: (text: string): boolean => text !== '', what: 'a secret of some length' };

const PORT = number(1, 65_535);
const AS_NUMBER = number(1, 2 ** 32 - 1);

const LATER: Table = {
  bmp: later(tableOf({ collector: text() })),
  mrt: later(tableOf({ directory: text() })),
  bgp4: later(
    tablesOf({
      ...{ neighbor: text(), port: PORT, remote_as: AS_NUMBER, local_as: AS_NUMBER },
      ...{ password_file: text(), ttl_security: flag },
    }),
  ),
};

export const SETTINGS: Table = {
  name: text(NAME),
  realm: text(REALM),
  transit: text({ choices: ['full', 'stub', 'none'] }),
  plane: text({ choices: ['auto', 'native', 'portable'] }),
  listen: texts(LISTEN),
  relay: text({ choices: ['off', 'peers', 'anyone'] }),
  probe_interval_ms: number(20, 60_000),
  probe_count: number(1, 20),
  idle_probe_s: number(1, 3_600),
  discovery: tableOf({ interfaces: texts() }),
  tun: tableOf({ name: text(INTERFACE), mtu: number(1280, 65_535) }),
  peers: tablesOf(PEER),
  transports: { kind: { type: 'tables', keys: { module: text(MODULE) }, open: true } },
  dns: tableOf({ listen: text(LISTEN_PLACE), browser_route: flag }),
  webhook: tableOf({
    listen: text(LISTEN_PLACE),
    path: text(HTTP_PATH),
    secret: text(SECRET),
    secret_file: text(),
  }),
  registry: tableOf({
    url: text(),
    mirrors: texts(),
    interval_s: number(60, 30 * 86_400),
    peers: text({ choices: ['auto', 'all', 'none'] }),
    peers_max: number(2, 1_000),
    handles: texts(HANDLE),
    tags: texts(HANDLE),
    relays_first: flag,
  }),
  ...LATER,
};
