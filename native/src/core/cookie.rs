//! Cookies of whoever sends handshakes while there are too many (whitepaper §5.4.7): sealed with XChaCha20-Poly1305
//! (draft-irtf-cfrg-xchacha), bound to the address they are sent to, made from a secret that lives for two minutes.
use super::blake2s::{self, MAC};
use crate::world::Instant;
use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, CHACHA20_POLY1305};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize;

pub const REPLY: usize = 64;
const TYPE_COOKIE_REPLY: u32 = 3;
const NONCE: usize = 24;
const NONCE_AT: usize = 8;
const SEALED_AT: usize = NONCE_AT + NONCE;
const TAG_AT: usize = SEALED_AT + MAC;
/// Whitepaper §5.4.7.
const SECRET_MSEC: f64 = 120_000.0;

/// What a cookie is bound to: address, zone and port, or the number of a path that has none.
pub type Address = [u8; 24];

pub struct Cookies {
    /// The hash of WireGuard's label and our public key.
    key: [u8; 32],
    secret: [u8; 32],
    until: Option<Instant>,
    random: SystemRandom,
}

impl Drop for Cookies {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl Cookies {
    pub fn new(key: [u8; 32]) -> Cookies {
        Cookies { key, secret: [0; 32], until: None, random: SystemRandom::new() }
    }

    /// Whether the message's MAC2 shows a cookie that was sent to this address.
    pub fn has_mac2(&mut self, now: Instant, address: &Address, message: &[u8]) -> bool {
        let Some(at) = message.len().checked_sub(MAC) else { return false };
        let Some(cookie) = self.cookie_for(now, address) else { return false };
        let expected = blake2s::mac(&cookie, &message[..at]);
        // No early end: how much of it was right tells nobody anything.
        let wrong = expected.iter().zip(&message[at..]).fold(0, |wrong, (a, b)| wrong | (a ^ b));
        wrong == 0
    }

    /// The answer to an initiation or a response whose MAC1 is right. None without randomness of the kernel.
    pub fn reply(
        &mut self,
        now: Instant,
        address: &Address,
        message: &[u8],
    ) -> Option<[u8; REPLY]> {
        let mac1_at = message.len().checked_sub(2 * MAC).filter(|at| *at >= 8)?;
        let cookie = self.cookie_for(now, address)?;
        let mut nonce = [0; NONCE];
        self.random.fill(&mut nonce).ok()?;
        let mut out = [0; REPLY];
        out[..4].copy_from_slice(&TYPE_COOKIE_REPLY.to_le_bytes());
        out[4..8].copy_from_slice(&message[4..8]);
        out[NONCE_AT..SEALED_AT].copy_from_slice(&nonce);
        out[SEALED_AT..TAG_AT].copy_from_slice(&cookie);
        let mac1 = &message[mac1_at..mac1_at + MAC];
        let tag = xseal(&self.key, &nonce, mac1, &mut out[SEALED_AT..TAG_AT])?;
        out[TAG_AT..].copy_from_slice(&tag);
        Some(out)
    }

    /// As whoever got the cookie would.
    #[cfg(test)]
    pub fn stamp_for_test(&mut self, now: Instant, address: &Address, message: &mut [u8]) {
        let at = message.len() - MAC;
        let cookie = self.cookie_for(now, address).expect("there is randomness");
        let mac2 = blake2s::mac(&cookie, &message[..at]);
        message[at..].copy_from_slice(&mac2);
    }

    fn cookie_for(&mut self, now: Instant, address: &Address) -> Option<[u8; MAC]> {
        if self.until.is_none_or(|until| now >= until) {
            self.random.fill(&mut self.secret).ok()?;
            self.until = Some(now + SECRET_MSEC);
        }
        Some(blake2s::mac(&self.secret, address))
    }
}

/// Seals in place and returns the tag.
fn xseal(key: &[u8; 32], nonce: &[u8; NONCE], aad: &[u8], plain: &mut [u8]) -> Option<[u8; 16]> {
    let mut derived = hchacha20(key, &std::array::from_fn(|i| nonce[i]));
    let mut rest = [0; 12];
    rest[4..].copy_from_slice(&nonce[16..]);
    let sealer = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &derived).ok()?);
    derived.zeroize();
    let nonce = Nonce::assume_unique_for_key(rest);
    let tag = sealer.seal_in_place_separate_tag(nonce, Aad::from(aad), plain).ok()?;
    tag.as_ref().try_into().ok()
}

fn quarter(s: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    s[a] = s[a].wrapping_add(s[b]);
    s[d] = (s[d] ^ s[a]).rotate_left(16);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_left(12);
    s[a] = s[a].wrapping_add(s[b]);
    s[d] = (s[d] ^ s[a]).rotate_left(8);
    s[c] = s[c].wrapping_add(s[d]);
    s[b] = (s[b] ^ s[c]).rotate_left(7);
}

/// draft-irtf-cfrg-xchacha-03 §2.2
fn hchacha20(key: &[u8; 32], input: &[u8; 16]) -> [u8; 32] {
    let word = |bytes: &[u8], i: usize| u32::from_le_bytes([0, 1, 2, 3].map(|j| bytes[4 * i + j]));
    let mut s: [u32; 16] = std::array::from_fn(|i| match i {
        0..4 => word(b"expand 32-byte k", i),
        4..12 => word(key, i - 4),
        _ => word(input, i - 12),
    });
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut s, [column, 4 + column, 8 + column, 12 + column]);
        }
        for diagonal in 0..4 {
            let at = |row: usize| 4 * row + (diagonal + row) % 4;
            quarter(&mut s, [at(0), at(1), at(2), at(3)]);
        }
    }
    std::array::from_fn(|i| {
        let at = if i < 16 { i / 4 } else { 12 + (i - 16) / 4 };
        s[at].to_le_bytes()[i % 4]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The drafts' own test vectors: §2.2.1 and A.3.1.
    #[test]
    fn agrees_with_the_draft() {
        let key: [u8; 32] = std::array::from_fn(|i| i as u8);
        let input = [0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27];
        assert_eq!(
            hex(&hchacha20(&key, &input)),
            "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"
        );
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + i as u8);
        let nonce: [u8; NONCE] = std::array::from_fn(|i| 0x40 + i as u8);
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let mut text = *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let tag = xseal(&key, &nonce, &aad, &mut text).expect("it seals");
        assert_eq!(hex(&text[..8]), "bd6d179d3e83d43b");
        assert_eq!(hex(&tag), "c0875924c1c7987947deafd8780acf49");
    }

    fn initiation() -> [u8; 148] {
        std::array::from_fn(|i| i as u8)
    }

    /// What an honest initiator reads out of the reply, and stamps with.
    fn stamped(cookies: &mut Cookies, now: f64, address: &Address) -> [u8; 148] {
        let mut message = initiation();
        let mut reply = cookies.reply(now, address, &message).expect("there is randomness");
        let derived = hchacha20(&cookies.key, &std::array::from_fn(|i| reply[NONCE_AT + i]));
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&reply[NONCE_AT + 16..SEALED_AT]);
        let opener = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &derived).expect("32"));
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(&message[116..132]);
        let cookie = opener.open_in_place(nonce, aad, &mut reply[SEALED_AT..]).expect("authentic");
        let mac2 = blake2s::mac(cookie, &message[..132]);
        message[132..].copy_from_slice(&mac2);
        message
    }

    #[test]
    fn a_cookie_is_good_for_its_address_and_two_minutes() {
        let mut cookies = Cookies::new([3; 32]);
        let (here, there) = ([1; 24], [2; 24]);
        let message = stamped(&mut cookies, 5.0, &here);
        assert!(cookies.has_mac2(5.0, &here, &message));
        assert!(cookies.has_mac2(119_000.0, &here, &message));
        assert!(!cookies.has_mac2(5.0, &there, &message));
        assert!(!cookies.has_mac2(5.0, &here, &initiation()));
        assert!(!cookies.has_mac2(120_006.0, &here, &message), "the secret is another by now");
        assert!(!cookies.has_mac2(5.0, &here, &message[..10]));
    }
}
