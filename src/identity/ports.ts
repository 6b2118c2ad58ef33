/** What a service offers, as one word: `http:80/tcp`. */
import { isRealm } from './names.js';

export interface ServicePort {
  /** As in SRV names, without the underscore (RFC 6335 §5.1): `http`. */
  readonly service: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
}

/** Ours: names that everybody knows, so that nobody has to write them (IANA's registry). */
const WELL_KNOWN: Readonly<Record<number, string>> = {
  ...{
    22: 'ssh',
    25: 'smtp',
    53: 'domain',
    80: 'http',
    143: 'imap',
    443: 'https',
    465: 'submissions',
  },
  ...{ 587: 'submission', 993: 'imaps', 5222: 'xmpp-client', 6667: 'ircu', 8080: 'http-alt' },
};
/** RFC 6335 §5.1. */
const SERVICE_CHARS_MAX = 15;

/** `[name:]port[/tcp|udp]`. @param name For a port that has no name of its own. @returns undefined for anything else. */
export function parsePort(text: string, name = ''): ServicePort | undefined {
  const match = /^(?:([a-z0-9-]+):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[2]);
  if (port < 1 || port > 65_535) return undefined;
  const service = match[1] ?? WELL_KNOWN[port] ?? name.toLowerCase();
  if (!isRealm(service) || service.length > SERVICE_CHARS_MAX) return undefined;
  return { service, port, protocol: match[3] === 'udp' ? 'udp' : 'tcp' };
}

export const formatPort = ({ service, port, protocol }: ServicePort): string =>
  `${service}:${port}/${protocol}`;
