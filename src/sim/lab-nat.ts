/** A lab file's NAT boxes as the simulated internet: the labels `alamesh.nat…` and `alamesh.peers` of docs/labs.md. */
import type { Lab, LabNode, LinkEnd } from '../lab/model.js';
import type { Site } from './internet.js';
import { isNatKind, MAPPING_MSEC, NAT_KINDS, type NatBehaviour } from './nat.js';
import type { InternetPlan } from './topology.js';

const [NAT, OUTSIDE, MAPPING, PEERS] = [
  ...['alamesh.nat', 'alamesh.nat-outside', 'alamesh.nat-mapping-s', 'alamesh.peers'],
] as [string, string, string, string];
const OUTSIDE_NAME = 'wan';

/** Ends that hear each other: a cable's, and all that are plugged into joined switches. */
type Segment = readonly LinkEnd[];

/** @returns undefined for a lab without boxes. @throws Error for boxes that are behind each other in a ring. */
export function internetOfLab(lab: Lab): InternetPlan | undefined {
  const boxes = lab.nodes.filter(({ labels }) => labels[NAT] !== undefined);
  if (boxes.length === 0) return undefined;
  return new Plan(lab, boxes).made;
}

class Plan {
  readonly #segments: readonly Segment[];
  readonly #boxes: readonly LabNode[];
  readonly #routers: readonly LabNode[];
  readonly #placed = new Set<string>();
  readonly #sites: Site[] = [];

  constructor(lab: Lab, boxes: readonly LabNode[]) {
    this.#segments = segmentsOf(lab);
    this.#boxes = boxes;
    this.#routers = lab.nodes.filter(({ role }) => role === 'router');
    const open = this.#segments.filter(
      (segment) => this.#insideOf(segment) === undefined && this.#touchesBox(segment),
    );
    const nodes = open.flatMap((segment) => this.#place(segment));
    this.#sites.push({ name: 'internet', nat: undefined, behind: undefined, nodes });
    for (const segment of open) this.#addBoxes(segment, undefined);
  }

  get made(): InternetPlan {
    return { sites: this.#sites, peers: this.#peers() };
  }

  /** Boxes whose outside is in this segment, and what is behind them. */
  #addBoxes(segment: Segment, behind: string | undefined): void {
    for (const box of this.#boxes) {
      if (!segment.includes(this.#outsideOf(box) as LinkEnd)) continue;
      if (this.#sites.some(({ name }) => name === box.name)) continue;
      const inner = this.#segments.filter((one) => this.#insideOf(one) === box);
      const nodes = inner.flatMap((one) => this.#place(one));
      this.#sites.push({ name: box.name, nat: behaviourOf(box), behind, nodes });
      for (const one of inner) this.#addBoxes(one, box.name);
    }
  }

  /** Routers there that are nowhere yet. */
  #place(segment: Segment): string[] {
    const names = segment.map(({ node }) => node ?? '');
    const found = this.#routers.map(({ name }) => name).filter((name) => names.includes(name));
    const fresh = found.filter((name) => !this.#placed.has(name));
    for (const name of fresh) this.#placed.add(name);
    return fresh;
  }

  #touchesBox(segment: Segment): boolean {
    return segment.some(({ node }) => this.#boxes.some(({ name }) => name === node));
  }

  /** The box that this segment is behind. */
  #insideOf(segment: Segment): LabNode | undefined {
    return this.#boxes.find((box) => {
      const outside = this.#outsideOf(box);
      return segment.some((end) => end.node === box.name && end !== outside);
    });
  }

  #outsideOf(box: LabNode): LinkEnd | undefined {
    const ends = this.#segments.flat().filter(({ node }) => node === box.name);
    const named = box.labels[OUTSIDE] ?? OUTSIDE_NAME;
    return ends.find(({ iface }) => iface === named) ?? ends.at(-1);
  }

  #peers(): [string, string][] {
    const names = this.#routers.map(({ name }) => name);
    const pairs = this.#routers.flatMap(({ name, labels }) => {
      const text = (labels[PEERS] ?? '').trim();
      const wanted = text === '*' ? names : text.split(',').map((one) => one.trim());
      return wanted
        .filter((other) => other !== name && names.includes(other))
        .map((other) => [name, other].sort() as [string, string]);
    });
    return [...new Map(pairs.map((pair) => [pair.join(' '), pair])).values()];
  }
}

/** Undefined: it routes, and translates nothing. */
function behaviourOf({ labels }: LabNode): NatBehaviour | undefined {
  const kind = labels[NAT] ?? '';
  if (!isNatKind(kind)) return undefined;
  const mappingMsec = Number(labels[MAPPING] ?? MAPPING_MSEC / 1000) * 1000;
  return { ...NAT_KINDS[kind], mappingMsec: mappingMsec > 0 ? mappingMsec : MAPPING_MSEC };
}

function segmentsOf({ nodes, links }: Lab): Segment[] {
  const bridges = new Set(nodes.filter(({ role }) => role === 'bridge').map(({ name }) => name));
  const segments: { readonly bridges: Set<string>; readonly ends: LinkEnd[] }[] = [];
  for (const { a, b } of links) {
    const ends = b === undefined ? [a] : [a, b];
    const through = ends.flatMap(({ node }) => (node && bridges.has(node) ? [node] : []));
    const joined = segments.filter((one) => through.some((name) => one.bridges.has(name)));
    for (const one of joined) segments.splice(segments.indexOf(one), 1);
    segments.push({
      bridges: new Set([...joined.flatMap((one) => [...one.bridges]), ...through]),
      ends: [
        ...joined.flatMap((one) => one.ends),
        ...ends.filter(({ node }) => !bridges.has(node ?? '')),
      ],
    });
  }
  return segments.map(({ ends }) => ends);
}
