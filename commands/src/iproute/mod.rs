//! What iproute2's tools have in common.
//!
//! Counterpart: iproute2's `lib/`.

pub(crate) mod args;
pub(crate) mod batch;
pub(crate) mod flags;
pub(crate) mod inet;
pub(crate) mod kernel;
pub(crate) mod names;
pub(crate) mod page;
