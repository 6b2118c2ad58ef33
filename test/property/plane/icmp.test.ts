import { expect } from 'chai';
import fc from 'fast-check';
import { writeU16, writeU32 } from '../../../src/base/bytes.js';
import { icmp6Checksum, mayAnswer, writeError } from '../../../src/plane/icmp6.js';

const address = fc.uint8Array({ minLength: 16, maxLength: 16 });

/** RFC 1071 over the pseudo-header that RFC 8200 §8.1 draws, byte by byte. */
function naiveChecksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  const pseudo = new Uint8Array(40);
  pseudo.set(source, 0);
  pseudo.set(destination, 16);
  writeU32(pseudo, 32, message.length);
  pseudo[39] = 58;
  const all = [...pseudo, ...message, ...(message.length % 2 === 1 ? [0] : [])];
  let sum = 0;
  for (let i = 0; i < all.length; i += 2) {
    sum += (all[i] ?? 0) * 256 + (all[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return 0xffff - sum;
}

describe('ICMPv6', () => {
  it('computes the checksum over the pseudo-header and the message', () => {
    const message = fc.uint8Array({ minLength: 8, maxLength: 1500 });
    fc.assert(
      fc.property(address, address, message, (source, destination, body) => {
        const packet = new Uint8Array(40 + body.length);
        packet.set(source, 8);
        packet.set(destination, 24);
        packet.set(body, 40);
        writeU16(packet, 42, 0);
        const sum = icmp6Checksum(packet, packet.length);
        expect(sum % 0xffff).to.equal(
          naiveChecksum(source, destination, packet.subarray(40)) % 0xffff,
        );
        writeU16(packet, 42, sum);
        expect(icmp6Checksum(packet, packet.length)).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });

  it('quotes any packet, at most 1280 bytes in all, to its source', () => {
    const packet = fc.uint8Array({ minLength: 40, maxLength: 3000 });
    fc.assert(
      fc.property(packet, address, (bytes, own) => {
        const out = new Uint8Array(1280).fill(0xaa);
        const length = writeError(out, { type: 3, code: 0 }, own, bytes);
        expect(length).to.equal(Math.min(1280, 48 + bytes.length));
        expect(out.subarray(24, 40)).to.deep.equal(bytes.subarray(8, 24));
        expect(out.subarray(48, length)).to.deep.equal(bytes.subarray(0, length - 48));
        expect(icmp6Checksum(out, length)).to.equal(0);
      }),
      { numRuns: 200 },
    );
  });

  it('never answers an ICMPv6 error behind any extension headers', () => {
    const kinds = fc.array(fc.constantFrom(0, 43, 60), { maxLength: 7 });
    fc.assert(
      fc.property(kinds, fc.integer({ min: 0, max: 127 }), (headers, type) => {
        const packet = new Uint8Array(40 + 8 * headers.length + 8);
        packet[0] = 0x60;
        const chain = [...headers, 58];
        packet[6] = chain[0] ?? 58;
        for (let i = 0; i < headers.length; i++) packet[40 + 8 * i] = chain[i + 1] ?? 58;
        packet[40 + 8 * headers.length] = type;
        expect(mayAnswer(packet)).to.equal(false);
        packet[40 + 8 * headers.length] = 128;
        expect(mayAnswer(packet)).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });
});
