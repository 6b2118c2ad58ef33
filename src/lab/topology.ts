/**
 * Reads a containerlab topology: text → variables → YAML → schema → inheritance → nodes → links.
 * Every error is a UserError with exit 4 and the place in the file.
 */
import { readFile, realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, UserError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { YamlFile } from './document.js';
import { expandVariables } from './expand.js';
import { applyLabels, NAT_LABEL } from './labels.js';
import { resolveLinks } from './links.js';
import type { Lab, LabNode, NodeRole } from './model.js';
import { readBinds, readEnvFiles } from './nodefiles.js';
import {
  KINDS,
  KINDS_HERE,
  type KindHere,
  type NodeConfig,
  type TopologyFile,
  topologyFile,
} from './schema.js';

/** The image repository whose nodes run a router, whatever its registry and tag. */
const ROUTER_IMAGE = 'alamesh';

/** Ours: leaves room for socket paths (107 bytes) below the run directory. */
const NAME_BYTES_MAX = 64;

interface Context {
  readonly yaml: YamlFile;
  readonly topology: TopologyFile['topology'];
  readonly directory: string;
  readonly notes: string[];
}

/**
 * @param path The topology file.
 * @param variables For `${NAME}` in the file; usually the process environment.
 */
export async function readLab(
  path: string,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<Lab> {
  const file = await findFile(path);
  const text = expandVariables(await readFile(file, 'utf8'), variables);
  const yaml = await YamlFile.parse(path, text);
  const parsed = yaml.check(topologyFile, yaml.value, []);
  checkName(yaml, parsed.name, ['name']);
  const notes: string[] = [];
  const { topology } = parsed;
  const context: Context = { yaml, topology, directory: dirname(file), notes };
  if (parsed.mgmt !== undefined) notes.push('mgmt: a lab here has no management network, ignored');
  checkKinds(context);
  const nodes: LabNode[] = [];
  for (const name of Object.keys(topology.nodes ?? {})) {
    nodes.push(await resolveNode(context, name, containerPrefix(parsed)));
  }
  if (nodes.length === 0)
    throw yaml.fault({ message: 'the topology has no nodes', at: ['topology'] });
  const links = resolveLinks(yaml, topology.links ?? [], nodes, notes);
  return { name: parsed.name, file, ...applyLabels(yaml, { nodes, links }), notes };
}

async function findFile(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new UserError(`cannot read ${path}: no such file`, {
      code: 'no-lab-file',
      hint: 'Name a topology file, for example -t labs/ring-5.clab.yml.',
      exit: EXIT.badFile,
      file: path,
      cause,
    });
  }
}

/** containerlab's `prefix`: absent "clab", "" none, "__lab-name" the lab's name alone. */
function containerPrefix({ name, prefix }: TopologyFile): string {
  if (prefix === '') return '';
  return prefix === '__lab-name' ? `${name}-` : `${prefix ?? 'clab'}-${name}-`;
}

function checkName(yaml: YamlFile, name: string, at: readonly string[]): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9._|-]*$/.test(name) && name.length <= NAME_BYTES_MAX) return;
  throw yaml.fault({
    message: `"${name}" is no name: expected 1 to ${NAME_BYTES_MAX} of letters, digits, . _ -`,
    at,
    onKey: true,
  });
}

function checkKinds({ yaml, topology }: Context): void {
  for (const kind of Object.keys(topology.kinds ?? {})) {
    if (!KINDS.includes(kind)) throw unknownKind(yaml, kind, ['topology', 'kinds', kind], true);
  }
}

function unknownKind(yaml: YamlFile, kind: string, at: string[], onKey = false): UserError {
  const meant = nearest(kind, KINDS);
  const hint = meant === undefined ? '' : `Did you mean "${meant}"? `;
  const message = `"${kind}" is no kind that containerlab knows`;
  return yaml.fault({
    message,
    hint: `${hint}Kinds that run here: ${KINDS_HERE.join(', ')}.`,
    at,
    onKey,
  });
}

/** The configs that apply to a node, weakest first: defaults, its kind's, its group's, its own. */
function layersOf(context: Context, name: string): { kind: string; layers: NodeConfig[] } {
  const { topology, yaml } = context;
  const own = topology.nodes?.[name] ?? {};
  const defaults = topology.defaults ?? {};
  const kindWithoutGroup = own.kind ?? defaults.kind;
  const kindsGroup = kindWithoutGroup && topology.kinds?.[kindWithoutGroup]?.group;
  const groupName = own.group ?? (kindsGroup || undefined) ?? defaults.group;
  const group = (groupName === undefined ? undefined : topology.groups?.[groupName]) ?? {};
  const kind = own.kind ?? group.kind ?? defaults.kind;
  const at = ['topology', 'nodes', name];
  if (kind === undefined) {
    const hint = `Add "kind: linux" to it or to topology.defaults.`;
    throw yaml.fault({ message: `node "${name}" has no kind`, hint, at, onKey: true });
  }
  return { kind, layers: [defaults, topology.kinds?.[kind] ?? {}, group, own] };
}

function checkKind({ yaml }: Context, name: string, kind: string): asserts kind is KindHere {
  const at = ['topology', 'nodes', name, 'kind'];
  if (!KINDS.includes(kind)) throw unknownKind(yaml, kind, at);
  if ((KINDS_HERE as readonly string[]).includes(kind)) return;
  const message = `node "${name}" is of kind ${kind}, which cannot run here`;
  const hint = `Kinds that can: ${KINDS_HERE.join(', ')}. ${kind} needs containerlab with its image.`;
  throw yaml.fault({ message, hint, at });
}

async function resolveNode(context: Context, name: string, prefix: string): Promise<LabNode> {
  const at = ['topology', 'nodes', name];
  checkName(context.yaml, name, at);
  const { kind, layers } = layersOf(context, name);
  checkKind(context, name, kind);
  const last = <K extends keyof NodeConfig>(key: K): NodeConfig[K] | undefined =>
    layers.findLast((layer) => layer[key] !== undefined && layer[key] !== null)?.[key];
  const list = (key: 'exec' | 'binds' | 'env-files'): string[] =>
    layers.flatMap((l) => l[key] ?? []);
  const map = (key: 'env' | 'labels' | 'sysctls'): Record<string, string> =>
    Object.fromEntries(
      layers.flatMap((l) =>
        Object.entries(l[key] ?? {}).map(([k, value]) => [k, String(value ?? '')]),
      ),
    );
  const image = last('image');
  const labels = map('labels');
  const network = last('network-mode');
  const role = roleOf(context, name, {
    kind,
    image,
    network,
    nat: labels[NAT_LABEL] !== undefined,
  });
  const place = { yaml: context.yaml, directory: context.directory, at, notes: context.notes };
  return {
    name,
    container: `${prefix}${name}`,
    kind,
    role,
    image,
    entrypoint: last('entrypoint'),
    cmd: last('cmd'),
    exec: list('exec'),
    binds: await readBinds(place, list('binds'), role),
    env: { ...(await readEnvFiles(place, list('env-files'))), ...map('env') },
    labels,
    sysctls: map('sysctls'),
    nat: undefined,
    peers: [],
    routes: [],
  };
}

interface RoleFacts {
  readonly kind: KindHere;
  readonly image: string | undefined;
  readonly network: string | undefined;
  /** Has the label of a NAT box. */
  readonly nat: boolean;
}

function roleOf(
  { yaml, notes }: Context,
  name: string,
  { kind, image, network, nat }: RoleFacts,
): NodeRole {
  if (kind === 'bridge') return 'bridge';
  if (kind === 'host') return 'machine';
  const router = image !== undefined && repositoryName(image) === ROUTER_IMAGE;
  const at = ['topology', 'nodes', name, 'network-mode'];
  if (network?.startsWith('container:')) {
    const hint = 'Here a node has a namespace of its own (none), or the host’s (host).';
    throw yaml.fault({ message: `node "${name}": ${network} cannot run here`, hint, at });
  }
  if (network === 'host' && router) {
    const hint = 'A lab leaves the machine’s own network alone: remove network-mode.';
    throw yaml.fault({ message: `router "${name}" asks for network-mode host`, hint, at });
  }
  if (network === 'host') return 'machine';
  if (router) return 'router';
  if (nat) return 'nat';
  notes.push(`${name}: a plain host, ${image ?? 'without an image'} is not run`);
  return 'host';
}

/** `registry.example:5000/team/alamesh:1.2@sha256:…` → `alamesh` */
export function repositoryName(image: string): string {
  const last = (image.split('@')[0] ?? '').split('/').at(-1) ?? '';
  return last.split(':')[0] ?? '';
}
