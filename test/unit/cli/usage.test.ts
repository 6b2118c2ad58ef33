import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { run, temporaryFolder } from './run.js';

describe('the command line', () => {
  const COMMANDS = [
    ...['', 'init', 'up', 'down', 'reload', 'status', 'version', 'links', 'ping', 'monitor'],
    ...['peer', 'peer line', 'peer add', 'peer list', 'peer remove', 'bgp', 'bgp summary'],
    ...['bgp neighbors', 'bgp routes', 'bgp received', 'bgp accepted', 'bgp advertised'],
    ...['bgp explain', 'bgp clear', 'lab', 'lab deploy', 'lab exec', 'lab impair'],
  ];
  for (const command of COMMANDS) {
    it(`alamesh ${command} --help ends with an example`, async () => {
      const words = command.split(' ').filter((word) => word !== '');
      const { code, out, err } = await run([...words, '--help']);
      expect(code, err).to.equal(0);
      expect(out).to.match(new RegExp(`Example:\\n {2}\\$ (sudo )?alamesh ${words[0] ?? ''}`));
    });
  }

  const WRONG: readonly (readonly [string, RegExp])[] = [
    ['frobnicate', /unknown command 'frobnicate'/],
    ['stauts', /did you mean status\?/],
    ['bgp sumary', /did you mean summary\?/],
    ['status --frobnicate', /unknown option '--frobnicate'/],
    ['bgp received', /missing required argument 'who'/],
    ['status too many', /too many arguments/],
    ['bgp clear paris medium', /soft or hard/],
    ['ping fd00::1 --count none', /whole number/],
    ['lab deploy', /--topo/],
  ];
  for (const [command, said] of WRONG) {
    it(`alamesh ${command}: exit 2, told on stderr, as text and as a document`, async () => {
      const text = await run(command.split(' '));
      expect(text).to.include({ code: 2, out: '' });
      expect(text.err)
        .to.match(/^alamesh: /)
        .and.match(said);
      const json = await run([...command.split(' '), '--json']);
      expect(json.code).to.equal(2);
      const told = JSON.parse(json.err) as Readonly<Record<string, string>>;
      expect(told).to.include({ schema: 'alamesh.error/1', code: 'usage' });
    });
  }

  it('asks for a command of a group, and shows which there are', async () => {
    const { code, out, err } = await run(['bgp']);
    expect({ code, out }).to.deep.equal({ code: 2, out: '' });
    expect(err).to.include('summary').and.include('explain');
  });

  it('leaves --json to the command of lab exec', async () => {
    const { code, err } = await run(['lab', 'exec', '-t', '/none', 'r1', '--', 'x', '--json']);
    expect(code).to.equal(4);
    expect(err).to.match(/^alamesh: /);
  });

  it('exits 3 where no router answers', async () => {
    const folder = temporaryFolder();
    try {
      const socket = path.join(folder, 'none.sock');
      const text = await run(['bgp', 'summary', '--socket', socket]);
      expect(text).to.include({ code: 3, out: '' });
      expect(text.err).to.include(socket).and.include('alamesh up');
      const json = await run(['status', '--json', '--socket', socket]);
      expect(json).to.include({ code: 3, out: '' });
      expect(JSON.parse(json.err)).to.include({ code: 'no-router' });
      const far = path.join(folder, 'd'.repeat(120), 'none.sock');
      expect((await run(['status', '--socket', far])).code).to.equal(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('tells its version without a router', async () => {
    const { code, out } = await run(['version', '--json', '--socket', '/nowhere/at.sock']);
    expect(code).to.equal(0);
    expect(JSON.parse(out)).to.include({ schema: 'alamesh.version/1', router: null });
  });
});
