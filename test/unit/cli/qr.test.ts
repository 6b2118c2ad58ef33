import { expect } from 'chai';
import { generate } from 'lean-qr';
import { qrText } from '../../../src/cli/qr.js';

const LINE = `alamesh-invite:${'Ab0_'.repeat(90)}`;

describe('a QR code on a terminal', () => {
  const lines = qrText(LINE, false).trimEnd().split('\n');

  it('shows every module once, light as a block', () => {
    const code = generate(LINE);
    const isLight = (x: number, y: number): boolean => {
      const block = lines[Math.floor((y + 4) / 2)]?.[x + 4] ?? '';
      return ((y + 4) % 2 === 0 ? '▀█' : '▄█').includes(block);
    };
    for (let y = -4; y < code.size + 4; y++) {
      for (let x = -4; x < code.size + 4; x++) expect(isLight(x, y)).to.equal(!code.get(x, y));
    }
  });

  it('fits a terminal of 100 columns', () => {
    expect(lines[0]?.length).to.be.at.most(100);
    expect(new Set(lines.map((line) => line.length)).size).to.equal(1);
  });

  it('brings its own colours unless that is not wanted', () => {
    expect(qrText('x', true).startsWith('\u001b[97;40m█')).to.equal(true);
    expect(qrText('x', false)).not.to.include('\u001b');
  });
});
