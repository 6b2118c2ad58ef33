/** What one message may hold. Ours: generous for honest neighbors, cheap to refuse for others. */

/** The control channel's length prefix is a u16. */
export const MESSAGE_BYTES_MAX = 65_535;
export const RECORD_BODY_BYTES_MAX = 2_048;
export const STRING_BYTES_MAX = 255;
/** A DNS label (RFC 1035 §2.3.4). */
export const NAME_BYTES_MAX = 63;
export const CANDIDATES_MAX = 16;
/** Ours: tags of one node. */
export const TAGS_MAX = 8;
/** Ours: ports of one service. */
export const PORTS_MAX = 8;
export const CAPABILITIES_MAX = 64;
export const CAPABILITY_BYTES_MAX = 255;
export const COMMUNITIES_MAX = 32;
/** Items of each list in one UPDATE; `MESSAGE_BYTES_MAX` usually ends it before. */
export const UPDATE_RECORDS_MAX = 512;
export const UPDATE_PATHS_MAX = 4_096;
export const UPDATE_ROUTES_MAX = 4_096;
export const UPDATE_IDS_MAX = 8_192;

export const KEY_BYTES = 32;
export const NODE_ID_BYTES = 16;
export const SIGNATURE_BYTES = 64;
export const BOOT_ID_BYTES = 8;
export const INVITE_ID_BYTES = 8;
export const INVITE_PROOF_BYTES = 32;
