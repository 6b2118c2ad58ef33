/**
 * The mesh: peers, paths, Noise sessions, control channels, liveness and LAN discovery. It makes links and keeps them;
 * it knows nothing of prefixes or routes. Sans-IO: feed it, `poll` until empty, wake it at `nextTimeout`.
 *
 * The way of an event: `handle…` → the peer's `PeerLink`, or `Discovery` → outputs; Noise's outputs are taken after each.
 */
import { compareBytes, toHex } from '../base/bytes.js';
import type { NodeId } from '../base/ip6.js';
import { after, earliest, type Instant } from '../base/time.js';
import type { LinkCommand, LinkId, SendAnswer } from '../link/types.js';
import { NoiseDevice } from '../noise/device.js';
import type { NoiseCounters, NoiseOutput } from '../noise/types.js';
import type { PathInfo, PlaneEvent } from '../plane/types.js';
import { CANDIDATES_PER_PEER_MAX } from './candidates.js';
import { log, type MeshContext, newMeshCounters } from './context.js';
import { Discovery, type HeardBeacon } from './discovery.js';
import { isEndpoint, zoneOf } from './endpoint.js';
import { GUEST_MSEC, Guests } from './guests.js';
import { InviteBook } from './invites.js';
import { type NatView, natView, type Sighting, withSightings } from './nat.js';
import { PeerLink, type PeerSource } from './peer-link.js';
import { Peers } from './peers.js';
import { Relay, type RelayCounters, type RelayLink, type RelayParts } from './relay.js';
import { linkRow, peerRow } from './rows.js';
import { ADD_ERRORS, specFault } from './spec.js';
import {
  type Beacon,
  type LinkRow,
  MESH_DEFAULTS,
  type MeshAnswer,
  type MeshCommand,
  type MeshCounters,
  type MeshOptions,
  type MeshOutput,
  type PathOpened,
  type PeerRow,
  type PeerSpec,
} from './types.js';

export type {
  Beacon,
  LinkRow,
  MeshAnswer,
  MeshCommand,
  MeshEvent,
  MeshOptions,
  MeshOutput,
  PathOpened,
  PeerRow,
  PeerSpec,
} from './types.js';

const BOOT_ID_BYTES = 8;
/** Ours: the side with the higher key leaves the first initiation on a LAN to the other. */
const LAN_HOLD_MSEC = 1_000;
/** Ours: a discovered peer that never completed a handshake, and one that did, is forgotten after this. */
const RUMOUR_MSEC = 60_000;
const FORGET_MSEC = 600_000;
const SWEEP_MSEC = 30_000;

interface OpenRequest {
  readonly link: LinkId;
  readonly endpoint: string;
}

export class Mesh {
  readonly #options: MeshOptions;
  readonly #ctx: MeshContext;
  readonly #noise: NoiseDevice;
  readonly #discovery: Discovery;
  readonly #relay: Relay;
  readonly #peers = new Peers();
  readonly #guests = new Guests();
  readonly #requests = new Map<number, OpenRequest>();
  readonly #touched = new Set<LinkId>();
  readonly #counters: MeshCounters = newMeshCounters();
  #outputs: MeshOutput[] = [];
  #taken = 0;
  #candidates: readonly string[] = [];
  #lastTold = '';
  /** Who may come, by key in hex. */
  #known: ReadonlyMap<string, PeerSpec> = new Map();
  #lastLink = 0;
  #lastRequest = 0;
  #now = 0 as Instant;
  #sweepAt: Instant | undefined;
  /** The path of the handshake message at hand. */
  #arrival: PathInfo | undefined;
  /** Undefined: some timer may have changed since it was computed. */
  #soonest: { readonly at: Instant | undefined } | undefined;
  #isShutDown = false;

  constructor(options: MeshOptions) {
    const { crypto, entropy, wall, identity, config, aes = false, gated = false } = options;
    this.#options = options;
    const timing = config?.timing;
    this.#noise = new NoiseDevice({
      ...{ crypto, entropy, wall, privateKey: identity.noisePrivateKey, aes, gated },
      ...(timing === undefined ? {} : { timing }),
    });
    this.#ctx = {
      options,
      config: { ...MESH_DEFAULTS, ...config },
      noise: this.#noise,
      bootId: entropy.bytes(BOOT_ID_BYTES),
      counters: this.#counters,
      invites: new InviteBook(crypto),
      ownCandidates: () => this.#told(),
      sightingChanged: (now, link) => this.#onSighting(now, link),
      wantRelay: (now, key) => this.#relay.want(now, key),
      handleRelay: (now, link, what) =>
        what instanceof Uint8Array
          ? this.#relay.handleFrame(now, link, what)
          : this.#relay.handleMessage(now, link, what),
      relayDown: (link) => this.#relay.handleDown(link),
      emit: (output) => void this.#outputs.push(output),
      open: (link, endpoint) => this.#open(link, endpoint),
      otherLinkTo: (id, link) => this.#hasOtherLink(id, link),
      touch: (link) => void this.#touched.add(link),
    };
    this.#discovery = new Discovery(this.#ctx);
    this.#relay = new Relay(this.#relayParts());
  }

  #relayParts(): RelayParts {
    const emit = (output: MeshOutput): void => this.#ctx.emit(output);
    return {
      policy: () => this.#ctx.config.relay ?? 'off',
      links: () => [...this.#peers.all()].map(relayLink),
      byLink: (link) => {
        const peer = this.#peers.get(link);
        return peer === undefined ? undefined : relayLink(peer);
      },
      isOdd: (link) => this.#peers.get(link)?.controls ?? false,
      tell: (link, message) => this.#peers.get(link)?.tell(message),
      carry: (link, payload) => emit({ kind: 'plane', command: { kind: 'send', link, payload } }),
      opened: (now, key, endpoint) => {
        const peer = this.#peers.byKey(key);
        if (peer === undefined) return this.#known.has(toHex(key));
        return peer.addRelay(now, endpoint);
      },
      closed: (endpoint, reason) => emit({ kind: 'relay-closed', endpoint, reason }),
      received: (endpoint, datagram) => emit({ kind: 'relayed', endpoint, datagram }),
    };
  }

  /** Datagrams for the other end of a relay's channel. */
  handleRelaySend(now: Instant, endpoint: string, datagrams: readonly Uint8Array[]): void {
    this.#begin(now);
    this.#relay.send(endpoint, datagrams);
  }

  handleRelayReleased(now: Instant, endpoint: string): void {
    this.#begin(now);
    this.#relay.release(endpoint);
  }

  relayCounters(): RelayCounters {
    return this.#relay.counters();
  }

  /** X25519, 32 bytes. */
  get publicKey(): Uint8Array {
    return this.#noise.publicKey;
  }

  handlePlane(now: Instant, event: PlaneEvent): void {
    this.#begin(now);
    if (event.kind === 'handshake') {
      this.#handleHandshake(now, event.path, event.datagram);
    } else if (event.kind === 'path-failed') {
      for (const peer of this.#peers.all()) peer.handlePathFailed(now, event);
    } else if (event.kind !== 'pong') {
      const peer = this.#peers.get(event.link);
      if (peer !== undefined) this.#toPeer(now, peer, event);
    }
    this.#takeNoise(now);
  }

  #toPeer(now: Instant, peer: PeerLink, event: LinkPlaneEvent): void {
    switch (event.kind) {
      case 'control':
        peer.handleControl(now, event);
        return;
      case 'confirmed':
        peer.handleConfirmed(now, event.localIndex);
        return;
      case 'moved':
        peer.handleMoved(now, event.path);
        return;
      case 'active':
        peer.handleActive(now);
        return;
      case 'key-wanted':
        peer.handleKeyWanted(now);
        return;
      default:
        event satisfies never;
    }
  }

  handleBeacon(now: Instant, beacon: Beacon): void {
    this.#begin(now);
    const heard = this.#isShutDown ? undefined : this.#discovery.handleBeacon(now, beacon);
    if (heard !== undefined) this.#onBeacon(now, heard);
    this.#takeNoise(now);
  }

  handlePathOpened(now: Instant, opened: PathOpened): void {
    this.#begin(now);
    const asked = this.#requests.get(opened.request);
    this.#requests.delete(opened.request);
    const result = 'path' in opened ? opened.path : opened.error;
    const peer = asked === undefined ? undefined : this.#peers.get(asked.link);
    if (asked !== undefined) peer?.handlePathOpened(now, asked.endpoint, result);
    this.#takeNoise(now);
  }

  /** @returns for a `send`: whether it was taken. `full`: keep it and wait for `writable`. */
  handleLinkCommand(now: Instant, command: LinkCommand): SendAnswer {
    this.#begin(now);
    const peer = this.#peers.get(command.link);
    if (peer === undefined) return 'down';
    if (command.kind === 'send') return peer.send(command.message);
    peer.reset(now, command.reason);
    return 'sent';
  }

  handleCommand(now: Instant, command: MeshCommand): MeshAnswer {
    this.#begin(now);
    const answer = this.#command(now, command);
    this.#takeNoise(now);
    return answer;
  }

  #command(now: Instant, command: MeshCommand): MeshAnswer {
    switch (command.kind) {
      case 'add-peer':
        return this.#addConfigured(now, command.peer);
      case 'remove-peer':
        return this.#removeByKey(now, command.key);
      case 'release-peer':
        return this.#release(now, command.key);
      case 'set-known':
        this.#setKnown(now, command.peers);
        return DONE;
      case 'set-candidates':
        this.#setCandidates(now, command.candidates, command.port);
        return DONE;
      case 'set-interfaces':
        this.#setInterfaces(now, command.names);
        return DONE;
      case 'set-invites':
        this.#ctx.invites.set(command.invites);
        return DONE;
      case 'shutdown':
        this.#isShutDown = true;
        this.#discovery.setInterfaces(now, []);
        for (const peer of this.#peers.all()) peer.shutDown(now, command.reason);
        return DONE;
      default:
        return command satisfies never;
    }
  }

  handleTimeout(now: Instant): void {
    this.#begin(now);
    this.#noise.handleTimeout(now);
    this.#takeNoise(now);
    if (!this.#isShutDown) {
      this.#discovery.handleTimeout(now);
      for (const peer of this.#peers.all()) {
        if ((peer.nextTimeout() ?? Infinity) <= now) peer.handleTimeout(now);
      }
      if (this.#sweepAt !== undefined && now >= this.#sweepAt) this.#sweep(now);
      this.#relay.handleTimeout(now);
      this.#seeOut(now);
    }
    this.#takeNoise(now);
  }

  nextTimeout(): Instant | undefined {
    this.#soonest ??= { at: this.#computeNext() };
    return this.#soonest.at;
  }

  #computeNext(): Instant | undefined {
    if (this.#isShutDown) return undefined;
    let at = earliest(this.#noise.nextTimeout(), this.#discovery.nextTimeout(), this.#sweepAt);
    at = earliest(at, this.#guests.nextTimeout(), this.#relay.nextTimeout());
    for (const peer of this.#peers.all()) at = earliest(at, peer.nextTimeout());
    return at;
  }

  /** The next thing to do. Messages of one pass share segments, so poll only when the pass is over. */
  poll(): MeshOutput | undefined {
    while (this.#taken === this.#outputs.length) {
      this.#outputs = [];
      this.#taken = 0;
      if (this.#touched.size === 0) return undefined;
      this.#flush();
    }
    return this.#outputs[this.#taken++];
  }

  #flush(): void {
    const touched = [...this.#touched];
    this.#touched.clear();
    this.#soonest = undefined;
    for (const link of touched) this.#peers.get(link)?.flush(this.#now);
    this.#takeNoise(this.#now);
  }

  // Views

  links(): LinkRow[] {
    return [...this.#peers.all()].map((peer) => linkRow(peer, this.#options.wall));
  }

  peers(): PeerRow[] {
    return [...this.#peers.all()].map(peerRow);
  }

  counters(): Readonly<MeshCounters> {
    return this.#counters;
  }

  noiseCounters(): Readonly<NoiseCounters> {
    return this.#noise.counters();
  }

  /** The link to a node that was proven once; the one that is up, if any. */
  linkOf(id: NodeId): LinkId | undefined {
    return this.#peers.byNode(id)?.link;
  }

  /** What is between us and the others. */
  nat(): NatView {
    return natView(this.#sightings(), this.#candidates);
  }

  #sightings(): Sighting[] {
    const up = [...this.#peers.all()].filter(({ state, isStock }) => state === 'up' && !isStock);
    return up.map(({ observed, paths: { current, reachedBy } }) => {
      return { observed, remote: current?.endpoint ?? '', reachedBy };
    });
  }

  // Own endpoints

  #setCandidates(now: Instant, candidates: readonly string[], port: number): void {
    const own = candidates.filter(isEndpoint).slice(0, CANDIDATES_PER_PEER_MAX);
    const isNews = own.join() !== this.#candidates.join();
    this.#candidates = own;
    this.#discovery.setPort(now, port);
    if (isNews) for (const peer of this.#peers.all()) peer.handleOwnCandidates(now);
  }

  /** Our own endpoints, and where others see us. */
  #told(): readonly string[] {
    return withSightings(this.#candidates, this.#sightings());
  }

  /** A new way to us may be what another link lacked. */
  #onSighting(now: Instant, link: LinkId): void {
    const shown = this.#told().join();
    if (shown === this.#lastTold) return;
    this.#lastTold = shown;
    for (const peer of this.#peers.all()) if (peer.link !== link) peer.search(now);
  }

  // Peers

  #addConfigured(now: Instant, spec: PeerSpec): MeshAnswer {
    const wrong = specFault(spec);
    if (wrong !== undefined) return { ok: false, error: wrong };
    const known = this.#peers.byKey(spec.key);
    if (known === undefined) return this.#add(now, spec, { source: 'configured', delayMsec: 0 });
    const hasOtherSecret = known.isStock !== (spec.stock !== undefined) || spec.presharedKey;
    if (hasOtherSecret) {
      this.#remove(now, known, 'configured anew');
      return this.#add(now, spec, { source: 'configured', delayMsec: 0 });
    }
    this.#guests.leave(known.link);
    known.reconfigure(now, spec);
    return { ok: true, link: known.link };
  }

  #add(now: Instant, spec: PeerSpec, how: { source: PeerSource; delayMsec: number }): MeshAnswer {
    if (this.#isShutDown) return { ok: false, error: 'the router is stopping' };
    if (!this.#peers.hasRoom(how.source)) return { ok: false, error: 'too many peers' };
    const link = (this.#lastLink + 1) as LinkId;
    const answer = this.#noise.addPeer(link, spec.key, {
      presharedKey: spec.presharedKey,
      stock: spec.stock !== undefined,
    });
    if (answer !== 'added') return { ok: false, error: ADD_ERRORS[answer] };
    this.#lastLink = link;
    const peer = new PeerLink(this.#ctx, now, { link, spec, source: how.source });
    this.#peers.add(peer);
    peer.begin(after(now, how.delayMsec));
    if (FORGETTABLE.has(how.source)) this.#sweepAt ??= after(now, SWEEP_MSEC);
    return { ok: true, link };
  }

  #removeByKey(now: Instant, key: Uint8Array): MeshAnswer {
    const peer = this.#peers.byKey(key);
    if (peer === undefined) return { ok: false, error: 'no peer has this key' };
    this.#remove(now, peer, 'the peer was removed');
    return { ok: true, link: peer.link };
  }

  #release(now: Instant, key: Uint8Array): MeshAnswer {
    const peer = this.#peers.byKey(key);
    if (peer === undefined) return { ok: false, error: 'no peer has this key' };
    peer.source = 'known';
    this.#sweepAt ??= after(now, SWEEP_MSEC);
    return { ok: true, link: peer.link };
  }

  #setKnown(now: Instant, known: ReadonlyMap<string, PeerSpec>): void {
    this.#known = known;
    for (const peer of [...this.#peers.all()]) {
      if (peer.source !== 'known' || known.has(toHex(peer.spec.key))) continue;
      this.#remove(now, peer, 'it is no member any more');
    }
  }

  #remove(now: Instant, peer: PeerLink, reason: string): void {
    peer.remove(now, reason);
    this.#noise.removePeer(now, peer.link);
    this.#peers.delete(peer);
    this.#guests.leave(peer.link);
    for (const [request, { link }] of this.#requests) {
      if (link === peer.link) this.#requests.delete(request);
    }
  }

  #hasOtherLink(id: NodeId, link: LinkId): boolean {
    for (const peer of this.#peers.all()) {
      if (peer.link !== link && peer.nodeId === id && peer.state === 'up') return true;
    }
    return false;
  }

  #open(link: LinkId, endpoint: string): void {
    const request = ++this.#lastRequest;
    this.#requests.set(request, { link, endpoint });
    this.#ctx.emit({ kind: 'open', request, endpoint });
  }

  // Discovery

  #onBeacon(now: Instant, heard: HeardBeacon): void {
    const known = this.#peers.byKey(heard.key);
    if (known !== undefined) {
      const isKnown = known.paths.table.byEndpoint(heard.endpoint) !== undefined;
      if (isKnown || this.#discovery.mayTakeUp(now)) known.addEndpoints([heard.endpoint], 'beacon');
      known.hurry(now, known.controls ? 0 : LAN_HOLD_MSEC);
      if (heard.asks) this.#discovery.answer(now, heard);
      return;
    }
    if (!this.#peers.hasRoomOn(heard.interface) || !this.#discovery.mayTakeUp(now)) return;
    if (this.#discover(now, heard.key, [heard.endpoint])) this.#discovery.answer(now, heard);
  }

  #discover(now: Instant, key: Uint8Array, endpoints: readonly string[]): boolean {
    const delayMsec = compareBytes(this.publicKey, key) < 0 ? 0 : LAN_HOLD_MSEC;
    return this.#add(now, { key, endpoints }, { source: 'discovered', delayMsec }).ok;
  }

  #setInterfaces(now: Instant, names: readonly string[]): void {
    const { came, gone } = this.#discovery.setInterfaces(now, names);
    for (const peer of this.#peers.all()) {
      for (const zone of gone) peer.dropZone(now, zone);
      if (came.length > 0) peer.hurry(now);
    }
  }

  /** Forgets peers that nobody asked for: those that were only rumours, or went away. */
  #sweep(now: Instant): void {
    let left = 0;
    for (const peer of [...this.#peers.all()]) {
      if (!FORGETTABLE.has(peer.source)) continue;
      const wasProven = peer.keys.lastHandshakeAt !== undefined;
      const patience = wasProven ? FORGET_MSEC : RUMOUR_MSEC;
      const isGone = peer.state === 'down' && now - peer.downSince >= patience;
      const isHeard = wasProven && this.#discovery.heardAnywhere(now, peer.spec.key);
      if (isGone && !isHeard) this.#remove(now, peer, 'gone');
      else left++;
    }
    this.#sweepAt = left === 0 ? undefined : after(now, SWEEP_MSEC);
  }

  // Noise

  #handleHandshake(now: Instant, path: PathInfo, datagram: Uint8Array): void {
    if (this.#isShutDown) return;
    this.#arrival = path;
    this.#noise.handleDatagram(now, path.id, path.remote, datagram);
    this.#takeNoise(now);
    this.#arrival = undefined;
  }

  #takeNoise(now: Instant): void {
    for (let out = this.#noise.poll(); out !== undefined; out = this.#noise.poll()) {
      if (out.kind === 'reply') {
        this.#ctx.emit({
          kind: 'plane',
          command: { kind: 'transmit', path: out.path as PathInfo['id'], datagram: out.datagram },
        });
      } else if (out.kind === 'stranger') {
        this.#onStranger(now, out);
      } else {
        const peer = this.#peers.get(out.peer as LinkId);
        if (peer !== undefined && !this.#isShutDown) this.#fromNoise(now, peer, out);
      }
    }
  }

  #fromNoise(now: Instant, peer: PeerLink, out: PeerNoiseOutput): void {
    switch (out.kind) {
      case 'initiation':
        if (peer.isUnmet)
          for (const endpoint of peer.endpoints) this.#discovery.introduce(now, endpoint);
        peer.handleInitiation(now, out.datagram);
        return;
      case 'keypair': {
        const path = this.#arrival?.id === out.path ? this.#arrival : undefined;
        peer.handleKeypair(now, out.keypair, path);
        return;
      }
      case 'keepalive':
        peer.handleKeepalive(now);
        return;
      case 'wipe':
        peer.handleWipe(now);
        return;
      case 'gave-up':
        peer.handleGaveUp(now);
        return;
      default:
        out satisfies never;
    }
  }

  /** A valid initiation of an unknown key: welcome only from where its beacon was heard lately. */
  #onStranger(now: Instant, out: Extract<NoiseOutput, { kind: 'stranger' }>): void {
    if (this.#takeKnown(now, out)) return;
    const path = this.#arrival;
    const zone = path === undefined ? undefined : zoneOf(path.remote);
    const isWelcome =
      path?.id === out.path &&
      zone !== undefined &&
      this.#discovery.heardLately(now, out.publicKey, zone) &&
      this.#peers.hasRoomOn(zone) &&
      this.#discovery.mayTakeUp(now);
    if (!isWelcome || !this.#discover(now, out.publicKey, [path.remote])) {
      if (path?.id === out.path && this.#takeGuest(now, out.publicKey, path.remote)) {
        this.#noise.handleDatagram(now, path.id, path.remote, out.datagram);
      } else {
        this.#counters.strangers++;
      }
      return;
    }
    log(this.#ctx, 'info', `met a neighbor on ${zone}`);
    this.#noise.handleDatagram(now, path.id, path.remote, out.datagram);
  }

  /** A member that dials us, though we do not dial it. */
  #takeKnown(now: Instant, out: Extract<NoiseOutput, { kind: 'stranger' }>): boolean {
    const path = this.#arrival;
    const spec = this.#known.get(toHex(out.publicKey));
    if (spec === undefined || path?.id !== out.path) return false;
    const how = { source: 'known', delayMsec: KNOWN_HOLD_MSEC } as const;
    if (!this.#add(now, { ...spec, endpoints: [] }, how).ok) return false;
    this.#noise.handleDatagram(now, path.id, path.remote, out.datagram);
    return true;
  }

  // Guests

  /** While there are invitations a stranger may say who invited it; its handshakes are its own business until then. */
  #takeGuest(now: Instant, key: Uint8Array, remote: string): boolean {
    const isOpen = this.#ctx.invites.isOpen(this.#options.wall(now));
    if (!isOpen || !this.#guests.mayEnter(now, remote)) return false;
    const how = { source: 'guest', delayMsec: 2 * GUEST_MSEC } as const;
    const answer = this.#add(now, { key, endpoints: [] }, how);
    if (answer.ok && answer.link !== undefined) this.#guests.enter(now, answer.link, remote);
    return answer.ok;
  }

  #seeOut(now: Instant): void {
    for (const link of this.#guests.overdue(now)) {
      const guest = this.#peers.get(link);
      this.#guests.leave(link);
      if (guest?.isStranger) this.#remove(now, guest, 'not invited');
    }
  }

  #begin(now: Instant): void {
    this.#now = now;
    this.#soonest = undefined;
  }
}

type LinkPlaneEvent = Exclude<PlaneEvent, { kind: 'handshake' | 'path-failed' | 'pong' }>;
type PeerNoiseOutput = Exclude<NoiseOutput, { kind: 'reply' | 'stranger' }>;

/** Whom nobody asked for: forgotten when they are gone. */
const FORGETTABLE: ReadonlySet<PeerSource> = new Set(['discovered', 'known']);
/** Ours: it just dialed us, so we need not dial it. */
const KNOWN_HOLD_MSEC = 5_000;

const relayLink = (peer: PeerLink): RelayLink => ({
  ...{ link: peer.link, key: peer.spec.key, node: peer.nodeId, isRelayed: peer.isRelayed },
  isUp: peer.state === 'up' && !peer.isStock,
  isPeer: peer.source !== 'guest',
});

const DONE: MeshAnswer = { ok: true, link: undefined };
