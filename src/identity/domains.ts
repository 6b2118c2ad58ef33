/** What every hash and signature of alamesh begins with, so that bytes made for one use mean nothing in another. */
import { utf8 } from '../base/bytes.js';

/** Design §4: the hash that becomes an address. */
export const ADDRESS_DOMAIN = utf8('alamesh address v1\0');
/** proto/alamesh/v1/record.proto. */
export const NODE_RECORD_DOMAIN = utf8('alamesh node record v1\0');
export const LINK_RECORD_DOMAIN = utf8('alamesh link record v1\0');
export const SERVICE_RECORD_DOMAIN = utf8('alamesh service record v1\0');
/** docs/registry-format.md: tombstones and vouches. */
export const STATEMENT_DOMAIN = utf8('alamesh statement v1\0');
