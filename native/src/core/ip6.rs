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
