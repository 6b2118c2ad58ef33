//! Waiting for descriptors, and being woken.
use std::sync::Arc;

/// An eventfd that other threads wake this one by.
pub struct Waker(i32);

impl Waker {
    pub fn new() -> Option<Arc<Waker>> {
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        (fd >= 0).then(|| Arc::new(Waker(fd)))
    }

    pub fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the buffer has the eight bytes that an eventfd takes, and lives through the call.
        unsafe { libc::write(self.0, one.as_ptr().cast(), one.len()) };
    }

    fn clear(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: the buffer has the eight bytes that an eventfd gives, and lives through the call.
        unsafe { libc::read(self.0, count.as_mut_ptr().cast(), count.len()) };
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        // SAFETY: the descriptor is ours, and nobody uses it after this.
        unsafe { libc::close(self.0) };
    }
}

#[derive(Clone, Copy)]
pub struct Wanted {
    pub fd: i32,
    /// Also when it can be written again.
    pub writable: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ready {
    pub readable: bool,
    pub writable: bool,
    /// In an error state.
    pub failed: bool,
}

/// Waits until one of `wanted` is as wanted or failed, or the waker was used; writes how each one is.
pub fn wait(waker: &Waker, wanted: &[Wanted], ready: &mut Vec<Ready>) {
    let pollfd = |Wanted { fd, writable }: Wanted| {
        let events = if writable { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
        libc::pollfd { fd, events, revents: 0 }
    };
    let waking = Wanted { fd: waker.0, writable: false };
    let mut polled: Vec<libc::pollfd> =
        std::iter::once(waking).chain(wanted.iter().copied()).map(pollfd).collect();
    // SAFETY: the array is valid for its length; no timeout and no signal mask are given.
    unsafe {
        libc::ppoll(polled.as_mut_ptr(), polled.len() as _, std::ptr::null(), std::ptr::null());
    }
    if polled[0].revents != 0 {
        waker.clear();
    }
    ready.clear();
    let is = |revents: i16, bit: i16| revents & bit != 0;
    ready.extend(polled[1..].iter().map(|one| Ready {
        readable: is(one.revents, libc::POLLIN),
        writable: is(one.revents, libc::POLLOUT),
        failed: is(one.revents, libc::POLLERR | libc::POLLHUP | libc::POLLNVAL),
    }));
}
