/** alamesh.toml, read and checked: all faults at once, each with its line; an empty file runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { fromBase64, toHex } from '../../base/bytes.js';
import { EXIT, UserError } from '../../base/errors.js';
import type { Policy } from '../../registry/choose.js';
import { check, type Fault } from './check.js';
import { keyPlaces, type Place } from './places.js';
import { SETTINGS } from './schema.js';

export const CONFIG_FILE = 'alamesh.toml';
/** Ours. */
const CONFIG_BYTES_MAX = 1 << 20;

export interface PeerConfig {
  /** base64 */
  readonly key: string;
  readonly name?: string;
  readonly address?: string;
  readonly endpoints?: readonly string[];
  /** Makes it a stock WireGuard peer. */
  readonly allowedIps?: readonly string[];
  readonly presharedKeyFile?: string;
  readonly persistentKeepaliveSeconds?: number;
}

/** A transport of a third party. */
export interface TransportConfig {
  /** A file, relative to the state directory, or a package. */
  readonly module: string;
  /** The table's other keys; JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface RouterConfig {
  /** Undefined: the identity's. */
  readonly name: string | undefined;
  readonly realm: string | undefined;
  readonly transit: 'full' | 'stub' | 'none';
  readonly plane: 'auto' | 'native' | 'portable';
  readonly listen: readonly string[];
  /** Whose datagrams this router carries to its peers. */
  readonly relay: 'off' | 'peers' | 'anyone';
  readonly probeIntervalMsec: number;
  readonly probeCount: number;
  readonly idleProbeMsec: number;
  readonly discoveryInterfaces: readonly string[];
  readonly tunName: string;
  readonly tunMtu: number;
  readonly registry: RegistryConfig;
  /** Undefined: pushes are not listened for. */
  readonly webhook: WebhookConfig | undefined;
  /** Where names are answered; undefined: nowhere. */
  readonly dnsListen: string | undefined;
  /** Make Chromium ask for AAAA on a host without other IPv6. */
  readonly browserRoute: boolean;
  readonly peers: readonly PeerConfig[];
  readonly transports: readonly TransportConfig[];
  /** Settings that this version does not act on. */
  readonly ignored: readonly string[];
}

export interface RegistryConfig {
  /** Undefined: none is fetched but what a person names. */
  readonly url: string | undefined;
  readonly mirrors: readonly string[];
  readonly intervalSeconds: number;
  /** Who of the members is dialed. */
  readonly policy: Policy;
}

export interface WebhookConfig {
  /** `0.0.0.0:8099`, `[::1]:8099` */
  readonly listen: string;
  readonly path: string;
  /** Exactly one of the two. */
  readonly secret?: string;
  readonly secretFile?: string;
}

/** 1500 − 40 (IPv6) − 8 (UDP) − 32 (WireGuard): what every standard path carries. */
const TUN_MTU = 1420;

interface Raw {
  name?: string;
  realm?: string;
  transit?: RouterConfig['transit'];
  plane?: RouterConfig['plane'];
  relay?: RouterConfig['relay'];
  listen?: string[];
  probe_interval_ms?: number;
  probe_count?: number;
  idle_probe_s?: number;
  discovery?: { interfaces?: string[] };
  tun?: { name?: string; mtu?: number };
  dns?: { listen?: string; browser_route?: boolean };
  registry?: {
    url?: string;
    mirrors?: string[];
    interval_s?: number;
    peers?: Policy['peers'];
    peers_max?: number;
    handles?: string[];
    tags?: string[];
    relays_first?: boolean;
  };
  webhook?: { listen?: string; path?: string; secret?: string; secret_file?: string };
  peers?: {
    key?: string;
    name?: string;
    address?: string;
    endpoints?: string[];
    allowed_ips?: string[];
    preshared_key_file?: string;
    persistent_keepalive_s?: number;
  }[];
  transports?: Readonly<Record<string, unknown>>[];
}

/** A missing file is an empty one. @throws UserError (exit 4) that names every fault. */
export function loadConfig(dir: string, env: NodeJS.ProcessEnv = {}): RouterConfig {
  const file = path.join(dir, CONFIG_FILE);
  return parseConfig(readText(file), file, env);
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > CONFIG_BYTES_MAX) {
      throw new UserError(`${file} is over ${CONFIG_BYTES_MAX} bytes`, badFile(file));
    }
    return bytes.toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read ${file}: ${(error as Error).message}`, badFile(file));
  }
}

const badFile = (file: string, line?: number, column?: number) => ({
  ...{ code: 'bad-config', exit: EXIT.badFile, file },
  ...(line !== undefined && { line }),
  ...(column !== undefined && { column }),
});

/** @param file For messages. @throws UserError (exit 4) that names every fault of the text, or the first of the variables. */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv = {}): RouterConfig {
  const document = parseToml(text, file);
  const { faults, ignored } = check(document, SETTINGS);
  faults.push(...peerFaults(document.peers), ...transportFaults(document.transports));
  if (!faults.some(({ key }) => key.startsWith('webhook'))) {
    faults.push(...webhookFaults(document.webhook));
  }
  if (faults.length > 0) throw faultError(faults, text, file);
  return complete({ ...(document as Raw), ...overrides(env) }, ignored);
}

/** What a table of types cannot say: every peer has a key, and one of its own. */
function peerFaults(peers: unknown): Fault[] {
  if (!Array.isArray(peers)) return [];
  const seen = new Set<string>();
  return peers.flatMap((peer: Readonly<Record<string, unknown>>, i) => {
    const bytes = typeof peer?.key === 'string' ? fromBase64(peer.key) : undefined;
    const key = bytes === undefined ? undefined : toHex(bytes);
    if (peer?.key === undefined) return [{ key: `peers.${i}`, message: 'this peer lacks its key' }];
    if (key === undefined) return []; // the check has said so
    if (seen.has(key)) return [{ key: `peers.${i}.key`, message: 'a peer with this key is above' }];
    seen.add(key);
    return [];
  });
}

/** Where to listen and what to believe belong together. */
function webhookFaults(webhook: unknown): Fault[] {
  if (typeof webhook !== 'object' || webhook === null) return [];
  const { listen, secret, secret_file: file } = webhook as NonNullable<Raw['webhook']>;
  if (listen === undefined) {
    return [{ key: 'webhook', message: '[webhook] lacks listen, an address like 0.0.0.0:8099' }];
  }
  if ((secret === undefined) === (file === undefined)) {
    const message = '[webhook] needs secret or secret_file, one of them: what its host signs with';
    return [{ key: 'webhook', message }];
  }
  return [];
}

/** Ours: each is a process. */
const TRANSPORTS_MAX = 16;

function transportFaults(transports: unknown): Fault[] {
  if (!Array.isArray(transports)) return [];
  const key = 'transports';
  if (transports.length > TRANSPORTS_MAX) {
    return [{ key, message: `at most ${TRANSPORTS_MAX} transports, not ${transports.length}` }];
  }
  return transports.flatMap((one: Readonly<Record<string, unknown>>, i) =>
    one?.module === undefined
      ? [{ key: `${key}.${i}`, message: 'this transport lacks its module' }]
      : [],
  );
}

function parseToml(text: string, file: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    throw new UserError(
      `${file}:${error.line}:${error.column}: ${message}`,
      badFile(file, error.line, error.column),
    );
  }
}

function faultError(faults: readonly Fault[], text: string, file: string): UserError {
  const places = keyPlaces(text);
  const placed = faults
    .map(({ key, message }) => ({ ...placeOf(key, places), message: named(key, message) }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = placed.map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`);
  return new UserError(lines.join('\n'), {
    ...badFile(file, placed[0]?.line, placed[0]?.column),
    hint: 'docs/configuration.md has every setting',
  });
}

/** `expected …` alone would leave the reader to look up which setting is meant. */
function named(key: string, message: string): string {
  const name = key.slice(key.lastIndexOf('.') + 1);
  return message.startsWith('expected') && !/^\d+$/.test(name) ? `${name}: ${message}` : message;
}

/** Where a key is written, else the table around it. */
function placeOf(key: string, places: ReadonlyMap<string, Place>): Place {
  const place = places.get(key);
  if (place !== undefined) return place;
  const dot = key.lastIndexOf('.');
  return dot < 0 ? { line: 1, column: 1 } : placeOf(key.slice(0, dot), places);
}

const words = (value: string): string[] =>
  value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** Variables that labs and containers set, and the settings that they stand for; an empty one is as if not set. */
const VARIABLES: Readonly<Record<string, (value: string) => Readonly<Record<string, unknown>>>> = {
  ALAMESH_PLANE: (plane) => ({ plane }),
  ALAMESH_NAME: (name) => ({ name }),
  ALAMESH_REALM: (realm) => ({ realm }),
  ALAMESH_TRANSIT: (transit) => ({ transit }),
  ALAMESH_RELAY: (relay) => ({ relay }),
  ALAMESH_LISTEN: (value) => ({ listen: words(value) }),
  ALAMESH_PROBE_INTERVAL_MS: (value) => ({ probe_interval_ms: Number(value) }),
  ALAMESH_DISCOVERY: (value) => ({ discovery: { interfaces: words(value) } }),
};
/** Set and empty, it turns discovery off. */
const MAY_BE_EMPTY = 'ALAMESH_DISCOVERY';

/** They win over the file. @throws UserError that names the variable. */
function overrides(env: NodeJS.ProcessEnv): Raw {
  const all: Record<string, unknown> = {};
  for (const [variable, settings] of Object.entries(VARIABLES)) {
    const value = env[variable];
    if (value === undefined || (value === '' && variable !== MAY_BE_EMPTY)) continue;
    const set = settings(value);
    const [fault] = check(set, SETTINGS).faults;
    if (fault !== undefined) {
      const options = { code: 'bad-config', hint: 'unset it, or mend it', exit: EXIT.badFile };
      throw new UserError(`${variable}: ${fault.message}`, options);
    }
    Object.assign(all, set);
  }
  return all as Raw;
}

function complete(raw: Raw, ignored: readonly string[]): RouterConfig {
  return {
    name: raw.name,
    realm: raw.realm,
    transit: raw.transit ?? 'full',
    plane: raw.plane ?? 'auto',
    relay: raw.relay ?? 'peers',
    listen: raw.listen ?? ['udp://[::]:4242'],
    probeIntervalMsec: raw.probe_interval_ms ?? 1000,
    probeCount: raw.probe_count ?? 3,
    idleProbeMsec: (raw.idle_probe_s ?? 25) * 1000,
    discoveryInterfaces: raw.discovery?.interfaces ?? ['*'],
    tunName: raw.tun?.name ?? 'ala0',
    tunMtu: raw.tun?.mtu ?? TUN_MTU,
    dnsListen: raw.dns?.listen,
    registry: registryOf(raw.registry),
    webhook: webhookOf(raw.webhook),
    browserRoute: raw.dns?.browser_route ?? false,
    peers: (raw.peers ?? []).map(peerOf),
    transports: (raw.transports ?? []).map(({ module, ...options }) => ({
      ...{ module: String(module), options },
    })),
    ignored,
  };
}

/** Ours: an hour between two looks. */
const REGISTRY_INTERVAL_SECONDS = 3_600;

/** Ours: members that are dialed. */
const PEERS_MAX = 8;

function registryOf(raw: Raw['registry'] = {}): RegistryConfig {
  const { url, mirrors = [], interval_s: intervalSeconds = REGISTRY_INTERVAL_SECONDS } = raw;
  const { peers = 'auto', peers_max: most = PEERS_MAX, handles = [], tags = [] } = raw;
  const policy = { peers, most, handles, tags, relaysFirst: raw.relays_first ?? false };
  return { url, mirrors, intervalSeconds, policy };
}

function webhookOf(raw: Raw['webhook']): WebhookConfig | undefined {
  if (raw?.listen === undefined) return undefined;
  const { listen, path: at = '/hook', secret, secret_file: secretFile } = raw;
  return {
    ...{ listen, path: at },
    ...(secret !== undefined && { secret }),
    ...(secretFile !== undefined && { secretFile }),
  };
}

function peerOf(peer: NonNullable<Raw['peers']>[number]): PeerConfig {
  return {
    key: peer.key ?? '',
    ...(peer.name !== undefined && { name: peer.name }),
    ...(peer.address !== undefined && { address: peer.address }),
    ...(peer.endpoints !== undefined && { endpoints: peer.endpoints }),
    ...(peer.allowed_ips !== undefined && { allowedIps: peer.allowed_ips }),
    ...(peer.preshared_key_file !== undefined && { presharedKeyFile: peer.preshared_key_file }),
    ...(peer.persistent_keepalive_s !== undefined && {
      persistentKeepaliveSeconds: peer.persistent_keepalive_s,
    }),
  };
}

/** What `init` writes. */
export function newConfig(name: string, realm: string): string {
  return `# alamesh; docs/configuration.md has every setting. Everything has a default: an empty file runs.
name = ${JSON.stringify(name)}
realm = ${JSON.stringify(realm)}
# transit = "full"                  # full | stub | none: what is carried for others
# listen = ["udp://[::]:4242"]
# probe_interval_ms = 1000          # a silent link is dead after probe_count = 3 of these

# [discovery]
# interfaces = ["*"]                # globs; [] turns LAN discovery off

# [tun]
# name = "ala0"

# [dns]
# listen = "127.0.0.1:5300"         # answers names that end in .ala: docs/dns.md

# [registry]
# url = "https://git.example/friends/realm.git"   # looked at once an hour: docs/join.md

# [webhook]
# listen = "0.0.0.0:8099"           # a push to the registry is looked at at once
# secret_file = "webhook.secret"    # the same secret as at the git host

# [[peers]]                         # or: alamesh peer add LINE
# key = "…"
# endpoints = ["udp://203.0.113.7:4242"]
`;
}
