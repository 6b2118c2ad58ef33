import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import { Hints } from '../../../src/router/registry/hints.js';
import { Webhook } from '../../../src/router/registry/webhook.js';

const SECRET = 'a secret of the realm';
const BODY = JSON.stringify({ ref: 'refs/heads/main', after: '1'.repeat(40) });
const hmac = (body: string, secret = SECRET): string =>
  createHmac('sha256', secret).update(body).digest('hex');

const github = (body = BODY, delivery = 'd1') => ({
  'X-GitHub-Event': 'push',
  'X-GitHub-Delivery': delivery,
  'X-Hub-Signature-256': `sha256=${hmac(body)}`,
});

describe('the webhook', () => {
  let webhook: Webhook;
  let pushes = 0;
  let at = 0;
  const lines: string[] = [];
  const note = (_area: string, message: string): void => void lines.push(message);
  const log = { debug: note, info: note, warn: note, error: note };

  beforeEach(async () => {
    pushes = 0;
    lines.length = 0;
    webhook = await Webhook.open({
      config: { listen: '127.0.0.1:0', path: '/hook', secret: SECRET },
      secret: SECRET,
      log,
      now: () => at as Instant,
      pushed: () => void pushes++,
    });
  });
  afterEach(() => webhook.close());

  async function post(headers: Record<string, string>, body = BODY, method = 'POST') {
    const { status } = await fetch(webhook.status.listening, {
      ...{ method, headers },
      ...(method === 'POST' && { body }),
    });
    return status;
  }

  for (const [host, headers] of Object.entries<Record<string, string>>({
    GitHub: github(),
    Gitea: { 'X-Gitea-Event': 'push', 'X-Gitea-Delivery': 'd', 'X-Gitea-Signature': hmac(BODY) },
    Forgejo: {
      'X-Forgejo-Event': 'push',
      'X-Forgejo-Delivery': 'd',
      'X-Forgejo-Signature': hmac(BODY),
    },
    GitLab: { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Token': SECRET },
  })) {
    it(`takes a push of ${host}`, async () => {
      expect(await post(headers)).to.equal(202);
      expect(pushes).to.equal(1);
      expect(webhook.status).to.include({ accepted: 1, refused: 0 });
    });
  }

  it('answers a ping, and leaves other events', async () => {
    expect(await post({ ...github(), 'X-GitHub-Event': 'ping' })).to.equal(200);
    expect(await post({ ...github(BODY, 'd2'), 'X-GitHub-Event': 'issues' })).to.equal(202);
    expect(pushes).to.equal(0);
  });

  it('refuses what is not signed with the secret, and says nothing of it in the log', async () => {
    const wrong = `sha256=${hmac(BODY, 'another')}`;
    for (const headers of [
      {},
      { 'X-Hub-Signature-256': wrong },
      { 'X-Hub-Signature-256': `sha256=${hmac(BODY).slice(2)}` },
      { 'X-Hub-Signature-256': 'sha256=' },
      { 'X-Hub-Signature-256': `sha256=${'zz'.repeat(32)}` },
      { 'X-Gitea-Signature': hmac(`${BODY} `) },
      { 'X-Gitlab-Token': `${SECRET}x` },
      { 'X-Gitlab-Token': '' },
    ] as Record<string, string>[]) {
      expect(await post(headers), JSON.stringify(headers)).to.equal(401);
    }
    expect(pushes).to.equal(0);
    expect(webhook.status.refused).to.equal(8);
    expect(lines.join('\n')).to.contain('signature').and.not.to.contain(SECRET);
  });

  it('does nothing for a delivery that comes again', async () => {
    expect(await post(github())).to.equal(202);
    expect(await post(github())).to.equal(200);
    expect(pushes).to.equal(1);
  });

  it('takes only POST, only at its path, and no body that is too long', async () => {
    expect(await post(github(), BODY, 'GET')).to.equal(405);
    const elsewhere = webhook.status.listening.replace('/hook', '/other');
    expect((await fetch(elsewhere, { method: 'POST', body: BODY })).status).to.equal(404);
    const long = 'x'.repeat((1 << 20) + 1);
    expect(await post(github(long), long)).to.equal(413);
    expect(pushes).to.equal(0);
  });

  it('stops reading a body that is longer than it said, chunk by chunk', async () => {
    const { port } = new URL(webhook.status.listening);
    const socket = connect(Number(port), '127.0.0.1');
    let said = '';
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', resolve));
    socket.on('data', (part) => {
      said += part.toString();
    });
    socket.write('POST /hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    for (let i = 0; i < 20; i++) socket.write(chunk);
    await closed;
    expect(said).to.match(/^HTTP\/1\.1 413 /);
  });

  it('ends requests that dawdle', async function () {
    this.timeout(20_000);
    const { port } = new URL(webhook.status.listening);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', resolve));
    socket.on('data', () => {});
    socket.write('POST /hook HTTP/1.1\r\nHost: x\r\n');
    await closed;
    expect(await post(github())).to.equal(202);
  });

  it('limits how often one source may ask', async () => {
    const answers = [];
    for (let i = 0; i < 30; i++) answers.push(await post({}, ''));
    expect(answers.filter((status) => status === 429)).to.have.length(10);
    at += 5_000;
    expect(await post(github())).to.equal(202);
  });
});

describe('hints', function () {
  this.timeout(20_000);
  it('make one look at a time, and one more after it', async () => {
    let running = 0;
    let looks = 0;
    let finish = (): void => {};
    const begun: (() => void)[] = [];
    const hints = new Hints(async () => {
      expect(++running).to.equal(1);
      looks++;
      begun.shift()?.();
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      running--;
      throw new Error('the host is away');
    });
    for (let i = 0; i < 100; i++) hints.hint();
    expect(looks).to.equal(1);
    const second = new Promise<void>((resolve) => void begun.push(resolve));
    finish();
    await second;
    expect(looks).to.equal(2);
    hints.stop();
    finish();
    hints.hint();
    expect(looks).to.equal(2);
  });
});
