/**
 * Our own shapes of what travels in protobuf (`proto/alamesh/v1`). Generated code stays inside `wire`; everyone else
 * sees these. Decoders are total: sizes and counts are capped before and after decoding, integers are checked to fit,
 * unknown fields and messages are skipped. Bytes are copies that the receiver may keep.
 */

export type RecordKind = 'node' | 'link' | 'service';

/** A record as it was signed: `body` verbatim, never re-serialised. */
export interface SignedRecord {
  readonly kind: RecordKind;
  readonly body: Uint8Array;
  /** 64 bytes, or empty (only a link record that the higher end alone signed DOWN). */
  readonly signature: Uint8Array;
  /** 64 bytes, or empty where the kind has none. */
  readonly countersignature: Uint8Array;
}

export interface Proof {
  readonly publicKey: Uint8Array;
  readonly successor: Uint8Array;
  readonly nonce: bigint;
}

export interface NodeRecordBody {
  readonly realm: string;
  readonly proof: Proof;
  readonly noiseKey: Uint8Array;
  readonly seq: number;
  /** Seconds since 1970. */
  readonly notAfter: number;
  readonly transit: boolean;
  readonly relay: boolean;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly handle: string;
  readonly contact: string;
  /** At most 8. */
  readonly tags: readonly string[];
}

export interface LinkRecordBody {
  /** Node ids as 16 bytes, a < b. */
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  readonly seq: number;
  readonly notAfter: number;
  readonly roleA: number;
  readonly roleB: number;
  /** 1..255 */
  readonly costClass: number;
  readonly down: boolean;
}

export interface ServiceRecordBody {
  readonly realm: string;
  readonly proof: Proof;
  readonly host: Uint8Array;
  readonly seq: number;
  readonly notAfter: number;
  readonly anycast: boolean;
  readonly name: string;
  /** `http:80/tcp`, at most 8. */
  readonly ports: readonly string[];
}

export interface InviteProof {
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** 32 bytes. */
  readonly proof: Uint8Array;
}

export type MeshMessage =
  | {
      readonly kind: 'hello';
      readonly version: number;
      readonly realm: string;
      readonly node: SignedRecord;
      readonly name: string;
      readonly bootId: Uint8Array;
      readonly observed: string;
      readonly candidates: readonly string[];
      readonly capabilities: readonly number[];
      readonly invite?: InviteProof;
    }
  | {
      readonly kind: 'candidates';
      readonly candidates: readonly string[];
      readonly observed: string;
    }
  | { readonly kind: 'goodbye'; readonly reason: string }
  /** `key`: X25519, 32 bytes. */
  | { readonly kind: 'relay-open'; readonly channel: number; readonly key: Uint8Array }
  | { readonly kind: 'relay-offer'; readonly channel: number; readonly key: Uint8Array }
  | { readonly kind: 'relay-close'; readonly channel: number; readonly reason: string }
  /** A message of a newer version: ignore it. */
  | { readonly kind: 'unknown' };

export type Role = 'peer' | 'provider' | 'customer';

export interface Capability {
  readonly code: number;
  readonly value: Uint8Array;
}

export interface BgpOpen {
  readonly kind: 'open';
  readonly version: number;
  readonly node: SignedRecord;
  /** Seconds. */
  readonly holdTime: number;
  readonly role: Role;
  readonly name: string;
  readonly capabilities: readonly Capability[];
}

export interface DictionaryRecord {
  readonly id: number;
  readonly record: SignedRecord;
}

export interface PathStep {
  readonly id: number;
  readonly parent: number;
  readonly link: number;
}

export interface WireRoute {
  readonly origin: number;
  readonly path: number;
  readonly communities: readonly bigint[];
}

/** An item that could not be decoded; of a route, `id` is the origin. 0 where it cannot be told. */
export interface MalformedItem {
  readonly what: 'record' | 'path' | 'route';
  readonly id: number;
  readonly error: string;
}

export interface BgpUpdate {
  readonly kind: 'update';
  readonly records: readonly DictionaryRecord[];
  readonly paths: readonly PathStep[];
  readonly routes: readonly WireRoute[];
  readonly withdrawn: readonly number[];
  readonly beginOfRib: boolean;
  readonly endOfRib: boolean;
  readonly forgetPaths: readonly number[];
  readonly forgetRecords: readonly number[];
  /** Filled by the decoder, ignored by the encoder (RFC 7606: treat as withdrawn). */
  readonly malformed: readonly MalformedItem[];
}

export type BgpMessage =
  | BgpOpen
  | BgpUpdate
  | { readonly kind: 'keepalive' }
  | { readonly kind: 'route-refresh' }
  | {
      readonly kind: 'notification';
      readonly code: number;
      readonly subcode: number;
      readonly text: string;
    }
  | { readonly kind: 'link-proposal'; readonly record: SignedRecord }
  | {
      readonly kind: 'link-agreement';
      readonly record: SignedRecord | undefined;
      readonly costClass: number;
      readonly seqSeen: number;
    }
  | { readonly kind: 'unknown' };
