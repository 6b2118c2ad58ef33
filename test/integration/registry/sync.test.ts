import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { RegistrySync } from '../../../src/router/registry/sync.js';
import { REALM, testNode } from '../../unit/identity/nodes.js';
import { nodeText, Repo, statementText, temporary } from './repo.js';

describe('the sync of a registry', function () {
  this.timeout(60_000);
  let folder: string;
  let repo: Repo;
  let url: string;
  beforeEach(async () => {
    folder = temporary();
    mkdirSync(path.join(folder, 'state'));
    repo = await Repo.init(path.join(folder, 'realm'));
    for (let i = 1; i <= 3; i++) repo.member(i);
    repo.commit('members');
    url = `file://${repo.dir}`;
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const open = () =>
    RegistrySync.open({ dir: path.join(folder, 'state'), realm: REALM, now: Date.now });
  const names = ({ state }: RegistrySync) =>
    (state.inForce?.members ?? []).map(({ handle, absent }) => handle + (absent ? '?' : ''));
  const refused = async (sync: RegistrySync, from = url): Promise<string> => {
    const error = await sync.sync([from]).catch((one: unknown) => one);
    return error instanceof Error && 'code' in error ? String(error.code) : `none: ${error}`;
  };

  it('applies what is good, tells what is the same, and starts from its file offline', async () => {
    const sync = await open();
    expect((await sync.sync([url])).outcome).to.equal('applied');
    expect((await sync.sync([url])).outcome).to.equal('unchanged');
    repo.member(4).commit();
    expect((await sync.sync([url])).difference.added).to.deep.equal(['n.h4']);
    rmSync(repo.dir, { recursive: true });
    expect(await refused(sync)).to.equal('unreachable');
    expect(names(await open())).to.deep.equal(['h1', 'h2', 'h3', 'h4']);
  });

  it('takes a mirror when the first is silent or behind', async () => {
    const sync = await open();
    await sync.sync([url]);
    const behind = path.join(folder, 'behind.git');
    repo.git('clone', '--quiet', '--bare', repo.dir, behind);
    repo.member(4).commit();
    const urls = [`file://${folder}/none`, behind, url];
    expect((await sync.sync(urls)).outcome).to.equal('applied');
    expect(await refused(sync, behind)).to.equal('rollback');
  });

  it('keeps what was in force when the new state is forged', async () => {
    const sync = await open();
    await sync.sync([url]);
    const good = sync.state.inForce?.head;
    repo
      .write('members/h2/node-n.toml', nodeText(2).replace('198.51.100.2', '198.51.100.9'))
      .commit();
    expect(await refused(sync)).to.equal('bad-registry');
    repo.git('revert', '--no-edit', 'HEAD');
    repo.member(9, { handle: 'h2', name: 'mine' }).commit();
    expect(await refused(sync)).to.equal('bad-registry');
    expect(sync.state.inForce?.head).to.equal(good);
    expect(sync.state.lastError).to.include('members/h2/node-mine.toml');
  });

  it('refuses an older state and a rewritten history', async () => {
    const sync = await open();
    const first = repo.git('rev-parse', 'HEAD');
    repo.member(4).commit();
    await sync.sync([url]);
    repo.git('reset', '--quiet', '--hard', first);
    expect(await refused(sync)).to.equal('rollback');
    repo.member(5).commit();
    expect(await refused(sync)).to.equal('rewritten');
    expect(names(sync)).to.deep.equal(['h1', 'h2', 'h3', 'h4']);
  });

  it('keeps who is absent, drops who has a tombstone', async () => {
    const sync = await open();
    await sync.sync([url]);
    repo.remove('members/h1/node-n.toml').remove('members/h2/node-n.toml');
    const file = `tombstones/${testNode(2).id}.toml`;
    repo.write(file, statementText(2, { kind: 'tombstone', handle: 'h2' })).commit();
    const { difference } = await sync.sync([url]);
    expect(difference.ended).to.deep.equal(['n.h2']);
    expect(difference.absent).to.deep.equal(['n.h1']);
    expect(names(sync)).to.deep.equal(['h3', 'h1?']);
    repo.member(7, { handle: 'h1' }).commit();
    expect(await refused(sync), 'the handle of who is absent').to.equal('bad-registry');
  });

  it('leaves an expired member in peace: time alone refuses nobody else', async () => {
    repo.member(3, { seq: 2, notAfter: 1_000 }).commit();
    const sync = await open();
    expect((await sync.sync([url])).outcome).to.equal('applied');
  });

  it('lets a change of many members wait for a person', async () => {
    const sync = await open();
    await sync.sync([url]);
    const before = sync.state.inForce?.head;
    for (let i = 10; i < 16; i++) repo.member(i);
    const head = repo.commit();
    expect((await sync.sync([url])).outcome).to.equal('pending');
    expect(sync.state.inForce?.head).to.equal(before);
    expect(sync.state.pending?.added).to.have.length(6);
    const again = await open();
    expect(await again.approve('abcdefabcdef').catch((error: Error) => error.message)).to.include(
      head,
    );
    await again.approve(head.slice(0, 10));
    expect((await again.sync([url])).outcome).to.equal('applied');
    expect(names(again)).to.have.length(9);
    expect(again.state.pending).to.equal(undefined);
  });

  it('refuses another realm, other protocols, and a damaged state file', async () => {
    const other = await RegistrySync.open({
      ...{ dir: path.join(folder, 'state'), realm: 'other', now: Date.now },
    });
    expect(await refused(other)).to.equal('wrong-realm');
    for (const bad of ['ext::sh -c "touch x"', '--upload-pack=x', 'fd::0', '', 'realm']) {
      expect(await refused(other, bad), bad).to.equal('bad-url');
    }
    const registry = path.join(folder, 'state/registry');
    const progress = readFileSync(path.join(registry, 'progress.json'), 'utf8');
    expect(JSON.parse(progress).lastError).to.not.equal('');
    writeFileSync(path.join(registry, 'in-force.json'), '{');
    const error = await open().catch((one: unknown) => one);
    expect(error).to.include({ code: 'bad-state', exit: 4 });
  });

  it('throws away what it refused', async () => {
    const sync = await open();
    await sync.sync([url]);
    const mirror = new Repo(path.join(folder, 'state/registry/mirror.git'));
    for (let i = 0; i < 2_500; i++) repo.write(`noise/${i}`, `${i}`);
    repo.write('members/h2/bad.toml', 'x').commit();
    expect(await refused(sync)).to.equal('bad-registry');
    expect(Number(/^size-pack: (\d+)$/m.exec(mirror.git('count-objects', '-v'))?.[1])).to.be.below(
      500,
    );
    for (let i = 0; i < 12; i++) {
      repo.write('README.md', `${i}`).commit();
      repo.git('repack', '-adq');
      expect(await refused(sync)).to.equal('bad-registry');
    }
    expect(mirror.git('for-each-ref', '--format=%(refname)')).to.equal('refs/alamesh/good');
    expect(Number(/^packs: (\d+)$/m.exec(mirror.git('count-objects', '-v'))?.[1])).to.be.below(12);
  });

  it('does not hold the loop', async () => {
    for (let i = 20; i < 250; i++) repo.member(i);
    repo.commit();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const sync = await open();
    await sync.sync([url]);
    clearInterval(timer);
    expect(names(sync)).to.have.length(233);
    // On an idle machine under 20; other tests share these cores.
    expect(longest).to.be.below(100);
  });
});
