/** Commits in a person's clone: with their name where git knows one, with no hook, and of the named files only. */
import type { Git } from '../../platform/git.js';

/** @param paths What the commit holds. @returns The commit, or undefined when nothing changed. */
export async function commitAll(
  git: Git,
  message: string,
  paths: readonly string[],
): Promise<string | undefined> {
  const own = { own: true };
  await git.must(['add', '--all', '--', ...paths], own);
  const { status } = await git.run(['diff', '--cached', '--quiet', '--', ...paths], own);
  if (status === 0) return undefined;
  const { stdout } = await git.run(['config', 'user.email'], own);
  const known = stdout.trim() !== '';
  const author = known ? [] : ['-c', 'user.name=alamesh', '-c', 'user.email=alamesh@localhost'];
  const quiet = ['-c', 'commit.gpgSign=false'];
  const commit = ['commit', '--quiet', '--no-verify', '-m', message, '--', ...paths];
  await git.must([...author, ...quiet, ...commit], own);
  return await git.must(['rev-parse', 'HEAD'], own);
}
