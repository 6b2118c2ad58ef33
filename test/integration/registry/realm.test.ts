/**
 * A whole realm: members in namespaces, a bare repository behind a real git server in another one, whose hooks check what
 * is pushed and tell the members of it. One joins, one moves, one leaves; the server dies, and one that lies takes its place.
 */
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  canRunRouters,
  hasTools,
  must,
  type Namespace,
  run,
  Stage,
  type Started,
  until,
} from '../namespace.js';
import { ALAMESH, converged, established, isEstablished, nth, Router } from '../routers.js';

const SERVER = '198.51.100.100';
const URL = `git://${SERVER}/realm.git`;
const SECRET = 'of the whole realm';
const CONFIG = `[discovery]
interfaces = []
[registry]
url = "${URL}"
[webhook]
listen = "0.0.0.0:8099"
secret = "${SECRET}"`;
const addressOf = (number: number): string => `198.51.100.${number}`;
/** Issue 6: from the push to the link. */
const NEWS_MSEC_MAX = 10_000;

/** Tells every member of a push, as GitHub would. */
const POST_RECEIVE = `#!/usr/bin/env node
const { createHmac } = require('node:crypto');
const body = JSON.stringify({ ref: 'refs/heads/main', at: Date.now() });
const sign = createHmac('sha256', ${JSON.stringify(SECRET)}).update(body).digest('hex');
const headers = { 'X-GitHub-Event': 'push', 'X-Hub-Signature-256': 'sha256=' + sign };
for (let i = 1; i <= 4; i++) {
  const url = 'http://198.51.100.' + i + ':8099/hook';
  fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(3000) }).catch(() => {});
}
`;

interface Status {
  readonly head: string | null;
  readonly lastError: string | null;
  readonly members: readonly { readonly name: string; readonly endpoints: readonly string[] }[];
}

describe('a realm', function () {
  this.timeout(180_000);
  let stage: Stage;
  let bare: string;
  let host: Namespace;
  let daemon: Started | undefined;
  before(function () {
    if (!canRunRouters() || !hasTools('git')) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
    bare = path.join(stage.folder, 'srv', 'realm.git');
  });
  afterEach(() => stage.close());

  const git = (...words: string[]): string[] => {
    return ['git', '-c', 'user.name=k', '-c', 'user.email=k@localhost', ...words];
  };

  async function serve(): Promise<void> {
    const base = path.dirname(bare);
    const options = ['--reuseaddr', '--export-all', '--enable=receive-pack', `--base-path=${base}`];
    const folder = path.dirname(ALAMESH);
    const env = { PATH: `${folder}:${process.env.PATH ?? ''}` };
    daemon = host.start(git('daemon', '--verbose', ...options, base), { env });
    const isUp = async () => (await host.run(git('ls-remote', URL))).status === 0;
    await until('the git server answers', isUp);
  }

  async function stopServing(): Promise<void> {
    daemon?.child.kill();
    await daemon?.ended;
    daemon = undefined;
  }

  /** The keeper's clone, and the server with its hooks. */
  async function found(): Promise<string> {
    const keeper = path.join(stage.folder, 'keeper');
    await must([ALAMESH, 'registry', 'init', keeper, '--realm', 'test', '--work', '0']);
    await must(git('clone', '--quiet', '--bare', keeper, bare));
    copyFileSync(
      path.join(keeper, 'hooks', 'pre-receive'),
      path.join(bare, 'hooks', 'pre-receive'),
    );
    writeFileSync(path.join(bare, 'hooks', 'post-receive'), POST_RECEIVE);
    for (const hook of ['pre-receive', 'post-receive']) {
      chmodSync(path.join(bare, 'hooks', hook), 0o755);
    }
    await serve();
    await host.must(git('-C', keeper, 'remote', 'add', 'origin', URL));
    return keeper;
  }

  /** A member's pull request: its clone, its command, its push; returns the branch. */
  async function proposes(router: Router, ...words: string[]): Promise<string> {
    const clone = path.join(stage.folder, `clone-${router.name}-${Date.now()}`);
    await router.at.must(git('clone', '--quiet', URL, clone));
    const { branch } = await router.ask<{ branch: string }>('registry', ...words, '--dir', clone);
    await router.at.must(git('-C', clone, 'push', '--quiet', 'origin', branch));
    return branch;
  }

  /** The keeper checks the pull request, merges it and pushes. */
  async function merges(keeper: string, branch: string): Promise<void> {
    await host.must(git('-C', keeper, 'fetch', '--quiet', 'origin'));
    const range = `main..origin/${branch}`;
    await must([ALAMESH, 'registry', 'check', '--dir', keeper, range]);
    const merge = ['merge', '--quiet', '--no-ff', '-m', 'merge', `origin/${branch}`];
    await must(git('-C', keeper, ...merge));
    await host.must(git('-C', keeper, 'push', '--quiet', 'origin', 'main'));
  }

  const adds = (number: number, address = addressOf(number)): string[] => {
    return ['add', '--handle', `h${number}`, '--endpoint', `${address}:4242`];
  };

  const inForce = (router: Router): Promise<Status> => router.ask<Status>('registry', 'status');

  async function news<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<void> {
    await until(what, ask, NEWS_MSEC_MAX);
  }

  it('takes members in, moves them, lets them go, and outlives its host', async () => {
    const spaces: Namespace[] = [];
    for (const name of ['m1', 'm2', 'm3', 'm4', 'git']) spaces.push(await stage.namespace(name));
    await stage.lan(spaces);
    for (const [i, at] of spaces.entries()) {
      const address = i === 4 ? SERVER : addressOf(i + 1);
      await at.must(['ip', 'address', 'add', `${address}/24`, 'dev', 'lan0']);
    }
    host = spaces[4] as Namespace;
    const keeper = await found();

    const routers: Router[] = [];
    for (const number of [1, 2, 3]) {
      const at = spaces[number - 1] as Namespace;
      const router = await Router.start(stage, { at, name: `m${number}`, config: CONFIG });
      routers.push(router);
      await merges(keeper, await proposes(router, ...adds(number)));
    }
    await converged(routers);
    const [m1, m2, m3] = [nth(routers, 1), nth(routers, 2), nth(routers, 3)];

    // A fourth joins: its link is up within ten seconds of the push.
    const m4 = await Router.start(stage, {
      at: spaces[3] as Namespace,
      name: 'm4',
      config: CONFIG,
    });
    const branch = await proposes(m4, ...adds(4));
    await merges(keeper, branch);
    await news('the fourth has a link', () => isEstablished(m1, m4));
    expect((await m1.at.ping(m4.address, 2)).received).to.equal(2);

    // The second moves.
    const before = await m1.linkTo(m3);
    await m2.at.must(['sysctl', '-qw', 'net.ipv4.conf.lan0.promote_secondaries=1']);
    await m2.at.must(['ip', 'address', 'add', `${addressOf(22)}/24`, 'dev', 'lan0']);
    await merges(keeper, await proposes(m2, ...adds(2, addressOf(22))));
    await news('the new endpoint is in force', async () => {
      const { members } = await inForce(m1);
      const endpoint = `udp://${addressOf(22)}:4242`;
      return members.some(({ name, endpoints }) => name === 'm2' && endpoints.includes(endpoint));
    });
    await m2.at.must(['ip', 'address', 'del', `${addressOf(2)}/24`, 'dev', 'lan0']);
    await established(m1, m2);
    await until('packets go to where it is now', async () => {
      return (await m1.at.ping(m2.address, 1)).received === 1;
    });
    expect((await m1.linkTo(m3))?.upSinceAt, 'others are not touched').to.equal(before?.upSinceAt);

    // The fourth leaves.
    await merges(keeper, await proposes(m4, 'leave', '--handle', 'h4'));
    await news('the fourth is gone', async () => (await m1.linkTo(m4)) === undefined);

    // The server dies: who starts without it has the last good state.
    const { head } = await inForce(m1);
    await stopServing();
    await m1.end('SIGTERM');
    await m1.up();
    await established(m1, m3);
    await m1.run('registry', 'sync');
    const offline = await inForce(m1);
    expect(offline.head).to.equal(head);
    expect(offline.lastError).to.be.a('string').and.not.equal('');

    // A forged file: the hook refuses it, and so do routers where a host has no hook.
    await serve();
    const forged = path.join(stage.folder, 'forged');
    await host.must(git('clone', '--quiet', URL, forged));
    const file = path.join(forged, 'members', 'h3', 'node-m3.toml');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(`${addressOf(3)}:4242`, `${addressOf(4)}:4242`));
    await must(git('-C', forged, 'commit', '--quiet', '--all', '-m', 'move m3'));
    const refused = await host.run(git('-C', forged, 'push', 'origin', 'main'));
    expect(refused.status).to.not.equal(0);
    expect(refused.stderr).to.match(/members\/h3\/node-m3\.toml/);
    await must(git('-C', bare, 'fetch', '--quiet', forged, '+main:main'));
    const { status, stderr } = await run([ALAMESH, 'registry', 'sync'], m1.options());
    expect(status).to.not.equal(0);
    expect(stderr).to.match(/node-m3\.toml/);
    expect((await inForce(m1)).head).to.equal(head);
    expect((await m1.at.ping(m3.address, 2)).received).to.equal(2);
  });
});
