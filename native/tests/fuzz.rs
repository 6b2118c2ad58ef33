//! Every parser under bytes that nobody should send: valid inputs, mutated. Seeded, so that what was found is found again.
//! The profile `checked` makes overflows and broken assertions panics. Budget and seed by environment: `FUZZ_MSEC` for each
//! target (1,000 by default), `FUZZ_SEED` (1), `FUZZ_TARGET` for one of them. A failure names its episode: run it alone with
//! `FUZZ_SEED=<episode> FUZZ_EPISODES=1 FUZZ_TARGET=<target>`.
mod mutate;
mod targets;

use mutate::Random;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Runs `episode` with one seed after the other until the budget is used up.
fn fuzz(target: &str, episode: impl Fn(&mut Random) -> usize) {
    if std::env::var("FUZZ_TARGET").is_ok_and(|only| only != target) {
        return;
    }
    let first = number("FUZZ_SEED", 1);
    let episodes = number("FUZZ_EPISODES", u64::MAX);
    let end = Instant::now() + Duration::from_millis(number("FUZZ_MSEC", 1_000));
    let (mut done, mut inputs) = (0, 0);
    while done < episodes && (done == 0 || Instant::now() < end) {
        let seed = first.wrapping_add(done);
        let run = catch_unwind(AssertUnwindSafe(|| episode(&mut Random::new(seed))));
        let Ok(count) = run else {
            panic!(
                "{target}: FUZZ_TARGET={target} FUZZ_SEED={seed} FUZZ_EPISODES=1 shows it again"
            );
        };
        inputs += count;
        done += 1;
    }
    println!("fuzz {target}: {inputs} inputs in {done} episodes from seed {first}");
}

#[test]
fn commands_of_control_code() {
    fuzz("commands", targets::commands);
}

#[test]
fn datagrams_of_the_wire() {
    fuzz("wire", targets::wire);
}

#[test]
fn inner_payloads_of_an_authentic_peer() {
    fuzz("inner", targets::inner);
}

#[test]
fn parts_of_packets() {
    fuzz("parts", targets::parts);
}

#[test]
fn packets_of_the_tun() {
    fuzz("tun", targets::tun);
}

#[test]
fn super_packets_of_the_tun() {
    fuzz("split", targets::split_reads);
}

#[test]
fn trains_to_the_tun() {
    fuzz("merge", targets::merge_trains);
}

#[test]
fn control_messages_of_recvmsg() {
    fuzz("cmsg", targets::control_messages);
}

#[test]
fn trains_to_paths_that_fail() {
    fuzz("host", targets::host);
}
