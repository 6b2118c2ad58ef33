import { expect } from 'chai';
import type { Invite } from '../../../src/mesh/invites.js';
import { type LabNode, pair } from './lab.js';

const ID = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
const SECRET = new Uint8Array(16).fill(7);
const MINE = { id: ID, secret: SECRET };
/** The lab's clock begins at 2026-01-01. */
const LATER = Date.UTC(2026, 0, 2);

const invite = (more: Partial<Invite> = {}): Invite => ({
  ...{ id: ID, secret: SECRET, expiresAt: LATER, usesLeft: 1, revoked: false },
  ...more,
});

const peersOf = (node: LabNode): number => node.mesh.peers().length;
const lastError = (node: LabNode): string => node.mesh.links()[0]?.lastError ?? '';

describe('mesh: invitations', () => {
  it('lets a stranger in that shows one, and tells who it is', () => {
    const { lab, wire, a, b } = pair(61);
    a.setInvites([invite()]);
    b.addPeer(a, [wire], { invite: MINE });
    lab.until(() => a.isUp(b) && b.isUp(a), 2_000);
    expect(a.joined).to.have.length(1);
    expect(a.joined[0]).to.deep.include({ kind: 'joined', invite: ID, key: b.key, id: b.id });
    a.addPeer(b, []);
    expect(a.mesh.peers()[0]?.source).to.equal('configured');
    lab.advance(60_000);
    expect(a.isUp(b) && b.isUp(a)).to.equal(true);
    expect(a.told('down')).to.deep.equal([]);
  });

  const refusals: readonly (readonly [string, Partial<Invite> | undefined, object])[] = [
    ['used', { usesLeft: 0 }, MINE],
    ['expired', { expiresAt: Date.UTC(2026, 0, 1) }, MINE],
    ['revoked', { revoked: true }, MINE],
    ['wrong', {}, { id: ID, secret: new Uint8Array(16).fill(8) }],
    ['unknown', {}, { id: new Uint8Array(8), secret: SECRET }],
  ];
  for (const [why, given, shown] of refusals) {
    it(`refuses one that is ${why}, says so, and forgets the stranger`, () => {
      const { lab, wire, a, b } = pair(62);
      a.setInvites([invite(given)]);
      b.addPeer(a, [wire], { invite: shown as typeof MINE });
      lab.until(() => lastError(b) !== '', 5_000);
      expect(lastError(b)).to.equal(`goodbye: invitation ${why}`);
      expect(a.told('up')).to.deep.equal([]);
      b.removePeer(a);
      lab.advance(16_000);
      expect(peersOf(a)).to.equal(0);
      expect(a.mesh.counters().refusedInvites).to.be.at.least(1);
    });
  }

  it('tells a stranger without one nothing of itself, and forgets it within 16 seconds', () => {
    const { lab, wire, a, b } = pair(63);
    a.setInvites([invite()]);
    b.addPeer(a, [wire]);
    lab.until(() => lastError(b) !== '', 5_000);
    expect(lastError(b)).to.equal('goodbye: not a peer, and not invited');
    expect(b.row(a).peer).to.equal(Buffer.from(a.key).toString('base64url')); // no Hello came
    b.kill();
    lab.advance(16_000);
    expect(peersOf(a)).to.equal(0);
  });

  it('does not answer strangers at all without invitations, or a day after the last has expired', () => {
    const { lab, wire, a, b } = pair(64);
    a.setInvites([invite({ expiresAt: Date.UTC(2025, 11, 30) })]);
    b.addPeer(a, [wire], { invite: MINE });
    lab.advance(10_000);
    expect(peersOf(a)).to.equal(0);
    expect(a.mesh.counters().strangers).to.be.at.least(1);
  });

  it('counts a use at once: of two strangers with one invitation one gets in', () => {
    const { lab, wire, a, b } = pair(65);
    const c = lab.node('c', { eth0: wire }, {});
    a.setInvites([invite()]);
    b.addPeer(a, [wire], { invite: MINE });
    c.addPeer(a, [wire], { invite: MINE });
    lab.advance(3_000);
    expect(a.joined).to.have.length(1);
    expect([a.isUp(b), a.isUp(c)].filter(Boolean)).to.have.length(1);
    const loser = a.isUp(b) ? c : b;
    expect(lastError(loser)).to.equal('goodbye: invitation used');
  });

  it('counts the invitation of a neighbor that was found on the LAN too', () => {
    const { lab, wire, a, b } = pair(66, { a: { discovery: true }, b: { discovery: true } });
    a.setInvites([invite()]);
    b.addPeer(a, [wire], { invite: MINE });
    lab.until(() => a.isUp(b) && b.isUp(a), 5_000);
    expect(a.joined).to.have.length(1);
  });

  it('gets through 30 % loss', () => {
    const { lab, wire, a, b } = pair(67, { wire: { loss: 0.3, jitterMsec: 20 } });
    a.setInvites([invite()]);
    b.addPeer(a, [wire], { invite: MINE });
    lab.until(() => a.isUp(b) && b.isUp(a), 60_000);
    expect(a.joined).to.have.length(1);
  });
});
