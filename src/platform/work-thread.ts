/** One thread of the work search: tries its share of the nonces until it has one or is ended. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../base/assert.js';
import { searchNonce } from './nonce-search.js';
import type { WorkReport, WorkShare } from './work.js';

/** Ours: about 10 ms between reports. */
const BATCH = 16_384;

const share = workerData as WorkShare;
const port = parentPort;
assert(port !== null, 'this file runs as a worker');

for (let start = share.start, found: number | undefined; found === undefined; ) {
  found = searchNonce(share.preimage, share.work, { start, stride: share.stride, count: BATCH });
  const report: WorkReport = { hashes: BATCH, nonce: found };
  port.postMessage(report);
  start += BATCH * share.stride;
}
