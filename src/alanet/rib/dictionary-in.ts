/** What a neighbor's ids mean: its dictionary of records and path steps, every step checked when it comes. */
import type { NodeId } from '../../base/ip6.js';
import type { PathStep } from '../../wire/types.js';
import { farEnd, isUp, type LinkEntry, type Subject } from '../attest/subjects.js';
import type { RouteFault } from '../types.js';

/** Longest path in links; longer ones are refused as loops would be. */
export const HOPS_MAX = 64;

export type Entry =
  | { readonly ok: true; readonly subject: Subject }
  | { readonly ok: false; readonly fault: RouteFault };

interface Step {
  readonly parent: Step | undefined;
  readonly entry: LinkEntry;
  readonly end: NodeId;
  readonly hops: number;
}

type KnownStep =
  | { readonly ok: true; readonly step: Step }
  | { readonly ok: false; readonly fault: RouteFault };

export type ResolvedPath =
  | { readonly ok: true; readonly steps: readonly LinkEntry[]; readonly nodes: readonly NodeId[] }
  | { readonly ok: false; readonly fault: RouteFault };

export interface DictionaryInOptions {
  readonly neighbor: NodeId;
  readonly own: NodeId;
  readonly limit: number;
}

export class DictionaryIn {
  readonly #options: DictionaryInOptions;
  readonly #records = new Map<number, Entry>();
  readonly #steps = new Map<number, KnownStep>();

  constructor(options: DictionaryInOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#records.size + this.#steps.size;
  }

  /** @returns false when the dictionary is full. */
  setRecord(id: number, entry: Entry): boolean {
    if (!this.#records.has(id) && this.size >= this.#options.limit) return false;
    this.#records.set(id, entry);
    return true;
  }

  record(id: number): Entry {
    return this.#records.get(id) ?? { ok: false, fault: 'unknown-reference' };
  }

  /** @returns false when the dictionary is full. */
  setStep(step: PathStep): boolean {
    if (!this.#steps.has(step.id) && this.size >= this.#options.limit) return false;
    this.#steps.set(step.id, this.#check(step));
    return true;
  }

  #check({ parent, link }: PathStep): KnownStep {
    const record = this.record(link);
    if (!record.ok) return record;
    if (record.subject.kind !== 'link') return { ok: false, fault: 'broken-path' };
    const before = parent === 0 ? undefined : this.#steps.get(parent);
    if (parent !== 0 && before === undefined) return { ok: false, fault: 'unknown-reference' };
    if (before?.ok === false) return before;
    return this.#extend(before?.step, record.subject.entry);
  }

  #extend(parent: Step | undefined, entry: LinkEntry): KnownStep {
    const from = parent?.end ?? this.#options.neighbor;
    const end = farEnd(entry, from);
    if (end === undefined) return { ok: false, fault: 'broken-path' };
    const hops = (parent?.hops ?? 0) + 1;
    if (hops > HOPS_MAX || this.#visits(parent, end)) return { ok: false, fault: 'loop' };
    return { ok: true, step: { parent, entry, end, hops } };
  }

  #visits(step: Step | undefined, node: NodeId): boolean {
    if (node === this.#options.own || node === this.#options.neighbor) return true;
    for (let at = step; at !== undefined; at = at.parent) if (at.end === node) return true;
    return false;
  }

  forget(paths: readonly number[], records: readonly number[]): void {
    for (const id of paths) this.#steps.delete(id);
    for (const id of records) this.#records.delete(id);
  }

  /**
   * The adjacencies of a path from the neighbor outward, which must end at `origin`. The nodes are the neighbor first.
   */
  path(id: number, origin: NodeId): ResolvedPath {
    const known = id === 0 ? undefined : this.#steps.get(id);
    if (id !== 0 && known === undefined) return { ok: false, fault: 'unknown-reference' };
    if (known?.ok === false) return known;
    const steps: LinkEntry[] = [];
    const nodes: NodeId[] = [];
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
