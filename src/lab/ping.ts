/** What a stock `ping` printed. */

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** The longest run of packets without an answer. */
  readonly longestGap: number;
  /** Sequence number of the last packet that was answered; 0: none. */
  readonly lastAnswered: number;
  readonly averageMsec: number | undefined;
}

/** Counts answers by sequence number: duplicates count once. */
export function parsePing(text: string): PingResult {
  const seen = new Set<number>();
  for (const [, number] of text.matchAll(/bytes from .*?icmp_seq=(\d+)/g)) seen.add(Number(number));
  const sent = Number(/(\d+) packets transmitted/.exec(text)?.[1] ?? Math.max(0, ...seen));
  let gap = 0;
  let longestGap = 0;
  for (let sequence = 1; sequence <= sent; sequence += 1) {
    gap = seen.has(sequence) ? 0 : gap + 1;
    longestGap = Math.max(longestGap, gap);
  }
  const average = /= [\d.]+\/([\d.]+)\//.exec(text)?.[1];
  const averageMsec = average === undefined ? undefined : Number(average);
  return { sent, received: seen.size, longestGap, lastAnswered: Math.max(0, ...seen), averageMsec };
}
