import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parsePeerLine } from '../../src/identity/peer-line.js';
import {
  canRunRouters,
  hasTools,
  must,
  type Namespace,
  Stage,
  type Started,
  until,
} from '../integration/namespace.js';
import { lineOf, Router } from '../integration/routers.js';

const THEIR_PREFIX = 'fd77:7777:7777:7777::/64';
const THEIR_ADDRESS = 'fd77:7777:7777:7777::1';
const OUR_HOST = '10.9.0.1';
const THEIR_HOST = '10.9.0.2';
let devices = 0;

/** A stock WireGuard in a namespace of its own. */
class StockWireguard {
  readonly at: Namespace;
  /** Its control sockets are in one folder for all namespaces. */
  readonly device = `wg${process.pid % 1_000_000}x${++devices}`;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly #folder: string;
  #process: Started | undefined;

  private constructor(at: Namespace, folder: string, keys: readonly [string, string]) {
    this.at = at;
    this.#folder = folder;
    [this.privateKey, this.publicKey] = keys;
  }

  static async make(at: Namespace, folder: string): Promise<StockWireguard> {
    const privateKey = (await must(['wg', 'genkey'])).trim();
    const publicKey = (await must(['wg', 'pubkey'], { input: privateKey })).trim();
    return new StockWireguard(at, folder, [privateKey, publicKey]);
  }

  /** @param peer Lines of the [Peer] section. */
  async start(peer: string, port: number): Promise<void> {
    const { at, device } = this;
    this.#process = at.start(['wireguard-go', '-f', device], { env: { LOG_LEVEL: 'verbose' } });
    await until(
      'wireguard-go runs',
      async () => (await at.run(['wg', 'show', device])).status === 0,
    );
    const file = path.join(this.#folder, `${device}.conf`);
    const text = `[Interface]\nPrivateKey = ${this.privateKey}\nListenPort = ${port}\n[Peer]\n${peer}\n`;
    writeFileSync(file, text, { mode: 0o600 });
    await at.must(['wg', 'setconf', device, file]);
    await at.ip(`addr add ${THEIR_ADDRESS}/64 dev ${device} nodad`);
    await at.ip(`link set ${device} mtu 1420 up`);
    await at.ip(`-6 route add fd00::/8 dev ${device}`);
  }

  async stop(): Promise<void> {
    this.#process?.child.kill('SIGTERM');
    await this.#process?.ended;
  }

  /** Epoch seconds of the last handshake; 0: none. */
  async handshakeAt(): Promise<number> {
    const text = await this.at.must(['wg', 'show', this.device, 'latest-handshakes']);
    return Number(text.trim().split('\t')[1] ?? 0);
  }

  said(): string {
    return this.#process?.said() ?? '';
  }
}

describe('a stock WireGuard as a peer', function () {
  this.timeout(60_000);
  let stage: Stage;
  let router: Router;
  let stock: StockWireguard;
  let ours: Namespace;

  before(function () {
    if (!canRunRouters() || !hasTools('wireguard-go', 'wg')) this.skip();
  });

  beforeEach(async () => {
    stage = new Stage();
    ours = await stage.namespace('ours');
    const theirs = await stage.namespace('theirs');
    await stage.wire(
      { at: ours, device: 'wire', addresses: [`${OUR_HOST}/24`] },
      { at: theirs, device: 'wire', addresses: [`${THEIR_HOST}/24`] },
    );
    stock = await StockWireguard.make(theirs, stage.folder);
  });
  afterEach(async () => {
    await stock?.stop();
    await stage?.close();
  });

  /** Our router, with the stock peer in its configuration. */
  async function startRouter(endpoints: readonly string[], env = {}): Promise<void> {
    const config = [
      '[discovery]',
      'interfaces = []',
      '[[peers]]',
      `key = "${stock.publicKey}"`,
      `endpoints = ${JSON.stringify(endpoints)}`,
      `allowed_ips = ["${THEIR_PREFIX}"]`,
    ].join('\n');
    router = await Router.start(stage, { at: ours, name: 'ours', config, env });
  }

  async function peerLines(more = ''): Promise<string> {
    const parsed = parsePeerLine((await lineOf(router, `${OUR_HOST}:4242`)).trim());
    if (!parsed.ok) throw new Error(parsed.error);
    const key = Buffer.from(parsed.value.noiseKey).toString('base64');
    return `PublicKey = ${key}\nAllowedIPs = ${router.prefix}\n${more}`;
  }

  const toEndpoint = `Endpoint = ${OUR_HOST}:4242`;
  const theyPing = async (count = 5): Promise<number> =>
    (await stock.at.ping(router.address, count)).received;
  const wePing = async (count = 5): Promise<number> =>
    (await router.at.ping(THEIR_ADDRESS, count)).received;

  it('is shaken hands with by us, and carries IPv6 both ways', async () => {
    await startRouter([`udp://${THEIR_HOST}:51820`]);
    await stock.start(await peerLines(), 51820); // it does not know where we are
    await until('our ping passes', async () => (await wePing(1)) === 1);
    expect(await stock.handshakeAt(), stock.said()).to.be.greaterThan(0);
    expect([await wePing(), await theyPing()]).to.deep.equal([5, 5]);
    const { received, output } = await router.at.ping(THEIR_ADDRESS, 3, '-s', '1232');
    expect(received, output).to.equal(3);
    expect((await router.links())[0]?.state).to.equal('up');
  });

  it('shakes hands with us, and carries IPv6 both ways', async () => {
    await startRouter([]); // we do not know where it is
    await stock.start(await peerLines(toEndpoint), 51820);
    await until('its ping passes', async () => (await theyPing(1)) === 1);
    expect([await wePing(), await theyPing()]).to.deep.equal([5, 5]);
    expect((await router.links())[0]?.path?.remote).to.contain(`${THEIR_HOST}:51820`);
  });

  it('may start anew, from another port, and is followed', async () => {
    await startRouter([`udp://${THEIR_HOST}:51820`]);
    await stock.start(await peerLines(toEndpoint), 51820);
    await until('its ping passes', async () => (await theyPing(1)) === 1);
    await stock.stop();
    await stock.start(await peerLines(toEndpoint), 51999);
    await until('its ping passes again', async () => (await theyPing(1)) === 1);
    expect([await wePing(), await theyPing()]).to.deep.equal([5, 5]);
    expect((await router.links())[0]?.path?.remote).to.contain(':51999');
  });

  it('is followed when its port changes within a session', async () => {
    await startRouter([`udp://${THEIR_HOST}:51820`]);
    await stock.start(await peerLines(toEndpoint), 51820);
    await until('its ping passes', async () => (await theyPing(1)) === 1);
    const handshake = await stock.handshakeAt();
    await stock.at.must(['wg', 'set', stock.device, 'listen-port', '51777']);
    expect(await theyPing(5)).to.be.at.least(4);
    await until('our ping passes', async () => (await wePing(1)) === 1);
    expect((await router.links())[0]?.path?.remote).to.contain(':51777');
    expect(await stock.handshakeAt()).to.equal(handshake);
  });

  it('survives our rekeys without losing a packet', async () => {
    await startRouter([`udp://${THEIR_HOST}:51820`], { ALAMESH_TEST_REKEY_MSEC: '1500' });
    await stock.start(await peerLines(), 51820);
    await until('our ping passes', async () => (await wePing(1)) === 1);
    const before = stock.said().split('Received handshake initiation').length;
    const { sent, received, output } = await router.at.ping(THEIR_ADDRESS, 60);
    expect(received, output).to.equal(sent);
    const after = stock.said().split('Received handshake initiation').length;
    expect(after - before, stock.said().slice(-2000)).to.be.at.least(2);
  });

  it('gets no packet through from a source that it was not given', async () => {
    await startRouter([`udp://${THEIR_HOST}:51820`]);
    await stock.start(await peerLines(toEndpoint), 51820);
    await until('its ping passes', async () => (await theyPing(1)) === 1);
    await stock.at.ip(`addr add fd78::1/128 dev ${stock.device} nodad`);
    const before = await router.dropped('wrong-source');
    const { received } = await stock.at.ping(router.address, 3, '-I', 'fd78::1');
    expect(received).to.equal(0);
    expect(await router.dropped('wrong-source')).to.be.at.least(before + 3);
  });
});
