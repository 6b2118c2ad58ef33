/** Committed files, read without a checkout: `git ls-tree` for names, `git cat-file --batch` for contents. */
import { UserError } from '../base/errors.js';
import { type Git, kill } from './git.js';

export interface TreeFile {
  /** One character a byte. */
  readonly path: string;
  /** `100644`, `120000`, `160000` … */
  readonly mode: string;
  readonly blob: string;
  /** Bytes; 0 for what is no blob. */
  readonly size: number;
}

/** Ours: one entry of a tree; longer paths are not read on. */
const ENTRY_BYTES_MAX = 8_192;
const TREE_BYTES_MAX = 1 << 26;
const READ_MSEC_MAX = 120_000;
/** Ours: contents asked for at a time. */
const WINDOW = 64;

/**
 * All files of a commit, in the order of git.
 * @param max More end it. @throws UserError `too-many`.
 */
export async function listTree(git: Git, commit: string, max: number): Promise<TreeFile[]> {
  const files: TreeFile[] = [];
  let rest = '';
  const each = (part: Buffer): void => {
    const entries = (rest + part.toString('latin1')).split('\0');
    rest = entries.pop() ?? '';
    for (const entry of entries) files.push(fileOf(entry));
    if (files.length > max || rest.length > ENTRY_BYTES_MAX) throw tooMany(max);
  };
  const failed: unknown[] = [];
  const stop = new AbortController();
  const words = ['ls-tree', '-r', '-l', '-z', '--full-tree', commit];
  const limits = { bytesMax: TREE_BYTES_MAX, timeoutMsec: READ_MSEC_MAX, signal: stop.signal };
  const guarded = (part: Buffer): void => {
    try {
      if (failed.length === 0) each(part);
    } catch (error) {
      failed.push(error);
      stop.abort();
    }
  };
  const ended = await git.read(words, guarded, limits).catch((error: unknown) => {
    throw failed[0] ?? error;
  });
  if (failed.length > 0) throw failed[0];
  if (ended.status === 0) return files;
  throw new UserError(`git ls-tree: ${ended.trouble}`, { code: 'git' });
}

const tooMany = (max: number): UserError =>
  new UserError(`the repository has more than ${max} files, or one with a path too long`, {
    code: 'too-many',
  });

function fileOf(entry: string): TreeFile {
  const match = /^(\d{6}) \w+ ([0-9a-f]{40,64}) +(\d+|-)\t([\s\S]*)$/.exec(entry);
  if (match === null) throw new UserError('git ls-tree gave another form', { code: 'git' });
  const [, mode = '', blob = '', size = '-', path = ''] = match;
  return { path, mode, blob, size: size === '-' ? 0 : Number(size) };
}

/**
 * Calls back with each content, in the order given; what works on it may take its time.
 * @param files With sizes that the caller bounded.
 */
export async function readBlobs<T extends { readonly blob: string }>(
  git: Git,
  files: readonly T[],
  each: (file: T, bytes: Uint8Array) => void,
): Promise<void> {
  if (files.length === 0) return;
  const child = git.start(['cat-file', '--batch']);
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.stderr.resume();
  const timer = setTimeout(() => kill(child), READ_MSEC_MAX);
  const reader = new Reader(child.stdout);
  try {
    for (let at = 0; at < files.length; at += WINDOW) {
      const window = files.slice(at, at + WINDOW);
      child.stdin.write(window.map(({ blob }) => `${blob}\n`).join(''));
      for (const file of window) each(file, await reader.content());
    }
  } finally {
    clearTimeout(timer);
    child.stdin.end();
    kill(child);
  }
}

/** Ours: work in one turn of the loop, so that a router's packets get theirs. */
const TURN_MSEC_MAX = 5;

/** Lets the loop turn when long work has had its time. */
export class Turn {
  #since = performance.now();

  async pause(): Promise<void> {
    if (performance.now() - this.#since < TURN_MSEC_MAX) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}

class Reader {
  readonly #parts: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  readonly #turn = new Turn();

  constructor(stdout: AsyncIterable<Buffer>) {
    this.#parts = stdout[Symbol.asyncIterator]();
  }

  async content(): Promise<Uint8Array> {
    await this.#turn.pause();
    const head = await this.#line();
    const size = Number(/^[0-9a-f]+ blob (\d+)$/.exec(head)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(size)) {
      throw new UserError(`git cat-file: ${head.slice(0, 80)}`, { code: 'git' });
    }
    while (this.#held.length < size + 1) await this.#more();
    const bytes = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size + 1);
    return bytes;
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(10);
      if (end >= 0) {
        const line = this.#held.subarray(0, end).toString('latin1');
        this.#held = this.#held.subarray(end + 1);
        return line;
      }
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const next = await this.#parts.next();
    if (next.done) throw new UserError('git cat-file ended early', { code: 'git' });
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
  }
}
