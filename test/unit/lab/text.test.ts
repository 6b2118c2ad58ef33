// biome-ignore-all lint/suspicious/noTemplateCurlyInString: topology files have variables in them.
import { expect } from 'chai';
import fc from 'fast-check';
import { expandVariables, splitWords } from '../../../src/lab/expand.js';
import { drawSvg, drawText, shortAddress } from '../../../src/lab/graph.js';
import type { LabView, LinkView } from '../../../src/lab/inspect.js';
import { lanAddress } from '../../../src/lab/lan.js';
import { layOut } from '../../../src/lab/layout.js';
import { parsePing } from '../../../src/lab/ping.js';

describe('variables in a topology', () => {
  const variables = { A: 'x', EMPTY: '' };
  for (const [text, expected] of [
    ['$A ${A} $AB', 'x x $AB'],
    ['${NONE} $NONE', '${NONE} $NONE'],
    ['${NONE:-d} ${NONE-d} ${NONE:=d} ${A:-d}', 'd d d x'],
    ['${EMPTY:-d}|${EMPTY-d}', 'd|'],
    ['${A:+y}|${NONE:+y}', 'y|'],
    ['$5 $ ${', '$5 $ ${'],
  ] as const) {
    it(`makes "${expected}" of "${text}"`, () => {
      expect(expandVariables(text, variables)).to.equal(expected);
    });
  }
});

describe('words of a command line', () => {
  it('follow the shell’s quotes', () => {
    expect(splitWords(`ash -c "echo $X > \\"a b\\" && sleep" 'it is' a\\ b ""`)).to.deep.equal([
      'ash',
      '-c',
      'echo $X > "a b" && sleep',
      'it is',
      'a b',
      '',
    ]);
  });

  it('are undefined where a quote is not closed', () => {
    expect(splitWords(`sh -c 'x`)).to.equal(undefined);
  });

  it('come back whatever they hold, when quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        expect(splitWords(line)).to.deep.equal(words);
      }),
    );
  });
});

describe('ping’s output', () => {
  const line = (n: number): string => `64 bytes from fd00::1: icmp_seq=${n} ttl=64 time=0.1 ms`;

  it('gives what was lost, and the longest gap', () => {
    const answered = [1, 2, 3, 7, 8, 8, 10].map(line);
    const text = [
      ...answered,
      '10 packets transmitted, 6 received',
      'rtt a/b = 0.1/0.25/0.3/0.1 ms',
    ];
    expect(parsePing(text.join('\n'))).to.deep.equal({
      sent: 10,
      received: 6,
      longestGap: 3,
      lastAnswered: 10,
      averageMsec: 0.25,
    });
  });

  it('counts nothing where ping failed', () => {
    expect(parsePing('ping: broken')).to.include({ sent: 0, received: 0, lastAnswered: 0 });
  });
});

describe('the picture of a lab', () => {
  const link = (a: string, b: string, state: LinkView['state'], more = {}): LinkView => ({
    a,
    b,
    state,
    impairment: more,
  });
  const node = (name: string, role = 'router') => ({
    name,
    role,
    container: name,
    kind: 'linux',
    state: 'running' as const,
    pid: 1,
    socket: null,
    address: 'fd00:1:2:3:4:5:6:7',
    prefix: null,
    lanAddress: null,
    nat: null,
    underlay: [],
    ports: [],
  });
  const view: LabView = {
    name: 'a<b',
    file: '/x',
    nodes: [node('r1'), node('r2'), node('h', 'host')],
    links: [
      link('r1:eth1', 'r2:eth1', 'up', { lossPercent: 5, delayMsec: 20 }),
      link('r1:eth2', 'r2:eth2', 'down'),
      link('h:eth1', 'host:out', 'up'),
    ],
  };

  it('is an SVG with every node and link, with states, and markup escaped', () => {
    const svg = drawSvg(view);
    expect(svg)
      .to.match(/^<svg xmlns=/)
      .and.contain('a&#60;b')
      .and.not.contain('a<b');
    expect(svg.match(/class="link /g)).to.have.length(3);
    for (const name of ['r1', 'r2', 'h', 'host']) expect(svg).to.contain(`>${name}</text>`);
    expect(svg).to.contain('up loss 5% delay 20ms').and.contain('link down');
  });

  it('is the same for the same lab', () => {
    expect(drawSvg(view)).to.equal(drawSvg(view));
  });

  it('is also text with both ends of each link', () => {
    const text = drawText(view);
    expect(text)
      .to.contain('eth1 ─── r2:eth1')
      .and.contain('eth2 ╌✕╌ r1:eth2')
      .and.contain('host:out');
  });

  it('keeps every node apart and inside', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.array(fc.tuple(fc.nat(19), fc.nat(19))),
        (n, raw) => {
          const pairs = raw.filter(([a, b]) => a < n && b < n);
          const points = layOut(n, pairs);
          for (const { x, y } of points)
            expect(x >= 0 && x <= 1 && y >= 0 && y <= 1).to.equal(true);
          const places = new Set(points.map(({ x, y }) => `${x.toFixed(3)} ${y.toFixed(3)}`));
          expect(places.size).to.equal(n);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('shortens addresses', () => {
    expect(shortAddress('fd5c:1:2:3:4:5:6:9a1f')).to.equal('fd5c:…:9a1f');
  });
});

describe('addresses on a LAN', () => {
  it('are hosts of the router’s /64', () => {
    expect(lanAddress('fd00:1:2:3::/64', 2)).to.equal('fd00:1:2:3::2');
    expect(lanAddress('fd00:1:2::/64', 17)).to.equal('fd00:1:2::11');
  });
});
