//! What becomes of a panic in the worker: it is told with its place and the stage of the packet, the worker goes on, and
//! when it happens again and again it pauses, longer each time. Messages are of code, never of packets or keys.
use crate::world::Instant;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{set_hook, take_hook, PanicHookInfo};
use std::sync::Once;

/// So many panics within this time, and the worker pauses.
const PANICS_MAX: usize = 5;
const WITHIN_MSEC: f64 = 10_000.0;
const PAUSE_MSEC_MIN: f64 = 10_000.0;
const PAUSE_MSEC_MAX: f64 = 300_000.0;
/// Without a panic for this long, the next pause is a short one again.
const FORGIVEN_MSEC: f64 = 600_000.0;
const TEXT_CHARS_MAX: usize = 300;
/// For tests: `STAGE:COUNT`, optionally `:TIMES`. A panic each time the stage was entered so often.
const TEST_PANIC: &str = "ALAMESH_TEST_PLANE_PANIC";

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

fn text_of(info: &PanicHookInfo) -> String {
    let payload = info.payload();
    let said = payload.downcast_ref::<&str>().copied();
    let said = said.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(|at| format!("{}:{}", at.file(), at.line()));
    let text = format!("{} at {}", said.unwrap_or("no message"), place.unwrap_or_default());
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// Panics of this thread are kept for `Guard::caught` from now on, instead of being printed.
fn keep_panics_of_this_thread() {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if IS_GUARDED.get() {
                LAST.set(Some(text_of(info)));
            } else {
                before(info);
            }
        }));
    });
    IS_GUARDED.set(true);
}

/// A panic on purpose, for tests of what comes after it; only the process' own environment asks for it.
struct Trip {
    stage: String,
    every: u32,
    times: u32,
    entered: u32,
}

impl Trip {
    fn read(text: &str) -> Option<Trip> {
        let mut words = text.split(':');
        let stage = words.next()?.to_string();
        let every = words.next()?.parse().ok().filter(|every| *every > 0)?;
        let times = words.next().map_or(Some(1), |times| times.parse().ok())?;
        Some(Trip { stage, every, times, entered: 0 })
    }

    fn enter(&mut self, stage: &str) {
        if self.times == 0 || stage != self.stage {
            return;
        }
        self.entered += 1;
        if self.entered % self.every == 0 {
            self.times -= 1;
            panic!("a test asked for this panic");
        }
    }
}

pub struct Guard {
    stage: &'static str,
    recent: VecDeque<Instant>,
    pause_msec: f64,
    paused_until: Option<Instant>,
    trip: Option<Trip>,
}

impl Default for Guard {
    fn default() -> Self {
        let trip = std::env::var(TEST_PANIC).ok().and_then(|text| Trip::read(&text));
        Guard {
            stage: "start",
            recent: VecDeque::new(),
            pause_msec: PAUSE_MSEC_MIN,
            paused_until: None,
            trip,
        }
    }
}

impl Guard {
    /// In the worker's own thread, before its first turn.
    pub fn begin(&mut self) {
        keep_panics_of_this_thread();
    }

    /// What the worker does next; named when it panics.
    #[inline]
    pub fn enter(&mut self, stage: &'static str) {
        self.stage = stage;
        if let Some(trip) = &mut self.trip {
            trip.enter(stage);
        }
    }

    /// After a panic was caught: what a person should read. It may be paused then.
    pub fn caught(&mut self, now: Instant) -> String {
        let text = LAST.take().unwrap_or_else(|| "no message".into());
        if self.recent.back().is_some_and(|last| now - last > FORGIVEN_MSEC) {
            self.pause_msec = PAUSE_MSEC_MIN;
        }
        self.recent.retain(|at| now - at < WITHIN_MSEC);
        self.recent.push_back(now);
        if self.recent.len() < PANICS_MAX {
            return format!("the packet worker went on after a panic ({}): {text}", self.stage);
        }
        let pause = self.pause_msec;
        self.paused_until = Some(now + pause);
        self.pause_msec = (2.0 * pause).min(PAUSE_MSEC_MAX);
        let seconds = pause / 1000.0;
        let stage = self.stage;
        format!("the packet worker pauses for {seconds} s after {PANICS_MAX} panics within 10 s; the last ({stage}): {text}")
    }

    pub fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    /// Whether a pause ends with this call.
    pub fn ends_pause(&mut self, now: Instant) -> bool {
        let ends = self.paused_until.is_some_and(|until| now >= until);
        if ends {
            self.paused_until = None;
            self.recent.drain(..self.recent.len().saturating_sub(1));
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn a_panic_is_told_with_its_place_and_stage() {
        std::thread::spawn(|| {
            let mut guard = Guard::default();
            guard.begin();
            guard.enter("tun");
            let index = std::hint::black_box(9);
            assert!(catch_unwind(|| [1, 2, 3][index]).is_err());
            let told = guard.caught(1.0);
            assert!(told.contains("(tun)") && told.contains("guard.rs:"), "{told}");
            assert!(told.contains("index is 9"), "{told}");
        })
        .join()
        .expect("the thread ends well");
    }

    #[test]
    fn it_pauses_longer_each_time_and_is_forgiven() {
        let mut guard = Guard::default();
        let pause = |guard: &mut Guard, now: f64| {
            for i in 1..PANICS_MAX {
                guard.caught(now + i as f64);
                if guard.is_paused() {
                    break;
                }
            }
            if !guard.is_paused() {
                guard.caught(now + 9.0);
            }
            assert!(guard.is_paused());
            let mut at = now;
            while !guard.ends_pause(at) {
                at += 1_000.0;
            }
            assert!(!guard.is_paused());
            at - now
        };
        assert_eq!(pause(&mut guard, 0.0), 11_000.0);
        assert_eq!(pause(&mut guard, 20_000.0), 21_000.0);
        assert_eq!(pause(&mut guard, 90_000.0), 41_000.0);
        for i in 1..20 {
            guard.caught(200_000.0 + f64::from(i) * 9_000.0);
            assert!(!guard.is_paused(), "seldom panics do not pause it");
        }
        assert_eq!(pause(&mut guard, 2_000_000.0), 11_000.0);
    }

    #[test]
    fn a_test_asks_for_panics_by_stage_count_and_times() {
        let mut trip = Trip::read("tun:2:1").expect("well formed");
        let mut enter =
            |stage: &str| catch_unwind(std::panic::AssertUnwindSafe(|| trip.enter(stage))).is_err();
        let panics = ["tun", "send", "tun", "tun", "tun"].map(&mut enter);
        assert_eq!(panics, [false, false, true, false, false]);
        assert!(["", "tun", "tun:0", "tun:x", "tun:1:y"].iter().all(|t| Trip::read(t).is_none()));
    }
}
