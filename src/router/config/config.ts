/** alamesh.toml, read and checked: all faults at once, each with its line; an empty file runs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { EXIT, UserError } from '../../base/errors.js';
import { check, type Fault } from './check.js';
import { keyPlaces } from './places.js';
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

export interface RouterConfig {
  /** Undefined: the identity's. */
  readonly name: string | undefined;
  readonly realm: string | undefined;
  readonly transit: 'full' | 'stub' | 'none';
  readonly plane: 'auto' | 'native' | 'portable';
  readonly listen: readonly string[];
  readonly probeIntervalMsec: number;
  readonly probeCount: number;
  readonly idleProbeMsec: number;
  readonly discoveryInterfaces: readonly string[];
  readonly tunName: string;
  readonly tunMtu: number;
  readonly peers: readonly PeerConfig[];
  /** Settings that this version does not act on. */
  readonly ignored: readonly string[];
}

/** 1500 − 40 (IPv6) − 8 (UDP) − 32 (WireGuard): what every standard path carries. */
const TUN_MTU = 1420;

interface Raw {
  name?: string;
  realm?: string;
  transit?: RouterConfig['transit'];
  plane?: RouterConfig['plane'];
  listen?: string[];
  probe_interval_ms?: number;
  probe_count?: number;
  idle_probe_s?: number;
  discovery?: { interfaces?: string[] };
  tun?: { name?: string; mtu?: number };
  peers?: {
    key?: string;
    name?: string;
    address?: string;
    endpoints?: string[];
    allowed_ips?: string[];
    preshared_key_file?: string;
    persistent_keepalive_s?: number;
  }[];
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

export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv = {}): RouterConfig {
  const document = parseToml(text, file);
  const { faults, ignored } = check(document, SETTINGS);
  const raw = document as Raw;
  (raw.peers ?? []).forEach((peer, i) => {
    if (typeof peer === 'object' && peer.key === undefined) {
      faults.push({ key: `peers.${i}`, message: 'this [[peers]] lacks its key' });
    }
  });
  if (faults.length > 0) throw faultError(faults, text, file);
  return complete(withEnvironment(raw, env), ignored);
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
  const lines = faults.map(({ key, message }) => {
    const place = places.get(key) ??
      places.get(key.replace(/\.[^.]*$/, '')) ?? { line: 1, column: 1 };
    return { ...place, text: `${file}:${place.line}:${place.column}: ${message}` };
  });
  lines.sort((a, b) => a.line - b.line);
  const first = lines[0] as (typeof lines)[0];
  return new UserError(lines.map((line) => line.text).join('\n'), {
    ...badFile(file, first.line, first.column),
    hint: 'docs/configuration.md lists every setting',
  });
}

/** Variables that labs and containers set; they win over the file. */
function withEnvironment(raw: Raw, env: NodeJS.ProcessEnv): Raw {
  const words = (value: string): string[] =>
    value
      .split(',')
      .map((word) => word.trim())
      .filter(Boolean);
  const overrides: Record<string, unknown> = {};
  if (env.ALAMESH_PLANE) overrides.plane = env.ALAMESH_PLANE;
  if (env.ALAMESH_NAME) overrides.name = env.ALAMESH_NAME;
  if (env.ALAMESH_REALM) overrides.realm = env.ALAMESH_REALM;
  if (env.ALAMESH_TRANSIT) overrides.transit = env.ALAMESH_TRANSIT;
  if (env.ALAMESH_LISTEN) overrides.listen = words(env.ALAMESH_LISTEN);
  if (env.ALAMESH_PROBE_INTERVAL_MS)
    overrides.probe_interval_ms = Number(env.ALAMESH_PROBE_INTERVAL_MS);
  if (env.ALAMESH_DISCOVERY !== undefined) {
    overrides.discovery = { interfaces: words(env.ALAMESH_DISCOVERY) };
  }
  const { faults } = check(overrides, SETTINGS);
  const fault = faults[0];
  if (fault !== undefined) {
    const variable = `ALAMESH_${fault.key.split('.')[0]?.toUpperCase()}`;
    throw new UserError(`${variable}: ${fault.message}`, {
      code: 'bad-config',
      exit: EXIT.badFile,
    });
  }
  return { ...raw, ...overrides };
}

function complete(raw: Raw, ignored: readonly string[]): RouterConfig {
  return {
    name: raw.name,
    realm: raw.realm,
    transit: raw.transit ?? 'full',
    plane: raw.plane ?? 'auto',
    listen: raw.listen ?? ['udp://[::]:4242'],
    probeIntervalMsec: raw.probe_interval_ms ?? 1000,
    probeCount: raw.probe_count ?? 3,
    idleProbeMsec: (raw.idle_probe_s ?? 25) * 1000,
    discoveryInterfaces: raw.discovery?.interfaces ?? ['*'],
    tunName: raw.tun?.name ?? 'ala0',
    tunMtu: raw.tun?.mtu ?? TUN_MTU,
    peers: (raw.peers ?? []).map(peerOf),
    ignored,
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
  return `# alamesh, see docs/configuration.md. Everything has a default; an empty file runs.
name = ${JSON.stringify(name)}
realm = ${JSON.stringify(realm)}
# transit = "full"                  # full | stub | none: carry packets between others?
# listen = ["udp://[::]:4242"]

# [discovery]
# interfaces = ["*"]                # globs; [] turns LAN discovery off

# [[peers]]                         # or: alamesh peer add LINE
# key = "…"
# endpoints = ["udp://203.0.113.7:4242"]
`;
}
