import { expect } from 'chai';
import fc from 'fast-check';
import {
  AF_INET,
  AF_INET6,
  decodeSockaddr,
  encodeSockaddr,
  formatSocketAddress,
  isIp4,
  parseSocketAddress,
} from '../../../src/posix/address.js';

const RUNS = { numRuns: 200, seed: 20261123 };

describe('socket addresses', () => {
  it('are read in every form that we show', () => {
    for (const text of ['192.0.2.1:4242', '[2001:db8::1]:1', '[::]:0', '[fe80::1%lo]:65535']) {
      const parsed = parseSocketAddress(text);
      expect(parsed.ok, text).to.equal(true);
      if (parsed.ok) expect(formatSocketAddress(parsed.value)).to.equal(text);
    }
  });

  it('are shown as plain IPv4 when mapped', () => {
    const parsed = parseSocketAddress('[::ffff:192.0.2.1]:4242');
    expect(parsed.ok && formatSocketAddress(parsed.value)).to.equal('192.0.2.1:4242');
  });

  it('are refused with a reason', () => {
    const wrong: Readonly<Record<string, RegExp>> = {
      '192.0.2.1': /not \[address\]:port/,
      '192.0.2.1:65536': /not \[address\]:port/,
      '192.0.2.256:1': /not an IPv4 address/,
      '[192.0.2.1]:1': /not an IPv6 address/,
      '[fe80::1]:1': /needs an interface/,
      '[fe80::1%no-such-if]:1': /no interface no-such-if/,
      '[2001:db8::1%lo]:1': /takes no zone/,
      'example.org:1': /numeric/,
      '2001:db8::1:1': /not \[address\]:port/,
    };
    for (const [text, reason] of Object.entries(wrong)) {
      const parsed = parseSocketAddress(text);
      expect(parsed.ok, text).to.equal(false);
      if (!parsed.ok) expect(parsed.error).to.match(reason);
    }
  });

  it('survive the kernel’s form', () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const port = fc.integer({ min: 0, max: 65_535 });
    fc.assert(
      fc.property(address, port, fc.integer({ min: 0, max: 1 << 20 }), (bytes, at, zone) => {
        const six = { address: bytes, port: at, zone };
        expect(decodeSockaddr(encodeSockaddr(AF_INET6, six))).to.deep.equal(six);
        const four = { address: bytes.slice(), port: at, zone: 0 };
        four.address.fill(0, 0, 10).fill(0xff, 10, 12);
        expect(isIp4(four.address)).to.equal(true);
        expect(decodeSockaddr(encodeSockaddr(AF_INET, four))).to.deep.equal(four);
      }),
      RUNS,
    );
  });

  it('never throw, whatever is read', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        parseSocketAddress(text);
        parseSocketAddress(`[${text}]:1`);
      }),
      RUNS,
    );
  });
});
