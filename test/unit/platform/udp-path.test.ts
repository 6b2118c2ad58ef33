import { expect } from 'chai';
import fc from 'fast-check';
import { ENDS, runLength } from '../../../src/posix/udp.js';
import { endsOf, PATHS_LIMIT, PathTable, type UdpPath } from '../../../transports/udp/path.js';
import { parseUdpUrl } from '../../../transports/udp/url.js';

const RUNS = { numRuns: 300, seed: 20261123 };
const SOCKET = 3;
const table = (limit?: number): PathTable => new PathTable(() => 4242, limit);

/** Both ends of a datagram from `remote` to 192.0.2.`host`. */
function heardFrom(remote: string, host = 1): Uint32Array {
  const ends = endsOf(parseUdpUrl(remote));
  const local = endsOf(parseUdpUrl(`udp://192.0.2.${host}:4242`));
  for (let i = 0; i < 4; i++) ends[ENDS.local + i] = local[i] ?? 0;
  ends[ENDS.socket] = SOCKET;
  return ends;
}

function hear(paths: PathTable, ends: Uint32Array): UdpPath {
  return paths.heard(Buffer.from(ends.buffer).toString('latin1'), () => ends.slice());
}

describe('udp paths', () => {
  it('take their own end from the remote’s first datagram', () => {
    const paths = table();
    const path = paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:9')));
    expect(path.local).to.equal(null);
    expect(hear(paths, heardFrom('udp://198.51.100.7:9'))).to.equal(path);
    expect(path.local).to.equal('udp://192.0.2.1:4242');
    expect(paths.size).to.equal(1);
  });

  it('are two when a remote speaks to two of our addresses', () => {
    const paths = table();
    const first = hear(paths, heardFrom('udp://198.51.100.7:9', 1));
    const second = hear(paths, heardFrom('udp://198.51.100.7:9', 2));
    expect(second).to.not.equal(first);
    expect(hear(paths, heardFrom('udp://198.51.100.7:9', 1))).to.equal(first);
    expect(paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:9')))).to.equal(first);
  });

  it('lose a vanished own end and take the next', () => {
    const paths = table();
    const path = paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:9')));
    hear(paths, heardFrom('udp://198.51.100.7:9', 1));
    paths.forgetLocal(path);
    expect(path.local).to.equal(null);
    expect(hear(paths, heardFrom('udp://198.51.100.7:9', 2))).to.equal(path);
    expect(path.local).to.equal('udp://192.0.2.2:4242');
  });

  it('come back as themselves after release', () => {
    const paths = table();
    const path = paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:9')));
    hear(paths, heardFrom('udp://198.51.100.7:9'));
    paths.release(path);
    expect(path.released).to.equal(true);
    expect(hear(paths, heardFrom('udp://198.51.100.7:9'))).to.equal(path);
    expect(path.released).to.equal(false);
  });

  it('are forgotten, the least used first, and never while open', () => {
    const paths = table(10);
    const pinned = paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:1')));
    const used = hear(paths, heardFrom('udp://198.51.100.7:2'));
    for (let port = 100; port < 200; port++) {
      hear(paths, heardFrom(`udp://198.51.100.7:${port}`));
      expect(hear(paths, heardFrom('udp://198.51.100.7:2'))).to.equal(used);
    }
    expect(paths.size).to.equal(11);
    expect(paths.open(endsOf(parseUdpUrl('udp://198.51.100.7:1')))).to.equal(pinned);
  });

  it('stay bounded under any sequence of use', () => {
    const step = fc.tuple(
      fc.constantFrom('hear', 'open', 'release', 'forget'),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const paths = table(4);
        const open = new Set<UdpPath>();
        for (const [what, port, host] of steps) {
          const url = `udp://198.51.100.7:${port}`;
          if (what === 'hear') {
            expect(hear(paths, heardFrom(url, host)).remote).to.equal(url);
          } else {
            const path = paths.open(endsOf(parseUdpUrl(url)));
            expect(path.remote).to.equal(url);
            open.add(path);
            if (what === 'forget') paths.forgetLocal(path);
            if (what === 'release' && open.delete(path)) paths.release(path);
          }
          expect(paths.size).to.be.at.most(4 + open.size);
        }
      }),
      RUNS,
    );
  });

  it('refuse remotes that nobody can be', () => {
    for (const url of ['udp://0.0.0.0:1', 'udp://[::]:1', 'udp://192.0.2.1:0']) {
      expect(() => endsOf(parseUdpUrl(url)), url).to.throw(/names no remote/);
    }
  });

  it('remember at least as many as the contract asks for', () => {
    expect(PATHS_LIMIT).to.be.at.least(256);
  });
});

describe('runs of datagrams for UDP_SEGMENT', () => {
  it('cover a train without gaps, equal but for a shorter last', () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 90, 90, 1420, 1420, 1420, 40_000), {
      maxLength: 128,
    });
    fc.assert(
      fc.property(sizes, (list) => {
        const train = list.map((size) => new Uint8Array(size));
        let at = 0;
        while (at < train.length) {
          const count = runLength(train, at, train.length);
          const run = list.slice(at, at + count);
          const [first = 0] = run;
          expect(count).to.be.within(1, 64);
          if (count > 1) {
            expect(run.slice(0, -1).every((size) => size === first)).to.equal(true);
            expect(run.at(-1)).to.be.within(1, first);
            expect(run.reduce<number>((sum, size) => sum + size, 0)).to.be.at.most(65_000);
          }
          at += count;
        }
        expect(at).to.equal(train.length);
      }),
      RUNS,
    );
  });

  it('make one message of a full train', () => {
    const train = [...Array.from({ length: 40 }, () => new Uint8Array(1420)), new Uint8Array(7)];
    expect(runLength(train, 0, train.length)).to.equal(41);
  });
});
