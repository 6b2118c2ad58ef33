/** Logs that a person can read: time, level, area, message, then `key=value`. Never keys, never packets. */

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Fields = Readonly<Record<string, string | number | boolean | undefined>>;
type Write = (area: string, message: string, fields?: Fields) => void;

export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
}

export interface LogOptions {
  readonly level: Level;
  readonly json: boolean;
  readonly write: (line: string) => void;
  readonly now: () => Date;
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error'];
/** Ours: the same line again within this time is counted, not written. */
const REPEAT_MSEC = 5_000;
const REMEMBERED_MAX = 256;

/** `ALAMESH_LOG` = debug | info | warn | error, `ALAMESH_LOG_FORMAT` = text | json. */
export function logOptionsFrom(env: NodeJS.ProcessEnv): Pick<LogOptions, 'level' | 'json'> {
  const level = LEVELS.find((one) => one === env.ALAMESH_LOG) ?? 'info';
  return { level, json: env.ALAMESH_LOG_FORMAT === 'json' };
}

export function makeLog(options: LogOptions): Log {
  const least = LEVELS.indexOf(options.level);
  const seen = new Map<string, { at: number; held: number }>();
  const writer = (level: Level): Write => {
    if (LEVELS.indexOf(level) < least) return () => {};
    return (area, message, fields = {}) => {
      const now = options.now();
      const again = repeated(seen, `${level} ${area} ${message} ${JSON.stringify(fields)}`, now);
      if (again === undefined) return;
      const all = again > 0 ? { ...fields, repeated: again } : fields;
      const entry = { at: now.toISOString(), level, area, message, fields: all };
      options.write(options.json ? jsonLine(entry) : textLine(entry));
    };
  };
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
  };
}

/** @returns How often the line was held back since it was last written; undefined to hold it back now. */
function repeated(
  seen: Map<string, { at: number; held: number }>,
  key: string,
  now: Date,
): number | undefined {
  const before = seen.get(key);
  if (before !== undefined && now.getTime() - before.at < REPEAT_MSEC) {
    before.held++;
    return undefined;
  }
  seen.delete(key);
  seen.set(key, { at: now.getTime(), held: 0 });
  if (seen.size > REMEMBERED_MAX) seen.delete(seen.keys().next().value ?? '');
  return before?.held ?? 0;
}

interface Entry {
  readonly at: string;
  readonly level: Level;
  readonly area: string;
  readonly message: string;
  readonly fields: Fields;
}

const jsonLine = ({ fields, ...entry }: Entry): string =>
  `${JSON.stringify({ ...entry, ...fields })}\n`;

function textLine({ at, level, area, message, fields }: Entry): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${shown(String(value))}`);
  return `${at} ${level.padEnd(5)} ${area.padEnd(9)} ${printable(message)}${pairs.join('')}\n`;
}

const shown = (value: string): string =>
  /^[\w.:%/[\]+-]+$/.test(value) ? value : JSON.stringify(value);

/** What the network sent may not move the cursor of whoever reads the log. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '?');
