//! The sliding window against replayed transport packets (RFC 6479), as `src/noise/replay.ts`.

const WORD_BITS: u64 = 64;
const WORDS: usize = 129;
/// Counters that far behind the highest are refused.
pub const WINDOW: u64 = (WORDS as u64 - 1) * WORD_BITS;
/// Control code counts in numbers that are exact only below this.
pub const COUNTER_LIMIT: u64 = (1 << 53) - 1;

pub struct ReplayWindow {
    words: [u64; WORDS],
    /// Highest marked counter plus one; 0 before the first.
    next: u64,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        ReplayWindow { words: [0; WORDS], next: 0 }
    }
}

impl ReplayWindow {
    #[inline]
    pub fn check(&self, counter: u64) -> bool {
        if counter >= self.next {
            return counter < COUNTER_LIMIT;
        }
        if counter + WINDOW < self.next {
            return false;
        }
        let word = (counter / WORD_BITS) as usize % WORDS;
        self.words[word] & (1 << (counter % WORD_BITS)) == 0
    }

    /// Marks a counter that `check` allowed and whose packet was authentic.
    #[inline]
    pub fn mark(&mut self, counter: u64) {
        if counter >= self.next {
            self.advance(counter);
        }
        let word = (counter / WORD_BITS) as usize % WORDS;
        self.words[word] |= 1 << (counter % WORD_BITS);
    }

    /// How many counters there were at most: the highest one plus one.
    pub fn span(&self) -> u64 {
        self.next
    }

    fn advance(&mut self, counter: u64) {
        let from = if self.next == 0 { -1 } else { ((self.next - 1) / WORD_BITS) as i64 };
        let to = (counter / WORD_BITS) as i64;
        for i in 1..=(to - from).min(WORDS as i64) {
            self.words[(from + i) as usize % WORDS] = 0;
        }
        self.next = counter + 1;
    }
}
