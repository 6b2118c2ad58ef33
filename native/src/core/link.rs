//! What the plane knows of one link.
use super::fib::Prefix;
use super::session::{Keypair, Session};
use super::split::Joiner;
use crate::world::{Instant, LinkId, PathId};
use std::collections::VecDeque;

/// As in Linux: packets held while a handshake runs.
const STAGED_MAX: usize = 128;

#[derive(Clone, Default)]
pub struct Settings {
    pub path: Option<PathId>,
    pub datagram_bytes_max: usize,
    pub mtu: usize,
    /// The peer gives no transit: it may only send what is its own.
    pub own_sources_only: bool,
    pub peer: Option<[u8; 16]>,
    /// Stock WireGuard peers only.
    pub prefixes: Option<Vec<Prefix>>,
}

/// The fields of `LinkCounters` in `src/plane/types.ts` that are kept; times in ms, 0 for never.
#[derive(Default, Clone)]
pub struct Counters {
    pub rx_packets: u64,
    pub rx_bytes: u64,
    pub tx_packets: u64,
    pub tx_bytes: u64,
    pub rx_data: u64,
    pub tx_data: u64,
    pub last_rx_at: Instant,
    pub last_tx_at: Instant,
    pub last_data_rx_at: Instant,
    pub last_data_tx_at: Instant,
    pub unanswered_since_at: Instant,
    pub split_tx: u64,
    pub joined_rx: u64,
}

pub struct Link {
    pub id: LinkId,
    pub settings: Settings,
    pub previous: Option<Box<Session>>,
    pub current: Option<Box<Session>>,
    pub next: Option<Box<Session>>,
    pub staged: VecDeque<Vec<u8>>,
    pub joiner: Joiner,
    pub split_id: u16,
    pub armed: bool,
    pub key_wanted_at: Option<Instant>,
    pub moved_at: Option<Instant>,
    pub counters: Counters,
    pub is_dirty: bool,
    lost_before: i64,
}

impl Link {
    pub fn new(id: LinkId) -> Link {
        Link {
            id,
            settings: Settings::default(),
            previous: None,
            current: None,
            next: None,
            staged: VecDeque::new(),
            joiner: Joiner::default(),
            split_id: 0,
            armed: false,
            key_wanted_at: None,
            moved_at: None,
            counters: Counters::default(),
            is_dirty: false,
            lost_before: 0,
        }
    }

    /// Its counters are about to change.
    #[inline]
    pub fn mark_dirty(&mut self, dirty: &mut Vec<LinkId>) {
        if !self.is_dirty {
            self.is_dirty = true;
            dirty.push(self.id);
        }
    }

    /// Until the peer is proven only control payloads pass.
    pub fn carries_packets(&self) -> bool {
        self.settings.peer.is_some() || self.settings.prefixes.is_some()
    }

    /// Keeps a packet until there is a key. Returns false when the oldest one had to go for it.
    pub fn stage(&mut self, packet: &[u8]) -> bool {
        let is_full = self.staged.len() >= STAGED_MAX;
        if is_full {
            self.staged.pop_front();
        }
        self.staged.push_back(packet.to_vec());
        !is_full
    }

    pub fn session(&mut self, local_index: u32) -> Option<&mut Box<Session>> {
        [&mut self.current, &mut self.next, &mut self.previous]
            .into_iter()
            .flatten()
            .find(|session| session.local_index == local_index)
    }

    /// As the initiator we send under the new keypair at once; as the responder it waits for the first packet.
    pub fn install(&mut self, keypair: &Keypair, freed: &mut Vec<u32>) {
        let session = Some(Box::new(Session::new(keypair)));
        if keypair.initiator {
            let old = self.current.take();
            let next = self.next.take();
            let previous = self.previous.take();
            self.forget(previous, freed);
            if next.is_some() {
                self.forget(old, freed);
                self.previous = next;
            } else {
                self.previous = old;
            }
            self.current = session;
        } else {
            let next = self.next.take();
            let previous = self.previous.take();
            self.forget(next, freed);
            self.forget(previous, freed);
            self.next = session;
        }
    }

    /// The first packet came under the keypair that we made as the responder.
    pub fn promote(&mut self, freed: &mut Vec<u32>) {
        let old = self.previous.take();
        self.previous = self.current.take();
        self.current = self.next.take();
        self.forget(old, freed);
    }

    /// Removes the sessions that `which` names.
    pub fn remove(&mut self, which: impl Fn(&Session) -> bool, freed: &mut Vec<u32>) {
        let mut gone = Vec::new();
        for slot in [&mut self.previous, &mut self.current, &mut self.next] {
            if slot.as_ref().is_some_and(|session| which(session)) {
                gone.push(slot.take());
            }
        }
        for session in gone {
            self.forget(session, freed);
        }
    }

    fn forget(&mut self, session: Option<Box<Session>>, freed: &mut Vec<u32>) {
        if let Some(session) = session {
            self.lost_before += session.lost();
            freed.push(session.local_index);
        }
    }

    pub fn lost(&self) -> i64 {
        let sessions = [&self.previous, &self.current, &self.next];
        self.lost_before + sessions.into_iter().flatten().map(|one| one.lost()).sum::<i64>()
    }
}
