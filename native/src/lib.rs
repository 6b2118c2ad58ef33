//! The native forwarding plane of alamesh. `core` decides and does no I/O; `memory` hosts it for tests; `binding` is what
//! node sees.
#![deny(unsafe_code)]

mod binding;
pub mod codec;
pub mod core;
pub mod memory;
pub mod world;
