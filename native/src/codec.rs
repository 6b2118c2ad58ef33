//! Commands from and events to control code, as bytes: one buffer for many, little endian. `src/plane/native/codec.ts` is the
//! other side and describes the format. A buffer that ends early ends the batch: only our own control code writes them.
use crate::core::fib::Prefix;
use crate::core::link::Settings;
use crate::core::session::{Cipher, Keypair};
use crate::core::Command;
use crate::world::{Event, LinkId, PathId};

/// `NONE` where a number may be absent.
pub const NONE: u32 = u32::MAX;

pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    /// Bytes that are not read yet.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub fn u8(&mut self) -> Option<u8> {
        Some(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.array()?))
    }

    fn f64(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.array()?))
    }

    fn optional(&mut self) -> Option<Option<u32>> {
        Some(Some(self.u32()?).filter(|word| *word != NONE))
    }

    pub fn blob(&mut self) -> Option<&'a [u8]> {
        let count = self.u32()? as usize;
        self.take(count)
    }

    fn prefix(&mut self) -> Option<Prefix> {
        Some(Prefix { address: self.array()?, length: self.u8()?.min(128) })
    }

    fn prefixes(&mut self) -> Option<Vec<Prefix>> {
        let count = self.u32()?;
        (0..count).map(|_| self.prefix()).collect()
    }
}

/// The next command, if its first byte is one of the core's; `path` commands are the host's.
pub fn command(kind: u8, reader: &mut Reader) -> Option<Command> {
    match kind {
        1 => Some(Command::Local {
            address: reader.array()?,
            transit: reader.u8()? != 0,
            prefixes: reader.prefixes()?,
        }),
        2 => link(reader),
        3 => Some(Command::RemoveLink { link: reader.u32()? }),
        4 => keypair(reader),
        5 => Some(Command::WipeKeys { link: reader.u32()? }),
        6 => {
            let count = reader.u32()?;
            let changes = (0..count).map(|_| Some((reader.prefix()?, reader.optional()?)));
            Some(Command::Fib { changes: changes.collect::<Option<_>>()? })
        }
        7 => Some(Command::Send {
            link: reader.u32()?,
            via: reader.optional()?,
            payload: reader.blob()?.to_vec(),
        }),
        8 => Some(Command::Transmit { path: reader.u32()?, datagram: reader.blob()?.to_vec() }),
        9 => Some(Command::Arm { link: reader.u32()? }),
        10 => Some(Command::Inject { packet: reader.blob()?.to_vec() }),
        _ => None,
    }
}

fn link(reader: &mut Reader) -> Option<Command> {
    let link = reader.u32()?;
    let path = reader.optional()?;
    let datagram_bytes_max = reader.u32()? as usize;
    let mtu = reader.u32()? as usize;
    let own_sources_only = reader.u8()? != 0;
    let has_peer = reader.u8()? != 0;
    let peer = Some(reader.array()?).filter(|_| has_peer);
    let has_prefixes = reader.u8()? != 0;
    let prefixes = Some(reader.prefixes()?).filter(|_| has_prefixes);
    let settings = Settings { path, datagram_bytes_max, mtu, own_sources_only, peer, prefixes };
    Some(Command::Link { link, settings })
}

fn keypair(reader: &mut Reader) -> Option<Command> {
    let link = reader.u32()?;
    let keypair = Keypair {
        local_index: reader.u32()?,
        remote_index: reader.u32()?,
        send_key: reader.array()?,
        receive_key: reader.array()?,
        initiator: reader.u8()? != 0,
        created_at: reader.f64()?,
        reject_after_msec: reader.f64()?,
        cipher: if reader.u8()? == 1 { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 },
    };
    Some(Command::Keypair { link, keypair })
}

/// Events as they go up.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn head(&mut self, kind: u8, words: &[u32]) {
        self.bytes.push(kind);
        for word in words {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
    }

    pub fn blob(&mut self, kind: u8, words: &[u32], blob: &[u8]) {
        self.head(kind, words);
        self.bytes.extend_from_slice(&(blob.len() as u32).to_le_bytes());
        self.bytes.extend_from_slice(blob);
    }

    pub fn event(&mut self, event: &Event) {
        match *event {
            Event::Handshake { path, datagram } => self.blob(1, &[path], datagram),
            Event::Control { link, path, datagram_bytes, payload } => {
                self.blob(2, &[link, path, datagram_bytes], payload);
            }
            Event::Confirmed { link, local_index } => self.head(3, &[link, local_index]),
            Event::Moved { link, path } => self.head(4, &[link, path]),
            Event::Active { link } => self.head(5, &[link]),
            Event::KeyWanted { link } => self.head(6, &[link]),
            Event::Pong { packet } => self.blob(8, &[], packet),
        }
    }

    /// A path that only the worker knows so far: its number and both ends.
    pub fn new_path(&mut self, path: PathId, ends: &[u8]) {
        self.blob(9, &[path], ends);
    }

    /// A datagram for a path that control code carries.
    pub fn external(&mut self, path: PathId, datagram: &[u8]) {
        self.blob(10, &[path], datagram);
    }

    /// Something that a person should read. `kind`: 0 an error, 1 the TUN is gone; after panics: 2 the worker went
    /// on, 3 it pauses, 4 it goes on after a pause.
    pub fn trouble(&mut self, kind: u32, text: &str) {
        self.blob(11, &[kind], text.as_bytes());
    }

    /// `failure`: 0 closed, 1 unreachable, 2 too big with the bytes that were refused.
    pub fn path_failed(&mut self, path: PathId, failure: u32, bytes: u32) {
        self.head(7, &[path, failure, bytes]);
    }
}

/// The fields of `LinkCounters`, in the order of its TypeScript declaration.
pub fn counters(link: &crate::core::link::Link) -> [f64; 16] {
    let counters = &link.counters;
    [
        counters.rx_packets as f64,
        counters.rx_bytes as f64,
        counters.tx_packets as f64,
        counters.tx_bytes as f64,
        counters.rx_data as f64,
        counters.tx_data as f64,
        counters.last_rx_at,
        counters.last_tx_at,
        counters.last_data_rx_at,
        counters.last_data_tx_at,
        counters.unanswered_since_at,
        link.lost() as f64,
        link.current.as_ref().map_or(0.0, |session| session.sent as f64),
        counters.split_tx as f64,
        counters.joined_rx as f64,
        f64::from(link.id as LinkId),
    ]
}
