/** What the router keeps over restarts besides keys and peers. */
import path from 'node:path';
import { utf8Text } from '../base/bytes.js';
import { UserError } from '../base/errors.js';
import { readBounded, writeFileAtomic } from '../platform/files.js';
import { nextSeq } from '../platform/sequence-file.js';

/** Ours: numbers taken from the file at a time; one is used for each record that the node signs of itself. */
const SEQ_BLOCK = 256;

/** @returns A source of numbers that were never used before, not by an earlier run either. */
export async function reserveSeqs(dir: string): Promise<() => number> {
  let next = await nextSeq(dir, { count: SEQ_BLOCK });
  let left = SEQ_BLOCK;
  return () => {
    if (left === SEQ_BLOCK / 2) void extend();
    left--;
    return next++;
  };
  async function extend(): Promise<void> {
    const first = await nextSeq(dir, { count: SEQ_BLOCK });
    next = Math.max(next, first);
    left += SEQ_BLOCK;
  }
}

const SEEN_FILE = 'highest-seen.json';
const SEEN_BYTES_MAX = 1 << 24;

/** The highest sequence numbers seen of others, so that old records are refused after a restart too. */
export class SeenFile {
  readonly #file: string;
  readonly initial: unknown;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, initial: unknown) {
    this.#file = file;
    this.initial = initial;
  }

  /** A missing or damaged file is an empty one: losing it only widens what is believed once. */
  static async open(dir: string): Promise<SeenFile> {
    const file = path.join(dir, SEEN_FILE);
    try {
      return new SeenFile(
        file,
        JSON.parse(utf8Text(await readBounded(file, SEEN_BYTES_MAX)) ?? ''),
      );
    } catch (error) {
      if (error instanceof UserError || error instanceof SyntaxError) return new SeenFile(file, []);
      throw error;
    }
  }

  save(seen: unknown): void {
    const write = (): Promise<void> => writeFileAtomic(this.#file, JSON.stringify(seen), 0o600);
    this.#writing = this.#writing.then(write, write).catch(() => {});
  }

  /** Resolves when everything is on disk. */
  settled(): Promise<void> {
    return this.#writing;
  }
}
