//! System calls: the only modules with unsafe code. Each function does one thing and says what went wrong as an errno.
#![allow(unsafe_code)]
pub mod backlog;
pub mod control;
pub mod poll;
pub mod tun;
pub mod udp;

pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
