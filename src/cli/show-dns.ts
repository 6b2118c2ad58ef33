/** `alamesh dns …`. */
import { EXIT } from '../base/errors.js';
import { ask, type Where } from './client.js';
import type { HostsDocument, LookupDocument } from './documents.js';

/** As /etc/hosts has it: the address, then its names, the readable one first. */
export const hostsText = ({ hosts }: HostsDocument): string =>
  hosts.map(({ address, names }) => `${address} ${names.join(' ')}\n`).join('');

export interface LookupOptions extends Where {
  readonly type: string;
  readonly json?: boolean;
}

/** Prints the answers, or why there is none. @returns The exit code: 0 when there was an answer. */
export async function lookup(
  name: string,
  options: LookupOptions,
  write: (text: string) => void,
): Promise<number> {
  const query = { name, type: options.type };
  const document = await ask<LookupDocument>(options, '/v1/dns/lookup', { query });
  const { answers, rcode } = document;
  if (options.json === true) write(`${JSON.stringify(document)}\n`);
  else if (answers.length > 0) write(answers.map(({ data }) => `${data}\n`).join(''));
  else process.stderr.write(`${document.name} ${document.type}: ${NO_ANSWER[rcode] ?? rcode}\n`);
  return answers.length > 0 ? 0 : EXIT.failed;
}

const NO_ANSWER: Readonly<Record<string, string>> = {
  NOERROR: 'the name is there, but not with this type',
  NXDOMAIN: 'there is no such name',
  REFUSED: 'not a name of alamesh; ask your usual resolver',
};
