//! Handshake messages before anything of them reaches control code: MAC1, then limits for each source and in all.
use super::blake2s::{self, MAC};
use super::hash::Seeded;
use crate::world::Instant;
use std::collections::HashMap;

/// Ours: messages a second that go up, and at once. Control code looks at more of them, with cookies, as it needs.
const TOTAL: Rate = Rate { per_second: 2_000.0, burst: 1_000.0 };
const SOURCE: Rate = Rate { per_second: 200.0, burst: 400.0 };
/// Sources whose rate is known; beyond it all begin anew, within the total.
const SOURCES_MAX: usize = 4_096;

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

pub struct Gate {
    mac1_key: [u8; 32],
    total: Bucket,
    sources: HashMap<u128, Bucket, Seeded>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    BadMac,
    Flood,
}

impl Gate {
    /// `mac1_key`: the hash of WireGuard's label and our public key.
    pub fn new(mac1_key: [u8; 32], seed: u64) -> Gate {
        let total = Bucket { tokens: TOTAL.burst, at: 0.0 };
        Gate { mac1_key, total, sources: HashMap::with_hasher(Seeded(seed)) }
    }

    /// `source`: the remote's address, as far as one site has many.
    pub fn judge(&mut self, now: Instant, source: u128, message: &[u8]) -> Verdict {
        let has_mac1 = message.len() != 64;
        if has_mac1 && !self.is_mac1_right(message) {
            return Verdict::BadMac;
        }
        if self.sources.len() >= SOURCES_MAX && !self.sources.contains_key(&source) {
            self.sources.clear();
        }
        let bucket = self.sources.entry(source).or_insert(Bucket { tokens: SOURCE.burst, at: now });
        if bucket.take(SOURCE, now) && self.total.take(TOTAL, now) {
            Verdict::Pass
        } else {
            Verdict::Flood
        }
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

    #[test]
    fn forgeries_cost_nobody_tokens_and_floods_are_limited() {
        let key = [7; 32];
        let mut gate = Gate::new(key, 1);
        let good = initiation(&key, 3);
        for _ in 0..10_000 {
            assert_eq!(gate.judge(1.0, 1, &initiation(&[8; 32], 3)), Verdict::BadMac);
        }
        let passed = |gate: &mut Gate, source: u128, now: f64| {
            (0..1_000).filter(|_| gate.judge(now, source, &good) == Verdict::Pass).count()
        };
        assert_eq!(passed(&mut gate, 1, 1.0), 400);
        assert_eq!(passed(&mut gate, 1, 1_001.0), 200);
        assert_eq!(passed(&mut gate, 2, 1_001.0), 400, "another source is served");
        let all: usize = (10..200).map(|source| passed(&mut gate, source, 1_001.0)).sum();
        assert!(all <= 2_000, "{all}");
    }
}
