import { expect } from 'chai';
import fc from 'fast-check';
import { globMatches } from '../../../src/platform/interfaces.js';
import { listAddresses, listLinks } from '../../../src/platform/rtnetlink.js';
import { SystemError } from '../../../src/posix/libc.js';
import { attributes, Netlink, payload, RTM } from '../../../src/posix/netlink.js';

const RUNS = { numRuns: 300, seed: 20261123 };

describe('netlink', () => {
  it('attributes survive the kernel’s form', () => {
    const list = fc.uniqueArray(
      fc.record({
        type: fc.integer({ min: 1, max: 0x3fff }),
        data: fc.uint8Array({ maxLength: 40 }),
      }),
      { selector: ({ type }) => type, maxLength: 12 },
    );
    fc.assert(
      fc.property(list, fc.uint8Array({ maxLength: 16 }), (wanted, fixed) => {
        const bytes = payload(fixed, wanted);
        expect(bytes.length % 4).to.equal(0);
        const found = attributes(bytes, (fixed.length + 3) & ~3);
        expect(found.size).to.equal(wanted.length);
        for (const { type, data } of wanted) expect(found.get(type)).to.deep.equal(data);
      }),
      RUNS,
    );
  });

  it('attributes that do not parse are left out', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const data of attributes(bytes, 0).values()) {
          expect(data.length).to.be.at.most(bytes.length);
        }
      }),
      RUNS,
    );
  });

  it('lists the loopback interface and its addresses', () => {
    const lo = listLinks().find(({ name }) => name === 'lo');
    expect(lo?.mtu).to.equal(65_536);
    const own = listAddresses().filter(({ index }) => index === lo?.index);
    expect(own.some(({ prefixLength }) => prefixLength === 8)).to.equal(true);
  });

  it('gives the kernel’s answer to each request of a batch', () => {
    const netlink = new Netlink();
    const body = new Uint8Array(16).fill(0x7f, 4, 8); // an index that nothing has
    const wrong = { type: RTM.getLink, flags: 0, body };
    const results = netlink.requestAll(Array.from({ length: 300 }, () => wrong));
    expect(results).to.have.length(300);
    expect(new Set(results).size).to.equal(1);
    expect(() => netlink.request(wrong))
      .to.throw(SystemError)
      .with.property('code', 'ENODEV');
    netlink.close();
  });
});

describe('globs of interfaces', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', 'eth0', true],
    ['eth[1-9]*', 'eth0', false],
    ['eth[1-9]*', 'eth12', true],
    ['eth[!0]', 'eth0', false],
    ['eth[!0]', 'eth3', true],
    ['eth?', 'eth10', false],
    ['eth.1', 'ethx1', false],
    ['eth.1', 'eth.1', true],
    ['(', '(', true],
    ['[z-a]', 'b', false],
    ['', 'eth0', false],
  ];
  for (const [glob, name, wanted] of cases) {
    it(`'${glob}' ${wanted ? 'matches' : 'does not match'} ${name}`, () => {
      expect(globMatches(glob, name)).to.equal(wanted);
    });
  }
});
