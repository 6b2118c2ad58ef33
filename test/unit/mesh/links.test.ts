import { expect } from 'chai';
import { linked, pair } from './lab.js';

describe('mesh: links', () => {
  it('brings a link up when only one side knows the endpoint', () => {
    const { lab, wire, a, b } = pair(11);
    a.addPeer(b, [wire]);
    b.addPeer(a, []);
    lab.until(() => a.isUp(b) && b.isUp(a), 2_000);
    const up = a.told('up')[0]?.event;
    expect(up).to.deep.include({ kind: 'up', peer: b.id, noiseKey: b.key, transport: 'udp' });
    expect(b.row(a).path?.source).to.equal('seen');
  });

  it('brings a link up when both sides begin at once', () => {
    const { lab, wire, a, b } = pair(12);
    a.addPeer(b, [wire]);
    b.addPeer(a, [wire]);
    const took = lab.until(() => a.isUp(b) && b.isUp(a), 2_000);
    expect(took).to.be.below(200);
    expect(a.told('up')).to.have.length(1);
    expect(a.row(b).rttMinMsec).to.be.closeTo(2, 0.5);
  });

  for (const seed of [21, 22, 23, 24]) {
    it(`brings a link up under 30 % loss and carries messages (seed ${seed})`, () => {
      const wire = { loss: 0.3, duplication: 0.1, jitterMsec: 20, delayMsec: 10 };
      const { lab, a, b, wire: cable } = pair(seed, { wire });
      a.addPeer(b, [cable]);
      b.addPeer(a, [cable]);
      lab.until(() => a.isUp(b) && b.isUp(a), 60_000);
      for (let i = 0; i < 50; i++) {
        expect(a.send(b, Uint8Array.of(i, 1, 2, 3))).to.equal('sent');
        lab.advance(50);
      }
      lab.until(() => b.received.length === 50, 30_000);
      expect(b.received.map((message) => message[0])).to.deep.equal([...Array(50).keys()]);
    });
  }

  it('stays up for an hour under 30 % loss', () => {
    const { lab, a, b } = linked(31, { wire: { loss: 0.3, delayMsec: 10 } });
    for (let minute = 0; minute < 60; minute++) {
      a.send(b, Uint8Array.of(minute));
      lab.advance(60_000);
    }
    const downs = a.told('down').length + b.told('down').length;
    expect(downs).to.be.at.most(1);
    expect(a.isUp(b)).to.equal(true);
  }).timeout(60_000);

  it('takes a link down and up again when the other router restarts', () => {
    const { lab, wire, a, b } = linked(41, { b: { identity: 5 } });
    b.kill();
    const again = lab.node('b', { eth0: wire }, { identity: 5 });
    again.moveTo('fe80::2');
    again.addPeer(a, [wire]);
    lab.until(() => a.told('up').length === 2 && again.isUp(a), 10_000);
    expect(a.told('down')).to.have.length(1);
    const logs = a.events.flatMap((event) => (event.kind === 'log' ? [event.message] : []));
    expect(logs.some((message) => message.includes('restarted'))).to.equal(true);
  });

  it('refuses another realm, says so, and backs off; other links do not notice', () => {
    const { lab, wire, a, b } = linked(51);
    const c = lab.node('c', { eth0: wire }, { realm: 'other' });
    a.addPeer(c, [wire]);
    c.addPeer(a, [wire]);
    lab.advance(60_000);
    const logs = a.events.filter((event) => event.kind === 'log').map((event) => event.message);
    expect(logs.some((message) => message.includes('realm other, ours is test'))).to.equal(true);
    expect(a.row(c)).to.include({ state: 'down' });
    expect(logs.length).to.be.below(10);
    expect(a.told('up').filter(({ event }) => 'peer' in event && event.peer === c.id)).to.be.empty;
    expect(a.told('down')).to.be.empty;
    expect(b.isUp(a)).to.equal(true);
  });

  it('starts both streams afresh when alanet asks', () => {
    const { lab, a, b } = linked(61);
    a.reset(b);
    lab.until(() => a.told('up').length === 2 && b.told('up').length === 2, 2_000);
    expect(a.told('down')).to.have.length(1);
    expect(b.told('down')).to.have.length(1);
    a.send(b, Uint8Array.of(9));
    lab.advance(100);
    expect(b.received).to.deep.equal([Uint8Array.of(9)]);
  });

  it('answers full when the queue is full, and tells when there is room', () => {
    const { lab, a, b } = linked(62);
    const message = new Uint8Array(60_000);
    let sent = 0;
    while (a.send(b, message) === 'sent') sent++;
    expect(sent).to.be.within(17, 30);
    lab.advance(5_000);
    expect(a.told('writable')).to.have.length(1);
    expect(b.received).to.have.length(sent);
  });

  it('says goodbye on shutdown; the other side is down at once and does not hammer', () => {
    const { lab, wire, a, b } = linked(71);
    a.shutDown('stopping');
    lab.until(() => !b.isUp(a), 50);
    a.kill();
    expect(b.told('down')[0]?.event).to.deep.include({ reason: 'goodbye: stopping' });
    const before = wire.datagrams;
    lab.advance(4_000);
    expect(wire.datagrams - before).to.be.at.most(1);
  });

  it('adds and removes peers without touching the others', () => {
    const { lab, wire, a, b } = linked(81);
    const c = lab.node('c', { eth0: wire });
    a.addPeer(c, [wire]);
    c.addPeer(a, [wire]);
    lab.until(() => a.isUp(c) && c.isUp(a), 2_000);
    a.removePeer(c);
    lab.advance(10_000);
    expect(c.isUp(a)).to.equal(false);
    expect(b.told('down')).to.be.empty;
    expect(a.told('down')).to.have.length(1);
    expect(a.isUp(b)).to.equal(true);
  });

  it('tells the same link id for life', () => {
    const { lab, wire, a, b } = linked(82);
    const link = a.linkTo(b);
    expect(a.mesh.linkOf(b.id)).to.equal(link);
    wire.isUp = false;
    lab.advance(60_000);
    wire.isUp = true;
    lab.until(() => a.isUp(b), 40_000);
    expect(a.told('up').map(({ event }) => event.link)).to.deep.equal([link, link]);
  });

  it('rekeys and stays up for ten minutes of traffic', () => {
    const { lab, a, b } = linked(83);
    for (let i = 0; i < 600; i++) {
      a.sendPacket(b);
      b.sendPacket(a);
      lab.advance(1_000);
    }
    expect(a.told('down')).to.be.empty;
    expect(b.delivered).to.have.length(600);
    const { acceptedInitiations, acceptedResponses } = a.mesh.noiseCounters();
    expect(acceptedInitiations + acceptedResponses).to.be.within(5, 8);
  });
});
