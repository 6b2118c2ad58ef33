import { expect } from 'chai';
import { canUnshare, inNamespace } from '../udp/namespace.js';

const scenario = async (name: string): Promise<Record<string, unknown>> =>
  (await inNamespace(new URL('./scenarios.js', import.meta.url), name)) as Record<string, unknown>;

describe('TUN in a namespace of its own', function () {
  this.timeout(20_000);
  before(function () {
    if (!canUnshare()) this.skip();
  });

  it('carries a ping there and back over a learned route, and is gone when closed', async () => {
    expect(await scenario('ping')).to.deep.equal({
      status: 0,
      mtu: 1280,
      addresses: ['fd000001000000000000000000000001'],
      readPackets: 3,
      writtenPackets: 3,
      left: 0,
      gone: true,
    });
  });

  it('is silent and idle when nobody sends', async () => {
    const { seen, cpuMsec } = await scenario('silence');
    expect(seen).to.deep.equal([]);
    expect(cpuMsec).to.be.below(100);
  });

  it('tells when the device was deleted, and takes nothing then', async () => {
    const { reason, written, read } = await scenario('deleted');
    expect(reason).to.equal('the interface ala0 was deleted');
    expect({ written, read }).to.deep.equal({ written: false, read: 0 });
  });

  it('works again after it was down', async () => {
    expect(await scenario('down')).to.deep.equal({ whileDown: false, afterwards: true });
  });

  it('says when a name is taken or wrong, picks a free one, and leaves nothing', async () => {
    expect(await scenario('taken')).to.deep.equal({
      errors: ['interface-taken', 'interface-taken', 'bad-name', 'bad-name'],
      name: 'ala1',
      left: ['lo'],
    });
  });
});

describe('kernel routes', function () {
  this.timeout(20_000);
  before(function () {
    if (!canUnshare()) this.skip();
  });

  it('follow what is wanted, twice is once, and leftovers of a crash go', async () => {
    expect(await scenario('manyRoutes')).to.deep.equal({
      installed: 2000,
      kept: 501,
      afterCrash: 0,
      refused: [],
    });
  });

  it('leave the routes of others, and say once where they overlap', async () => {
    expect(await scenario('overlaps')).to.deep.equal({
      first: ['fd00:a::/64 dev v0 theirs', 'fd00:b::/48 dev v0 ours'],
      second: ['fd00:c::/64 dev v1 theirs'],
      carries: ['v0', 'ala0', 'v1'],
      kept: ['fd00000a000000000000000000000000', 'fd00000c000000000000000000000000'],
    });
  });
});

describe('interfaces and beacons', function () {
  this.timeout(20_000);
  before(function () {
    if (!canUnshare()) this.skip();
  });

  it('come and go as the kernel tells, without loopback and tunnels', async () => {
    expect(await scenario('interfaces')).to.deep.equal({
      atFirst: 'v0 v1',
      only: 'v1',
      none: '',
      except: 'v1',
      host: ['w0 fd00000d000000000000000000000001'],
      present: 'w0',
    });
  });

  it('beacons reach the link, and only those of the link count', async () => {
    const result = await scenario('discovery');
    expect(result).to.deep.equal({
      sent: [true, false, true, false, false],
      heard: ['a fe80::1%v1 v1 one', 'a fe80::1%v1 v1 two'],
      logged: ['no discovery on ghost: ENODEV'],
      dropped: 2,
      afterLeaving: false,
      afterRemoval: false,
    });
  });
});
