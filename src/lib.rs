//! nettwin: one network topology, two machines that execute it, and a proof that they agree.
//!
//! This crate is the facade: the [`model`] (topologies, ops, plans, probes), the simulated machine [`sim`], the real one
//! `kernel` (Linux, feature `kernel`), and [`conform`], which runs both and compares. The `nettwin` binary is built from
//! the same package under the feature `cli`. Deliberately absent: any behaviour of a network; that is in the machines.

#![forbid(unsafe_code)]

#[cfg(all(feature = "kernel", target_os = "linux"))]
pub use nettwin_kernel as kernel;
pub use nettwin_model as model;
pub use nettwin_sim as sim;

pub mod bench;
pub mod conform;
#[cfg(feature = "net")]
pub mod net;
pub mod play;
#[cfg(all(feature = "tap", target_os = "linux"))]
pub mod programs;
#[cfg(all(feature = "tap", target_os = "linux"))]
pub mod tap;

/// The examples of the README, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
