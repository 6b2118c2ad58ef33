/**
 * Labels that mean something to a lab here: `alamesh.nat` makes a plain host a NAT box of that kind,
 * `alamesh.nat-outside` names its outside interface, `alamesh.nat-mapping-s` says how long its mappings live,
 * `alamesh.peers` names the routers that a router peers with, `alamesh.lan-of` is in lan.ts.
 */
import { nearest } from '../base/suggest.js';
import type { YamlFile } from './document.js';
import { endName, type LabLink, type LabNode, type LinkEnd } from './model.js';
import { isNatKind, MAPPING_SEC_DEFAULT, MAPPING_SEC_MAX, NAT_KINDS, type NatBox } from './nat.js';
import { segmentsOf } from './segments.js';
import { planUnderlay, type Underlay } from './underlay.js';

export const NAT_LABEL = 'alamesh.nat';
const OUTSIDE_LABEL = 'alamesh.nat-outside';
const MAPPING_LABEL = 'alamesh.nat-mapping-s';
const PEERS_LABEL = 'alamesh.peers';
const LABELS = [NAT_LABEL, OUTSIDE_LABEL, MAPPING_LABEL, PEERS_LABEL, 'alamesh.lan-of'];
/** The interface that is outside when no label says so; else it is the last of the file. */
const OUTSIDE_NAME = 'wan';

interface Parts {
  readonly nodes: readonly LabNode[];
  readonly links: readonly LabLink[];
}

/** Fills in what labels ask for: boxes, peers, and the addresses and routes of networks with boxes. */
export function applyLabels(
  yaml: YamlFile,
  { nodes, links }: Parts,
): { nodes: LabNode[]; links: LabLink[] } {
  for (const node of nodes) checkLabels(yaml, node);
  const labelled = nodes.map((node) => ({
    ...node,
    nat: boxOf(yaml, node, links),
    peers: peersOf(yaml, node, nodes),
  }));
  const underlay = plan(yaml, { nodes: labelled, links });
  return {
    nodes: labelled.map((node) => ({ ...node, routes: underlay.routes.get(node.name) ?? [] })),
    links: links.map((link) => ({
      ...link,
      a: addressed(link.a, underlay),
      b: link.b && addressed(link.b, underlay),
    })),
  };
}

function plan(yaml: YamlFile, { nodes, links }: Parts): Underlay {
  try {
    return planUnderlay(segmentsOf(nodes, links));
  } catch (cause) {
    throw yaml.fault({ message: (cause as Error).message, at: ['topology', 'links'] });
  }
}

function addressed(end: LinkEnd, { addresses }: Underlay): LinkEnd {
  const lease = addresses.get(endName(end));
  return lease === undefined ? end : { ...end, lease };
}

const placeOf = (node: LabNode, label: string): string[] => [
  'topology',
  'nodes',
  node.name,
  'labels',
  label,
];

function checkLabels(yaml: YamlFile, node: LabNode): void {
  for (const label of Object.keys(node.labels)) {
    if (!label.startsWith('alamesh.') || LABELS.includes(label)) continue;
    const meant = nearest(label, LABELS);
    const hint = meant === undefined ? `Known: ${LABELS.join(', ')}.` : `Did you mean "${meant}"?`;
    throw yaml.fault({
      message: `unknown label "${label}"`,
      hint,
      at: placeOf(node, label),
      onKey: true,
    });
  }
  if (node.labels[NAT_LABEL] !== undefined) return;
  for (const label of [OUTSIDE_LABEL, MAPPING_LABEL]) {
    if (node.labels[label] === undefined) continue;
    const message = `node "${node.name}" has ${label} and is no NAT box`;
    const hint = `Add "${NAT_LABEL}: KIND" to its labels.`;
    throw yaml.fault({ message, hint, at: placeOf(node, label) });
  }
}

function boxOf(yaml: YamlFile, node: LabNode, links: readonly LabLink[]): NatBox | undefined {
  const kind = node.labels[NAT_LABEL];
  if (kind === undefined) return undefined;
  const at = placeOf(node, NAT_LABEL);
  if (!isNatKind(kind)) {
    const meant = nearest(kind, NAT_KINDS);
    const hint = `${meant === undefined ? '' : `Did you mean "${meant}"? `}Kinds: ${NAT_KINDS.join(', ')}.`;
    throw yaml.fault({ message: `"${kind}" is no kind of NAT`, hint, at });
  }
  if (node.role !== 'nat') {
    const hint = 'A NAT box is a node of its own: kind linux, any image but alamesh’s.';
    throw yaml.fault({ message: `node "${node.name}" cannot be a NAT box`, hint, at });
  }
  const ends = links.flatMap(({ a, b }) => [a, ...(b ? [b] : [])]);
  const mine = ends.filter((end) => end.node === node.name).map(({ iface }) => iface);
  const outside = outsideOf(yaml, node, mine);
  const inside = mine.filter((iface) => iface !== outside);
  return { kind, outside, inside, mappingSec: mappingSecOf(yaml, node) };
}

function outsideOf(yaml: YamlFile, node: LabNode, mine: readonly string[]): string {
  if (mine.length < 2) {
    const hint = 'One link leads inside, one outside.';
    const message = `NAT box "${node.name}" has ${mine.length} links, it needs two or more`;
    throw yaml.fault({ message, hint, at: placeOf(node, NAT_LABEL) });
  }
  const named = node.labels[OUTSIDE_LABEL];
  if (named === undefined) return mine.includes(OUTSIDE_NAME) ? OUTSIDE_NAME : (mine.at(-1) ?? '');
  if (mine.includes(named)) return named;
  const message = `NAT box "${node.name}" has no interface "${named}"`;
  const hint = `Its links end in ${mine.join(', ')}.`;
  throw yaml.fault({ message, hint, at: placeOf(node, OUTSIDE_LABEL) });
}

function mappingSecOf(yaml: YamlFile, node: LabNode): number {
  const text = node.labels[MAPPING_LABEL];
  if (text === undefined) return MAPPING_SEC_DEFAULT;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MAPPING_SEC_MAX) return value;
  const message = `${MAPPING_LABEL}: expected 1 to ${MAPPING_SEC_MAX} seconds, got "${text}"`;
  throw yaml.fault({ message, at: placeOf(node, MAPPING_LABEL) });
}

/** `hub, b`, or `*` for every other router. */
function peersOf(yaml: YamlFile, node: LabNode, nodes: readonly LabNode[]): string[] {
  const text = node.labels[PEERS_LABEL];
  if (text === undefined) return [];
  const at = placeOf(node, PEERS_LABEL);
  if (node.role !== 'router')
    throw yaml.fault({ message: `node "${node.name}" is no router: it has no peers`, at });
  const routers = nodes.filter(({ role, name }) => role === 'router' && name !== node.name);
  const names = routers.map(({ name }) => name);
  if (text.trim() === '*') return names;
  const wanted = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  for (const name of wanted) {
    if (names.includes(name)) continue;
    const meant = nearest(name, names);
    const hint = meant === undefined ? `Routers: ${names.join(', ')}.` : `Did you mean "${meant}"?`;
    throw yaml.fault({
      message: `node "${node.name}": no other router is called "${name}"`,
      hint,
      at,
    });
  }
  return wanted;
}
