import { BoundedQueue } from '../../base/queue.js';
import { Timers } from '../../base/timers.js';
import { encodeBgp } from '../../wire/bgp.js';
import { DictionaryIn } from '../rib/dictionary-in.js';
import { DictionaryOut } from '../rib/dictionary-out.js';

/** Encoded messages that wait for the link; updates are only built while there are few. */
const OUTBOX_MAX = 4096;
/** The last refused routes are kept to be shown. */
const REFUSED_SHOWN_MAX = 32;
/** What survives a session: the same neighbor on the same link. */
export class Neighbor {
  link;
  peer;
  cost;
  agreement;
  damping;
  timers = new Timers();
  outbox = new BoundedQueue(OUTBOX_MAX);
  inbox = [];
  routes = new Map();
  sent = new Map();
  /** Of those in `sent`: withdrawn by a DOWN that the neighbor knows; said with the next UPDATE, whatever it is about. */
  unsaid = new Set();
  /** Prefixes whose advertisement may have to change. */
  pending = new Set();
  /** Subject keys whose record the neighbor should get anew. */
  pendingRecords = new Set();
  refused = [];
  refusals = {};
  received = {};
  sentMessages = {};
  state = 'Connect';
  up;
  name = '';
  role = 'peer';
  capabilities = [];
  holdMsec = 0;
  rttMsec = 0;
  isBlocked = false;
  inboxBytes = 0;
  /** The full table is still to be followed by End-of-RIB; 'refresh': begun by begin-of-RIB. */
  dump = 'none';
  hasEndOfRib = false;
  establishedAt;
  downAt;
  connectionsEstablished = 0;
  connectionsDropped = 0;
  lastError = '';
  failures = 0;
  lastAdvertisedAt;
  tableVersion = 0;
  dictionaryIn;
  dictionaryOut = new DictionaryOut();
  #own;
  #recordsMax;
  constructor(parts) {
    this.link = parts.link;
    this.peer = parts.peer;
    this.cost = parts.cost;
    this.agreement = parts.agreement;
    this.damping = parts.damping;
    this.#own = parts.own;
    this.#recordsMax = parts.recordsMax;
    this.dictionaryIn = this.#newDictionary();
  }
  #newDictionary() {
    return new DictionaryIn({ neighbor: this.peer, own: this.#own, limit: this.#recordsMax });
  }
  get isEstablished() {
    return this.state === 'Established';
  }
  /** Routes may cross the link: the session is up and both ends signed it. */
  get carriesRoutes() {
    return this.isEstablished && this.agreement.inForce;
  }
  /** Encodes and queues. @returns false when the outbox is full: the session must end. */
  queue(message) {
    this.sentMessages[message.kind] = (this.sentMessages[message.kind] ?? 0) + 1;
    return this.outbox.push(encodeBgp(message));
  }
  countReceived(kind) {
    this.received[kind] = (this.received[kind] ?? 0) + 1;
  }
  refuse(at, prefix, fault) {
    this.refusals[fault] = (this.refusals[fault] ?? 0) + 1;
    this.refused.push({ at, prefix, fault });
    if (this.refused.length > REFUSED_SHOWN_MAX) this.refused.shift();
  }
  /** A new session begins with empty dictionaries; the caller has removed the routes. */
  resetSession() {
    this.timers.clearAll();
    this.outbox.clear();
    this.inbox.length = 0;
    this.inboxBytes = 0;
    this.sent.clear();
    this.unsaid.clear();
    this.pending.clear();
    this.pendingRecords.clear();
    this.dictionaryIn = this.#newDictionary();
    this.dictionaryOut = new DictionaryOut();
    this.isBlocked = false;
    this.dump = 'none';
    this.hasEndOfRib = false;
    this.lastAdvertisedAt = undefined;
    this.capabilities = [];
  }
}
export const total = (counts) =>
  Object.values(counts).reduce((sum, count) => sum + (count ?? 0), 0);
