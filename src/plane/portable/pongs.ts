/** Echo requests that our own control code sent, by identifier: their answers are not for the kernel. */
import { writeU16 } from '../../base/bytes.js';
import { after, type Instant } from '../../base/time.js';
import { answeredEcho, ECHO_REPLY, echoIdentifier, icmp6Checksum } from '../icmp6.js';
import { IP6_DESTINATION, IP6_HEADER_BYTES, IP6_SOURCE } from '../ip6.js';

/** Ours: identifiers remembered; the least recently used goes. */
const IDENTIFIERS_MAX = 64;
/** Ours: answers later than this go to the kernel, which may use the identifier too. */
const ANSWER_WAIT_MSEC = 30_000;

export class Pongs {
  readonly #until = new Map<number, Instant>();

  /** Remembers an echo request; other packets are let be. */
  expect(now: Instant, packet: Uint8Array): void {
    const identifier = echoIdentifier(packet);
    if (identifier < 0) return;
    this.#until.delete(identifier);
    this.#until.set(identifier, after(now, ANSWER_WAIT_MSEC));
    const oldest = this.#until.keys().next();
    if (this.#until.size > IDENTIFIERS_MAX && !oldest.done) this.#until.delete(oldest.value);
  }

  /** Whether a packet to us is an echo reply, or an error about an echo, that we wait for. */
  isAnswer(now: Instant, packet: Uint8Array): boolean {
    if (this.#until.size === 0) return false;
    const identifier = answeredEcho(packet);
    const until = identifier < 0 ? undefined : this.#until.get(identifier);
    if (until === undefined) return false;
    if (now < until) return true;
    this.#until.delete(identifier);
    return false;
  }

  /** The reply to an echo request to ourselves (RFC 4443 §4.2); undefined for any other packet. */
  answerOwn(packet: Uint8Array): Uint8Array | undefined {
    if (echoIdentifier(packet) < 0) return undefined;
    const reply = packet.slice();
    reply.set(packet.subarray(IP6_DESTINATION, IP6_HEADER_BYTES), IP6_SOURCE);
    reply.set(packet.subarray(IP6_SOURCE, IP6_DESTINATION), IP6_DESTINATION);
    reply[IP6_HEADER_BYTES] = ECHO_REPLY;
    writeU16(reply, IP6_HEADER_BYTES + 2, 0);
    writeU16(reply, IP6_HEADER_BYTES + 2, icmp6Checksum(reply, reply.length));
    return reply;
  }
}
