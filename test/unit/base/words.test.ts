import { expect } from 'chai';
import { nearest } from '../../../src/base/suggest.js';
import { table } from '../../../src/base/table.js';

describe('the word that was meant', () => {
  const known = ['image', 'interface', 'binds', 'env'];
  it('is the nearest known one', () => {
    expect(nearest('imagee', known)).to.equal('image');
    expect(nearest('Bind', known)).to.equal('binds');
    expect(nearest('enb', known)).to.equal('env');
  });

  it('is none when no known word is near', () => {
    expect(nearest('volumes', known)).to.equal(undefined);
    expect(nearest('', known)).to.equal(undefined);
  });
});

describe('tables', () => {
  it('align columns by their widest cell, without spaces at line ends', () => {
    const text = table(
      ['Name', 'N', 'Note'],
      [
        ['a', '10', ''],
        ['longer', '7', '– x'],
      ],
      { align: ['left', 'right'] },
    );
    expect(text).to.equal('Name     N  Note\na       10\nlonger   7  – x\n');
  });
});
