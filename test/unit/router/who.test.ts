import { expect } from 'chai';
import { UserError } from '../../../src/base/errors.js';
import { resolveWho } from '../../../src/router/who.js';

const PEERS = [
  { address: 'fd1e:7c20:a11a:77c2:1111:2222:3333:77c2', name: 'paris', key: `${'-_'.repeat(21)}A` },
  { address: 'fd1e:7c20:ffff::1', name: 'oslo', key: `${'B'.repeat(43)}` },
  { address: null, name: '', key: `${'C'.repeat(43)}` },
];

const found = (who: string): string => resolveWho(who, PEERS, 'peer').key;

function errorOf(who: string): UserError {
  try {
    found(who);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error(`found ${who}`);
}

describe('who is meant', () => {
  it('by name, address in any spelling, prefix, table form or key in either base64', () => {
    const paris = PEERS[0]?.key;
    expect(found('paris')).to.equal(paris);
    expect(found('FD1E:7C20:A11A:77C2:1111:2222:3333:77C2')).to.equal(paris);
    expect(found('fd1e:7c20:a')).to.equal(paris);
    expect(found('fd1e:…:77c2')).to.equal(paris);
    expect(found(`${'+/'.repeat(21)}A=`)).to.equal(paris);
    expect(found('fd1e:7c20:ffff:0:0::1')).to.equal('B'.repeat(43));
    expect(found('C'.repeat(43))).to.equal('C'.repeat(43));
  });

  it('is asked for more where several may be meant', () => {
    const error = errorOf('fd1e:7c20:');
    expect(error.code).to.equal('ambiguous');
    expect(error.message).to.include('paris').and.include('oslo');
  });

  it('is refused with the names that there are', () => {
    for (const who of ['nobody', '', '=', 'f', 'fd99', '::1']) {
      const error = errorOf(who);
      expect(error.code, who).to.equal('not-found');
      expect(error.hint).to.include('paris, oslo');
    }
    expect(() => resolveWho('x', [], 'neighbor')).to.throw(UserError, 'no neighbor called x');
  });
});
