#!/usr/bin/env node
// Makes a lab from a real topology: node scripts/generate-lab.mjs FILE [--nodes N] [--name NAME] > labs/NAME.clab.yml
// FILE is GraphML (Topology Zoo), SNDlib's JSON (nodes and links of "graph") or meshnet-lab's (links alone). Of a
// larger graph it takes N nodes that are connected: those around the node with the most links, nearest first.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { nodes: { type: 'string', default: '30' }, name: { type: 'string' } },
});
const [file] = positionals;
if (file === undefined) {
  console.error('usage: generate-lab.mjs FILE [--nodes N] [--name NAME]');
  process.exit(2);
}

/** @returns {{ names: Map<string, string>, pairs: [string, string][] }} */
function readGraphml(text) {
  const labelKey = /<key attr\.name="label"[^>]*for="node"[^>]*id="(\w+)"/.exec(text)?.[1];
  const names = new Map();
  for (const [, id, body] of text.matchAll(/<node id="([^"]+)">([\s\S]*?)<\/node>/g)) {
    const label = new RegExp(`<data key="${labelKey}">(?:<!\\[CDATA\\[)?([^<\\]]*)`).exec(
      body,
    )?.[1];
    const drawn = /<y:NodeLabel[^>]*>([^<]*)</.exec(body)?.[1];
    names.set(id, (label ?? drawn ?? id).trim());
  }
  const edges = text.matchAll(/<edge [^>]*source="([^"]+)" target="([^"]+)"/g);
  return { names, pairs: [...edges].map(([, a, b]) => [a, b]) };
}

function readJson(text) {
  const root = JSON.parse(text);
  const nodes = root.nodes ?? root.graph?.nodes ?? [];
  const links = root.links ?? root.edges ?? root.graph?.links ?? [];
  const names = new Map(nodes.map((node) => [String(node.id), String(node.name ?? node.id)]));
  const pairs = links.map((link) => [String(link.source), String(link.target)]);
  for (const id of pairs.flat()) if (!names.has(id)) names.set(id, id);
  return { names, pairs };
}

/** Names of letters, digits and dashes, each once. */
function plainNames(names) {
  const used = new Set();
  const plain = new Map();
  for (const [id, name] of names) {
    const ascii = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    const base = ascii.replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || `n${id}`;
    let one = base;
    for (let i = 2; used.has(one); i += 1) one = `${base}${i}`;
    used.add(one);
    plain.set(id, one);
  }
  return plain;
}

/** No loops, and one link between two nodes. */
function simple(pairs) {
  const seen = new Set();
  return pairs.filter(([a, b]) => {
    const key = [a, b].sort().join(' ');
    if (a === b || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function connectedPart(pairs, count) {
  const near = new Map();
  for (const [a, b] of pairs) {
    near.set(a, [...(near.get(a) ?? []), b]);
    near.set(b, [...(near.get(b) ?? []), a]);
  }
  const [start] = [...near].sort((x, y) => y[1].length - x[1].length)[0] ?? [];
  const taken = new Set(start === undefined ? [] : [start]);
  for (const node of taken) {
    for (const other of near.get(node) ?? []) if (taken.size < count) taken.add(other);
  }
  return taken;
}

function render(name, source, names, nodes, pairs) {
  const ports = new Map();
  const port = (node) => {
    ports.set(node, (ports.get(node) ?? 0) + 1);
    return `${names.get(node)}:eth${ports.get(node)}`;
  };
  const links = pairs.map(([a, b]) => `    - endpoints: ["${port(a)}", "${port(b)}"]`);
  const list = [...nodes].map((node) => `    ${names.get(node)}:`).sort();
  return `# ${nodes.size} routers and ${pairs.length} links of ${source}.
# Made by scripts/generate-lab.mjs; do not edit.
name: ${name}

topology:
  defaults:
    kind: linux
    image: alamesh:latest
    cap-add: [NET_ADMIN]
    devices: [/dev/net/tun]
    env:
      ALAMESH_DISCOVERY: "eth[1-9]*"
  nodes:
${list.join('\n')}
  links:
${links.join('\n')}
`;
}

const text = readFileSync(file, 'utf8');
const graph = file.endsWith('.graphml') ? readGraphml(text) : readJson(text);
const all = simple(graph.pairs);
const nodes = connectedPart(all, Number(values.nodes));
const pairs = all.filter(([a, b]) => nodes.has(a) && nodes.has(b));
const name = values.name ?? `mesh-${nodes.size}`;
process.stdout.write(render(name, basename(file), plainNames(graph.names), nodes, pairs));
