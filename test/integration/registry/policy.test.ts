/** Seven members of which each dials two: the mesh is whole, not full, and mends itself. */
import path from 'node:path';
import { expect } from 'chai';
import { canRunRouters, hasTools, must, Stage, until } from '../namespace.js';
import { ALAMESH, nth, Router } from '../routers.js';

const MEMBERS = 7;
/** A link is dead after 20 s; each member finds that out for itself. */
const PATIENCE_MSEC = 60_000;
const CONFIG = `probe_interval_ms = 500
[discovery]
interfaces = []
[registry]
peers_max = 2`;

interface Links {
  readonly links: readonly { readonly state: string; readonly name: string | null }[];
}
interface Status {
  readonly members: readonly { readonly name: string; readonly dialed: string | null }[];
}

describe('members with a limit of peers', function () {
  this.timeout(300_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !hasTools('git')) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  const git = (clone: string, ...words: string[]): Promise<string> =>
    must(['git', '-C', clone, '-c', 'user.name=k', '-c', 'user.email=k@localhost', ...words]);

  async function start(clone: string): Promise<Router[]> {
    const spaces = [];
    for (let i = 1; i <= MEMBERS; i++) spaces.push(await stage.namespace(`m${i}`));
    await stage.lan(spaces);
    const routers: Router[] = [];
    for (const [i, at] of spaces.entries()) {
      const address = `198.51.100.${i + 1}`;
      await at.ip(`address add ${address}/24 dev lan0`);
      const router = await Router.start(stage, { at, name: `m${i + 1}`, config: CONFIG });
      const words = ['--handle', `h${i + 1}`, '--dir', clone, '--endpoint', `${address}:4242`];
      await router.must('registry', 'add', ...words);
      await git(clone, 'checkout', '--quiet', 'main');
      await git(clone, 'merge', '--quiet', '--no-ff', '-m', 'join', `alamesh/h${i + 1}-m${i + 1}`);
      routers.push(router);
    }
    for (const router of routers) await router.must('registry', 'sync', '--url', `file://${clone}`);
    return routers;
  }

  const upLinks = async (router: Router): Promise<string[]> => {
    const { links } = await router.ask<Links>('links');
    return links.filter(({ state }) => state === 'up').map(({ name }) => name ?? '');
  };

  const twoLinks = async (router: Router): Promise<string[] | undefined> => {
    const up = await upLinks(router);
    return up.length >= 2 ? up : undefined;
  };

  const dialed = async (router: Router): Promise<string[]> => {
    const { members } = await router.ask<Status>('registry', 'status');
    return members.filter((one) => one.dialed !== null).map(({ name }) => name);
  };

  it('have a mesh that is whole, and dial others when one dies', async () => {
    const clone = path.join(stage.folder, 'clone');
    const init = ['--realm', 'test', '--work', '0', '--private-endpoints'];
    await must([ALAMESH, 'registry', 'init', clone, ...init]);
    const routers = await start(clone);
    const isWhole = async (of: readonly Router[]): Promise<boolean> => {
      const all = await Promise.all(of.map((router) => router.status()));
      return all.every(({ routes }) => routes.prefixes === of.length);
    };
    await until('everybody reaches everybody', () => isWhole(routers), PATIENCE_MSEC);
    let links = 0;
    for (const router of routers) {
      expect(await dialed(router)).to.have.length(2);
      const up = await until(`${router.name} has two links`, () => twoLinks(router), PATIENCE_MSEC);
      links += up.length / 2;
    }
    expect(links)
      .to.be.at.most(2 * MEMBERS)
      .and.below((MEMBERS * (MEMBERS - 1)) / 2);

    const [victim] = await dialed(nth(routers, 1));
    const dead = routers.find(({ name }) => name === victim) as Router;
    const left = routers.filter((router) => router !== dead);
    await dead.end('SIGKILL');
    await until(
      'another is dialed instead',
      async () => {
        const now = await dialed(nth(routers, 1));
        return now.length === 2 && !now.includes(dead.name);
      },
      PATIENCE_MSEC,
    );
    await until('the others reach each other', () => isWhole(left), PATIENCE_MSEC);
    for (const router of left) {
      await until(`${router.name} has two links`, () => twoLinks(router), PATIENCE_MSEC);
    }
  });
});
