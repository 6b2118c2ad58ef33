import { expect } from 'chai';
import { canRunRouters, type Namespace, Stage, until } from '../namespace.js';
import { converged, isEstablished, Router } from '../routers.js';

const LOSS = 'meta l4proto udp numgen random mod 100 < 30';

describe('a link that loses 30 % in both directions', function () {
  this.timeout(120_000);
  let stage: Stage;
  before(function () {
    if (!canRunRouters()) this.skip();
    stage = new Stage();
  });
  after(() => stage?.close());

  it('comes up, carries the routes of both sides, and stays', async () => {
    const spaces = await Promise.all(['r1', 'r2', 'r3'].map((name) => stage.namespace(name)));
    const at = (n: number): Namespace => spaces[n - 1] as Namespace;
    await stage.wire({ at: at(1), device: 'to2' }, { at: at(2), device: 'to1' });
    await stage.wire({ at: at(2), device: 'to3' }, { at: at(3), device: 'to2' });
    await at(2).dropArriving('to3', LOSS);
    await at(3).dropArriving('to2', LOSS);
    const start = (n: number): Promise<Router> => Router.start(stage, { at: at(n), name: `r${n}` });
    const [r1, r2, r3] = (await Promise.all([1, 2, 3].map(start))) as [Router, Router, Router];
    await converged([r1, r2, r3], 60_000);
    await until('the session is established', () => isEstablished(r2, r3));
    const before = (await r2.summary()).peers[r3.address];
    // 0.7 × 0.7 of the pings come back: 98 of 200, standard deviation 7.
    const { received, output } = await r1.at.ping(r3.address, 200);
    expect(received, output.slice(-200)).to.be.within(60, 136);
    const after = (await r2.summary()).peers[r3.address];
    expect(after?.state).to.equal('Established');
    expect(after?.connectionsEstablished).to.equal(before?.connectionsEstablished);
    const link = await r2.linkTo(r3);
    expect(link?.state).to.equal('up');
    expect(link?.loss).to.be.within(0.05, 0.6);
  });
});
