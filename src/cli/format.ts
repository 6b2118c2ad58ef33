/** How values look in tables: short, for people; JSON has them whole. */

/** In place of what is not known. */
const NOTHING = '–';

/** `fd5c:1:2:3:4:5:6:9a1f` → `fd5c:…:9a1f`; a key or anything long keeps both ends. */
export function shortAddress(address: string | null | undefined): string {
  if (!address) return NOTHING;
  const groups = address.split(':');
  if (groups.length > 2 && address.length > 14) return `${groups[0]}:…:${groups.at(-1)}`;
  return address.length > 20 ? `${address.slice(0, 8)}…${address.slice(-6)}` : address;
}

/** A /64 whole; a /128 by its ends. */
export function shortPrefix(prefix: string): string {
  const [address, length] = prefix.split('/');
  return prefix.length <= 24 ? prefix : `${shortAddress(address)}/${length}`;
}

export function msec(value: number | null | undefined): string {
  if (value === null || value === undefined) return NOTHING;
  return value < 100 ? `${value.toFixed(1)}ms` : `${Math.round(value)}ms`;
}

/** `00:12:04`, or `3d04h` beyond a day, as routers show it. */
export function upTime(value: number | null | undefined): string {
  if (value === null || value === undefined) return 'never';
  const seconds = Math.floor(value / 1000);
  const days = Math.floor(seconds / 86_400);
  const two = (n: number): string => String(n).padStart(2, '0');
  if (days > 0) return `${days}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
  const minutes = Math.floor(seconds / 60) % 60;
  return `${two(Math.floor(seconds / 3600))}:${two(minutes)}:${two(seconds % 60)}`;
}

export function ago(at: number | null | undefined, now = Date.now()): string {
  return at === null || at === undefined ? 'never' : upTime(Math.max(now - at, 0));
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value: number): string {
  let left = value;
  let unit = 0;
  while (left >= 1000 && unit < UNITS.length - 1) {
    left /= 1000;
    unit++;
  }
  return `${unit === 0 ? left : left.toFixed(1)} ${UNITS[unit]}`;
}

export function percent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined ? NOTHING : `${(fraction * 100).toFixed(1)}%`;
}

/** At most `width` characters, `…` where something is missing. What the network sent moves no cursor: controls become `?`. */
export function clip(text: string | null | undefined, width: number): string {
  const plain = [...(text ?? '').replace(/\p{Cc}/gu, '?')];
  return plain.length <= width ? plain.join('') : `${plain.slice(0, width - 1).join('')}…`;
}

/** A URL without its scheme, where another column has it. */
export const withoutScheme = (url: string | null | undefined): string =>
  url?.replace(/^\w+:\/\//, '') || NOTHING;
