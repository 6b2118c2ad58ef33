//! The Internet checksum (RFC 1071), over IPv6's pseudo-header (RFC 8200 §8.1) where there is one.
use crate::core::ip6;

/// Sum of the bytes as big-endian words, not folded. Every piece but the last must have an even length.
#[inline]
pub fn sum(bytes: &[u8]) -> u64 {
    // Native words in independent lanes are vectorized; the order of bytes is put right at the end (RFC 1071 §2 B).
    let mut lanes = [0_u64; 8];
    let mut chunks = bytes.chunks_exact(32);
    for chunk in &mut chunks {
        for (lane, word) in lanes.iter_mut().zip(chunk.chunks_exact(4)) {
            *lane += u64::from(u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        }
    }
    let mut total: u64 = lanes.iter().sum();
    let rest = chunks.remainder();
    let mut pairs = rest.chunks_exact(2);
    for pair in &mut pairs {
        total += u64::from(u16::from_ne_bytes([pair[0], pair[1]]));
    }
    if let [last] = pairs.remainder() {
        total += u64::from(u16::from_ne_bytes([*last, 0]));
    }
    u64::from(u16::from_be(fold(total)))
}

/// Carries added until 16 bits are left.
#[inline]
pub fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff_ffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// Of the addresses of an IPv6 packet, the length of the upper layer and its protocol.
#[inline]
pub fn pseudo_header(packet: &[u8], upper_bytes: usize, protocol: u8) -> u64 {
    sum(&packet[ip6::SOURCE..ip6::HEADER]) + upper_bytes as u64 + u64::from(protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_definition() {
        for length in 0..200 {
            let bytes: Vec<u8> = (0..length).map(|i| (i * 37 + length) as u8).collect();
            let mut expected = 0_u64;
            for pair in bytes.chunks(2) {
                expected += u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
            }
            assert_eq!(fold(sum(&bytes)), fold(expected), "{length} bytes");
        }
    }
}
