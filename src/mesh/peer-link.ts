/**
 * One peer and its link. The steps of a link's life are the order of the functions: `begin` opens paths, a handshake gives
 * a key and a path (`handleKeypair`, `#session`), both sides say Hello (`#onHello`), the link is up (`#proveWhenReady`), is
 * watched (`link-watch`), and in the end is lost (`#lose`) and tried again (`#retry`).
 */
import { compareBytes, toBase64Url } from '../base/bytes.js';
import { formatNodeId, type NodeId } from '../base/ip6.js';
import { after, earliest, type Instant } from '../base/time.js';
import { Timers } from '../base/timers.js';
import type { LinkId, SendAnswer } from '../link/types.js';
import type { NoiseKeypair } from '../noise/types.js';
import type { PathInfo, PlaneCommand, PlaneEvent } from '../plane/types.js';
import type { MeshMessage } from '../wire/types.js';
import type { Candidate, CandidateSource } from './candidates.js';
import { log, type MeshContext } from './context.js';
import { isTellable, zoneOf } from './endpoint.js';
import { checkInvite, makeHello, type ProvenPeer } from './hello.js';
import { LinkChannel } from './link-channel.js';
import { LinkEndpoints } from './link-endpoints.js';
import { LinkGreeting } from './link-greeting.js';
import { LinkKeys } from './link-keys.js';
import { LinkPaths } from './link-paths.js';
import { type LinkFacts, LinkReport } from './link-report.js';
import { LinkRetry } from './link-retry.js';
import { LinkSearch } from './link-search.js';
import { type LinkTrigger, nextLinkState } from './link-state.js';
import { LinkWatch, type WatchVerdict } from './link-watch.js';
import { DATAGRAM_BASE, innerMtu } from './mtu.js';
import { ANSWER_TYPE, decodeProbe, PROBE_TYPE, type Probe } from './probe.js';
import { RELAY_TYPE, type RelayMessage } from './relay.js';
import { SEGMENT_TYPE } from './segment.js';
import type { LinkState, PeerSpec } from './types.js';

/** Ours: from the key to the verified Hello. */
const HELLO_TIMEOUT_MSEC = 15_000;
/** Ours: while the first round trip is not measured, it is probed for this often. */
const MEASURE_EVERY_MSEC = 500;
/** Ours: how long a link goes on without a key to send with; there may be one that waits to be confirmed. */
const KEYLESS_MSEC = 15_000;
/** Ours: what a direct handshake has before neighbors are asked to relay; then again, later and later. */
const RELAY_AFTER_MSEC = 100;
const RELAY_AGAIN_MSEC: readonly number[] = [2_000, 5_000, 10_000, 20_000, 60_000];
/** Ours: relayed paths of one peer. */
const RELAYS_MAX = 3;
/** relay: time to ask neighbors. measure: a round trip is still to be measured. confirm: nothing came under our new key yet. */
type LinkTimer = 'retry' | 'hello' | 'measure' | 'confirm' | 'keepalive' | 'expire' | 'relay';
type ControlEvent = Extract<PlaneEvent, { kind: 'control' }>;

/** known: it came by itself, and may. guest: a stranger whose Hello must show an invitation. */
export type PeerSource = 'configured' | 'known' | 'discovered' | 'guest';

export interface PeerLinkOptions {
  readonly link: LinkId;
  readonly spec: PeerSpec;
  readonly source: PeerSource;
}

/** Why a link is lost, and what follows. */
interface LinkLoss {
  readonly reason: string;
  /** Forget the keys: the other side did, or must prove itself anew. */
  readonly wipe?: boolean;
  /** Try again only after a while, longer each time. */
  readonly backoff?: boolean;
}

export class PeerLink {
  readonly link: LinkId;
  /** Lower key: this side chooses the path, the other one follows. */
  readonly controls: boolean;
  readonly paths: LinkPaths;
  readonly keys: LinkKeys;
  spec: PeerSpec;
  source: PeerSource;
  state: LinkState = 'down';
  lastError = '';
  upSince: Instant | undefined;
  downSince: Instant;
  readonly #ctx: MeshContext;
  readonly #channel: LinkChannel;
  readonly #watch: LinkWatch;
  readonly #report: LinkReport;
  readonly #greeting: LinkGreeting;
  readonly #endpoints: LinkEndpoints;
  readonly #retry: LinkRetry;
  readonly #search: LinkSearch;
  #relayTries = 0;
  /** What the peer was told last of where it is. */
  #toldObserved = '';
  readonly #timers = new Timers<LinkTimer>();
  /** Its invitation was good; whoever runs the mesh makes it a configured peer soon. */
  #isAdmitted = false;
  /** No handshake of our own before this. */
  #holdUntil = 0 as Instant;

  constructor(ctx: MeshContext, now: Instant, { link, spec, source }: PeerLinkOptions) {
    this.#ctx = ctx;
    this.link = link;
    this.spec = spec;
    this.source = source;
    this.downSince = now;
    this.controls = compareBytes(ctx.noise.publicKey, spec.key) < 0;
    this.paths = new LinkPaths(ctx, link);
    this.keys = new LinkKeys(ctx, link);
    this.#channel = new LinkChannel(ctx, link);
    this.#watch = new LinkWatch(ctx, link, this.paths, this.controls);
    this.#report = new LinkReport(ctx, link);
    this.#greeting = new LinkGreeting(ctx);
    this.#endpoints = new LinkEndpoints(ctx, link, this.paths);
    this.#retry = new LinkRetry(ctx);
    this.#search = new LinkSearch({
      ...{ ctx, paths: this.paths, open: (candidate) => this.#endpoints.open(candidate) },
      tell: () => this.#sendCandidates(),
    });
  }

  get isStock(): boolean {
    return this.spec.stock !== undefined;
  }

  /** Nothing of it counts but its Hello, and it is told nothing. */
  get isStranger(): boolean {
    return this.source === 'guest' && !this.#isAdmitted;
  }

  /** Found on a LAN, and never talked to. */
  get isUnmet(): boolean {
    return this.source === 'discovered' && this.keys.lastHandshakeAt === undefined;
  }

  get endpoints(): string[] {
    return this.paths.table.all().map(({ endpoint }) => endpoint);
  }

  get nodeId(): NodeId | undefined {
    return this.#greeting.proven?.id;
  }

  /** Our endpoint as the peer sees it; empty while unknown. */
  get observed(): string {
    return this.#greeting.observed;
  }

  get name(): string {
    return this.spec.name ?? this.#greeting.proven?.body.name ?? '';
  }

  /** Node address as text, or the key while the node is not proven. */
  get label(): string {
    const id = this.nodeId ?? this.spec.id;
    return id === undefined ? toBase64Url(this.spec.key) : formatNodeId(id);
  }

  get datagramBytesMax(): number {
    return this.paths.current?.mtu.datagramBytesMax ?? DATAGRAM_BASE;
  }

  // The way up: paths, handshake, session

  /** Installs the link in the plane and opens what is configured. @param firstTryAt When to try a handshake. */
  begin(firstTryAt: Instant): void {
    this.#holdUntil = firstTryAt;
    this.#install();
    this.addEndpoints(this.spec.endpoints, this.source === 'configured' ? 'config' : 'beacon');
    this.#timers.set('retry', firstTryAt);
    this.#planRelay(firstTryAt, RELAY_AFTER_MSEC);
  }

  #planRelay(from: Instant, msec: number): void {
    const isWanted = this.source === 'configured' && !this.isStock;
    if (isWanted && this.#ctx.config.relay !== undefined) {
      this.#timers.set('relay', after(from, msec));
    }
  }

  #askRelays(now: Instant): void {
    if (this.state !== 'down') return;
    this.#ctx.wantRelay(now, this.spec.key);
    const again = RELAY_AGAIN_MSEC[Math.min(this.#relayTries++, RELAY_AGAIN_MSEC.length - 1)];
    this.#planRelay(now, again ?? 0);
  }

  /** Through a neighbor. @returns false when there are enough of them. */
  addRelay(now: Instant, endpoint: string): boolean {
    const relays = this.paths.table.all().filter(({ source }) => source === 'relay');
    const isKnown = relays.some((one) => one.endpoint === endpoint);
    if (this.isStock || (!isKnown && relays.length >= RELAYS_MAX)) return false;
    this.addEndpoints([endpoint], 'relay');
    if (isKnown && this.state === 'down') this.handleKeyWanted(now);
    return true;
  }

  /** To the relay at the other end, or from it. */
  tell(message: RelayMessage): void {
    if (this.state !== 'up') return;
    this.#channel.sendMesh(message);
    this.#ctx.touch(this.link);
  }

  get isRelayed(): boolean {
    return this.paths.current?.path?.relayed ?? false;
  }

  /** The same key was configured again: new name and endpoints, same link. */
  reconfigure(now: Instant, spec: PeerSpec): void {
    this.spec = spec;
    this.source = 'configured';
    this.#endpoints.reconfigure(spec.endpoints);
    if (this.isStock) this.#install();
    this.hurry(now);
  }

  addEndpoints(endpoints: readonly string[], source: CandidateSource): void {
    this.#endpoints.add(endpoints, source);
  }

  /** A path that just opened joins a handshake that runs, or is probed. */
  handlePathOpened(now: Instant, endpoint: string, result: PathInfo | string): void {
    const candidate = this.#endpoints.opened(endpoint, result);
    if (candidate === undefined) return;
    if (this.state !== 'down') {
      if (!this.isStock && this.keys.isUsable(now)) this.paths.probe(now, candidate);
    } else if (!this.#endpoints.joinHandshake(now, candidate) && now >= this.#holdUntil) {
      this.handleKeyWanted(now);
    }
  }

  /** A beacon was heard or an interface came: no reason to wait any longer. */
  hurry(now: Instant, delayMsec = 0): void {
    if (this.state !== 'down' || !this.#retry.hurry(now)) return;
    this.#timers.setEarlier('retry', after(now, delayMsec));
  }

  /** 148 bytes from Noise: on the path in use while that lives, else on all at once. */
  handleInitiation(now: Instant, datagram: Uint8Array): void {
    const isAlone = this.state === 'up' && this.paths.current?.path !== undefined;
    this.#endpoints.sendInitiation(now, datagram, isAlone);
  }

  /** @param path Where the message that completed the handshake came from. */
  handleKeypair(now: Instant, keypair: NoiseKeypair, path: PathInfo | undefined): void {
    this.#plane({ kind: 'keypair', link: this.link, keypair });
    const isUsable = this.keys.install(now, keypair);
    const candidate = path === undefined ? undefined : this.paths.heard(now, path);
    if (candidate !== undefined && path !== undefined) {
      if (isUsable) candidate.state = 'proven';
      if (this.state !== 'up' || this.isStock) this.#use(now, candidate);
      else this.#watch.handleMoved(now, path);
    }
    if (isUsable) this.#session(now);
  }

  handleConfirmed(now: Instant, localIndex: number): void {
    if (this.keys.confirm(now, localIndex)) this.#session(now);
  }

  handleKeyWanted(now: Instant): void {
    if (!this.#endpoints.hasPath || this.#retry.isRefused(now)) return;
    this.#ctx.noise.want(now, this.link);
  }

  /** Noise asks for a sign of life; a link that begins says Hello instead. */
  handleKeepalive(now: Instant): void {
    if (this.isStock || (this.state === 'up' && !this.keys.awaitsUse)) this.#sendEmpty(now);
    else if (this.state === 'up') this.#confirm(now);
  }

  /** Asks for something under the new key, until it comes. */
  #confirm(now: Instant): void {
    const { current } = this.paths;
    if (this.state !== 'up' || current === undefined || !this.keys.awaitsUse) return;
    this.paths.probe(now, current);
    this.#watch.demand(now);
    this.#timers.set('confirm', after(now, this.paths.patienceMsec()));
  }

  handleGaveUp(now: Instant): void {
    if (this.isStock) this.#lose(now, { reason: 'no answer to handshakes' });
  }

  handleWipe(now: Instant): void {
    this.#lose(now, { reason: 'no new key could be made', wipe: true });
  }

  /** There is a key to send with and a path: the link begins, or goes on. */
  #session(now: Instant): void {
    const { usableUntil } = this.keys;
    if (this.paths.current === undefined || usableUntil === undefined) return;
    const was = this.state;
    this.#enter('session');
    this.#timers.set('expire', usableUntil);
    this.keys.look(now, this.paths.readCounters());
    if (was !== 'down') return;
    this.#retry.reached();
    this.#timers.clear('retry');
    if (this.isStock) this.#beginStock(now);
    else this.#beginChannel(now);
  }

  #beginStock(now: Instant): void {
    const keepalive = this.spec.stock?.keepaliveMsec;
    if (keepalive !== undefined) this.#timers.set('keepalive', after(now, keepalive));
    this.upSince = now;
    this.#enter('proven');
    this.#plane({ kind: 'arm', link: this.link });
    this.#monitor('');
  }

  #beginChannel(now: Instant): void {
    this.#channel.start();
    this.#sayHello(now);
    this.#measure(now);
    this.#watch.begin(now);
    this.#monitor('');
  }

  #measure(now: Instant): void {
    const { current } = this.paths;
    if (this.state !== 'handshaking' || current === undefined) return;
    if (current.minRtt.msec === undefined) this.paths.probe(now, current);
    else this.#proveWhenReady(now);
    this.#timers.set('measure', after(now, MEASURE_EVERY_MSEC));
  }

  #sayHello(now: Instant): void {
    this.#greeting.begin();
    this.#timers.set('hello', after(now, HELLO_TIMEOUT_MSEC));
    if (this.isStranger) this.#sayNothing();
    else this.#sendHello();
  }

  /** A channel gets in step only when both sides speak: a stranger hears where it was seen, and no more. */
  #sayNothing(): void {
    const observed = this.#observed();
    this.#channel.sendMesh({ kind: 'candidates', candidates: [], observed });
  }

  /** Where the peer is seen; a channel of a relay says nothing of that. */
  #observed(): string {
    return this.isRelayed ? '' : (this.paths.current?.path?.remote ?? '');
  }

  /** Where we can be reached, and where we see the peer. */
  #sendCandidates(): void {
    if (this.state !== 'up' || this.isStranger || this.isStock) return;
    const observed = this.#observed();
    this.#toldObserved = observed;
    this.#channel.sendMesh({ kind: 'candidates', candidates: this.#ctx.ownCandidates(), observed });
    this.#ctx.touch(this.link);
  }

  /** Our addresses are others than before: the peer hears of them, and every path is tried anew. */
  handleOwnCandidates(now: Instant): void {
    if (this.isStock) return;
    if (this.state === 'up') {
      this.#sendCandidates();
      this.paths.probeAll(now);
      this.#watch.demand(now);
      this.#search.begin(now);
    } else if (this.source !== 'discovered') {
      this.hurry(now);
    }
  }

  /** There may be a better way now. */
  search(now: Instant): void {
    if (this.state === 'up' && !this.isStock) this.#search.begin(now);
  }

  #sendHello(): void {
    const observed = this.#observed();
    this.#toldObserved = observed;
    this.#channel.sendMesh(makeHello(this.#ctx, this.spec, observed));
  }

  // Control payloads

  handleControl(now: Instant, event: ControlEvent): void {
    if (this.isStock) return;
    if (event.payload[0] === RELAY_TYPE) {
      if (this.state === 'up') this.#ctx.handleRelay(now, this.link, event.payload);
      return;
    }
    if (!this.#channel.mayTake(now)) return;
    const candidate = this.paths.heard(now, event.path);
    if (this.state === 'down' && candidate !== undefined && this.keys.isUsable(now)) {
      this.#use(now, candidate);
      this.#session(now);
    }
    if (event.payload[0] === SEGMENT_TYPE) this.#onSegment(now, event.payload);
    else this.#onProbe(now, event);
    this.keys.lookSoon(now);
  }

  #onSegment(now: Instant, payload: Uint8Array): void {
    const verdict = this.#channel.handleSegment(now, payload);
    if (verdict === 'abuse') this.#refuse(now, 'too many malformed messages');
    if (verdict === 'reset') this.#channelReset(now, 'the other side started afresh');
  }

  #onProbe(now: Instant, { payload, path, datagramBytes }: ControlEvent): void {
    const probe = decodeProbe(payload);
    if (probe === undefined) {
      if (this.#channel.countMalformed('malformedControl') === 'abuse') {
        this.#refuse(now, 'too many malformed messages');
      }
      return;
    }
    switch (probe.type) {
      case PROBE_TYPE:
        if (this.paths.answer(now, probe, path, datagramBytes) && this.state === 'up') {
          this.#act(now, { kind: 'dead', reason: 'the peer hears nothing' });
        }
        return;
      case ANSWER_TYPE:
        this.#onAnswer(now, probe);
        return;
      default:
        probe.type satisfies never;
    }
  }

  #onAnswer(now: Instant, answer: Probe): void {
    const answered = this.paths.handleAnswer(now, answer);
    if (answered === undefined) return;
    const better = this.paths.preferred(now, answered.candidate, !this.controls);
    if (better !== undefined && this.state !== 'down') this.#use(now, better);
    else if (answered.resized && answered.candidate === this.paths.current) this.#install();
    if (this.state === 'handshaking') this.#proveWhenReady(now);
    else this.#tellChanged(now);
  }

  #channelReset(now: Instant, reason: string): void {
    this.#ctx.relayDown(this.link);
    this.#report.down(reason);
    this.#enter('reset');
    this.upSince = undefined;
    this.#monitor(reason);
    this.#sayHello(now);
  }

  /** Ends a pass: delivers what came in, sends what may go out. */
  flush(now: Instant): void {
    for (let got = this.#take(); got !== undefined; got = this.#take()) {
      if (got.stream === 'mesh') this.#onMeshMessage(now, got.message);
      else this.#report.received(got.message);
    }
    if (this.#channel.flush(now, this.datagramBytesMax)) {
      this.paths.noteDemand(now);
      this.#watch.demand(now);
    }
    if (this.#channel.takeWritable()) this.#report.writable();
  }

  #take(): ReturnType<LinkChannel['take']> {
    return this.#channel.take(this.state === 'up');
  }

  // Hello and goodbye

  #onMeshMessage(now: Instant, bytes: Uint8Array): void {
    const message = this.#channel.decode(bytes);
    if (message === 'malformed') {
      const verdict = this.#channel.countMalformed('malformedMessages');
      if (verdict === 'abuse') this.#refuse(now, 'too many malformed messages');
      return;
    }
    switch (message.kind) {
      case 'hello':
        this.#onHello(now, message);
        return;
      case 'candidates':
        if (!this.isStranger) this.#onCandidates(now, message);
        return;
      case 'goodbye':
        this.#lose(now, { reason: `goodbye: ${message.reason}`, wipe: true, backoff: true });
        return;
      case 'relay-open':
      case 'relay-offer':
      case 'relay-close':
        if (this.state === 'up') this.#ctx.handleRelay(now, this.link, message);
        return;
      case 'unknown':
        return;
      default:
        message satisfies never;
    }
  }

  #onHello(now: Instant, hello: Extract<MeshMessage, { kind: 'hello' }>): void {
    const { key, id } = this.spec;
    const invite = this.#mustProve(hello)
      ? checkInvite(this.#ctx, hello, { now, key, id })
      : undefined;
    if (invite?.ok === false) {
      this.#refuse(now, invite.error);
      return;
    }
    const checked = this.#greeting.handle(hello, { now, key, id });
    if (!checked.ok) {
      this.#refuse(now, checked.error);
      return;
    }
    if (this.#ctx.otherLinkTo(checked.value.id, this.link)) {
      this.#refuse(now, 'another link to this node is up');
      return;
    }
    if (invite !== undefined) this.#admit(invite.value, checked.value, hello.candidates);
    this.addEndpoints(hello.candidates.filter(isTellable), 'hello');
    this.#proveWhenReady(now);
  }

  #onCandidates(
    now: Instant,
    { observed, candidates }: Extract<MeshMessage, { kind: 'candidates' }>,
  ): void {
    const isNews = observed !== this.#greeting.observed;
    this.#greeting.observed = observed;
    this.addEndpoints(candidates.filter(isTellable), 'hello');
    if (this.state === 'up') this.#search.asked(now);
    if (isNews) this.#ctx.sightingChanged(now, this.link);
  }

  /** A neighbor on the LAN is welcome without an invitation, but one that it shows counts; once. */
  #mustProve({ invite }: Extract<MeshMessage, { kind: 'hello' }>): boolean {
    const isFound = this.source === 'discovered' && invite !== undefined;
    return this.isStranger || (isFound && !this.#isAdmitted);
  }

  /** A good invitation: it is used up, and the other side gets our Hello if it has not got it yet. */
  #admit(invite: Uint8Array, { id, body }: ProvenPeer, candidates: readonly string[]): void {
    this.#ctx.invites.use(invite);
    const isGreeted = !this.isStranger;
    this.#isAdmitted = true;
    if (!isGreeted) this.#sendHello();
    const endpoints = candidates.filter(isTellable);
    const { key } = this.spec;
    this.#ctx.emit({ kind: 'joined', invite, key, id, name: body.name, endpoints });
  }

  /** Up as soon as the Hello is verified and a round trip is measured. */
  #proveWhenReady(now: Instant): void {
    const rttMsec = this.#rttMsec();
    const who = this.#greeting.greeted;
    if (this.state !== 'handshaking' || who === undefined || rttMsec === undefined) return;
    this.#enter('proven');
    this.#timers.clear('hello');
    this.#timers.clear('measure');
    this.#retry.accepted();
    this.upSince = now;
    this.lastError = '';
    const { current } = this.paths;
    if (current !== undefined) current.mtu.begin(now);
    this.#install();
    this.#watch.setMtuTimer(now);
    this.#watch.warmUp(now);
    const told = { peer: who.id, noiseKey: this.spec.key, name: this.name };
    this.#report.up(now, told, this.#facts(rttMsec));
    this.#monitor('');
    for (const other of this.paths.table.all()) if (other !== current) this.paths.probe(now, other);
    this.#search.begin(now);
    this.#ctx.sightingChanged(now, this.link);
    this.#ctx.touch(this.link);
  }

  #rttMsec(): number | undefined {
    return this.paths.current?.minRtt.msec;
  }

  #facts(rttMsec: number): LinkFacts {
    const transport = this.paths.current?.path?.transport ?? '';
    return { rttMsec, mtu: innerMtu(this.datagramBytesMax), transport };
  }

  #tellChanged(now: Instant): void {
    const rttMsec = this.#rttMsec();
    if (this.state === 'up' && rttMsec !== undefined) {
      this.#report.changed(now, this.#facts(rttMsec));
    }
  }

  // Paths

  #use(now: Instant, candidate: Candidate): void {
    if (candidate === this.paths.current || candidate.path === undefined) return;
    this.paths.use(candidate);
    if (this.isStock) candidate.mtu.assume();
    else if (this.state === 'up') candidate.mtu.begin(now);
    this.#install();
    this.#watch.setMtuTimer(now);
    if (this.state !== 'up') return;
    this.#monitor('path');
    this.#tellChanged(now);
    this.#watch.demand(now);
    if (candidate.path.remote !== this.#toldObserved) this.#sendCandidates();
    this.#search.begin(now);
  }

  handleMoved(now: Instant, path: PathInfo): void {
    if (this.isStock || this.state === 'down') {
      const candidate = this.paths.heard(now, path);
      if (candidate !== undefined) this.#use(now, candidate);
      if (this.state === 'down' && this.keys.isUsable(now)) this.#session(now);
    } else {
      this.#watch.handleMoved(now, path);
    }
  }

  handleActive(now: Instant): void {
    this.keys.look(now, this.paths.readCounters());
    if (this.isStock) this.#plane({ kind: 'arm', link: this.link });
    else if (this.state !== 'down') this.#watch.handleActive(now);
  }

  handlePathFailed(now: Instant, event: Extract<PlaneEvent, { kind: 'path-failed' }>): void {
    const candidate = this.paths.table.byPath(event.path.id);
    if (candidate === undefined) return;
    candidate.lastResult = event.failure;
    switch (event.failure) {
      case 'too-big':
        if (candidate.mtu.handleTooBig(now, event.bytes ?? candidate.mtu.datagramBytesMax)) {
          this.#resized(now, candidate);
        }
        return;
      case 'closed':
        this.#closed(now, candidate);
        return;
      case 'unreachable':
        candidate.state = 'failed';
        if (candidate === this.paths.current && this.state !== 'down' && !this.isStock) {
          this.#act(now, this.#watch.handleRefusal(now, candidate));
        }
        return;
      default:
        event.failure satisfies never;
    }
  }

  #closed(now: Instant, candidate: Candidate): void {
    candidate.path = undefined;
    candidate.state = 'failed';
    if (candidate === this.paths.current) this.#pathDead(now, 'the path was closed');
    const isPassing = candidate.source === 'seen' || candidate.source === 'relay';
    if (isPassing) this.paths.table.remove(candidate);
  }

  /** An interface is gone: so are the paths on it. */
  dropZone(now: Instant, zone: string): void {
    for (const candidate of this.paths.table.all()) {
      if (zoneOf(candidate.endpoint) !== zone) continue;
      this.#endpoints.release(candidate);
      this.#closed(now, candidate);
      if (candidate.source !== 'config') this.paths.table.remove(candidate);
    }
  }

  #resized(now: Instant, candidate: Candidate): void {
    if (candidate !== this.paths.current) return;
    this.#install();
    if (!this.isStock) this.#watch.setMtuTimer(now);
    this.#tellChanged(now);
  }

  #act(now: Instant, verdict: WatchVerdict | undefined): void {
    if (verdict === undefined || this.paths.current === undefined) return;
    switch (verdict.kind) {
      case 'dead':
        this.#pathDead(now, verdict.reason);
        return;
      case 'switch':
        this.#use(now, verdict.to);
        return;
      case 'resized':
        this.#resized(now, this.paths.current);
        return;
      default:
        verdict satisfies never;
    }
  }

  /** The path in use is dead: another one that answered takes over, or the link is lost. */
  #pathDead(now: Instant, reason: string): void {
    const { current } = this.paths;
    if (current !== undefined) {
      current.state = 'failed';
      current.lastResult = reason;
    }
    const other = this.paths.alternative(now);
    if (other !== undefined) this.#use(now, other);
    else this.#lose(now, { reason });
  }

  // The way down

  #refuse(now: Instant, reason: string): void {
    this.#ctx.counters.refusedHellos++;
    log(this.#ctx, 'warn', `no link with ${this.label}: ${reason}`);
    this.#goodbye(now, reason);
    this.#lose(now, { reason, wipe: true, backoff: true });
  }

  #goodbye(now: Instant, reason: string): void {
    if (this.isStock || !this.#channel.isOpen || !this.keys.isUsable(now)) return;
    this.#channel.sendMesh({ kind: 'goodbye', reason });
    this.#channel.flush(now, this.datagramBytesMax);
  }

  #lose(now: Instant, loss: LinkLoss): void {
    const was = this.state;
    if (was !== 'down') this.#ctx.relayDown(this.link);
    this.#search.stop();
    this.#enter('lost');
    this.lastError = loss.reason;
    if (loss.wipe) this.#forgetKeys();
    this.#channel.stop();
    this.#watch.timers.clearAll();
    this.#timers.clearAll();
    this.paths.resetReports();
    this.#greeting.begin();
    this.upSince = undefined;
    if (was !== 'down') this.downSince = now;
    this.#report.down(loss.reason);
    if (was !== 'down') this.#monitor(loss.reason);
    this.#relayTries = 0;
    this.#planRelay(now, RELAY_AFTER_MSEC);
    this.#scheduleRetry(now, loss.backoff ?? false);
  }

  #forgetKeys(): void {
    this.keys.forget();
    this.#endpoints.forgetInitiation();
    this.#plane({ kind: 'wipe-keys', link: this.link });
  }

  #scheduleRetry(now: Instant, isRefused: boolean): void {
    if (isRefused) {
      this.#timers.set('retry', this.#retry.afterRefusal(now));
      return;
    }
    const isOnDemand = this.isStock && this.spec.stock?.keepaliveMsec === undefined;
    if (isOnDemand && this.keys.lastHandshakeAt !== undefined) return; // as WireGuard: when there is traffic
    this.#timers.set('retry', this.#retry.afterFailure(now));
    this.#tryPaths(now);
  }

  /** With keys that still serve a probe brings the link back; a handshake does in any case. */
  #tryPaths(now: Instant): void {
    for (const candidate of this.paths.table.all()) {
      if (candidate.path === undefined) this.#endpoints.open(candidate);
      else if (!this.isStock && this.keys.isUsable(now)) this.paths.probe(now, candidate);
    }
    this.handleKeyWanted(now);
  }

  /** The peer is no longer wanted: goodbye, and everything of it is forgotten. */
  remove(now: Instant, reason: string): void {
    this.#goodbye(now, reason);
    this.#ctx.relayDown(this.link);
    this.#search.stop();
    this.#enter('lost');
    this.#report.down(reason);
    this.#channel.stop();
    this.#plane({ kind: 'remove-link', link: this.link });
    this.#endpoints.releaseAll();
  }

  shutDown(now: Instant, reason: string): void {
    this.#goodbye(now, reason);
    this.#lose(now, { reason, wipe: true, backoff: true });
    this.#timers.clearAll();
  }

  // Alanet's commands

  send(message: Uint8Array): SendAnswer {
    if (this.state !== 'up') return 'down';
    return this.#channel.sendAlanet(message) ? 'sent' : 'full';
  }

  reset(now: Instant, reason: string): void {
    if (this.state !== 'up') return;
    this.#channel.reset();
    this.#channelReset(now, reason);
  }

  // Time

  nextTimeout(): Instant | undefined {
    const own = this.#timers.next()?.at;
    const watch = this.#watch.timers.next()?.at;
    const search = this.#search.nextTimeout();
    return earliest(own, watch, this.#channel.nextTimeout(), this.keys.nextLook(), search);
  }

  handleTimeout(now: Instant): void {
    const { timers } = this.#watch;
    for (let due = timers.takeDue(now); due !== undefined; due = timers.takeDue(now)) {
      this.#act(now, this.#watch.fire(now, due));
    }
    for (let due = this.#timers.takeDue(now); due !== undefined; due = this.#timers.takeDue(now)) {
      this.#fire(now, due);
    }
    this.#search.handleTimeout(now);
    if ((this.#channel.nextTimeout() ?? Infinity) <= now) this.#channel.handleTimeout(now);
    if ((this.keys.nextLook() ?? Infinity) <= now) this.keys.look(now, this.paths.readCounters());
  }

  #fire(now: Instant, due: LinkTimer): void {
    switch (due) {
      case 'retry':
        if (this.state === 'down') this.#scheduleRetry(now, false);
        return;
      case 'hello':
        this.#refuse(now, 'no Hello came: a plain WireGuard peer must be configured as one');
        return;
      case 'keepalive':
        this.#sendEmpty(now);
        this.#timers.set('keepalive', after(now, this.spec.stock?.keepaliveMsec ?? 25_000));
        return;
      case 'measure':
        this.#measure(now);
        return;
      case 'confirm':
        this.#confirm(now);
        return;
      case 'relay':
        this.#askRelays(now);
        return;
      case 'expire':
        this.#expire(now);
        return;
      default:
        due satisfies never;
    }
  }

  #expire(now: Instant): void {
    const expiredAt = this.keys.usableUntil;
    if (expiredAt === undefined || this.keys.isUsable(now)) return;
    if (this.isStock || now - expiredAt >= KEYLESS_MSEC) {
      this.#lose(now, { reason: 'the key is too old' });
      return;
    }
    this.#ctx.noise.want(now, this.link);
    this.#timers.set('expire', after(expiredAt, KEYLESS_MSEC));
  }

  #sendEmpty(now: Instant): void {
    if (!this.keys.isUsable(now)) return;
    this.#plane({ kind: 'send', link: this.link, payload: new Uint8Array(0) });
  }

  // What goes out

  #enter(trigger: LinkTrigger): void {
    this.state = nextLinkState(this.state, trigger);
  }

  #install(): void {
    const { stock } = this.spec;
    this.#plane({
      kind: 'link',
      link: this.link,
      path: this.paths.current?.path?.id,
      datagramBytesMax: this.datagramBytesMax,
      mtu: innerMtu(this.datagramBytesMax),
      sourceCheck: this.#greeting.proven?.body.transit === false ? 'own' : 'routed',
      peer: this.nodeId,
      ...(stock === undefined ? {} : { prefixes: stock.prefixes }),
    });
  }

  #plane(command: PlaneCommand): void {
    this.#ctx.emit({ kind: 'plane', command });
  }

  #monitor(reason: string): void {
    const { label: peer, name, state } = this;
    const path = this.paths.current?.path?.remote ?? null;
    this.#report.monitor({ peer, name, state, reason, path });
  }
}
