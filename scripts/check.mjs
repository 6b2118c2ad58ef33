/** `npm run check`: types (layers by project references), format and lint, unused code, generated protobuf current. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from './set-up.mjs';

const bin = (name) => path.join(root, 'node_modules', '.bin', name);
const steps = [
  ['types', bin('tsc'), ['-b']],
  ['format and lint', bin('biome'), ['ci', '--error-on-warnings', '.']],
  ['unused code', bin('knip'), []],
  ['generated protobuf', process.execPath, ['scripts/gen-proto.mjs', '--check']],
];

let failed = 0;
for (const [name, command, args] of steps) {
  const started = Date.now();
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  const good = done.status === 0;
  process.stdout.write(
    `${good ? 'ok  ' : 'FAIL'} ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`,
  );
  if (!good) failed++;
}
process.exit(failed === 0 ? 0 : 1);
