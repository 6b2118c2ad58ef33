/** Which interfaces of a lab hear each other: cables, and bridges with all that is plugged into them. */
import { endName, type LabLink, type LabNode, type LinkEnd } from './model.js';

export interface Port {
  readonly node: LabNode;
  readonly end: LinkEnd;
}

/** @returns Every segment's ports, without the bridges' own; in the order of the file. */
export function segmentsOf(nodes: readonly LabNode[], links: readonly LabLink[]): Port[][] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const segments = new Map<string, Port[]>();
  const joined = new Joined();
  for (const { a, b } of links) if (b !== undefined) joined.join(place(a), place(b));
  function place(end: LinkEnd): string {
    const node = end.node === undefined ? undefined : byName.get(end.node);
    return node?.role === 'bridge' ? `bridge ${node.name}` : endName(end);
  }
  for (const end of links.flatMap(({ a, b }) => [a, ...(b ? [b] : [])])) {
    const node = end.node === undefined ? undefined : byName.get(end.node);
    if (node === undefined || node.role === 'bridge') continue;
    const root = joined.rootOf(place(end));
    segments.set(root, [...(segments.get(root) ?? []), { node, end }]);
  }
  return [...segments.values()];
}

/** Disjoint sets of names. */
class Joined {
  readonly #parent = new Map<string, string>();

  rootOf(name: string): string {
    let root = name;
    for (let up = this.#parent.get(root); up !== undefined; up = this.#parent.get(root)) root = up;
    return root;
  }

  join(a: string, b: string): void {
    const [one, other] = [this.rootOf(a), this.rootOf(b)];
    if (one !== other) this.#parent.set(other, one);
  }
}
