//! IPv6 packets in place, as `src/plane/ip6.ts`: offsets, checks, and what lies behind the extension headers (RFC 8200).

pub const HEADER: usize = 40;
pub const SOURCE: usize = 8;
pub const DESTINATION: usize = 24;
pub const HOP_LIMIT: usize = 7;
pub const NEXT_HEADER: usize = 6;
pub const MTU_MIN: usize = 1280;
pub const ICMP6: u8 = 58;
pub const PACKET_MAX: usize = 65_535;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
const EXTENSION_HEADERS_MAX: usize = 8;

pub fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub fn u32le_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Length of the IPv6 packet by its header; None when it has no whole header or is cut short. What follows is padding.
#[inline]
pub fn packet_length(packet: &[u8]) -> Option<usize> {
    if packet.len() < HEADER || packet[0] >> 4 != 6 {
        return None;
    }
    let length = HEADER + usize::from(u16_at(packet, 4));
    (length <= packet.len() && length <= PACKET_MAX).then_some(length)
}

/// Neither source nor destination of what we carry: multicast, link-local, unspecified, loopback, v4-compatible, v4-mapped.
#[inline]
pub fn is_martian(address: u128) -> bool {
    let first = (address >> 120) as u8;
    match first {
        0xff => true,
        0xfe => (address >> 112) as u8 & 0xc0 == 0x80,
        0 => (address >> 64) == 0 && matches!((address >> 32) as u32, 0 | 0xffff),
        _ => false,
    }
}

/// Protocol and offset of the last header; None behind a later fragment, or in a chain that is cut or too long.
pub fn upper_layer(packet: &[u8]) -> Option<(u8, usize)> {
    let mut protocol = packet[NEXT_HEADER];
    let mut at = HEADER;
    let mut seen = 0;
    while matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS) {
        if seen == EXTENSION_HEADERS_MAX || at + 8 > packet.len() {
            return None;
        }
        if protocol == FRAGMENT && u16_at(packet, at + 2) & 0xfff8 != 0 {
            return None;
        }
        let bytes = if protocol == FRAGMENT { 8 } else { 8 * (usize::from(packet[at + 1]) + 1) };
        protocol = packet[at];
        at += bytes;
        seen += 1;
    }
    (at <= packet.len()).then_some((protocol, at))
}

/// The two bits of RFC 3168 in the traffic class.
#[inline]
pub fn ecn(packet: &[u8]) -> u8 {
    packet.get(1).map_or(0, |byte| byte >> 4 & 3)
}

const NOT_ECT: u8 = 0;
const ECT1: u8 = 1;
const ECT0: u8 = 2;
const CE: u8 = 3;

/// What the inner packet says after the outer header is gone (RFC 6040 §4.2). false: it must be dropped.
#[inline]
pub fn join_ecn(outer: u8, packet: &mut [u8]) -> bool {
    let inner = ecn(packet);
    let joined = match (outer, inner) {
        (CE, NOT_ECT) => return false,
        (CE, _) => CE,
        (ECT1, ECT0) => ECT1,
        _ => return true,
    };
    packet[1] = packet[1] & 0xcf | joined << 4;
    true
}

/// Says "congestion experienced" to a packet whose ends understand that (RFC 3168 §5). false: they do not.
pub fn mark(packet: &mut [u8]) -> bool {
    if packet.len() < 2 || ecn(packet) == NOT_ECT {
        return false;
    }
    packet[1] |= CE << 4;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecn_is_joined_as_in_the_table_of_rfc_6040() {
        let expected = [
            [Some(0), Some(1), Some(2), Some(3)],
            [Some(0), Some(1), Some(1), Some(3)],
            [Some(0), Some(1), Some(2), Some(3)],
            [None, Some(3), Some(3), Some(3)],
        ];
        for (outer, row) in expected.iter().enumerate() {
            for (inner, joined) in row.iter().enumerate() {
                let mut packet = [0x6a, 0x8f | (inner as u8) << 4, 0, 0];
                let survives = join_ecn(outer as u8, &mut packet);
                assert_eq!(survives.then(|| ecn(&packet)), *joined, "{outer} {inner}");
                assert_eq!(packet[1] & 0xcf, 0x8f, "nothing else changes");
            }
        }
    }
}
