//! Packets too big for one datagram of a link, cut into parts and joined again, as `src/plane/portable/split.ts`.
use super::ip6::{u16_at, PACKET_MAX};
use crate::world::Instant;
use std::collections::VecDeque;

pub const PART: u8 = 0xa3;
pub const PART_HEAD: usize = 4;
const PARTS_MIN: usize = 2;
const PARTS_MAX: usize = 4;
const JOINS_MAX: usize = 64;
const JOIN_BYTES_MAX: usize = 262_144;
const JOIN_TIMEOUT_MSEC: f64 = 2_000.0;

/// Number of parts and packet bytes in each but the last; None when it cannot be done.
pub fn plan(packet_bytes: usize, payload_bytes_max: usize) -> Option<(usize, usize)> {
    let bytes = (payload_bytes_max - payload_bytes_max % 16).checked_sub(PART_HEAD)?;
    if bytes == 0 {
        return None;
    }
    let total = packet_bytes.div_ceil(bytes);
    (PARTS_MIN..=PARTS_MAX).contains(&total).then_some((total, bytes))
}

struct Pending {
    id: u16,
    until: Instant,
    parts: Vec<Option<Vec<u8>>>,
    missing: usize,
    bytes: usize,
}

pub enum Joined {
    Packet(Vec<u8>),
    Waiting,
    Refused,
}

/// The packets of one link that wait for parts; oldest first.
#[derive(Default)]
pub struct Joiner {
    pending: VecDeque<Pending>,
    bytes: usize,
    abandoned: u64,
}

impl Joiner {
    pub fn add(&mut self, now: Instant, payload: &[u8]) -> Joined {
        let shape = payload.get(1).copied().unwrap_or(0);
        let (index, total) = (usize::from(shape >> 4), usize::from(shape & 0x0f));
        let is_part =
            payload.len() > PART_HEAD && (PARTS_MIN..=PARTS_MAX).contains(&total) && index < total;
        if !is_part {
            return Joined::Refused;
        }
        self.expire(now);
        let bytes = payload.len() - PART_HEAD;
        let at = self.find_or_open(now, u16_at(payload, 2), total);
        let pending = &mut self.pending[at];
        let is_odd = pending.parts.len() != total || pending.parts[index].is_some();
        if is_odd || pending.bytes + bytes > PACKET_MAX + 15 {
            return Joined::Refused;
        }
        pending.parts[index] = Some(payload[PART_HEAD..].to_vec());
        pending.bytes += bytes;
        pending.missing -= 1;
        self.bytes += bytes;
        if pending.missing == 0 {
            return self.close(at).map_or(Joined::Refused, |done| {
                Joined::Packet(done.parts.into_iter().flatten().flatten().collect())
            });
        }
        while self.bytes > JOIN_BYTES_MAX {
            self.abandon_oldest();
        }
        Joined::Waiting
    }

    pub fn expire(&mut self, now: Instant) {
        while self.pending.front().is_some_and(|oldest| oldest.until <= now) {
            self.abandon_oldest();
        }
    }

    /// Packets given up since the last call.
    pub fn take_abandoned(&mut self) -> u64 {
        std::mem::take(&mut self.abandoned)
    }

    fn find_or_open(&mut self, now: Instant, id: u16, total: usize) -> usize {
        if let Some(at) = self.pending.iter().position(|one| one.id == id) {
            return at;
        }
        if self.pending.len() >= JOINS_MAX {
            self.abandon_oldest();
        }
        let until = now + JOIN_TIMEOUT_MSEC;
        let parts = vec![None; total];
        self.pending.push_back(Pending { id, until, parts, missing: total, bytes: 0 });
        self.pending.len() - 1
    }

    fn close(&mut self, at: usize) -> Option<Pending> {
        let done = self.pending.remove(at)?;
        self.bytes -= done.bytes;
        Some(done)
    }

    fn abandon_oldest(&mut self) {
        if self.close(0).is_some() {
            self.abandoned += 1;
        }
    }
}
