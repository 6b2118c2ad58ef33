/** A commit of a registry, read and checked. */
import { EXIT, UserError } from '../../base/errors.js';
import { nodeCrypto } from '../../platform/crypto.js';
import type { Git } from '../../platform/git.js';
import { listTree, readBlobs, type TreeFile, Turn } from '../../platform/git-tree.js';
import { type Before, checkAuthor, checkSuccession } from '../../registry/changes.js';
import { FILE_BYTES_MAX } from '../../registry/form.js';
import type { Role } from '../../registry/layout.js';
import { ENTRIES_MAX, type Finding, Snapshot } from '../../registry/snapshot.js';

interface Wanted extends TreeFile {
  readonly role: Role;
}

/** @throws UserError exit 4 when the commit holds no registry. */
export async function readSnapshot(
  git: Git,
  commit: string,
  nowSeconds: number,
): Promise<Snapshot> {
  const snapshot = new Snapshot(nodeCrypto(), nowSeconds);
  const files = await listTree(git, commit, ENTRIES_MAX);
  const realm = files.find(({ path, mode }) => path === 'realm.toml' && mode === '100644');
  if (realm === undefined || realm.size > FILE_BYTES_MAX) throw noRegistry(git.dir);
  await readBlobs(git, [realm], (_file, bytes) => snapshot.setRealm(bytes));
  const turn = new Turn();
  const wanted: Wanted[] = [];
  for (const file of files) {
    await turn.pause();
    const role = snapshot.admit(file);
    snapshot.files.set(file.path, file.mode + file.blob);
    if (role !== undefined) wanted.push({ ...file, role });
  }
  if (snapshot.realm === undefined) return snapshot;
  await readBlobs(git, wanted, ({ path, role }, bytes) => snapshot.add(path, role, bytes));
  snapshot.finish();
  return snapshot;
}

export const noRegistry = (dir: string): UserError =>
  new UserError(`${dir} holds no registry: there is no realm.toml in that commit`, {
    ...{ code: 'no-registry', exit: EXIT.badFile },
    hint: 'make one with `alamesh registry init DIR`, or name its clone with --dir',
  });

export interface CheckOptions {
  /** `HEAD`, `BASE..HEAD` or empty. */
  readonly range: string;
  readonly nowSeconds: number;
  /** Whether a change may touch files of several handles: a merge of many. */
  readonly anyAuthor: boolean;
}

export interface Checked {
  readonly base: string | undefined;
  readonly head: string;
  readonly members: number;
  readonly findings: readonly Finding[];
}

/** `alamesh registry check`. @throws UserError: usage for a bad range, exit 4 for no registry. */
export async function checkRange(git: Git, options: CheckOptions): Promise<Checked> {
  const { range, nowSeconds, anyAuthor } = options;
  await refuseNoRepository(git);
  const [first = '', second] = range.split('..', 2);
  const head = await commitOf(git, (second ?? first) || 'HEAD');
  const base = second === undefined ? undefined : await commitOf(git, first || 'HEAD');
  const after = await readSnapshot(git, head, nowSeconds);
  const result = { base, head, members: after.members.size };
  if (base === undefined) return { ...result, findings: sorted(after.findings) };
  // As `git diff BASE...HEAD` has it: what the branch did since it left.
  const before = await readSnapshot(git, (await forkOf(git, base, head)) ?? base, nowSeconds);
  checkSuccession(beliefs(before), after);
  if (!anyAuthor) checkAuthor(before, after);
  const isOld = (one: Finding): boolean =>
    one.rule === 'expired' && before.files.get(one.file) === after.files.get(one.file);
  return { ...result, findings: sorted(after.findings.filter((one) => !isOld(one))) };
}

const beliefs = ({ members, tombstones, services, realm }: Snapshot): Before => ({
  ...{ members, tombstones, services, realm: realm?.realm },
});

async function refuseNoRepository(git: Git): Promise<void> {
  const { status, trouble } = await git.run(['rev-parse', '--git-dir']);
  if (status === 0) return;
  throw new UserError(`${git.dir} is no git repository${trouble ? ` (${trouble})` : ''}`, {
    ...{ code: 'no-registry', exit: EXIT.badFile },
    hint: 'make a registry with `alamesh registry init DIR`, or name its clone with --dir',
  });
}

/** @throws UserError usage for what names no commit. */
async function commitOf(git: Git, name: string): Promise<string> {
  const isPlain = /^[A-Za-z0-9_][\w./~^@{}-]{0,200}$/.test(name);
  const words = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`];
  const { status, stdout } = isPlain ? await git.run(words) : { status: 1, stdout: '' };
  if (status === 0) return stdout.trim();
  throw new UserError(`'${name.slice(0, 80)}' names no commit in ${git.dir}`, {
    ...{ code: 'bad-range', exit: EXIT.usage, hint: 'for instance origin/main..HEAD' },
  });
}

async function forkOf(git: Git, base: string, head: string): Promise<string | undefined> {
  const { status, stdout } = await git.run(['merge-base', base, head]);
  return status === 0 ? stdout.trim() : undefined;
}

const sorted = (findings: readonly Finding[]): Finding[] =>
  [...findings].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
