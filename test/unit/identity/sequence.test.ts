import { expect } from 'chai';
import { HighestSeen } from '../../../src/identity/sequence.js';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];

describe('HighestSeen', () => {
  it('takes a number above the highest, once', () => {
    const seen = new HighestSeen();
    expect(seen.accept('node', 'fd00', 5, A)).to.equal('new');
    expect(seen.accept('node', 'fd00', 5, A)).to.equal('same');
    expect(seen.accept('node', 'fd00', 5, B), 'another record of that number').to.equal('old');
    expect(seen.accept('node', 'fd00', 4, A)).to.equal('old');
    expect(seen.accept('node', 'fd00', 6, B)).to.equal('new');
    expect(seen.highest('node', 'fd00')).to.equal(6);
  });

  it('keeps kinds and subjects apart', () => {
    const seen = new HighestSeen();
    seen.accept('node', 'fd00', 5, A);
    expect(seen.accept('link', 'fd00', 1, A)).to.equal('new');
    expect(seen.accept('node', 'fd01', 1, A)).to.equal('new');
  });

  it('compares without remembering', () => {
    const seen = new HighestSeen();
    expect(seen.compare('node', 'fd00', 5, A)).to.equal('new');
    expect(seen.highest('node', 'fd00')).to.equal(undefined);
  });

  it('remembers over a restart', () => {
    const seen = new HighestSeen();
    seen.accept('node', 'fd00', 5, A);
    seen.accept('link', 'fd00-fd01', 7, B);
    const again = HighestSeen.import(JSON.parse(JSON.stringify(seen.export())));
    if (!again.ok) throw new Error(again.error);
    expect(again.value.export()).to.deep.equal(seen.export());
    expect(again.value.accept('node', 'fd00', 4, A)).to.equal('old');
  });

  it('forgets whom it has not heard of for longest', () => {
    const seen = new HighestSeen(2);
    seen.accept('node', 'fd01', 1, A);
    seen.accept('node', 'fd02', 1, A);
    seen.accept('node', 'fd01', 1, A);
    seen.accept('node', 'fd03', 1, A);
    expect(seen.export().map(([key]) => key)).to.deep.equal(['node:fd01', 'node:fd03']);
    const smaller = HighestSeen.import(seen.export(), 1);
    expect(smaller.ok && smaller.value.export()).to.deep.equal([['node:fd03', 1, A]]);
  });

  it('refuses a file that is not its own', () => {
    for (const data of [
      {},
      null,
      [[]],
      [['node:x', 1, A]],
      [['node:a', -1.5, A]],
      [['node:a', 1, 'b']],
    ]) {
      expect(HighestSeen.import(data).ok, JSON.stringify(data)).to.equal(false);
    }
  });
});
