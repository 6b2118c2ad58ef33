import { expect } from 'chai';
import { packetLength, UNTOLD, upperLayer } from '../../../src/plane/ip6.js';
import { node, packet } from '../../contract/plane/harness.js';

const ends = { source: node(1), destination: node(2) };

function upper(protocol: number, payload: readonly number[]) {
  const bytes = packet({ ...ends, protocol, payload: Uint8Array.from(payload) });
  return upperLayer(bytes, bytes.length, { protocol: 0, at: 0 });
}

describe('IPv6 packets', () => {
  it('are as long as their header says; more is padding, less is nothing', () => {
    const bytes = packet({ ...ends, bytes: 90 });
    expect(packetLength(bytes, 90)).to.equal(90);
    const padded = new Uint8Array(96);
    padded.set(bytes);
    expect(packetLength(padded, 96)).to.equal(90);
    expect(packetLength(bytes, 89)).to.equal(-1);
    expect(packetLength(bytes, 39)).to.equal(-1);
    expect(packetLength(new Uint8Array(100).fill(0x45), 100)).to.equal(-1);
  });

  it('show their upper layer behind extension headers', () => {
    expect(upper(17, [1, 2])).to.deep.equal({ protocol: 17, at: 40 });
    const options = [58, 1, ...new Array<number>(14).fill(0)];
    expect(upper(0, [...options, 128])).to.deep.equal({ protocol: 58, at: 56 });
    expect(upper(59, [])).to.deep.equal({ protocol: 59, at: 40 });
  });

  it('show it in the first fragment only', () => {
    expect(upper(44, [17, 0, 0, 1, 0, 0, 0, 9, 1])).to.deep.equal({ protocol: 17, at: 48 });
    expect(upper(44, [17, 0, 0, 8, 0, 0, 0, 9, 1]).protocol).to.equal(UNTOLD);
    expect(upper(44, [17, 0, 1, 1, 0, 0, 0, 9, 1]).protocol).to.equal(UNTOLD);
  });

  it('do not tell it when the chain is cut, or longer than eight headers', () => {
    expect(upper(0, [58, 1, 0, 0, 0, 0, 0, 0]).protocol).to.equal(UNTOLD);
    expect(upper(60, [58, 0, 0]).protocol).to.equal(UNTOLD);
    const chain = (count: number) =>
      Array.from({ length: count }, (_, i) => [i === count - 1 ? 17 : 60, 0, 0, 0, 0, 0, 0, 0]);
    expect(upper(60, chain(8).flat()).protocol).to.equal(17);
    expect(upper(60, chain(9).flat()).protocol).to.equal(UNTOLD);
  });
});
