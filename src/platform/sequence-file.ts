/** The sequence numbers that this router has signed with: `seq` in the state directory, only ever rising. */
import path from 'node:path';
import { assert } from '../base/assert.js';
import { utf8Text } from '../base/bytes.js';
import { EXIT, UserError } from '../base/errors.js';
import { readBounded, writeFileAtomic } from './files.js';

export const SEQUENCE_FILE = 'seq';
const FILE_BYTES_MAX = 64;

export interface SeqOptions {
  /** How many numbers to reserve; default 1. */
  readonly count?: number;
  /** Seconds since 1970; default: now. */
  readonly nowSeconds?: number;
}

/**
 * Reserves numbers, on disk before it returns, so that none is used twice whatever happens after. Starting at the epoch
 * second lets a router that lost its file still sign above what it signed before.
 * @returns The first of them: max(last reserved + 1, epoch seconds).
 * @throws UserError (exit 4) when the file is not a number.
 */
export async function nextSeq(dir: string, options: SeqOptions = {}): Promise<number> {
  const { count = 1, nowSeconds = Math.floor(Date.now() / 1000) } = options;
  assert(Number.isInteger(count) && count > 0, 'at least one number is reserved');
  const file = path.join(dir, SEQUENCE_FILE);
  const first = Math.max((await lastReserved(file)) + 1, nowSeconds);
  const last = first + (count - 1);
  if (!Number.isSafeInteger(first + count)) throw badSequence(file);
  await writeFileAtomic(file, `${last}\n`, 0o600);
  return first;
}

async function lastReserved(file: string): Promise<number> {
  let text: string | undefined;
  try {
    text = utf8Text(await readBounded(file, FILE_BYTES_MAX));
  } catch (error) {
    if (error instanceof UserError && error.code === 'not-found') return -1;
    throw error;
  }
  const match = text === undefined ? null : /^(\d{1,16})\n$/.exec(text);
  const last = Number(match?.[1]);
  if (!Number.isSafeInteger(last)) throw badSequence(file);
  return last;
}

function badSequence(file: string): UserError {
  return new UserError(`${file} does not hold a sequence number`, {
    code: 'bad-sequence',
    hint: 'Remove it: numbers then go on from the time of day.',
    ...{ exit: EXIT.badFile, file },
  });
}
