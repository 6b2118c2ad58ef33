/** The registry in force and a new state of it: what differs, and what is in force after. */
import type { Member, Snapshot } from '../../registry/snapshot.js';
import type { InForce, MemberInForce } from './state.js';

export interface Difference {
  /** `name.handle` of each. */
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** By tombstone. */
  readonly ended: readonly string[];
  /** Newly absent: they stay in force. */
  readonly absent: readonly string[];
}

/** Issue 6: more of the members than this share, and more than this many, wait for a person. */
const MASS_SHARE = 0.1;
const MASS_LEAST = 5;

export const fullName = ({ name, handle }: Pick<Member, 'name' | 'handle'>): string =>
  `${name}.${handle}`;

export function difference(before: InForce | undefined, head: Snapshot): Difference {
  const old = new Map((before?.members ?? []).map((member) => [member.id, member]));
  const members = [...head.members.values()];
  const gone = [...old.values()].filter(({ id }) => !head.members.has(id));
  return {
    added: members.filter(({ id }) => !old.has(id)).map(fullName),
    changed: members.filter((one) => isChanged(old.get(one.id), one)).map(fullName),
    ended: gone.filter(({ id }) => head.tombstones.has(id)).map(fullName),
    absent: gone.filter(({ id, absent }) => !head.tombstones.has(id) && !absent).map(fullName),
  };
}

const isChanged = (old: MemberInForce | undefined, next: Member): boolean =>
  old !== undefined && (old.digest !== next.digest || old.path !== next.path);

/** The first state is believed whole: whoever names the registry trusts what it holds then. */
export function isMass(
  before: InForce | undefined,
  { added, changed, ended }: Difference,
): boolean {
  if (before === undefined) return false;
  const count = added.length + changed.length + ended.length;
  return count > MASS_LEAST && count > before.members.length * MASS_SHARE;
}

export function merged(
  before: InForce | undefined,
  head: Snapshot,
): Pick<InForce, 'members' | 'services' | 'tombstones'> {
  const present = [...head.members.values()].map((member) => ({ ...member, absent: false }));
  const kept = (before?.members ?? [])
    .filter(({ id }) => !head.members.has(id) && !head.tombstones.has(id))
    .map((member) => ({ ...member, absent: true }));
  return {
    members: [...present, ...kept],
    services: [...head.services.values()],
    tombstones: [...head.tombstones.values()],
  };
}
