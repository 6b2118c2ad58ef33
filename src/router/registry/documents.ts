/** What the registry commands show. */
import type { Why } from '../../registry/choose.js';
import type { Difference } from './difference.js';
import type { RegistryState } from './state.js';
import { type Synced, shownUrl } from './sync.js';
import type { WebhookStatus } from './webhook.js';

export interface Schedule {
  /** Null while nothing is planned. */
  readonly nextSyncAt: number | null;
  readonly failures: number;
  /** Null where none is listened for, and while no router runs. */
  readonly webhook: WebhookStatus | null;
}

/** `alamesh.registry/1`. @param url The configured one. */
export function statusDocument(
  { inForce, pending, syncedAt, lastError }: RegistryState,
  url: string | undefined,
  { nextSyncAt, failures, webhook }: Schedule,
  nowMsec: number,
  /** Why a member is dialed, by its key; null: it may come by itself. */
  why: (key: string) => Why | null = () => null,
) {
  const members = inForce?.members ?? [];
  const rows = members.map(({ handle, name, key, notAfter, absent, seq, endpoints }) => ({
    ...{ handle, name, key, seq, endpoints, absent, dialed: why(key) },
    ...{ notAfterAt: notAfter * 1000, expired: notAfter * 1000 < nowMsec },
  }));
  const shown = url ?? inForce?.url;
  return {
    schema: 'alamesh.registry/1',
    url: shown === undefined ? null : shownUrl(shown),
    ...{ head: inForce?.head ?? null, realm: inForce?.realm ?? null },
    ...{ appliedAt: inForce?.appliedAt ?? null, syncedAt: syncedAt || null },
    ...{ lastError: lastError || null, nextSyncAt, failures, pending: pending ?? null },
    webhook,
    tombstones: (inForce?.tombstones ?? []).map(({ handle, id }) => ({ handle, id })),
    members: rows,
  };
}

export type RegistryStatus = ReturnType<typeof statusDocument>;

/** `alamesh.registry.diff/1`: from what is in force to what waits. */
export function diffDocument({ inForce, pending }: RegistryState) {
  const { added = [], changed = [], ended = [] } = pending ?? {};
  const absent = (inForce?.members ?? []).filter((one) => one.absent);
  return {
    schema: 'alamesh.registry.diff/1',
    ...{ from: inForce?.head ?? null, to: pending?.head ?? null, added, changed, ended },
    absent: absent.map(({ name, handle }) => `${name}.${handle}`),
    reason: pending === undefined ? null : MASS_REASON,
  };
}

const MASS_REASON =
  'more than 10 % of the members change at once: `alamesh registry approve` lets it pass';

/** `alamesh.registry.sync/1`. */
export function syncDocument({ outcome, head, difference }: Synced) {
  const short = head.slice(0, 12);
  const words = {
    unchanged: `nothing new; ${short} is in force`,
    applied: `${short} is in force: ${counts(difference)}`,
    pending: `${short} waits for approval: ${counts(difference)}; see \`alamesh registry diff\``,
  };
  return {
    schema: 'alamesh.registry.sync/1',
    ...{ outcome, head, ...difference, message: words[outcome] },
  };
}

function counts({ added, changed, ended, absent }: Difference): string {
  const some = Object.entries({ added, changed, ended, absent }).filter(
    ([, list]) => list.length > 0,
  );
  return some.map(([word, list]) => `${list.length} ${word}`).join(', ') || 'the same members';
}
