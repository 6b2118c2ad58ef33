/**
 * `npm run check:native`: what of the native plane is not checked everywhere, because it needs more than cargo. It is compiled for
 * arm64 where the standard library for it and a C compiler are (`rustup target add aarch64-unknown-linux-gnu`,
 * Debian's gcc-aarch64-linux-gnu), and its tests run under the address sanitizer where there is a nightly compiler. What
 * cannot be done here is skipped, and said.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cargo } from './build-native.mjs';
import { root } from './set-up.mjs';

const folder = path.join(root, 'native');
const ARM64 = 'aarch64-unknown-linux-gnu';
const ARM64_CC = 'aarch64-linux-gnu-gcc';
const HERE = 'x86_64-unknown-linux-gnu';

const text = (command, args) => {
  const done = spawnSync(command, args, { encoding: 'utf8' });
  return done.status === 0 ? done.stdout.trim() : undefined;
};
const runs = (command, ...args) => text(command, args) !== undefined;

function arm64() {
  const sysroot = text('rustc', ['--print', 'sysroot']);
  if (sysroot === undefined || !existsSync(path.join(sysroot, 'lib', 'rustlib', ARM64, 'lib'))) {
    return { skip: `no standard library for ${ARM64}` };
  }
  if (!runs(ARM64_CC, '--version')) return { skip: `no ${ARM64_CC}` };
  const env = { CC_aarch64_unknown_linux_gnu: ARM64_CC, CARGO_TARGET_DIR: 'target/arm64' };
  return { env, args: ['check', '--locked', '--quiet', '--all-targets', '--target', ARM64] };
}

function addressSanitizer() {
  if (process.arch !== 'x64') return { skip: 'only tried on x86-64' };
  if (!runs(cargo(), '+nightly', '--version')) return { skip: 'no nightly compiler' };
  const env = { RUSTFLAGS: '-Zsanitizer=address', CARGO_TARGET_DIR: 'target/asan' };
  const args = ['+nightly', 'test', '--profile', 'checked', '--locked', '--quiet'];
  return { env, args: [...args, '--no-default-features', '--target', HERE] };
}

let failed = 0;
for (const [name, plan] of [
  ['arm64', arm64()],
  ['address sanitizer', addressSanitizer()],
]) {
  if (plan.skip !== undefined) {
    process.stdout.write(`skip ${name}: ${plan.skip}\n`);
    continue;
  }
  const env = { ...process.env, ...plan.env };
  const done = spawnSync(cargo(), plan.args, { cwd: folder, env, stdio: ['ignore', 2, 2] });
  process.stdout.write(`${done.status === 0 ? 'ok  ' : 'FAIL'} ${name}\n`);
  if (done.status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
