/** The commands of docs/join.md, as they stand there, on a machine that has nothing but git, node and npm's cache. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { canRunRouters, hasTools, must, type Namespace, Stage, until } from '../namespace.js';
import { ALAMESH, Router } from '../routers.js';

const ROOT = path.resolve('.');
/** Issue 6. */
const COMMANDS_MAX = 5;
const BUILD_MSEC_MAX = 240_000;

/** The lines of the first block below a heading. */
function commandsOf(page: string, heading: string): string[] {
  const below = readFileSync(page, 'utf8').split(`## ${heading}\n`)[1] ?? '';
  const block = below.split('```')[1] ?? '';
  return [...block.matchAll(/^\$ (.+?)\s*(?:#.*)?$/gm)].map((match) => match[1] ?? '');
}

/** Tests reach nothing outside of this machine: what `npm ci` would fetch is taken from here; what it builds is built. */
const NPM = `#!/bin/sh
set -eu
[ "$1" = ci ]
ln -s '${ROOT}/node_modules' node_modules
exec node scripts/build.mjs
`;

describe('the commands of join.md', function () {
  this.timeout(BUILD_MSEC_MAX + 120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !hasTools('git')) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  /** A friend who is in the registry, and keeps it. */
  async function friend(realm: string): Promise<{ bob: Router; guest: Namespace }> {
    const at = await stage.namespace('friend');
    const guest = await stage.namespace('guest');
    await stage.wire(
      { at, device: 'wire', addresses: ['198.51.100.1/24'] },
      { at: guest, device: 'wire', addresses: ['198.51.100.2/24'] },
    );
    const work = path.join(stage.folder, 'work');
    await must([ALAMESH, 'registry', 'init', work, '--realm', 'test', '--work', '0']);
    await must(['git', 'clone', '--quiet', '--bare', work, realm]);
    await must(['git', '-C', work, 'remote', 'add', 'origin', realm]);
    const config = `[discovery]\ninterfaces = []\n[registry]\nurl = "${realm}"`;
    const router = await Router.init(stage, { at, name: 'friend' });
    router.configure(config);
    const words = ['--handle', 'bob', '--dir', work, '--endpoint', '198.51.100.1:4242'];
    await router.must('registry', 'add', ...words);
    await merge(work, 'alamesh/bob-friend');
    await router.up();
    await router.must('registry', 'sync');
    return { bob: router, guest };
  }

  async function merge(clone: string, branch: string): Promise<void> {
    const git = ['git', '-C', clone, '-c', 'user.name=k', '-c', 'user.email=k@localhost'];
    await must([...git, 'fetch', '--quiet', 'origin']);
    await must([...git, 'checkout', '--quiet', 'main']);
    await must([...git, 'merge', '--quiet', '--no-ff', '-m', 'join', branch]);
    await must([...git, 'push', '--quiet', 'origin', 'main']);
  }

  it('lead from nothing to a link with a friend in the registry', async () => {
    const realm = path.join(stage.folder, 'realm.git');
    const { bob, guest } = await friend(realm);
    const home = path.join(stage.folder, 'home');
    const bin = path.join(stage.folder, 'bin');
    for (const folder of [home, bin]) mkdirSync(folder);
    writeFileSync(path.join(bin, 'npm'), NPM);
    chmodSync(path.join(bin, 'npm'), 0o755);
    const source = path.join(stage.folder, 'source');
    await must(['git', 'clone', '--quiet', '--depth=1', `file://${ROOT}`, source]);

    const commands = commandsOf('docs/join.md', 'Join by pull request');
    expect(commands.length).to.be.within(1, COMMANDS_MAX);
    const env = {
      ...{ HOME: home, PATH: `${bin}:${process.env.PATH ?? ''}`, ALAMESH_SKIP_NATIVE: '1' },
      ...{ ALAMESH_DIR: path.join(home, 'state'), ALAMESH_DISCOVERY: '' },
    };
    let cwd = home;
    for (const [i, command] of commands.entries()) {
      const text = command
        .replace('--realm friends', '--realm test')
        .replace('URL alamesh', `file://${source} alamesh`)
        .replaceAll(' REALM', ` file://${realm}`)
        .replace('berlin.example.org', '198.51.100.2');
      const isLast = i === commands.length - 1;
      if (isLast) guest.start(['bash', '-ec', text], { env, cwd });
      else await guest.must(['bash', '-ec', text], { env, cwd, msecMax: BUILD_MSEC_MAX });
      if (text.includes('cd alamesh')) cwd = path.join(home, 'alamesh');
      if (text.includes(' push ')) {
        const [name = ''] = readdirSync(path.join(cwd, 'realm', 'members', 'ada'));
        const branch = `alamesh/ada-${name.replace(/^node-|\.toml$/g, '')}`;
        await merge(path.join(stage.folder, 'work'), `origin/${branch}`);
        await bob.must('registry', 'sync');
      }
    }
    await until('the friend has a link', async () => {
      return (await bob.links()).some(({ state }) => state === 'up');
    });
  });
});
