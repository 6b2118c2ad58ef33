//! What `recvmsg` says beside a datagram: control messages (cmsg(3)) out of a buffer, without a pointer.
use super::udp::{is_link_local, mapped, Ends, SOL_UDP, UDP_GRO};
use std::mem::size_of;

/// `struct cmsghdr`: its length with the head as a `size_t`, level and type as `int`.
const HEAD: usize = size_of::<usize>() + 8;

/// What is read of a datagram's control messages; what is not there keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub ends: Ends,
    /// Size of each datagram of a train but the last, at least 1.
    pub segment: usize,
    /// Of the outer header, 0..=3.
    pub ecn: u8,
}

/// Reads all messages of `control`; one that is cut short ends the reading, one with too few bytes is passed over.
pub fn read(mut control: &[u8], heard: &mut Heard) {
    while let Some((level, kind, data, rest)) = next(control) {
        match (level, kind) {
            (SOL_UDP, UDP_GRO) => {
                if let Some(size) = int(data, 0) {
                    heard.segment = usize::try_from(size).unwrap_or(0).max(1);
                }
            }
            (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => {
                if let Some(class) = int(data, 0) {
                    heard.ecn = class as u8 & 3;
                }
            }
            (libc::IPPROTO_IP, libc::IP_TOS) => {
                if let Some(tos) = data.first() {
                    heard.ecn = tos & 3;
                }
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => read_ip6_info(data, &mut heard.ends),
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                // struct in_pktinfo: int ipi_ifindex; struct in_addr ipi_spec_dst, ipi_addr.
                if let Some(address) = array::<4>(data, 8) {
                    heard.ends.local = mapped(address);
                }
            }
            _ => {}
        }
        control = rest;
    }
}

/// struct in6_pktinfo: struct in6_addr ipi6_addr; int ipi6_ifindex.
fn read_ip6_info(data: &[u8], ends: &mut Ends) {
    let (Some(address), Some(index)) = (array::<16>(data, 0), int(data, 16)) else { return };
    ends.local = address;
    ends.local_zone = if is_link_local(&address) { index as u32 } else { 0 };
}

fn next(control: &[u8]) -> Option<(i32, i32, &[u8], &[u8])> {
    let length = usize::from_ne_bytes(array(control, 0)?);
    let level = int(control, size_of::<usize>())?;
    let kind = int(control, size_of::<usize>() + 4)?;
    let data = control.get(HEAD..length)?;
    let step = length.checked_next_multiple_of(size_of::<usize>())?;
    Some((level, kind, data, control.get(step..).unwrap_or_default()))
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn int(bytes: &[u8], at: usize) -> Option<i32> {
    array(bytes, at).map(i32::from_ne_bytes)
}
