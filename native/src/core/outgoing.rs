//! From an inner packet to datagrams on a path, as `src/plane/portable/outgoing.ts`.
use super::drops::{Drops, Reason};
use super::ip6;
use super::link::Link;
use super::session::{HEADER, OVERHEAD};
use super::split::{self, PART, PART_HEAD};
use crate::world::{Event, Instant, PathId, Sending, World};

const DATAGRAM_MAX: usize = 65_535;
/// Whitepaper §5.4.6: payloads are padded to a multiple of this.
const PADDING: usize = 16;
/// On a path that carries less, the kernel's late cutting of a train may be taken for one big datagram.
const TRAIN_ROOM_MIN: usize = 1392;
const KEY_WANTED_AGAIN_MSEC: f64 = 5_000.0;

const URGENT: Sending = Sending { urgent: true, ecn: 0 };

/// Where one packet goes.
#[derive(Clone, Copy)]
struct Way {
    /// Largest payload of one datagram.
    room: usize,
    ecn: u8,
}

fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(PADDING)
}

/// The sending side of one call.
pub struct Out<'a, W: World> {
    pub world: &'a mut W,
    pub drops: &'a mut Drops,
    pub now: Instant,
}

impl<W: World> Out<'_, W> {
    /// `packet` is exactly one IPv6 packet, no longer than the link's MTU. `hop_limit` replaces its own.
    #[inline]
    pub fn send(&mut self, link: &mut Link, packet: &[u8]) {
        if !link.current.as_ref().is_some_and(|session| session.is_usable(self.now)) {
            if !link.stage(packet) {
                self.drops.count(Reason::StagingFull);
            }
            self.want_key(link);
            return;
        }
        let Some(path) = link.settings.path else {
            self.drops.count(Reason::NoPath);
            return;
        };
        let room = link.settings.datagram_bytes_max.saturating_sub(OVERHEAD);
        let way = Way { room, ecn: ip6::ecn(packet) };
        if packet.len() <= room {
            let bytes = padded(packet.len()).min(room.max(packet.len()));
            self.seal(link, path, way, bytes, |payload| {
                payload[..packet.len()].copy_from_slice(packet);
                payload[packet.len()..].fill(0);
            });
        } else if !self.send_parts(link, path, way, packet) {
            return;
        }
        self.count_packet(link);
    }

    fn send_parts(&mut self, link: &mut Link, path: PathId, way: Way, packet: &[u8]) -> bool {
        let Some((total, bytes)) = split::plan(packet.len(), way.room) else {
            self.drops.count(Reason::TooBig);
            return false;
        };
        let id = link.split_id;
        link.split_id = id.wrapping_add(1);
        for (index, part) in packet.chunks(bytes).enumerate() {
            self.seal(link, path, way, padded(PART_HEAD + part.len()), |payload| {
                payload[0] = PART;
                payload[1] = (index << 4 | total) as u8;
                payload[2..PART_HEAD].copy_from_slice(&id.to_be_bytes());
                payload[PART_HEAD..PART_HEAD + part.len()].copy_from_slice(part);
                payload[PART_HEAD + part.len()..].fill(0);
            });
            link.counters.split_tx += 1;
        }
        true
    }

    /// Seals `bytes` of payload that `write` puts into the datagram.
    #[inline]
    fn seal(
        &mut self,
        link: &mut Link,
        path: PathId,
        way: Way,
        bytes: usize,
        write: impl FnOnce(&mut [u8]),
    ) {
        let Some(session) = &mut link.current else { return };
        let how = Sending { urgent: way.room < TRAIN_ROOM_MIN, ecn: way.ecn };
        let length = OVERHEAD + bytes;
        match self.world.slot(path, length, how) {
            Some(datagram) => {
                write(&mut datagram[HEADER..HEADER + bytes]);
                session.seal(datagram);
                if !self.world.commit() {
                    self.drops.count(Reason::SendFailed);
                }
            }
            None => {
                session.sent += 1;
                self.drops.count(Reason::SendFailed);
            }
        }
        self.count_datagram(link, length);
    }

    /// After a key came: what waited for it.
    pub fn send_staged(&mut self, link: &mut Link) {
        for _ in 0..link.staged.len() {
            if let Some(packet) = link.staged.pop_front() {
                self.send(link, &packet);
            }
        }
    }

    /// A control payload or a keepalive (empty), ahead of what waits. Not padded: its end is the end of the datagram.
    pub fn send_control(&mut self, link: &mut Link, payload: &[u8], via: Option<PathId>) {
        if !link.current.as_ref().is_some_and(|session| session.is_usable(self.now)) {
            self.drops.count(Reason::NoKey);
            self.want_key(link);
            return;
        }
        let path = via.or(link.settings.path);
        let bytes = OVERHEAD + payload.len();
        let Some(path) = path.filter(|path| self.fits(*path, bytes)) else {
            self.count_unfit(path);
            return;
        };
        let session = link.current.as_mut().expect("looked at above");
        let taken = match self.world.slot(path, bytes, URGENT) {
            Some(datagram) => {
                datagram[HEADER..HEADER + payload.len()].copy_from_slice(payload);
                session.seal(datagram);
                self.world.commit()
            }
            None => {
                session.sent += 1;
                false
            }
        };
        self.count_datagram(link, bytes);
        if !taken {
            self.drops.count(Reason::SendFailed);
        }
    }

    /// Bytes as they are: handshake messages.
    pub fn transmit(&mut self, path: PathId, datagram: &[u8]) {
        if !self.fits(path, datagram.len()) {
            self.count_unfit(Some(path));
            return;
        }
        let taken = match self.world.slot(path, datagram.len(), URGENT) {
            Some(slot) => {
                slot.copy_from_slice(datagram);
                self.world.commit()
            }
            None => false,
        };
        if !taken {
            self.drops.count(Reason::SendFailed);
        }
    }

    fn fits(&self, path: PathId, bytes: usize) -> bool {
        bytes <= self.world.path_room(path).unwrap_or(0).min(DATAGRAM_MAX)
    }

    fn count_unfit(&mut self, path: Option<PathId>) {
        let is_known = path.is_some_and(|path| self.world.path_room(path).is_some());
        self.drops.count(if is_known { Reason::TooBig } else { Reason::NoPath });
    }

    fn want_key(&mut self, link: &mut Link) {
        if link.key_wanted_at.is_some_and(|at| self.now < at + KEY_WANTED_AGAIN_MSEC) {
            return;
        }
        link.key_wanted_at = Some(self.now);
        self.world.emit(Event::KeyWanted { link: link.id });
    }

    fn count_datagram(&mut self, link: &mut Link, bytes: usize) {
        let counters = &mut link.counters;
        counters.tx_packets += 1;
        counters.tx_bytes += bytes as u64;
        counters.last_tx_at = self.now;
    }

    fn count_packet(&mut self, link: &mut Link) {
        let counters = &mut link.counters;
        counters.tx_data += 1;
        counters.last_data_tx_at = self.now;
        if counters.unanswered_since_at == 0.0 {
            counters.unanswered_since_at = self.now;
        }
        if link.armed {
            link.armed = false;
            self.world.emit(Event::Active { link: link.id });
        }
    }
}
