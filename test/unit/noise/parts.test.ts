import { expect } from 'chai';
import { compareBytes, toHex } from '../../../src/base/bytes.js';
import type { EpochMillis, Instant } from '../../../src/base/time.js';
import { HandshakeGate, sourceGroup, TokenBucket } from '../../../src/noise/flood.js';
import { handshakeKind } from '../../../src/noise/messages.js';
import { StrangerLog } from '../../../src/noise/peers.js';
import { COUNTER_LIMIT, REPLAY_WINDOW, ReplayWindow } from '../../../src/noise/replay.js';
import { isLater, TimestampSource, tai64n } from '../../../src/noise/tai64n.js';

const at = (msec: number) => msec as Instant;

describe('TAI64N', () => {
  it('writes 1970 + 10 s as the label of the epoch', () => {
    expect(toHex(tai64n(0, 0))).to.equal('400000000000000a00000000');
    expect(toHex(tai64n(0x5b52647b - 10, 0x15405610))).to.equal('400000005b52647b15405610');
    expect(toHex(tai64n(2 ** 32 - 10, 1))).to.equal('400000010000000000000001');
  });

  it('rises strictly while the clock runs, stands still and goes back', () => {
    const source = new TimestampSource();
    const clock = [5_000.5, 5_000.5, 5_001, 5_020, 4_000, 1_000_000, 5_000, 1_000_100];
    const labels = clock.map((msec) => source.next(msec as EpochMillis));
    labels.reduce((last, label) => {
      expect(compareBytes(label, last)).to.be.greaterThan(0);
      return label;
    });
    expect(isLater(labels[0] as Uint8Array, undefined)).to.equal(true);
    expect(isLater(labels[0] as Uint8Array, labels[0])).to.equal(false);
  });

  it('tells the time no finer than about 17 ms', () => {
    const label = new TimestampSource().next(1_234_567.891 as EpochMillis);
    const nanoseconds = new DataView(label.buffer).getUint32(8);
    expect(nanoseconds % 2 ** 24).to.equal(0);
    expect(nanoseconds).to.be.within(567_891_000 - 2 ** 24, 567_891_000);
  });
});

describe('replay window', () => {
  it('takes each counter once, in any order within the window', () => {
    const window = new ReplayWindow();
    expect(REPLAY_WINDOW).to.be.at.least(8_000);
    expect(window.highest).to.equal(-1);
    for (const counter of [0, 5, 3, 4, 40, 8_192, 8_191, 1]) {
      expect(window.mark(counter), String(counter)).to.equal(true);
      expect(window.check(counter)).to.equal(false);
      expect(window.mark(counter)).to.equal(false);
    }
    expect(window.highest).to.equal(8_192);
  });

  it('refuses what has fallen out, also after a jump', () => {
    const window = new ReplayWindow();
    window.mark(0);
    window.mark(1_000_000);
    expect(window.check(0)).to.equal(false);
    expect(window.check(1_000_000 - REPLAY_WINDOW)).to.equal(false);
    expect(window.check(1_000_000 - REPLAY_WINDOW + 1)).to.equal(true);
  });

  it('counts beyond 2^32 and ends before numbers lose precision', () => {
    const window = new ReplayWindow();
    for (const counter of [2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7]) {
      expect(window.mark(counter)).to.equal(true);
      expect(window.mark(counter)).to.equal(false);
    }
    expect(window.mark(COUNTER_LIMIT)).to.equal(false);
    expect(window.mark(COUNTER_LIMIT - 1)).to.equal(true);
  });
});

describe('handshake messages', () => {
  it('are told by type, zeros and exact length', () => {
    const shaped = (type: number, length: number) => {
      const datagram = new Uint8Array(length);
      datagram[0] = type;
      return datagram;
    };
    expect(handshakeKind(shaped(1, 148))).to.equal('initiation');
    expect(handshakeKind(shaped(2, 92))).to.equal('response');
    expect(handshakeKind(shaped(3, 64))).to.equal('cookie-reply');
    for (const [type, length] of [
      [1, 147],
      [1, 149],
      [2, 148],
      [3, 63],
      [4, 148],
      [0, 148],
    ] as const) {
      expect(handshakeKind(shaped(type, length)), `${type} ${length}`).to.equal(undefined);
    }
    const reserved = shaped(1, 148);
    reserved[2] = 1;
    expect(handshakeKind(reserved)).to.equal(undefined);
    expect(handshakeKind(new Uint8Array(0))).to.equal(undefined);
  });
});

describe('handshake flood limits', () => {
  it('refill a bucket with time, up to its burst', () => {
    const bucket = new TokenBucket(10, 2);
    const takes = [0, 0, 0, 100, 100, 10_000, 10_000, 10_000].map((msec) => bucket.take(at(msec)));
    expect(takes).to.deep.equal([true, true, false, true, false, true, true, false]);
  });

  it('put the device under load above the comfortable rate, and for a second after', () => {
    const gate = new HandshakeGate();
    for (let i = 0; i < 100; i++) expect(gate.underLoad(at(0))).to.equal(false);
    expect(gate.underLoad(at(0))).to.equal(true);
    expect(gate.underLoad(at(900))).to.equal(true);
    expect(gate.underLoad(at(1_001))).to.equal(false);
  });

  it('give each source its own share, and remember a bounded number of them', () => {
    const gate = new HandshakeGate();
    const taken = Array.from({ length: 10 }, () => gate.mayServe(at(0), 'a'));
    expect(taken.filter(Boolean)).to.have.length(5);
    expect(gate.mayServe(at(0), 'b')).to.equal(true);
    for (let i = 0; i < 3_000; i++) gate.mayServe(at(0), `source ${i}`);
    expect(gate.mayServe(at(0), 'a'), 'forgotten by then').to.equal(true);
  });

  it('cap Diffie-Hellman whatever the sources', () => {
    const gate = new HandshakeGate();
    const allowed = Array.from({ length: 5_000 }, (_, i) => gate.mayCompute(at(i / 5)));
    expect(allowed.filter(Boolean).length).to.be.within(500, 700);
  });

  it('take ports, zones and the low half of an IPv6 address for one source', () => {
    expect(sourceGroup('udp://192.0.2.1:4242')).to.equal(sourceGroup('udp://192.0.2.1:9'));
    expect(sourceGroup('udp://192.0.2.1:4242')).not.to.equal(sourceGroup('udp://192.0.2.2:4242'));
    expect(sourceGroup('udp://[2001:db8::1]:1')).to.equal(sourceGroup('udp://[2001:db8::2]:7'));
    expect(sourceGroup('udp://[2001:db8::1]:1')).not.to.equal(
      sourceGroup('udp://[2001:db8:0:1::1]:1'),
    );
    expect(sourceGroup('udp://[fe80::1%eth0]:1')).not.to.equal(
      sourceGroup('udp://[fe80::2%eth0]:1'),
    );
    expect(sourceGroup('memory://a')).not.to.equal(sourceGroup('memory://b'));
  });
});

describe('stranger log', () => {
  it('notes each initiation once and forgets the oldest key when full', () => {
    const log = new StrangerLog();
    const key = (i: number) => new Uint8Array(32).fill(i & 0xff, 0, 1).fill(i >> 8, 1, 2);
    expect(log.note(key(0), tai64n(5, 0))).to.equal(true);
    expect(log.note(key(0), tai64n(5, 0))).to.equal(false);
    expect(log.note(key(0), tai64n(4, 0))).to.equal(false);
    expect(log.note(key(0), tai64n(6, 0))).to.equal(true);
    for (let i = 1; i <= 256; i++) log.note(key(i), tai64n(5, 0));
    expect(log.note(key(0), tai64n(6, 0))).to.equal(true);
  });
});
