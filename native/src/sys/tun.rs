//! Reads and writes of a TUN that was opened with IFF_VNET_HDR. The descriptor is its owner's.
use super::errno;
use crate::offload::merge::Abilities;

const TUNSETOFFLOAD: u64 = 0x4004_54d0;
const TUN_F_CSUM: u64 = 1;
const TUN_F_TSO6: u64 = 4;
const TUN_F_TSO_ECN: u64 = 8;
const TUN_F_USO4: u64 = 0x20;
const TUN_F_USO6: u64 = 0x40;

#[derive(Clone, Copy)]
pub struct Tun {
    pub fd: i32,
}

pub enum TunRead {
    Bytes(usize),
    Empty,
    /// The device is gone.
    Gone,
}

impl Tun {
    /// Asks the kernel for super-packets. What it refuses (USO before 6.2) is left out.
    pub fn enable_offloads(self) -> Abilities {
        let base = TUN_F_CSUM | TUN_F_TSO6 | TUN_F_TSO_ECN;
        if self.set_offloads(base | TUN_F_USO4 | TUN_F_USO6) {
            return Abilities { tcp: true, udp: true };
        }
        Abilities { tcp: self.set_offloads(base), udp: false }
    }

    fn set_offloads(self, bits: u64) -> bool {
        // SAFETY: TUNSETOFFLOAD takes a number, no pointer.
        unsafe { libc::ioctl(self.fd, TUNSETOFFLOAD as _, bits) == 0 }
    }

    /// One head and packet.
    pub fn read(self, buffer: &mut [u8]) -> TunRead {
        // SAFETY: the buffer is valid for its length through the call.
        let count = unsafe { libc::read(self.fd, buffer.as_mut_ptr().cast(), buffer.len()) };
        if count >= 0 {
            return TunRead::Bytes(count as usize);
        }
        match errno() {
            libc::EBADFD | libc::ENODEV | libc::EBADF => TunRead::Gone,
            _ => TunRead::Empty,
        }
    }

    /// Returns false when the device took nothing: full, down or gone.
    pub fn write(self, bytes: &[u8]) -> bool {
        // SAFETY: the buffer is valid for its length through the call.
        let count = unsafe { libc::write(self.fd, bytes.as_ptr().cast(), bytes.len()) };
        count == bytes.len() as isize
    }
}
