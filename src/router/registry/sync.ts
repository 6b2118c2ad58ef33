/**
 * Fetch, check, compare, apply. git runs as a child; nothing here holds the loop for more than a few milliseconds.
 * What is in force changes only by a whole state that passed every check and descends from the one before.
 */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { EXIT, UserError } from '../../base/errors.js';
import { Git, type GitOptions } from '../../platform/git.js';
import { checkSuccession } from '../../registry/changes.js';
import type { Snapshot } from '../../registry/snapshot.js';
import { type Difference, difference, isMass, merged } from './difference.js';
import { readSnapshot } from './read.js';
import { type InForce, loadState, type RegistryState, registryDir, saveState } from './state.js';

export interface SyncOptions {
  /** State directory. */
  readonly dir: string;
  /** Of our identity. */
  readonly realm: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Synced {
  readonly outcome: 'unchanged' | 'applied' | 'pending';
  readonly head: string;
  readonly difference: Difference;
}

const NO_DIFFERENCE: Difference = { added: [], changed: [], ended: [], absent: [] };
const CANDIDATE = 'refs/alamesh/candidate';
const GOOD = 'refs/alamesh/good';
/** Ours: packs and loose objects of the mirror before what is of no use is thrown away. */
const PACKS_MAX = 10;
const LOOSE_MAX = 2_000;
const ASK_MSEC_MAX = 30_000;
const FETCH_MSEC_MAX = 300_000;

export class RegistrySync {
  readonly #options: SyncOptions;
  readonly #git: Git;
  #state: RegistryState;
  #running: Promise<Synced> | undefined;
  readonly #stop = new AbortController();

  private constructor(options: SyncOptions, state: RegistryState) {
    this.#options = options;
    this.#state = state;
    this.#git = new Git(path.join(registryDir(options.dir), 'mirror.git'));
  }

  /** @throws UserError when the state file is damaged. */
  static async open(options: SyncOptions): Promise<RegistrySync> {
    return new RegistrySync(options, await loadState(options.dir));
  }

  get state(): RegistryState {
    return this.#state;
  }

  /** After the look that runs now, if one does. Never rejects. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  stop(): void {
    this.#stop.abort();
  }

  /**
   * One at a time; who asks meanwhile gets the same answer.
   * @param urls The first that answers with news counts. @throws UserError; what is in force stays.
   */
  sync(urls: readonly string[]): Promise<Synced> {
    this.#running ??= this.#sync(urls).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sync(urls: readonly string[]): Promise<Synced> {
    try {
      const wrong = urls.find((url) => !isUrl(url));
      if (wrong !== undefined || urls.length === 0) throw badUrl(wrong);
      await this.#prepare();
      const synced = await this.#fromAny(urls);
      await this.#save({ syncedAt: this.#options.now(), lastError: '' });
      return synced;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await this.#save({ lastError: message }).catch(() => {});
      throw error;
    }
  }

  async #save(change: Partial<RegistryState>): Promise<void> {
    const state = { ...this.#state, ...change };
    await saveState(this.#options.dir, this.#state, state);
    this.#state = state;
  }

  async #prepare(): Promise<void> {
    const { dir } = this.#git;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    if ((await this.#git.run(['rev-parse', '--resolve-git-dir', '.'])).status === 0) return;
    await this.#git.must(['init', '--quiet', '--bare', '--template=', '.']);
  }

  /** A mirror that is behind or silent is passed over; if none has news, its trouble is told. */
  async #fromAny(urls: readonly string[]): Promise<Synced> {
    let trouble: unknown;
    let current: Synced | undefined;
    for (const url of urls) {
      try {
        const synced = await this.#from(url);
        if (synced.outcome !== 'unchanged') return synced;
        current ??= synced;
      } catch (error) {
        trouble ??= error;
      }
    }
    if (current !== undefined) return current;
    throw trouble;
  }

  async #from(url: string): Promise<Synced> {
    const { inForce } = this.#state;
    const head = await this.#remoteHead(url);
    if (head === inForce?.head) {
      if (this.#state.pending !== undefined) await this.#save({ pending: undefined });
      return { outcome: 'unchanged', head, difference: NO_DIFFERENCE };
    }
    try {
      return await this.#fromHead(url, head);
    } finally {
      await this.#tidy().catch(() => {});
    }
  }

  async #fromHead(url: string, head: string): Promise<Synced> {
    const { inForce, approved } = this.#state;
    await this.#fetch(url, head);
    if (inForce !== undefined) await this.#refuseRewritten(inForce.head, head);
    const snapshot = await this.#checked(head);
    const found = difference(inForce, snapshot);
    if (isMass(inForce, found) && approved !== head) {
      const { added, changed, ended } = found;
      const since = this.#options.now();
      await this.#save({ pending: { head, since, added, changed, ended } });
      return { outcome: 'pending', head, difference: found };
    }
    await this.#apply(url, head, snapshot);
    return { outcome: 'applied', head, difference: found };
  }

  #limits(timeoutMsec: number): GitOptions {
    return { timeoutMsec, signal: this.#stop.signal };
  }

  async #remoteHead(url: string): Promise<string> {
    const words = ['ls-remote', '--exit-code', '--', url, 'HEAD'];
    const answer = await this.#git.run(words, this.#limits(ASK_MSEC_MAX));
    const head = /^([0-9a-f]{40,64})\tHEAD$/m.exec(answer.stdout)?.[1];
    if (head !== undefined && answer.status === 0) return head;
    const why = answer.trouble || 'it has no HEAD: push main first';
    throw new UserError(`cannot read ${shownUrl(url)}: ${withoutSecret(why, url)}`, {
      ...{ code: 'unreachable', hint: 'the last good state stays in force' },
    });
  }

  async #fetch(url: string, head: string): Promise<void> {
    const quiet = ['--quiet', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
    const words = ['fetch', ...quiet, '--no-auto-gc', '--', url, `+HEAD:${CANDIDATE}`];
    const fsck = await this.#git.run(words, this.#limits(FETCH_MSEC_MAX));
    const has = await this.#git.run(['cat-file', '-e', `${head}^{commit}`]);
    if (has.status === 0) return;
    const why = withoutSecret(fsck.trouble || `exit ${fsck.status}`, url);
    throw new UserError(`cannot fetch ${shownUrl(url)}: ${why}`, { code: 'unreachable' });
  }

  /** What was refused is forgotten, so that a hostile host does not fill the disk hour by hour. */
  async #tidy(): Promise<void> {
    await this.#git.run(['update-ref', '-d', CANDIDATE]);
    const { stdout } = await this.#git.run(['count-objects', '-v']);
    const count = (key: string): number =>
      Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(stdout)?.[1] ?? 0);
    if (count('packs') <= PACKS_MAX && count('count') <= LOOSE_MAX) return;
    await this.#git.run(['gc', '--quiet', '--prune=now'], this.#limits(FETCH_MSEC_MAX));
  }

  async #refuseRewritten(good: string, head: string): Promise<void> {
    const descends = async (a: string, b: string): Promise<boolean> =>
      (await this.#git.run(['merge-base', '--is-ancestor', a, b])).status === 0;
    if (await descends(good, head)) return;
    const isOlder = await descends(head, good);
    throw new UserError(
      isOlder
        ? `the registry went back to ${head.slice(0, 12)}, which is older than what is in force`
        : `the registry's history was rewritten: ${head.slice(0, 12)} does not follow ${good.slice(0, 12)}`,
      {
        ...{ code: isOlder ? 'rollback' : 'rewritten' },
        hint: 'ask who keeps it; the last good state stays in force',
      },
    );
  }

  async #checked(head: string): Promise<Snapshot> {
    const { realm, now } = this.#options;
    const snapshot = await readSnapshot(this.#git, head, Math.floor(now() / 1000));
    const { inForce } = this.#state;
    if (inForce !== undefined) checkSuccession(beliefs(inForce), snapshot);
    if (snapshot.realm !== undefined && snapshot.realm.realm !== realm) {
      const message = `the registry is of realm ${snapshot.realm.realm}, we are of ${realm}`;
      throw new UserError(message, { code: 'wrong-realm' });
    }
    const findings = snapshot.findings.filter(({ rule }) => rule !== 'expired');
    const [first] = findings;
    if (first === undefined) return snapshot;
    const more = findings.length > 1 ? `, and ${findings.length - 1} more` : '';
    throw new UserError(
      `the registry at ${head.slice(0, 12)} is refused: ${first.file}:${first.line} ${first.message}${more}`,
      {
        code: 'bad-registry',
        hint: 'see `alamesh registry check`; the last good state stays in force',
      },
    );
  }

  async #apply(url: string, head: string, snapshot: Snapshot): Promise<void> {
    const { realm, now } = this.#options;
    const rows = merged(this.#state.inForce, snapshot);
    const inForce: InForce = { url, head, realm, appliedAt: now(), ...rows };
    // First: the commit in force and those before it must never be thrown away.
    await this.#git.must(['update-ref', GOOD, head]);
    await this.#save({ inForce, pending: undefined, approved: undefined });
  }

  /** Lets the change that waits pass at the next sync. @param head A prefix of it, or undefined for the one that waits. */
  async approve(head: string | undefined): Promise<string> {
    const { pending } = this.#state;
    if (pending === undefined) {
      throw new UserError('nothing waits for approval', { code: 'nothing-pending' });
    }
    if (head !== undefined && (head.length < 7 || !pending.head.startsWith(head))) {
      throw new UserError(`what waits is ${pending.head}, not ${head.slice(0, 64)}`, {
        ...{ code: 'not-pending', hint: 'look at it with `alamesh registry diff`' },
      });
    }
    await this.#save({ approved: pending.head });
    return pending.head;
  }
}

const beliefs = ({ members, tombstones, services, realm }: InForce) => ({
  members: new Map(members.map((member) => [member.id, member])),
  tombstones: new Map(tombstones.map((one) => [one.id, one])),
  services: new Map(services.map((one) => [one.path, one])),
  realm,
});

/** What git takes for a place and for nothing else: no options, no helpers. */
const isUrl = (url: string): boolean =>
  url.length <= 2_048 &&
  /^(?:(?:https?|ssh|git|file):\/\/[!-~]+|[\w.-]+@[\w.-]+:[!-~]+|\/[ -~]*)$/.test(url);

function badUrl(url: string | undefined): UserError {
  const hint =
    'for instance --url https://git.example/friends/realm.git, or [registry] url in alamesh.toml';
  if (url === undefined) {
    return new UserError('no registry is configured', { code: 'no-url', hint, exit: EXIT.usage });
  }
  const message = `'${url.slice(0, 80)}' is no URL of a git repository`;
  return new UserError(message, { code: 'bad-url', hint, exit: EXIT.usage });
}

/** Without user and password. */
export const shownUrl = (url: string): string => url.replace(/^(\w+:\/\/)[^/]*@/, '$1');
const withoutSecret = (text: string, url: string): string => text.replaceAll(url, shownUrl(url));
