import { expect } from 'chai';
import type { Instant } from '../../../src/base/time.js';
import { Channel } from '../../../src/mesh/channel.js';
import { seeded } from './lab.js';

const NOW = 1 as Instant;

/** Carries segments both ways until nothing is left to send. @returns all of the first side's. */
function converse(one: Channel, other: Channel, now = NOW): Uint8Array[] {
  const sent: Uint8Array[] = [];
  for (let round = 0; round < 10; round++) {
    for (let out = one.poll(now, 1100); out; out = one.poll(now, 1100)) {
      sent.push(out.bytes);
      other.handleSegment(now, out.bytes);
    }
    for (let out = other.poll(now, 1100); out; out = other.poll(now, 1100)) {
      one.handleSegment(now, out.bytes);
    }
  }
  return sent;
}

function inStep(): { a: Channel; b: Channel; sent: Uint8Array[] } {
  const [a, b] = [new Channel(seeded(1)), new Channel(seeded(2))];
  a.send('mesh', Uint8Array.of(1));
  b.send('mesh', Uint8Array.of(2));
  const sent = converse(a, b);
  converse(a, b, 100 as Instant); // delayed acknowledgements
  return { a, b, sent };
}

describe('mesh: control channel', () => {
  it('delivers nothing before the other side has named our tag', () => {
    const [a, b] = [new Channel(seeded(1)), new Channel(seeded(2))];
    a.send('mesh', Uint8Array.of(1));
    b.handleSegment(NOW, a.poll(NOW, 1100)?.bytes ?? new Uint8Array());
    expect(b.take()).to.equal(undefined);
    b.send('mesh', Uint8Array.of(2));
    converse(b, a);
    converse(a, b, 100 as Instant);
    expect(b.take()).to.deep.equal({ stream: 'mesh', message: Uint8Array.of(1) });
  });

  it('is not moved by late segments of an older incarnation', () => {
    const { a, b, sent } = inStep();
    a.reset();
    a.send('mesh', Uint8Array.of(3));
    converse(a, b);
    b.send('mesh', Uint8Array.of(4));
    converse(b, a, 2000 as Instant);
    for (const late of sent) expect(b.handleSegment(NOW, late)).to.equal('stale');
  });

  it('starts afresh with the other side, and tells', () => {
    const { a, b } = inStep();
    a.reset();
    a.send('mesh', Uint8Array.of(3));
    expect(b.handleSegment(NOW, a.poll(NOW, 1100)?.bytes ?? new Uint8Array())).to.equal('reset');
  });

  it('sends nothing while nothing happens', () => {
    const { a, b } = inStep();
    const late = 1_000_000 as Instant;
    converse(a, b, late);
    for (const side of [a, b]) {
      side.handleTimeout(late);
      expect(side.poll(late, 1100)).to.equal(undefined);
      expect(side.nextTimeout()).to.equal(undefined);
    }
  });
});
