/** Compares a parsed TOML document with the settings: every fault with its place and what was expected. */
import { nearest } from '../../base/suggest.js';
import type { Kind, Setting, Table, TextKind } from './schema.js';

export interface Fault {
  /** `peers.0.key` */
  readonly key: string;
  readonly message: string;
}

export interface Checked {
  readonly faults: Fault[];
  /** Keys that this version does not act on. */
  readonly ignored: string[];
}

/** Total: any document gives its faults, in its own order. */
export function check(document: object, table: Table): Checked {
  const result: Checked = { faults: [], ignored: [] };
  checkTable(document, { table, prefix: '' }, result);
  return result;
}

interface Place {
  readonly table: Table;
  /** Empty, or ending in a dot. */
  readonly prefix: string;
  /** Other keys than the table's are somebody else's. */
  readonly open?: boolean;
}

function checkTable(values: object, { table, prefix, open }: Place, result: Checked): void {
  for (const [name, value] of Object.entries(values)) {
    const key = prefix + name;
    const setting = Object.hasOwn(table, name) ? table[name] : undefined;
    if (setting !== undefined) checkSetting(key, value, { setting, result });
    else if (open !== true) result.faults.push({ key, message: unknownKey(name, table) });
  }
}

function unknownKey(name: string, table: Table): string {
  const near = nearest(name, Object.keys(table));
  const known = `known here: ${Object.keys(table).join(', ')}`;
  return `unknown setting '${name}'; ${near === undefined ? known : `did you mean '${near}'?`}`;
}

function checkSetting(
  key: string,
  value: unknown,
  { setting, result }: { readonly setting: Setting; readonly result: Checked },
): void {
  const { kind } = setting;
  if (setting.later === true) result.ignored.push(key);
  if (kind.type === 'table') {
    if (isTable(value)) checkTable(value, { table: kind.keys, prefix: `${key}.` }, result);
    else result.faults.push({ key, message: `expected a table, [${key}]` });
  } else if (kind.type === 'tables') {
    if (!Array.isArray(value) || !value.every(isTable)) {
      result.faults.push({ key, message: `expected tables, [[${key}]]` });
      return;
    }
    for (const [i, one] of value.entries()) {
      const open = kind.open === true;
      checkTable(one, { table: kind.keys, prefix: `${key}.${i}.`, open }, result);
    }
  } else {
    const message = valueFault(value, kind);
    if (message !== undefined) result.faults.push({ key, message });
  }
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

type ValueKind = Exclude<Kind, { readonly type: 'table' | 'tables' }>;

function valueFault(value: unknown, kind: ValueKind): string | undefined {
  switch (kind.type) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : `expected true or false, not ${shown(value)}`;
    case 'number': {
      const { least, most } = kind;
      if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return;
      return `expected a whole number from ${least} to ${most}, not ${shown(value)}`;
    }
    case 'text':
      return textFault(value, kind);
    case 'texts':
      if (!Array.isArray(value)) return `expected a list of texts, not ${shown(value)}`;
      if (value.length > kind.most) return `expected at most ${kind.most}, not ${value.length}`;
      return value.map((one) => textFault(one, kind)).find((fault) => fault !== undefined);
    default:
      return kind satisfies never;
  }
}

function textFault(value: unknown, { choices, fits, what }: TextKind): string | undefined {
  if (typeof value !== 'string') {
    return `expected ${what ?? 'a text'}, in quotes, not ${shown(value)}`;
  }
  if (choices !== undefined && !choices.includes(value)) {
    const near = nearest(value, choices);
    const ask = near === undefined ? '' : `; did you mean '${near}'?`;
    return `expected one of ${choices.join(', ')}, not ${shown(value)}${ask}`;
  }
  if (fits?.(value) === false) return `expected ${what ?? 'another form'}, not ${shown(value)}`;
  return undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a table' : String(value);
}
