//! The seam between the core, which decides, and whoever hosts it: sockets and a TUN, or lists in a test.

/// What control code calls a `PathId`.
pub type PathId = u32;
pub type LinkId = u32;

/// Milliseconds of the host's monotonic clock.
pub type Instant = f64;

/// What the core tells control code; the fields are those of `PlaneEvent` in `src/plane/types.ts`.
#[derive(Debug, PartialEq)]
pub enum Event<'a> {
    Handshake { path: PathId, datagram: &'a [u8] },
    Control { link: LinkId, path: PathId, datagram_bytes: u32, payload: &'a [u8] },
    Confirmed { link: LinkId, local_index: u32 },
    Moved { link: LinkId, path: PathId },
    Active { link: LinkId },
    KeyWanted { link: LinkId },
    Pong { packet: &'a [u8] },
}

/// How one datagram leaves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Sending {
    /// Passes those that still wait.
    pub urgent: bool,
    /// The two bits of the outer header (RFC 6040 §4.1: a copy of the inner ones).
    pub ecn: u8,
}

/// What the core does to the outside during a call.
pub trait World {
    /// Largest datagram that the path carries; None for a path that is not known.
    fn path_room(&self, path: PathId) -> Option<usize>;
    /// Who is at the other end: the address of one host, or of one site where a site has many.
    fn source_of(&self, path: PathId) -> u128;
    /// Who exactly: what a cookie is bound to.
    fn address_of(&self, path: PathId) -> [u8; 24];
    /// Room for one datagram of exactly `len` bytes, to be written right away and ended with `commit`. Datagrams of one
    /// path leave in order; an urgent one passes those that still wait. None: nothing can be taken.
    fn slot(&mut self, path: PathId, len: usize, how: Sending) -> Option<&mut [u8]>;
    /// The way out takes nothing for now: what can wait should.
    fn is_full(&self) -> bool;
    /// Ends the datagram of the last `slot`. Returns false when an urgent one was not taken.
    fn commit(&mut self) -> bool;
    /// One whole IPv6 packet for the TUN, copied during the call. false: the device took nothing.
    fn deliver(&mut self, packet: &[u8]) -> bool;
    fn emit(&mut self, event: Event);
}
