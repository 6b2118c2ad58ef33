import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type ControlServer, startControl } from '../../../src/router/control/server.js';
import { FakeControl, OSLO, PARIS, SELF } from './fake-control.js';
import { ALAMESH, type Ran, run, temporaryFolder } from './run.js';

describe('commands that ask a router', () => {
  let folder: string;
  let control: FakeControl;
  let server: ControlServer;

  beforeEach(async () => {
    folder = temporaryFolder();
    control = new FakeControl();
    server = await startControl(path.join(folder, 'alamesh.sock'), control);
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const ala = (...words: string[]): Promise<Ran> => run(words, { ALAMESH_DIR: folder });

  const VIEWS: readonly (readonly string[])[] = [
    ['status'],
    ['links'],
    ['links', 'paris'],
    ['peer', 'list'],
    ['bgp', 'summary'],
    ['bgp', 'neighbors'],
    ['bgp', 'routes'],
    ['bgp', 'received', 'paris'],
    ['bgp', 'accepted', 'paris'],
    ['bgp', 'advertised', 'paris'],
    ['bgp', 'explain', PARIS],
    ['ping', PARIS, '--count', '1', '--trace'],
    ['version'],
  ];
  for (const words of VIEWS) {
    it(`${words.join(' ').slice(0, 40)}: at most 120 columns, plain; with --json one document`, async () => {
      const [text, json] = await Promise.all([ala(...words), ala(...words, '--json')]);
      expect(text, text.err).to.include({ code: 0, err: '' });
      expect(Math.max(...text.out.split('\n').map((line) => [...line].length))).to.be.within(
        10,
        120,
      );
      expect(text.out.replaceAll('\n', '')).not.to.match(/\p{Cc}/u);
      expect(text.out).not.to.match(/^\{|undefined|NaN|\[object/);
      expect(json, json.err).to.include({ code: 0, err: '' });
      const document = JSON.parse(json.out) as { readonly schema: string };
      expect(document.schema).to.match(/^alamesh\.[a-z.-]+\/1$/);
      expect(json.out.trimEnd()).not.to.include('\n');
    });
  }

  it('bgp summary looks like FRR', async () => {
    const { out } = await ala('bgp', 'summary');
    expect(out).to.equal(`BGP router fd5c:…:9a1f (berlin)  realm alanet  table version 118
5 destinations, 9 paths, 0 stale · 2 neighbors, 1 established · 1.9 MB of routes

Neighbor     Name   Role  Link     RTT  MsgRx  MsgTx  InQ  OutQ   Up/Down  State/PfxRcd  Best  PfxSnt
fd1e:…:77c2  paris  peer  udp   11.2ms     84     79    0     0  00:12:04             3     2       4
fd88:…:0b3d  oslo   peer  udp        –     84     79    0     0     never          Idle     2       4
`);
  });

  it('gives full addresses in JSON', async () => {
    const { out } = await ala('bgp', 'summary', '--json');
    const { routerId, peers } = JSON.parse(out) as { routerId: string; peers: object };
    expect(routerId).to.equal(SELF);
    expect(peers).to.have.all.keys(PARIS, OSLO);
  });

  it('takes WHO as a name, an address, a prefix of one and as tables show it', async () => {
    for (const who of ['paris', PARIS, 'fd1e:7c', 'fd1e:…:77c2']) {
      expect((await ala('bgp', 'received', who)).code, who).to.equal(0);
    }
    expect(new Set(control.asked)).to.deep.equal(new Set([`received ${PARIS}`]));
  });

  it('says who there is when WHO is nobody, and nothing on stdout', async () => {
    const text = await ala('bgp', 'received', 'nobody');
    expect(text).to.include({ code: 1, out: '' });
    expect(text.err).to.match(/^alamesh: .*nobody[\s\S]*paris, oslo/);
    const json = await ala('bgp', 'received', 'nobody', '--json');
    expect(json).to.include({ code: 1, out: '' });
    expect(JSON.parse(json.err)).to.include({ schema: 'alamesh.error/1', code: 'not-found' });
    expect(JSON.parse(json.err)).to.have.all.keys('schema', 'code', 'message', 'hint');
  });

  it("ends with the exit code of the router's error", async () => {
    const { code, err } = await ala('reload');
    expect(code).to.equal(4);
    expect(err).to.include('alamesh.toml:1:1').and.include('mend it');
  });

  it('prints an invitation and nothing else, lists and revokes', async () => {
    const made = await ala('invite', '--expires', '2d', '--uses', '3', '--name', 'carol');
    expect(made.out).to.equal('alamesh-invite:AA\n');
    expect(control.asked).to.deep.equal([
      'invite {"lifeMsec":172800000,"usesMax":3,"name":"carol"}',
    ]);
    expect((await ala('invite', 'list')).out).to.match(
      /0123456789abcdef +carol +used +1970-01-02T00:00 +1\/1 +paris/,
    );
    expect((await ala('invite', 'revoke', '0123')).out).to.equal('revoked 0123\n');
    expect((await ala('invite', '--expires', 'soon')).code).to.equal(2);
    expect((await ala('peer', 'add', 'alamesh-invite:AA')).code).to.equal(0);
    expect(control.asked.at(-1)).to.equal('add alamesh-invite:AA');
  });

  it('prints lines for /etc/hosts, and what a name leads to', async () => {
    expect((await ala('dns', 'hosts')).out).to.equal(`${PARIS} paris.bob.ala x.ala\n`);
    expect((await ala('dns', 'lookup', 'paris.bob.ala')).out).to.equal(`${PARIS}\n`);
    const none = await ala('dns', 'lookup', 'x.bob.ala');
    expect(none).to.include({ code: 1, out: '' });
  });

  it('prints a pong a line and exits 1 when none came', async () => {
    const good = await ala('ping', PARIS, '--count', '1');
    expect(good.code).to.equal(0);
    expect(good.out).to.match(/seq 1: 11\.[23]ms\n1 sent, 1 received, 0\.0% lost/);
    const lost = await ala('ping', OSLO, '--count', '1', '--trace');
    expect(lost.code).to.equal(1);
    expect(lost.out).to.match(/^ {2}1 {2}fd88:[\s\S]*\(oslo\)[\s\S]* {2}2 {2}\*\n[\s\S]*no answer/);
  });

  it('asks for all pings at once with --json', async () => {
    const { out } = await ala('ping', PARIS, '--count', '3', '--json');
    expect(JSON.parse(out)).to.include({ sent: 3, received: 3 });
    expect(control.asked).to.deep.equal(['ping 3 false']);
  });

  it('streams events, one document a line, until the router ends', async () => {
    const child = spawn(process.execPath, [ALAMESH, 'monitor', '--json', '--dir', folder]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    while (out.split('\n').length < 3) await once(child.stdout, 'data');
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).kind),
    ).to.deep.equal(['link', 'log']);
    const ended = once(child, 'close');
    await server.close();
    const [code] = await ended;
    expect(code).to.equal(1);
    expect(control.asked).to.include('monitor gone');
  });

  it('shows what the network said without its control characters', async () => {
    const child = spawn(process.execPath, [ALAMESH, 'monitor', '--dir', folder]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    while (!out.includes('log')) await once(child.stdout, 'data');
    child.kill();
    await once(child, 'close');
    expect(out).to.include('a?[2Jb').and.not.include('\u001b');
  });

  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [ALAMESH, 'monitor', '--dir', folder]);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const ended = once(child, 'close');
    await server.close();
    await ended;
    expect(err).not.to.match(/EPIPE|at .*\.js/);
  });

  it('adds, removes and prints lines through the router that runs', async () => {
    expect((await ala('peer', 'add', 'alamesh1:x')).out).to.equal('added paris\n');
    expect((await ala('peer', 'remove', 'paris')).out).to.equal('removed paris\n');
    const line = await ala('peer', 'line', '--endpoint', 'a:1', '--endpoint', 'b:2');
    expect(line).to.include({ out: 'alamesh1:a:1,b:2\n', err: '' });
    const bare = await ala('peer', 'line');
    expect(bare.out).to.equal('alamesh1:\n');
    expect(bare.err).to.include('--endpoint');
    expect(control.asked).to.deep.equal(['add alamesh1:x', `remove ${PARIS}`]);
  });

  it('finds the router by option and variable, before and after the command', async () => {
    const socket = path.join(folder, 'alamesh.sock');
    const ways = [
      run(['--socket', socket, 'status']),
      run(['status', '--socket', socket]),
      run(['--dir', folder, 'bgp', 'summary']),
      run(['bgp', 'summary', '--dir', folder]),
      run(['status'], { ALAMESH_SOCKET: socket }),
      run(['status'], { XDG_CONFIG_HOME: folder, ALAMESH_DIR: folder }),
    ];
    for (const { code, err } of await Promise.all(ways)) expect(code, err).to.equal(0);
  });

  it('reaches a socket whose path is too long for an address', async () => {
    const deep = path.join(folder, 'd'.repeat(60), 'e'.repeat(60), 'alamesh.sock');
    const far = await startControl(deep, control);
    try {
      expect((await run(['status', '--socket', deep])).code).to.equal(0);
      expect(statSync(deep).mode & 0o777).to.equal(0o600);
    } finally {
      await far.close();
    }
  });

  it('stops the router', async () => {
    expect((await ala('down')).code).to.equal(0);
    expect(control.asked).to.deep.equal(['down']);
  });
});
