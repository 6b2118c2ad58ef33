/** `alamesh registry sync|status|diff|approve`: through the router when one runs, else on the state directory. */

import { loadIdentity } from '../platform/keystore.js';
import { loadConfig } from '../router/config/config.js';
import { defaultStateDir } from '../router/place.js';
import {
  diffDocument,
  type RegistryStatus,
  statusDocument,
  syncDocument,
} from '../router/registry/documents.js';
import { loadState } from '../router/registry/state.js';
import { RegistrySync } from '../router/registry/sync.js';
import { ask, isRunning, type Where } from './client.js';
import type { MessageDocument } from './documents.js';

/** Ours: a first clone of a large registry takes a while. */
const SYNC_MSEC_MAX = 330_000;

type Diff = ReturnType<typeof diffDocument>;

export async function sync(where: Where, url: string | undefined): Promise<MessageDocument> {
  if (await isRunning(where)) {
    const request = { method: 'POST', query: { url }, patienceMsec: SYNC_MSEC_MAX } as const;
    return ask(where, '/v1/registry/sync', request);
  }
  const registry = await open(where);
  return syncDocument(await registry.sync(urlsOf(where, url, registry)));
}

async function open(where: Where): Promise<RegistrySync> {
  const dir = defaultStateDir(where.dir);
  const { realm } = await loadIdentity(dir);
  return RegistrySync.open({ dir, realm, now: Date.now });
}

/** The one given, those configured, or where what is in force came from. */
function urlsOf(where: Where, url: string | undefined, { state }: RegistrySync): string[] {
  if (url !== undefined) return [url];
  const { registry } = loadConfig(defaultStateDir(where.dir), process.env);
  if (registry.url !== undefined) return [registry.url, ...registry.mirrors];
  return state.inForce === undefined ? [] : [state.inForce.url];
}

export async function status(where: Where): Promise<RegistryStatus> {
  if (await isRunning(where)) return ask(where, '/v1/registry');
  const dir = defaultStateDir(where.dir);
  const { registry } = loadConfig(dir, process.env);
  const idle = { nextSyncAt: null, failures: 0, webhook: null };
  return statusDocument(await loadState(dir), registry.url, idle, Date.now());
}

export async function diff(where: Where): Promise<Diff> {
  if (await isRunning(where)) return ask(where, '/v1/registry/diff');
  return diffDocument(await loadState(defaultStateDir(where.dir)));
}

export async function approve(where: Where, head: string | undefined): Promise<MessageDocument> {
  if (await isRunning(where)) {
    const request = { method: 'POST', query: { head }, patienceMsec: SYNC_MSEC_MAX } as const;
    return ask(where, '/v1/registry/approve', request);
  }
  const registry = await open(where);
  await registry.approve(head);
  return syncDocument(await registry.sync(urlsOf(where, undefined, registry)));
}

const time = (msec: number | null): string =>
  msec === null ? 'never' : new Date(msec).toISOString().replace(/\.\d+Z$/, 'Z');

export function statusText(document: RegistryStatus): string {
  const { url, head, members, tombstones, pending, lastError } = document;
  const rows = members.map(({ name, handle, absent, expired }) => {
    const note = expired ? '  expired' : absent ? '  not in the registry any more' : '';
    return `  ${name}.${handle}${note}`;
  });
  return [
    `registry   ${url ?? 'none: alamesh registry sync --url URL'}`,
    `in force   ${head?.slice(0, 12) ?? 'nothing'}, ${members.length} nodes, ${tombstones.length} ended; since ${time(document.appliedAt)}`,
    `last sync  ${time(document.syncedAt)}; next ${time(document.nextSyncAt)}`,
    ...webhookText(document),
    ...(lastError === null ? [] : [`trouble    ${lastError}`]),
    ...(pending === null
      ? []
      : [`waiting    ${pending.head.slice(0, 12)}: see \`alamesh registry diff\``]),
    ...rows,
    '',
  ].join('\n');
}

/** A router of before webhooks tells nothing of them. */
function webhookText({ webhook }: Partial<RegistryStatus>): string[] {
  if (!webhook) return [];
  const { listening, accepted, refused, acceptedAt, lastRefusal } = webhook;
  const last = lastRefusal === null ? '' : ` (the last: ${lastRefusal})`;
  return [
    `webhook    ${listening}: ${accepted} accepted, last ${time(acceptedAt)}; ${refused} refused${last}`,
  ];
}

export function diffText({ to, added, changed, ended, absent, reason }: Diff): string {
  const list = (sign: string, names: readonly string[]): string[] =>
    names.map((name) => `${sign} ${name}`);
  const lines = [
    ...(to === null ? ['nothing waits'] : [`waiting: ${to.slice(0, 12)} (${reason})`]),
    ...[...list('+', added), ...list('~', changed), ...list('-', ended)],
    ...absent.map((name) => `  ${name} is not in the registry any more; it stays until it expires`),
  ];
  return `${lines.join('\n')}\n`;
}
