/** The alanet stream of the control channel (proto/alamesh/v1/bgp.proto, docs/protocol.md §Routing). */
import { bad, type Parsed } from '../base/result.js';
import { alamesh } from './gen/schema.js';
import type { alamesh as Types } from './gen/schema-types.js';
import { CAPABILITIES_MAX, CAPABILITY_BYTES_MAX, NAME_BYTES_MAX } from './limits.js';
import { signedFromWire, signedToWire } from './record.js';
import {
  bounded,
  decodeWith,
  encodeWith,
  integer,
  Malformed,
  shown,
  text,
  wide,
} from './scalar.js';
import type { BgpMessage, BgpOpen, Capability, Role } from './types.js';
import { decodeBrokenUpdate, updateFromWire, updateToWire } from './update.js';

const { v1 } = alamesh;
type Known = Exclude<BgpMessage, { kind: 'unknown' }>;
type Agreement = Extract<BgpMessage, { kind: 'link-agreement' }>;

const ROLE_CODE: Readonly<Record<Role, Types.v1.Role>> = { peer: 1, provider: 2, customer: 3 };
const ROLES: readonly (Role | undefined)[] = [undefined, 'peer', 'provider', 'customer'];

/** @throws AssertionError when the message exceeds MESSAGE_BYTES_MAX: the caller splits its UPDATEs. */
export function encodeBgp(message: Known): Uint8Array {
  return encodeWith(v1.BgpMessage.encode, bgpToWire(message));
}

/**
 * Total. Of an UPDATE, records, paths and routes that are wrong in themselves are listed in `malformed` and the rest
 * is returned (RFC 7606 §2, treat-as-withdraw); an error means that the message cannot be understood.
 */
export function decodeBgp(bytes: Uint8Array): Parsed<BgpMessage> {
  const whole = decodeWith(v1.BgpMessage.decode, bytes, bgpFromWire);
  if (whole.ok) return whole;
  return decodeBrokenUpdate(bytes) ?? bad(whole.error);
}

function bgpToWire(message: Known): Types.v1.BgpMessage {
  switch (message.kind) {
    case 'open':
      return { open: openToWire(message) };
    case 'update':
      return { update: updateToWire(message) };
    case 'keepalive':
      return { keepalive: {} };
    case 'route-refresh':
      return { routeRefresh: {} };
    case 'notification': {
      const { code, subcode } = message;
      return { notification: { code, subcode, text: message.text } };
    }
    case 'link-proposal':
      return { linkProposal: { record: signedToWire(message.record) } };
    case 'link-agreement':
      return { linkAgreement: agreementToWire(message) };
    default:
      return message satisfies never;
  }
}

function bgpFromWire(wire: Types.v1.BgpMessage): BgpMessage {
  if (wire.update) return updateFromWire(wire.update);
  if (wire.keepalive) return { kind: 'keepalive' };
  if (wire.open) return openFromWire(wire.open);
  if (wire.routeRefresh) return { kind: 'route-refresh' };
  if (wire.notification) {
    const { code, subcode } = wire.notification;
    return { kind: 'notification', code, subcode, text: shown(wire.notification.text) };
  }
  if (wire.linkProposal) {
    return { kind: 'link-proposal', record: signedFromWire(wire.linkProposal.record) };
  }
  return wire.linkAgreement ? agreementFromWire(wire.linkAgreement) : { kind: 'unknown' };
}

function openToWire(open: BgpOpen): Types.v1.Open {
  const { version, holdTime, name } = open;
  return {
    ...{ version, holdTime, name, node: signedToWire(open.node), role: ROLE_CODE[open.role] },
    capabilities: open.capabilities.map(({ code, value }) => ({ code, value })),
  };
}

/** A role of a newer version counts as `peer`, the one that is trusted least with routes. */
function openFromWire(wire: Types.v1.Open): BgpOpen {
  const capabilities = bounded(wire.capabilities, CAPABILITIES_MAX, 'capabilities');
  return {
    kind: 'open',
    version: wire.version,
    node: signedFromWire(wire.node),
    holdTime: wire.holdTime,
    role: ROLES[wire.role] ?? 'peer',
    name: text(wire.name, 'name', NAME_BYTES_MAX),
    capabilities: capabilities.map(capabilityFromWire),
  };
}

function capabilityFromWire({ code, value }: Types.v1.Capability): Capability {
  if (value.length > CAPABILITY_BYTES_MAX) {
    throw new Malformed(`capability ${code} of ${value.length} bytes`);
  }
  return { code, value: value.slice() };
}

function agreementToWire(agreement: Agreement): Types.v1.LinkAgreement {
  const { record, costClass } = agreement;
  const seqSeen = wide(agreement.seqSeen);
  return { record: record && signedToWire(record), costClass, seqSeen };
}

function agreementFromWire(wire: Types.v1.LinkAgreement): Agreement {
  return {
    kind: 'link-agreement',
    record: wire.record ? signedFromWire(wire.record) : undefined,
    costClass: wire.costClass,
    seqSeen: integer(wire.seqSeen, 'seq_seen'),
  };
}
