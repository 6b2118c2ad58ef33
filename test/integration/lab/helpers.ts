/** Labs of the tests: files in a folder of their own, names of this run, and what is left of them. */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const CLI = path.resolve('dist/test/integration/lab/cli.js');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One lab of a test. */
export class TestLab {
  readonly name = `t${process.pid}-${Math.random().toString(36).slice(2, 7)}`;
  readonly folder = mkdtempSync(path.join(tmpdir(), 'lab-it-'));
  readonly file = path.join(this.folder, 'lab.clab.yml');
  /** A program that stands in for the routers'; empty: bin/alamesh. */
  router = '';
  /** Run the commands as this user. */
  uid: number | undefined;

  constructor(topology: string) {
    chmodSync(this.folder, 0o755);
    writeFileSync(this.file, `name: ${this.name}\ntopology:\n${topology}`);
  }

  ns(node: string): string {
    return `clab-${this.name}-${node}`;
  }

  /** Makes the routers' program a script. */
  routerScript(lines: string): void {
    this.router = path.join(this.folder, 'alamesh');
    writeFileSync(this.router, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  }

  #argv(command: string, args: readonly string[]): string[] {
    const user = this.uid === undefined ? [] : this.#asUser(this.uid);
    return [...user, process.execPath, CLI, 'lab', command, '-t', this.file, ...args];
  }

  #asUser(uid: number): string[] {
    return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  }

  #options(): SpawnOptions {
    const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
    delete env.ALAMESH_LAB_BIN;
    if (this.router !== '') env.ALAMESH_LAB_BIN = this.router;
    return { env };
  }

  run(command: string, ...args: string[]): Ran {
    const [program = '', ...rest] = this.#argv(command, args);
    const options = { ...this.#options(), encoding: 'utf8' as const, timeout: 60_000 };
    return spawnSync(program, rest, options);
  }

  /** As `run`. @throws Error with what it said unless it exits 0. */
  must(command: string, ...args: string[]): string {
    const ran = this.run(command, ...args);
    if (ran.status !== 0) throw new Error(`lab ${command}: exit ${ran.status}: ${ran.stderr}`);
    return ran.stdout;
  }

  /** Starts a command, waits until `reached`, sends a signal; its exit status. */
  async interrupt(
    command: string,
    reached: () => boolean,
    signal: NodeJS.Signals,
  ): Promise<number | null> {
    const [program = '', ...rest] = this.#argv(command, []);
    const child = spawn(program, rest, { ...this.#options(), stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    const end = Date.now() + 20_000;
    while (!reached() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill(signal);
    return await ended;
  }

  /** What is on the machine of this lab: namespaces, files, processes. */
  left(): string[] {
    const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
    const files = [...list('/run/alamesh/labs'), ...list('/run/netns')];
    return files.filter((name) => name.includes(this.name));
  }

  end(): void {
    this.run('destroy');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const isRoot = process.getuid?.() === 0;

/** Whether the machine has all of these. */
export const hasTools = (...names: string[]): boolean =>
  names.every((name) => {
    const folders = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`.split(':');
    return folders.some((folder) => existsSync(path.join(folder, name)));
  });

export const interfaces = (): string[] => readdirSync('/sys/class/net');
