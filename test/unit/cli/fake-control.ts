/** A router's answers without a router: what the real control server serves in these tests. */
import { UserError } from '../../../src/base/errors.js';
import type { Document, PingRequest, RouterControl } from '../../../src/router/control/types.js';
import type { NewInvite } from '../../../src/router/invite-store.js';
import { resolveWho } from '../../../src/router/who.js';

export const SELF = 'fd5c:1b2c:3d4e:5f60:7181:92a3:b4c5:9a1f';
export const PARIS = 'fd1e:7c20:a11a:77c2:1111:2222:3333:77c2';
export const OSLO = 'fd88:4433:2211:aabb:ccdd:eeff:1122:0b3d';
const PREFIX = 'fd1e:7c20:a11a:77c2::/64';

const NEIGHBORS = [
  { address: PARIS, name: 'paris' },
  { address: OSLO, name: 'oslo' },
];

const path = {
  ...{
    id: 3,
    transport: 'udp',
    local: null,
    remote: 'udp://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:4242',
  },
  ...{ relayed: false, via: null, state: 'proven', lastResult: 'answered', rttMsec: 11.2 },
};
const failedPath = {
  ...{ ...path, id: 0, remote: 'udp://198.51.100.7:4242', state: 'failed', rttMsec: null },
  lastResult: `no answer${' at all'.repeat(30)}`,
};

const link = (name: string, peer: string) => ({
  ...{ peer, name, state: 'up', path, paths: [path, failedPath] },
  ...{ rttMsec: 11.2, rttMinMsec: 10.9, loss: 0.005, rxBytes: 123_456_789, txBytes: 999 },
  ...{ lastHandshakeAt: Date.now() - 61_000, upSinceAt: Date.now() - 724_000 },
  ...{ mtu: 1420, lastError: '' },
});

const neighbor = (hostname: string, established: boolean) => ({
  ...{ hostname, role: 'peer', state: established ? 'Established' : 'Idle', link: 'udp' },
  ...{ msgRcvd: 84, msgSent: 79, tableVersion: 118, inq: 0, outq: 0 },
  ...{ peerUptimeMsec: established ? 724_000 : null, rttMsec: established ? 11.2 : null },
  ...{ pfxRcd: 3, pfxAcc: 3, pfxBest: 2, pfxSnt: 4 },
  ...{ connectionsEstablished: 1, connectionsDropped: 0, lastError: null },
});

const route = (by: string | null) => ({
  ...{ prefix: PREFIX, nexthop: PARIS, neighbor: PARIS, neighborName: 'paris' },
  ...{ best: by === null, valid: true, stale: false, localPref: 100, cost: 12, hops: 2 },
  ...{ asPath: [PARIS, OSLO, PARIS, OSLO, PARIS], communities: [], originSeq: 7 },
  ...{ ageMsec: 90_000_000, lostBy: by },
});
const routes = { schema: 'alamesh.bgp.routes/1', routes: [route(null), route('path-cost')] };

const INVITE = {
  ...{ id: '0123456789abcdef', name: 'carol', state: 'used', createdAt: 0, expiresAt: 86_400_000 },
  ...{ revokedAt: null, usesMax: 1, uses: [{ address: PARIS, name: 'paris', at: 1_000 }] },
};

/** What was asked, for tests to look at. */
export class FakeControl implements RouterControl {
  readonly asked: string[] = [];
  /** Ends a `monitor` from this side. */
  readonly events: Document[] = [
    { schema: 'alamesh.monitor/1', kind: 'link', at: 1, peer: 'paris', state: 'up', reason: '' },
    { schema: 'alamesh.monitor/1', kind: 'log', at: 2, message: 'a\u001b[2Jb' },
  ];

  status(): Document {
    return {
      ...{ schema: 'alamesh.status/1', nodeId: SELF, prefix: 'fd5c:1b2c:3d4e:5f60::/64' },
      ...{ name: 'berlin', realm: 'alanet', version: '0.1.0', plane: 'portable', pid: 77 },
      ...{ uptimeMsec: 724_000, tun: { name: 'ala0', mtu: 1420 }, rssBytes: 61_000_000 },
      ...{ links: { up: 2, total: 3 }, neighbors: { established: 2, total: 3 } },
      ...{ routes: { prefixes: 5, paths: 9 }, drops: { 'no-route': 4, martian: 0 } },
      listen: Array.from(
        { length: 6 },
        (_, i) => `udp://[2001:db8:aaaa:bbbb:cccc:dddd:eeee:${i}]:4242`,
      ),
    };
  }
  links(who: string | undefined): Document {
    if (who !== undefined) resolveWho(who, NEIGHBORS, 'peer');
    return { schema: 'alamesh.links/1', links: [link('paris', PARIS), link('o'.repeat(63), OSLO)] };
  }
  peers(): Document {
    const peer = { key: 'A'.repeat(43), name: 'paris', address: PARIS, state: 'up' };
    const endpoints = Array.from({ length: 16 }, () => 'udp://203.0.113.7:4242');
    return { schema: 'alamesh.peers/1', peers: [{ ...peer, endpoints, source: 'configured' }] };
  }
  async addPeer({ text }: { readonly text: string }): Promise<Document> {
    this.asked.push(`add ${text.trim()}`);
    return { schema: 'alamesh.peer/1', message: 'added paris' };
  }
  async removePeer(who: string): Promise<Document> {
    this.asked.push(`remove ${resolveWho(who, NEIGHBORS, 'peer').address}`);
    return { schema: 'alamesh.peer/1', message: 'removed paris' };
  }
  peerLine(endpoints: readonly string[]): Document {
    return { schema: 'alamesh.peer-line/1', line: `alamesh1:${endpoints.join(',')}`, endpoints };
  }
  async invite(wanted: NewInvite, endpoints: readonly string[]): Promise<Document> {
    this.asked.push(`invite ${JSON.stringify(wanted)}`);
    return { ...INVITE, schema: 'alamesh.invite/1', line: 'alamesh-invite:AA', endpoints };
  }
  invites(): Document {
    return { schema: 'alamesh.invites/1', invites: [INVITE] };
  }
  async revokeInvite(id: string): Promise<Document> {
    return { schema: 'alamesh.invite/1', id, message: `revoked ${id}` };
  }
  services(): Document {
    return { schema: 'alamesh.services/1', services: [] };
  }
  async rescanServices(): Promise<Document> {
    this.asked.push('rescan services');
    return this.services();
  }
  dnsHosts(): Document {
    return {
      schema: 'alamesh.dns.hosts/1',
      hosts: [{ address: PARIS, names: ['paris.bob.ala', 'x.ala'] }],
    };
  }
  dnsLookup(name: string, type: string): Document {
    const isKnown = name === 'paris.bob.ala';
    const answers = isKnown ? [{ name, ttlMsec: 60_000, type, data: PARIS }] : [];
    const rcode = isKnown ? 'NOERROR' : 'NXDOMAIN';
    return { schema: 'alamesh.dns.lookup/1', name: `${name}.`, type, rcode, answers };
  }
  registryStatus(): Document {
    return { schema: 'alamesh.registry/1', members: [], tombstones: [] };
  }
  registryDiff(): Document {
    return { schema: 'alamesh.registry.diff/1', to: null, added: [], changed: [], ended: [] };
  }
  async registrySync(url: string | undefined): Promise<Document> {
    this.asked.push(`registry sync ${url}`);
    return { schema: 'alamesh.registry.sync/1', message: 'nothing new' };
  }
  async registryApprove(head: string | undefined): Promise<Document> {
    this.asked.push(`registry approve ${head}`);
    return { schema: 'alamesh.registry.sync/1', message: 'applied' };
  }
  bgpSummary(): Document {
    return {
      ...{ schema: 'alamesh.bgp.summary/1', routerId: SELF, as: SELF, hostname: 'berlin' },
      ...{ realm: 'alanet', tableVersion: 118, ribCount: 5, pathCount: 9, staleCount: 0 },
      ...{ ribBytes: 1_900_000, peerCount: 2 },
      peers: { [PARIS]: neighbor('paris', true), [OSLO]: neighbor('oslo', false) },
    };
  }
  bgpNeighbors(who: string | undefined): Document {
    if (who !== undefined) resolveWho(who, NEIGHBORS, 'neighbor');
    const session = {
      ...neighbor('paris', true),
      capabilities: ['a'.repeat(200)],
      timers: { holdMsec: 90_000 },
    };
    return { schema: 'alamesh.bgp.neighbors/1', neighbors: [{ address: PARIS, ...session }] };
  }
  bgpRoutes(prefix: string | undefined): Document {
    this.asked.push(`routes ${prefix ?? 'all'}`);
    return routes;
  }
  bgpView(view: string, who: string): Document {
    this.asked.push(`${view} ${resolveWho(who, NEIGHBORS, 'neighbor').address}`);
    return { ...routes, schema: `alamesh.bgp.${view}/1` };
  }
  bgpExplain(what: string): Document {
    const losers = [route('path-cost')];
    return {
      schema: 'alamesh.bgp.explain/1',
      query: what,
      prefix: PREFIX,
      winner: route(null),
      losers,
    };
  }
  bgpClear(who: string, how: 'soft' | 'hard'): Document {
    this.asked.push(`clear ${who} ${how}`);
    return { schema: 'alamesh.bgp.clear/1', message: `${how} clear of ${who}` };
  }
  async ping({ target, count, trace }: PingRequest): Promise<Document> {
    this.asked.push(`ping ${count} ${trace}`);
    const answered = target === PARIS;
    const replies = Array.from({ length: count }, (_, i) => ({
      ...{ seq: i + 1, from: answered ? target : null, kind: answered ? 'reply' : null },
      rttMsec: answered ? 11.25 : null,
    }));
    const hops = [
      { hop: 1, name: 'oslo', address: OSLO, rttMsec: 5 },
      { hop: 2, name: '', address: null, rttMsec: null },
    ];
    const received = answered ? count : 0;
    const sums = { target, replies, sent: count, received };
    return { schema: 'alamesh.ping/1', ...sums, ...(trace && { path: hops }) };
  }
  /** Tells its events, then leaves the stream open until the client goes or the server closes. */
  monitor(each: (event: Document) => void, gone: AbortSignal): void {
    for (const event of this.events) each(event);
    gone.addEventListener('abort', () => this.asked.push('monitor gone'));
  }
  async reload(): Promise<Document> {
    throw new UserError('/etc/alamesh/alamesh.toml:1:1: unknown setting', {
      ...{ code: 'bad-config', hint: 'mend it', exit: 4 },
    });
  }
  down(): Document {
    this.asked.push('down');
    return { schema: 'alamesh.down/1' };
  }
}
