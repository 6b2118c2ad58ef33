/** `alamesh monitor`: what happens, a line for each event. */
import { follow, type Where } from './client.js';
import type { EventDocument } from './documents.js';
import { clip } from './format.js';

export async function monitor(
  options: Where & { readonly json?: boolean },
  write: (text: string) => void,
): Promise<void> {
  await follow<EventDocument>(options, '/v1/monitor', (event) => {
    write(options.json === true ? `${JSON.stringify(event)}\n` : eventText(event));
  });
}

const IN_FRONT = new Set(['schema', 'kind', 'at']);
/** Ours: an event of a log may be long; terminals wrap it. */
const LINE_WIDTH = 240;

/** `06:00:01.123 link     state=up peer=…` in UTC. */
export function eventText(event: EventDocument): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  const words = Object.entries(event)
    .filter(([key, value]) => !IN_FRONT.has(key) && value !== null && value !== '')
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${clip(`${time} ${event.kind.padEnd(8)} ${words.join(' ')}`, LINE_WIDTH)}\n`;
}
