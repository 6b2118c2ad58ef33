import { expect } from 'chai';
import {
  formatPeerLine,
  looksLikePeerLine,
  type PeerInfo,
  parsePeerLine,
} from '../../../src/identity/peer-line.js';
import { testNode } from './nodes.js';

const INFO: PeerInfo = {
  realm: 'alanet',
  noiseKey: new Uint8Array(32).fill(9),
  id: testNode(1).id,
  name: 'berlin',
  endpoints: ['udp://203.0.113.7:4242', 'udp://[2001:db8::7]:4242'],
};
const LINE = formatPeerLine(INFO);

function errorOf(line: string): string {
  const parsed = parsePeerLine(line);
  return parsed.ok ? 'none' : parsed.error;
}

describe('peer lines', () => {
  it('are one word for any shell and give back what went in', () => {
    expect(LINE).to.match(/^alamesh1:alanet:berlin:[A-Za-z0-9_-]+$/);
    expect(parsePeerLine(` ${LINE}\n`)).to.deep.equal({ ok: true, value: INFO });
    expect(LINE.length).to.be.lessThan(200);
  });

  it('may have neither name nor endpoints', () => {
    const bare = { ...INFO, name: '', endpoints: [] };
    expect(parsePeerLine(formatPeerLine(bare))).to.deep.equal({ ok: true, value: bare });
  });

  it('that are cut short say so, wherever the cut is', () => {
    for (let length = 9; length < LINE.length; length++) {
      const error = errorOf(LINE.slice(0, length));
      expect(error, `${length} of ${LINE.length}`).to.match(/cut short|checksum/);
      if (length < LINE.length - 2) expect(error, `${length}`).to.match(/cut short/);
    }
  });

  it('with one character changed are refused, whichever it is', () => {
    for (let at = 0; at < LINE.length; at++) {
      const letter = LINE[at] === 'k' ? 'q' : 'k';
      const line = LINE.slice(0, at) + letter + LINE.slice(at + 1);
      expect(errorOf(line), `character ${at}`).not.to.equal('none');
    }
  });

  it('with two neighboring characters swapped are refused', () => {
    for (let at = 0; at + 1 < LINE.length; at++) {
      const [one, two] = [LINE.charAt(at), LINE.charAt(at + 1)];
      if (one === two) continue;
      const line = LINE.slice(0, at) + two + one + LINE.slice(at + 2);
      expect(errorOf(line), `characters ${at} and ${at + 1}`).not.to.equal('none');
    }
  });

  it('tell the slip', () => {
    expect(errorOf('hello')).to.equal("a peer line begins with 'alamesh1:'");
    expect(errorOf('alamesh2:x')).to.match(/another version/);
    expect(errorOf(`${LINE.slice(0, 60)}\n${LINE.slice(60)}`)).to.match(/blanks/);
    expect(errorOf(LINE + LINE)).to.match(/too many parts/);
    expect(errorOf(`${LINE}AAAA`)).to.match(/more at its end/);
    expect(errorOf(`${LINE.slice(0, 90)}é${LINE.slice(91)}`)).to.equal(
      "'é' does not belong in a peer line",
    );
    expect(errorOf('a'.repeat(10_000))).to.match(/too long/);
  });

  it('refuse what does not fit into one', () => {
    const wrong: readonly Partial<PeerInfo>[] = [
      { realm: 'a b' },
      { name: 'x;y' },
      { noiseKey: new Uint8Array(31) },
      { endpoints: ['203.0.113.7:4242'] },
      { endpoints: new Array<string>(17).fill('udp://203.0.113.7:4242') },
    ];
    for (const change of wrong) {
      expect(() => formatPeerLine({ ...INFO, ...change })).to.throw();
    }
  });

  it('are told from file names', () => {
    expect(looksLikePeerLine(LINE)).to.equal(true);
    expect(looksLikePeerLine('alamesh1.toml')).to.equal(false);
  });
});
