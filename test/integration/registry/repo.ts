/** Real git repositories in a temporary folder, and members with real keys that write into them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { NodeId } from '../../../src/base/ip6.js';
import { formatNodeFile } from '../../../src/identity/node-file.js';
import { signNode, verifyNode } from '../../../src/identity/records.js';
import { Git } from '../../../src/platform/git.js';
import { type Statement, signStatement } from '../../../src/registry/statement.js';
import { type Checked, checkRange } from '../../../src/router/registry/read.js';
import { initRegistry } from '../../../src/router/registry/scaffold.js';
import type { NodeRecordBody } from '../../../src/wire/types.js';
import { crypto, REALM, testNode } from '../../unit/identity/nodes.js';

export const NOW = Math.floor(Date.now() / 1000);
const YEAR = 365 * 86_400;

export const temporary = (): string => mkdtempSync(path.join(tmpdir(), 'alamesh-registry-'));

/** The text of a node file of member `number`. */
export function nodeText(number: number, change: Partial<NodeRecordBody> = {}): string {
  const { seed, body } = testNode(number, {
    ...{ handle: `h${number}`, name: 'n', notAfter: NOW + YEAR, realm: REALM },
    ...{ endpoints: [`udp://198.51.100.${number % 250}:4242`], ...change },
  });
  const record = signNode(crypto, seed, body);
  const verified = verifyNode(crypto, record, { realm: body.realm, work: 0, nowSeconds: 0 });
  if (!verified.ok) throw new Error(verified.error);
  return formatNodeFile(verified.value);
}

export function statementText(
  number: number,
  what: Pick<Statement, 'kind' | 'handle'> & { readonly subject?: NodeId },
): string {
  const { seed, proof, id } = testNode(number);
  return signStatement(crypto, seed, { subject: id, ...what, realm: REALM, proof, at: NOW });
}

/** A clone with a working tree. */
export class Repo {
  readonly dir: string;

  constructor(dir: string) {
    this.dir = dir;
  }

  static async init(dir: string, work = 0): Promise<Repo> {
    await initRegistry(dir, { realm: REALM, work, privateEndpoints: false });
    return new Repo(dir);
  }

  git(...words: string[]): string {
    const who = ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgSign=false'];
    return execFileSync('git', [...who, '-C', this.dir, ...words], { encoding: 'utf8' }).trim();
  }

  write(file: string, text: string | Uint8Array): this {
    mkdirSync(path.dirname(path.join(this.dir, file)), { recursive: true });
    writeFileSync(path.join(this.dir, file), text);
    return this;
  }

  remove(file: string): this {
    rmSync(path.join(this.dir, file));
    return this;
  }

  /** Puts member `number` at its place. */
  member(number: number, change: Partial<NodeRecordBody> = {}): this {
    const { handle = `h${number}`, name = 'n' } = change;
    return this.write(`members/${handle}/node-${name}.toml`, nodeText(number, change));
  }

  commit(message = 'change'): string {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  /** An entry that no working tree can hold. */
  commitEntry(mode: string, file: string, content = 'x'): string {
    const blob = execFileSync('git', ['-C', this.dir, 'hash-object', '-w', '--stdin'], {
      ...{ input: content, encoding: 'utf8' },
    }).trim();
    const object = mode === '160000' ? this.git('rev-parse', 'HEAD') : blob;
    this.git('update-index', '--add', '--cacheinfo', `${mode},${object},${file}`);
    this.git('commit', '--quiet', '-m', 'entry');
    return this.git('rev-parse', 'HEAD');
  }

  check(range = 'HEAD', anyAuthor = false): Promise<Checked> {
    return checkRange(new Git(this.dir), { range, nowSeconds: NOW, anyAuthor });
  }

  /** `rule file` of each finding. */
  async found(range?: string, anyAuthor?: boolean): Promise<string[]> {
    const { findings } = await this.check(range, anyAuthor);
    return findings.map(({ rule, file }) => `${rule} ${file}`);
  }
}
