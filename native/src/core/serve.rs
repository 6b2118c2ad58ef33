//! Taking turns: what comes from the kernel waits in the fair queue until it is sealed, and so does what is in transit while
//! others wait or the way out is full.
use super::drops::Reason;
use super::ip6;
use super::queue::{QueueCounters, Waiting};
use super::Core;
use crate::offload::{split, Vnet, VNET};
use crate::world::{Instant, LinkId, World};

/// Packets up to this wait in a buffer of their size.
const SMALL_BYTES: usize = 2048;

impl Core {
    /// Room for the next read of the TUN.
    pub fn read_buffer(&mut self) -> Vec<u8> {
        self.queue.buffer()
    }

    pub fn keep_buffer(&mut self, buffer: Vec<u8>) {
        self.queue.recycle(buffer);
    }

    /// Bytes that wait, the most that ever waited, packets marked.
    pub fn queue_counters(&self) -> [f64; 3] {
        let QueueCounters { marked, bytes_high } = self.queue.counters;
        [self.queue.bytes() as f64, bytes_high as f64, marked as f64]
    }

    pub fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What the kernel handed over: a vnet header and a packet. `in_parts` cuts a train now, so that others pass between
    /// its packets.
    pub fn read_from_tun(
        &mut self,
        now: Instant,
        mut buffer: Vec<u8>,
        length: usize,
        in_parts: bool,
    ) {
        if length <= SMALL_BYTES {
            let small = buffer[..length].to_vec();
            self.queue.recycle(buffer);
            self.wait(now, VNET, Waiting::Own { buffer: small, length });
            return;
        }
        if !in_parts {
            self.wait(now, VNET, Waiting::Own { buffer, length });
            return;
        }
        let Some((vnet, packet)) = read_vnet(&mut buffer[..length]) else { return };
        let mut packets = Vec::new();
        if split::split(&vnet, packet, |packet| packets.push(plain(packet))).is_err() {
            self.drops.count(Reason::Malformed);
        }
        for packet in packets {
            self.wait(now, VNET, Waiting::Own { length: packet.len(), buffer: packet });
        }
        self.queue.recycle(buffer);
    }

    fn wait(&mut self, now: Instant, head: usize, waiting: Waiting) {
        let gone = self.queue.push(now, head, waiting);
        self.drops.add(Reason::Overlimit, gone);
    }

    #[inline]
    pub(super) fn send_in_turn(
        &mut self,
        world: &mut impl World,
        now: Instant,
        out: LinkId,
        packet: &[u8],
    ) {
        if self.queue.is_empty() && !world.is_full() {
            self.send(world, now, out, packet);
        } else {
            self.wait(now, 0, Waiting::Transit { out, packet: packet.to_vec() });
        }
    }

    /// Sends what waits, until about `bytes` are done or the way out is full. Returns the bytes.
    pub fn serve(&mut self, world: &mut impl World, now: Instant, bytes: usize) -> usize {
        let mut done = 0;
        while done < bytes && !world.is_full() {
            let Some(popped) = self.queue.pop(now) else { break };
            match popped.value {
                Waiting::Own { mut buffer, length } => {
                    done += length;
                    self.serve_own(world, now, &mut buffer[..length], popped.is_congested);
                    self.queue.recycle(buffer);
                }
                Waiting::Transit { out, mut packet } => {
                    done += packet.len();
                    if popped.is_congested && !self.mark(&mut packet) {
                        self.drops.count(Reason::Congested);
                    } else if self.links.contains_key(&out) {
                        self.send(world, now, out, &packet);
                    } else {
                        self.drops.count(Reason::NoRoute);
                    }
                }
            }
        }
        done
    }

    /// Of a train that cannot be marked the first packet is dropped: one loss is what its sender needs to know.
    fn serve_own(
        &mut self,
        world: &mut impl World,
        now: Instant,
        buffer: &mut [u8],
        is_congested: bool,
    ) {
        let Some((vnet, packet)) = read_vnet(buffer) else { return };
        let mut drops_first = is_congested && !self.mark(packet);
        let done = split::split(&vnet, packet, |packet| {
            if std::mem::take(&mut drops_first) {
                self.drops.count(Reason::Congested);
            } else {
                self.tun_packet(world, now, packet);
            }
        });
        if done.is_err() {
            self.drops.count(Reason::Malformed);
        }
    }

    fn mark(&mut self, packet: &mut [u8]) -> bool {
        let is_marked = packet.first().is_some_and(|first| first >> 4 == 6) && ip6::mark(packet);
        self.queue.counters.marked += u64::from(is_marked);
        is_marked
    }
}

fn read_vnet(buffer: &mut [u8]) -> Option<(Vnet, &mut [u8])> {
    let (head, packet) = buffer.split_first_chunk_mut::<VNET>()?;
    Some((Vnet::read(head), packet))
}

/// A whole packet behind a header that asks for nothing.
fn plain(packet: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(VNET + packet.len());
    out.resize(VNET, 0);
    out.extend_from_slice(packet);
    out
}
