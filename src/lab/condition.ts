/** What `lab impair` is asked for, checked. */
import { EXIT, UserError } from '../base/errors.js';
import type { Impairment } from './state.js';

export interface ConditionOptions {
  readonly loss?: string;
  readonly delay?: string;
  readonly jitter?: string;
  readonly rate?: string;
  readonly down?: boolean;
  readonly up?: boolean;
  readonly clear?: boolean;
}

const LIMITS = {
  loss: { key: 'lossPercent', least: 0, most: 100, unit: 'percent' },
  delay: { key: 'delayMsec', least: 0, most: 10_000, unit: 'milliseconds' },
  jitter: { key: 'jitterMsec', least: 0, most: 10_000, unit: 'milliseconds' },
  rate: { key: 'rateMbit', least: 0.01, most: 100_000, unit: 'Mbit/s' },
} as const;

/** @throws UserError with exit 2 for numbers out of range and for asking nothing. */
export function readImpairment(options: ConditionOptions): Impairment {
  const change: Record<string, number> = {};
  for (const name of ['loss', 'delay', 'jitter', 'rate'] as const) {
    const text = options[name];
    if (text === undefined) continue;
    const { key, least, most, unit } = LIMITS[name];
    const value = Number(text.replace(/(%|ms|mbit)$/i, ''));
    if (!Number.isFinite(value) || value < least || value > most || text.trim() === '')
      throw usage(`--${name} ${text}: expected ${least} to ${most} ${unit}`);
    change[key] = value;
  }
  const switches = [options.down, options.up, options.clear].filter(Boolean).length;
  if (switches > 1) throw usage('only one of --down, --up and --clear');
  if (switches === 0 && Object.keys(change).length === 0)
    throw usage('nothing to do: give --loss, --delay, --jitter, --rate, --down, --up or --clear');
  return change;
}

function usage(message: string): UserError {
  const hint = `Example: alamesh lab impair -t labs/ring-5.clab.yml r1 r2 --loss 5`;
  return new UserError(message, { code: 'usage', hint, exit: EXIT.usage });
}

/** Zero is how one condition is taken off again. */
export const withoutZeros = (wanted: Impairment): Impairment =>
  Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== 0));
