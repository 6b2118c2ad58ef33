import { expect } from 'chai';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, hasTools, type Namespace, Stage, until } from '../namespace.js';
import { converged, established, Router } from '../routers.js';

const CONFIG = 'listen = ["udp://[::]:4242", "tcp://[::]:4443"]\n[discovery]\ninterfaces = []';

const transportOf = async (from: Router, to: Router): Promise<string | undefined> =>
  (await from.linkTo(to))?.path?.transport;

const blockUdp = (at: Namespace): Promise<string> =>
  at.must([
    'nft',
    'add table inet t; add chain inet t c { type filter hook input priority 0; }; add rule inet t c udp dport 4242 drop',
  ]);
const unblockUdp = (at: Namespace): Promise<string> => at.must(['nft', 'delete table inet t']);

describe('links over TCP', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters() || !hasTools('nft') || !loadNative().ok) this.skip();
  });
  beforeEach(() => {
    stage = new Stage();
  });
  afterEach(() => stage.close());

  for (const plane of ['native', 'portable']) {
    it(`come up where UDP is blocked, turn into UDP links and back: ${plane}`, async () => {
      const [a, b] = [await stage.namespace('a'), await stage.namespace('b')];
      await stage.wire(
        { at: a, device: 'wire', addresses: ['10.9.0.1/24'] },
        { at: b, device: 'wire', addresses: ['10.9.0.2/24'] },
      );
      for (const at of [a, b]) await blockUdp(at);
      const env = { ALAMESH_PLANE: plane };
      const one = await Router.start(stage, { at: a, name: 'one', config: CONFIG, env });
      const two = await Router.start(stage, { at: b, name: 'two', config: CONFIG, env });
      // No endpoint given: all that they listen at.
      await one.must('peer', 'add', (await two.must('peer', 'line')).trim());
      await two.must('peer', 'add', (await one.must('peer', 'line')).trim());
      await established(one, two, 40_000);
      await converged([one, two]);
      expect(await transportOf(one, two)).to.equal('tcp');
      expect((await a.ping(two.address, 20, '-i', '0.02', '-s', '1300')).received).to.equal(20);

      const handshakeAt = (await one.linkTo(two))?.lastHandshakeAt;
      const running = a.ping(two.address, 1_000, '-i', '0.02');
      for (const at of [a, b]) await unblockUdp(at);
      await until('it is a UDP link', async () => (await transportOf(one, two)) === 'udp', 60_000);
      const { received } = await running;
      expect(received, 'no packet is lost by the move').to.equal(1_000);
      const moved = await one.linkTo(two);
      expect(moved?.lastHandshakeAt, 'without a handshake').to.equal(handshakeAt);

      for (const at of [a, b]) await blockUdp(at);
      const since = Date.now();
      void a.ping(two.address, 300, '-i', '0.02');
      await until('it is a TCP link again', async () => (await transportOf(one, two)) === 'tcp');
      expect(Date.now() - since).to.be.below(6_000);
      await until('packets pass', async () => (await a.ping(two.address, 1)).received === 1);
    });
  }
});
