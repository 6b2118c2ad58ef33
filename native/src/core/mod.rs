//! The plane without I/O, as `src/plane/portable/core.ts`: whoever hosts it feeds datagrams, packets and commands in, and
//! calls `flush` at the end of each pass. The way of a packet: `datagram` (open) → `packet_from_link` (where to) → `send` (seal).
pub mod blake2s;
mod codel;
mod cookie;
pub mod drops;
mod fair;
pub mod fib;
mod flow;
mod forward;
pub mod gate;
pub mod hash;
mod icmp6;
mod incoming;
pub mod ip6;
pub mod link;
mod outgoing;
mod queue;
mod replay;
mod serve;
pub mod session;
mod split;

use crate::world::{Event, Instant, LinkId, PathId, World};
use drops::{Drops, Reason};
use fib::{Fib, Hop, Layer, Prefix};
use hash::Seeded;
use link::{Link, Settings};
use session::Keypair;
use std::collections::HashMap;

/// Handshake messages that one pass hands up; each may cost control code a Diffie-Hellman.
const HANDSHAKES_PER_PASS: u32 = 256;
/// Other events that the network can cause at will, in one pass.
const EVENTS_PER_PASS: u32 = 4096;
const SWEEP_INTERVAL_MSEC: f64 = 1_000.0;
const ICMP6_PER_SEC: f64 = 100.0;
const ICMP6_BURST: f64 = 50.0;

/// What control code tells the plane; the fields are those of `PlaneCommand` in `src/plane/types.ts`.
pub enum Command {
    Local { address: [u8; 16], prefixes: Vec<Prefix>, transit: bool },
    Link { link: LinkId, settings: Settings },
    RemoveLink { link: LinkId },
    Keypair { link: LinkId, keypair: Keypair },
    WipeKeys { link: LinkId },
    Fib { changes: Vec<(Prefix, Option<LinkId>)> },
    Send { link: LinkId, payload: Vec<u8>, via: Option<PathId> },
    Transmit { path: PathId, datagram: Vec<u8> },
    Arm { link: LinkId },
    Inject { packet: Vec<u8> },
}

/// Where a datagram came from, and what its outer header says.
#[derive(Clone, Copy)]
pub struct From {
    pub path: PathId,
    pub ecn: u8,
}

struct TokenBucket {
    tokens: f64,
    at: Option<Instant>,
}

impl TokenBucket {
    fn take(&mut self, now: Instant) -> bool {
        let gained = (now - self.at.unwrap_or(now)).max(0.0) * ICMP6_PER_SEC / 1000.0;
        self.tokens = (self.tokens + gained).min(ICMP6_BURST);
        self.at = Some(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

pub struct Core {
    links: HashMap<LinkId, Link, Seeded>,
    /// Whose key our index is.
    indices: HashMap<u32, LinkId, Seeded>,
    fib: Fib,
    drops: Drops,
    pongs: icmp6::Pongs,
    icmp_tokens: TokenBucket,
    own: Option<[u8; 16]>,
    locals: Vec<Prefix>,
    transit: bool,
    handshakes: u32,
    events: u32,
    sweep_at: Option<Instant>,
    gate: Option<gate::Gate>,
    seed: u64,
    freed: Vec<u32>,
    /// Links whose counters changed since they were last asked for.
    dirty: Vec<LinkId>,
    queue: queue::Queue,
}

impl Core {
    /// `seed` spreads keys over the tables, so that nobody can aim at one bucket.
    pub fn new(seed: u64) -> Core {
        Core {
            links: HashMap::with_hasher(Seeded(seed)),
            indices: HashMap::with_hasher(Seeded(seed)),
            fib: Fib::new(seed),
            drops: Drops::default(),
            pongs: icmp6::Pongs::default(),
            icmp_tokens: TokenBucket { tokens: ICMP6_BURST, at: None },
            own: None,
            locals: Vec::new(),
            transit: false,
            handshakes: 0,
            events: 0,
            sweep_at: None,
            gate: None,
            seed,
            freed: Vec::new(),
            dirty: Vec::new(),
            queue: queue::Queue::new(seed),
        }
    }

    pub fn drops(&self) -> &[u64; drops::NAMES.len()] {
        self.drops.all()
    }

    /// What went wrong at the host.
    pub fn count_many(&mut self, reason: Reason, packets: u64) {
        self.drops.add(reason, packets);
    }

    pub fn count(&mut self, reason: Reason) {
        self.drops.count(reason);
    }

    pub fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// Hands out the links whose counters changed since the last call.
    pub fn take_dirty(&mut self, mut each: impl FnMut(&Link)) {
        for id in self.dirty.drain(..) {
            if let Some(link) = self.links.get_mut(&id) {
                link.is_dirty = false;
                each(link);
            }
        }
    }

    /// From now on handshake messages must have MAC1, show cookies when they are many, and are limited by their source.
    pub fn guard_handshakes(&mut self, keys: gate::GateKeys) {
        self.gate = Some(gate::Gate::new(keys, self.seed));
    }

    /// After a panic: what is made from other things is made anew, what waited is gone; keys, their counters and
    /// replay windows, routes and counters stay. A counter is taken before it seals, so none is used twice.
    pub fn recover(&mut self) {
        self.freed.clear();
        self.dirty.clear();
        self.indices.clear();
        self.drops.add(Reason::QueueFull, self.queue.clear());
        for (id, link) in &mut self.links {
            link.joiner = split::Joiner::default();
            link.is_dirty = false;
            link.mark_dirty(&mut self.dirty);
            for session in [&link.previous, &link.current, &link.next].into_iter().flatten() {
                self.indices.insert(session.local_index, *id);
            }
        }
    }

    pub fn fib(&self) -> &Fib {
        &self.fib
    }

    pub fn apply(&mut self, world: &mut impl World, now: Instant, command: Command) {
        match command {
            Command::Local { address, prefixes, transit } => {
                self.configure(address, prefixes, transit);
            }
            Command::Link { link, settings } => self.configure_link(link, settings),
            Command::RemoveLink { link } => {
                self.forget_keys(link);
                self.set_prefixes(link, None);
                self.links.remove(&link);
            }
            Command::Keypair { link, keypair } => self.install(world, now, link, &keypair),
            Command::WipeKeys { link } => self.forget_keys(link),
            Command::Fib { changes } => {
                for (prefix, link) in changes {
                    self.fib.set(prefix, Layer::Route, link.map_or(Hop::None, Hop::Link));
                }
            }
            Command::Send { link, payload, via } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.mark_dirty(&mut self.dirty);
                    let mut out = outgoing::Out { world, drops: &mut self.drops, now };
                    out.send_control(link, &payload, via);
                }
            }
            Command::Transmit { path, datagram } => {
                outgoing::Out { world, drops: &mut self.drops, now }.transmit(path, &datagram);
            }
            Command::Arm { link } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.armed = true;
                }
            }
            Command::Inject { packet } => self.inject(world, now, &packet),
        }
    }

    /// Ends a pass: the host has taken all events when it calls this again.
    pub fn flush(&mut self, now: Instant) {
        self.handshakes = 0;
        self.events = 0;
        if self.sweep_at.is_some_and(|at| now < at) {
            return;
        }
        self.sweep_at = Some(now + SWEEP_INTERVAL_MSEC);
        for link in self.links.values_mut() {
            link.remove(|session| session.is_expired(now), &mut self.freed);
            link.joiner.expire(now);
            let abandoned = link.joiner.take_abandoned();
            if abandoned > 0 {
                self.drops.add(Reason::Reassembly, abandoned);
            }
        }
        self.free_indices();
    }

    fn configure(&mut self, address: [u8; 16], prefixes: Vec<Prefix>, transit: bool) {
        for prefix in std::mem::take(&mut self.locals) {
            self.fib.set(prefix, Layer::Local, Hop::None);
        }
        self.locals = prefixes;
        self.locals.insert(0, Prefix { address, length: 128 });
        for prefix in &self.locals {
            self.fib.set(*prefix, Layer::Local, Hop::Local);
        }
        self.own = Some(address);
        self.transit = transit;
    }

    fn configure_link(&mut self, id: LinkId, settings: Settings) {
        let prefixes = settings.prefixes.clone();
        self.set_prefixes(id, None);
        let link = self.links.entry(id).or_insert_with(|| Link::new(id));
        link.mark_dirty(&mut self.dirty);
        link.settings = settings;
        link.settings.prefixes = None;
        self.set_prefixes(id, prefixes);
    }

    /// Takes the link's old stock prefixes out of the table and puts new ones in.
    fn set_prefixes(&mut self, id: LinkId, prefixes: Option<Vec<Prefix>>) {
        let Some(link) = self.links.get_mut(&id) else { return };
        for prefix in link.settings.prefixes.take().unwrap_or_default() {
            self.fib.set(prefix, Layer::Peer, Hop::None);
        }
        for prefix in prefixes.as_deref().unwrap_or_default() {
            self.fib.set(*prefix, Layer::Peer, Hop::Link(id));
        }
        link.settings.prefixes = prefixes;
    }

    fn install(&mut self, world: &mut impl World, now: Instant, id: LinkId, keypair: &Keypair) {
        if !self.links.contains_key(&id) {
            return;
        }
        let index = keypair.local_index;
        if let Some(owner) = self.indices.get(&index).and_then(|owner| self.links.get_mut(owner)) {
            owner.remove(|session| session.local_index == index, &mut self.freed);
            self.free_indices();
        }
        let Some(link) = self.links.get_mut(&id) else { return };
        link.mark_dirty(&mut self.dirty);
        link.install(keypair, &mut self.freed);
        link.key_wanted_at = None;
        self.indices.insert(index, id);
        if keypair.initiator {
            outgoing::Out { world, drops: &mut self.drops, now }.send_staged(link);
        }
        self.free_indices();
    }

    fn forget_keys(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.mark_dirty(&mut self.dirty);
        link.remove(|_| true, &mut self.freed);
        link.staged.clear();
        link.key_wanted_at = None;
        self.free_indices();
    }

    fn free_indices(&mut self) {
        for index in self.freed.drain(..) {
            self.indices.remove(&index);
        }
    }

    /// Events of which a link has one at a time are never dropped; those that the network can cause at will are bounded.
    fn emit(&mut self, world: &mut impl World, event: Event) {
        let (count, limit, reason) = match event {
            Event::Handshake { .. } => {
                (&mut self.handshakes, HANDSHAKES_PER_PASS, Reason::HandshakeFlood)
            }
            Event::Control { .. } | Event::Moved { .. } | Event::Pong { .. } => {
                (&mut self.events, EVENTS_PER_PASS, Reason::QueueFull)
            }
            Event::Confirmed { .. } | Event::Active { .. } | Event::KeyWanted { .. } => {
                world.emit(event);
                return;
            }
        };
        if *count >= limit {
            self.drops.count(reason);
            return;
        }
        *count += 1;
        world.emit(event);
    }
}
