/** What a change of a registry may not do: two states side by side, the older of them believed. */
import type { NodeId } from '../base/ip6.js';
import type { Member, Rule, ServiceRow, Snapshot, Tombstone } from './snapshot.js';

/** What is believed already. */
export interface Before {
  readonly members: ReadonlyMap<NodeId, Member>;
  readonly tombstones: ReadonlyMap<NodeId, Tombstone>;
  /** By path. */
  readonly services: ReadonlyMap<string, ServiceRow>;
  readonly realm: string | undefined;
}

/** Numbers that rise, handles that stay with their keys, tombstones that stay. Findings go into `head`. */
export function checkSuccession(before: Before, head: Snapshot): void {
  const { realm } = head;
  if (before.realm !== undefined && realm !== undefined && realm.realm !== before.realm) {
    head.find(
      'realm',
      'realm.toml',
      `the realm was ${before.realm} and stays that`,
      'undo this',
      3,
    );
  }
  for (const { path, id } of before.tombstones.values()) {
    const member = head.members.get(id);
    if (member !== undefined && !head.tombstones.has(id)) {
      head.find('tombstone', member.path, 'this key is over, for good', 'make a new identity');
    } else if (!head.tombstones.has(id)) {
      head.find('tombstone', path, 'a tombstone was taken away', 'put it back: it is final');
    }
  }
  for (const service of head.services.values()) {
    const old = before.services.get(service.path);
    if (old?.prefix === service.prefix) checkSequence(old, service, head);
  }
  const ended = new Set([...before.tombstones.values()].map(({ handle }) => handle));
  const owners = ownersOf(before);
  for (const member of head.members.values()) {
    const old = before.members.get(member.id);
    if (old !== undefined) checkSequence(old, member, head);
    if (old?.handle !== member.handle) checkOwner(member, { owners, ended, head });
  }
}

function checkSequence(old: Signed, next: Signed, head: Snapshot): void {
  if (old.digest === next.digest || next.seq > old.seq) return;
  const message = `seq is ${next.seq} and must be above ${old.seq}`;
  head.find('sequence', next.path, message, 'write it again: alamesh registry add');
}

type Signed = Pick<Member, 'path' | 'seq' | 'digest'>;

function ownersOf({ members }: Before): Map<string, Set<NodeId>> {
  const owners = new Map<string, Set<NodeId>>();
  for (const { handle, id } of members.values()) {
    const ids = owners.get(handle) ?? new Set();
    owners.set(handle, ids.add(id));
  }
  return owners;
}

interface Ownership {
  readonly owners: ReadonlyMap<string, ReadonlySet<NodeId>>;
  readonly ended: ReadonlySet<string>;
  readonly head: Snapshot;
}

/** A handle that somebody has, or had until a tombstone, takes a new key only by its owner's word. */
function checkOwner({ path, handle, id }: Member, { owners, ended, head }: Ownership): void {
  const known = owners.get(handle);
  if (known === undefined && !ended.has(handle)) return;
  const vouch = head.vouches.get(`${handle}/${id}`);
  if (vouch !== undefined && known?.has(vouch.by) === true) return;
  const fix =
    known === undefined
      ? 'choose another handle'
      : 'let a node of the handle vouch for it: alamesh registry vouch FILE';
  head.find('owner', path, `the handle ${handle} belongs to another key`, fix);
}

/** Findings that say a file is not what it should be, and so gave no row. */
const BROKEN: ReadonlySet<Rule> = new Set(['layout', 'limit', 'form', 'signature']);

/** What a pull request or push may touch: files of one handle and tombstones of its keys, and no more. */
export function checkAuthor(base: Snapshot, head: Snapshot): void {
  const touched = touchedFiles(base.files, head.files);
  const handles = new Map<string, string>();
  for (const path of touched) {
    const handle = handleOf(path, base) ?? handleOf(path, head);
    if (handle !== undefined && !handles.has(handle)) handles.set(handle, path);
  }
  const [first, ...others] = handles;
  for (const [handle, path] of others) {
    const message = `touches files of ${handle} and of ${first?.[0]}`;
    head.find('author', path, message, 'one handle for each pull request');
  }
  const foreign = touched.find((path) => handleOf(path, base) === undefined && !isMembers(path));
  if (first !== undefined && foreign !== undefined) {
    const message = `touches this file and those of ${first[0]}`;
    head.find('author', foreign, message, 'leave all but your own files as they are');
  }
  // What is broken has its finding already; what has expired may go.
  const broken = head.findings.filter(({ rule }) => BROKEN.has(rule));
  const settled = new Set(broken.map(({ file }) => file));
  for (const { file, rule } of base.findings) if (rule === 'expired') settled.add(file);
  for (const member of base.members.values()) {
    if (!settled.has(member.path) && !head.members.has(member.id)) checkNodeGone(member, head);
  }
  for (const service of base.services.values()) {
    if (!settled.has(service.path) && !head.files.has(service.path)) {
      checkServiceGone(service, base, head);
    }
  }
}

const isMembers = (path: string): boolean => /^(?:members|tombstones)\//.test(path);

function touchedFiles(
  base: ReadonlyMap<string, string>,
  head: ReadonlyMap<string, string>,
): string[] {
  const changed = [...head].filter(([path, blob]) => base.get(path) !== blob);
  const gone = [...base.keys()].filter((path) => !head.has(path));
  return [...changed.map(([path]) => path), ...gone];
}

function handleOf(path: string, { tombstones }: Snapshot): string | undefined {
  const [top, rest = ''] = path.split('/');
  if (top === 'members') return rest;
  if (top !== 'tombstones') return undefined;
  return tombstones.get(rest.replace(/\.toml$/, '') as NodeId)?.handle;
}

/** Anybody could take a file away: only what its owner's key said, or time, ends it. */
function checkNodeGone(member: Member, head: Snapshot): void {
  if (isOver(member, head)) return;
  const fix = 'put it back, or add its tombstone: alamesh registry leave';
  head.find('removed', member.path, 'a node was taken away without a tombstone', fix);
}

function checkServiceGone({ path, host }: ServiceRow, base: Snapshot, head: Snapshot): void {
  const old = base.members.get(host);
  if (old === undefined || isOver(old, head)) return;
  const fix = 'put it back, or let its host renew its own file in the same change';
  head.find('removed', path, 'a service was taken away without its host', fix);
}

/** Ended by its tombstone, or moved by a newer record of the same key. */
const isOver = ({ id, seq }: Member, head: Snapshot): boolean =>
  head.tombstones.has(id) || (head.members.get(id)?.seq ?? -1) > seq;
