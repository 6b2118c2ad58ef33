/** From nothing to packets with two commands, and every way in which an invitation serves no more. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  canRunRouters,
  hasTools,
  type Namespace,
  run,
  Stage,
  type Started,
  until,
} from '../namespace.js';
import { ALAMESH, established, Router } from '../routers.js';

const UNSEEN = '[discovery]\ninterfaces = []';
const ENDPOINT = '192.0.2.1:4242';

interface InviteRow {
  readonly id: string;
  readonly state: string;
  readonly uses: readonly { readonly name: string; readonly address: string }[];
}

describe('an invitation', function () {
  this.timeout(90_000);
  let stage: Stage;
  let a: Router;
  let at: Namespace;
  before(async function () {
    if (!canRunRouters()) return this.skip();
    stage = new Stage();
    const home = await stage.namespace('a');
    at = await stage.namespace('b');
    const wire = { device: 'wire', addresses: [`192.0.2.1/24`] };
    await stage.wire({ at: home, ...wire }, { at, device: 'wire', addresses: ['192.0.2.2/24'] });
    const config = `${UNSEEN}\n[dns]\nlisten = "127.0.0.1:5300"`;
    a = await Router.start(stage, { at: home, name: 'inviter', config });
  });
  after(() => stage?.close());

  const dirOf = (name: string): string => path.join(stage.folder, name);
  /** What a fresh machine has: an empty directory, and LAN discovery off so that only the invitation leads in. */
  const envOf = (name: string) => ({ ALAMESH_DIR: dirOf(name), ALAMESH_DISCOVERY: '' });
  const joinIn = (name: string, line: string): Started => {
    const started = at.start([ALAMESH, 'join', line], { env: envOf(name) });
    running.add(started);
    return started;
  };
  const invite = async (...more: string[]): Promise<string> => {
    const out = await a.must('invite', '--endpoint', ENDPOINT, ...more);
    expect(out).to.match(/^alamesh-invite:[A-Za-z0-9_-]+\n$/);
    return out.trim();
  };
  const list = async (): Promise<readonly InviteRow[]> =>
    (await a.ask<{ invites: InviteRow[] }>('invite', 'list')).invites;
  const newest = async (): Promise<InviteRow> => (await list()).at(-1) as InviteRow;

  const running = new Set<Started>();
  const ended = async (started: Started): Promise<void> => {
    running.delete(started);
    started.child.kill('SIGTERM');
    await started.ended;
  };
  afterEach(async () => {
    for (const one of running) await ended(one); // of a test that failed: the port is the next one's
  });

  /** `join` that must fail: it ends by itself. */
  const refused = async (name: string, line: string): Promise<string> => {
    const started = joinIn(name, line);
    const code = await started.ended;
    running.delete(started);
    expect(code, started.said()).to.equal(1);
    return started.said();
  };

  it('takes a fresh machine in: keys, config, peer, link and the first ping', async () => {
    const line = await invite('--name', 'carol');
    const began = Date.now();
    const started = joinIn('carol', line);
    await until('carol is in', () => started.said().includes('you are in'));
    expect(Date.now() - began).to.be.below(15_000);
    expect(started.said()).to.match(new RegExp(`^fd[0-9a-f:]+\n[\\s\\S]*${a.address} answers in`));
    const config = readFileSync(path.join(dirOf('carol'), 'alamesh.toml'), 'utf8');
    expect(config).to.include('name = "carol"').and.include('realm = "test"');
    expect((await newest()).state).to.equal('used');
    expect((await newest()).uses[0]?.name).to.equal('carol');

    const peers = (await a.ask<{ peers: { name: string; source: string }[] }>('peer', 'list'))
      .peers;
    expect(peers).to.have.length(1);
    expect(peers[0]).to.include({ name: 'carol', source: 'configured' });
    const own = await run([ALAMESH, 'status', '--json'], { env: envOf('carol') });
    const { nodeId } = JSON.parse(own.stdout) as { nodeId: string };
    expect((await a.at.ping(nodeId, 3)).received).to.equal(3);

    // The secret has served: nobody keeps it but the inviter's file, which only its owner reads.
    await until('the secret is forgotten', () => {
      const text = readFileSync(path.join(dirOf('carol'), 'peers.toml'), 'utf8');
      return text.includes('endpoints') && !text.includes('invite =');
    });
    expect(statSync(path.join(a.dir, 'invites.json')).mode & 0o777).to.equal(0o600);

    // Both remember each other over a restart, without the invitation.
    started.child.kill('SIGTERM');
    expect(await started.ended).to.equal(0);
    const again = at.start([ALAMESH, 'up'], { env: envOf('carol') });
    await until('carol is back', async () => (await a.status()).links.up === 1);
    again.child.kill('SIGTERM');
    await again.ended;

    expect(await refused('second', line)).to.include('used already');
    expect(existsSync(path.join(dirOf('second'), 'identity.key'))).to.equal(true);
    const left = await run([ALAMESH, 'peer', 'list', '--json'], { env: envOf('second') });
    expect((JSON.parse(left.stdout) as { peers: unknown[] }).peers).to.deep.equal([]);
  });

  it('serves as often as it says, also to one whose first line was refused', async () => {
    const line = await invite('--uses', '2');
    for (const name of ['second', 'third']) {
      const started = joinIn(name, line);
      await until(`${name} is in`, () => started.said().includes('you are in'));
      await ended(started);
    }
    expect((await newest()).uses).to.have.length(2);
    expect(await refused('fourth', line)).to.include('used already');
  });

  it('serves no more when it is revoked', async () => {
    const line = await invite();
    const { id } = await newest();
    expect(await a.must('invite', 'revoke', id.slice(0, 8))).to.equal(`revoked ${id}\n`);
    expect(await refused('fifth', line)).to.include('revoked');
    expect(await a.must('invite', 'list')).to.match(new RegExp(`${id} +revoked`));
  });

  it('serves no more when it has expired: the line says so itself, and the inviter does', async () => {
    const line = await invite('--expires', '1m');
    const { id } = await newest();
    // The inviter's clock is what counts: its file says that the minute is over.
    const file = path.join(a.dir, 'invites.json');
    await a.end('SIGTERM');
    const text = readFileSync(file, 'utf8');
    const stored = JSON.parse(text) as { invites: { id: string; expiresAt: number }[] };
    for (const one of stored.invites) if (one.id === id) one.expiresAt = Date.now() - 1000;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(file, JSON.stringify(stored), { mode: 0o600 });
    await a.up();
    expect(await refused('sixth', line)).to.include('expired');
  });

  it('is refused when it was changed: slips by the line itself, forgeries by the inviter', async () => {
    const line = await invite();
    const at4 = line.length - 40;
    const other = line[at4] === 'A' ? 'B' : 'A';
    const slip = line.slice(0, at4) + other + line.slice(at4 + 1);
    const ran = await run([ALAMESH, 'join', slip], { env: envOf('seventh') });
    expect(ran.status).to.equal(4);
    expect(ran.stderr).to.include('damaged');
    expect(existsSync(path.join(dirOf('seventh'), 'identity.key'))).to.equal(false);

    const { formatInviteLine, parseInviteLine } = await import(
      '../../../src/identity/invite-line.js'
    );
    const parsed = parseInviteLine(line);
    if (!parsed.ok) throw new Error(parsed.error);
    const forged = formatInviteLine({ ...parsed.value, secret: new Uint8Array(16) });
    expect(await refused('seventh', forged)).to.include('its secret is wrong');
    const unknown = formatInviteLine({ ...parsed.value, id: new Uint8Array(8) });
    expect(await refused('seventh', unknown)).to.include('does not know it');
    expect((await newest()).state).to.equal('open');
  });

  it('makes names of the mesh resolvable on the way', async function () {
    if (!hasTools('dig')) return this.skip();
    const hosts = await a.must('dns', 'hosts');
    const name = new RegExp(`^${a.address} ([a-z2-7]{26}\\.ala)$`, 'm').exec(hosts)?.[1] ?? '';
    const dig = ['dig', '@127.0.0.1', '-p', '5300', '+short', name, 'AAAA'];
    expect((await a.at.must(dig)).trim()).to.equal(a.address);
    expect(await a.must('dns', 'lookup', name)).to.equal(`${a.address}\n`);
    expect((await a.run('dns', 'lookup', 'x.y.ala')).status).to.equal(1);
  });

  it('may be made and taken while no router runs', async () => {
    await a.end('SIGTERM');
    const line = (await a.must('invite', '--endpoint', ENDPOINT)).trim();
    await a.up();
    const env = envOf('eighth');
    const made = await at.run([ALAMESH, 'join', line, '--no-start', '--name', 'eve'], { env });
    expect(made.status, made.stderr).to.equal(0);
    const eve = at.start([ALAMESH, 'up'], { env });
    await until('eve is in', async () => (await newest()).uses[0]?.name === 'eve');
    eve.child.kill('SIGTERM');
    await eve.ended;
  });

  it('is taken by a router that runs', async () => {
    const c = await Router.start(stage, { at, name: 'runs', config: UNSEEN });
    const line = await invite();
    expect(await c.must('join', line)).to.include('you are in');
    await established(a, c);
    await c.end('SIGTERM');
  });
});
