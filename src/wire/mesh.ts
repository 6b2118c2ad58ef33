/** The mesh stream of the control channel (proto/alamesh/v1/mesh.proto, docs/protocol.md §Mesh). */
import type { Parsed } from '../base/result.js';
import { alamesh } from './gen/schema.js';
import type { alamesh as Types } from './gen/schema-types.js';
import {
  BOOT_ID_BYTES,
  CANDIDATES_MAX,
  CAPABILITIES_MAX,
  INVITE_ID_BYTES,
  INVITE_PROOF_BYTES,
  KEY_BYTES,
  NAME_BYTES_MAX,
} from './limits.js';
import { signedFromWire, signedToWire } from './record.js';
import { bounded, decodeWith, encodeWith, fixedBytes, shown, text } from './scalar.js';
import type { InviteProof, MeshMessage } from './types.js';

const { v1 } = alamesh;
type Hello = Extract<MeshMessage, { kind: 'hello' }>;

/** @throws AssertionError when the message exceeds MESSAGE_BYTES_MAX. */
export function encodeMesh(message: Exclude<MeshMessage, { kind: 'unknown' }>): Uint8Array {
  return encodeWith(v1.MeshMessage.encode, meshToWire(message));
}

/** Total: hostile bytes give an error, a message of a newer version gives `unknown`. */
export function decodeMesh(bytes: Uint8Array): Parsed<MeshMessage> {
  return decodeWith(v1.MeshMessage.decode, bytes, meshFromWire);
}

function meshToWire(message: Exclude<MeshMessage, { kind: 'unknown' }>): Types.v1.MeshMessage {
  switch (message.kind) {
    case 'hello':
      return { hello: helloToWire(message) };
    case 'candidates': {
      const { observed } = message;
      return { candidates: { candidates: [...message.candidates], observed } };
    }
    case 'goodbye':
      return { goodbye: { reason: message.reason } };
    case 'relay-open':
      return { relayOpen: { channel: message.channel, key: message.key } };
    case 'relay-offer':
      return { relayOffer: { channel: message.channel, key: message.key } };
    case 'relay-close':
      return { relayClose: { channel: message.channel, reason: message.reason } };
    default:
      return message satisfies never;
  }
}

function helloToWire(hello: Hello): Types.v1.Hello {
  const { version, realm, name, bootId, observed } = hello;
  return {
    ...{ version, realm, node: signedToWire(hello.node), name, bootId, observed },
    ...{ candidates: [...hello.candidates], capabilities: [...hello.capabilities] },
    ...(hello.invite !== undefined && { invite: hello.invite }),
  };
}

function meshFromWire(wire: Types.v1.MeshMessage): MeshMessage {
  if (wire.hello) return helloFromWire(wire.hello);
  if (wire.candidates) {
    const { candidates, observed } = wire.candidates;
    return {
      kind: 'candidates',
      candidates: endpoints(candidates),
      observed: text(observed, 'observed'),
    };
  }
  if (wire.goodbye) return { kind: 'goodbye', reason: shown(wire.goodbye.reason) };
  if (wire.relayOpen) return { kind: 'relay-open', ...channelFromWire(wire.relayOpen) };
  if (wire.relayOffer) return { kind: 'relay-offer', ...channelFromWire(wire.relayOffer) };
  if (wire.relayClose) {
    const { channel, reason } = wire.relayClose;
    return { kind: 'relay-close', channel, reason: shown(reason) };
  }
  return { kind: 'unknown' };
}

const channelFromWire = ({ channel, key }: Types.v1.RelayOpen) => ({
  channel,
  key: fixedBytes(key, KEY_BYTES, 'key'),
});

function helloFromWire(wire: Types.v1.Hello): Hello {
  return {
    kind: 'hello',
    version: wire.version,
    realm: text(wire.realm, 'realm', NAME_BYTES_MAX),
    node: signedFromWire(wire.node),
    name: text(wire.name, 'name', NAME_BYTES_MAX),
    bootId: fixedBytes(wire.bootId, BOOT_ID_BYTES, 'boot_id'),
    observed: text(wire.observed, 'observed'),
    candidates: endpoints(wire.candidates),
    capabilities: bounded(wire.capabilities, CAPABILITIES_MAX, 'capabilities'),
    ...(wire.invite && { invite: inviteFromWire(wire.invite) }),
  };
}

const inviteFromWire = ({ id, proof }: Types.v1.InviteProof): InviteProof => ({
  id: fixedBytes(id, INVITE_ID_BYTES, 'invite id'),
  proof: fixedBytes(proof, INVITE_PROOF_BYTES, 'invite proof'),
});

function endpoints(list: readonly string[]): readonly string[] {
  return bounded(list, CANDIDATES_MAX, 'candidates').map((endpoint) => text(endpoint, 'candidate'));
}
