/** What a plugin says is believed only as far as it fits the contract: both processes look. */
import type { Path, PathFailure } from '../transport/types.js';
import { DATAGRAM_BYTES_MAX, type FailedBody, type ReadyBody } from './frames.js';

const SCHEME = /^[a-z][a-z0-9]{0,15}$/;
const URL_BYTES_MAX = 255;
const VIA_BYTES_MAX = 64;
const REASON_BYTES_MAX = 300;
/** Ours: a handshake and control must fit. */
const DATAGRAM_BYTES_LEAST = 256;

/** @returns In words what is wrong with a transport's own description; undefined when nothing is. */
export function descriptionFault(scheme: unknown, capabilities: unknown): string | undefined {
  if (typeof scheme !== 'string' || !SCHEME.test(scheme)) {
    return `its scheme is ${shown(scheme)}, not up to 16 of a-z and 0-9`;
  }
  if (typeof capabilities !== 'object' || capabilities === null) return 'it has no capabilities';
  const { reliable, relayed, maxDatagramBytes, batchMax } = capabilities as Record<string, unknown>;
  if (typeof reliable !== 'boolean') return 'capabilities.reliable is neither true nor false';
  if (typeof relayed !== 'boolean') return 'capabilities.relayed is neither true nor false';
  if (!isWhole(maxDatagramBytes, DATAGRAM_BYTES_LEAST, DATAGRAM_BYTES_MAX)) {
    return `capabilities.maxDatagramBytes is ${shown(maxDatagramBytes)}, not ${DATAGRAM_BYTES_LEAST} to ${DATAGRAM_BYTES_MAX}`;
  }
  if (!isWhole(batchMax, 1, 65_536))
    return `capabilities.batchMax is ${shown(batchMax)}, not 1 to 65536`;
  return undefined;
}

export const isWhole = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? String(value);

export function isReady(body: Readonly<Record<string, unknown>>): boolean {
  return descriptionFault(body.scheme, { ...body, batchMax: 1 }) === undefined;
}

/** Is it a path of this scheme, in form? Its URLs are shown to people and may be told to peers. */
export function isPath(
  path: unknown,
  { scheme }: Pick<ReadyBody, 'scheme'>,
): path is Omit<Path, 'transport'> {
  if (typeof path !== 'object' || path === null) return false;
  const { remote, local, relayed, via } = path as Record<string, unknown>;
  return (
    isUrl(remote, scheme) &&
    (local === null || isUrl(local, scheme)) &&
    typeof relayed === 'boolean' &&
    (via === null || (typeof via === 'string' && isPrintable(via, VIA_BYTES_MAX)))
  );
}

function isUrl(text: unknown, scheme: string): boolean {
  return typeof text === 'string' && text.startsWith(`${scheme}://`) && isBoundUrl(text);
}

/** `scheme://rest` of printable characters, as `isEndpoint` has it. */
export const isBoundUrl = (text: string): boolean =>
  /^[a-z][a-z0-9]{0,15}:\/\/./.test(text) && isPrintable(text, URL_BYTES_MAX);

const isPrintable = (text: string, most: number): boolean =>
  text.length <= most && /^[!-~]*$/.test(text);

/** A failure as the contract has it; undefined for anything else. */
export function failureOf(failure: unknown): Omit<FailedBody, 'path'> | undefined {
  if (typeof failure !== 'object' || failure === null) return undefined;
  const { kind, reason, bytes } = failure as Record<string, unknown>;
  if (!isFailureKind(kind)) return undefined;
  const said = { kind, reason: textOf(reason) };
  return isWhole(bytes, 1, DATAGRAM_BYTES_MAX) ? { ...said, bytes } : said;
}

const isFailureKind = (kind: unknown): kind is PathFailure['kind'] =>
  kind === 'closed' || kind === 'unreachable' || kind === 'too-big';

/** Text of a plugin for people: one line of bounded length, without control characters. */
export function textOf(value: unknown): string {
  const text = value instanceof Error ? value.message : String(value ?? '');
  return text.slice(0, REASON_BYTES_MAX).replace(/\p{Cc}/gu, ' ');
}
