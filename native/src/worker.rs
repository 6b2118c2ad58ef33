//! The thread that moves packets: it runs to completion, and sleeps only when nothing is left to do.
use crate::codec::{self, Reader};
use crate::core::drops::{Reason, NAMES};
use crate::core::gate::GateKeys;
use crate::core::{Command, Core, From};
use crate::guard::Guard;
use crate::host::{Carrier, Host};
use crate::offload::VNET;
use crate::sys::poll::{wait, Waker, Wanted};
use crate::sys::tun::{Tun, TunRead};
use crate::sys::udp::{self, Ends, Receive, Socket, ENDS_BYTES};
use crate::world::{LinkId, World};
use std::collections::HashMap;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Clock};
use zeroize::Zeroize;

/// Of one pass, before others have their turn.
const TRAINS_PER_SOCKET: usize = 4;
const TUN_READS: usize = 64;
const TUN_BYTES: usize = 512 * 1024;
/// Of the packets that wait, before sockets and commands are looked at again.
const SERVED_BYTES: usize = 128 * 1024;
const COMMAND_BYTES: usize = 256 * 1024;
const COMMAND_TIME: Duration = Duration::from_millis(1);
/// Events that wait for control code; what is beyond is lost, and counted.
const EVENT_BYTES_MAX: usize = 32 * 1024 * 1024;
const READ_BYTES: usize = 65_536 + VNET;
/// While it pauses after panics it looks for commands this often.
const PAUSED_LOOK: Duration = Duration::from_millis(100);

/// Kinds of `trouble`, besides 0 for an error.
const TROUBLE_TUN_GONE: u32 = 1;
const TROUBLE_RESTARTED: u32 = 2;
const TROUBLE_PAUSED: u32 = 3;
const TROUBLE_RESUMED: u32 = 4;

/// What both threads see.
pub struct Shared {
    waker: Arc<Waker>,
    commands: Mutex<Vec<u8>>,
    events: Mutex<Vec<u8>>,
    links: Mutex<HashMap<LinkId, [f64; 16]>>,
    drops: Mutex<[u64; NAMES.len()]>,
    queue: Mutex<[f64; 3]>,
    is_stopped: AtomicBool,
    /// Control code was told that there are events, and has not taken them yet.
    is_told: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub fn new() -> Option<Arc<Shared>> {
        Some(Arc::new(Shared {
            waker: Waker::new()?,
            commands: Mutex::default(),
            events: Mutex::default(),
            links: Mutex::default(),
            drops: Mutex::default(),
            queue: Mutex::default(),
            is_stopped: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
        }))
    }

    pub fn apply(&self, commands: &[u8]) {
        let mut waiting = lock(&self.commands);
        let was_empty = waiting.is_empty();
        waiting.extend_from_slice(commands);
        drop(waiting);
        if was_empty {
            self.waker.wake();
        }
    }

    pub fn take_events(&self) -> Vec<u8> {
        self.is_told.store(false, Ordering::SeqCst);
        std::mem::take(&mut lock(&self.events))
    }

    pub fn read_link(&self, link: LinkId) -> Option<[f64; 16]> {
        lock(&self.links).get(&link).copied()
    }

    pub fn drops(&self) -> Vec<f64> {
        lock(&self.drops).iter().map(|count| *count as f64).collect()
    }

    /// Bytes that wait, the most that ever waited, packets marked.
    pub fn queue(&self) -> [f64; 3] {
        *lock(&self.queue)
    }

    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

pub struct Worker {
    shared: Arc<Shared>,
    core: Core,
    host: Host,
    /// Tells control code that there are events.
    tell: Box<dyn Fn() + Send>,
    started: Clock,
    started_at: f64,
    commands: Vec<u8>,
    commands_done: usize,
    buffer: Vec<u8>,
    is_tun_ready: bool,
    is_socket_ready: Vec<bool>,
    guard: Guard,
}

impl Worker {
    /// `now` is control code's time at this moment; both count the same monotonic clock.
    pub fn new(shared: Arc<Shared>, seed: u64, now: f64, tell: Box<dyn Fn() + Send>) -> Worker {
        Worker {
            shared,
            core: Core::new(seed),
            host: Host::default(),
            tell,
            started: Clock::now(),
            started_at: now,
            commands: Vec::new(),
            commands_done: 0,
            buffer: vec![0; READ_BYTES],
            is_tun_ready: false,
            is_socket_ready: Vec::new(),
            guard: Guard::default(),
        }
    }

    /// Until `stop`.
    pub fn run(mut self) {
        self.guard.begin();
        while !self.shared.is_stopped.load(Ordering::SeqCst) {
            if self.guard.is_paused() {
                self.caught(Worker::paused_turn);
            } else {
                self.caught(Worker::turn);
            }
        }
        self.caught(Worker::last_words);
    }

    /// Runs `work`. After a panic what was on its way is gone; keys, counters, routes and paths are kept.
    fn caught(&mut self, work: impl FnOnce(&mut Worker)) {
        let Err(_) = catch_unwind(AssertUnwindSafe(|| work(self))) else { return };
        let text = self.guard.caught(self.now());
        let kind = if self.guard.is_paused() { TROUBLE_PAUSED } else { TROUBLE_RESTARTED };
        let recovered = catch_unwind(AssertUnwindSafe(|| {
            self.core.recover();
            self.host.recover();
            self.host.events.trouble(kind, &text);
            self.publish();
        }));
        if recovered.is_err() {
            self.guard.caught(self.now());
        }
    }

    /// Packets stay in the kernel, and are dropped there; what control code says is heard.
    fn paused_turn(&mut self) {
        self.host.now = self.now();
        self.take_commands();
        self.publish();
        if self.guard.ends_pause(self.now()) {
            self.host.events.trouble(TROUBLE_RESUMED, "the packet worker goes on after its pause");
            self.wake_all();
            self.publish();
        } else {
            std::thread::sleep(PAUSED_LOOK);
        }
    }

    /// Everything may have something to read.
    fn wake_all(&mut self) {
        self.is_tun_ready = self.host.tun.is_some();
        self.is_socket_ready.fill(true);
    }

    /// What control code said before it stopped us still leaves.
    fn last_words(&mut self) {
        loop {
            self.take_commands();
            if self.commands_done >= self.commands.len() && lock(&self.shared.commands).is_empty() {
                break;
            }
        }
        self.host.flush();
        self.publish();
    }

    fn now(&self) -> f64 {
        self.started_at + self.started.elapsed().as_secs_f64() * 1000.0
    }

    fn turn(&mut self) {
        self.host.now = self.now();
        self.take_commands();
        for at in 0..self.host.sockets().len() {
            self.drain_socket(at);
        }
        self.guard.enter("deliver");
        self.host.flush_tun();
        self.drain_tun();
        self.guard.enter("serve");
        self.serve();
        self.guard.enter("send");
        self.host.flush();
        self.guard.enter("publish");
        self.publish();
        let is_busy = self.is_tun_ready
            || self.is_socket_ready.contains(&true)
            || self.commands_done < self.commands.len()
            || (self.core.has_waiting() && !self.host.is_full());
        if !is_busy {
            self.sleep();
        }
    }

    fn sleep(&mut self) {
        if !lock(&self.shared.commands).is_empty() {
            return;
        }
        let sockets = self.host.sockets().iter().enumerate();
        let mut wanted: Vec<Wanted> = sockets
            .map(|(at, socket)| Wanted { fd: socket.fd, writable: self.host.is_socket_full(at) })
            .collect();
        wanted.extend(self.host.tun.map(|tun| Wanted { fd: tun.fd, writable: false }));
        let mut ready = Vec::new();
        wait(&self.shared.waker, &wanted, &mut ready);
        self.host.now = self.now();
        for (at, (is_ready, found)) in self.is_socket_ready.iter_mut().zip(&ready).enumerate() {
            *is_ready = found.readable || found.failed;
            if self.host.is_socket_full(at) && (found.writable || found.failed) {
                self.host.resume(at);
            }
        }
        match ready.get(self.is_socket_ready.len()) {
            Some(tun) if tun.readable => self.is_tun_ready = true,
            Some(tun) if tun.failed => self.tun_gone(),
            _ => {}
        }
    }

    fn tun_gone(&mut self) {
        self.host.tun = None;
        self.is_tun_ready = false;
        self.host.events.trouble(TROUBLE_TUN_GONE, "the interface was deleted");
    }

    fn take_commands(&mut self) {
        if self.commands_done >= self.commands.len() {
            // There may be keys among them.
            self.commands.zeroize();
            self.commands.shrink_to(COMMAND_BYTES);
            self.commands_done = 0;
            std::mem::swap(&mut self.commands, &mut lock(&self.shared.commands));
        }
        let end = self.commands.len().min(self.commands_done + COMMAND_BYTES);
        let started = Clock::now();
        while self.commands_done < end && started.elapsed() < COMMAND_TIME {
            let waiting = std::mem::take(&mut self.commands);
            let mut reader = Reader::new(&waiting[self.commands_done..]);
            let before = reader.left();
            let done = self.try_command(&mut reader);
            self.commands_done += before - reader.left();
            self.commands = waiting;
            match done {
                Ok(Some(())) => {}
                Ok(None) => {
                    self.host.events.trouble(0, "a command could not be read");
                    self.commands_done = self.commands.len();
                }
                // Only the command that caused it is lost.
                Err(cause) => resume_unwind(cause),
            }
        }
    }

    fn try_command(&mut self, reader: &mut Reader) -> std::thread::Result<Option<()>> {
        catch_unwind(AssertUnwindSafe(|| {
            self.guard.enter("command");
            self.command(reader)
        }))
    }

    fn command(&mut self, reader: &mut Reader) -> Option<()> {
        let now = self.host.now;
        let kind = reader.u8()?;
        match kind {
            11 => {
                let id = reader.u32()?;
                let room = reader.u32()? as usize;
                let is_udp = reader.u8()? == 1;
                let ends: [u8; ENDS_BYTES] = reader.take(ENDS_BYTES)?.try_into().ok()?;
                let carrier = if is_udp { Carrier::Udp } else { Carrier::External };
                self.host.set_path(id, carrier, room, Ends::read(&ends));
            }
            12 => {
                let id = reader.u32()?;
                self.host.remove_path(id);
            }
            13 => {
                let path = reader.u32()?;
                let mut datagram = reader.blob()?.to_vec();
                self.core.datagram(&mut self.host, now, From { path, ecn: 0 }, &mut datagram);
            }
            14 => {
                let (fd, id) = (reader.u32()? as i32, reader.u32()?);
                let bits = reader.u8()?;
                let (is_ip6, takes_ip4) = (bits & 1 != 0, bits & 2 != 0);
                let is_wildcard = bits & 4 != 0;
                let socket = Socket { fd, id, is_ip6, takes_ip4, is_wildcard };
                udp::enable_ecn(&socket);
                self.host.add_socket(socket);
                self.is_socket_ready.push(true);
            }
            16 => {
                let mac1: [u8; 32] = reader.take(32)?.try_into().ok()?;
                let cookie: [u8; 32] = reader.take(32)?.try_into().ok()?;
                self.core.guard_handshakes(GateKeys { mac1, cookie });
            }
            15 => {
                self.host.set_tun(Tun { fd: reader.u32()? as i32 });
                self.is_tun_ready = true;
            }
            _ => {
                let command = codec::command(kind, reader)?;
                if let Command::RemoveLink { link } = &command {
                    lock(&self.shared.links).remove(link);
                }
                self.core.apply(&mut self.host, now, command);
            }
        }
        Some(())
    }

    fn drain_socket(&mut self, at: usize) {
        if !self.is_socket_ready[at] {
            return;
        }
        let socket = self.host.sockets()[at];
        for _ in 0..TRAINS_PER_SOCKET {
            match udp::receive(&socket, &mut self.buffer) {
                Receive::Empty => {
                    self.is_socket_ready[at] = false;
                    return;
                }
                Receive::Useless => {}
                Receive::Train(train) => {
                    self.guard.enter("socket");
                    let path = self.host.path_from(train.ends);
                    let from = From { path, ecn: train.ecn };
                    let now = self.host.now;
                    for datagram in self.buffer[..train.bytes].chunks_mut(train.segment.max(1)) {
                        self.core.datagram(&mut self.host, now, from, datagram);
                    }
                }
            }
        }
    }

    fn drain_tun(&mut self) {
        let Some(tun) = self.host.tun.filter(|_| self.is_tun_ready) else { return };
        let mut bytes = 0;
        let in_parts = self.host.is_slow();
        for _ in 0..TUN_READS {
            let mut buffer = self.core.read_buffer();
            match tun.read(&mut buffer) {
                TunRead::Empty => {
                    self.is_tun_ready = false;
                    self.core.keep_buffer(buffer);
                    return;
                }
                TunRead::Gone => {
                    self.tun_gone();
                    return;
                }
                TunRead::Bytes(count) => {
                    self.guard.enter("tun");
                    self.core.read_from_tun(self.host.now, buffer, count, in_parts);
                    bytes += count;
                }
            }
            if bytes >= TUN_BYTES {
                return;
            }
        }
    }

    /// Packets that wait leave in portions, until the way out is full.
    fn serve(&mut self) {
        let Worker { core, host, .. } = self;
        let now = host.now;
        let mut done = 0;
        while done < SERVED_BYTES {
            let portion = host.portion();
            let bytes = core.serve(host, now, portion);
            host.flush_sends();
            if bytes == 0 {
                return;
            }
            done += bytes;
        }
    }

    /// Ends a pass: counters and events go where control code finds them.
    fn publish(&mut self) {
        let Worker { core, host, shared, .. } = self;
        core.count_many(Reason::SendFailed, std::mem::take(&mut host.unsent));
        core.count_many(Reason::TunFull, std::mem::take(&mut host.undelivered));
        core.flush(host.now);
        {
            let mut links = lock(&shared.links);
            core.take_dirty(|link| {
                links.insert(link.id, codec::counters(link));
            });
        }
        let events = &mut host.events.bytes;
        if !events.is_empty() {
            let mut waiting = lock(&shared.events);
            if waiting.len() + events.len() <= EVENT_BYTES_MAX {
                waiting.extend_from_slice(events);
            } else {
                core.count(Reason::QueueFull);
            }
            events.clear();
            drop(waiting);
            if !shared.is_told.swap(true, Ordering::SeqCst) {
                (self.tell)();
            }
        }
        *lock(&shared.drops) = *self.core.drops();
        *lock(&shared.queue) = self.core.queue_counters();
    }
}
