//! UDP in trains: one `sendmsg` for datagrams of one size (UDP_SEGMENT), one `recvmsg` for what UDP_GRO joined. The
//! sockets are their owner's, bound and set up.
use super::control::{self, Heard};
use super::errno;
use std::mem::{size_of, zeroed};

pub const SOL_UDP: i32 = 17;
const UDP_SEGMENT: i32 = 103;
pub const UDP_GRO: i32 = 104;

/// Both ends of a datagram, as the words of `ENDS` in `src/posix/udp-receive.ts`: addresses are IPv6 (v4-mapped for IPv4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ends {
    pub remote: [u8; 16],
    pub remote_zone: u32,
    pub port: u32,
    /// Zeros: the kernel chooses.
    pub local: [u8; 16],
    pub local_zone: u32,
    /// The number of the socket, 0 while unknown.
    pub socket: u32,
}

pub const ENDS_BYTES: usize = 48;

impl Ends {
    pub fn read(bytes: &[u8; ENDS_BYTES]) -> Ends {
        let word = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
        let address = |at: usize| std::array::from_fn(|i| bytes[at + i]);
        Ends {
            remote: address(0),
            remote_zone: word(16),
            port: word(20),
            local: address(24),
            local_zone: word(40),
            socket: word(44),
        }
    }

    pub fn write(&self) -> [u8; ENDS_BYTES] {
        let mut out = [0; ENDS_BYTES];
        out[..16].copy_from_slice(&self.remote);
        out[16..20].copy_from_slice(&self.remote_zone.to_ne_bytes());
        out[20..24].copy_from_slice(&self.port.to_ne_bytes());
        out[24..40].copy_from_slice(&self.local);
        out[40..44].copy_from_slice(&self.local_zone.to_ne_bytes());
        out[44..48].copy_from_slice(&self.socket.to_ne_bytes());
        out
    }

    pub fn is_ip4(&self) -> bool {
        self.remote[..10] == [0; 10] && self.remote[10..12] == [0xff, 0xff]
    }

    pub fn has_local(&self) -> bool {
        self.local != [0; 16]
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Socket {
    pub fd: i32,
    pub id: u32,
    pub is_ip6: bool,
    pub takes_ip4: bool,
    /// Bound to no address: fits any of its families.
    pub is_wildcard: bool,
}

impl Socket {
    /// Sets how much it takes before it is full, in the kernel's counting.
    pub fn limit_backlog(&self, bytes: usize) {
        let half = (bytes / 2) as i32;
        for name in [libc::SO_SNDBUFFORCE, libc::SO_SNDBUF] {
            let size = size_of::<i32>() as u32;
            let at = (&raw const half).cast();
            // SAFETY: the option's value is an int that lives through the call.
            let done = unsafe { libc::setsockopt(self.fd, libc::SOL_SOCKET, name, at, size) };
            if done == 0 {
                return;
            }
        }
    }
}

pub struct Received {
    pub ends: Ends,
    pub bytes: usize,
    /// Size of each datagram but the last.
    pub segment: usize,
    /// Of the outer header: the kernel joins only what has the same.
    pub ecn: u8,
}

pub enum Receive {
    Train(Received),
    /// Cut off by the kernel, or from nowhere.
    Useless,
    Empty,
}

#[repr(C, align(8))]
struct Control([u8; 128]);

pub fn mapped(ip4: [u8; 4]) -> [u8; 16] {
    let mut out = [0; 16];
    out[10..12].fill(0xff);
    out[12..].copy_from_slice(&ip4);
    out
}

/// Asks for the ECN bits of each datagram; a kernel that does not give them gives none.
pub fn enable_ecn(socket: &Socket) {
    let one = 1_i32;
    let set = |level: i32, name: i32| {
        let size = size_of::<i32>() as u32;
        // SAFETY: the option's value is an int that lives through the call.
        unsafe { libc::setsockopt(socket.fd, level, name, (&raw const one).cast(), size) };
    };
    if socket.is_ip6 {
        set(libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS);
    }
    if socket.takes_ip4 {
        set(libc::IPPROTO_IP, libc::IP_RECVTOS);
    }
}

/// Takes one train into `buffer`.
pub fn receive(socket: &Socket, buffer: &mut [u8]) -> Receive {
    // SAFETY: all zeros is a valid value of these C structures.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { (zeroed(), zeroed()) };
    let mut control = Control([0; 128]);
    let mut vector = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    // SAFETY: every pointer in the message is to a local that lives through the call, with its length.
    let count = unsafe { libc::recvmsg(socket.fd, &raw mut message, libc::MSG_DONTWAIT) };
    if count < 0 {
        return Receive::Empty;
    }
    let bytes = count as usize;
    let ends = Ends { socket: socket.id, ..Ends::default() };
    let mut heard = Heard { ends, segment: bytes, ecn: 0 };
    read_name(&name, &mut heard.ends);
    let used: usize = message.msg_controllen as _;
    control::read(&control.0[..used.min(control.0.len())], &mut heard);
    let is_cut = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    if is_cut || heard.ends.port == 0 {
        return Receive::Useless;
    }
    let Heard { ends, segment, ecn } = heard;
    Receive::Train(Received { ends, bytes, segment, ecn })
}

pub fn is_link_local(address: &[u8; 16]) -> bool {
    address[0] == 0xfe && address[1] & 0xc0 == 0x80
}

fn read_name(name: &libc::sockaddr_storage, ends: &mut Ends) {
    let at = std::ptr::from_ref(name);
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the kernel wrote a sockaddr_in into this larger structure.
            let address = unsafe { &*at.cast::<libc::sockaddr_in>() };
            ends.remote = mapped(address.sin_addr.s_addr.to_ne_bytes());
            ends.port = u32::from(u16::from_be(address.sin_port));
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the kernel wrote a sockaddr_in6 into this larger structure.
            let address = unsafe { &*at.cast::<libc::sockaddr_in6>() };
            ends.remote = address.sin6_addr.s6_addr;
            ends.remote_zone = if is_link_local(&ends.remote) { address.sin6_scope_id } else { 0 };
            ends.port = u32::from(u16::from_be(address.sin6_port));
        }
        _ => {}
    }
}

/// Sends datagrams that lie one behind the other in `bytes`, each `segment` long but the last. Returns an errno.
pub fn send(
    socket: &Socket,
    ends: &Ends,
    ecn: u8,
    bytes: &[u8],
    segment: usize,
) -> Result<(), i32> {
    // SAFETY: all zeros is a valid value of these C structures.
    let (mut name, mut message): (libc::sockaddr_storage, libc::msghdr) =
        unsafe { (zeroed(), zeroed()) };
    let mut control = Control([0; 128]);
    let mut vector =
        libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = write_name(&mut name, socket, ends);
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.0.as_mut_ptr().cast();
    message.msg_controllen = control.0.len() as _;
    let used = write_control(
        &message,
        socket,
        ends,
        Extras { ecn, segment: (segment < bytes.len()).then_some(segment) },
    );
    message.msg_controllen = used as _;
    if used == 0 {
        message.msg_control = std::ptr::null_mut();
    }
    // SAFETY: every pointer in the message is to a local or to `bytes`, which live through the call, with its length.
    let count = unsafe {
        libc::sendmsg(socket.fd, &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    if count < 0 {
        Err(errno())
    } else {
        Ok(())
    }
}

fn write_name(name: &mut libc::sockaddr_storage, socket: &Socket, ends: &Ends) -> u32 {
    let at = std::ptr::from_mut(name);
    if socket.is_ip6 {
        // SAFETY: sockaddr_storage is larger than and aligned for every address.
        let address = unsafe { &mut *at.cast::<libc::sockaddr_in6>() };
        address.sin6_family = libc::AF_INET6 as _;
        address.sin6_port = (ends.port as u16).to_be();
        address.sin6_addr.s6_addr = ends.remote;
        address.sin6_scope_id = ends.remote_zone;
        size_of::<libc::sockaddr_in6>() as u32
    } else {
        // SAFETY: as above.
        let address = unsafe { &mut *at.cast::<libc::sockaddr_in>() };
        address.sin_family = libc::AF_INET as _;
        address.sin_port = (ends.port as u16).to_be();
        address.sin_addr.s_addr = u32::from_ne_bytes([12, 13, 14, 15].map(|i| ends.remote[i]));
        size_of::<libc::sockaddr_in>() as u32
    }
}

struct Extras {
    ecn: u8,
    segment: Option<usize>,
}

/// Returns the bytes that are used.
fn write_control(
    message: &libc::msghdr,
    socket: &Socket,
    ends: &Ends,
    Extras { ecn, segment }: Extras,
) -> usize {
    let mut used = 0;
    // SAFETY: the buffer has 128 zeroed bytes; the at most two control messages take 40 + 24 of them, and CMSG_NXTHDR stays inside.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        let mut put = |level: i32, kind: i32, bytes: &[u8]| {
            if header.is_null() {
                return;
            }
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = libc::CMSG_LEN(bytes.len() as u32) as _;
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), libc::CMSG_DATA(header), bytes.len());
            used += libc::CMSG_SPACE(bytes.len() as u32) as usize;
            header = libc::CMSG_NXTHDR(message, header);
        };
        if ends.has_local() && socket.is_ip6 {
            let mut info = [0; 20];
            info[..16].copy_from_slice(&ends.local);
            info[16..].copy_from_slice(&ends.local_zone.to_ne_bytes());
            put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
        } else if ends.has_local() {
            let mut info = [0; 12];
            info[4..8].copy_from_slice(&ends.local[12..]);
            put(libc::IPPROTO_IP, libc::IP_PKTINFO, &info);
        }
        if ecn != 0 && ends.is_ip4() {
            put(libc::IPPROTO_IP, libc::IP_TOS, &i32::from(ecn).to_ne_bytes());
        } else if ecn != 0 {
            put(libc::IPPROTO_IPV6, libc::IPV6_TCLASS, &i32::from(ecn).to_ne_bytes());
        }
        if let Some(segment) = segment {
            put(SOL_UDP, UDP_SEGMENT, &(segment as u16).to_ne_bytes());
        }
    }
    used
}
