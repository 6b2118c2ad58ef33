/** Our ids towards one neighbor: each record and path step is sent once, counted, and freed when no route uses it. */
import { type LinkEntry, nodeKey } from '../attest/subjects.js';

export interface OutRecord {
  readonly id: number;
  readonly key: string;
  /** Digest of the record that the neighbor has under this id. */
  digest: string;
  refs: number;
}

export interface OutPath {
  /** 0: we alone. */
  readonly id: number;
  readonly parent: OutPath | undefined;
  /** The link's record, then those of its two ends: nobody can verify it without their keys. */
  readonly records: readonly OutRecord[];
  readonly name: string;
  refs: number;
}

/** What must be said before a route may refer to it, and what may be forgotten afterwards. */
export interface DictionaryNews {
  readonly records: OutRecord[];
  readonly paths: OutPath[];
  readonly forgetPaths: number[];
  readonly forgetRecords: number[];
}

export class DictionaryOut {
  readonly #records = new Map<string, OutRecord>();
  readonly #paths = new Map<string, OutPath>();
  readonly #self: OutPath = { id: 0, parent: undefined, records: [], name: '', refs: 1 };
  #nextRecord = 1;
  #nextPath = 1;

  record(key: string): OutRecord | undefined {
    return this.#records.get(key);
  }

  /** Takes a reference to a record; a new one goes to `news`, its digest still empty. */
  takeRecord(key: string, news: DictionaryNews): OutRecord {
    let record = this.#records.get(key);
    if (record === undefined) {
      record = { id: this.#nextRecord++, key, digest: '', refs: 0 };
      this.#records.set(key, record);
      news.records.push(record);
    }
    record.refs++;
    return record;
  }

  dropRecord(record: OutRecord, news: DictionaryNews): void {
    if (--record.refs > 0) return;
    this.#records.delete(record.key);
    news.forgetRecords.push(record.id);
  }

  /** Takes a reference to the path along these adjacencies, ours first. */
  takePath(steps: readonly LinkEntry[], news: DictionaryNews): OutPath {
    let at = this.#self;
    for (const entry of steps) at = this.#child(at, entry, news);
    at.refs++;
    return at;
  }

  #child(parent: OutPath, entry: LinkEntry, news: DictionaryNews): OutPath {
    const name = `${parent.id}/${entry.key}`;
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const ends = [nodeKey(entry.a), nodeKey(entry.b)].map((key) => this.takeRecord(key, news));
    const records = [this.takeRecord(entry.key, news), ...ends];
    const path = { id: this.#nextPath++, parent, records, name, refs: 0 };
    parent.refs++;
    this.#paths.set(name, path);
    news.paths.push(path);
    return path;
  }

  dropPath(path: OutPath, news: DictionaryNews): void {
    for (
      let at: OutPath | undefined = path;
      at !== undefined && at !== this.#self;
      at = at.parent
    ) {
      if (--at.refs > 0) return;
      this.#paths.delete(at.name);
      news.forgetPaths.push(at.id);
      for (const record of at.records) this.dropRecord(record, news);
    }
  }
}
