//! Random rules of NAT on a router, and packets, answers and errors through it: translate and reverse is the identity, and
//! no two live connections share a tuple.

#![no_main]

#[path = "../../sim/tests/lab/mod.rs"]
mod lab;
#[path = "../../sim/tests/translate/mod.rs"]
mod translate;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    translate::translate(bytes);
});
