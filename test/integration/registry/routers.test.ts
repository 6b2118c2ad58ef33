import path from 'node:path';
import { expect } from 'chai';
import { canRunRouters, hasTools, must, type Namespace, Stage, until } from '../namespace.js';
import { ALAMESH, converged, established, Router } from '../routers.js';

interface Peers {
  readonly peers: readonly { readonly name: string; readonly source: string }[];
}

const PUSH = `fetch('http://127.0.0.1:8099/hook', {
  method: 'POST', headers: { 'X-Gitlab-Token': 's3cret' }, body: '{}',
}).then(({ status }) => process.stdout.write(String(status)))`;

interface Status {
  readonly syncedAt: number | null;
  readonly webhook: { readonly accepted: number; readonly refused: number } | null;
}

describe('routers with a registry', function () {
  this.timeout(90_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !hasTools('git')) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  const ADDRESSES = ['198.51.100.1', '198.51.100.2'] as const;
  const UNSEEN = '[discovery]\ninterfaces = []';

  async function twoRouters(config: string): Promise<[Router, Router]> {
    const spaces = [await stage.namespace('a'), await stage.namespace('b')] as const;
    const end = (i: 0 | 1) => ({
      ...{ at: spaces[i], device: 'wire', addresses: [`${ADDRESSES[i]}/24`] },
    });
    await stage.wire(end(0), end(1));
    const start = (at: Namespace, name: string): Promise<Router> =>
      Router.start(stage, { at, name, config: `${UNSEEN}\n${config}` });
    return [await start(spaces[0], 'one'), await start(spaces[1], 'two')];
  }

  /** Adds the router's file on its branch, and merges it as the keeper would after the check. */
  async function joins(router: Router, clone: string, handle: string, address: string) {
    const words = ['registry', 'add', '--handle', handle, '--dir', clone];
    await router.must(...words, '--endpoint', `${address}:4242`);
    await must([ALAMESH, 'registry', 'check', '--dir', clone, 'main..HEAD']);
    const git = ['git', '-C', clone, '-c', 'user.name=k', '-c', 'user.email=k@localhost'];
    await must([...git, 'checkout', '--quiet', 'main']);
    await must([
      ...git,
      'merge',
      '--quiet',
      '--no-ff',
      '-m',
      'join',
      `alamesh/${handle}-${router.name}`,
    ]);
    await must([...git, 'push', '--quiet', 'origin', 'main']);
  }

  it('peer through it, keep links that did not change, and part by a tombstone', async () => {
    const clone = path.join(stage.folder, 'clone');
    const bare = path.join(stage.folder, 'realm.git');
    const url = `file://${bare}`;
    await must([ALAMESH, 'registry', 'init', clone, '--realm', 'test', '--work', '0']);
    await must(['git', 'init', '--quiet', '--bare', '--initial-branch=main', bare]);
    await must(['git', '-C', clone, 'remote', 'add', 'origin', bare]);
    await must(['git', '-C', clone, 'push', '--quiet', 'origin', 'main']);
    const [one, two] = await twoRouters(`[registry]\nurl = "${url}"`);
    await joins(one, clone, 'ada', ADDRESSES[0]);
    await joins(two, clone, 'bob', ADDRESSES[1]);
    expect(await one.must('registry', 'sync')).to.match(/is in force/);
    await two.must('registry', 'sync');
    await established(one, two);
    await converged([one, two]);
    expect((await one.at.ping(two.address, 3)).received).to.equal(3);
    const { peers } = await one.ask<Peers>('peer', 'list');
    expect(peers).to.have.length(1);
    expect(peers[0]).to.include({ name: 'two', source: 'registry' });

    const before = await one.linkTo(two);
    await two.must(
      'registry',
      'add',
      '--handle',
      'bob',
      '--dir',
      clone,
      '--contact',
      'bob@localhost',
    );
    await must(['git', '-C', clone, 'push', '--quiet', 'origin', 'HEAD:main']);
    await one.must('registry', 'sync');
    const after = await one.linkTo(two);
    expect(after?.upSinceAt).to.equal(before?.upSinceAt);
    expect(await one.must('registry', 'status')).to.include('two.bob');

    await must(['git', '-C', clone, 'checkout', '--quiet', '-B', 'main']);
    await two.must('registry', 'leave', '--handle', 'bob', '--dir', clone);
    await must([ALAMESH, 'registry', 'check', '--dir', clone, 'main..HEAD']);
    await must(['git', '-C', clone, 'push', '--quiet', 'origin', 'HEAD:main']);
    await one.must('registry', 'sync');
    await until('the link is gone', async () => (await one.linkTo(two)) === undefined);
  });

  it('start from the last good state while the registry is away', async () => {
    const clone = path.join(stage.folder, 'clone');
    const bare = path.join(stage.folder, 'realm.git');
    await must([ALAMESH, 'registry', 'init', clone, '--realm', 'test', '--work', '0']);
    await must(['git', 'clone', '--quiet', '--bare', clone, bare]);
    await must(['git', '-C', clone, 'remote', 'add', 'origin', bare]);
    const [one, two] = await twoRouters('');
    await joins(one, clone, 'ada', ADDRESSES[0]);
    await joins(two, clone, 'bob', ADDRESSES[1]);
    for (const router of [one, two]) await router.must('registry', 'sync', '--url', bare);
    await established(one, two);
    await must(['rm', '-rf', bare]);
    await one.end('SIGTERM');
    await one.up();
    await established(one, two);
    const { status, stderr } = await one.run('registry', 'sync');
    expect(status).to.equal(1);
    expect(stderr).to.include('the last good state stays in force');
  });

  it('look at once when a push is told of, and have the new link within ten seconds', async () => {
    const clone = path.join(stage.folder, 'clone');
    const bare = path.join(stage.folder, 'realm.git');
    await must([ALAMESH, 'registry', 'init', clone, '--realm', 'test', '--work', '0']);
    await must(['git', 'init', '--quiet', '--bare', '--initial-branch=main', bare]);
    await must(['git', '-C', clone, 'remote', 'add', 'origin', bare]);
    await must(['git', '-C', clone, 'push', '--quiet', 'origin', 'main']);
    const config = `[registry]\nurl = "file://${bare}"\n[webhook]\nlisten = "127.0.0.1:8099"\nsecret = "s3cret"`;
    const [one, two] = await twoRouters(config);
    await until('both have looked', async () => {
      const all = await Promise.all([one, two].map((r) => r.ask<Status>('registry', 'status')));
      return all.every(({ syncedAt }) => syncedAt !== null);
    });
    await joins(one, clone, 'ada', ADDRESSES[0]);
    await joins(two, clone, 'bob', ADDRESSES[1]);
    const pushedAt = Date.now();
    for (const router of [one, two]) {
      const told = [process.execPath, '-e', PUSH];
      expect(await router.at.must(told)).to.equal('202');
    }
    await established(one, two);
    expect(Date.now() - pushedAt).to.be.below(10_000);
    const { webhook } = await one.ask<Status>('registry', 'status');
    expect(webhook).to.include({ accepted: 1, refused: 0 });
  });
});
