//! One read of the TUN as packets: super-packets of TCP and UDP are cut, checksums are completed. In place: each packet's
//! head is written in front of its payload, over what was handed out before it.
use super::{checksum, Vnet, GSO_ECN, GSO_NONE, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, TCP, UDP};
use crate::core::ip6;

const FIN: u8 = 0x01;
const PSH: u8 = 0x08;
const CWR: u8 = 0x80;
const TCP_FLAGS: usize = 13;
const HEAD_MAX: usize = 512;

/// Why a read cannot be used; counted as malformed.
#[derive(Debug, PartialEq)]
pub struct Odd;

/// Hands each packet of `buffer` to `each`, in order.
pub fn split(vnet: &Vnet, buffer: &mut [u8], mut each: impl FnMut(&[u8])) -> Result<(), Odd> {
    match vnet.gso_type & !GSO_ECN {
        GSO_NONE => {
            if vnet.flags & NEEDS_CSUM != 0 {
                complete(vnet, buffer)?;
            }
            each(buffer);
            Ok(())
        }
        GSO_TCPV6 => cut(vnet, buffer, TCP, each),
        GSO_UDP_L4 => cut(vnet, buffer, UDP, each),
        _ => Err(Odd),
    }
}

/// The field holds the sum of the pseudo-header already.
fn complete(vnet: &Vnet, packet: &mut [u8]) -> Result<(), Odd> {
    let start = usize::from(vnet.csum_start);
    let field = start + usize::from(vnet.csum_offset);
    if field + 2 > packet.len() {
        return Err(Odd);
    }
    let sum = !checksum::fold(checksum::sum(&packet[start..]));
    let sum = if sum == 0 { 0xffff } else { sum };
    packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    Ok(())
}

fn cut(
    vnet: &Vnet,
    buffer: &mut [u8],
    protocol: u8,
    mut each: impl FnMut(&[u8]),
) -> Result<(), Odd> {
    let upper = usize::from(vnet.csum_start);
    let segment = usize::from(vnet.gso_size);
    // The kernel's `hdr_len` may count more than the headers: the data offset is what counts.
    let upper_head = match protocol {
        TCP => usize::from(*buffer.get(upper + 12).ok_or(Odd)? >> 4) * 4,
        _ => 8,
    };
    let head = upper + upper_head;
    let is_whole = (upper_head >= if protocol == TCP { 20 } else { 8 })
        && (ip6::HEADER..=HEAD_MAX).contains(&head)
        && buffer.len() > head
        && buffer[0] >> 4 == 6
        && segment > 0;
    if !is_whole {
        return Err(Odd);
    }
    let mut template = [0; HEAD_MAX];
    template[..head].copy_from_slice(&buffer[..head]);
    let first_seq = u32::from_be_bytes([
        template[upper + 4],
        template[upper + 5],
        template[upper + 6],
        template[upper + 7],
    ]);
    let addresses = checksum::sum(&template[ip6::SOURCE..ip6::HEADER]) + u64::from(protocol);
    let total = buffer.len() - head;
    let mut done = 0;
    while done < total {
        let bytes = segment.min(total - done);
        let is_last = done + bytes == total;
        let packet = &mut buffer[done..done + head + bytes];
        packet[..head].copy_from_slice(&template[..head]);
        packet[4..6].copy_from_slice(&((head - ip6::HEADER + bytes) as u16).to_be_bytes());
        let upper_bytes = upper_head + bytes;
        let field = if protocol == TCP {
            let seq = first_seq.wrapping_add(done as u32);
            packet[upper + 4..upper + 8].copy_from_slice(&seq.to_be_bytes());
            if !is_last {
                packet[upper + TCP_FLAGS] &= !(PSH | FIN);
            }
            if done > 0 {
                packet[upper + TCP_FLAGS] &= !CWR;
            }
            upper + 16
        } else {
            packet[upper + 4..upper + 6].copy_from_slice(&(upper_bytes as u16).to_be_bytes());
            upper + 6
        };
        packet[field..field + 2].fill(0);
        let sum = addresses + upper_bytes as u64 + checksum::sum(&packet[upper..]);
        let sum = !checksum::fold(sum);
        let sum = if sum == 0 && protocol == UDP { 0xffff } else { sum };
        packet[field..field + 2].copy_from_slice(&sum.to_be_bytes());
        each(packet);
        done += bytes;
    }
    Ok(())
}
