/**
 * What a neighbor is told: the difference between what it should know and what it was sent, as UPDATEs of bounded size.
 * Withdrawals go at once, announcements are paced by the caller.
 */
import type { Prefix } from '../../base/ip6.js';
import type { BgpUpdate, DictionaryRecord, PathStep, WireRoute } from '../../wire/types.js';
import type { Subjects } from '../attest/subjects.js';
import type { Neighbor } from '../session/neighbor.js';
import type { Route } from '../types.js';
import type { DictionaryNews, OutPath, OutRecord } from './dictionary-out.js';

/** Ours: an UPDATE is closed when it has grown to this; well below LINK_MESSAGE_MAX. */
const UPDATE_BYTES = 12_000;
/** Protobuf's framing around a record, and a route or path step with three u32. */
const RECORD_OVERHEAD_BYTES = 24;
const ITEM_BYTES = 16;

export interface AdjOutParts {
  readonly subjects: Subjects;
  /** What this neighbor should have for a prefix. */
  readonly wanted: (neighbor: Neighbor, prefix: Prefix) => Route | undefined;
}

/** One UPDATE in the making. */
class Draft {
  records: DictionaryRecord[] = [];
  paths: PathStep[] = [];
  routes: WireRoute[] = [];
  withdrawn: number[] = [];
  readonly news: DictionaryNews = { records: [], paths: [], forgetPaths: [], forgetRecords: [] };
  bytes = 0;

  get isEmpty(): boolean {
    return (
      this.bytes === 0 && this.news.forgetPaths.length === 0 && this.news.forgetRecords.length === 0
    );
  }

  finish(flags: { beginOfRib: boolean; endOfRib: boolean }): BgpUpdate {
    const { records, paths, routes, withdrawn, news } = this;
    return {
      ...{ kind: 'update', records, paths, routes, withdrawn, ...flags },
      ...{ forgetPaths: news.forgetPaths, forgetRecords: news.forgetRecords, malformed: [] },
    };
  }
}

/** Newer records under ids that the neighbor knows: DOWN first of all. */
function addRecordNews(parts: AdjOutParts, neighbor: Neighbor, draft: Draft): void {
  for (const key of neighbor.pendingRecords) {
    const known = neighbor.dictionaryOut.record(key);
    if (known === undefined || !addRecord(parts, known, draft)) continue;
    if (parts.subjects.recordOf(key)?.isDown === true) noteDropped(neighbor, known);
  }
  neighbor.pendingRecords.clear();
}

/** Told that a link is down, the neighbor drops all that we said over it: what we still want it to have is said again. */
function noteDropped(neighbor: Neighbor, link: OutRecord): void {
  for (const [prefix, { path }] of neighbor.sent) {
    if (!leadsOver(path, link)) continue;
    neighbor.unsaid.add(prefix);
    neighbor.pending.add(prefix);
  }
}

function leadsOver(path: OutPath, link: OutRecord): boolean {
  for (let at: OutPath | undefined = path; at !== undefined; at = at.parent)
    if (at.records[0] === link) return true;
  return false;
}

/** @returns false when the neighbor has it already. */
function addRecord(parts: AdjOutParts, known: OutRecord, draft: Draft): boolean {
  const current = parts.subjects.recordOf(known.key);
  if (current === undefined || current.digest === known.digest) return false;
  known.digest = current.digest;
  draft.records.push({ id: known.id, record: current.record });
  const { body, signature, countersignature } = current.record;
  draft.bytes += body.length + signature.length + countersignature.length + RECORD_OVERHEAD_BYTES;
  return true;
}

/** Withdrawals and record news; never waits. @returns The message, or undefined when there is nothing to say. */
export function buildWithdrawals(parts: AdjOutParts, neighbor: Neighbor): BgpUpdate[] {
  const updates: BgpUpdate[] = [];
  let draft = new Draft();
  addRecordNews(parts, neighbor, draft);
  for (const prefix of neighbor.pending) {
    const sent = neighbor.sent.get(prefix);
    if (sent === undefined) {
      if (parts.wanted(neighbor, prefix) === undefined) neighbor.pending.delete(prefix);
      continue;
    }
    if (parts.wanted(neighbor, prefix) !== undefined) continue;
    neighbor.pending.delete(prefix);
    withdraw(parts, neighbor, prefix, draft);
    if (draft.bytes >= UPDATE_BYTES) {
      updates.push(draft.finish({ beginOfRib: false, endOfRib: false }));
      draft = new Draft();
    }
  }
  if (!draft.isEmpty) {
    sayUnsaid(neighbor, draft);
    updates.push(draft.finish({ beginOfRib: false, endOfRib: false }));
  }
  return updates;
}

function withdraw(parts: AdjOutParts, neighbor: Neighbor, prefix: Prefix, draft: Draft): void {
  const sent = neighbor.sent.get(prefix);
  if (sent !== undefined && isImplied(parts, sent.path)) neighbor.unsaid.add(prefix);
  else forgetSent(neighbor, prefix, draft);
}

/**
 * The neighbor knows that a link of this path is down, and dropped every route over it when it learned so: a withdrawal
 * would tell it nothing. In a wave of withdrawals that is every second message.
 */
function isImplied({ subjects }: AdjOutParts, path: OutPath): boolean {
  for (let at: OutPath | undefined = path; at?.records[0] !== undefined; at = at.parent) {
    const [link] = at.records;
    const current = subjects.recordOf(link.key);
    if (current?.isDown === true && current.digest === link.digest) return true;
  }
  return false;
}

/** With what is to be said anyway, so that both sides may forget the ids. */
function sayUnsaid(neighbor: Neighbor, draft: Draft): void {
  for (const prefix of [...neighbor.unsaid]) forgetSent(neighbor, prefix, draft);
}

function forgetSent(neighbor: Neighbor, prefix: Prefix, draft: Draft): void {
  const sent = neighbor.sent.get(prefix);
  neighbor.unsaid.delete(prefix);
  if (sent === undefined) return;
  neighbor.sent.delete(prefix);
  draft.withdrawn.push(sent.origin.id);
  draft.bytes += ITEM_BYTES;
  neighbor.dictionaryOut.dropPath(sent.path, draft.news);
  neighbor.dictionaryOut.dropRecord(sent.origin, draft.news);
}

/**
 * One UPDATE of announcements, as many as fit; what is left stays pending.
 * @returns undefined when nothing differs and no End-of-RIB is due.
 */
export function buildAnnouncements(parts: AdjOutParts, neighbor: Neighbor): BgpUpdate | undefined {
  const draft = new Draft();
  addRecordNews(parts, neighbor, draft);
  for (const prefix of neighbor.pending) {
    if (draft.bytes >= UPDATE_BYTES) break;
    neighbor.pending.delete(prefix);
    const route = parts.wanted(neighbor, prefix);
    if (route === undefined) withdraw(parts, neighbor, prefix, draft);
    else announce(parts, neighbor, route, draft);
  }
  const ends = neighbor.dump !== 'none' && neighbor.pending.size === 0;
  if (draft.isEmpty && !ends) return undefined;
  sayUnsaid(neighbor, draft);
  if (ends) neighbor.dump = 'none';
  return draft.finish({ beginOfRib: false, endOfRib: ends });
}

function announce(parts: AdjOutParts, neighbor: Neighbor, route: Route, draft: Draft): void {
  const { dictionaryOut } = neighbor;
  const before = neighbor.sent.get(route.prefix);
  // The path first: a service cannot be verified without the key of its host, where the path ends.
  const path = dictionaryOut.takePath(route.steps, draft.news);
  const origin = dictionaryOut.takeRecord(route.origin, draft.news);
  // New records and steps are said in this message, whoever takes them.
  flushNews(parts, draft);
  const wasDropped = neighbor.unsaid.delete(route.prefix);
  const isKept = neighbor.dump !== 'refresh' && !wasDropped;
  const same = before?.origin === origin && before.path === path && isKept;
  if (before !== undefined) {
    dictionaryOut.dropPath(before.path, draft.news);
    dictionaryOut.dropRecord(before.origin, draft.news);
  }
  neighbor.sent.set(route.prefix, { origin, path });
  if (same) return;
  draft.routes.push({ origin: origin.id, path: path.id, communities: route.communities });
  draft.bytes += ITEM_BYTES + 9 * route.communities.length;
}

function flushNews(parts: AdjOutParts, draft: Draft): void {
  const { news } = draft;
  for (const record of news.records) addRecord(parts, record, draft);
  for (const { id, parent, records } of news.paths) {
    draft.paths.push({ id, parent: parent?.id ?? 0, link: records[0]?.id ?? 0 });
    draft.bytes += ITEM_BYTES;
  }
  news.records.length = 0;
  news.paths.length = 0;
}
