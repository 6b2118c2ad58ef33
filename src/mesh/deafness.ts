/**
 * Whether the other side still hears us. Its probes carry how many datagrams it has received: while it probes and that
 * count stands still although we send, the way to it is cut, however well it is heard here. Demand mode alone would
 * take everything that is heard for an answer.
 */
import type { Instant } from '../base/time.js';

/** Ours: fewer may all be lost by chance on a link that works (30 % loss: one in 15,000). */
const UNHEARD_MIN = 8;

export interface HearingReport {
  /** Datagrams that we have sent on this link so far. */
  readonly ownTx: number;
  /** Datagrams that the other side has received, modulo 2^32. */
  readonly peerRx: number;
}

export class Deafness {
  #progress: HearingReport | undefined;
  /** The first report of now that said that much was unheard. */
  #since: Instant | undefined;

  reset(): void {
    this.#progress = undefined;
    this.#since = undefined;
  }

  /**
   * @param patienceMsec How long it may go on, from the first report of it; at least a round trip.
   * @returns true when the other side hears nothing.
   */
  report(now: Instant, report: HearingReport, patienceMsec: number): boolean {
    if (report.peerRx !== this.#progress?.peerRx) {
      this.#progress = report;
      this.#since = undefined;
      return false;
    }
    if (report.ownTx - this.#progress.ownTx < UNHEARD_MIN) return false;
    this.#since ??= now;
    return now - this.#since >= patienceMsec;
  }
}
