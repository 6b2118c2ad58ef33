/** Where a router keeps its state and its socket (CLI.md, conventions). */
import { homedir } from 'node:os';
import path from 'node:path';

export function defaultStateDir(
  given: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): string {
  const wanted = given ?? env.ALAMESH_DIR;
  if (wanted) return path.resolve(wanted);
  if (process.getuid?.() === 0) return '/etc/alamesh';
  return path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'alamesh');
}

export function defaultSocket(
  where: { readonly dir?: string | undefined; readonly socket?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): string {
  const wanted = where.socket ?? env.ALAMESH_SOCKET;
  return wanted ? path.resolve(wanted) : path.join(defaultStateDir(where.dir, env), 'alamesh.sock');
}
