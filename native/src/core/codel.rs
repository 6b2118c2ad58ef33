//! CoDel (RFC 8289): when the packets of a queue have waited too long for a whole interval, one is dropped or marked, then
//! more and more often until the queue is short again.
use crate::world::Instant;

/// RFC 8289 §4.2 and §4.3.
const TARGET_MSEC: f64 = 5.0;
const INTERVAL_MSEC: f64 = 100.0;
/// §5.4: how long after the last drop a new one goes on at the old rate.
const REMEMBERED_MSEC: f64 = 16.0 * INTERVAL_MSEC;

/// The state of RFC 8289 §5.2.
#[derive(Clone, Copy, Default)]
pub struct Codel {
    /// When the delay will have been above the target for an interval.
    above_until: Option<Instant>,
    drop_next: Instant,
    count: u32,
    last_count: u32,
    is_dropping: bool,
}

impl Codel {
    /// A packet leaves the queue after `waited_msec` in it. Returns true when it should be dropped, or marked.
    pub fn judge(&mut self, now: Instant, waited_msec: f64) -> bool {
        if !self.is_standing(now, waited_msec) {
            self.is_dropping = false;
            return false;
        }
        if !self.is_dropping {
            self.begin(now);
            return true;
        }
        if now < self.drop_next {
            return false;
        }
        self.count += 1;
        self.drop_next = self.control_law(self.drop_next);
        true
    }

    fn is_standing(&mut self, now: Instant, waited_msec: f64) -> bool {
        if waited_msec < TARGET_MSEC {
            self.above_until = None;
            return false;
        }
        now >= *self.above_until.get_or_insert(now + INTERVAL_MSEC)
    }

    fn begin(&mut self, now: Instant) {
        self.is_dropping = true;
        let since = self.count.saturating_sub(self.last_count);
        let is_recent = now - self.drop_next < REMEMBERED_MSEC;
        self.count = if since > 1 && is_recent { since } else { 1 };
        self.last_count = self.count;
        self.drop_next = self.control_law(now);
    }

    fn control_law(&self, at: Instant) -> Instant {
        at + INTERVAL_MSEC / f64::from(self.count).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a packet every millisecond; returns when one was to go.
    fn signals(codel: &mut Codel, from: i32, to: i32, waited_msec: f64) -> Vec<i32> {
        (from..to).filter(|now| codel.judge(f64::from(*now), waited_msec)).collect()
    }

    #[test]
    fn a_short_queue_is_left_alone() {
        assert!(signals(&mut Codel::default(), 1, 10_000, 4.9).is_empty());
    }

    #[test]
    fn a_burst_shorter_than_an_interval_is_left_alone() {
        let mut codel = Codel::default();
        assert!(signals(&mut codel, 1, 100, 50.0).is_empty());
        assert!(signals(&mut codel, 100, 101, 0.0).is_empty());
        assert!(signals(&mut codel, 101, 200, 50.0).is_empty());
    }

    #[test]
    fn a_standing_queue_is_told_so_more_and_more_often() {
        let at = signals(&mut Codel::default(), 0, 1000, 20.0);
        assert_eq!(at[0], 100, "after one interval");
        assert_eq!(at[1], 200, "again after another");
        assert_eq!(at[2], 271, "then after 100 / sqrt(2)");
        assert!(at.windows(3).skip(1).all(|w| w[2] - w[1] <= w[1] - w[0]), "{at:?}");
    }

    #[test]
    fn it_stops_at_once_when_the_queue_is_short_and_remembers_its_rate_for_a_while() {
        let mut codel = Codel::default();
        let before = signals(&mut codel, 0, 1000, 20.0);
        assert!(signals(&mut codel, 1000, 1200, 1.0).is_empty());
        let after = signals(&mut codel, 1200, 1500, 20.0);
        assert!(before.len() > 10 && after.len() > 4, "{} {after:?}", before.len());
    }
}
