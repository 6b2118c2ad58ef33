//! ICMPv6 errors of a router, byte for byte as `src/plane/icmp6.ts` writes them (RFC 4443), and the echoes of control code.
use super::ip6::{self, u16_at};
use crate::world::Instant;

const INFORMATIONAL: u8 = 128;
const REDIRECT: u8 = 137;
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;
const QUOTE_AT: usize = ip6::HEADER + 8;

#[derive(Clone, Copy)]
pub struct Error {
    kind: u8,
    code: u8,
    /// The MTU for packet too big, else 0.
    word: u32,
}

pub const NO_ROUTE: Error = Error { kind: 1, code: 0, word: 0 };
pub const PROHIBITED: Error = Error { kind: 1, code: 1, word: 0 };
pub const ADDRESS_UNREACHABLE: Error = Error { kind: 1, code: 3, word: 0 };
pub const HOP_LIMIT_EXCEEDED: Error = Error { kind: 3, code: 0, word: 0 };

pub fn too_big(mtu: u32) -> Error {
    Error { kind: 2, code: 0, word: mtu }
}

/// RFC 4443 §2.4 e: not about errors and redirects, nor about what cannot be told from one.
pub fn may_answer(packet: &[u8]) -> bool {
    match ip6::upper_layer(packet) {
        None => false,
        Some((ip6::ICMP6, at)) => {
            packet.get(at).is_some_and(|kind| *kind >= INFORMATIONAL && *kind != REDIRECT)
        }
        Some(_) => true,
    }
}

/// The packet that tells the source of `packet`; at most 1280 bytes.
pub fn error_packet(error: Error, own: &[u8; 16], packet: &[u8]) -> Vec<u8> {
    let quoted = packet.len().min(ip6::MTU_MIN - QUOTE_AT);
    let mut out = vec![0; QUOTE_AT + quoted];
    out[0] = 0x60;
    out[4..6].copy_from_slice(&((8 + quoted) as u16).to_be_bytes());
    out[6] = ip6::ICMP6;
    out[7] = 64;
    out[8..24].copy_from_slice(own);
    out[24..40].copy_from_slice(&packet[ip6::SOURCE..ip6::DESTINATION]);
    out[40] = error.kind;
    out[41] = error.code;
    out[44..48].copy_from_slice(&error.word.to_be_bytes());
    out[QUOTE_AT..].copy_from_slice(&packet[..quoted]);
    let sum = checksum(&out);
    out[42..44].copy_from_slice(&sum.to_be_bytes());
    out
}

fn checksum(packet: &[u8]) -> u16 {
    let mut sum = (packet.len() - ip6::HEADER) as u32 + u32::from(ip6::ICMP6);
    for pair in packet[ip6::SOURCE..].chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn echo_identifier(packet: &[u8]) -> Option<u16> {
    let is_echo = packet.len() >= QUOTE_AT
        && packet[ip6::NEXT_HEADER] == ip6::ICMP6
        && packet[ip6::HEADER] == ECHO_REQUEST;
    is_echo.then(|| u16_at(packet, ip6::HEADER + 4))
}

fn answered_echo(packet: &[u8]) -> Option<u16> {
    if packet.len() < QUOTE_AT || packet[ip6::NEXT_HEADER] != ip6::ICMP6 {
        return None;
    }
    match packet[ip6::HEADER] {
        ECHO_REPLY => Some(u16_at(packet, ip6::HEADER + 4)),
        kind if kind < INFORMATIONAL => echo_identifier(&packet[QUOTE_AT..]),
        _ => None,
    }
}

const IDENTIFIERS_MAX: usize = 64;
const ANSWER_WAIT_MSEC: f64 = 30_000.0;

/// Echo requests that control code sent, by identifier, the least recently used first.
#[derive(Default)]
pub struct Pongs {
    until: Vec<(u16, Instant)>,
}

impl Pongs {
    pub fn expect(&mut self, now: Instant, packet: &[u8]) {
        let Some(identifier) = echo_identifier(packet) else { return };
        self.until.retain(|(known, _)| *known != identifier);
        self.until.push((identifier, now + ANSWER_WAIT_MSEC));
        if self.until.len() > IDENTIFIERS_MAX {
            self.until.remove(0);
        }
    }

    #[inline]
    pub fn is_answer(&mut self, now: Instant, packet: &[u8]) -> bool {
        if self.until.is_empty() {
            return false;
        }
        let Some(identifier) = answered_echo(packet) else { return false };
        let Some(at) = self.until.iter().position(|(known, _)| *known == identifier) else {
            return false;
        };
        if now < self.until[at].1 {
            return true;
        }
        self.until.remove(at);
        false
    }

    /// The reply to an echo request to ourselves; None for any other packet.
    pub fn answer_own(packet: &[u8]) -> Option<Vec<u8>> {
        echo_identifier(packet)?;
        let mut reply = packet.to_vec();
        reply[8..24].copy_from_slice(&packet[24..40]);
        reply[24..40].copy_from_slice(&packet[8..24]);
        reply[40] = ECHO_REPLY;
        reply[42..44].fill(0);
        let sum = checksum(&reply);
        reply[42..44].copy_from_slice(&sum.to_be_bytes());
        Some(reply)
    }
}
