import { expect } from 'chai';
import { createTransport } from '../../../transports/udp/index.js';
import { canUnshare, inNamespace } from './namespace.js';

const scenario = (name: string): Promise<unknown> =>
  inNamespace(new URL('./scenarios.js', import.meta.url), name);

describe('udp in a namespace of its own', function () {
  this.timeout(20_000);
  before(function () {
    if (!canUnshare()) this.skip();
  });

  it('answers from the address that was addressed', async () => {
    const answers = (await scenario('replySource')) as Record<string, boolean>;
    expect(Object.keys(answers)).to.have.length(6);
    expect(Object.values(answers), JSON.stringify(answers)).to.not.include(false);
  });

  it('lets the kernel choose when the address that was addressed is gone', async () => {
    const { taken, from, local } = (await scenario('vanishedAddress')) as Record<string, unknown>;
    expect({ taken, from, local }).to.deep.equal({ taken: 1, from: '//192.0.2.1', local: null });
  });

  it('tells of a datagram that does not fit, and sends the others', async () => {
    const { taken, failures, after } = (await scenario('tooBig')) as Record<string, unknown>;
    expect({ taken, after }).to.deep.equal({ taken: 3, after: 3 });
    const reason = 'larger than the interface carries';
    expect(failures).to.deep.equal([{ kind: 'too-big', reason, bytes: 1400, same: true }]);
  });

  it('tells once of a train whose datagrams do not fit', async () => {
    expect(await scenario('tooBigTrain')).to.deep.equal({ taken: 0, failures: 1, bytes: 1390 });
  });

  it('tells of an unreachable remote, once in 50 ms', async () => {
    const { taken, fast, kinds, noFamily } = (await scenario('unreachable')) as {
      taken: number;
      fast: boolean;
      kinds: string[];
      noFamily: { kind: string; reason: string };
    };
    expect(taken).to.equal(0);
    if (fast) expect(kinds).to.deep.equal(['unreachable']);
    expect(noFamily).to.deep.equal({ kind: 'unreachable', reason: 'no listener for IPv6' });
  });

  it('speaks between link-local addresses, and names their zones', async () => {
    expect(await scenario('linkLocal')).to.deep.equal({
      bound: 'udp://[fe80::2%v1]',
      remote: 'udp://[fe80::1%v1]',
      local: 'udp://[fe80::1%v0]',
      same: true,
    });
  });

  it('drops quietly what a firewall refuses', async function () {
    const result = await scenario('firewall');
    if (result === null) return this.skip();
    expect(result).to.deep.equal({ taken: 0, failures: 0, dropped: 3 });
  });

  it('remembers a bounded number of remotes under a flood, and those it opened', async () => {
    const { paths, pinned } = (await scenario('flood')) as { paths: number; pinned: boolean };
    expect(paths).to.be.within(4096, 4097);
    expect(pinned).to.equal(true);
  });
});

describe('udp listen errors', () => {
  const listen = (url: string): Promise<string> => {
    const transport = createTransport({ received() {}, failed() {}, log() {} }, {});
    return transport.listen(url).finally(() => transport.close());
  };
  const refusal = (url: string): Promise<Error & { code?: string }> =>
    listen(url).then(
      (bound) => new Error(`listens at ${bound}`),
      (error: Error) => error,
    );

  it('says that no interface has the address', async () => {
    const error = await refusal('udp://192.0.2.77:0');
    expect(error.message).to.equal('no interface of this host has the address 192.0.2.77');
    expect(error.code).to.equal('EADDRNOTAVAIL');
  });

  it('says which port is in use', async () => {
    const other = createTransport({ received() {}, failed() {}, log() {} }, {});
    const bound = await other.listen('udp://[::]:0');
    const error = await refusal(bound).finally(() => other.close());
    const port = bound.slice(bound.lastIndexOf(':') + 1);
    expect(error.message).to.equal(`port ${port} of [::] is in use by another program`);
  });
});
