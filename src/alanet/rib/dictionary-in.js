import { farEnd, isUp } from '../attest/subjects.js';
/** Longest path in links; longer ones are refused as loops would be. */
export const HOPS_MAX = 64;
export class DictionaryIn {
  #options;
  #records = new Map();
  #steps = new Map();
  constructor(options) {
    this.#options = options;
  }
  get size() {
    return this.#records.size + this.#steps.size;
  }
  /** @returns false when the dictionary is full. */
  setRecord(id, entry) {
    if (!this.#records.has(id) && this.size >= this.#options.limit) return false;
    this.#records.set(id, entry);
    return true;
  }
  record(id) {
    return this.#records.get(id) ?? { ok: false, fault: 'unknown-reference' };
  }
  /** @returns false when the dictionary is full. */
  setStep(step) {
    if (!this.#steps.has(step.id) && this.size >= this.#options.limit) return false;
    this.#steps.set(step.id, this.#check(step));
    return true;
  }
  #check({ parent, link }) {
    const record = this.record(link);
    if (!record.ok) return record;
    if (record.subject.kind !== 'link') return { ok: false, fault: 'broken-path' };
    const before = parent === 0 ? undefined : this.#steps.get(parent);
    if (parent !== 0 && before === undefined) return { ok: false, fault: 'unknown-reference' };
    if (before?.ok === false) return before;
    return this.#extend(before?.step, record.subject.entry);
  }
  #extend(parent, entry) {
    const from = parent?.end ?? this.#options.neighbor;
    const end = farEnd(entry, from);
    if (end === undefined) return { ok: false, fault: 'broken-path' };
    const hops = (parent?.hops ?? 0) + 1;
    if (hops > HOPS_MAX || this.#visits(parent, end)) return { ok: false, fault: 'loop' };
    return { ok: true, step: { parent, entry, end, hops } };
  }
  #visits(step, node) {
    if (node === this.#options.own || node === this.#options.neighbor) return true;
    for (let at = step; at !== undefined; at = at.parent) if (at.end === node) return true;
    return false;
  }
  forget(paths, records) {
    for (const id of paths) this.#steps.delete(id);
    for (const id of records) this.#records.delete(id);
  }
  /**
   * The adjacencies of a path from the neighbor outward, which must end at `origin`. The nodes are the neighbor first.
   */
  path(id, origin) {
    const known = id === 0 ? undefined : this.#steps.get(id);
    if (id !== 0 && known === undefined) return { ok: false, fault: 'unknown-reference' };
    if (known?.ok === false) return known;
    const steps = [];
    const nodes = [];
    for (let at = known?.step; at !== undefined; at = at.parent) {
      if (!isUp(at.entry)) return { ok: false, fault: 'link-down' };
      steps.push(at.entry);
      nodes.push(at.end);
    }
    nodes.push(this.#options.neighbor);
    if (nodes[0] !== origin) {
      return { ok: false, fault: origin === this.#options.own ? 'loop' : 'broken-path' };
    }
    return { ok: true, steps: steps.reverse(), nodes: nodes.reverse() };
  }
}
