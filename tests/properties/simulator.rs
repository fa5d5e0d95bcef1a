//! What holds for the simulator alone, for random networks.

use crate::{cases, hold, runner};
use nettwin_model::backend::Extent;
use nettwin_model::plan::Plan;
use nettwin_model::probe::{Ping, Probe};
use nettwin_model::strategy::{Bounds, changes};
use nettwin_model::{Backend, Instant, Op, Snapshot, Topology};
use nettwin_sim::Sim;
use std::net::IpAddr;
use std::time::Duration;

/// The same seed gives the same frames at the same instants, and the same state.
#[test]
fn the_same_seed_gives_the_same_trace() {
    let result = hold(&mut runner(cases() * 10, 0), &changes(&Bounds::default()), |topology, ops| {
        let (a, b) = (traced(topology, ops)?, traced(topology, ops)?);
        if a == b { Ok(()) } else { Err(format!("one run gives the hash {:x}, the next {:x}", a.0, b.0)) }
    });
    result.unwrap_or_else(|why| panic!("{why}"));
}

/// The trace hash and the state after the plan, the ops, and a ping from everybody to everybody.
fn traced(topology: &Topology, ops: &[Op]) -> Result<(u64, Snapshot), String> {
    let checked = topology.check().map_err(|c| format!("{c:?}"))?;
    let mut sim = Sim::new(topology.seed);
    for op in Plan::between(checked.desired(), &Snapshot::default()).ops.iter().chain(ops) {
        // What is refused is refused again.
        let _ = sim.execute(std::slice::from_ref(op));
    }
    let devices = checked.layout().devices();
    let addresses: Vec<IpAddr> = devices.flat_map(|(_, _, d)| &d.addresses).map(|a| a.cidr.addr).collect();
    for netns in checked.layout().netns.keys() {
        for dst in &addresses {
            if let IpAddr::V4(dst) = dst {
                // Namespaces may be gone.
                let _ = sim.start(Probe::Ping(Ping::new(netns.clone(), *dst, 2)));
            }
        }
    }
    let end = Instant::ZERO + Duration::from_secs(15);
    while sim.advance(end).is_some() {}
    let snapshot = sim.observe(&Extent::default()).map_err(|f| f.to_string())?;
    Ok((sim.trace_hash(), snapshot))
}
