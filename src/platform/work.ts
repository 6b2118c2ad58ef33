/** Finds the nonce of an address proof (design §4) on all cores. Work 20 is about a million hashes: a second. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.js';
import { UserError } from '../base/errors.js';
import { nodeSearchPreimage, WORK_MAX } from '../identity/address.js';
import { searchNonce } from './nonce-search.js';

export interface WorkProgress {
  /** Hashes done by all threads. */
  readonly done: number;
  /** 2^work, the mean: the search may need several times as many. */
  readonly expected: number;
}

export interface WorkOptions {
  readonly realm: string;
  /** 32 bytes each. */
  readonly publicKey: Uint8Array;
  readonly successor: Uint8Array;
  /** Leading zero bits, 0..WORK_MAX. */
  readonly work: number;
  readonly onProgress?: ((progress: WorkProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: one for each core. */
  readonly threads?: number;
}

/** What a thread is given. */
export interface WorkShare {
  readonly preimage: Uint8Array;
  readonly work: number;
  readonly start: number;
  readonly stride: number;
}

/** What a thread says after each batch. */
export interface WorkReport {
  readonly hashes: number;
  readonly nonce: number | undefined;
}

/** Ours: below this a thread's start costs more than the search. */
const INLINE_WORK_MAX = 10;

/** @throws UserError `cancelled` when the signal fires. No thread outlives the call. */
export async function findNonce(options: WorkOptions): Promise<bigint> {
  const { work, realm, publicKey, successor } = options;
  assert(Number.isInteger(work) && work >= 0 && work <= WORK_MAX, `work is 0..${WORK_MAX}`);
  if (options.signal?.aborted) throw cancelled();
  const preimage = nodeSearchPreimage(realm, publicKey, successor);
  if (work <= INLINE_WORK_MAX) return findInline(preimage, work);
  const threads = options.threads ?? availableParallelism();
  const workers = Array.from({ length: threads }, (_, start) => {
    const workerData: WorkShare = { preimage, work, start, stride: threads };
    return new Worker(new URL('./work-thread.js', import.meta.url), { workerData });
  });
  const abort = new AbortController();
  try {
    return await firstNonce(workers, options, abort.signal);
  } finally {
    abort.abort();
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function findInline(preimage: Uint8Array, work: number): bigint {
  const count = Number.MAX_SAFE_INTEGER;
  const nonce = searchNonce(preimage, work, { start: 0, stride: 1, count });
  assert(nonce !== undefined, 'some nonce has so little work');
  return BigInt(nonce);
}

/** @param over Fires when nobody waits any more, so that the caller's signal keeps no listener of ours. */
function firstNonce(
  workers: readonly Worker[],
  options: WorkOptions,
  over: AbortSignal,
): Promise<bigint> {
  const { signal, onProgress, work } = options;
  const expected = 2 ** work;
  let done = 0;
  return new Promise<bigint>((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(cancelled()), { once: true, signal: over });
    for (const worker of workers) {
      worker.on('error', reject);
      worker.on('exit', () => reject(new Error('a search thread ended without a nonce')));
      worker.on('message', (report: WorkReport) => {
        done += report.hashes;
        onProgress?.({ done, expected });
        if (report.nonce !== undefined) resolve(BigInt(report.nonce));
      });
    }
  });
}

const cancelled = (): UserError =>
  new UserError('the search for an address was cancelled', { code: 'cancelled' });
