//! Property tests: what holds for random networks, on both machines.
//!
//! How many: `NETTWIN_PROPERTY_CASES` for each property that needs the kernel's real time, ten times as many for the others.
//! Which: `NETTWIN_PROPERTY_SEED`, a number; the same seed draws the same networks. A failure is shrunk and printed as a
//! topology with the iproute2 script that makes it.

mod agreement;
#[path = "../common/kernel.rs"]
mod kernel;
mod plans;
mod simulator;

use nettwin_model::plan::Plan;
use nettwin_model::{Op, Snapshot, Topology};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::fmt::Write;

/// So many cases of a property that takes the kernel's time.
fn cases() -> u32 {
    number("NETTWIN_PROPERTY_CASES").unwrap_or(24)
}

fn number(variable: &str) -> Option<u32> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// A runner of so many cases; `stream` tells apart those that run side by side.
fn runner(cases: u32, stream: u8) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 1000,
        max_shrink_time: 120_000,
        ..Config::default()
    };
    let mut seed = [stream; 32];
    seed[..4].copy_from_slice(&number("NETTWIN_PROPERTY_SEED").unwrap_or(1).to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

/// Checks topologies, each with ops to try on it.
fn hold(
    runner: &mut TestRunner,
    strategy: &impl proptest::strategy::Strategy<Value = (Topology, Vec<Op>)>,
    property: impl Fn(&Topology, &[Op]) -> Result<(), String>,
) -> Result<(), String> {
    let test = |(topology, ops): (Topology, Vec<Op>)| property(&topology, &ops).map_err(TestCaseError::fail);
    match runner.run(strategy, test) {
        Ok(()) => Ok(()),
        Err(TestError::Abort(why)) => Err(why.to_string()),
        Err(TestError::Fail(why, (topology, ops))) => Err(told(&topology, &ops, why.message())),
    }
}

/// A failure, with all that it takes to see it again by hand.
fn told(topology: &Topology, ops: &[Op], why: &str) -> String {
    let mut out = format!("{why}\nThe smallest topology found:\n{}\nIts script:\n", topology.to_toml());
    match topology.check() {
        Ok(checked) => {
            let _ = write!(out, "{}", Plan::by_hand(checked.desired(), &Snapshot::default()));
        }
        Err(complaints) => {
            let _ = write!(out, "it does not pass the check: {complaints:?}");
        }
    }
    for op in ops {
        let _ = writeln!(out, "{op} || true");
    }
    out
}
