/** The crate's own tests and its fuzz targets, where cargo is; with overflows and assertions checked. */
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const folder = fileURLToPath(new URL('../../../native', import.meta.url));
const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}${homedir()}/.cargo/bin` };

describe('the crate of the native plane', () => {
  it('passes its own tests, and no mutated input makes it panic', function () {
    this.timeout(600_000);
    if (spawnSync('cargo', ['--version'], { env }).status !== 0) this.skip();
    const args = ['test', '--profile', 'checked', '--locked', '--quiet', '--no-default-features'];
    const done = spawnSync('cargo', args, { cwd: folder, env, encoding: 'utf8' });
    expect(done.status, done.stdout + done.stderr).to.equal(0);
    expect(done.stdout).to.match(/test result: ok\. [1-9]/);
  });
});
