/** `ADDRESS:PORT` in the config. */
import { isIPv6 } from 'node:net';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** `ADDRESS:PORT`; undefined for anything else. */
export function parsePlace(text: string): Place | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const isGood = host !== undefined && port <= 65_535 && (match?.[1] === undefined || isIPv6(host));
  return isGood ? { host, port } : undefined;
}
