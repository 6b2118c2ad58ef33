/**
 * `npm run check`: types (layers by project references), format and lint, unused code, generated protobuf current, and
 * where cargo is the same for the native plane.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { cargo, hasCargo } from './build-native.mjs';
import { root } from './set-up.mjs';

const bin = (name) => path.join(root, 'node_modules', '.bin', name);
const steps = [
  ['types', bin('tsc'), ['-b']],
  ['format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']],
  ['unused code', bin('knip'), []],
  ['generated protobuf', process.execPath, ['scripts/gen-proto.mjs', '--check']],
];
if (hasCargo()) {
  const lint = ['clippy', '--release', '--locked', '--quiet', '--', '-D', 'warnings'];
  steps.push(['rust format', cargo(), ['fmt', '--check'], 'native']);
  steps.push(['rust lint', cargo(), lint, 'native']);
} else {
  process.stdout.write('skip rust format and lint: no cargo here\n');
}

let failed = 0;
for (const [name, command, args, folder = '.'] of steps) {
  const started = Date.now();
  const done = spawnSync(command, args, { cwd: path.join(root, folder), stdio: 'inherit' });
  const good = done.status === 0;
  process.stdout.write(
    `${good ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  if (!good) failed++;
}
process.exit(failed === 0 ? 0 : 1);
