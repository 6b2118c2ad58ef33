/** Files that a node's config names: binds and environment files, relative to the topology's folder. */
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { YamlFile } from './document.js';
import type { Bind, NodeRole } from './model.js';

interface Place {
  readonly yaml: YamlFile;
  readonly directory: string;
  readonly at: readonly string[];
  readonly notes: string[];
}

/**
 * `source:target[:options]`; a later layer's bind of one target replaces an earlier one.
 * A router's source must exist; a plain host, whose image does not run either, goes without it.
 */
export async function readBinds(place: Place, lines: string[], role: NodeRole): Promise<Bind[]> {
  const binds = new Map<string, Bind>();
  for (const line of lines) {
    const [from = '', target = '', options = ''] = line.split(':');
    const at = [...place.at, 'binds'];
    if (from === '' || !target.startsWith('/') || target === '/') {
      const message = `bind "${line}": expected source:/absolute/target[:ro]`;
      throw place.yaml.fault({ message, at });
    }
    const source = resolve(place.directory, from.replace(/^~(?=\/|$)/, homedir()));
    const readOnly = options.split(',').includes('ro');
    if (await exists(source)) binds.set(target, { source, target: resolve('/', target), readOnly });
    else if (role !== 'router')
      place.notes.push(`${place.at.at(-1)}: no file ${source}, not bound`);
    else throw place.yaml.fault({ message: `bind "${line}": there is no ${source}`, at });
  }
  return [...binds.values()];
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Lines `KEY=VALUE`; empty lines and comments are skipped. */
export async function readEnvFiles(place: Place, files: string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of files) {
    const path = resolve(place.directory, file);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) {
      const at = [...place.at, 'env-files'];
      throw place.yaml.fault({ message: `env file ${path} cannot be read`, at });
    }
    for (const line of text.split('\n')) {
      const [, key, value] = /^\s*([A-Za-z_]\w*)=(.*?)\s*$/.exec(line) ?? [];
      if (key !== undefined) found[key] = value ?? '';
    }
  }
  return found;
}
