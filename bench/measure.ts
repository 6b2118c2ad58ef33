/** What a bench says: measures with every value seen, so that nobody has to believe a single number. */

/** As issue 3 words it: under, at most, at least. */
export interface Target {
  readonly kind: 'below' | 'most' | 'least';
  readonly bound: number;
}

const TARGETS: Readonly<
  Record<Target['kind'], { sign: string; isMet: (value: number, bound: number) => boolean }>
> = {
  below: { sign: '<', isMet: (value, bound) => value < bound },
  most: { sign: '≤', isMet: (value, bound) => value <= bound },
  least: { sign: '≥', isMet: (value, bound) => value >= bound },
};

export interface Measure {
  /** The part that made it: `overlay`, `idle`, … */
  readonly part: string;
  readonly name: string;
  /** `×`, `ms`, `%`, … */
  readonly unit: string;
  /** One a round, in their order; never empty. */
  readonly values: readonly number[];
  /** Without one it is told for orientation only. */
  readonly target?: Target;
  readonly note?: string;
}

export type Verdict = 'ok' | 'MISSED' | '';

export interface Plan {
  /** Fewer rounds and shorter ones: a look, not a figure to quote. */
  readonly quick: boolean;
  /** Tells a person what happens now. */
  readonly say: (text: string) => void;
}

/** A part of the bench: it cleans up behind itself, also when it throws. */
export type Part = (plan: Plan) => Promise<readonly Measure[]>;

/** The middle value, or the mean of the two in the middle. @param values Never empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const low = sorted[Math.ceil(half) - 1] ?? Number.NaN;
  const high = sorted[Math.floor(half)] ?? Number.NaN;
  return (low + high) / 2;
}

export function verdictOf({ values, target }: Measure): Verdict {
  if (target === undefined) return '';
  return TARGETS[target.kind].isMet(median(values), target.bound) ? 'ok' : 'MISSED';
}

/** Three significant digits; whole numbers from 100 on. */
export function digits(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

/** `median (lowest–highest)`, or the value alone where there is one. */
export function valueText({ values, unit }: Measure): string {
  const middle = `${digits(median(values))} ${unit}`;
  if (values.length === 1) return middle;
  return `${middle} (${digits(Math.min(...values))}–${digits(Math.max(...values))})`;
}

export function targetText({ target, unit }: Measure): string {
  if (target === undefined) return '';
  return `${TARGETS[target.kind].sign} ${target.bound} ${unit}`;
}
