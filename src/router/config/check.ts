/** Compares a parsed TOML document with the settings: every fault with its place and what was expected. */
import { nearest as closest } from '../../base/suggest.js';
import type { Kind, Setting, Table } from './schema.js';

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

export function check(document: Readonly<Record<string, unknown>>, table: Table): Checked {
  const result: Checked = { faults: [], ignored: [] };
  checkTable(document, table, '', result);
  return result;
}

function checkTable(values: object, table: Table, prefix: string, result: Checked): void {
  for (const [name, value] of Object.entries(values)) {
    const key = prefix + name;
    const setting = Object.hasOwn(table, name) ? table[name] : undefined;
    if (setting === undefined) result.faults.push({ key, message: unknownKey(name, table) });
    else checkSetting(key, value, setting, result);
  }
}

function unknownKey(name: string, table: Table): string {
  const near = closest(name, Object.keys(table));
  const known = `known here: ${Object.keys(table).join(', ')}`;
  return `unknown setting '${name}'; ${near === undefined ? known : `did you mean '${near}'?`}`;
}

function checkSetting(key: string, value: unknown, setting: Setting, result: Checked): void {
  if (setting.later) {
    result.ignored.push(key);
    return;
  }
  const { kind } = setting;
  switch (kind.type) {
    case 'table':
      if (isTable(value)) checkTable(value, kind.keys, `${key}.`, result);
      else result.faults.push({ key, message: `expected a table, [${key}]` });
      return;
    case 'tables':
      if (Array.isArray(value) && value.every(isTable)) {
        value.forEach((one, i) => {
          checkTable(one, kind.keys, `${key}.${i}.`, result);
        });
      } else result.faults.push({ key, message: `expected tables, [[${key}]]` });
      return;
    default: {
      const message = valueFault(value, kind);
      if (message !== undefined) result.faults.push({ key, message });
    }
  }
}

const isTable = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

function valueFault(
  value: unknown,
  kind: Exclude<Kind, { type: 'table' | 'tables' }>,
): string | undefined {
  switch (kind.type) {
    case 'flag':
      return typeof value === 'boolean' ? undefined : `expected true or false, not ${shown(value)}`;
    case 'number': {
      const good =
        typeof value === 'number' &&
        Number.isInteger(value) &&
        value >= kind.least &&
        value <= kind.most;
      return good
        ? undefined
        : `expected a whole number from ${kind.least} to ${kind.most}, not ${shown(value)}`;
    }
    case 'text':
      return textFault(value, kind);
    case 'texts': {
      if (!Array.isArray(value)) return `expected a list of texts, not ${shown(value)}`;
      for (const one of value) {
        const fault = textFault(one, { ...kind, type: 'text' });
        if (fault !== undefined) return fault;
      }
      return undefined;
    }
    default:
      return kind satisfies never;
  }
}

function textFault(value: unknown, kind: Extract<Kind, { type: 'text' }>): string | undefined {
  if (typeof value !== 'string')
    return `expected ${kind.what ?? 'a text in quotes'}, not ${shown(value)}`;
  if (kind.choices !== undefined && !kind.choices.includes(value)) {
    const near = closest(value, kind.choices);
    const ask = near === undefined ? '' : `; did you mean '${near}'?`;
    return `expected one of ${kind.choices.join(', ')}, not ${shown(value)}${ask}`;
  }
  if (kind.pattern !== undefined && !kind.pattern.test(value)) {
    return `expected ${kind.what ?? 'another form'}, not ${shown(value)}`;
  }
  return undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a date';
  return typeof value === 'object' ? 'a table' : String(value);
}
