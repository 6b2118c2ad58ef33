/**
 * `npm test [-- GROUP…] [--grep WORDS]`: set-up, build, then every group of tests in a process of its own; the last
 * line is `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, setUp, TEST_TOOLS } from './set-up.mjs';

const GROUPS = ['unit', 'property', 'contract', 'fuzz', 'sim', 'interop', 'integration'];
/** A group that takes longer is broken. */
const GROUP_MINUTES_MAX = 20;

const argv = process.argv.slice(2);
const grepAt = argv.indexOf('--grep');
const grep = grepAt >= 0 ? argv.splice(grepAt, 2) : [];
const wanted = argv.length > 0 ? argv : GROUPS;
for (const group of wanted) {
  if (!GROUPS.includes(group)) {
    process.stderr.write(`no group of tests is called ${group}: ${GROUPS.join(' ')}\n`);
    process.exit(2);
  }
}

setUp({ tools: TEST_TOOLS, projects: ['.'], required: false });

const results = mkdtempSync(path.join(tmpdir(), 'alamesh-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const group of wanted) runGroup(group);
} finally {
  rmSync(results, { recursive: true, force: true });
}
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

function runGroup(group) {
  if (!existsSync(path.join(root, 'dist', 'test', group))) return;
  process.stdout.write(`\n== ${group}\n`);
  const file = path.join(results, `${group}.json`);
  const mocha = path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const args = [
    '--reporter',
    path.join(root, 'scripts', 'reporter.cjs'),
    '--reporter-option',
    `file=${file}`,
  ];
  const done = spawnSync(
    process.execPath,
    [mocha, '--exit', '--timeout', '20000', ...args, ...grep, `dist/test/${group}/**/*.test.js`],
    { cwd: root, stdio: 'inherit', timeout: GROUP_MINUTES_MAX * 60_000 },
  );
  if (!existsSync(file)) {
    process.stdout.write(
      `the ${group} tests did not finish (${done.signal ?? `exit ${done.status}`})\n`,
    );
    total.failed += 1;
    return;
  }
  const counts = JSON.parse(readFileSync(file, 'utf8'));
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}
