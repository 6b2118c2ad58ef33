/** The router's identity at start: loaded, or made when a container or lab asks for that. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { defaultWork } from '../identity/address.js';
import {
  createIdentity,
  IDENTITY_FILE,
  type Identity,
  loadIdentity,
  saveIdentity,
} from '../platform/keystore.js';

export interface AutoInit {
  readonly name: string;
  readonly realm: string;
  /** Leading zero bits; undefined for the realm's default. */
  readonly work: number | undefined;
}

/** `ALAMESH_AUTO_INIT=1`: what an image or a lab gives instead of running `init` first. */
export function autoInitFrom(env: NodeJS.ProcessEnv, hostname: string): AutoInit | undefined {
  if (env.ALAMESH_AUTO_INIT !== '1') return undefined;
  const work = Number(env.ALAMESH_WORK ?? Number.NaN);
  return {
    name: env.ALAMESH_NAME ?? hostname,
    realm: env.ALAMESH_REALM ?? 'lab',
    work: Number.isInteger(work) && work >= 0 ? work : undefined,
  };
}

/** @throws UserError when there is none and none may be made, or the file is bad. */
export async function identityAt(dir: string, auto: AutoInit | undefined): Promise<Identity> {
  if (auto === undefined || existsSync(path.join(dir, IDENTITY_FILE))) return loadIdentity(dir);
  const { name, realm } = auto;
  const identity = await createIdentity({ name, realm, work: auto.work ?? defaultWork(realm) });
  await saveIdentity(dir, identity, { force: false });
  return identity;
}
