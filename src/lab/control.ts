/** Asks a router's control API, HTTP on a unix socket, for its status. */
import { request } from 'node:http';

/** Ours: a status document is a few kilobytes. */
const ANSWER_BYTES_MAX = 1 << 20;
const ANSWER_MSEC_MAX = 2000;

export interface RouterStatus {
  readonly nodeId: string;
  readonly prefix: string;
  readonly pid: number;
}

/** @returns Undefined when nothing answers there, or what answers is no status. */
export function askStatus(socketPath: string): Promise<RouterStatus | undefined> {
  return new Promise((resolve) => {
    const options = { socketPath, path: '/v1/status', timeout: ANSWER_MSEC_MAX };
    const asked = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES_MAX) asked.destroy();
      });
      answer.on('end', () => resolve(answer.statusCode === 200 ? parseStatus(text) : undefined));
      answer.on('error', () => resolve(undefined));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.on('close', () => resolve(undefined));
    asked.end();
  });
}

function parseStatus(text: string): RouterStatus | undefined {
  try {
    const status = JSON.parse(text) as Record<string, unknown>;
    const { nodeId, prefix, pid } = status;
    if (typeof nodeId !== 'string' || typeof prefix !== 'string') return undefined;
    if (typeof pid !== 'number') return undefined;
    return { nodeId, prefix, pid };
  } catch {
    return undefined;
  }
}
