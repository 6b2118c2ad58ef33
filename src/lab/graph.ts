/** Draws a lab with the state of its links: as SVG, and as text. */
import { conditionText, type LabView, type LinkView, type NodeView } from './inspect.js';
import { layOut, type Point } from './layout.js';

const MARGIN = 90;
const RADIUS = 30;
const PORT_DISTANCE = 52;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2933; text-anchor: middle; }
  .title { font-size: 16px; font-weight: 600; text-anchor: start; }
  .small { font-size: 9px; fill: #52606d; }
  .node { stroke: #1f2933; stroke-width: 1.5; fill: #d9e8f6; }
  .node.host { fill: #f3f0e7; } .node.bridge { fill: #e5e7eb; } .node.machine { fill: #fff; }
  .node.stopped, .node.missing { fill: #f8d7da; } .node.undeployed { stroke-dasharray: 4 3; }
  .link { stroke-width: 2.5; stroke: #2f855a; }
  .link.down { stroke: #c53030; stroke-dasharray: 7 5; }
  .link.unknown { stroke: #9aa5b1; } .link.impaired { stroke: #b7791f; }
  .label { paint-order: stroke; stroke: #fff; stroke-width: 4px; }`;

/** @returns A whole SVG document. */
export function drawSvg(view: LabView): string {
  const names = drawnNodes(view);
  const { places, side } = placeNodes(names, view.links);
  const at = (name: string): Point => places.get(name) ?? { x: 0, y: 0 };
  const links = view.links.map((link, i) => drawLink(link, at, bend(view.links, i)));
  const nodes = names.map((name) => {
    const node = view.nodes.find((one) => one.name === name);
    return drawNode(name, node, at(name));
  });
  const count = `${view.nodes.length} nodes, ${view.links.length} links`;
  const words = `${xmlText(view.name)}: ${count}`;
  const title = `<text class="title" x="20" y="30">${words}</text>`;
  const box = `width="${side}" height="${side}" viewBox="0 0 ${side} ${side}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${box}>`,
    `<title>${words}</title>`,
    `<style>${STYLE}</style>`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    title,
    ...links,
    ...nodes,
    '</svg>',
    '',
  ].join('\n');
}

/** All nodes, and the machine where a link ends on it. */
function drawnNodes({ nodes, links }: LabView): string[] {
  const ends = links.flatMap(({ a, b }) => [nodeName(a), ...(b === null ? [] : [nodeName(b)])]);
  return [...new Set([...nodes.map((node) => node.name), ...ends])];
}

const nodeName = (end: string): string => end.slice(0, end.lastIndexOf(':'));
const portName = (end: string): string => end.slice(end.lastIndexOf(':') + 1);

function placeNodes(
  names: readonly string[],
  links: readonly LinkView[],
): { places: Map<string, Point>; side: number } {
  const index = new Map(names.map((name, i) => [name, i]));
  const pairs = links.flatMap(({ a, b }): [number, number][] => {
    const [from, to] = [index.get(nodeName(a)), b === null ? undefined : index.get(nodeName(b))];
    return from === undefined || to === undefined ? [] : [[from, to]];
  });
  const side = Math.round(360 + 110 * Math.sqrt(names.length));
  const room = side - 2 * MARGIN;
  const points = layOut(names.length, pairs);
  const places = names.map((name, i): [string, Point] => {
    const { x, y } = points[i] ?? { x: 0, y: 0 };
    return [name, { x: MARGIN + x * room, y: MARGIN + y * room }];
  });
  return { places: new Map(places), side };
}

/** How far a link bows out, so that several between the same nodes stay apart. */
function bend(links: readonly LinkView[], i: number): number {
  const key = ({ a, b }: LinkView): string =>
    [nodeName(a), b === null ? '' : nodeName(b)].sort().join(' ');
  const link = links[i];
  const same = links.filter((other) => link !== undefined && key(other) === key(link));
  return link === undefined ? 0 : (same.indexOf(link) - (same.length - 1) / 2) * 36;
}

function drawLink(link: LinkView, at: (name: string) => Point, bow: number): string {
  const from = at(nodeName(link.a));
  if (link.b === null) return drawStub(link, from);
  const to = at(nodeName(link.b));
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const along = { x: (to.x - from.x) / length, y: (to.y - from.y) / length };
  const middle = {
    x: (from.x + to.x) / 2 - along.y * bow,
    y: (from.y + to.y) / 2 + along.x * bow,
  };
  const impaired = Object.keys(link.impairment).length > 0 && link.state === 'up';
  const kind = impaired ? 'impaired' : link.state;
  const path = `M${xy(from)} Q${xy({ x: 2 * middle.x - (from.x + to.x) / 2, y: 2 * middle.y - (from.y + to.y) / 2 })} ${xy(to)}`;
  const near = (end: Point, sign: number): Point => ({
    x: end.x + sign * along.x * PORT_DISTANCE - along.y * (bow * 0.6 + 9),
    y: end.y + sign * along.y * PORT_DISTANCE + along.x * (bow * 0.6 + 9) + 3,
  });
  const said = link.state === 'up' && !impaired ? '' : conditionText(link);
  return [
    `<path class="link ${kind}" fill="none" d="${path}"><title>${xmlText(`${link.a} ${link.b} ${conditionText(link)}`)}</title></path>`,
    label(portName(link.a), near(from, 1)),
    label(portName(link.b), near(to, -1)),
    said === '' || link.state === 'unknown' ? '' : label(said, { x: middle.x, y: middle.y + 4 }),
  ].join('');
}

/** A dummy interface: a short line to nowhere. */
function drawStub(link: LinkView, from: Point): string {
  const to = { x: from.x + 52, y: from.y + 26 };
  const line = `<path class="link ${link.state}" d="M${xy(from)} L${xy(to)}"/>`;
  return line + label(portName(link.a), { x: to.x + 8, y: to.y + 12 });
}

const xy = ({ x, y }: Point): string => `${x.toFixed(1)},${y.toFixed(1)}`;

const label = (text: string, { x, y }: Point): string =>
  `<text class="small label" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${xmlText(text)}</text>`;

function drawNode(name: string, node: NodeView | undefined, { x, y }: Point): string {
  const kind = `${node?.role ?? 'machine'} ${node?.state ?? ''}`.trim();
  const [cx, cy] = [x.toFixed(1), y.toFixed(1)];
  const shape =
    node?.role === 'router'
      ? `<circle class="node ${kind}" cx="${cx}" cy="${cy}" r="${RADIUS}"/>`
      : `<rect class="node ${kind}" x="${(x - RADIUS).toFixed(1)}" y="${(y - RADIUS * 0.7).toFixed(1)}" width="${RADIUS * 2}" height="${RADIUS * 1.4}" rx="5"/>`;
  const address = node?.address ?? node?.lanAddress ?? '';
  const up = address === '' ? 4 : 0; // the address goes below the name
  const text = `<text x="${cx}" y="${(y + up).toFixed(1)}">${xmlText(name)}</text>`;
  const small = `<text class="small" x="${cx}" y="${(y + 13).toFixed(1)}">`;
  const below = address === '' ? '' : `${small}${xmlText(shortAddress(address))}</text>`;
  return `<g><title>${xmlText(`${name} ${address}`)}</title>${shape}${text}${below}</g>`;
}

/** `fd5c:…:9a1f` */
export function shortAddress(address: string): string {
  const groups = address.split(':');
  return groups.length < 4 ? address : `${groups[0]}:…:${groups.at(-1)}`;
}

const xmlText = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0)};`);

/** One paragraph a node: its links, with the far end and the state. */
export function drawText(view: LabView): string {
  const width = Math.max(...view.nodes.map((node) => node.name.length), 4);
  const lines = [`${view.name}: ${view.nodes.length} nodes, ${view.links.length} links`];
  for (const node of view.nodes) {
    const mine = view.links.flatMap((link) => endsHere(link, node.name));
    const address = node.address ?? node.lanAddress ?? node.underlay.join(' ');
    const runs = node.nat === null ? node.role : `nat ${node.nat}`;
    const head = `${node.name.padEnd(width)}  ${runs}${address === '' ? '' : ` ${address}`}`;
    lines.push('', node.state === 'running' ? head : `${head} (${node.state})`);
    const here = Math.max(...mine.map((one) => one.port.length), 4);
    const there = Math.max(...mine.map((one) => one.far.length), 4);
    mine.forEach(({ port, far, link }, i) => {
      const branch = i === mine.length - 1 ? '└' : '├';
      const wire = { up: '───', down: '╌✕╌', unknown: '╌╌╌' }[link.state];
      const text = `${port.padEnd(here)} ${wire} ${far.padEnd(there)}  ${conditionText(link)}`;
      lines.push(`${branch} ${text}`.trimEnd());
    });
  }
  return `${lines.join('\n')}\n`;
}

function endsHere(link: LinkView, name: string): { port: string; far: string; link: LinkView }[] {
  const ends: { port: string; far: string; link: LinkView }[] = [];
  if (nodeName(link.a) === name)
    ends.push({ port: portName(link.a), far: link.b ?? 'dummy', link });
  if (link.b !== null && nodeName(link.b) === name)
    ends.push({ port: portName(link.b), far: link.a, link });
  return ends;
}
