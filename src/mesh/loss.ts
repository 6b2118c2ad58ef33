/** Loss in both directions, from the packet counters that probes and answers carry. */

/** Ours: packets of one direction between two estimates; fewer say little. */
const PACKETS_MIN = 20;
const WEIGHT = 0.3;

/** Counts so far; the peer's are modulo 2^32. */
export interface LossReport {
  readonly ownTx: number;
  readonly ownRx: number;
  readonly peerTx: number;
  readonly peerRx: number;
}

export class LossEstimator {
  #out = 0;
  #in = 0;
  #last: LossReport | undefined;

  /** The counts start anew (another session or a restart). */
  reset(): void {
    this.#last = undefined;
  }

  add(report: LossReport): void {
    const last = this.#last;
    if (last === undefined) {
      this.#last = report;
      return;
    }
    const sent = report.ownTx - last.ownTx;
    const arrived = (report.peerRx - last.peerRx) >>> 0;
    const theirs = (report.peerTx - last.peerTx) >>> 0;
    const received = report.ownRx - last.ownRx;
    if (sent < PACKETS_MIN && theirs < PACKETS_MIN) return;
    this.#last = report;
    this.#out = blend(this.#out, sent, arrived);
    this.#in = blend(this.#in, theirs, received);
  }

  /** 0..1, of the worse direction. */
  get worst(): number {
    return Math.max(this.#out, this.#in);
  }
}

function blend(old: number, sent: number, arrived: number): number {
  if (sent < PACKETS_MIN) return old;
  const lost = Math.min(1, Math.max(0, 1 - arrived / sent));
  return (1 - WEIGHT) * old + WEIGHT * lost;
}
