/** Which file of a registry is what, by its path alone; what no registry may hold is refused here. */
import { isName, isRealm } from '../identity/names.js';

export type Role =
  | { readonly kind: 'realm' }
  | { readonly kind: 'node' | 'service' | 'vouch'; readonly handle: string; readonly name: string }
  | { readonly kind: 'tombstone'; readonly id: string }
  /** For people and their host: README.md, workflows, hooks. Never read. */
  | { readonly kind: 'other' }
  | { readonly kind: 'refused'; readonly message: string };

/** Ours: bytes of a path, and folders above a file. */
const PATH_BYTES_MAX = 255;
const DEPTH_MAX = 6;
const KINDS = { node: 'node', svc: 'service', vouch: 'vouch' } as const;

/** A handle is a DNS label. */
export const isHandle = isRealm;
export const isTag = isRealm;

export const memberPath = (handle: string, kind: keyof typeof KINDS, name: string): string =>
  `members/${handle}/${kind}-${name}.toml`;
/** @param id 32 hex digits. */
export const tombstonePath = (id: string): string => `tombstones/${id}.toml`;

/** @param path One character a byte. @param mode As git has it: `100644`, `120000` … */
export function roleOf(path: string, mode: string): Role {
  const message = pathFault(path) ?? modeFault(mode);
  if (message !== undefined) return { kind: 'refused', message };
  const [top = '', ...rest] = path.split('/');
  if (path === 'realm.toml') return { kind: 'realm' };
  if (top === 'members') return memberRole(rest);
  if (top === 'tombstones') return tombstoneRole(rest);
  if (/^(?:members|tombstones|realm\.toml)$/i.test(top)) {
    return refused('differs from a name of the registry only in its letters’ case');
  }
  return { kind: 'other' };
}

function pathFault(path: string): string | undefined {
  if (path.length > PATH_BYTES_MAX) return `has a path of over ${PATH_BYTES_MAX} bytes`;
  if (!/^[\x21-\x7e]+$/.test(path)) return 'has a path with blanks or characters outside of ASCII';
  if (/[\\:*?"<>|~]/.test(path)) return 'has a path with characters that not every system takes';
  const parts = path.split('/');
  if (parts.length > DEPTH_MAX) return `lies over ${DEPTH_MAX} folders deep`;
  const last = parts.at(-1) ?? '';
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') return 'has a path that leads elsewhere';
    if (/^\.?git$/i.test(part)) return 'lies in a folder that git takes for its own';
    if (part.endsWith('.')) return 'has a part of its path that ends in a dot';
  }
  if (/^\.git(?:modules|attributes)$/i.test(last)) return 'changes how git reads the repository';
  if (/\.key$|^id_(?:rsa|ed25519)$|^peers\.toml$|^alamesh\.toml$/i.test(last)) {
    return 'looks like a secret or private file of a router';
  }
  return undefined;
}

function modeFault(mode: string): string | undefined {
  if (mode === '100644' || mode === '100755') return undefined;
  if (mode === '120000') return 'is a symbolic link';
  if (mode === '160000') return 'is a submodule';
  return `has the mode ${mode}`;
}

function memberRole(rest: readonly string[]): Role {
  const [handle = '', file = '', ...more] = rest;
  if (rest.length === 1 && handle === '.gitkeep') return { kind: 'other' };
  const match = /^(node|svc|vouch)-(.+)\.toml$/.exec(file);
  const [, prefix = '', name = ''] = match ?? [];
  if (match === null || more.length > 0 || !isName(name)) {
    return refused('is none of node-NAME.toml, svc-NAME.toml and vouch-NAME.toml of a handle');
  }
  if (!isHandle(handle)) return refused('lies under a handle that is not 1 to 63 of a-z, 0-9, -');
  return { kind: KINDS[prefix as keyof typeof KINDS], handle, name };
}

function tombstoneRole(rest: readonly string[]): Role {
  const [file = '', ...more] = rest;
  if (file === '.gitkeep' && more.length === 0) return { kind: 'other' };
  const id = /^(fd[0-9a-f]{30})\.toml$/.exec(file)?.[1];
  if (id === undefined || more.length > 0) return refused('is not ADDRESS.toml, in 32 hex digits');
  return { kind: 'tombstone', id };
}

const refused = (message: string): Role => ({ kind: 'refused', message });
