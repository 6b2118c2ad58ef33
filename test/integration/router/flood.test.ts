/** A flood of handshakes from many sources: control code hears little of it, and an honest peer gets in all the same. */
import path from 'node:path';
import { expect } from 'chai';
import { toBase64Url } from '../../../src/base/bytes.js';
import { parsePeerLine } from '../../../src/identity/peer-line.js';
import { loadNative } from '../../../src/platform/native.js';
import { canRunRouters, type Namespace, Stage, until } from '../namespace.js';
import { established, lineOf, Router, type StatusDocument } from '../routers.js';

const ATTACKER = path.resolve('dist/test/integration/router/attacker.js');
const VICTIM = '10.9.0.1';
const FRIEND = '10.9.0.2';
const NOBODY = '10.9.0.77:4242';
const SOURCES = Array.from({ length: 64 }, (_, i) => `10.9.1.${i + 1}`);
const FLOOD_MSEC = 40_000;

interface Noise extends StatusDocument {
  readonly noise: Readonly<Record<string, number>>;
}

const noiseOf = async (router: Router): Promise<Readonly<Record<string, number>>> =>
  ((await router.status()) as Noise).noise;

for (const plane of ['native', 'portable']) {
  describe(`a flood of handshakes to the ${plane} plane`, function () {
    this.timeout(120_000);
    let stage: Stage;
    before(function () {
      if (!canRunRouters() || (plane === 'native' && !loadNative().ok)) this.skip();
    });
    beforeEach(() => {
      stage = new Stage();
    });
    afterEach(() => stage.close());

    const config = `plane = "${plane}"\n[discovery]\ninterfaces = []`;

    async function network(): Promise<[Namespace, Namespace, Namespace]> {
      const names = ['victim', 'friend', 'enemy'];
      const spaces = await Promise.all(names.map((name) => stage.namespace(name)));
      await stage.lan(spaces);
      const [victim, friend, enemy] = spaces as [Namespace, Namespace, Namespace];
      await victim.ip(`addr add ${VICTIM}/16 dev lan0`);
      await friend.ip(`addr add ${FRIEND}/16 dev lan0`);
      for (const source of SOURCES) await enemy.ip(`addr add ${source}/16 dev lan0`);
      return [victim, friend, enemy];
    }

    it('an honest peer connects while it lasts', async () => {
      const [v, f, enemy] = await network();
      const victim = await Router.start(stage, { at: v, name: 'victim', config });
      const friend = await Router.start(stage, { at: f, name: 'friend', config });
      const parsed = parsePeerLine((await lineOf(victim, `${VICTIM}:4242`)).trim());
      if (!parsed.ok) throw new Error(parsed.error);
      const key = toBase64Url(parsed.value.noiseKey);
      const words = ['flood', VICTIM, '4242', key, String(FLOOD_MSEC), SOURCES.join(',')];
      const flood = enemy.start([process.execPath, ATTACKER, ...words]);
      const demanded = async (): Promise<number> =>
        plane === 'native'
          ? await victim.dropped('cookie-demanded')
          : ((await noiseOf(victim)).cookieDemanded ?? 0);
      await until('cookies are demanded', async () => (await demanded()) > 1_000);
      // The victim does not know where its friend really is: only the friend can begin.
      await victim.must('peer', 'add', (await lineOf(friend, NOBODY)).trim());
      await friend.must('peer', 'add', (await lineOf(victim, `${VICTIM}:4242`)).trim());
      await established(victim, friend, 60_000);
      expect(flood.child.exitCode, 'the flood goes on').to.equal(null);
      expect((await noiseOf(friend)).acceptedCookies, 'it showed a cookie').to.be.at.least(1);
      expect((await friend.at.ping(victim.address, 10)).received).to.be.at.least(8);
      const { unauthentic = 0, acceptedInitiations = 0 } = await noiseOf(victim);
      const seconds = (FLOOD_MSEC + 10_000) / 1_000;
      expect(unauthentic + acceptedInitiations).to.be.below(400 * seconds);
      if (plane === 'native') {
        const heard = Object.values(await noiseOf(victim)).reduce((sum, one) => sum + one, 0);
        expect(heard, 'what control code heard of').to.be.below(150 * seconds);
      }
      flood.child.kill('SIGKILL');
      await flood.ended;
    });
  });
}
