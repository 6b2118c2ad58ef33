//! How much of a socket's own queue may be used, so that a slow interface does not make packets wait where no turns are
//! taken. It begins small and grows while it is drained at once; where it drains slowly it is halved, as long as that costs
//! no rate.
use crate::world::Instant;

/// In the kernel's counting (SO_SNDBUF doubled), with what it adds to each packet.
const BYTES_MAX: usize = 2 << 20;
pub const BYTES_FIRST: usize = 128 * 1024;
const BYTES_MIN: usize = 16 * 1024;
/// A full buffer should be gone after this.
const DRAIN_MSEC_MAX: f64 = 8.0;
const DRAIN_MSEC_MIN: f64 = 2.0;
/// An estimate is made of so many fillings, or of those of so much time.
const CYCLES: u32 = 4;
const CYCLES_MSEC: f64 = 50.0;
/// Less than this share of the rate before: the buffer was needed (packets are delayed, not only slowed).
const RATE_KEPT: f64 = 0.75;
const NEXT_TRIAL_MSEC: f64 = 10_000.0;
/// Bytes per ms, about 200 Mbit/s: below this packets are handed over in small portions.
const SLOW_RATE: f64 = 32.0 * 1024.0;

pub struct Backlog {
    bytes: usize,
    filled_at: Option<Instant>,
    cycles: u32,
    msec: f64,
    /// The buffer and the rate before it was halved, to be compared.
    trial: Option<(usize, f64)>,
    no_trial_before: Instant,
    is_slow: bool,
}

impl Default for Backlog {
    fn default() -> Self {
        Backlog {
            bytes: BYTES_FIRST,
            filled_at: None,
            cycles: 0,
            msec: 0.0,
            trial: None,
            no_trial_before: 0.0,
            is_slow: false,
        }
    }
}

impl Backlog {
    pub fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// What to hand over at once while the way out is slow.
    pub fn portion(&self) -> usize {
        self.bytes / 4
    }

    /// The kernel took no more.
    pub fn filled(&mut self, now: Instant) {
        self.filled_at.get_or_insert(now);
    }

    /// Half of it is free again. Returns another size to set.
    pub fn drained(&mut self, now: Instant) -> Option<usize> {
        let took = now - self.filled_at.take()?;
        self.cycles += 1;
        self.msec += took.max(0.05);
        if self.cycles < CYCLES && self.msec < CYCLES_MSEC {
            return None;
        }
        let half_msec = self.msec / f64::from(self.cycles);
        (self.cycles, self.msec) = (0, 0.0);
        let before = self.bytes;
        self.bytes = self.next(now, 2.0 * half_msec);
        (self.bytes != before).then_some(self.bytes)
    }

    fn next(&mut self, now: Instant, drain_msec: f64) -> usize {
        let rate = self.bytes as f64 / drain_msec;
        self.is_slow = rate < SLOW_RATE;
        if let Some((bytes, rate_before)) = self.trial.take() {
            if rate < RATE_KEPT * rate_before {
                self.no_trial_before = now + NEXT_TRIAL_MSEC;
                return bytes;
            }
        }
        if drain_msec > DRAIN_MSEC_MAX && now >= self.no_trial_before && self.bytes > BYTES_MIN {
            self.trial = Some((self.bytes, rate));
            return (self.bytes / 2).max(BYTES_MIN);
        }
        if drain_msec < DRAIN_MSEC_MIN {
            return (self.bytes * 2).min(BYTES_MAX);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills and drains for `msec` through a way out with a rate (bytes per ms) and a delay; returns the buffer at the end.
    fn run(backlog: &mut Backlog, now: &mut f64, msec: f64, rate: f64, delay: f64) -> usize {
        let end = *now + msec;
        while *now < end {
            backlog.filled(*now);
            *now += (backlog.bytes as f64 / 2.0 / rate).max(delay / 2.0);
            backlog.drained(*now);
        }
        backlog.bytes
    }

    #[test]
    fn a_slow_way_out_gets_a_small_buffer() {
        let mut backlog = Backlog::default();
        let bytes = run(&mut backlog, &mut 0.0, 10_000.0, 2500.0, 0.0);
        assert!(bytes as f64 / 2500.0 <= DRAIN_MSEC_MAX, "{bytes}");
        assert!(backlog.is_slow());
    }

    #[test]
    fn a_fast_way_out_keeps_its_buffer() {
        let mut backlog = Backlog::default();
        let bytes = run(&mut backlog, &mut 0.0, 5_000.0, 1_250_000.0, 0.0);
        assert!(bytes as f64 / 1_250_000.0 >= 0.8, "{bytes}");
        assert!(!backlog.is_slow());
    }

    #[test]
    fn a_way_out_that_delays_keeps_what_it_needs() {
        let mut backlog = Backlog::default();
        let bytes = run(&mut backlog, &mut 0.0, 30_000.0, 1_250_000.0, 50.0);
        assert!(bytes >= BYTES_FIRST, "{bytes}");
    }

    #[test]
    fn it_grows_again_when_the_way_out_is_faster() {
        let mut backlog = Backlog::default();
        let mut now = 0.0;
        run(&mut backlog, &mut now, 10_000.0, 1000.0, 0.0);
        let bytes = run(&mut backlog, &mut now, 2_000.0, 1_250_000.0, 0.0);
        assert!(bytes as f64 / 1_250_000.0 >= 0.8 && !backlog.is_slow(), "{bytes}");
    }
}
