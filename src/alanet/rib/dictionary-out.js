/** Our ids towards one neighbor: each record and path step is sent once, counted, and freed when no route uses it. */
import { nodeKey } from '../attest/subjects.js';
export class DictionaryOut {
  #records = new Map();
  #paths = new Map();
  #self = { id: 0, parent: undefined, records: [], name: '', refs: 1 };
  #nextRecord = 1;
  #nextPath = 1;
  record(key) {
    return this.#records.get(key);
  }
  /** Takes a reference to a record; a new one goes to `news`, its digest still empty. */
  takeRecord(key, news) {
    let record = this.#records.get(key);
    if (record === undefined) {
      record = { id: this.#nextRecord++, key, digest: '', refs: 0 };
      this.#records.set(key, record);
      news.records.push(record);
    }
    record.refs++;
    return record;
  }
  dropRecord(record, news) {
    if (--record.refs > 0) return;
    this.#records.delete(record.key);
    news.forgetRecords.push(record.id);
  }
  /** Takes a reference to the path along these adjacencies, ours first. */
  takePath(steps, news) {
    let at = this.#self;
    for (const entry of steps) at = this.#child(at, entry, news);
    at.refs++;
    return at;
  }
  #child(parent, entry, news) {
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
  dropPath(path, news) {
    for (let at = path; at !== undefined && at !== this.#self; at = at.parent) {
      if (--at.refs > 0) return;
      this.#paths.delete(at.name);
      news.forgetPaths.push(at.id);
      for (const record of at.records) this.dropRecord(record, news);
    }
  }
}
