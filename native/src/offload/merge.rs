//! Packets on their way to the TUN, joined where the kernel's own GRO would: consecutive segments of one TCP flow, and
//! datagrams of one size of one UDP flow. Order within a flow is kept; nothing waits longer than the pass it came in.
use super::{checksum, Vnet, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, TCP, UDP, VNET};
use crate::core::ip6::{self, u16_at};

const GROUPS: usize = 8;
/// IPv6's length field is 16 bits.
const PAYLOAD_MAX: usize = 65_535;
const SEGMENTS_MAX: usize = 64;
const ACK: u8 = 0x10;
const PSH: u8 = 0x08;
const ECE: u8 = 0x40;

/// A packet that could be joined with others.
struct Shape {
    protocol: u8,
    /// IPv6 and TCP or UDP.
    head: usize,
    payload: usize,
    /// TCP only.
    seq: u32,
    /// Nothing may follow it.
    closes: bool,
}

fn shape_of(packet: &[u8]) -> Option<Shape> {
    if packet.len() < ip6::HEADER + 8 {
        return None;
    }
    let upper = &packet[ip6::HEADER..];
    let (protocol, upper_head, seq, closes) = match packet[ip6::NEXT_HEADER] {
        TCP if upper.len() >= 20 => {
            let flags = upper[13];
            let upper_head = usize::from(upper[12] >> 4) * 4;
            let is_plain = flags & !(PSH | ECE) == ACK && u16_at(upper, 18) == 0;
            if !is_plain || upper_head < 20 {
                return None;
            }
            let seq = u32::from_be_bytes([upper[4], upper[5], upper[6], upper[7]]);
            (TCP, upper_head, seq, flags & PSH != 0)
        }
        UDP => {
            if usize::from(u16_at(upper, 4)) != upper.len() || u16_at(upper, 6) == 0 {
                return None;
            }
            (UDP, 8, 0, false)
        }
        _ => return None,
    };
    let head = ip6::HEADER + upper_head;
    let payload = packet.len().checked_sub(head).filter(|payload| *payload > 0)?;
    Some(Shape { protocol, head, payload, seq, closes })
}

fn has_right_checksum(packet: &[u8], protocol: u8) -> bool {
    let upper = &packet[ip6::HEADER..];
    let pseudo = checksum::pseudo_header(packet, upper.len(), protocol);
    checksum::fold(pseudo + checksum::sum(upper)) == 0xffff
}

/// Packets of one flow that go to the TUN in one piece.
#[derive(Default)]
struct Group {
    /// Head for the TUN, then the packet.
    buffer: Vec<u8>,
    count: usize,
    protocol: u8,
    head: usize,
    segment: usize,
    next_seq: u32,
    /// The first one's checksum was looked at.
    is_checked: bool,
    is_closed: bool,
}

impl Group {
    fn begin(&mut self, packet: &[u8], shape: Option<&Shape>) {
        self.buffer.clear();
        self.buffer.resize(VNET, 0);
        self.buffer.extend_from_slice(packet);
        self.count = 1;
        self.is_checked = false;
        self.is_closed = shape.is_none_or(|shape| shape.closes);
        if let Some(shape) = shape {
            self.protocol = shape.protocol;
            self.head = shape.head;
            self.segment = shape.payload;
            self.next_seq = shape.seq.wrapping_add(shape.payload as u32);
        }
    }

    fn packet(&self) -> &[u8] {
        &self.buffer[VNET..]
    }

    fn is_same_flow(&self, packet: &[u8], shape: &Shape) -> bool {
        let own = self.packet();
        self.protocol == shape.protocol
            && own.len() >= ip6::HEADER + 4
            && own[ip6::SOURCE..ip6::HEADER + 4] == packet[ip6::SOURCE..ip6::HEADER + 4]
    }

    /// All but lengths, checksum, sequence number and PSH is the same, and the packet continues this group.
    fn takes(&self, packet: &[u8], shape: &Shape) -> bool {
        let own = self.packet();
        let fits = !self.is_closed
            && self.head == shape.head
            && shape.payload <= self.segment
            && self.count < SEGMENTS_MAX
            && own.len() - ip6::HEADER + shape.payload <= PAYLOAD_MAX;
        if !fits || own[..4] != packet[..4] || own[7] != packet[7] {
            return false;
        }
        if shape.protocol == UDP {
            return true;
        }
        let (a, b) = (&own[ip6::HEADER..self.head], &packet[ip6::HEADER..self.head]);
        shape.seq == self.next_seq
            && a[8..13] == b[8..13]
            && a[13] & !PSH == b[13] & !PSH
            && a[14..16] == b[14..16]
            && a[20..] == b[20..]
    }

    /// Returns false when a checksum is wrong: then the packets go one by one, for the kernel to drop.
    fn add(&mut self, packet: &[u8], shape: &Shape) -> bool {
        if !self.is_checked && !has_right_checksum(self.packet(), self.protocol) {
            self.is_closed = true;
            return false;
        }
        self.is_checked = true;
        if !has_right_checksum(packet, self.protocol) {
            return false;
        }
        if shape.closes {
            self.buffer[VNET + ip6::HEADER + 13] |= PSH;
        }
        self.buffer.extend_from_slice(&packet[shape.head..]);
        self.count += 1;
        self.next_seq = self.next_seq.wrapping_add(shape.payload as u32);
        self.is_closed = shape.closes || shape.payload < self.segment;
        true
    }

    /// What is written to the TUN.
    fn finish(&mut self) -> &[u8] {
        if self.count > 1 {
            self.write_heads();
        }
        self.count = 0;
        &self.buffer
    }

    fn write_heads(&mut self) {
        let (vnet, packet) = self.buffer.split_at_mut(VNET);
        let upper_bytes = packet.len() - ip6::HEADER;
        packet[4..6].copy_from_slice(&(upper_bytes as u16).to_be_bytes());
        let is_tcp = self.protocol == TCP;
        let csum_offset: u16 = if is_tcp { 16 } else { 6 };
        if !is_tcp {
            packet[44..46].copy_from_slice(&(upper_bytes as u16).to_be_bytes());
        }
        // The kernel completes it: the field holds the folded sum of the pseudo-header, not complemented.
        let pseudo = checksum::fold(checksum::pseudo_header(packet, upper_bytes, self.protocol));
        let field = ip6::HEADER + usize::from(csum_offset);
        packet[field..field + 2].copy_from_slice(&pseudo.to_be_bytes());
        Vnet {
            flags: NEEDS_CSUM,
            gso_type: if is_tcp { GSO_TCPV6 } else { GSO_UDP_L4 },
            hdr_len: self.head as u16,
            gso_size: self.segment as u16,
            csum_start: ip6::HEADER as u16,
            csum_offset,
        }
        .write(vnet);
    }
}

/// What the device takes joined.
#[derive(Clone, Copy)]
pub struct Abilities {
    pub tcp: bool,
    pub udp: bool,
}

pub struct Merger {
    groups: Vec<Group>,
    used: usize,
    abilities: Abilities,
}

impl Merger {
    pub fn new(abilities: Abilities) -> Merger {
        let groups = (0..GROUPS).map(|_| Group::default()).collect();
        Merger { groups, used: 0, abilities }
    }

    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// `write` takes what is to be written to the TUN, head and packet, and says whether the device took it.
    /// Returns how many packets the device did not take.
    pub fn push(&mut self, packet: &[u8], write: &mut impl FnMut(&[u8]) -> bool) -> usize {
        let shape = shape_of(packet).filter(|shape| match shape.protocol {
            TCP => self.abilities.tcp,
            _ => self.abilities.udp,
        });
        let mut lost = 0;
        if let Some(shape) = &shape {
            let found =
                self.groups[..self.used].iter().position(|one| one.is_same_flow(packet, shape));
            if let Some(at) = found {
                if self.groups[at].takes(packet, shape) && self.groups[at].add(packet, shape) {
                    return 0;
                }
                lost += self.write_group(at, write);
                self.groups[at].begin(packet, Some(shape));
                return lost;
            }
        } else {
            // It may belong to a flow that waits.
            lost += self.flush(write);
        }
        if self.used == GROUPS {
            lost += self.flush(write);
        }
        self.groups[self.used].begin(packet, shape.as_ref());
        self.used += 1;
        if shape.is_none() {
            lost += self.flush(write);
        }
        lost
    }

    pub fn flush(&mut self, write: &mut impl FnMut(&[u8]) -> bool) -> usize {
        let mut lost = 0;
        for at in 0..self.used {
            lost += self.write_group(at, write);
        }
        self.used = 0;
        lost
    }

    fn write_group(&mut self, at: usize, write: &mut impl FnMut(&[u8]) -> bool) -> usize {
        let count = self.groups[at].count;
        if write(self.groups[at].finish()) {
            0
        } else {
            count
        }
    }
}
