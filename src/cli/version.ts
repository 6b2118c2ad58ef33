/** `alamesh version`: this command's, and the router's where one runs. */
import { UserError } from '../base/errors.js';
import { ask, type Where } from './client.js';
import type { StatusDocument } from './documents.js';
import { packageVersion } from './package.js';

export interface VersionDocument {
  readonly schema: string;
  readonly version: string;
  /** Node.js. */
  readonly node: string;
  /** Null where no router answers. */
  readonly router: string | null;
}

export async function versionDocument(where: Where): Promise<VersionDocument> {
  return {
    schema: 'alamesh.version/1',
    version: packageVersion(),
    node: process.versions.node,
    router: await routerVersion(where),
  };
}

async function routerVersion(where: Where): Promise<string | null> {
  try {
    return (await ask<StatusDocument>(where, '/v1/status')).version;
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

export function versionText({ version, node, router }: VersionDocument): string {
  const there = router === null ? 'no router answers' : `router ${router}`;
  return `alamesh ${version} (Node ${node}), ${there}\n`;
}
