import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { must, type Ran, run } from '../namespace.js';
import { ALAMESH } from '../routers.js';
import { temporary } from './repo.js';

interface Added {
  readonly file: string;
  readonly branch: string | null;
  readonly commit: string | null;
  readonly seq: number;
  readonly renewed: boolean;
  readonly endpoints: readonly string[];
}

describe('a member of a registry', function () {
  this.timeout(60_000);
  let folder: string;
  let clone: string;
  beforeEach(async () => {
    folder = temporary();
    clone = path.join(folder, 'realm');
    await must([ALAMESH, 'registry', 'init', clone, '--realm', 'test', '--work', '0']);
    for (const name of ['one', 'two']) await init(name, 'test');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function init(name: string, realm: string): Promise<void> {
    mkdirSync(path.join(folder, name));
    const dir = path.join(folder, name);
    await must([ALAMESH, '--dir', dir, 'init', '--name', name, '--realm', realm, '--work', '0']);
  }

  const alamesh = (name: string, ...words: string[]): Promise<Ran> =>
    run([ALAMESH, '--dir', path.join(folder, name), 'registry', ...words, '--dir', clone]);
  const add = async (name: string, handle: string, ...more: string[]): Promise<Added> => {
    const { status, stdout, stderr } = await alamesh(
      name,
      'add',
      '--handle',
      handle,
      '--json',
      ...more,
    );
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Added;
  };
  const git = async (...words: string[]): Promise<string> =>
    (await must(['git', '-C', clone, ...words])).trim();
  const check = (...words: string[]): Promise<Ran> => alamesh('one', 'check', ...words);

  it('adds its file on a branch of its own, and renews it with what was there', async () => {
    const first = await add('one', 'ada', '--endpoint', '198.51.100.1:4242', '--contact', 'ada@x');
    expect(first).to.include({ file: 'members/ada/node-one.toml', branch: 'alamesh/ada-one' });
    expect(first.renewed).to.equal(false);
    expect(await git('diff', '--name-only', 'main', 'HEAD')).to.equal(first.file);
    expect((await check('main..HEAD')).status).to.equal(0);
    await git('checkout', '--quiet', '-B', 'main');
    const second = await add('one', 'ada');
    expect(second.renewed).to.equal(true);
    expect(second.seq).to.be.above(first.seq);
    expect(second.endpoints).to.deep.equal(first.endpoints);
    expect(readFileSync(path.join(clone, first.file), 'utf8')).to.include('contact = "ada@x"');
    expect((await check('main..HEAD')).status).to.equal(0);
  });

  it('leaves alone what else is in the working tree, and another’s branch', async () => {
    await must(['sh', '-c', `echo mine > ${clone}/notes.txt && git -C ${clone} add notes.txt`]);
    const { branch } = await add('one', 'ada');
    expect(await git('show', '--name-only', '--format=', 'HEAD')).to.equal(
      'members/ada/node-one.toml',
    );
    expect(branch).to.equal('alamesh/ada-one');
    await add('two', 'bob');
    expect(await git('diff', '--name-only', 'main', 'HEAD')).to.equal('members/bob/node-two.toml');
    expect(await git('status', '--porcelain')).to.equal('A  notes.txt');
  });

  it('brings a second node by the word of the first', async () => {
    await add('one', 'ada');
    await git('checkout', '--quiet', '-B', 'main');
    const { file } = await add('two', 'ada');
    const refused = await check('main..HEAD');
    expect(refused.status).to.equal(1);
    expect(refused.stdout).to.include('belongs to another key');
    await alamesh('one', 'vouch', path.join(clone, file));
    expect((await check('main..HEAD')).stdout).to.equal('2 nodes, nothing to find fault with\n');
  });

  it('is refused another’s file, another realm, private endpoints and links in the clone', async () => {
    await add('one', 'ada', '--name', 'same');
    const taken = await alamesh('two', 'add', '--handle', 'ada', '--name', 'same');
    expect(taken.stderr).to.include('belongs to fd');
    await init('three', 'other');
    expect((await alamesh('three', 'add', '--handle', 'eve')).stderr).to.include('of realm test');
    const home = await alamesh('two', 'add', '--handle', 'bob', '--endpoint', '192.168.0.9:4242');
    expect(home.status).to.equal(2);
    expect((await alamesh('two', 'add', '--handle', '../x')).status).to.equal(2);
    symlinkSync(folder, path.join(clone, 'members', 'bob'));
    expect((await alamesh('two', 'add', '--handle', 'bob')).status).to.equal(4);
    const outside = await run([ALAMESH, 'registry', 'add', '--handle', 'x', '--dir', folder], {
      env: { ALAMESH_DIR: path.join(folder, 'two') },
    });
    expect(outside.status).to.equal(4);
  });

  it('gives a file that `peer add` takes without any git', async () => {
    const { file } = await add('one', 'ada', '--no-commit');
    const dir = path.join(folder, 'two');
    await must([ALAMESH, '--dir', dir, 'peer', 'add', path.join(clone, file)]);
    expect(await must([ALAMESH, '--dir', dir, 'peer', 'list'])).to.include('one');
  });

  it('follows a registry that it was told of, while no router runs', async () => {
    await add('one', 'ada');
    await git('checkout', '--quiet', '-B', 'main');
    const where = ['--dir', path.join(folder, 'two')];
    const registry = (...words: string[]) => run([ALAMESH, 'registry', ...words, ...where]);
    expect((await registry('sync')).status).to.equal(2);
    expect((await registry('sync', '--url', clone)).stdout).to.include('1 added');
    expect((await registry('sync')).stdout).to.include('nothing new');
    expect((await registry('status')).stdout).to.include('one.ada');
    expect((await registry('diff')).stdout).to.equal('nothing waits\n');
    expect((await registry('approve')).status).to.equal(1);
    const status = JSON.parse((await registry('status', '--json')).stdout);
    expect(status).to.include({ schema: 'alamesh.registry/1', realm: 'test', pending: null });
  });
});
