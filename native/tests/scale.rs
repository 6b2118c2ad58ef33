//! A million routes and ten thousand sessions: loaded and changed in the pieces that control code sends, with packets in
//! between, each of which must go where the table says at that moment. Prints how long the packets had to wait at most.
use alamesh_plane::memory::MemoryHost;
use std::time::{Duration, Instant};

const ROUTES: u32 = 1_000_000;
const LINKS: u32 = 10_000;
/// As `FIB_CHANGES_MAX` of control code.
const CHANGES: u32 = 1_000;
const NONE: u32 = u32::MAX;
const ROOM: u32 = 1_420;
/// Far above what is meant to be, and far below what copying the whole table would take in this profile.
const PAUSE_MAX: Duration = Duration::from_millis(250);

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Spread as addresses of nodes are; fd00::/8, a /64 each.
fn address(number: u32) -> [u8; 16] {
    let mut mixed = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 29;
    let mut out = [0; 16];
    out[..8].copy_from_slice(&mixed.to_be_bytes());
    out[0] = 0xfd;
    out[4..8].copy_from_slice(&number.to_be_bytes());
    out[15] = 1;
    out
}

fn own() -> [u8; 16] {
    address(ROUTES + 1)
}

fn link(id: u32) -> Vec<u8> {
    let head = words(&[id, id, ROOM, 1_280]);
    let settings = [&[2][..], &head, &[0, 1], &address(id), &[0], &words(&[0])].concat();
    let times = [0.0_f64.to_le_bytes(), 1e9_f64.to_le_bytes()].concat();
    let key = [id as u8; 64];
    let keypair = [&[4][..], &words(&[id, id, id]), &key, &[1], &times, &[1]].concat();
    [settings, keypair].concat()
}

fn changes(numbers: impl Iterator<Item = (u32, u32)>) -> Vec<u8> {
    let mut count = 0_u32;
    let mut body = Vec::new();
    for (number, link) in numbers {
        body.extend_from_slice(&address(number));
        body.push(64);
        body.extend_from_slice(&link.to_le_bytes());
        count += 1;
    }
    [vec![6], words(&[count]), body].concat()
}

fn packet(to: u32) -> Vec<u8> {
    [&[0x60, 0, 0, 0, 0, 0, 59, 64][..], &own(), &address(to)].concat()
}

struct Plane {
    host: MemoryHost,
    now: f64,
    longest: Duration,
}

impl Plane {
    fn new() -> Plane {
        let mut host = MemoryHost::new(1);
        host.apply(0.0, &[&[1][..], &own(), &[1], &words(&[0])].concat());
        for id in 0..LINKS {
            host.set_path(id, Some(ROOM as usize));
            host.apply(0.0, &link(id));
        }
        Plane { host, now: 0.0, longest: Duration::ZERO }
    }

    fn timed(&mut self, work: impl FnOnce(&mut MemoryHost, f64)) {
        self.now += 5.0;
        let started = Instant::now();
        work(&mut self.host, self.now);
        self.longest = self.longest.max(started.elapsed());
    }

    /// The link that a packet to this destination leaves over; None when it does not leave.
    fn way_of(&mut self, to: u32) -> Option<u32> {
        let packet = packet(to);
        self.timed(|host, now| {
            host.tun_packet(now, &packet);
            host.flush(now);
        });
        self.host.take_tun();
        self.host.take_events();
        let sent = self.host.take_sent();
        sent.get(1..5).map(|path| u32::from_le_bytes([path[0], path[1], path[2], path[3]]))
    }

    fn report(&mut self, what: &str, since: Instant) {
        let (seconds, longest) = (since.elapsed().as_secs_f64(), self.longest);
        println!("scale {what}: {seconds:.2} s, packets waited {longest:?} at most");
        assert!(longest < PAUSE_MAX, "{what}: {longest:?}");
        self.longest = Duration::ZERO;
    }
}

#[test]
fn a_million_routes_and_ten_thousand_sessions_load_and_change_between_packets() {
    let mut plane = Plane::new();
    let started = Instant::now();
    for first in (0..ROUTES).step_by(CHANGES as usize) {
        let batch = changes((first..first + CHANGES).map(|number| (number, number % LINKS)));
        plane.timed(|host, now| host.apply(now, &batch));
        let known = first / 2;
        assert_eq!(plane.way_of(known), Some(known % LINKS));
        assert_eq!(plane.way_of(first + CHANGES), None, "it is not there yet");
    }
    assert_eq!(plane.host.core().fib().size(), ROUTES as usize + 1);
    plane.report("load of 1,000,000 routes", started);

    let started = Instant::now();
    for first in (0..ROUTES).step_by(10 * CHANGES as usize) {
        let moved = (first..first + 10 * CHANGES).step_by(10);
        let batch = changes(moved.map(|number| (number, (number + 1) % LINKS)));
        plane.timed(|host, now| host.apply(now, &batch));
        assert_eq!(plane.way_of(first), Some((first + 1) % LINKS));
        assert_eq!(plane.way_of(first + 1), Some((first + 1) % LINKS));
    }
    plane.report("100,000 of them moved", started);

    let started = Instant::now();
    for first in (0..ROUTES).step_by(2 * CHANGES as usize) {
        let batch = changes((first..first + 2 * CHANGES).step_by(2).map(|number| (number, NONE)));
        plane.timed(|host, now| host.apply(now, &batch));
        assert_eq!(plane.way_of(first), None);
        assert_eq!(plane.way_of(first + 1), Some((first + 1) % LINKS));
    }
    assert_eq!(plane.host.core().fib().size(), ROUTES as usize / 2 + 1);
    plane.report("500,000 of them withdrawn", started);

    let started = Instant::now();
    for number in (1..ROUTES).step_by(200) {
        assert_eq!(plane.way_of(number), Some(number % LINKS));
    }
    plane.report("5,000 packets over 5,000 sessions", started);
}
