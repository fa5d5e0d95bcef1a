//! Random words to every command of a simulated network: they answer or wait, and nothing panics.

#![no_main]

#[path = "../../commands/tests/babble/mod.rs"]
mod babble;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| babble::babble(bytes));
