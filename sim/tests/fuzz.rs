//! Whatever comes: random ordeals, and those that once did harm.

mod bombard;
mod lab;

use bombard::bombard;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
        bombard(&bytes);
    }

    #[test]
    fn short_steps(bytes in prop::collection::vec(0u8..12, 0..400)) {
        bombard(&bytes);
    }
}

#[test]
fn what_once_did_harm() {
    for bytes in ORDEALS {
        bombard(bytes);
    }
}

/// What the fuzzer found, cut to what matters.
const ORDEALS: &[&[u8]] = &[
    // A fragment waits in a namespace that goes.
    &[1, 2, 2, 5, 13, 14, 0, 7, 1, 6, 237, 0, 0, 6, 237, 0, 0, 237, 237, 0, 7],
];
