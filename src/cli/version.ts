/** `alamesh version`: this command's, and the router's where one runs. */
import { readFileSync } from 'node:fs';
import { UserError } from '../base/errors.js';
import { ask, type Document, type Where } from './client.js';

/** The package's version: dist/src/cli is three folders below the root. */
export function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export async function versionDocument(where: Where): Promise<Document> {
  return {
    schema: 'alamesh.version/1',
    version: packageVersion(),
    node: process.versions.node,
    router: await routerVersion(where),
  };
}

async function routerVersion(where: Where): Promise<string | null> {
  try {
    return (await ask(where, '/v1/status')).version;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

export function versionText(document: Document): string {
  const router = document.router === null ? 'no router answers' : `router ${document.router}`;
  return `alamesh ${document.version} (Node ${document.node}), ${router}\n`;
}
