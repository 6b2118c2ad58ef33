/** What a neighbor's ids mean: its dictionary of records and path steps, every step checked when it comes. */
import type { NodeId } from '../../base/ip6.js';
import type { PathStep } from '../../wire/types.js';
import { farEnd, isUp, type LinkEntry, type Subject } from '../attest/subjects.js';
import type { RouteFault } from '../types.js';

/** Longest path in links; longer ones are refused as loops would be. */
export const HOPS_MAX = 64;

export type Entry =
  | { readonly ok: true; readonly subject: Subject }
  | {
      readonly ok: false;
      readonly fault: RouteFault;
      /** What the id meant before, if it meant something: whatever refers to it is about that. */
      readonly subject?: Subject | undefined;
    };

interface Step {
  readonly parent: Step | undefined;
  readonly entry: LinkEntry;
  readonly end: NodeId;
  readonly hops: number;
}

type KnownStep =
  | { readonly ok: true; readonly step: Step }
  /** With what was said: a record that it needs may yet be said anew. */
  | { readonly ok: false; readonly fault: RouteFault; readonly said: PathStep };

export type ResolvedPath =
  | { readonly ok: true; readonly steps: readonly LinkEntry[]; readonly nodes: readonly NodeId[] }
  /** `down`: the link that is not up. */
  | { readonly ok: false; readonly fault: RouteFault; readonly down?: LinkEntry };

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
    const before = this.#records.get(id);
    if (before === undefined && this.size >= this.#options.limit) return false;
    this.#records.set(id, entry.ok ? entry : { ...entry, subject: before?.subject });
    return true;
  }

  /** Everything that an id names. */
  *subjects(): IterableIterator<Subject> {
    for (const entry of this.#records.values()) if (entry.ok) yield entry.subject;
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

  #check(said: PathStep): KnownStep {
    const record = this.record(said.link);
    if (!record.ok) return { ok: false, fault: record.fault, said };
    if (record.subject.kind !== 'link') return { ok: false, fault: 'broken-path', said };
    const before = said.parent === 0 ? undefined : this.#steps.get(said.parent);
    if (said.parent !== 0 && before === undefined)
      return { ok: false, fault: 'unknown-reference', said };
    if (before?.ok === false) return { ok: false, fault: before.fault, said };
    const step = this.#extend(before?.step, record.subject.entry);
    return typeof step === 'string' ? { ok: false, fault: step, said } : { ok: true, step };
  }

  #extend(parent: Step | undefined, entry: LinkEntry): Step | RouteFault {
    const from = parent?.end ?? this.#options.neighbor;
    const end = farEnd(entry, from);
    if (end === undefined) return 'broken-path';
    const hops = (parent?.hops ?? 0) + 1;
    if (hops > HOPS_MAX || this.#visits(parent, end)) return 'loop';
    return { parent, entry, end, hops };
  }

  /** A step that was refused is looked at again, with those that it extends: their records may be good by now. */
  #resolve(id: number): KnownStep | undefined {
    const chain: number[] = [];
    let at = this.#steps.get(id);
    for (let next = id; at?.ok === false && chain.length < HOPS_MAX; at = this.#steps.get(next)) {
      chain.push(next);
      next = at.said.parent;
    }
    for (const one of chain.reverse()) {
      const known = this.#steps.get(one);
      if (known?.ok === false) this.#steps.set(one, this.#check(known.said));
    }
    return this.#steps.get(id);
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
    const known = id === 0 ? undefined : this.#resolve(id);
    if (id !== 0 && known === undefined) return { ok: false, fault: 'unknown-reference' };
    if (known?.ok === false) return { ok: false, fault: known.fault };
    const steps: LinkEntry[] = [];
    const nodes: NodeId[] = [];
    for (let at = known?.step; at !== undefined; at = at.parent) {
      if (!isUp(at.entry)) return { ok: false, fault: notUp(at.entry), down: at.entry };
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

/** Without a record in force since our start, what the neighbor showed is older than one that we saw before it. */
const notUp = ({ up, down }: LinkEntry): RouteFault =>
  up === undefined && down === undefined ? 'replayed' : 'link-down';
