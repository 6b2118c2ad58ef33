//! Seeded mutations of bytes.

/// SplitMix64: small, seeded, the same everywhere.
pub struct Random(u64);

/// What length fields and counters are when they want to hurt.
const EXTREMES: [u64; 12] =
    [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, 1 << 53, u64::MAX];
const LENGTH_MAX: usize = 70_000;

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    pub fn chance(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// One of the corpus, changed 0 to 4 times; at times nothing but noise.
    pub fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        if self.chance(50) {
            let count = self.below(300);
            return self.bytes(count);
        }
        let mut bytes = self.pick(corpus).clone();
        for _ in 0..self.below(5) {
            self.mutate(&mut bytes, corpus);
        }
        bytes.truncate(LENGTH_MAX);
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len());
        match self.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 if !bytes.is_empty() => bytes[at] = self.next() as u8,
            2 => bytes.truncate(at),
            3 => self.extreme(bytes, at),
            4 => {
                let other = self.pick(corpus).clone();
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            5 => {
                let count = self.below(64);
                let more = self.bytes(count);
                bytes.splice(at..at, more);
            }
            _ => {
                let end = (at + self.below(64)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }

    /// A field of 1, 2, 4 or 8 bytes, of either order.
    fn extreme(&mut self, bytes: &mut [u8], at: usize) {
        let width = *self.pick(&[1, 2, 4, 8]);
        let value = *self.pick(&EXTREMES);
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        let is_big = self.chance(2);
        let field = bytes.iter_mut().skip(at).take(width).enumerate();
        for (i, byte) in field {
            *byte = if is_big { big[8 - width + i] } else { little[i] };
        }
    }
}
