import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { ensureDirectory, readBounded, writeFileAtomic } from '../../../src/platform/files.js';

async function failure(work: Promise<unknown>): Promise<UserError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('files', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-files-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('are written whole, with their mode whatever the umask, and replaced', async () => {
    const file = path.join(dir, 'a');
    const umask = process.umask(0o077);
    try {
      await writeFileAtomic(file, 'one', 0o644);
      await writeFileAtomic(file, Uint8Array.of(116, 119, 111), 0o640);
    } finally {
      process.umask(umask);
    }
    expect(readFileSync(file, 'utf8')).to.equal('two');
    expect(statSync(file).mode & 0o777).to.equal(0o640);
    expect(readdirSync(dir)).to.deep.equal(['a']);
  });

  it('are not replaced when that is not wanted, not even by one of many at once', async () => {
    const file = path.join(dir, 'a');
    const writes = [1, 2, 3, 4].map((n) =>
      writeFileAtomic(file, `${n}`, 0o600, { replace: false }),
    );
    const done = await Promise.allSettled(writes);
    expect(done.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    const error = await failure(writeFileAtomic(file, 'x', 0o600, { replace: false }));
    expect(error).to.include({ code: 'exists', exit: 1, file });
    expect(readdirSync(dir)).to.deep.equal(['a']);
  });

  it('leave nothing behind when writing fails', async () => {
    mkdirSync(path.join(dir, 'taken', 'inner'), { recursive: true });
    const error = await failure(writeFileAtomic(path.join(dir, 'taken'), 'x'));
    expect(error.code).to.be.oneOf(['is-directory', 'exists']);
    expect(readdirSync(dir)).to.deep.equal(['taken']);
    expect(await failure(writeFileAtomic(path.join(dir, 'no', 'a'), 'x'))).to.include({
      code: 'not-found',
      exit: 1,
    });
  });

  it('are read up to their bound, also from a pipe', async () => {
    const file = path.join(dir, 'a');
    writeFileSync(file, 'x'.repeat(100));
    expect(await readBounded(file, 100)).to.have.length(100);
    expect(await failure(readBounded(file, 99))).to.include({ code: 'file-too-large', exit: 4 });
    const pipe = path.join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [bytes] = await Promise.all([
      readBounded(pipe, 10),
      Promise.resolve().then(() => execFileSync('sh', ['-c', `printf hello > ${pipe} &`])),
    ]);
    expect(Buffer.from(bytes).toString()).to.equal('hello');
  });

  it('that cannot be read say which and why', async () => {
    const missing = path.join(dir, 'none');
    const error = await failure(readBounded(missing, 10));
    expect(error.message).to.equal(`cannot read ${missing}: no such file or directory`);
    expect(error).to.include({ code: 'not-found', exit: 4 });
    expect(await failure(readBounded(dir, 10))).to.include({ code: 'is-directory', exit: 4 });
  });

  it('lie in directories that are made private', async () => {
    const deep = path.join(dir, 'x', 'y');
    await ensureDirectory(deep);
    expect([deep, path.dirname(deep)].map((d) => statSync(d).mode & 0o777)).to.deep.equal([
      0o700, 0o700,
    ]);
    await ensureDirectory(deep);
    writeFileSync(path.join(dir, 'f'), '');
    expect((await failure(ensureDirectory(path.join(dir, 'f')))).code).to.be.oneOf([
      'exists',
      'not-a-directory',
    ]);
  });
});
