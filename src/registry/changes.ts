/** What a change of a registry may not do: two states side by side, the older of them believed. */
import type { NodeId } from '../base/ip6.js';
import type { Member, Snapshot, Tombstone } from './snapshot.js';

/** What is believed already. */
export interface Before {
  readonly members: ReadonlyMap<NodeId, Member>;
  readonly tombstones: ReadonlyMap<NodeId, Tombstone>;
  readonly realm: string | undefined;
}

/** Numbers that rise, handles that stay with their keys, tombstones that stay. Findings go into `head`. */
export function checkSuccession(before: Before, head: Snapshot): void {
  const { realm } = head;
  if (before.realm !== undefined && realm !== undefined && realm.realm !== before.realm) {
    head.find('realm', 'realm.toml', `the realm was ${before.realm} and stays that`, 'undo this', 3);
  }
  for (const { path, id } of before.tombstones.values()) {
    const member = head.members.get(id);
    if (member !== undefined && !head.tombstones.has(id)) {
      head.find('tombstone', member.path, 'this key is over, for good', 'make a new identity');
    } else if (!head.tombstones.has(id)) {
      head.find('tombstone', path, 'a tombstone was taken away', 'put it back: it is final');
    }
  }
  const owners = ownersOf(before);
  for (const member of head.members.values()) {
    const old = before.members.get(member.id);
    if (old !== undefined) checkSequence(old, member, head);
    if (old?.handle !== member.handle) checkOwner(member, { owners, before, head });
  }
}

function checkSequence(old: Member, next: Member, head: Snapshot): void {
  if (old.digest === next.digest || next.seq > old.seq) return;
  const message = `seq is ${next.seq} and must be above ${old.seq}`;
  head.find('sequence', next.path, message, 'write it again: alamesh registry add');
}

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
  readonly before: Before;
  readonly head: Snapshot;
}

/** A handle that somebody has, or had until a tombstone, takes a new key only by its owner's word. */
function checkOwner({ path, handle, id }: Member, { owners, before, head }: Ownership): void {
  const ended = [...before.tombstones.values()].some((one) => one.handle === handle);
  const known = owners.get(handle);
  if (known === undefined && !ended) return;
  const vouch = head.vouches.get(`${handle}/${id}`);
  if (vouch !== undefined && known?.has(vouch.by) === true) return;
  const fix =
    known === undefined
      ? 'choose another handle'
      : 'let a node of the handle vouch for it: alamesh registry vouch FILE';
  head.find('owner', path, `the handle ${handle} belongs to another key`, fix);
}

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
  for (const path of touched) if (!head.files.has(path)) checkRemoved(path, base, head);
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
  const [top, handle] = path.split('/');
  if (top === 'members') return handle;
  if (top !== 'tombstones') return undefined;
  return [...tombstones.values()].find((one) => one.path === path)?.handle;
}

/** Anybody could take a file away: only what its owner's key said, or time, ends it. */
function checkRemoved(path: string, base: Snapshot, head: Snapshot): void {
  const isExpired = base.findings.some(({ file, rule }) => file === path && rule === 'expired');
  if (isExpired) return;
  const member = [...base.members.values()].find((one) => one.path === path);
  const service = base.services.get(path);
  if (member !== undefined && !isOver(member, head)) {
    const fix = 'put it back, or add its tombstone: alamesh registry leave';
    head.find('removed', path, 'a node was taken away without a tombstone', fix);
  } else if (service !== undefined && !isRenewed(service.host, base, head)) {
    const fix = 'put it back, or let its host renew its own file in the same change';
    head.find('removed', path, 'a service was taken away without its host', fix);
  }
}

/** Ended by its tombstone, or moved by a newer record of the same key. */
const isOver = ({ id, seq }: Member, head: Snapshot): boolean =>
  head.tombstones.has(id) || (head.members.get(id)?.seq ?? -1) > seq;

function isRenewed(host: NodeId, base: Snapshot, head: Snapshot): boolean {
  const old = base.members.get(host);
  return old === undefined || isOver(old, head);
}
