/**
 * UPDATEs that fit a message. Within one the receiver takes begin of RIB, records, paths, routes, withdrawals, what to
 * forget and End-of-RIB in this order (docs/protocol.md §Dictionary), so cutting the sequence anywhere keeps its meaning.
 */
import type { BgpUpdate, DictionaryRecord, PathStep, WireRoute } from '../../wire/types.js';

/** Ours: half of LINK_MESSAGE_MAX. By the sizes below every list then stays under its limit in `wire` too. */
const PART_BYTES = 32_768;
/** Upper bounds of what protobuf puts around an item, with ids of five bytes. */
const RECORD_BYTES = 24;
const PATH_BYTES = 20;
const ROUTE_BYTES = 20;
const COMMUNITY_BYTES = 8;
const ID_BYTES = 6;

interface Part {
  readonly records: DictionaryRecord[];
  readonly paths: PathStep[];
  readonly routes: WireRoute[];
  readonly withdrawn: number[];
  readonly forgetPaths: number[];
  readonly forgetRecords: number[];
}

const recordBytes = ({ record }: DictionaryRecord): number =>
  RECORD_BYTES + record.body.length + record.signature.length + record.countersignature.length;
const routeBytes = ({ communities }: WireRoute): number =>
  ROUTE_BYTES + COMMUNITY_BYTES * communities.length;

const newPart = (): Part => ({
  ...{ records: [], paths: [], routes: [], withdrawn: [], forgetPaths: [], forgetRecords: [] },
});

class Splitter {
  readonly parts: Part[] = [];
  #part = this.#next();
  #bytes = 0;

  #next(): Part {
    const part = newPart();
    this.parts.push(part);
    return part;
  }

  add<Item>(
    items: readonly Item[],
    sizeOf: (item: Item) => number,
    listOf: (part: Part) => Item[],
  ): void {
    for (const item of items) {
      const bytes = sizeOf(item);
      if (this.#bytes + bytes > PART_BYTES) {
        this.#part = this.#next();
        this.#bytes = 0;
      }
      this.#bytes += bytes;
      listOf(this.#part).push(item);
    }
  }
}

/** @returns The same said in one or more UPDATEs, each well below LINK_MESSAGE_MAX once encoded; in order. */
export function splitUpdate(update: BgpUpdate): BgpUpdate[] {
  const splitter = new Splitter();
  splitter.add(update.records, recordBytes, (part) => part.records);
  splitter.add(
    update.paths,
    () => PATH_BYTES,
    (part) => part.paths,
  );
  splitter.add(update.routes, routeBytes, (part) => part.routes);
  splitter.add(
    update.withdrawn,
    () => ID_BYTES,
    (part) => part.withdrawn,
  );
  splitter.add(
    update.forgetPaths,
    () => ID_BYTES,
    (part) => part.forgetPaths,
  );
  splitter.add(
    update.forgetRecords,
    () => ID_BYTES,
    (part) => part.forgetRecords,
  );
  const { parts } = splitter;
  return parts.map((part, i) => ({
    ...{ kind: 'update', ...part, malformed: [] },
    beginOfRib: update.beginOfRib && i === 0,
    endOfRib: update.endOfRib && i === parts.length - 1,
  }));
}
