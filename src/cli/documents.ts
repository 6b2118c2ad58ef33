/**
 * What the router answers, as far as the commands show it (docs/control-api.md has every field). The router is another
 * process, perhaps of another version: fields that CLI.md does not fix may be missing.
 */

export interface StatusDocument {
  readonly nodeId: string;
  readonly prefix: string;
  readonly name: string;
  readonly realm: string;
  readonly version: string;
  readonly plane: string;
  readonly pid: number;
  readonly uptimeMsec: number;
  /** `state`: up, down, elsewhere (another network namespace), deleted. `problem`: why it is of no use, and what to do. */
  readonly tun: {
    readonly name: string;
    readonly mtu: number;
    readonly state?: string;
    readonly problem?: string | null;
  };
  readonly links: { readonly up: number; readonly total: number };
  readonly neighbors: { readonly established: number; readonly total: number };
  readonly routes: { readonly prefixes: number; readonly paths: number };
  readonly drops: Readonly<Record<string, number>>;
  /** Of the plane: what was said of its last panic, if there was one. */
  readonly planeHealth?: {
    readonly state: string;
    readonly panics: number;
    readonly problem: string | null;
  };
  /** What is between this node and others (RFC 4787). */
  readonly nat?: {
    readonly mapping: string;
    readonly filtering: string;
    readonly observed: readonly string[];
  };
  /** What waits to be sealed; null for a plane where nothing does. */
  readonly queue?: {
    readonly bytes: number;
    readonly bytesHigh: number;
    readonly marked: number;
  } | null;
  readonly rssBytes: number;
  /** URLs really bound. */
  readonly listen?: readonly string[];
  readonly transports?: readonly TransportDocument[];
}

export interface TransportDocument {
  readonly scheme: string | null;
  /** Null for alamesh's own. */
  readonly module: string | null;
  readonly state: string;
  readonly lastError: string | null;
}

export interface PathDocument {
  readonly id: number | string;
  readonly transport: string;
  readonly local: string | null;
  readonly remote: string | null;
  readonly relayed: boolean;
  readonly via: string | null;
  readonly state?: string;
  readonly lastResult?: string;
  readonly rttMsec?: number | null;
}

export interface LinkDocument {
  readonly peer: string;
  readonly name: string | null;
  readonly state: string;
  readonly path: PathDocument | null;
  readonly paths: readonly PathDocument[];
  readonly rttMsec: number | null;
  readonly rttMinMsec: number | null;
  /** 0..1 */
  readonly loss: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly lastHandshakeAt: number | null;
  readonly upSinceAt: number | null;
  readonly lastError?: string;
}

export interface LinksDocument {
  readonly links: readonly LinkDocument[];
}

export interface PeersDocument {
  readonly peers: readonly {
    readonly key: string;
    readonly name: string;
    readonly address: string | null;
    readonly endpoints: readonly string[];
    readonly source: string;
    /** Null while no router runs. */
    readonly state: string | null;
  }[];
}

/** The answer to a change: one sentence for people. */
export interface MessageDocument {
  readonly message: string;
}

export interface PeerLineDocument {
  readonly line: string;
  readonly endpoints: readonly string[];
}

export interface ReloadDocument {
  readonly changes: readonly string[];
}

export interface NeighborDocument {
  readonly hostname: string | null;
  readonly role: string;
  readonly state: string;
  readonly msgRcvd: number;
  readonly msgSent: number;
  readonly inq: number;
  readonly outq: number;
  readonly peerUptimeMsec: number | null;
  readonly pfxRcd: number;
  readonly pfxBest: number;
  readonly pfxSnt: number;
  readonly rttMsec: number | null;
  /** Transport of the link. */
  readonly link?: string | null;
}

export interface SummaryDocument {
  readonly routerId: string;
  readonly hostname?: string;
  readonly realm?: string;
  readonly tableVersion: number;
  readonly ribCount: number;
  readonly pathCount: number;
  readonly staleCount?: number;
  readonly ribBytes?: number;
  readonly peers: Readonly<Record<string, NeighborDocument>>;
}

/** Whatever the router knows of a session, nested; shown as it comes. */
export interface NeighborsDocument {
  readonly neighbors: readonly (Facts & { readonly address: string; readonly hostname?: string })[];
}

export type Fact = string | number | boolean | null | undefined | Facts | readonly Fact[];
export interface Facts {
  readonly [key: string]: Fact;
}

export interface RouteDocument {
  readonly prefix: string;
  /** Null for our own. */
  readonly neighbor: string | null;
  readonly neighborName?: string;
  readonly best: boolean;
  readonly valid: boolean;
  readonly stale: boolean;
  readonly localPref: number;
  readonly cost: number;
  readonly hops: number;
  readonly asPath: readonly string[];
  readonly ageMsec: number;
  readonly lostBy: string | null;
}

export interface RoutesDocument {
  readonly routes: readonly RouteDocument[];
}

export interface ExplainDocument {
  readonly prefix: string;
  readonly winner?: RouteDocument | null;
  readonly losers?: readonly RouteDocument[];
}

export interface PingDocument {
  readonly target: string;
  /** With `--trace`. */
  readonly path?: readonly {
    readonly hop: number;
    readonly name?: string;
    readonly address: string | null;
    readonly rttMsec: number | null;
  }[];
  readonly replies: readonly {
    readonly seq: number;
    /** Who answered: the target, or a router on the way. */
    readonly from: string | null;
    readonly kind: string | null;
    readonly rttMsec: number | null;
  }[];
  readonly sent: number;
  readonly received: number;
}

export interface EventDocument {
  readonly kind: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly [field: string]: unknown;
}

export interface HostsDocument {
  readonly hosts: readonly { readonly address: string; readonly names: readonly string[] }[];
}

export interface LookupDocument {
  readonly name: string;
  readonly type: string;
  readonly rcode: string;
  readonly answers: readonly { readonly type: string; readonly data: string }[];
}

export interface InviteDocument {
  readonly id: string;
  readonly line: string;
  readonly endpoints: readonly string[];
}

export interface InvitesDocument {
  readonly invites: readonly {
    readonly id: string;
    readonly name: string;
    readonly state: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
    readonly usesMax: number;
    readonly uses: readonly { readonly name: string; readonly address: string }[];
  }[];
}
