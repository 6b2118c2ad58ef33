/** Builds the native plane where cargo is, and says so where it is not: the portable plane serves then. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'native');
const product = path.join(folder, 'alamesh-plane.node');
const library = path.join(folder, 'target', 'release', 'libalamesh_plane.so');

const say = (message) => process.stderr.write(`alamesh: ${message}\n`);

/** Newest change of what the product is made from. */
function newestSource() {
  const files = [path.join(folder, 'Cargo.toml'), path.join(folder, 'Cargo.lock')];
  const sources = path.join(folder, 'src');
  for (const name of readdirSync(sources, { recursive: true })) {
    if (name.endsWith('.rs')) files.push(path.join(sources, name));
  }
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

export function cargo() {
  const own = path.join(homedir(), '.cargo', 'bin', 'cargo');
  return existsSync(own) ? own : 'cargo';
}

/** With rustfmt and clippy. */
export function hasCargo() {
  return ['fmt', 'clippy'].every((tool) => spawnSync(cargo(), [tool, '--version']).status === 0);
}

/** @returns false when there is no native plane afterwards. */
export function buildNative() {
  if (process.env.ALAMESH_SKIP_NATIVE === '1') return existsSync(product);
  if (process.platform !== 'linux') {
    say('the native plane is for Linux: the portable plane is used');
    return false;
  }
  if (existsSync(product) && statSync(product).mtimeMs > newestSource()) return true;
  const args = ['build', '--release', '--locked', '--quiet'];
  const done = spawnSync(cargo(), args, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (done.error?.code === 'ENOENT') {
    say(
      'no cargo here, so no native plane: the portable plane is used (Debian: apt-get install cargo)',
    );
    return false;
  }
  if (done.status !== 0) {
    say('the native plane did not build: the portable plane is used');
    return false;
  }
  mkdirSync(folder, { recursive: true });
  copyFileSync(library, `${product}.new`);
  // A router that runs keeps the file that it has mapped.
  renameSync(`${product}.new`, product);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = buildNative() ? 0 : 1;
