//! FQ-CoDel (RFC 8290): flows take turns by bytes, one that just began goes first, and each has a CoDel of its own. Its
//! bytes are bounded: when there are too many, the longest flow loses the oldest it has.
use super::codel::Codel;
use super::flow::BUCKETS;
use crate::world::Instant;
use std::collections::VecDeque;

/// What a flow may send in one turn: two packets of the usual size.
const QUANTUM: i64 = 2 * 1514;
/// Of one entry, beside its bytes.
const ENTRY_BYTES: usize = 64;

struct Entry<T> {
    value: T,
    bytes: usize,
    since: Instant,
}

struct Flow<T> {
    entries: VecDeque<Entry<T>>,
    bytes: usize,
    credit: i64,
    /// In one of the two lists.
    is_listed: bool,
    codel: Codel,
}

impl<T> Default for Flow<T> {
    fn default() -> Self {
        let codel = Codel::default();
        Flow { entries: VecDeque::new(), bytes: 0, credit: 0, is_listed: false, codel }
    }
}

/// What leaves the queue.
pub struct Popped<T> {
    pub value: T,
    /// The flow is to be slowed: mark this, or drop it.
    pub is_congested: bool,
}

pub struct FairQueue<T> {
    flows: Vec<Flow<T>>,
    new: VecDeque<u16>,
    old: VecDeque<u16>,
    bytes: usize,
    bytes_max: usize,
}

impl<T> FairQueue<T> {
    pub fn new(bytes_max: usize) -> FairQueue<T> {
        let flows = (0..BUCKETS).map(|_| Flow::default()).collect();
        FairQueue { flows, new: VecDeque::new(), old: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Entries that wait.
    pub fn len(&self) -> usize {
        self.flows.iter().map(|flow| flow.entries.len()).sum()
    }

    /// With what each entry costs beside its own bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns what had to go for it, perhaps itself.
    pub fn push(&mut self, now: Instant, bucket: usize, bytes: usize, value: T) -> Vec<T> {
        let bytes = bytes + ENTRY_BYTES;
        let flow = &mut self.flows[bucket];
        flow.entries.push_back(Entry { value, bytes, since: now });
        flow.bytes += bytes;
        self.bytes += bytes;
        if !flow.is_listed {
            flow.is_listed = true;
            flow.credit = QUANTUM;
            self.new.push_back(bucket as u16);
        }
        let mut gone = Vec::new();
        while self.bytes > self.bytes_max {
            gone.extend(self.drop_of_longest());
        }
        gone
    }

    fn drop_of_longest(&mut self) -> Option<T> {
        let longest = self.flows.iter_mut().max_by_key(|flow| flow.bytes)?;
        let entry = longest.entries.pop_front()?;
        longest.bytes -= entry.bytes;
        self.bytes -= entry.bytes;
        Some(entry.value)
    }

    pub fn pop(&mut self, now: Instant) -> Option<Popped<T>> {
        loop {
            let is_new = !self.new.is_empty();
            let list = if is_new { &mut self.new } else { &mut self.old };
            let bucket = *list.front()?;
            let flow = &mut self.flows[usize::from(bucket)];
            if flow.credit <= 0 {
                flow.credit += QUANTUM;
                list.pop_front();
                self.old.push_back(bucket);
                continue;
            }
            let Some(entry) = flow.entries.pop_front() else {
                list.pop_front();
                // A flow that was new waits one round before it may be new again (§4.2).
                if is_new && !self.old.is_empty() {
                    self.old.push_back(bucket);
                } else {
                    flow.is_listed = false;
                }
                continue;
            };
            flow.credit -= entry.bytes as i64;
            flow.bytes -= entry.bytes;
            self.bytes -= entry.bytes;
            // The last packet of a flow keeps nobody waiting (RFC 8289 §5.3).
            let waited = if flow.entries.is_empty() { 0.0 } else { now - entry.since };
            let is_congested = flow.codel.judge(now, waited);
            return Some(Popped { value: entry.value, is_congested });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut FairQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop(1.0).map(|popped| popped.value)).collect()
    }

    #[test]
    fn one_flow_leaves_in_order() {
        let mut queue = FairQueue::new(1 << 20);
        for value in 0..100 {
            assert!(queue.push(1.0, 7, 1400, value).is_empty());
        }
        assert_eq!(drain(&mut queue), (0..100).collect::<Vec<_>>());
        assert!(queue.is_empty());
    }

    #[test]
    fn flows_take_turns_by_bytes() {
        let mut queue = FairQueue::new(1 << 20);
        for _ in 0..100 {
            queue.push(1.0, 1, 1436, 1);
            queue.push(1.0, 2, 686, 2);
            queue.push(1.0, 2, 686, 2);
        }
        let first: Vec<u32> = drain(&mut queue).into_iter().take(90).collect();
        let ones = first.iter().filter(|value| **value == 1).count();
        assert!((26..=34).contains(&ones), "{ones} of 90");
    }

    #[test]
    fn a_ping_passes_a_queue_of_bulk() {
        let mut queue = FairQueue::new(1 << 24);
        for _ in 0..1000 {
            queue.push(1.0, 1, 60_000, 1);
        }
        assert_eq!(queue.pop(1.0).map(|popped| popped.value), Some(1));
        queue.push(1.0, 9, 104, 9);
        assert_eq!(queue.pop(1.0).map(|popped| popped.value), Some(9));
    }

    #[test]
    fn a_stream_of_new_flows_does_not_starve_the_old_ones() {
        let mut queue = FairQueue::new(1 << 20);
        for _ in 0..200 {
            queue.push(1.0, 1, 1400, 1);
        }
        let mut bulk = 0;
        for round in 0..1000 {
            queue.push(1.0, 2, 1400, 2);
            queue.push(1.0, 3 + round % 2, 1400, 2);
            bulk += usize::from(queue.pop(1.0).is_some_and(|popped| popped.value == 1));
        }
        assert!(bulk >= 50, "{bulk} of 1000 turns");
    }

    #[test]
    fn its_bytes_are_bounded_and_the_longest_flow_pays() {
        let mut queue = FairQueue::new(100_000);
        queue.push(1.0, 2, 104, 2);
        let mut gone = Vec::new();
        for _ in 0..1000 {
            gone.extend(queue.push(1.0, 1, 1400, 1));
            assert!(queue.bytes() <= 100_000);
        }
        assert!(gone.len() > 900 && gone.iter().all(|value| *value == 1));
        assert!(queue.push(1.0, 3, 200_000, 3).contains(&3), "what can never fit goes itself");
        assert!(drain(&mut queue).contains(&2));
    }

    #[test]
    fn whoever_keeps_it_standing_is_told() {
        let mut queue = FairQueue::new(1 << 24);
        let (mut told, mut ping) = (0, 0);
        for msec in 0..1000 {
            let now = f64::from(msec);
            for _ in 0..3 {
                queue.push(now, 1, 1400, 1);
            }
            queue.push(now, 2, 104, 2);
            for _ in 0..3 {
                let Some(popped) = queue.pop(now) else { break };
                match popped.value {
                    1 => told += u32::from(popped.is_congested),
                    _ => ping += u32::from(popped.is_congested),
                }
            }
        }
        assert!(told > 10 && ping == 0, "{told} {ping}");
    }
}
