import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { type ControlServer, startControl } from '../../../src/router/control/server.js';
import type { Document } from '../../../src/router/control/types.js';
import { FakeControl, PARIS } from '../cli/fake-control.js';

interface Answer {
  readonly status: number;
  readonly document: Readonly<Record<string, unknown>>;
}

describe('the control API', () => {
  let dir: string;
  let socketPath: string;
  let control: FakeControl;
  let server: ControlServer;

  beforeEach(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'alamesh-test-'));
    socketPath = path.join(dir, 'run', 'alamesh.sock');
    control = new FakeControl();
    server = await startControl(socketPath, control);
  });
  afterEach(async () => {
    await server.close();
    rmSync(dir, { recursive: true });
  });

  const ask = (method: string, url: string, body = ''): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath, method, path: url, agent: false }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, document: JSON.parse(text) as Document }),
        );
      });
      asked.on('error', reject);
      asked.end(body);
    });

  it('is for its owner only', () => {
    expect(statSync(socketPath).mode & 0o777).to.equal(0o600);
    expect(statSync(path.dirname(socketPath)).mode & 0o777).to.equal(0o700);
  });

  it('refuses to take the socket of a router that runs', async () => {
    const error = await startControl(socketPath, control).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(UserError).and.include({ code: 'in-use' });
    expect((await ask('GET', '/v1/status')).status).to.equal(200);
  });

  it('takes the place of a socket that nobody answers at', async () => {
    await server.close();
    writeFileSync(socketPath, 'left by a crash');
    server = await startControl(socketPath, control);
    expect((await ask('GET', '/v1/status')).document).to.include({ schema: 'alamesh.status/1' });
  });

  it('leaves no socket behind', async () => {
    await server.close();
    expect(() => statSync(socketPath)).to.throw('ENOENT');
  });

  it('passes on what was asked', async () => {
    await ask('GET', '/v1/bgp/routes?prefix=fd00%3A%3A%2F64');
    await ask('POST', '/v1/bgp/clear?who=paris&how=hard');
    await ask('POST', `/v1/ping?target=${PARIS}&count=5&trace=1`);
    await ask('DELETE', '/v1/peers?who=oslo');
    await ask('POST', '/v1/peers', 'a line');
    expect(control.asked.slice(0, 3)).to.deep.equal([
      'routes fd00::/64',
      'clear paris hard',
      'ping 5 true',
    ]);
    expect(control.asked[4]).to.equal('add a line');
  });

  const REFUSED: readonly (readonly [string, string, number])[] = [
    ['GET', '/v1/nothing', 404],
    ['PUT', '/v1/status', 404],
    ['GET', '//', 404],
    ['GET', '/v1/bgp/received', 400],
    ['GET', '/v1/bgp/received?who=nobody', 404],
    ['POST', '/v1/bgp/clear?who=paris&how=medium', 400],
    ['POST', '/v1/ping?target=x&count=0', 400],
    ['POST', '/v1/ping?target=x&count=1001', 400],
    ['POST', '/v1/reload', 400],
  ];
  for (const [method, url, status] of REFUSED) {
    it(`answers ${method} ${url} with ${status} and an error document`, async () => {
      const answer = await ask(method, url);
      expect(answer.status).to.equal(status);
      expect(answer.document).to.include({ schema: 'alamesh.error/1' });
      expect(answer.document).to.have.all.keys('schema', 'code', 'message', 'hint', 'exit');
    });
  }

  it('keeps a bug of one handler to one answer', async () => {
    control.status = () => {
      throw new TypeError('a bug');
    };
    expect(await ask('GET', '/v1/status')).to.deep.include({ status: 500 });
    expect((await ask('GET', '/v1/links')).status).to.equal(200);
  });

  it('takes no request over 64 KiB', async () => {
    const answer = await ask('POST', '/v1/peers', 'x'.repeat(65_537));
    expect(answer.document).to.include({ code: 'too-large' });
    expect(control.asked).to.deep.equal([]);
    expect((await ask('POST', '/v1/peers', 'x'.repeat(65_536))).status).to.equal(200);
  });

  it('survives what is no HTTP, and takes at most 32 connections', async () => {
    const opened: Socket[] = [];
    const closed = Array.from({ length: 40 }, (_, i) => {
      const socket = connect(socketPath);
      opened.push(socket);
      socket.resume().on('error', () => {});
      return new Promise<number>((resolve) => socket.on('close', () => resolve(i)));
    });
    try {
      await Promise.race(closed); // one of those beyond the limit, as no other has said anything
      for (const socket of opened) socket.write('\u0000\u0001 nonsense\r\n\r\n');
      await Promise.all(closed);
      expect((await ask('GET', '/v1/status')).status).to.equal(200);
    } finally {
      for (const socket of opened) socket.destroy();
    }
  });

  it('drops who asks for events and does not read them', async () => {
    let tell: (event: Document) => void = () => {};
    const gone = new Promise<void>((resolve) => {
      control.monitor = (each, signal) => {
        tell = each;
        signal.addEventListener('abort', () => resolve());
      };
    });
    const reader = connect(socketPath);
    reader.on('error', () => {});
    reader.pause();
    reader.write('GET /v1/monitor HTTP/1.1\r\nhost: x\r\n\r\n');
    const text = 'x'.repeat(10_000);
    let dropped = false;
    void gone.then(() => {
      dropped = true;
    });
    for (let i = 0; i < 10_000 && !dropped; i++) {
      tell({ schema: 'alamesh.monitor/1', kind: 'log', at: i, text });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(dropped).to.equal(true);
    reader.destroy();
  });
});
