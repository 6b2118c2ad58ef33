//! From a datagram to an inner payload, as `src/plane/portable/incoming.ts`. Whatever is wrong is counted and dropped.
use super::drops::Reason;
use super::gate::{Sender, Verdict};
use super::ip6::{join_ecn, packet_length, u32le_at};
use super::outgoing::Out;
use super::session::{HEADER, OVERHEAD, TYPE_TRANSPORT};
use super::split::{Joined, PART};
use super::{Core, From};
use crate::world::{Event, Instant, LinkId, PathId, World};

const DATAGRAM_MAX: usize = 65_535;
const CONTROL_FIRST: u8 = 0xa0;
const CONTROL_LAST: u8 = 0xa2;
const CONTROL_RELAY: u8 = 0xa4;
/// A link's authenticated packets on another path are told of this often.
const MOVED_INTERVAL_MSEC: f64 = 100.0;

/// A datagram that was authenticated.
struct Arrival {
    now: Instant,
    path: PathId,
    link: LinkId,
    datagram_bytes: usize,
    ecn: u8,
}

fn is_transport(datagram: &[u8]) -> bool {
    (OVERHEAD..=DATAGRAM_MAX).contains(&datagram.len()) && u32le_at(datagram, 0) == TYPE_TRANSPORT
}

/// WireGuard's message types 1, 2 and 3, by type and size.
fn is_handshake(datagram: &[u8]) -> bool {
    let kind = if datagram.len() >= 64 { u32le_at(datagram, 0) } else { 0 };
    matches!((kind, datagram.len()), (1, 148) | (2, 92) | (3, 64))
}

impl Core {
    /// `datagram` is opened in place; its bytes are garbage afterwards.
    pub fn datagram(
        &mut self,
        world: &mut impl World,
        now: Instant,
        from: From,
        datagram: &mut [u8],
    ) {
        let From { path, ecn } = from;
        if !is_transport(datagram) {
            if is_handshake(datagram) {
                self.handshake(world, now, path, datagram);
            } else {
                self.drops.count(Reason::Malformed);
            }
            return;
        }
        let Some(link) = self.open(world, now, path, datagram) else { return };
        let datagram_bytes = datagram.len();
        if datagram_bytes > OVERHEAD {
            let arrival = Arrival { now, path, link, datagram_bytes, ecn };
            let end = datagram_bytes - (OVERHEAD - HEADER);
            self.payload(world, &arrival, &mut datagram[HEADER..end]);
        }
    }

    fn handshake(&mut self, world: &mut impl World, now: Instant, path: PathId, datagram: &[u8]) {
        let verdict = match &mut self.gate {
            Some(gate) => {
                let (source, address) = (world.source_of(path), world.address_of(path));
                gate.judge(now, &Sender { source, address }, datagram)
            }
            None => Verdict::Pass,
        };
        match verdict {
            Verdict::Pass => self.emit(world, Event::Handshake { path, datagram }),
            Verdict::BadMac => self.drops.count(Reason::Malformed),
            Verdict::Flood => self.drops.count(Reason::HandshakeFlood),
            Verdict::Cookie(reply) => {
                self.drops.count(Reason::CookieDemanded);
                Out { world, drops: &mut self.drops, now }.transmit(path, &reply);
            }
        }
    }

    /// Index, age, replay, tag; then counters, key rotation and path.
    #[inline]
    fn open(
        &mut self,
        world: &mut impl World,
        now: Instant,
        path: PathId,
        datagram: &mut [u8],
    ) -> Option<LinkId> {
        let index = u32le_at(datagram, 4);
        let counter = u64::from(u32le_at(datagram, 8)) | u64::from(u32le_at(datagram, 12)) << 32;
        let id = self.indices.get(&index).copied();
        let Some(link) = id.and_then(|id| self.links.get_mut(&id)) else {
            self.drops.count(Reason::UnknownIndex);
            return None;
        };
        let session = link.session(index)?;
        if session.is_expired(now) {
            self.drops.count(Reason::KeyExpired);
            return None;
        }
        if !session.replay.check(counter) {
            self.drops.count(Reason::Replayed);
            return None;
        }
        if !session.open(counter, datagram) {
            self.drops.count(Reason::BadTag);
            return None;
        }
        session.replay.mark(counter);
        session.received += 1;
        let is_first = session.received == 1;
        link.mark_dirty(&mut self.dirty);
        let counters = &mut link.counters;
        counters.rx_packets += 1;
        counters.rx_bytes += datagram.len() as u64;
        counters.last_rx_at = now;
        counters.unanswered_since_at = 0.0;
        if is_first {
            self.confirm(world, now, id?, index);
        }
        self.note_path(world, now, id?, path);
        id
    }

    /// The other side has the keys: as the responder we may use them now.
    fn confirm(&mut self, world: &mut impl World, now: Instant, id: LinkId, index: u32) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.next.as_ref().is_some_and(|next| next.local_index == index) {
            link.promote(&mut self.freed);
        }
        world.emit(Event::Confirmed { link: id, local_index: index });
        if link.current.as_ref().is_some_and(|current| current.local_index == index) {
            Out { world, drops: &mut self.drops, now }.send_staged(link);
        }
        self.free_indices();
    }

    #[inline]
    fn note_path(&mut self, world: &mut impl World, now: Instant, id: LinkId, path: PathId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        let told_lately = link.moved_at.is_some_and(|at| now < at + MOVED_INTERVAL_MSEC);
        if link.settings.path == Some(path) || told_lately {
            return;
        }
        link.moved_at = Some(now);
        self.emit(world, Event::Moved { link: id, path });
    }

    #[inline]
    fn payload(&mut self, world: &mut impl World, arrival: &Arrival, payload: &mut [u8]) {
        let first = payload[0];
        match first {
            0x60..=0x6f => self.packet(world, arrival, payload),
            CONTROL_FIRST..=CONTROL_LAST | CONTROL_RELAY => {
                let datagram_bytes = arrival.datagram_bytes as u32;
                let Arrival { link, path, .. } = *arrival;
                self.emit(world, Event::Control { link, path, datagram_bytes, payload });
            }
            PART => self.part(world, arrival, payload),
            0x40..=0x4f => {
                if let Some(link) = self.links.get_mut(&arrival.link) {
                    link.counters.last_data_rx_at = arrival.now;
                }
                self.drops.count(Reason::NotIp6);
            }
            _ => self.drops.count(Reason::UnknownPayload),
        }
    }

    #[inline]
    fn packet(&mut self, world: &mut impl World, arrival: &Arrival, payload: &mut [u8]) {
        let Some(length) = packet_length(payload) else {
            self.drops.count(Reason::Malformed);
            return;
        };
        let Some(link) = self.links.get_mut(&arrival.link) else { return };
        if !join_ecn(arrival.ecn, payload) {
            self.drops.count(Reason::Congested);
            return;
        }
        link.counters.rx_data += 1;
        link.counters.last_data_rx_at = arrival.now;
        if link.armed {
            link.armed = false;
            world.emit(Event::Active { link: arrival.link });
        }
        self.packet_from_link(world, arrival.now, arrival.link, &mut payload[..length]);
    }

    /// Only IPv6 packets are split, so nothing else comes out of parts.
    fn part(&mut self, world: &mut impl World, arrival: &Arrival, payload: &[u8]) {
        let Some(link) = self.links.get_mut(&arrival.link) else { return };
        let joined = link.joiner.add(arrival.now, payload);
        let refused = u64::from(matches!(joined, Joined::Refused));
        let abandoned = link.joiner.take_abandoned() + refused;
        if abandoned > 0 {
            self.drops.add(Reason::Reassembly, abandoned);
        }
        if let Joined::Packet(mut packet) = joined {
            link.counters.joined_rx += 1;
            self.packet(world, arrival, &mut packet);
        }
    }
}
