//! What node sees: free functions over numeric handles, batches in one buffer each way.
use crate::codec;
use crate::core::drops::NAMES;
use crate::memory::MemoryHost;
use crate::worker::{Shared, Worker};
use napi::bindgen_prelude::{Buffer, Error, Float64Array, Function, Result, Status, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

thread_local! {
    static MEMORY: RefCell<(u32, HashMap<u32, MemoryHost>)> = RefCell::default();
}

/// Runs on one memory host; does nothing for a handle that is gone.
fn with<R: Default>(handle: u32, run: impl FnOnce(&mut MemoryHost) -> R) -> R {
    MEMORY.with_borrow_mut(|(_, hosts)| hosts.get_mut(&handle).map(run).unwrap_or_default())
}

/// Names of the reasons that `memoryDrops` and `planeDrops` count, in their order.
#[napi]
pub fn drop_names() -> Vec<String> {
    NAMES.iter().map(ToString::to_string).collect()
}

#[napi]
pub fn memory_new(seed: u32) -> u32 {
    MEMORY.with_borrow_mut(|(last, hosts)| {
        *last += 1;
        hosts.insert(*last, MemoryHost::new(u64::from(seed)));
        *last
    })
}

#[napi]
pub fn memory_free(handle: u32) {
    MEMORY.with_borrow_mut(|(_, hosts)| hosts.remove(&handle));
}

/// `room` < 0: the path is not known any more.
#[napi]
pub fn memory_set_path(handle: u32, path: u32, room: i32) {
    with(handle, |host| host.set_path(path, usize::try_from(room).ok()));
}

#[napi]
pub fn memory_set_blocked(handle: u32, is_blocked: bool) {
    with(handle, |host| host.set_blocked(is_blocked));
}

#[napi]
pub fn memory_apply(handle: u32, now: f64, commands: Uint8Array) {
    with(handle, |host| host.apply(now, &commands));
}

#[napi]
pub fn memory_datagram(handle: u32, now: f64, path: u32, datagram: Uint8Array) {
    let mut copy = datagram.to_vec();
    with(handle, |host| host.datagram(now, path, &mut copy));
}

#[napi]
pub fn memory_tun_packet(handle: u32, now: f64, packet: Uint8Array) {
    with(handle, |host| host.tun_packet(now, &packet));
}

#[napi]
pub fn memory_flush(handle: u32, now: f64) {
    with(handle, |host| host.flush(now));
}

#[napi]
pub fn memory_take_sent(handle: u32) -> Buffer {
    with(handle, MemoryHost::take_sent).into()
}

#[napi]
pub fn memory_take_tun(handle: u32) -> Buffer {
    with(handle, MemoryHost::take_tun).into()
}

#[napi]
pub fn memory_take_events(handle: u32) -> Buffer {
    with(handle, MemoryHost::take_events).into()
}

/// Fills `into` (16 numbers); false for an unknown link.
#[napi]
pub fn memory_read_link(handle: u32, link: u32, mut into: Float64Array) -> bool {
    let numbers = with(handle, |host| host.core().link(link).map(codec::counters));
    write_numbers(&mut into, numbers.as_ref().map(|numbers| numbers.as_slice()))
}

#[napi]
pub fn memory_drops(handle: u32) -> Vec<f64> {
    with(handle, |host| host.core().drops().iter().map(|count| *count as f64).collect())
}

/// Where a packet to this address would go: a link, -1 for nowhere, -2 for the TUN.
#[napi]
pub fn memory_next_hop(handle: u32, address: Uint8Array) -> i32 {
    use crate::core::fib::{address_at, Hop};
    if address.len() != 16 {
        return -1;
    }
    let hop = with(handle, |host| Some(host.core().fib().lookup(address_at(&address, 0))));
    match hop {
        Some(Hop::Local) => -2,
        Some(Hop::Link(link)) => link as i32,
        Some(Hop::None) | None => -1,
    }
}

#[allow(unsafe_code)]
fn write_numbers(into: &mut Float64Array, numbers: Option<&[f64]>) -> bool {
    let Some(numbers) = numbers else { return false };
    // SAFETY: the array is an argument of a call that JavaScript waits for, so nobody else touches its memory.
    let slice = unsafe { into.as_mut() };
    let count = slice.len().min(numbers.len());
    slice[..count].copy_from_slice(&numbers[..count]);
    true
}

type Wake = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

struct Plane {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

thread_local! {
    static PLANES: RefCell<(u32, HashMap<u32, Plane>)> = RefCell::default();
}

fn shared(handle: u32) -> Option<Arc<Shared>> {
    PLANES.with_borrow(|(_, planes)| planes.get(&handle).map(|plane| Arc::clone(&plane.shared)))
}

/// Starts a worker thread. `now`: control code's monotonic time at this moment, ms. `on_events` is called in node's thread
/// when there are events to take; it keeps no process alive.
#[napi]
pub fn plane_start(seed: u32, now: f64, on_events: Function<(), ()>) -> Result<u32> {
    let wake: Wake = on_events
        .build_threadsafe_function::<()>()
        .callee_handled::<false>()
        .weak::<true>()
        .build()?;
    let failed = |what: &str| Error::from_reason(format!("the native plane did not start: {what}"));
    let shared = Shared::new().ok_or_else(|| failed("no eventfd"))?;
    let tell = Box::new(move || {
        wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    });
    let worker = Worker::new(Arc::clone(&shared), u64::from(seed), now, tell);
    let thread = std::thread::Builder::new()
        .name("alamesh-plane".into())
        .spawn(move || worker.run())
        .map_err(|error| failed(&error.to_string()))?;
    Ok(PLANES.with_borrow_mut(|(last, planes)| {
        *last += 1;
        planes.insert(*last, Plane { shared, thread: Some(thread) });
        *last
    }))
}

/// Commands in the codec's format; carried out in order, soon.
#[napi]
pub fn plane_apply(handle: u32, commands: Uint8Array) {
    if let Some(shared) = shared(handle) {
        shared.apply(&commands);
    }
}

#[napi]
pub fn plane_take_events(handle: u32) -> Buffer {
    shared(handle).map(|shared| shared.take_events()).unwrap_or_default().into()
}

/// Fills `into` (16 numbers) as of the last pass; false for a link that the worker does not know yet.
#[napi]
pub fn plane_read_link(handle: u32, link: u32, mut into: Float64Array) -> bool {
    let numbers = shared(handle).and_then(|shared| shared.read_link(link));
    write_numbers(&mut into, numbers.as_ref().map(|numbers| numbers.as_slice()))
}

#[napi]
pub fn plane_drops(handle: u32) -> Vec<f64> {
    shared(handle).map(|shared| shared.drops()).unwrap_or_default()
}

/// Bytes that wait to be sealed, the most that ever waited, and packets marked instead of dropped.
#[napi]
pub fn plane_queue(handle: u32) -> Vec<f64> {
    shared(handle).map(|shared| shared.queue().to_vec()).unwrap_or_default()
}

/// Ends the worker and waits for it; descriptors stay open, as they are the caller's.
#[napi]
pub fn plane_stop(handle: u32) {
    let plane = PLANES.with_borrow_mut(|(_, planes)| planes.remove(&handle));
    if let Some(mut plane) = plane {
        plane.shared.stop();
        if let Some(thread) = plane.thread.take() {
            let _ = thread.join();
        }
    }
}
