/** What the control API asks of a router. Documents are plain data, as CLI.md fixes them; errors are `UserError`. */

import type { NewInvite } from '../invite-store.js';

/** A JSON document with `schema: "alamesh.<name>/1"`. */
export type Document = Readonly<Record<string, unknown>> & { readonly schema: string };

export interface PeerAddition {
  /** A pasted line or the text of a node file. */
  readonly text: string;
}

export interface PingRequest {
  readonly target: string;
  readonly count: number;
  readonly trace: boolean;
}

export interface RouterControl {
  status(): Document;
  links(who: string | undefined): Document;
  peers(): Document;
  addPeer(addition: PeerAddition): Promise<Document>;
  removePeer(who: string): Promise<Document>;
  peerLine(endpoints: readonly string[]): Document;
  invite(wanted: NewInvite, endpoints: readonly string[]): Promise<Document>;
  invites(): Document;
  revokeInvite(id: string): Promise<Document>;
  bgpSummary(): Document;
  bgpNeighbors(who: string | undefined): Document;
  bgpRoutes(prefix: string | undefined): Document;
  bgpView(view: 'received' | 'accepted' | 'advertised', who: string): Document;
  bgpExplain(what: string): Document;
  bgpClear(who: string, how: 'soft' | 'hard'): Document;
  services(): Document;
  /** Looks at the keys in the state directory anew. */
  rescanServices(): Promise<Document>;
  /** Names and addresses for /etc/hosts. */
  dnsHosts(): Document;
  dnsLookup(name: string, type: string): Document;
  /** Ends when the pings have ended, or the client went away. */
  ping(request: PingRequest, gone: AbortSignal): Promise<Document>;
  /** Calls back for each event until the signal fires. */
  monitor(each: (event: Document) => void, gone: AbortSignal): void;
  registryStatus(): Document;
  registryDiff(): Document;
  /** @param url Instead of the configured ones. */
  registrySync(url: string | undefined): Promise<Document>;
  registryApprove(head: string | undefined): Promise<Document>;
  reload(): Promise<Document>;
  /** Answers first, then stops. */
  down(): Document;
}
