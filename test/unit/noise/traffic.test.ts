import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import { NoisePeer } from '../../../src/noise/peer.js';
import { WIREGUARD_TIMING } from '../../../src/noise/timing.js';
import { evaluateTraffic, newTrafficState, type TrafficKey } from '../../../src/noise/traffic.js';
import type { TrafficCounters } from '../../../src/noise/types.js';

const at = (msec: number) => msec as Instant;
const key = (localIndex: number, more: Partial<TrafficKey> = {}): TrafficKey => ({
  localIndex,
  initiator: true,
  createdAt: at(1_000),
  yields: false,
  ...more,
});

/** Evaluates in turn on one state. */
function evaluator(trafficKey: TrafficKey | undefined) {
  const state = newTrafficState();
  return (
    now: number,
    counters: Partial<Record<keyof TrafficCounters, number>>,
    other?: TrafficKey,
  ) =>
    evaluateTraffic(state, {
      now: at(now),
      timing: WIREGUARD_TIMING,
      key: other ?? trafficKey,
      counters: {
        lastRxAt: 0,
        lastTxAt: 0,
        lastDataRxAt: 0,
        lastDataTxAt: 0,
        unansweredSinceAt: 0,
        keyMessages: 0,
        ...counters,
      } as unknown as TrafficCounters,
    });
}

describe('traffic timers', () => {
  it('only receiving, replace a key once in its last minute', () => {
    const evaluate = evaluator(key(1));
    expect(evaluate(165_999, { lastRxAt: 165_999 }).handshake).to.equal(false);
    expect(evaluate(166_000, { lastRxAt: 166_000 }).handshake).to.equal(true);
    expect(evaluate(170_000, { lastRxAt: 170_000 }).handshake).to.equal(false);
    const renewed = key(2, { createdAt: at(171_000) });
    expect(evaluate(172_000, { lastRxAt: 172_000 }, renewed).handshake).to.equal(false);
    expect(evaluate(336_001, { lastRxAt: 336_001 }, renewed).handshake).to.equal(true);
  });

  it('leave the age of a key to its initiator', () => {
    const evaluate = evaluator(key(1, { initiator: false }));
    const busy = { lastRxAt: 179_000, lastTxAt: 179_000 };
    expect(evaluate(179_000, busy).handshake).to.equal(false);
    expect(evaluator(undefined)(179_000, busy).handshake).to.equal(false);
    expect(evaluator(key(1))(179_000, busy).handshake).to.equal(true);
  });

  it('replace an old key again only when something more was sent', () => {
    const evaluate = evaluator(key(1));
    expect(evaluate(121_001, { lastTxAt: 120_999 }).handshake).to.equal(false);
    expect(evaluate(121_002, { lastTxAt: 121_002 }).handshake).to.equal(true);
    expect(evaluate(130_000, { lastTxAt: 121_002 }).handshake).to.equal(false);
    expect(evaluate(131_000, { lastTxAt: 130_500 }).handshake).to.equal(true);
  });

  it('give the other side five seconds more where both started at once', () => {
    const evaluate = evaluator(key(1, { yields: true }));
    expect(evaluate(125_000, { lastTxAt: 125_000 }).handshake).to.equal(false);
    expect(evaluate(126_000, { lastTxAt: 126_000 }).handshake).to.equal(true);
  });

  it('look again every 5 s while data flows, and then wait for the next packet', () => {
    const evaluate = evaluator(key(1));
    const flowing = { lastDataRxAt: 20_000, lastRxAt: 20_000, lastTxAt: 20_001 };
    expect(evaluate(20_001, flowing).nextAt).to.equal(25_001);
    expect(evaluate(25_001, flowing).nextAt).to.equal(undefined);
  });

  it('are early rather than late with a keepalive for data that came between two looks', () => {
    const evaluate = evaluator(key(1));
    evaluate(20_001, { lastDataRxAt: 20_000, lastTxAt: 20_001 });
    const owed = { lastDataRxAt: 24_900, lastTxAt: 20_002 };
    expect(evaluate(25_001, owed).nextAt, '10 s after we last sent').to.equal(30_001);
    expect(evaluate(30_002, owed).keepalive).to.equal(true);
    expect(evaluate(41_000, owed).keepalive, 'once').to.equal(false);
  });

  it('count from the packet itself when it ends a silence', () => {
    const evaluate = evaluator(key(1));
    evaluate(2_000, {});
    const owed = { lastDataRxAt: 90_000, lastTxAt: 1_000 };
    expect(evaluate(90_000, owed).keepalive).to.equal(false);
    expect(evaluate(95_000, owed).nextAt).to.equal(100_000);
    expect(evaluate(100_000, owed).keepalive).to.equal(true);
  });
});

describe('the keys of a peer', () => {
  const newPeer = () => {
    const zeros = new Uint8Array(32);
    const jar = {} as never;
    return new NoisePeer({ id: 1, publicKey: zeros, presharedKey: zeros, mayUseAes: false, jar });
  };

  it('move as in Linux when we initiate: the one before stays for what is under way', () => {
    const peer = newPeer();
    expect(peer.useInitiated(key(1))).to.deep.equal([]);
    expect(peer.useInitiated(key(2))).to.deep.equal([]);
    expect(peer.useInitiated(key(3))).to.deep.equal([1]);
    expect([peer.previous?.localIndex, peer.current?.localIndex]).to.deep.equal([2, 3]);
  });

  it('move as in Linux when we answer: the one in use stays until the next is confirmed', () => {
    const peer = newPeer();
    peer.useInitiated(key(1));
    expect(peer.awaitConfirmation(key(2))).to.deep.equal([]);
    expect(peer.awaitConfirmation(key(3))).to.deep.equal([2]);
    expect(peer.confirm(2)).to.equal(undefined);
    expect(peer.current?.localIndex).to.equal(1);
    expect(peer.confirm(3)).to.deep.equal([]);
    expect([peer.previous?.localIndex, peer.current?.localIndex]).to.deep.equal([1, 3]);
    expect(peer.awaitConfirmation(key(4))).to.deep.equal([1]);
  });

  it('move as in Linux when both initiated: the answered one is kept as the one before', () => {
    const peer = newPeer();
    peer.useInitiated(key(1));
    peer.awaitConfirmation(key(2));
    expect(peer.useInitiated(key(3))).to.deep.equal([1]);
    expect([peer.previous?.localIndex, peer.current?.localIndex]).to.deep.equal([2, 3]);
    expect(peer.next).to.equal(undefined);
    expect(peer.forgetKeys()).to.deep.equal([2, 3]);
  });
});
