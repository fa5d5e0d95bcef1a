//! The kernel and the simulator agree on random networks: on ARP, on routing and on who reaches whom.

use crate::{cases, hold, kernel, runner};
use nettwin::conform::known::KERNEL_AND_SIM;
use nettwin::conform::{Flows, Options, Report, conform};
use nettwin_model::strategy::{Bounds, changes, topologies};
use nettwin_model::{Op, Topology};
use nettwin_sim::Sim;
use proptest::strategy::Strategy;
use std::sync::atomic::{AtomicUsize, Ordering};

/// State, routes, frames and all-pairs pings.
#[test]
fn networks_agree() {
    let strategy = || topologies(&Bounds::default()).prop_map(|topology| (topology, Vec::new()));
    let options = |_: &[Op]| Options { routes: true, known: KERNEL_AND_SIM, ..Options::default() };
    side_by_side("networks", cases(), 8, strategy, options);
}

/// The same with bridges that speak the spanning tree protocol, and with loops among them.
#[test]
fn spanning_trees_agree() {
    let bounds = Bounds { spanning_tree: true, more_wires: 3, oddities: 2, ..Bounds::default() };
    let strategy = || topologies(&bounds).prop_map(|topology| (topology, Vec::new()));
    let options = |_: &[Op]| Options { known: KERNEL_AND_SIM, ..Options::default() };
    side_by_side("networks with spanning trees", cases() / 3, 8, strategy, options);
}

/// Ops of every kind, sensible or not: each one's errno, then state and routes.
#[test]
fn ops_agree() {
    let strategy = || changes(&Bounds { nodes: 2..=4, ..Bounds::default() });
    let options = |ops: &[Op]| Options {
        routes: true,
        flows: Flows::None,
        changes: ops.to_vec(),
        known: KERNEL_AND_SIM,
        ..Options::default()
    };
    side_by_side("op sequences", cases() * 4, 8, strategy, options);
}

/// Runs cases on both machines, several at once: most of their time is waiting.
fn side_by_side<S: Strategy<Value = (Topology, Vec<Op>)>>(
    what: &str,
    cases: u32,
    at_once: u8,
    strategy: impl Fn() -> S + Sync,
    options: impl Fn(&[Op]) -> Options + Sync,
) {
    if !kernel::is_there(&format!("{cases} {what}")) {
        return;
    }
    let compared = AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let (strategy, options, compared) = (&strategy, &options, &compared);
        let run = move |stream| {
            kernel::stay_on_this_cpu();
            hold(&mut runner(cases.div_ceil(at_once.into()), stream), &strategy(), |topology, ops| {
                let report = twice(topology, &options(ops))?;
                compared.fetch_add(report.levels().iter().map(|(_, level)| level.compared).sum(), Ordering::Relaxed);
                Ok(())
            })
        };
        let threads: Vec<_> = (0..at_once).map(|stream| scope.spawn(move || run(stream))).collect();
        threads.into_iter().filter_map(|thread| thread.join().expect("a runner").err()).collect()
    });
    assert!(failures.is_empty(), "{what}: first is the kernel, second the simulator\n{}", failures.join("\n"));
    println!("{what}: {} things compared", compared.into_inner());
}

/// The kernel's clock is not ours alone: a difference counts if it shows again.
fn twice(topology: &Topology, options: &Options) -> Result<Report, String> {
    let report = once(topology, options)?;
    let report = if report.agrees() { report } else { once(topology, options)? };
    if report.agrees() { Ok(report) } else { Err(report.to_string()) }
}

fn once(topology: &Topology, options: &Options) -> Result<Report, String> {
    let checked = topology.check().map_err(|complaints| format!("{complaints:?}"))?;
    let mut kernel = kernel::machine().map_err(|why| format!("as the first one: {why}"))?;
    conform(&mut *kernel, &mut Sim::new(checked.seed()), &checked, options).map_err(|fault| fault.to_string())
}
