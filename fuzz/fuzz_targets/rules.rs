//! Any text as rules of iptables: nothing panics, and what was taken is saved so that it is taken again.

#![no_main]

#[path = "../../commands/tests/scribble/mod.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod scribble;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| scribble::scribble(text));
