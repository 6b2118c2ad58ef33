import { expect } from 'chai';
import fc from 'fast-check';
import { nodeIdOf } from '../../../src/base/ip6.js';
import {
  formatInviteLine,
  type InviteInfo,
  looksLikeInvite,
  parseInviteLine,
} from '../../../src/identity/invite-line.js';

const INFO: InviteInfo = {
  id: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
  secret: new Uint8Array(16).fill(9),
  expires: 2_000_000_000,
  realm: 'alanet',
  work: 20,
  noiseKey: new Uint8Array(32).fill(7),
  node: nodeIdOf(Uint8Array.of(0xfd, ...new Array<number>(15).fill(3))),
  name: 'berlin',
  nameForYou: 'carol',
  endpoints: ['udp://203.0.113.7:4242', 'udp://[2001:db8::7]:4242'],
};
const LINE = formatInviteLine(INFO);

describe('an invitation in one line', () => {
  it('is one word that says everything', () => {
    expect(LINE).to.match(/^alamesh-invite:[A-Za-z0-9_-]{100,300}$/);
    expect(parseInviteLine(` ${LINE}\n`)).to.deep.equal({ ok: true, value: INFO });
    expect(looksLikeInvite(LINE)).to.equal(true);
    expect(looksLikeInvite('alamesh1:alanet::')).to.equal(false);
  });

  it('may lack names and endpoints', () => {
    const bare = { ...INFO, name: '', nameForYou: '', endpoints: [] };
    expect(parseInviteLine(formatInviteLine(bare))).to.deep.equal({ ok: true, value: bare });
  });

  it('notices every lost, doubled or changed character', () => {
    for (let i = 0; i < LINE.length; i++) {
      const other = LINE[i] === 'A' ? 'B' : 'A';
      const lost = LINE.slice(0, i) + LINE.slice(i + 1);
      const changed = LINE.slice(0, i) + other + LINE.slice(i + 1);
      const doubled = LINE.slice(0, i) + LINE[i] + LINE.slice(i);
      for (const bad of [lost, changed, doubled, LINE.slice(0, i)]) {
        expect(parseInviteLine(bad).ok, bad).to.equal(false);
      }
    }
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
        const payload = Buffer.from(bytes).toString('base64url');
        expect(parseInviteLine(text).ok).to.equal(false);
        expect(parseInviteLine(`alamesh-invite:${payload}`).ok).to.equal(false);
      }),
    );
  });
});
