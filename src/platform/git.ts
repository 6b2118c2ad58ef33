/**
 * The real `git`, as a child process that can do no harm: no hooks, no helpers, no questions, no other protocols, bounded
 * in time and bytes. Nothing of a repository is ever run or checked out.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { EXIT, UserError } from '../base/errors.js';

export interface GitOptions {
  /** Default 30 s. */
  readonly timeoutMsec?: number;
  /** Of stdout; default 1 MiB. */
  readonly bytesMax?: number;
  readonly signal?: AbortSignal | undefined;
  /** The person's own settings apply: their name, their signing, in their own clone. */
  readonly own?: boolean;
}

export interface GitResult {
  readonly status: number;
  readonly stdout: string;
  /** The last line that says something, without escape sequences. */
  readonly trouble: string;
}

/** Ours: a file of a pack that a hostile host may make us write. */
const FETCH_FILE_MIB_MAX = 512;
const STDERR_BYTES_MAX = 16_384;

const SAFE = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.fsmonitor=false', '-c', 'core.askPass='],
  ...['-c', 'protocol.allow=never', '-c', 'protocol.ext.allow=never'],
  ...['file', 'git', 'ssh', 'http', 'https'].flatMap((name) => [
    '-c',
    `protocol.${name}.allow=always`,
  ]),
  ...['-c', 'credential.helper=', '-c', 'safe.directory=*', '-c', 'gc.auto=0'],
  ...['-c', 'maintenance.auto=false', '-c', 'submodule.recurse=false'],
];

/** What git needs of our surroundings; a hook's quarantine is among it. */
const KEPT = [
  ...['PATH', 'HOME', 'TMPDIR', 'SSH_AUTH_SOCK', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
  ...['http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_QUARANTINE_PATH'],
];

function environment(own: boolean): NodeJS.ProcessEnv {
  const kept = KEPT.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const alone = own ? {} : { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  return {
    ...Object.fromEntries(kept),
    ...{ LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_NO_REPLACE_OBJECTS: '1', ...alone },
    ...{ GIT_OPTIONAL_LOCKS: '0', GIT_SSH_COMMAND: 'ssh -oBatchMode=yes -oConnectTimeout=15' },
  };
}

export class Git {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** @throws UserError when there is no git, or it took too long or said too much. */
  async run(words: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    const parts: Buffer[] = [];
    const { status, trouble } = await this.read(words, (part) => parts.push(part), options);
    return { status, trouble, stdout: Buffer.concat(parts).toString('utf8') };
  }

  /** As `run`. @throws UserError also when git fails. @returns stdout without the last newline. */
  async must(words: readonly string[], options: GitOptions = {}): Promise<string> {
    const { status, stdout, trouble } = await this.run(words, options);
    if (status === 0) return stdout.replace(/\n$/, '');
    throw new UserError(`git ${words[0]}: ${trouble || `exit ${status}`}`, { code: 'git' });
  }

  /** stdout part by part, as bytes. */
  async read(
    words: readonly string[],
    each: (part: Buffer) => void,
    options: GitOptions = {},
  ): Promise<{ readonly status: number; readonly trouble: string }> {
    const { timeoutMsec = 30_000, bytesMax = 1 << 20, own = false } = options;
    const child = this.start(words, own);
    child.stdin.end();
    let stopped = '';
    const stop = (why: string): void => {
      stopped ||= why;
      kill(child);
    };
    const timer = setTimeout(() => stop(`took over ${timeoutMsec / 1000} s`), timeoutMsec);
    const onAbort = (): void => stop('was cancelled');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    let bytes = 0;
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > bytesMax) stop(`gave over ${bytesMax} bytes`);
      else if (stopped === '') each(part);
    });
    try {
      const ended = await endOf(child);
      if (stopped === '') return ended;
      throw new UserError(`git ${words[0]} ${stopped}`, { code: 'git-limit' });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    }
  }

  /** A child in a group of its own, so that its helpers end with it. */
  start(words: readonly string[], own = false): ChildProcessWithoutNullStreams {
    const argv = [...(own ? SAFE.slice(0, 4) : SAFE), '-C', this.dir, ...words];
    const limited = words[0] === 'fetch';
    const shell = ['-c', `ulimit -f ${FETCH_FILE_MIB_MAX * 2048}; exec git "$@"`, 'git', ...argv];
    return spawn(limited ? '/bin/sh' : 'git', limited ? shell : argv, {
      ...{ env: environment(own), stdio: 'pipe', detached: true },
    });
  }
}

export function kill(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

function endOf(
  child: ChildProcessWithoutNullStreams,
): Promise<{ readonly status: number; readonly trouble: string }> {
  let stderr = '';
  child.stderr.on('data', (part: Buffer) => {
    if (stderr.length < STDERR_BYTES_MAX) stderr += part.toString('latin1');
  });
  child.stdin.on('error', () => {});
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(noGit(cause)));
    child.once('close', (code) => resolve({ status: code ?? -1, trouble: lastWords(stderr) }));
  });
}

const noGit = (cause: Error): UserError =>
  new UserError(`cannot run git: ${cause.message}`, {
    ...{ code: 'no-git', hint: 'install git, or mend the folder that was given', cause },
    exit: EXIT.failed,
  });

/** What a remote host says goes to a terminal: printable characters only. */
function lastWords(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => /^(?:fatal|error|remote):/.test(line));
  const line = lines.find((one) => one.startsWith('fatal:')) ?? lines.at(-1) ?? '';
  return line.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
}
