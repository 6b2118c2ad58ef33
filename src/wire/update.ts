/**
 * UPDATE, the one message that must survive bad parts (RFC 7606). First the quick way: the generated decoder for the
 * whole, then each item checked. Where the generated decoder refuses, the slow way: item by item, without the broken.
 */
import { concat } from '../base/bytes.js';
import type { Parsed } from '../base/result.js';
import { alamesh } from './gen/schema.js';
import type { alamesh as Types } from './gen/schema-types.js';
import {
  COMMUNITIES_MAX,
  MESSAGE_BYTES_MAX,
  UPDATE_IDS_MAX,
  UPDATE_PATHS_MAX,
  UPDATE_RECORDS_MAX,
  UPDATE_ROUTES_MAX,
} from './limits.js';
import { signedFromWire, signedToWire } from './record.js';
import { attempt, bigInteger, bounded, Malformed, readerOf, reasonOf, wide } from './scalar.js';
import type { BgpUpdate, DictionaryRecord, MalformedItem, PathStep, WireRoute } from './types.js';

const { v1 } = alamesh;
type What = MalformedItem['what'];
const NO_COMMUNITIES: readonly bigint[] = [];

export function updateToWire(update: BgpUpdate): Types.v1.Update {
  return {
    records: update.records.map(({ id, record }) => ({ id, record: signedToWire(record) })),
    paths: [...update.paths],
    routes: update.routes.map(routeToWire),
    withdrawn: [...update.withdrawn],
    endOfRib: update.endOfRib,
    beginOfRib: update.beginOfRib,
    forgetPaths: [...update.forgetPaths],
    forgetRecords: [...update.forgetRecords],
  };
}

function routeToWire({ origin, path, communities }: WireRoute): Types.v1.Route {
  return { origin, path, communities: communities.map(wide) };
}

/** @throws Malformed, for the caller to catch, when a list is too long. */
export function updateFromWire(
  wire: Types.v1.Update,
  broken: readonly MalformedItem[] = [],
): BgpUpdate {
  const malformed = [...broken];
  const sieve = <T extends object, Ours>(
    what: What,
    list: readonly T[],
    convert: (item: T) => Ours,
  ): Ours[] => {
    const kept: Ours[] = [];
    for (const item of list) {
      try {
        kept.push(convert(item));
      } catch (error) {
        malformed.push({ what, id: idOf(item), error: reasonOf(error) });
      }
    }
    return kept;
  };
  return {
    kind: 'update',
    records: sieve('record', bounded(wire.records, UPDATE_RECORDS_MAX, 'records'), recordFromWire),
    paths: sieve('path', bounded(wire.paths, UPDATE_PATHS_MAX, 'paths'), stepFromWire),
    routes: sieve('route', bounded(wire.routes, UPDATE_ROUTES_MAX, 'routes'), routeFromWire),
    withdrawn: bounded(wire.withdrawn, UPDATE_IDS_MAX, 'withdrawn'),
    beginOfRib: wire.beginOfRib,
    endOfRib: wire.endOfRib,
    forgetPaths: bounded(wire.forgetPaths, UPDATE_IDS_MAX, 'forgotten paths'),
    forgetRecords: bounded(wire.forgetRecords, UPDATE_IDS_MAX, 'forgotten records'),
    malformed,
  };
}

function recordFromWire(wire: Types.v1.DictionaryRecord): DictionaryRecord {
  return { id: positive(wire.id, 'record id'), record: signedFromWire(wire.record) };
}

function stepFromWire(wire: Types.v1.PathStep): PathStep {
  const { id, parent, link } = wire;
  return { id: positive(id, 'path id'), parent, link: positive(link, 'link') };
}

function routeFromWire(wire: Types.v1.Route): WireRoute {
  const origin = positive(wire.origin, 'origin');
  const list = bounded(wire.communities, COMMUNITIES_MAX, 'communities');
  const communities =
    list.length === 0 ? NO_COMMUNITIES : list.map((c) => bigInteger(c, 'community'));
  return { origin, path: wire.path, communities };
}

function positive(id: number, what: string): number {
  if (id === 0) throw new Malformed(`${what} is 0`);
  return id;
}

/** What the item is about: a route's origin, else its id. */
function idOf(item: object): number {
  if ('origin' in item && typeof item.origin === 'number') return item.origin;
  return 'id' in item && typeof item.id === 'number' ? item.id : 0;
}

const UPDATE_TAG = (3 << 3) | 2;
const ITEM_TAGS: ReadonlyMap<number, What> = new Map([
  [(1 << 3) | 2, 'record'],
  [(2 << 3) | 2, 'path'],
  [(3 << 3) | 2, 'route'],
]);
const ITEM_DECODERS = {
  record: v1.DictionaryRecord.decode,
  path: v1.PathStep.decode,
  route: v1.Route.decode,
} as const;

/**
 * @param bytes A BgpMessage that the generated decoder refused.
 * @returns The UPDATE without its undecodable items, or undefined where that is not what is wrong with it.
 */
export function decodeBrokenUpdate(bytes: Uint8Array): Parsed<BgpUpdate> | undefined {
  if (bytes.length > MESSAGE_BYTES_MAX) return undefined;
  const update = attempt(() => {
    const body = updateBody(bytes);
    if (body === undefined) throw new Malformed('not one UPDATE');
    const { kept, broken } = dropBroken(body);
    return updateFromWire(v1.Update.decode(readerOf(kept)), broken);
  });
  return update.ok ? update : undefined;
}

/** The bytes of the only field, if that is an UPDATE. */
function updateBody(bytes: Uint8Array): Uint8Array | undefined {
  const reader = readerOf(bytes);
  if (reader.tag() !== UPDATE_TAG) return undefined;
  const size = reader.size();
  return reader.pos + size === bytes.length ? bytes.subarray(reader.pos) : undefined;
}

function dropBroken(body: Uint8Array): { kept: Uint8Array; broken: MalformedItem[] } {
  const kept: Uint8Array[] = [];
  const broken: MalformedItem[] = [];
  const reader = readerOf(body);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const tag = reader.tag();
    reader.skipType(tag & 7, 0, tag >>> 3);
    const what = ITEM_TAGS.get(tag);
    const fault = what && brokenItem(what, body.subarray(start, reader.pos));
    if (fault === undefined) kept.push(body.subarray(start, reader.pos));
    else broken.push(fault);
  }
  return { kept: concat(...kept), broken };
}

function brokenItem(what: What, field: Uint8Array): MalformedItem | undefined {
  const reader = readerOf(field);
  reader.tag();
  const size = reader.size();
  const at = reader.pos;
  const item = attempt<unknown>(() => ITEM_DECODERS[what](reader, size));
  if (item.ok) return undefined;
  const id = attempt(() => firstVarint(field.subarray(at)));
  return { what, id: id.ok ? id.value : 0, error: item.error };
}

/** Field 1, which every item begins with: its id, or a route's origin. */
function firstVarint(item: Uint8Array): number {
  const reader = readerOf(item);
  return reader.tag() === 1 << 3 ? reader.uint32() : 0;
}
