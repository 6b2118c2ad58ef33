//! Which flow a packet belongs to: addresses, protocol and ports (RFC 8290 §4.1.1), in one of a few buckets.
use super::hash::Seeded;
use super::ip6;
use std::hash::{BuildHasher, Hasher};

/// RFC 8290 §5.2.
pub const BUCKETS: usize = 1024;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// The bucket of one packet. Fragments, and protocols without ports, go by their addresses alone.
#[inline]
pub fn flow_of(seed: u64, packet: &[u8]) -> usize {
    if packet.len() < ip6::HEADER {
        return 0;
    }
    let mut hash = Seeded(seed).build_hasher();
    hash.write(&packet[ip6::SOURCE..ip6::HEADER]);
    let protocol = packet[ip6::NEXT_HEADER];
    hash.write_u32(u32::from(protocol));
    if matches!(protocol, TCP | UDP) && packet.len() >= ip6::HEADER + 4 {
        hash.write_u32(ip6::u32le_at(packet, ip6::HEADER));
    }
    hash.finish() as usize % BUCKETS
}
