/** The peers that the mesh should have: those of the config file and those that were added by hand. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fromBase64, toBase64Url } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { parseAddress, parseNodeId } from '../base/ip6.js';
import type { PeerSpec } from '../mesh/types.js';
import type { RawPrefix } from '../plane/types.js';
import type { PeerConfig, RouterConfig } from './config/config.js';
import type { StoredPeer } from './peer-store.js';

export interface NamedSpec {
  /** base64url of the key, as the mesh's rows have it. */
  readonly id: string;
  readonly spec: PeerSpec;
}

/**
 * Where several name a key, the config file wins over what was added, and that over the registry.
 * @throws UserError for a value that no schema can check.
 */
export function peerSpecs(
  config: RouterConfig,
  stored: readonly StoredPeer[],
  dir: string,
  registry: readonly StoredPeer[] = [],
): NamedSpec[] {
  const specs = new Map<string, PeerSpec>();
  for (const { key, id, name, endpoints, invite } of [...registry, ...stored]) {
    const known = { ...(id !== undefined && { id }), ...(invite !== undefined && { invite }) };
    specs.set(toBase64Url(key), { key, name, endpoints, ...known });
  }
  for (const peer of config.peers) {
    const spec = configured(peer, dir);
    specs.set(toBase64Url(spec.key), spec);
  }
  return [...specs].map(([id, spec]) => ({ id, spec }));
}

export function memberSpec({ key, id, name, endpoints }: StoredPeer): NamedSpec {
  const spec = { key, name, endpoints, ...(id !== undefined && { id }) };
  return { id: toBase64Url(key), spec };
}

function configured(peer: PeerConfig, dir: string): PeerSpec {
  const key = fromBase64(peer.key);
  if (key?.length !== 32) throw bad(`the key ${peer.key} is not 32 bytes in base64`);
  const { name, endpoints = [], address, allowedIps, presharedKeyFile } = peer;
  const id = address === undefined ? undefined : parseNodeId(address);
  if (id?.ok === false) throw bad(`peer ${name ?? peer.key}: ${id.error}`);
  const seconds = peer.persistentKeepaliveSeconds ?? 0;
  return {
    ...{ key, endpoints },
    ...(name !== undefined && { name }),
    ...(id !== undefined && { id: id.value }),
    ...(presharedKeyFile !== undefined && {
      presharedKey: presharedKey(path.resolve(dir, presharedKeyFile)),
    }),
    ...(allowedIps !== undefined && {
      stock: {
        prefixes: allowedIps.map(rawPrefix),
        ...(seconds > 0 && { keepaliveMsec: seconds * 1000 }),
      },
    }),
  };
}

function rawPrefix(text: string): RawPrefix {
  const [host = '', bits = ''] = text.split('/');
  const address = parseAddress(host);
  const length = Number(bits);
  if (!address.ok || length > 128) throw bad(`'${text}' is not an IPv6 prefix`);
  return { address: address.value, length };
}

function presharedKey(file: string): Uint8Array {
  let text: string;
  try {
    if ((statSync(file).mode & 0o077) !== 0)
      throw bad(`${file} may be read by others: chmod 600 ${file}`);
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw bad(`cannot read the preshared key in ${file}: ${(error as Error).message}`);
  }
  const key = fromBase64(text);
  if (key?.length !== 32) throw bad(`${file} does not hold a preshared key: 32 bytes in base64`);
  return key;
}

const bad = (message: string): UserError =>
  new UserError(message, { code: 'bad-config', exit: EXIT.badFile });
