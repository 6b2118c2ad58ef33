import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { testNode } from '../../unit/identity/nodes.js';
import { must, run } from '../namespace.js';
import { ALAMESH } from '../routers.js';
import { NOW, nodeText, Repo, statementText, temporary } from './repo.js';

describe('the check of a registry', function () {
  this.timeout(60_000);
  let folder: string;
  let repo: Repo;
  beforeEach(async () => {
    folder = temporary();
    repo = await Repo.init(path.join(folder, 'realm'));
    repo.member(1).member(2).commit('members');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('finds nothing in a good one, nor in a member that joins or renews', async () => {
    expect(await repo.found()).to.deep.equal([]);
    repo.member(3).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal([]);
    repo.member(3, { seq: 2, endpoints: [] }).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal([]);
  });

  const FILE = 'members/h3/node-n.toml';
  const BAD: Readonly<Record<string, readonly [rule: string, text: () => string | Uint8Array]>> = {
    'text that is no TOML': ['signature', () => 'handle = '],
    'another layout': ['form', () => `${nodeText(3)}\n`],
    'a changed field': ['signature', () => nodeText(3).replace('"n"', '"m"')],
    'a field too many': ['signature', () => `${nodeText(3)}seed = "AAAA"\n`],
    'a byte order mark': ['form', () => `\ufeff${nodeText(3)}`],
    'bytes that are no UTF-8': ['form', () => Uint8Array.of(0xff, 0xfe, 0x00)],
    'carriage returns': ['form', () => nodeText(3).replaceAll('\n', '\r\n')],
    'a pointer of LFS': [
      'form',
      () => 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
    ],
    'too many bytes': ['limit', () => 'x'.repeat(20_000)],
    'another realm': ['signature', () => nodeText(3, { realm: 'other' })],
    'another handle': ['name', () => nodeText(3, { handle: 'h9' })],
    'another name': ['name', () => nodeText(3, { name: 'x' })],
    'an expired record': ['expired', () => nodeText(3, { notAfter: NOW - 10 })],
    'a private endpoint': ['endpoint', () => nodeText(3, { endpoints: ['udp://10.0.0.1:1'] })],
    'a taken key': ['duplicate', () => nodeText(3, { noiseKey: new Uint8Array(32).fill(1) })],
    'a deep value': ['signature', () => `x = ${'['.repeat(5_000)}`],
  };
  for (const [what, [rule, text]] of Object.entries(BAD)) {
    it(`refuses ${what}`, async () => {
      repo.write(FILE, text()).commit();
      expect(await repo.found()).to.include(`${rule} ${FILE}`);
      expect(await repo.found('HEAD~1..HEAD')).to.include(`${rule} ${FILE}`);
    });
  }

  for (const [what, mode, file] of [
    ['a symbolic link', '120000', 'members/h3/node-n.toml'],
    ['a submodule', '160000', 'sub'],
    ['what changes how git reads', '100644', '.gitattributes'],
    ['submodules named', '100644', '.gitmodules'],
    ['a handle in upper case', '100644', 'members/H3/node-n.toml'],
    ['folders in a member', '100644', 'members/h3/more/node-n.toml'],
    ['another file of a member', '100644', 'members/h3/notes.txt'],
    ['a deep path', '100644', 'a/b/c/d/e/f/g/h'],
    ['a path that is not ASCII', '100644', 'members/h\u00e9/node-n.toml'],
    ['a path with a newline', '100644', 'a\nb'],
    ['a private file of a router', '100644', 'identity.key'],
    ['a folder that is members but for its case', '100644', 'Members/h3/node-n.toml'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      repo.commitEntry(mode, file);
      expect((await repo.check()).findings.map(({ rule }) => rule)).to.include('layout');
    });
  }

  it('refuses what leads elsewhere on the file system', async () => {
    const blob = repo.git('rev-parse', 'HEAD:realm.toml');
    for (const part of ['..', '.git', '.GIT']) {
      const tree = `100644 blob ${blob}\tx`;
      const inner = await must(['git', '-C', repo.dir, 'mktree'], { input: `${tree}\n` });
      const root = `100644 blob ${blob}\trealm.toml\n040000 tree ${inner.trim()}\t${part}\n`;
      const outer = await must(['git', '-C', repo.dir, 'mktree'], { input: root });
      const commit = repo.git('commit-tree', '-m', 'x', outer.trim());
      expect(await repo.found(commit), part).to.deep.equal([`layout ${part}/x`]);
    }
  });

  it('stops at too many files', async () => {
    const blob = repo.git('rev-parse', 'HEAD:realm.toml');
    const lines = Array.from({ length: 60_000 }, (_, i) => `100644 blob ${blob}\tx${i}\n`);
    const tree = await must(['git', '-C', repo.dir, 'mktree'], { input: lines.join('') });
    const commit = repo.git('commit-tree', '-m', 'x', tree.trim());
    const error = await repo.check(commit).catch((one: Error) => one);
    expect(String(error)).to.match(/more than 50000 files/);
  });

  it('wants numbers that rise', async () => {
    repo.member(2, { endpoints: [] }).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal(['sequence members/h2/node-n.toml']);
    repo.member(2, { seq: 0 }).commit();
    expect(await repo.found('HEAD~2..HEAD')).to.deep.equal(['sequence members/h2/node-n.toml']);
  });

  it('keeps a handle with its keys, and takes another by their word', async () => {
    repo.member(3, { handle: 'h2', name: 'second' }).commit();
    const file = 'members/h2/node-second.toml';
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal([`owner ${file}`]);
    const subject = testNode(3).id;
    const vouch = 'members/h2/vouch-second.toml';
    repo.write(vouch, statementText(1, { kind: 'vouch', handle: 'h2', subject })).commit();
    expect(await repo.found('HEAD~2..HEAD')).to.deep.equal([`owner ${file}`]);
    repo.write(vouch, statementText(2, { kind: 'vouch', handle: 'h2', subject })).commit();
    expect(await repo.found('HEAD~3..HEAD')).to.deep.equal([]);
  });

  it('does not let one take another’s place', async () => {
    repo.write('members/h2/node-n.toml', nodeText(3, { handle: 'h2', seq: 99 })).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.include.members([
      'owner members/h2/node-n.toml',
      'removed members/h2/node-n.toml',
    ]);
  });

  it('lets a change touch the files of one handle only', async () => {
    repo.member(1, { seq: 2 }).member(2, { seq: 2 }).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal(['author members/h2/node-n.toml']);
    expect(await repo.found('HEAD~1..HEAD', true)).to.deep.equal([]);
    repo.member(1, { seq: 3 }).write('README.md', 'mine').commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal(['author README.md']);
    repo.write('README.md', 'keeper').commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal([]);
  });

  it('wants a tombstone of who goes, and believes only the key itself', async () => {
    const { id } = testNode(2);
    repo.remove('members/h2/node-n.toml').commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal(['removed members/h2/node-n.toml']);
    const file = `tombstones/${id}.toml`;
    repo.write(file, statementText(1, { kind: 'tombstone', handle: 'h2', subject: id })).commit();
    expect(await repo.found()).to.deep.equal([`signature ${file}`]);
    repo.write(file, statementText(2, { kind: 'tombstone', handle: 'h2' })).commit();
    expect(await repo.found('HEAD~3..HEAD')).to.deep.equal([]);
  });

  it('keeps tombstones: the key does not come back, the handle is nobody’s', async () => {
    const file = `tombstones/${testNode(2).id}.toml`;
    repo.remove('members/h2/node-n.toml');
    repo.write(file, statementText(2, { kind: 'tombstone', handle: 'h2' })).commit();
    repo.member(2, { seq: 9 }).commit();
    expect(await repo.found()).to.deep.equal(['tombstone members/h2/node-n.toml']);
    repo.remove(file).commit();
    expect(await repo.found('HEAD~2..HEAD')).to.include('tombstone members/h2/node-n.toml');
    repo.remove('members/h2/node-n.toml').commit();
    expect(await repo.found('HEAD~3..HEAD')).to.deep.equal([`tombstone ${file}`]);
    repo.git('checkout', '--quiet', 'HEAD~3');
    repo.member(3, { handle: 'h2' }).commit();
    expect(await repo.found('HEAD~1..HEAD')).to.deep.equal(['owner members/h2/node-n.toml']);
  });

  it('keeps the realm', async () => {
    repo.write('realm.toml', 'realm = "x"\n').commit();
    expect(await repo.found()).to.deep.equal(['realm realm.toml']);
  });

  it('runs nothing of the repository', async () => {
    const mark = path.join(folder, 'ran');
    for (const key of ['core.fsmonitor', 'core.sshCommand', 'diff.external', 'core.pager']) {
      repo.git('config', key, `touch ${mark}`);
    }
    repo.git('config', 'filter.x.smudge', `touch ${mark}`);
    for (const hook of ['post-checkout', 'reference-transaction', 'pre-commit']) {
      repo.write(`.git/hooks/${hook}`, `#!/bin/sh\ntouch ${mark}\n`);
    }
    await must(['chmod', '-R', '+x', path.join(repo.dir, '.git/hooks')]);
    expect(await repo.found()).to.deep.equal([]);
    expect((await run(['test', '-e', mark])).status).to.equal(1);
  });

  it('says file, line and what to do on the command line, with exit codes', async () => {
    const alamesh = (...words: string[]) => run([ALAMESH, 'registry', 'check', '--dir', ...words]);
    expect((await alamesh(repo.dir)).status).to.equal(0);
    repo.member(3, { endpoints: ['udp://192.168.1.1:4242'] }).commit();
    const bad = await alamesh(repo.dir);
    expect(bad.status).to.equal(1);
    expect(bad.stdout).to.match(
      /^members\/h3\/node-n\.toml:9 udp:\/\/192\.168\.1\.1:4242 is a private/,
    );
    const { schema, findings } = JSON.parse((await alamesh(repo.dir, '--json')).stdout);
    expect(schema).to.equal('alamesh.registry.check/1');
    expect(findings[0]).to.include({ file: 'members/h3/node-n.toml', line: 9 });
    expect((await alamesh(repo.dir, 'nothing..HEAD')).status).to.equal(2);
    expect((await alamesh(repo.dir, '--output=x')).status).to.equal(2);
    expect((await alamesh(folder)).status).to.equal(4);
  });

  it('guards a bare repository as its pre-receive hook', async () => {
    const bare = path.join(folder, 'bare.git');
    repo.git('clone', '--quiet', '--bare', repo.dir, bare);
    await must(['cp', path.join(repo.dir, 'hooks/pre-receive'), path.join(bare, 'hooks/')]);
    const env = { PATH: `${path.dirname(ALAMESH)}:${process.env.PATH}` };
    const push = () => run(['git', '-C', repo.dir, 'push', '--force', bare, 'main'], { env });
    repo.member(3).commit();
    expect((await push()).status).to.equal(0);
    repo.member(4, { notAfter: 5 }).commit();
    const refused = await push();
    expect(refused.status).to.not.equal(0);
    expect(refused.stderr).to.include('members/h4/node-n.toml:');
    repo.git('reset', '--quiet', '--hard', 'HEAD~2');
    expect((await push()).stderr).to.include('not rewritten');
  });
});
