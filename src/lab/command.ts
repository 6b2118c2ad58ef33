/** What the lab commands have in common: their file, and who does them for an ordinary user. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Lab } from './model.js';
import { hasFiles, isPrivileged, releaseHolder, runInside, useOwnRunRoot } from './rootless.js';
import { readLab } from './topology.js';

export const EXAMPLE = 'labs/ring-5.clab.yml';
export const EXAMPLE_NAT = 'labs/nat.clab.yml';

export interface TopologyOption {
  readonly topo: string;
}
export interface JsonOption {
  readonly json?: boolean;
}

/** A command on one lab, with its file and an example at the end of its help. */
export function onLab(lab: Command, name: string, description: string, example: string): Command {
  return lab
    .command(name)
    .description(description)
    .requiredOption('-t, --topo <file>', 'topology file, as containerlab has them')
    .addHelpText('after', `\nExample:\n  $ alamesh lab ${example}`);
}

export function readTopology({ topo }: TopologyOption): Promise<Lab> {
  useOwnRunRoot();
  return readLab(resolve(topo), process.env);
}

/**
 * For ordinary users: does the whole command in the lab's namespaces.
 * @returns False where the command is to be done here.
 */
export async function done(lab: Lab, { make = false } = {}): Promise<boolean> {
  if (isPrivileged()) return false;
  const status = await runInside(lab.name, make);
  if (status === undefined) return false;
  if (make && !hasFiles(lab.name)) await releaseHolder(lab.name);
  process.exitCode = status;
  return true;
}
