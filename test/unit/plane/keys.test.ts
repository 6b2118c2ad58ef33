import { expect } from 'chai';
import type { Crypto } from '../../../src/base/crypto.js';
import { PortableCore } from '../../../src/plane/portable/core.js';
import type { PlaneCommand } from '../../../src/plane/types.js';
import { at, crypto, link, node, Peer, path } from '../../contract/plane/harness.js';

/** Counts the keys that are in memory. */
function countingCrypto() {
  const alive = new Set<object>();
  const counting: Crypto = {
    ...crypto,
    aeadKey(bytes) {
      const key = crypto.aeadKey(bytes);
      const counted = {
        seal: (counter: number, plain: Uint8Array, out: Uint8Array, offset: number) =>
          key.seal(counter, plain, out, offset),
        open: (counter: number, sealed: Uint8Array, out: Uint8Array, offset: number) =>
          key.open(counter, sealed, out, offset),
        wipe() {
          alive.delete(counted);
          key.wipe();
        },
      };
      alive.add(counted);
      return counted;
    },
  };
  return { crypto: counting, alive: () => alive.size };
}

describe('keys in the portable plane', () => {
  const setup = () => {
    const counted = countingCrypto();
    const core = new PortableCore({
      crypto: counted.crypto,
      tun: { write: () => true },
      paths: { send: (_path, datagrams) => datagrams.length },
      pathInfo: () => path(1),
      emit: () => undefined,
    });
    const fixed = { path: path(1).id, datagramBytesMax: 1452, mtu: 1420, peer: node(2) };
    core.apply(at(0), [{ kind: 'link', link: link(2), sourceCheck: 'own', ...fixed }]);
    const keypair = (n: number, initiator = true): PlaneCommand => ({
      ...{ kind: 'keypair', link: link(2) },
      keypair: new Peer(n, { initiator, createdAt: at(1000) }).keypair,
    });
    return { core, alive: counted.alive, keypair };
  };

  it('are never more than three pairs per link, whatever is installed', () => {
    const { core, alive, keypair } = setup();
    for (let n = 0; n < 40; n++) {
      core.apply(at(1000), [keypair(n, (n * 7) % 3 === 0)]);
      expect(alive()).to.be.at.most(6);
    }
    core.apply(at(1000), [keypair(39), keypair(39)]);
    expect(alive(), 'the same index again replaces').to.be.at.most(6);
    core.apply(at(1000), [{ kind: 'remove-link', link: link(2) }]);
    expect(alive()).to.equal(0);
  });

  it('are wiped by wipe-keys, and by age without anything being sent', () => {
    const { core, alive, keypair } = setup();
    core.apply(at(1000), [keypair(1), keypair(2, false)]);
    expect(alive()).to.equal(4);
    core.apply(at(1000), [{ kind: 'wipe-keys', link: link(2) }]);
    expect(alive()).to.equal(0);
    core.apply(at(1000), [keypair(3)]);
    core.flush(at(180_000));
    expect(alive()).to.equal(2);
    core.flush(at(181_000));
    expect(alive()).to.equal(0);
  });
});
