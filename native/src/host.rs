//! The world of a router: sockets, their paths, and the TUN. What the core sends is gathered and leaves in trains.
use crate::codec::{Writer, NONE};
use crate::offload::merge::{Abilities, Merger};
use crate::sys::backlog::{Backlog, BYTES_FIRST};
use crate::sys::tun::Tun;
use crate::sys::udp::{self, Ends, Socket};
use crate::world::{Event, Instant, PathId, Sending, World};
use std::collections::{HashMap, VecDeque};

/// Paths that strangers made: numbers from here on, given by the worker until control code gives them one of its own.
const STRANGERS_FROM: PathId = 0x8000_0000;
const STRANGERS_MAX: usize = 4096;
/// What the loopback carries in one piece with either family's headers, rounded down; as the `udp` transport says.
const UDP_ROOM: usize = 65_000;
const ARENA_BYTES: usize = 512 * 1024;
/// linux/udp.h, UDP_MAX_SEGMENTS of all kernels that have UDP_SEGMENT.
const SEGMENTS_MAX: usize = 64;
/// UDP over IPv6; a little less for what else may come before it.
const TRAIN_BYTES_MAX: usize = 65_480;
const UNREACHABLE_INTERVAL_MSEC: f64 = 50.0;
/// Sealed datagrams that wait for the kernel: those of one pass, about.
const HELD_BYTES_MAX: usize = 2 * ARENA_BYTES;
const HELD_URGENT_MAX: usize = 256;
/// What one turn sends before others are looked at.
const PORTION_BYTES: usize = 128 * 1024;
/// Bytes of events of one pass; what is beyond is left out.
const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    Udp,
    /// Control code carries its datagrams.
    External,
}

struct Path {
    carrier: Carrier,
    ends: Ends,
    room: usize,
    /// UDP_SEGMENT works on the way there, as far as we know.
    segments: bool,
    failed_at: Option<Instant>,
    /// Control code knows its number.
    is_told: bool,
}

#[derive(Clone, Copy)]
struct Queued {
    path: PathId,
    at: usize,
    bytes: usize,
    ecn: u8,
}

/// Sealed datagrams that the kernel did not take.
struct Held {
    path: PathId,
    ecn: u8,
    segment: usize,
    bytes: Vec<u8>,
}

pub struct Host {
    sockets: Vec<Socket>,
    /// Of each socket.
    backlogs: Vec<Backlog>,
    held: VecDeque<Held>,
    held_bytes: usize,
    held_urgent: VecDeque<Held>,
    /// The sockets that took no more.
    full: Vec<bool>,
    pub tun: Option<Tun>,
    merger: Merger,
    paths: HashMap<PathId, Path>,
    by_ends: HashMap<Ends, PathId>,
    strangers: VecDeque<PathId>,
    next_stranger: PathId,
    arena: Vec<u8>,
    used: usize,
    queue: Vec<Queued>,
    slot: Option<Queued>,
    urgent: Vec<u8>,
    is_urgent: bool,
    pub events: Writer,
    pub now: Instant,
    /// Sealed datagrams that could not be sent since the last look.
    pub unsent: u64,
    /// Packets that the TUN did not take since the last look.
    pub undelivered: u64,
}

impl Default for Host {
    fn default() -> Self {
        Host {
            sockets: Vec::new(),
            backlogs: Vec::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            held_urgent: VecDeque::new(),
            full: Vec::new(),
            tun: None,
            merger: Merger::new(Abilities { tcp: false, udp: false }),
            paths: HashMap::new(),
            by_ends: HashMap::new(),
            strangers: VecDeque::new(),
            next_stranger: STRANGERS_FROM,
            arena: vec![0; ARENA_BYTES],
            used: 0,
            queue: Vec::new(),
            slot: None,
            urgent: Vec::new(),
            is_urgent: false,
            events: Writer::default(),
            now: 0.0,
            unsent: 0,
            undelivered: 0,
        }
    }
}

impl Host {
    pub fn add_socket(&mut self, socket: Socket) {
        socket.limit_backlog(BYTES_FIRST);
        self.sockets.push(socket);
        self.backlogs.push(Backlog::default());
        self.full.push(false);
    }

    pub fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// Whether it took no more, and is to be waited for.
    pub fn is_socket_full(&self, at: usize) -> bool {
        self.full[at]
    }

    /// Packets should wait singly, not in trains.
    pub fn is_slow(&self) -> bool {
        self.backlogs.iter().any(Backlog::is_slow)
    }

    /// How many bytes to seal before the kernel is asked whether it takes them.
    pub fn portion(&self) -> usize {
        let slow = self.backlogs.iter().filter(|backlog| backlog.is_slow());
        slow.map(Backlog::portion).min().unwrap_or(PORTION_BYTES)
    }

    /// A socket can be written again: what was held leaves, control first.
    pub fn resume(&mut self, at: usize) {
        self.full[at] = false;
        if let Some(bytes) = self.backlogs[at].drained(self.now) {
            self.sockets[at].limit_backlog(bytes);
        }
        for held in std::mem::take(&mut self.held_urgent) {
            self.send_whole(held.path, held.ecn, held.segment, &held.bytes, true);
        }
        self.held_bytes = 0;
        for held in std::mem::take(&mut self.held) {
            self.send_whole(held.path, held.ecn, held.segment, &held.bytes, false);
        }
    }

    fn set_full(&mut self, socket: u32) {
        if let Some(at) = self.sockets.iter().position(|known| known.id == socket) {
            self.full[at] = true;
            self.backlogs[at].filled(self.now);
        }
    }

    fn hold(&mut self, path: PathId, ecn: u8, segment: usize, bytes: &[u8], is_urgent: bool) {
        let held = Held { path, ecn, segment, bytes: bytes.to_vec() };
        if is_urgent && self.held_urgent.len() < HELD_URGENT_MAX {
            self.held_urgent.push_back(held);
        } else if !is_urgent && self.held_bytes < HELD_BYTES_MAX {
            self.held_bytes += bytes.len();
            self.held.push_back(held);
        } else {
            self.unsent += bytes.len().div_ceil(segment.max(1)) as u64;
        }
    }

    pub fn set_tun(&mut self, tun: Tun) {
        self.merger = Merger::new(tun.enable_offloads());
        self.tun = Some(tun);
    }

    /// After a panic: what was on its way is gone, and counted; sockets, TUN and paths stay.
    pub fn recover(&mut self) {
        self.unsent += self.queue.len() as u64;
        self.queue.clear();
        self.arena.resize(ARENA_BYTES, 0);
        self.used = 0;
        self.slot = None;
        self.is_urgent = false;
        self.held_bytes = self.held.iter().map(|held| held.bytes.len()).sum();
        self.merger = Merger::new(self.merger.abilities());
    }

    /// Control code's number for a path, and where it leads.
    pub fn set_path(&mut self, id: PathId, carrier: Carrier, room: usize, ends: Ends) {
        self.remove_path(id);
        if carrier == Carrier::Udp {
            if let Some(old) = self.by_ends.insert(ends, id).filter(|old| *old >= STRANGERS_FROM) {
                self.paths.remove(&old);
            }
        }
        let path = Path { carrier, ends, room, segments: true, failed_at: None, is_told: true };
        self.paths.insert(id, path);
    }

    pub fn remove_path(&mut self, id: PathId) {
        if let Some(old) = self.paths.remove(&id) {
            if self.by_ends.get(&old.ends) == Some(&id) {
                self.by_ends.remove(&old.ends);
            }
        }
    }

    /// The path that a datagram came by.
    pub fn path_from(&mut self, ends: Ends) -> PathId {
        if let Some(id) = self.by_ends.get(&ends) {
            return *id;
        }
        if self.strangers.len() >= STRANGERS_MAX {
            if let Some(oldest) = self.strangers.pop_front() {
                self.remove_path(oldest);
            }
        }
        let id = self.next_stranger;
        self.next_stranger = id.checked_add(1).unwrap_or(STRANGERS_FROM);
        let path = Path {
            carrier: Carrier::Udp,
            ends,
            room: UDP_ROOM,
            segments: true,
            failed_at: None,
            is_told: false,
        };
        self.paths.insert(id, path);
        self.by_ends.insert(ends, id);
        self.strangers.push_back(id);
        id
    }

    /// Ends a pass: what was gathered for the TUN and for the sockets leaves.
    pub fn flush(&mut self) {
        self.flush_tun();
        self.flush_sends();
    }

    pub fn flush_tun(&mut self) {
        let tun = self.tun;
        let mut write = |bytes: &[u8]| tun.is_some_and(|tun| tun.write(bytes));
        self.undelivered += self.merger.flush(&mut write) as u64;
    }

    pub fn flush_sends(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        let arena = std::mem::take(&mut self.arena);
        let mut done = vec![false; queue.len()];
        for first in 0..queue.len() {
            if !done[first] {
                self.send_path(&arena, &queue[first..], &mut done[first..]);
            }
        }
        self.arena = arena;
        self.queue = queue;
        self.queue.clear();
        self.used = 0;
    }

    /// Sends everything of the first datagram's path, in order, in trains.
    fn send_path(&mut self, arena: &[u8], queue: &[Queued], done: &mut [bool]) {
        let path = queue[0].path;
        let longest = if self.is_slow() { self.portion() } else { TRAIN_BYTES_MAX };
        let mut run: Option<(Queued, usize)> = None;
        for (queued, done) in queue.iter().zip(done) {
            if queued.path != path {
                continue;
            }
            *done = true;
            run = match run {
                Some((train, segment)) if continues(&train, segment, queued, longest) => {
                    Some((Queued { bytes: train.bytes + queued.bytes, ..train }, segment))
                }
                _ => {
                    if let Some((train, segment)) = run {
                        self.send_train(train, &arena[train.at..train.at + train.bytes], segment);
                    }
                    Some((*queued, queued.bytes))
                }
            };
        }
        if let Some((train, segment)) = run {
            self.send_train(train, &arena[train.at..train.at + train.bytes], segment);
        }
    }

    /// Datagrams of `segment` bytes, the last may be shorter.
    fn send_train(&mut self, train: Queued, bytes: &[u8], segment: usize) {
        let Queued { path: id, ecn, .. } = train;
        let count = bytes.len().div_ceil(segment.max(1)) as u64;
        let Some(path) = self.paths.get(&id) else {
            self.unsent += count;
            return;
        };
        if path.carrier == Carrier::External {
            for datagram in bytes.chunks(segment) {
                self.external(id, datagram);
            }
        } else if path.segments || count == 1 {
            self.send_whole(id, ecn, segment, bytes, false);
        } else {
            self.send_singly(id, ecn, bytes, segment);
        }
    }

    /// One train, or one datagram.
    fn send_whole(&mut self, id: PathId, ecn: u8, segment: usize, bytes: &[u8], is_urgent: bool) {
        if self.is_full() && !is_urgent {
            self.hold(id, ecn, segment, bytes, false);
            return;
        }
        match self.send_udp(id, ecn, bytes, segment) {
            Outcome::Taken => {}
            Outcome::Lost => self.unsent += bytes.len().div_ceil(segment.max(1)) as u64,
            Outcome::Full => self.hold(id, ecn, segment, bytes, is_urgent),
            Outcome::OneByOne => self.send_singly(id, ecn, bytes, segment),
        }
    }

    fn send_singly(&mut self, id: PathId, ecn: u8, bytes: &[u8], segment: usize) {
        for datagram in bytes.chunks(segment) {
            self.send_whole(id, ecn, datagram.len(), datagram, false);
        }
    }

    fn send_udp(&mut self, id: PathId, ecn: u8, bytes: &[u8], segment: usize) -> Outcome {
        for _ in 0..2 {
            let Some(ends) = self.paths.get(&id).map(|path| path.ends) else {
                return Outcome::Lost;
            };
            let Some(socket) = self.socket_for(&ends) else {
                self.fail(id, UNREACHABLE, NONE);
                return Outcome::Lost;
            };
            let Err(errno) = udp::send(&socket, &ends, ecn, bytes, segment) else {
                return Outcome::Taken;
            };
            let is_train = bytes.len() > segment;
            match errno {
                libc::EMSGSIZE if !is_train => {
                    self.fail(id, TOO_BIG, bytes.len() as u32);
                    return Outcome::Lost;
                }
                libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP if is_train => {
                    if errno != libc::EMSGSIZE {
                        self.with_path(id, |path| path.segments = false);
                    }
                    return Outcome::OneByOne;
                }
                libc::EAGAIN => {
                    self.set_full(socket.id);
                    return Outcome::Full;
                }
                libc::EPERM | libc::ENOBUFS | libc::ECONNREFUSED | libc::EINTR => {
                    return Outcome::Lost;
                }
                // The own address is gone: the kernel chooses again.
                _ if ends.has_local() => self.with_path(id, |path| {
                    path.ends.local = [0; 16];
                    path.ends.local_zone = 0;
                }),
                _ => {
                    self.fail(id, UNREACHABLE, NONE);
                    return Outcome::Lost;
                }
            }
        }
        Outcome::Lost
    }

    fn with_path(&mut self, id: PathId, change: impl FnOnce(&mut Path)) {
        if let Some(path) = self.paths.get_mut(&id) {
            change(path);
        }
    }

    fn fail(&mut self, id: PathId, failure: u32, bytes: u32) {
        let now = self.now;
        let Some(path) = self.paths.get_mut(&id).filter(|path| path.is_told) else { return };
        if path.failed_at.is_some_and(|at| now - at < UNREACHABLE_INTERVAL_MSEC) {
            return;
        }
        path.failed_at = Some(now);
        self.events.path_failed(id, failure, bytes);
    }

    /// The socket that the remote spoke to, else the best of its family.
    fn socket_for(&self, ends: &Ends) -> Option<Socket> {
        let own = self.sockets.iter().find(|socket| socket.id == ends.socket);
        let fits = |socket: &&Socket| match ends.is_ip4() {
            true => !socket.is_ip6 || socket.takes_ip4,
            false => socket.is_ip6,
        };
        let any = || self.sockets.iter().filter(fits).max_by_key(|socket| socket.is_wildcard);
        own.or_else(any).copied()
    }

    fn external(&mut self, id: PathId, datagram: &[u8]) {
        if self.events.bytes.len() < EVENT_BYTES_MAX {
            self.events.external(id, datagram);
        } else {
            self.unsent += 1;
        }
    }

    fn udp_ends(&self, path: PathId) -> Option<&Ends> {
        self.paths.get(&path).filter(|path| path.carrier == Carrier::Udp).map(|path| &path.ends)
    }

    /// Control code hears of a stranger's path when something is said about it.
    fn tell_path(&mut self, id: PathId) {
        let Some(path) = self.paths.get_mut(&id).filter(|path| !path.is_told) else { return };
        path.is_told = true;
        self.events.new_path(id, &path.ends.write());
    }
}

const UNREACHABLE: u32 = 1;
const TOO_BIG: u32 = 2;

enum Outcome {
    Taken,
    Lost,
    /// The socket takes no more for now.
    Full,
    OneByOne,
}

/// Whether a datagram can be the next of a train: right behind it, no longer than the others, and none was shorter.
fn continues(train: &Queued, segment: usize, next: &Queued, longest: usize) -> bool {
    next.at == train.at + train.bytes
        && next.ecn == train.ecn
        && next.bytes <= segment
        && train.bytes % segment == 0
        && train.bytes / segment < SEGMENTS_MAX
        && train.bytes + next.bytes <= longest
}

impl World for Host {
    #[inline]
    fn path_room(&self, path: PathId) -> Option<usize> {
        self.paths.get(&path).map(|path| path.room)
    }

    /// An IPv4 address, or an IPv6 /64. A path that has none, as of a stream, is a source of its own.
    fn source_of(&self, path: PathId) -> u128 {
        let Some(ends) = self.udp_ends(path) else { return u128::from(path) | 1 << 127 };
        let address = u128::from_be_bytes(ends.remote);
        let is_link_local = address >> 118 == 0xfe80 >> 6;
        if ends.is_ip4() || is_link_local {
            address
        } else {
            address >> 64
        }
    }

    fn address_of(&self, path: PathId) -> [u8; 24] {
        let mut out = [0; 24];
        if let Some(ends) = self.udp_ends(path) {
            out[..16].copy_from_slice(&ends.remote);
            out[16..20].copy_from_slice(&ends.remote_zone.to_le_bytes());
            out[20..].copy_from_slice(&ends.port.to_le_bytes());
        } else {
            out[20..].copy_from_slice(&path.to_le_bytes());
        }
        out
    }

    #[inline]
    fn slot(&mut self, path: PathId, bytes: usize, how: Sending) -> Option<&mut [u8]> {
        let Sending { urgent, ecn } = how;
        self.is_urgent = urgent;
        if urgent {
            self.slot = Some(Queued { path, at: 0, bytes, ecn });
            self.urgent.resize(bytes, 0);
            return Some(&mut self.urgent);
        }
        if self.used + bytes > self.arena.len() {
            self.flush_sends();
        }
        self.slot = Some(Queued { path, at: self.used, bytes, ecn });
        self.arena.get_mut(self.used..self.used + bytes)
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.full.contains(&true)
    }

    #[inline]
    fn commit(&mut self) -> bool {
        let Some(slot) = self.slot.take() else { return false };
        if !self.is_urgent {
            self.used += slot.bytes;
            self.queue.push(slot);
            return true;
        }
        if self.paths.get(&slot.path).is_some_and(|path| path.carrier == Carrier::External) {
            let datagram = std::mem::take(&mut self.urgent);
            self.external(slot.path, &datagram);
            self.urgent = datagram;
            return true;
        }
        let datagram = std::mem::take(&mut self.urgent);
        let outcome = self.send_udp(slot.path, slot.ecn, &datagram, datagram.len());
        if matches!(outcome, Outcome::Full) {
            self.hold(slot.path, slot.ecn, datagram.len(), &datagram, true);
        }
        self.urgent = datagram;
        matches!(outcome, Outcome::Taken | Outcome::Full)
    }

    #[inline]
    fn deliver(&mut self, packet: &[u8]) -> bool {
        let Some(tun) = self.tun else { return false };
        self.undelivered += self.merger.push(packet, &mut |bytes| tun.write(bytes)) as u64;
        true
    }

    fn emit(&mut self, event: Event) {
        if self.events.bytes.len() > EVENT_BYTES_MAX {
            return;
        }
        if let Event::Handshake { path, .. }
        | Event::Control { path, .. }
        | Event::Moved { path, .. } = event
        {
            self.tell_path(path);
        }
        self.events.event(&event);
    }
}
