//! What waits for its turn to be sealed: packets of the kernel as they were read, and those in transit while the way out is
//! full or others wait already. Flows share it fairly (`fair`).
use super::fair::{FairQueue, Popped};
use super::flow::flow_of;
use super::ip6;
use crate::offload::VNET;
use crate::world::{Instant, LinkId};

/// Ours: some milliseconds at gigabits; a slow way out is kept short by CoDel long before.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// What one read of the TUN may give.
const READ_BYTES: usize = ip6::PACKET_MAX + 1 + VNET;
/// Buffers that are kept for the next reads.
const SPARE_MAX: usize = 64;

pub enum Waiting {
    /// From our own kernel: a vnet header and a packet, which may be one of several (`offload::split`).
    Own { buffer: Vec<u8>, length: usize },
    /// From another link: exactly one IPv6 packet, already looked at.
    Transit { out: LinkId, packet: Vec<u8> },
}

impl Waiting {
    fn into_buffer(self) -> Vec<u8> {
        match self {
            Waiting::Own { buffer, .. } | Waiting::Transit { packet: buffer, .. } => buffer,
        }
    }
}

/// Since the start.
#[derive(Clone, Copy, Default)]
pub struct QueueCounters {
    /// Packets that CoDel marked instead of dropping them.
    pub marked: u64,
    /// Most bytes that ever waited.
    pub bytes_high: usize,
}

pub struct Queue {
    fair: FairQueue<Waiting>,
    seed: u64,
    spare: Vec<Vec<u8>>,
    pub counters: QueueCounters,
}

impl Queue {
    pub fn new(seed: u64) -> Queue {
        let fair = FairQueue::new(BYTES_MAX);
        Queue { fair, seed, spare: Vec::new(), counters: QueueCounters::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.fair.is_empty()
    }

    pub fn bytes(&self) -> usize {
        self.fair.bytes()
    }

    /// `head` bytes lie before the packet. Returns how many entries had to go.
    pub fn push(&mut self, now: Instant, head: usize, waiting: Waiting) -> u64 {
        let bytes = match &waiting {
            Waiting::Own { buffer, length } => &buffer[..*length],
            Waiting::Transit { packet, .. } => packet,
        };
        let bucket = flow_of(self.seed, bytes.get(head..).unwrap_or_default());
        let length = bytes.len();
        let gone = self.fair.push(now, bucket, length, waiting);
        self.counters.bytes_high = self.counters.bytes_high.max(self.fair.bytes());
        let count = gone.len() as u64;
        for waiting in gone {
            self.recycle(waiting.into_buffer());
        }
        count
    }

    /// Empties it. Returns how many entries it had.
    pub fn clear(&mut self) -> u64 {
        let had = self.fair.len() as u64;
        self.fair = FairQueue::new(BYTES_MAX);
        self.spare.clear();
        had
    }

    pub fn pop(&mut self, now: Instant) -> Option<Popped<Waiting>> {
        self.fair.pop(now)
    }

    /// Room for one read of the TUN; its bytes are anything.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_else(|| vec![0; READ_BYTES])
    }

    pub fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < SPARE_MAX && buffer.len() == READ_BYTES {
            self.spare.push(buffer);
        }
    }
}
