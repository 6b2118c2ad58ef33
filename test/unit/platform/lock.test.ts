import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { lockDirectory } from '../../../src/platform/lock.js';

describe('the lock of a state directory', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'alamesh-lock-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const refusal = (where: string): UserError => {
    try {
      lockDirectory(where).release();
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
    throw new Error('the lock was given');
  };

  it('is given to one at a time, and names the other', () => {
    const first = lockDirectory(directory);
    const error = refusal(directory);
    expect(error.code).to.equal('in-use');
    expect(error.exit).to.equal(1);
    expect(error.message).to.equal(
      `another router (pid ${process.pid}) uses the state directory ${directory}`,
    );
    first.release();
    first.release();
    lockDirectory(directory).release();
  });

  it('is private, and holds the pid alone', () => {
    const lock = lockDirectory(directory);
    const file = path.join(directory, 'lock');
    expect(readFileSync(file, 'latin1')).to.equal(`${process.pid}\n`);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    lock.release();
  });

  it('falls free when its process dies', () => {
    const module = new URL('../../../src/platform/lock.js', import.meta.url).href;
    const script = `import(${JSON.stringify(module)}).then(({ lockDirectory }) => {
      lockDirectory(${JSON.stringify(directory)});
      process.kill(process.pid, 'SIGKILL');
    })`;
    expect(spawnSync(process.execPath, ['-e', script]).signal).to.equal('SIGKILL');
    expect(readFileSync(path.join(directory, 'lock'), 'latin1')).to.match(/^\d+\n$/);
    lockDirectory(directory).release();
  });

  it('says why a directory cannot be locked', () => {
    const error = refusal(path.join(directory, 'absent'));
    expect(error.code).to.equal('lock-failed');
    expect(error.message).to.match(/ENOENT/);
  });
});
