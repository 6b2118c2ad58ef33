//! Why packets were dropped, under the names of `DropReason` in `src/plane/types.ts`.

macro_rules! reasons {
    ($($name:ident = $text:literal),* $(,)?) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Reason { $($name),* }
        /// In the order of their numbers.
        pub const NAMES: &[&str] = &[$($text),*];
    };
}

reasons! {
    Malformed = "malformed",
    UnknownIndex = "unknown-index",
    BadTag = "bad-tag",
    Replayed = "replayed",
    KeyExpired = "key-expired",
    NotIp6 = "not-ip6",
    MartianSource = "martian-source",
    MartianDestination = "martian-destination",
    WrongSource = "wrong-source",
    NoRoute = "no-route",
    HopLimit = "hop-limit",
    TooBig = "too-big",
    NoTransit = "no-transit",
    Loop = "loop",
    StagingFull = "staging-full",
    NoPath = "no-path",
    NoKey = "no-key",
    SendFailed = "send-failed",
    TunFull = "tun-full",
    UnprovenLink = "unproven-link",
    UnknownPayload = "unknown-payload",
    Reassembly = "reassembly",
    QueueFull = "queue-full",
    HandshakeFlood = "handshake-flood",
    Congested = "congested",
    Overlimit = "overlimit",
    CookieDemanded = "cookie-demanded",
}

#[derive(Default)]
pub struct Drops([u64; NAMES.len()]);

impl Drops {
    #[inline]
    pub fn count(&mut self, reason: Reason) {
        self.add(reason, 1);
    }

    pub fn add(&mut self, reason: Reason, packets: u64) {
        self.0[reason as usize] += packets;
    }

    pub fn all(&self) -> &[u64; NAMES.len()] {
        &self.0
    }
}
