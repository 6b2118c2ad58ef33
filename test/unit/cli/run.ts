/** Runs `bin/alamesh` as a script would: own environment, pipes for a terminal. */
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export const ALAMESH = path.resolve(process.cwd(), 'bin/alamesh');

/** @param env Added to an environment that says nothing of alamesh. */
export function run(words: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('ALAMESH_'));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [ALAMESH, ...words], {
      env: { ...Object.fromEntries(clean), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
}

export const temporaryFolder = (): string => mkdtempSync(path.join(tmpdir(), 'alamesh-test-'));
