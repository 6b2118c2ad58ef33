import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { deriveNode, nodeSearchPreimage } from '../../../src/identity/address.js';
import { nodeCrypto } from '../../../src/platform/crypto.js';
import { searchNonce } from '../../../src/platform/nonce-search.js';
import { findNonce, type WorkProgress } from '../../../src/platform/work.js';

const publicKey = new Uint8Array(32).fill(3);
const successor = new Uint8Array(32);
const workOf = (nonce: bigint): number =>
  deriveNode(nodeCrypto(), 'lab', { publicKey, successor, nonce }).work;

describe('the work search', () => {
  it('needs none for no work', async () => {
    expect(await findNonce({ realm: 'lab', publicKey, successor, work: 0 })).to.equal(0n);
  });

  it('finds the first nonce of its range and misses none', () => {
    const preimage = nodeSearchPreimage('lab', publicKey, successor);
    for (const work of [1, 4, 7, 8, 9]) {
      const found = searchNonce(preimage, work, { start: 0, stride: 1, count: 100_000 });
      if (found === undefined) throw new Error('not found');
      expect(workOf(BigInt(found)), `work ${work}`).to.be.at.least(work);
      for (let nonce = 0; nonce < found; nonce++) expect(workOf(BigInt(nonce))).to.be.below(work);
    }
    expect(searchNonce(preimage, 40, { start: 0, stride: 1, count: 100 })).to.equal(undefined);
  });

  it('writes nonces above 32 bits as the address does', () => {
    const preimage = nodeSearchPreimage('lab', publicKey, successor);
    const start = 2 ** 33 + 5;
    expect(searchNonce(preimage, 0, { start, stride: 1, count: 1 })).to.equal(start);
    const byHand = Buffer.from(preimage);
    byHand.writeBigUInt64BE(BigInt(start), preimage.length - 8);
    const hash = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex');
    expect(hash(preimage)).to.equal(hash(byHand));
  });

  it('works in threads, and says how far it is', async () => {
    const said: WorkProgress[] = [];
    const onProgress = (progress: WorkProgress) => said.push(progress);
    const nonce = await findNonce({
      realm: 'lab',
      publicKey,
      successor,
      work: 15,
      threads: 2,
      onProgress,
    });
    expect(workOf(nonce)).to.be.at.least(15);
    expect(said[0]?.expected).to.equal(32_768);
    expect(said.every(({ done }, i) => done > (said[i - 1]?.done ?? 0))).to.equal(true);
  });

  it('can be cancelled, before and while it runs', async () => {
    const options = { realm: 'lab', publicKey, successor, work: 40, threads: 2 };
    const running = new AbortController();
    const onProgress = (): void => running.abort();
    for (const signal of [AbortSignal.abort(), running.signal]) {
      const outcome = await findNonce({ ...options, signal, onProgress }).catch((e: unknown) => e);
      expect(outcome).to.be.instanceOf(UserError).and.to.include({ code: 'cancelled' });
    }
  });
});
