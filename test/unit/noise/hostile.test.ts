import { expect } from 'chai';
import type { Crypto } from '../../../src/base/crypto.js';
import type { EpochMillis, Instant, Millis } from '../../../src/base/time.js';
import { CookieJar } from '../../../src/noise/cookie.js';
import { NoiseDevice } from '../../../src/noise/device.js';
import { createInitiation } from '../../../src/noise/handshake.js';
import { layCookieReply, senderIndex } from '../../../src/noise/messages.js';
import { tai64n } from '../../../src/noise/tai64n.js';
import type { NoiseOutput } from '../../../src/noise/types.js';
import { crypto, Pair, PEER, seededEntropy } from './pair.js';

const at = (msec: number) => msec as Instant;

function deviceWith(seed: number, primitives: Crypto = crypto): NoiseDevice {
  const entropy = seededEntropy(seed);
  return new NoiseDevice({
    crypto: primitives,
    entropy,
    wall: (now) => (1_790_000_000_000 + now) as EpochMillis,
    privateKey: entropy.bytes(32),
  });
}

function drain(device: NoiseDevice): NoiseOutput[] {
  const outputs: NoiseOutput[] = [];
  for (let out = device.poll(); out !== undefined; out = device.poll()) outputs.push(out);
  return outputs;
}

/** An initiation of a fresh key to `device`, right in every way. */
function initiationTo(device: NoiseDevice, seed: number, now = at(1)): Uint8Array {
  const sender = deviceWith(seed);
  sender.addPeer(PEER, device.publicKey);
  sender.want(now, PEER);
  const [out] = drain(sender);
  if (out?.kind !== 'initiation') throw new Error('no initiation');
  return out.datagram;
}

describe('noise device against hostile input', () => {
  it('answers an initiation once, however often and wherever it is replayed', () => {
    const pair = new Pair();
    pair.a.want();
    pair.advance(100);
    const [initiation] = pair.a.of('initiation');
    if (initiation === undefined) throw new Error('no initiation');
    const key = pair.b.current;
    for (let path = 2; path < 12; path++) {
      pair.advance(1_000);
      const source = `udp://evil.test:${path}`;
      pair.b.device.handleDatagram(pair.now, path, source, initiation.datagram);
      pair.b.pump();
    }
    expect(pair.b.of('reply')).to.have.length(1);
    expect(pair.b.current).to.equal(key);
    expect(pair.b.device.counters().replayed).to.equal(10);
  });

  it('refuses an older initiation that was held back', () => {
    const pair = new Pair();
    pair.network = () => [];
    pair.a.want();
    pair.advance(6_000);
    const [older, newer] = pair.a.of('initiation');
    if (older === undefined || newer === undefined) throw new Error('no initiations');
    pair.b.device.handleDatagram(pair.now, 1, 'udp://a.test:1', newer.datagram);
    pair.advance(100);
    pair.b.device.handleDatagram(pair.now, 1, 'udp://a.test:1', older.datagram);
    const { acceptedInitiations, replayed } = pair.b.device.counters();
    expect({ acceptedInitiations, replayed }).to.deep.equal({
      acceptedInitiations: 1,
      replayed: 1,
    });
  });

  it('takes at most one initiation of a peer per 20 ms', () => {
    const pair = new Pair();
    pair.network = () => [];
    pair.a.want();
    pair.advance(6_000);
    for (const { datagram } of pair.a.of('initiation')) {
      pair.b.device.handleDatagram(pair.now, 1, 'udp://a.test:1', datagram);
    }
    expect(pair.b.device.counters().acceptedInitiations).to.equal(1);
    expect(pair.b.device.counters().flood).to.equal(1);
  });

  it('ignores an answer to an initiation that it has replaced, and a second answer', () => {
    const pair = new Pair();
    pair.network = ({ kind }) => (kind === 'response' ? [5_500, 5_600] : [20]);
    pair.a.want();
    pair.advance(5_900);
    expect(pair.a.of('keypair')).to.have.length(0);
    pair.advance(6_000);
    expect(pair.a.of('keypair').length).to.be.at.most(1);
    expect(pair.a.device.counters().unknownIndex).to.be.greaterThan(0);
  });

  it('computes only so many forged answers to one initiation', () => {
    const device = deviceWith(1);
    const victim = deviceWith(2);
    device.addPeer(PEER, victim.publicKey);
    victim.addPeer(PEER, device.publicKey);
    device.want(at(1), PEER);
    const [out] = drain(device);
    if (out?.kind !== 'initiation') throw new Error('no initiation');
    victim.handleDatagram(at(2), 1, 'x', out.datagram);
    const reply = drain(victim).find(({ kind }) => kind === 'reply');
    if (reply?.kind !== 'reply') throw new Error('no reply');
    const macKey = crypto.blake2s(new TextEncoder().encode('mac1----'), device.publicKey);
    for (let i = 0; i < 100; i++) {
      const forged = reply.datagram.slice();
      forged[20] = i;
      forged[21] = 0xee;
      forged.set(crypto.blake2sMac(macKey, 16, forged.subarray(0, 60)), 60);
      device.handleDatagram(at(3), 1, 'x', forged);
    }
    const { unauthentic, flood } = device.counters();
    expect({ unauthentic, flood }).to.deep.equal({ unauthentic: 16, flood: 84 });
  });

  it('tells of a stranger once per initiation, and takes it as a peer when asked to', () => {
    const device = deviceWith(1);
    const stranger = deviceWith(2);
    const datagram = initiationTo(device, 2);
    for (let i = 0; i < 3; i++) device.handleDatagram(at(10), 4, 'udp://s.test:1', datagram);
    datagram.fill(0); // the buffer is the transport's
    const [out, ...more] = drain(device);
    expect(more).to.deep.equal([]);
    if (out?.kind !== 'stranger') throw new Error('no stranger');
    expect(out.publicKey).to.deep.equal(stranger.publicKey);
    expect(out.path).to.equal(4);
    expect(device.addPeer(9, out.publicKey)).to.equal('added');
    device.handleDatagram(at(11), out.path, 'udp://s.test:1', out.datagram);
    expect(drain(device).map(({ kind }) => kind)).to.deep.equal(['keypair', 'reply']);
    expect(device.counters().replayed).to.equal(2);
  });

  it('forgets the indices of handshakes and keys that are over', () => {
    const pair = new Pair();
    pair.network = (_, now) => (now < 20_000 ? [] : [20]);
    pair.a.want();
    pair.advance(30_000);
    expect(pair.a.current).not.to.equal(undefined);
    pair.advance(600_000);
    expect(pair.a.of('wipe')).to.have.length(1);
    const { unknownIndex } = pair.a.device.counters();
    const indices = pair.a.of('initiation').map(({ datagram }) => senderIndex(datagram));
    expect(indices).to.have.length(5);
    for (const index of indices) {
      const reply = layCookieReply(index, new Uint8Array(24), new Uint8Array(32));
      pair.a.device.handleDatagram(pair.now, 1, 'x', reply);
    }
    expect(pair.a.device.counters().unknownIndex).to.equal(unknownIndex + indices.length);
  });

  it('tells of no more than ten strangers a second', () => {
    const device = deviceWith(1);
    for (let i = 0; i < 60; i++) {
      device.handleDatagram(at(i), 1, `udp://s${i}.test:1`, initiationTo(device, 100 + i));
    }
    expect(drain(device)).to.have.length(10);
  });

  it('does not talk to itself', () => {
    const entropy = seededEntropy(1);
    const privateKey = entropy.bytes(32);
    const device = deviceWith(1);
    const sent = createInitiation(crypto, {
      privateKey,
      remotePublic: device.publicKey,
      presharedKey: new Uint8Array(32),
      ephemeralPrivate: entropy.bytes(32),
      localIndex: 5,
      timestamp: tai64n(1, 0),
    });
    if (sent === undefined) throw new Error('no initiation');
    new CookieJar(crypto, device.publicKey, 1 as Millis).stamp(at(1), sent.datagram);
    device.handleDatagram(at(1), 1, 'x', sent.datagram);
    expect(drain(device)).to.deep.equal([]);
    expect(device.counters().unauthentic).to.equal(1);
  });

  it('spends no Diffie-Hellman on what does not know our key, and a bounded number on what does', () => {
    let computed = 0;
    const counting: Crypto = {
      ...crypto,
      x25519: (mine, theirs) => {
        computed++;
        return crypto.x25519(mine, theirs);
      },
    };
    const device = deviceWith(1, counting);
    const right = initiationTo(device, 2);
    const wrong = right.slice();
    wrong[120] = (wrong[120] ?? 0) ^ 1;
    for (let i = 0; i < 1_000; i++) device.handleDatagram(at(i), 1, 'x', wrong);
    expect(computed).to.equal(0);
    expect(device.counters().badMac1).to.equal(1_000);
    for (let i = 0; i < 3_000; i++) device.handleDatagram(at(1_000 + i / 3), 1, 'x', right);
    expect(computed, '100 at once and 100 a second, two each').to.be.at.most(2 * 201);
    expect(device.counters().cookieDemanded).to.be.greaterThan(2_000);
  });

  it('checks a bounded number of MACs a second', () => {
    const device = deviceWith(1);
    const junk = new Uint8Array(148);
    junk[0] = 1;
    for (let i = 0; i < 5_000; i++) device.handleDatagram(at(1), 1, 'x', junk);
    expect(device.counters().badMac1).to.equal(2_000);
    expect(device.counters().flood).to.equal(3_000);
  });

  it('under load asks an honest peer for a cookie and serves it when it shows one', () => {
    const pair = new Pair();
    const flood = initiationTo(pair.b.device, 77);
    const floodFor = (duration: number) => {
      for (let t = 0; t < duration; t += 5) {
        for (let i = 0; i < 2; i++) {
          pair.b.device.handleDatagram(pair.now, 66, 'udp://198.51.100.1:6', flood);
        }
        for (let out = pair.b.device.poll(); out !== undefined; out = pair.b.device.poll()) {
          expect(out).to.include({ kind: 'reply', path: 66 });
          if (out.kind === 'reply') expect(out.datagram).to.have.length(64);
        }
        pair.advance(5);
      }
    };
    pair.b.device.handleDatagram(pair.now, 66, 'udp://198.51.100.1:6', flood);
    expect(pair.b.device.poll()?.kind).to.equal('stranger');
    floodFor(1_000);
    pair.a.want();
    floodFor(100);
    expect(pair.count('cookie-reply', 'b')).to.equal(1);
    expect(pair.a.device.counters().acceptedCookies).to.equal(1);
    expect(pair.a.current).to.equal(undefined);
    floodFor(5_500);
    expect(pair.a.current, 'served while the flood goes on').not.to.equal(undefined);
    expect(pair.b.current).not.to.equal(undefined);
  });

  it('a flood ends: a second later nobody is asked for a cookie', () => {
    const device = deviceWith(1);
    const flood = initiationTo(device, 2);
    for (let i = 0; i < 500; i++) device.handleDatagram(at(10), 1, 'x', flood);
    drain(device);
    device.handleDatagram(at(500), 1, 'y', initiationTo(device, 3));
    expect(drain(device)[0]?.kind).to.equal('reply');
    device.handleDatagram(at(2_000), 1, 'y', initiationTo(device, 4));
    expect(drain(device)[0]?.kind).to.equal('stranger');
  });
});
