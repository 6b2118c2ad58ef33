//! A core between lists instead of sockets and a TUN: what the contract suite and the differential test run.
use crate::codec::{self, Reader, Writer};
use crate::core::drops::Reason;
use crate::core::{Core, From};
use crate::world::{Event, PathId, Sending, World};
use std::collections::HashMap;

/// Datagrams and packets of one direction as bytes: path (datagrams only), length, bytes, …
#[derive(Default)]
struct Lists {
    rooms: HashMap<PathId, usize>,
    /// Trains by path, in order of their first datagram.
    trains: Vec<(PathId, Vec<Vec<u8>>)>,
    slot: Option<(PathId, bool, Vec<u8>)>,
    sent: Writer,
    tun: Writer,
    events: Writer,
    is_blocked: bool,
}

impl World for Lists {
    fn path_room(&self, path: PathId) -> Option<usize> {
        self.rooms.get(&path).copied()
    }

    fn source_of(&self, path: PathId) -> u128 {
        u128::from(path)
    }

    fn address_of(&self, path: PathId) -> [u8; 24] {
        std::array::from_fn(|i| path.to_le_bytes()[i % 4])
    }

    fn slot(&mut self, path: PathId, len: usize, how: Sending) -> Option<&mut [u8]> {
        let (_, _, datagram) = self.slot.insert((path, how.urgent, vec![0; len]));
        Some(datagram)
    }

    fn is_full(&self) -> bool {
        false
    }

    fn commit(&mut self) -> bool {
        let Some((path, urgent, datagram)) = self.slot.take() else { return false };
        if urgent {
            if !self.is_blocked {
                self.sent.blob(0, &[path], &datagram);
            }
            return !self.is_blocked;
        }
        match self.trains.iter_mut().find(|(known, _)| *known == path) {
            Some((_, train)) => train.push(datagram),
            None => self.trains.push((path, vec![datagram])),
        }
        true
    }

    fn deliver(&mut self, packet: &[u8]) -> bool {
        if !self.is_blocked {
            self.tun.blob(0, &[], packet);
        }
        !self.is_blocked
    }

    fn emit(&mut self, event: Event) {
        self.events.event(&event);
    }
}

pub struct MemoryHost {
    core: Core,
    lists: Lists,
}

impl MemoryHost {
    pub fn new(seed: u64) -> MemoryHost {
        MemoryHost { core: Core::new(seed), lists: Lists::default() }
    }

    pub fn set_path(&mut self, path: PathId, room: Option<usize>) {
        match room {
            Some(room) => self.lists.rooms.insert(path, room),
            None => self.lists.rooms.remove(&path),
        };
    }

    pub fn set_blocked(&mut self, is_blocked: bool) {
        self.lists.is_blocked = is_blocked;
    }

    pub fn apply(&mut self, now: f64, commands: &[u8]) {
        let mut reader = Reader::new(commands);
        while let Some(kind) = reader.u8() {
            let Some(command) = codec::command(kind, &mut reader) else { return };
            self.core.apply(&mut self.lists, now, command);
        }
    }

    pub fn datagram(&mut self, now: f64, path: PathId, datagram: &mut [u8]) {
        self.core.datagram(&mut self.lists, now, From { path, ecn: 0 }, datagram);
    }

    pub fn tun_packet(&mut self, now: f64, packet: &[u8]) {
        self.core.tun_packet(&mut self.lists, now, packet);
    }

    /// Ends a pass: sends the trains.
    pub fn flush(&mut self, now: f64) {
        for (path, train) in self.lists.trains.drain(..) {
            if self.lists.is_blocked {
                self.core.count_many(Reason::SendFailed, train.len() as u64);
                continue;
            }
            for datagram in train {
                self.lists.sent.blob(0, &[path], &datagram);
            }
        }
        self.core.flush(now);
    }

    pub fn take_sent(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lists.sent.bytes)
    }

    pub fn take_tun(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lists.tun.bytes)
    }

    pub fn take_events(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.lists.events.bytes)
    }

    pub fn core(&self) -> &Core {
        &self.core
    }
}
