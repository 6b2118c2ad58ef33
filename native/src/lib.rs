//! The native forwarding plane of alamesh. `core` decides and does no I/O; `memory` hosts it for tests; `binding` is what
//! node sees.
#![deny(unsafe_code)]

#[cfg(feature = "binding")]
pub mod binding;
pub mod codec;
pub mod core;
pub mod guard;
pub mod host;
pub mod memory;
pub mod offload;
pub mod sys;
pub mod worker;
pub mod world;
