//! Handshake messages before anything of them reaches control code: MAC1 first. Above a comfortable rate an initiation must
//! show a cookie, and real sources have a rate each; responses and cookie replies, which start nothing, have limits of their own.
use super::blake2s::{self, MAC};
use super::cookie::{Address, Cookies, REPLY};
use super::hash::Seeded;
use crate::world::Instant;
use std::collections::HashMap;

/// As `src/noise/flood.ts`: initiations a second up to which nobody is asked for a cookie.
const COMFORT: Rate = Rate { per_second: 100.0, burst: 100.0 };
/// Under load lasts this long after the last sign of it, as in Linux.
const LOAD_HOLD_MSEC: f64 = 1_000.0;
/// Ours: a reply costs some microseconds, and is how an honest peer gets through a flood.
const REPLIES: Rate = Rate { per_second: 20_000.0, burst: 2_000.0 };
/// Ours: initiations a second that showed a cookie, whatever their sources.
const PROVEN: Rate = Rate { per_second: 400.0, burst: 200.0 };
/// Of one of these sources, as in Linux.
const PROVEN_SOURCE: Rate = Rate { per_second: 20.0, burst: 5.0 };
/// Ours: responses and cookie replies, each a look-up for control code.
const ANSWERS: Rate = Rate { per_second: 2_000.0, burst: 1_000.0 };
const ANSWERS_SOURCE: Rate = Rate { per_second: 200.0, burst: 400.0 };
/// Sources whose rate is known; beyond it all begin anew, within the limit for all.
const SOURCES_MAX: usize = 4_096;
const INITIATION: usize = 148;

#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let gained = (now - self.at).max(0.0) * rate.per_second / 1000.0;
        self.tokens = (self.tokens + gained).min(rate.burst);
        self.at = now;
        let takes = self.tokens >= 1.0;
        if takes {
            self.tokens -= 1.0;
        }
        takes
    }
}

/// A limit for all, and one for each source.
struct Limits {
    rate: Rate,
    source_rate: Rate,
    all: Bucket,
    sources: HashMap<u128, Bucket, Seeded>,
}

impl Limits {
    fn new(rate: Rate, source_rate: Rate, seed: u64) -> Limits {
        let sources = HashMap::with_hasher(Seeded(seed));
        Limits { rate, source_rate, all: Bucket { tokens: rate.burst, at: 0.0 }, sources }
    }

    fn take(&mut self, now: Instant, source: u128) -> bool {
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.clear();
        }
        let full = Bucket { tokens: self.source_rate.burst, at: now };
        let bucket = self.sources.entry(source).or_insert(full);
        bucket.take(self.source_rate, now) && self.all.take(self.rate, now)
    }
}

/// Who sends.
pub struct Sender {
    /// Of the host, or of one site where a site has many: for rates.
    pub source: u128,
    /// For cookies.
    pub address: Address,
}

pub struct Gate {
    mac1_key: [u8; 32],
    cookies: Cookies,
    comfort: Bucket,
    load_until: Instant,
    replies: Bucket,
    proven: Limits,
    answers: Limits,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    BadMac,
    Flood,
    /// It must show a cookie: this is one.
    Cookie([u8; REPLY]),
}

/// The hashes of WireGuard's labels and our public key.
#[derive(Clone, Copy)]
pub struct GateKeys {
    pub mac1: [u8; 32],
    pub cookie: [u8; 32],
}

impl Gate {
    pub fn new(keys: GateKeys, seed: u64) -> Gate {
        let full = |rate: Rate| Bucket { tokens: rate.burst, at: 0.0 };
        Gate {
            mac1_key: keys.mac1,
            cookies: Cookies::new(keys.cookie),
            comfort: full(COMFORT),
            load_until: 0.0,
            replies: full(REPLIES),
            proven: Limits::new(PROVEN, PROVEN_SOURCE, seed),
            answers: Limits::new(ANSWERS, ANSWERS_SOURCE, seed),
        }
    }

    /// `message` has the type and length of a handshake message.
    pub fn judge(&mut self, now: Instant, from: &Sender, message: &[u8]) -> Verdict {
        let has_mac1 = message.len() != REPLY;
        if has_mac1 && !self.is_mac1_right(message) {
            return Verdict::BadMac;
        }
        let passes = if message.len() != INITIATION {
            self.answers.take(now, from.source)
        } else if !self.is_under_load(now) {
            true
        } else if self.cookies.has_mac2(now, &from.address, message) {
            self.proven.take(now, from.source)
        } else {
            return self.demand(now, from, message);
        };
        if passes {
            Verdict::Pass
        } else {
            Verdict::Flood
        }
    }

    /// Counts one initiation.
    fn is_under_load(&mut self, now: Instant) -> bool {
        if !self.comfort.take(COMFORT, now) {
            self.load_until = now + LOAD_HOLD_MSEC;
        }
        now < self.load_until
    }

    fn demand(&mut self, now: Instant, from: &Sender, message: &[u8]) -> Verdict {
        if !self.replies.take(REPLIES, now) {
            return Verdict::Flood;
        }
        let reply = self.cookies.reply(now, &from.address, message);
        reply.map_or(Verdict::Flood, Verdict::Cookie)
    }

    fn is_mac1_right(&self, message: &[u8]) -> bool {
        let Some(at) = message.len().checked_sub(2 * MAC) else { return false };
        // Whether it is right tells nobody a secret: the key is made from our public key.
        blake2s::mac(&self.mac1_key, &message[..at]) == message[at..at + MAC]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initiation(key: &[u8; 32], fill: u8) -> [u8; 148] {
        let mut message = [fill; 148];
        message[..4].copy_from_slice(&1_u32.to_le_bytes());
        let mac = blake2s::mac(key, &message[..116]);
        message[116..132].copy_from_slice(&mac);
        message
    }

    /// RFC 7693's construction; the value was computed with another implementation.
    #[test]
    fn mac_agrees_with_others() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let message: Vec<u8> = (0..=255).collect();
        let hex = |bytes: [u8; MAC]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(blake2s::mac(&key, &[])), "9536f9b267655743dee97b8a670f9f53");
        assert_eq!(hex(blake2s::mac(&key, &message[..64])), "f1efa90d2547036841ecd3627fafbc36");
        assert_eq!(hex(blake2s::mac(&key, &message)), "d5a40ec316c751a63cd0d91157fa1ebb");
    }

    fn keys() -> GateKeys {
        GateKeys { mac1: [7; 32], cookie: [9; 32] }
    }

    fn sender(number: u128) -> Sender {
        Sender { source: number, address: [number as u8; 24] }
    }

    #[test]
    fn forgeries_cost_nobody_anything() {
        let mut gate = Gate::new(keys(), 1);
        for _ in 0..10_000 {
            let verdict = gate.judge(1.0, &sender(1), &initiation(&[8; 32], 3));
            assert_eq!(verdict, Verdict::BadMac);
        }
        assert_eq!(gate.judge(1.0, &sender(2), &initiation(&[7; 32], 3)), Verdict::Pass);
    }

    #[test]
    fn above_the_comfortable_rate_an_initiation_must_show_a_cookie() {
        let mut gate = Gate::new(keys(), 1);
        let good = initiation(&keys().mac1, 3);
        let (mut passed, mut cookies, mut floods) = (0, 0, 0);
        for number in 0..20_000 {
            match gate.judge(1.0, &sender(number), &good) {
                Verdict::Pass => passed += 1,
                Verdict::Cookie(_) => cookies += 1,
                Verdict::Flood => floods += 1,
                Verdict::BadMac => panic!("its MAC1 is right"),
            }
        }
        assert_eq!((passed, cookies, floods), (100, 2_000, 17_900));
        assert!(matches!(gate.judge(900.0, &sender(1), &good), Verdict::Cookie(_)));
        assert_eq!(gate.judge(3_000.0, &sender(1), &good), Verdict::Pass, "the load is over");
    }

    #[test]
    fn whoever_shows_a_cookie_is_served_at_a_rate_of_its_own() {
        let mut gate = Gate::new(keys(), 1);
        gate.load_until = 1e9;
        let mut good = initiation(&keys().mac1, 3);
        let from = sender(5);
        gate.cookies.stamp_for_test(1.0, &from.address, &mut good);
        let count = |gate: &mut Gate, now: f64, number: u128| {
            let from = Sender { source: number, address: [5; 24] };
            (0..1_000).filter(|_| gate.judge(now, &from, &good) == Verdict::Pass).count()
        };
        assert_eq!(count(&mut gate, 1.0, 5), 5);
        assert_eq!(count(&mut gate, 101.0, 5), 2);
        assert_eq!(count(&mut gate, 101.0, 6), 5);
        let all: usize = (10..1_000).map(|number| count(&mut gate, 101.0, number)).sum();
        assert!(all <= 250, "{all}");
    }

    #[test]
    fn answers_have_limits_of_their_own() {
        let mut gate = Gate::new(keys(), 1);
        let reply = [3; REPLY];
        let passed = |gate: &mut Gate, number: u128| {
            (0..1_000).filter(|_| gate.judge(1.0, &sender(number), &reply) == Verdict::Pass).count()
        };
        assert_eq!(passed(&mut gate, 1), 400);
        assert_eq!(passed(&mut gate, 2), 400, "another source is served");
        let all: usize = (10..200).map(|number| passed(&mut gate, number)).sum();
        assert!(all <= 2_000, "{all}");
        assert_eq!(gate.judge(1.0, &sender(1), &initiation(&[7; 32], 3)), Verdict::Pass);
    }
}
