//! Raw frames, ops, workloads and steps of time into bridges, a router and hosts: nothing panics, every instant ends, and
//! no frame stays for ever.

#![no_main]

#[path = "../../sim/tests/bombard/mod.rs"]
mod bombard;
#[path = "../../sim/tests/lab/mod.rs"]
mod lab;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bombard::bombard(bytes));
