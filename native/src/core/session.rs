//! Keys of links: WireGuard's rotation of three per link (whitepaper §6.3), as `src/plane/portable/sessions.ts`.
use super::replay::{ReplayWindow, COUNTER_LIMIT};
use crate::world::Instant;
use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, AES_256_GCM, CHACHA20_POLY1305};
use zeroize::Zeroize;

pub const HEADER: usize = 16;
pub const TAG: usize = 16;
pub const OVERHEAD: usize = HEADER + TAG;
pub const TYPE_TRANSPORT: u32 = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cipher {
    ChaCha20Poly1305,
    Aes256Gcm,
}

/// As the handshake made it. The key bytes are wiped when it is dropped.
pub struct Keypair {
    pub local_index: u32,
    pub remote_index: u32,
    pub send_key: [u8; 32],
    pub receive_key: [u8; 32],
    pub initiator: bool,
    pub created_at: Instant,
    pub reject_after_msec: f64,
    pub cipher: Cipher,
}

impl Drop for Keypair {
    fn drop(&mut self) {
        self.send_key.zeroize();
        self.receive_key.zeroize();
    }
}

fn aead(cipher: Cipher, key: &[u8; 32]) -> LessSafeKey {
    let algorithm = match cipher {
        Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        Cipher::Aes256Gcm => &AES_256_GCM,
    };
    LessSafeKey::new(UnboundKey::new(algorithm, key).expect("both ciphers take 32 bytes"))
}

/// 32 zero bits, then the counter, little endian.
fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

pub struct Session {
    pub local_index: u32,
    remote_index: u32,
    send_key: LessSafeKey,
    receive_key: LessSafeKey,
    pub replay: ReplayWindow,
    /// The next counter to send.
    pub sent: u64,
    /// Different counters that arrived.
    pub received: u64,
    expires_at: Instant,
}

impl Session {
    pub fn new(keypair: &Keypair) -> Session {
        Session {
            local_index: keypair.local_index,
            remote_index: keypair.remote_index,
            send_key: aead(keypair.cipher, &keypair.send_key),
            receive_key: aead(keypair.cipher, &keypair.receive_key),
            replay: ReplayWindow::default(),
            sent: 0,
            received: 0,
            expires_at: keypair.created_at + keypair.reject_after_msec,
        }
    }

    pub fn is_expired(&self, now: Instant) -> bool {
        now >= self.expires_at
    }

    pub fn is_usable(&self, now: Instant) -> bool {
        now < self.expires_at && self.sent < COUNTER_LIMIT
    }

    /// Counters up to the highest that never arrived, or not yet.
    pub fn lost(&self) -> i64 {
        self.replay.span() as i64 - self.received as i64
    }

    /// Writes the header in front of the payload that lies at `datagram[16..len - 16]`, and seals it there.
    #[inline]
    pub fn seal(&mut self, datagram: &mut [u8]) {
        let counter = self.sent;
        self.sent += 1;
        let (head, body) = datagram.split_at_mut(HEADER);
        head[..4].copy_from_slice(&TYPE_TRANSPORT.to_le_bytes());
        head[4..8].copy_from_slice(&self.remote_index.to_le_bytes());
        head[8..].copy_from_slice(&counter.to_le_bytes());
        let (payload, tag) = body.split_at_mut(body.len() - TAG);
        let sealed = self
            .send_key
            .seal_in_place_separate_tag(nonce(counter), Aad::empty(), payload)
            .expect("a datagram is far below the limit of the cipher");
        tag.copy_from_slice(sealed.as_ref());
    }

    /// Opens the payload of a transport datagram in place. Returns false when it is not authentic; its bytes are garbage then.
    #[inline]
    pub fn open(&self, counter: u64, datagram: &mut [u8]) -> bool {
        let body = &mut datagram[HEADER..];
        self.receive_key.open_in_place(nonce(counter), Aad::empty(), body).is_ok()
    }
}
