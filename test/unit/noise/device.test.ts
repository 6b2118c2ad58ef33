import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import { type PacketKind, Pair, PEER, seededEntropy } from './pair.js';

/** Both can send, and what one sends the other opens. */
function expectBothWays(pair: Pair): void {
  const before = [pair.a.received, pair.b.received];
  pair.a.sendData();
  pair.b.sendData();
  pair.advance(1_000);
  expect([pair.a.received, pair.b.received]).to.deep.equal(before.map((count) => count + 1));
}

/** Loses the first packet of a kind. */
function loseFirst(pair: Pair, kind: PacketKind): void {
  let lost = false;
  pair.network = (packet) => {
    if (packet.kind !== kind || lost) return [20];
    lost = true;
    return [];
  };
}

/** Data one way or both, every `interval` ms for `duration` ms. */
function talk(pair: Pair, who: 'a' | 'b' | 'both', interval: number, duration: number): void {
  for (let t = 0; t < duration; t += interval) {
    if (who !== 'b') pair.a.sendData();
    if (who !== 'a') pair.b.sendData();
    pair.advance(interval);
  }
}

describe('noise device: handshake', () => {
  it('makes a key in one round trip and confirms it with a keepalive', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(100);
    expect(pair.sent.map(({ kind }) => kind)).to.deep.equal([
      'initiation',
      'response',
      'keepalive',
    ]);
    expect(pair.a.current?.initiator).to.equal(true);
    expect(pair.b.current?.initiator).to.equal(false);
    expect(pair.a.current?.sendKey).to.deep.equal(pair.b.current?.receiveKey);
    expect(pair.a.current?.receiveKey).to.deep.equal(pair.b.current?.sendKey);
    expect(pair.a.current?.remoteIndex).to.equal(pair.b.current?.localIndex);
    expectBothWays(pair);
  });

  it('asked twice, or right after a key was made, sends nothing more', () => {
    const pair = new Pair();
    pair.a.want();
    pair.a.want();
    pair.advance(100);
    pair.a.want();
    pair.b.want();
    pair.advance(30_000);
    expect(pair.count('initiation')).to.equal(1);
  });

  for (const kind of ['initiation', 'response'] as const) {
    it(`tries again within 5 to 5.4 s when the ${kind} is lost`, () => {
      const pair = new Pair();
      loseFirst(pair, kind);
      const start = pair.now;
      pair.a.sendData();
      pair.advance(4_990);
      expect(pair.count('initiation')).to.equal(1);
      pair.advance(500);
      expect(pair.b.received).to.equal(1);
      expect((pair.a.current?.createdAt ?? 0) - start).to.be.within(5_000, 5_400);
      expectBothWays(pair);
    });
  }

  it('lets the responder send as soon as any packet confirms the key', () => {
    const pair = new Pair();
    loseFirst(pair, 'keepalive');
    pair.a.want();
    pair.advance(100);
    expect(pair.b.current).to.equal(undefined);
    pair.b.sendData();
    pair.advance(100);
    expect(pair.a.received, 'not confirmed yet').to.equal(0);
    expect(pair.count('initiation', 'b'), 'it waits for the key it has answered').to.equal(0);
    pair.a.sendData();
    pair.advance(100);
    expect([pair.a.received, pair.b.received]).to.deep.equal([1, 1]);
    pair.advance(20_000);
    expect(pair.count('initiation', 'b')).to.equal(0);
  });

  it('starts one of its own when the key that it answered is never confirmed', () => {
    const pair = new Pair();
    loseFirst(pair, 'keepalive');
    pair.a.want();
    pair.advance(100);
    pair.b.sendData();
    pair.advance(6_000);
    expect(pair.count('initiation', 'b')).to.equal(1);
    expect(pair.a.received).to.equal(1);
  });

  it('gives up after 90 s and is quiet until it is asked again', () => {
    const pair = new Pair();
    pair.network = () => [];
    pair.a.want();
    pair.advance(96_000);
    expect(pair.a.of('gave-up')).to.have.length(1);
    expect(pair.count('initiation')).to.be.within(17, 18);
    const tried = pair.count('initiation');
    pair.advance(600_000);
    expect(pair.count('initiation')).to.equal(tried);
    pair.network = () => [20];
    pair.a.want();
    pair.advance(100);
    expectBothWays(pair);
  });

  it('converges when both start at once, whatever the order of arrival', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const pair = new Pair(seed);
      const entropy = seededEntropy(seed);
      pair.network = () => [1 + entropy.below(40)];
      pair.a.sendData();
      pair.b.sendData();
      pair.advance(1_000);
      expect([pair.a.received, pair.b.received], `seed ${seed}`).to.deep.equal([1, 1]);
      expectBothWays(pair);
      pair.advance(3_000);
      expect(pair.count('initiation'), `seed ${seed}`).to.equal(2);
    }
  });

  it('after a simultaneous start has one rekey at a time', () => {
    const pair = new Pair();
    pair.a.sendData();
    pair.b.sendData();
    talk(pair, 'both', 1_000, 500_000);
    expect(pair.a.received).to.equal(501);
    expect(pair.b.received).to.equal(501);
    expect(pair.count('initiation')).to.be.within(5, 7);
    expect(pair.a.current?.initiator).not.to.equal(pair.b.current?.initiator);
  });

  it('says on which path each key was made, so that a peer may roam', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(100);
    pair.a.path = 7;
    pair.advance(10_000);
    pair.a.want();
    pair.advance(100);
    expect(pair.b.of('keypair').map(({ path }) => path)).to.deep.equal([1, 7]);
    expect(pair.b.of('reply').map(({ path }) => path)).to.deep.equal([1, 7]);
  });

  it('gives indices that tell its keys and handshakes apart', () => {
    const pair = new Pair();
    talk(pair, 'both', 1_000, 400_000);
    const indices = [...pair.a.of('keypair'), ...pair.b.of('keypair')].map(
      ({ keypair }) => keypair.localIndex,
    );
    expect(new Set(indices).size).to.equal(indices.length);
  });
});

describe('noise device: timers', () => {
  it('replaces keys every 120 s under traffic, and not one packet is lost', () => {
    for (const who of ['a', 'b', 'both'] as const) {
      const pair = new Pair();
      pair.a.want();
      pair.advance(100);
      talk(pair, who, 500, 600_000);
      pair.advance(1_000);
      expect(pair.a.received + pair.b.received, who).to.equal(who === 'both' ? 2_400 : 1_200);
      expect(pair.count('initiation'), who).to.be.within(4, 6);
      expect(pair.count('initiation', 'b'), `${who}: the initiator goes on being it`).to.equal(0);
    }
  });

  it('replaces a key after too many messages, also as its responder', () => {
    const pair = new Pair(1, { rekeyAfterMessages: 50 });
    pair.a.want();
    pair.advance(100);
    talk(pair, 'b', 1_000, 60_000);
    expect(pair.count('initiation', 'b')).to.equal(1);
    expect(pair.a.received).to.equal(60);
  });

  it('wipes the keys of a silent link after 540 s, once', () => {
    const pair = new Pair();
    pair.a.sendData();
    pair.advance(539_000);
    expect(pair.a.of('wipe')).to.have.length(0);
    pair.advance(2_000);
    expect(pair.a.of('wipe')).to.have.length(1);
    expect(pair.b.of('wipe')).to.have.length(1);
    pair.advance(2_000_000);
    expect(pair.a.of('wipe')).to.have.length(1);
    expect(pair.a.device.nextTimeout()).to.equal(undefined);
    expectBothWays(pair);
  });

  it('a link without traffic stays silent: no rekey, no keepalive', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(530_000);
    expect(pair.sent).to.have.length(3);
  });

  it('answers data that the other side does not, with one keepalive after 10 s', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(30_000);
    pair.a.sendData();
    const sent = pair.sent.length;
    pair.advance(9_000);
    expect(pair.sent).to.have.length(sent);
    pair.advance(1_100);
    expect(pair.count('keepalive', 'b')).to.equal(1);
    pair.advance(60_000);
    expect(pair.count('keepalive', 'b')).to.equal(1);
    expect(pair.count('initiation')).to.equal(1);
  });

  it('keeps a one-way stream alive: its sender never thinks that the other is gone', () => {
    const pair = new Pair();
    talk(pair, 'a', 700, 110_000);
    expect(pair.count('initiation')).to.equal(1);
    expect(pair.count('keepalive', 'b')).to.be.within(7, 25);
  });

  it('makes a new handshake when data goes unanswered for 15 s, and again', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(30_000);
    pair.network = () => [];
    const start = pair.now;
    pair.a.sendData();
    pair.advance(14_900);
    expect(pair.count('initiation')).to.equal(1);
    pair.advance(200);
    expect(pair.count('initiation')).to.equal(2);
    expect(pair.now - start).to.be.lessThan(15_200);
    pair.advance(100_000);
    expect(pair.a.of('gave-up')).to.have.length(1);
    const tried = pair.count('initiation');
    pair.a.sendData();
    pair.advance(16_000);
    expect(pair.count('initiation')).to.be.greaterThan(tried);
  });

  it('a restarted peer is back within the silence and one handshake', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(1_000);
    pair.b.previous = pair.b.current = pair.b.next = undefined;
    talk(pair, 'a', 1_000, 18_000);
    expect(pair.b.received).to.be.greaterThan(0);
  });

  it('follows shortened timing', () => {
    const pair = new Pair(1, {
      rekeyAfter: 2_000 as never,
      rejectAfter: 4_000 as never,
      rekeyTimeout: 500 as never,
      keepalive: 400 as never,
    });
    talk(pair, 'both', 100, 20_000);
    expect(pair.count('initiation')).to.be.within(8, 14);
    expect(pair.b.received).to.be.within(195, 200);
    expect(pair.a.current?.rejectAfterMsec).to.equal(4_000);
  });
});

describe('noise device: peers', () => {
  it('refuses its own key, a used key or number, and keys that nobody can have', () => {
    const { device } = new Pair().a;
    const other = new Pair(9).a.device.publicKey;
    expect(device.addPeer(2, device.publicKey)).to.equal('own-key');
    expect(device.addPeer(PEER, other)).to.equal('exists');
    expect(device.addPeer(2, new Pair().b.device.publicKey)).to.equal('exists');
    expect(device.addPeer(2, new Uint8Array(32))).to.equal('bad-key');
    expect(device.addPeer(2, other.subarray(1))).to.equal('bad-key');
    expect(device.addPeer(2, other)).to.equal('added');
    expect(device.peerOf(other)).to.equal(2);
    device.removePeer(0 as Instant, 2);
    expect(device.peerOf(other)).to.equal(undefined);
  });

  it('needs the same preshared key on both sides', () => {
    const pair = new Pair();
    for (const [side, other, fill] of [
      [pair.a, pair.b, 1],
      [pair.b, pair.a, 2],
    ] as const) {
      side.device.removePeer(pair.now, PEER);
      const presharedKey = new Uint8Array(32).fill(fill);
      side.device.addPeer(PEER, other.device.publicKey, { presharedKey });
    }
    pair.a.want();
    pair.advance(100);
    expect(pair.a.current).to.equal(undefined);
    expect(pair.a.device.counters().unauthentic).to.equal(1);
  });

  it('takes nothing from a removed peer, not even the answer that was under way', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(30);
    pair.a.device.removePeer(pair.now, PEER);
    pair.advance(200_000);
    expect(pair.a.of('keypair')).to.have.length(0);
    expect(pair.a.device.counters().unknownIndex).to.equal(1);
    expect(pair.a.device.nextTimeout()).to.equal(undefined);
  });
});
