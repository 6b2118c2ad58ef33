/** Links of a topology, brief and extended, as cables between node interfaces. */
import { nearest } from '../base/suggest.js';
import type { YamlFile } from './document.js';
import { endName, type LabLink, type LabNode, type LinkEnd, MTU_DEFAULT } from './model.js';
import {
  type BriefLink,
  briefLink,
  dummyLink,
  type Endpoint,
  hostLink,
  LINKS_HERE,
  LINKS_REFUSED,
  mgmtLink,
  vethLink,
} from './schema.js';

interface Context {
  readonly yaml: YamlFile;
  readonly nodes: ReadonlyMap<string, LabNode>;
  readonly notes: string[];
  /** Interfaces already taken: `node:iface`. */
  readonly taken: Set<string>;
}
type Path = readonly (string | number)[];

/** Names before the colon of a brief endpoint that are no nodes. */
const SPECIAL_ENDS = ['host', 'mgmt-net', 'macvlan', 'vxlan', 'vxlan-stitch', 'dummy'];

export function resolveLinks(
  yaml: YamlFile,
  links: readonly unknown[],
  nodes: readonly LabNode[],
  notes: string[],
): LabLink[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const context: Context = { yaml, nodes: byName, notes, taken: new Set() };
  return links.flatMap((link, i) => {
    const at = ['topology', 'links', i];
    const made = resolveLink(context, link as Record<string, unknown>, at);
    return made === undefined ? [] : [claim(context, made, at)];
  });
}

function resolveLink(
  context: Context,
  link: Record<string, unknown>,
  at: Path,
): LabLink | undefined {
  const { yaml, notes } = context;
  switch (link.type) {
    case undefined:
      return brief(context, yaml.check(briefLink, link, at), at);
    case 'veth': {
      const { endpoints, mtu, ipv4, ipv6 } = yaml.check(vethLink, link, at);
      const [a, b] = endpoints.map((end, i) =>
        endOf(
          end,
          [ipv4?.[i], ipv6?.[i]].filter((text) => text !== undefined),
        ),
      );
      return a && { a, b, mtu: mtu ?? MTU_DEFAULT };
    }
    case 'host': {
      const { endpoint, mtu, 'host-interface': iface } = yaml.check(hostLink, link, at);
      return { a: endOf(endpoint), b: hostEnd(iface), mtu: mtu ?? MTU_DEFAULT };
    }
    case 'dummy': {
      const { endpoint, mtu } = yaml.check(dummyLink, link, at);
      return { a: endOf(endpoint), b: undefined, mtu: mtu ?? MTU_DEFAULT };
    }
    case 'mgmt-net': {
      const { endpoint } = yaml.check(mgmtLink, link, at);
      notes.push(
        `${endpoint.node}:${endpoint.interface}: there is no management network, left out`,
      );
      return undefined;
    }
    default:
      throw refusedLink(yaml, link.type, [...at, 'type']);
  }
}

function refusedLink(yaml: YamlFile, type: unknown, at: Path): Error {
  const hint = `Links that can be made here: brief "endpoints: [a:eth1, b:eth1]", ${LINKS_HERE.join(', ')}.`;
  const known = (LINKS_REFUSED as readonly unknown[]).includes(type);
  const message = known ? `a ${type} link cannot be made here` : `"${type}" is no link type`;
  return yaml.fault({ message, hint, at });
}

const hostEnd = (iface: string): LinkEnd => ({
  node: undefined,
  iface,
  mac: undefined,
  addresses: [],
});

function endOf(end: Endpoint, more: readonly string[] = []): LinkEnd {
  const own = [end.ipv4, end.ipv6].filter((text) => text !== undefined);
  const addresses = [...own, ...more].filter((text) => text !== '');
  return { node: end.node, iface: end.interface, mac: end.mac, addresses };
}

function brief(context: Context, link: BriefLink, at: Path): LabLink | undefined {
  const ends = link.endpoints.map((text, i): LinkEnd => {
    const [node = '', iface = ''] = text.split(':');
    if (iface.length > 15) {
      const message = `"${iface}" is longer than the 15 bytes of an interface name`;
      throw context.yaml.fault({ message, at: [...at, 'endpoints', i] });
    }
    const addresses = [link.ipv4?.[i], link.ipv6?.[i]].filter(
      (one) => one !== undefined && one !== '',
    );
    const host = node === 'host' && !context.nodes.has('host');
    return {
      node: host ? undefined : node,
      iface,
      mac: undefined,
      addresses: addresses as string[],
    };
  });
  const special = ends.find(
    ({ node }) => node !== undefined && SPECIAL_ENDS.includes(node) && !context.nodes.has(node),
  );
  if (special?.node === 'mgmt-net') {
    context.notes.push(`${link.endpoints.join(' – ')}: there is no management network, left out`);
    return undefined;
  }
  if (special !== undefined) throw refusedLink(context.yaml, special.node, [...at, 'endpoints']);
  const [a, b] = ends;
  if (a === undefined || b === undefined) return undefined;
  const mtu = link.mtu ?? MTU_DEFAULT;
  return a.node === undefined ? { a: b, b: a, mtu } : { a, b, mtu };
}

/** Checks that a link's nodes exist and its interfaces are free, and takes them. */
function claim(context: Context, link: LabLink, at: Path): LabLink {
  const { yaml, nodes, taken } = context;
  for (const end of [link.a, link.b]) {
    if (end === undefined) continue;
    const node = end.node === undefined ? undefined : nodes.get(end.node);
    if (end.node !== undefined && node === undefined) {
      const meant = nearest(end.node, nodes.keys());
      const hint = meant === undefined ? '' : `Did you mean "${meant}"?`;
      throw yaml.fault({ message: `link to unknown node "${end.node}"`, hint, at });
    }
    if (node?.role === 'machine') {
      const hint = 'Use "host:IFACE" to put one end of a link on the machine.';
      const message = `node "${node.name}" shares the machine's network: it has no links of its own`;
      throw yaml.fault({ message, hint, at });
    }
    const name = endName(end);
    if (taken.has(name)) throw yaml.fault({ message: `${name} is used by two links`, at });
    taken.add(name);
  }
  return link;
}
