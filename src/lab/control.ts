/** Asks a router's control API, HTTP on a unix socket. */
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
export async function askStatus(socketPath: string): Promise<RouterStatus | undefined> {
  const answer = await askRouter(socketPath, { method: 'GET', path: '/v1/status' });
  return answer?.status === 200 ? parseStatus(answer.text) : undefined;
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** @returns Undefined when nothing answers there. */
export function askRouter(
  socketPath: string,
  { body = '', ...asked }: Asked,
): Promise<{ status: number; text: string } | undefined> {
  return new Promise((resolve) => {
    const options = { socketPath, timeout: ANSWER_MSEC_MAX, ...asked };
    const sent = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > ANSWER_BYTES_MAX) sent.destroy();
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      answer.on('error', () => resolve(undefined));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(undefined));
    sent.on('close', () => resolve(undefined));
    sent.end(body);
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
