/** What `npm run demo`, `npm test` and `npm run bench` do first, with nothing but Node and npm. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNative } from './build-native.mjs';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Program → Debian package. */
const PACKAGES = {
  ip: 'iproute2',
  ping: 'iputils-ping',
  nft: 'nftables',
  iperf3: 'iperf3',
  traceroute: 'traceroute',
  tcpdump: 'tcpdump',
  'wireguard-go': 'wireguard-go',
  wg: 'wireguard-tools',
  unshare: 'util-linux',
};
export const DEMO_TOOLS = ['ip', 'ping', 'nft', 'iperf3', 'unshare'];
export const TEST_TOOLS = [...DEMO_TOOLS, 'traceroute', 'tcpdump', 'wireguard-go', 'wg'];

const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`;

export function hasTool(name) {
  return searchPath.split(':').some((dir) => dir !== '' && existsSync(path.join(dir, name)));
}

export function die(message) {
  process.stderr.write(`alamesh: ${message}\n`);
  process.exit(1);
}

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (done.error) die(`${command} did not start: ${done.error.message}`);
  return done.status ?? 1;
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    die(`Node ${process.versions.node} is too old: alamesh needs 20.19 or newer`);
  }
}

/** `npm ci` when the lock file changed since the last time (its hash is kept in node_modules). */
function installDependencies() {
  const stamp = path.join(root, 'node_modules', '.alamesh-lock');
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('set-up: npm ci\n');
  const env = { ...process.env, npm_config_loglevel: 'error', ALAMESH_SKIP_BUILD: '1' };
  if (run('npm', ['ci', '--engine-strict', '--no-audit', '--no-fund'], { env }) !== 0) {
    die('npm ci failed: see above');
  }
  mkdirSync(path.dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

/** As root on Debian installs what is missing by name; else says what to install. */
function installTools(tools, { required }) {
  const missing = tools.filter((tool) => !hasTool(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))];
  if (process.getuid?.() === 0 && hasTool('apt-get')) {
    process.stderr.write(`set-up: apt-get install ${packages.join(' ')}\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=200', 'update'], { env });
    const install = [
      '-qq',
      '-y',
      '-o',
      'DPkg::Lock::Timeout=200',
      'install',
      '--no-install-recommends',
    ];
    run('apt-get', [...install, ...packages], { env });
  }
  const left = tools.filter((tool) => !hasTool(tool));
  if (left.length === 0) return;
  const names = [...new Set(left.map((tool) => PACKAGES[tool]))].join(' ');
  const message = `${left.join(', ')} not found: install ${names} (Debian: sudo apt-get install ${names})`;
  if (required) die(message);
  process.stderr.write(`set-up: ${message}; the tests that need it are skipped\n`);
}

/** Compiles the given TypeScript projects, relative to the root. */
export function build(projects) {
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) die('typescript is not installed: run `npm ci` without --omit=dev');
  if (run(process.execPath, [tsc, '-b', ...projects]) !== 0) die('the build failed: see above');
}

export const PRODUCT = ['src/main', 'src/lab', 'src/sim', 'transports/memory'];

export function setUp({ tools, projects, required }) {
  checkNode();
  installDependencies();
  installTools(tools, { required });
  build(projects);
  buildNative();
}

/** The commit, for outputs that must say what they measured. */
export function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown';
  }
}
