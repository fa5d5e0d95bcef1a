//! Differential tests: each case runs on the simulator always, and on the kernel wherever it allows namespaces; errno,
//! state, frames and outcomes must agree. A file for each phenomenon.
//!
//! The kernel's answers are kept in `tests/golden/` with its release, so that a machine without namespaces still compares
//! the simulator with recorded truth. `UPDATE_GOLDEN=1` rewrites them, from a kernel run only.

mod addr;
mod arp;
mod arping;
mod bridge;
mod craft;
mod fdb;
mod firewall;
mod flow;
mod forward;
mod fragment;
mod gateways;
mod groups;
mod harness;
mod icmp;
mod igmp;
mod kernel;
mod kinds;
mod kinds_bond;
mod kinds_tap;
mod kinds_vxlan;
mod knobs;
mod link;
#[path = "../common/kernel.rs"]
mod machine;
mod mcast;
mod mesh;
mod mld;
mod moves;
mod neighbour;
mod netem;
mod nexthop;
mod nud;
mod options;
mod parity;
mod queries;
mod queue;
mod reassembly;
#[path = "../common/reference.rs"]
mod reference;
mod route;
mod router;
mod rule;
mod socket;
mod stp;
mod sysctl;
mod times;
mod told;
mod vlan;
mod vlan_marks;
mod vlan_routing;
mod walkthrough;

use harness::{Case, Record, differences, run};
use reference::Answers;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a phenomenon's golden file holds.
#[derive(Default, Serialize, Deserialize)]
struct Golden {
    kernel: String,
    cases: BTreeMap<String, Record>,
}

/// Runs every case of a phenomenon and compares. Cases run side by side, each in namespaces of its own.
fn agree(phenomenon: &str, cases: Vec<Case>) {
    // The reference kernel is for what others lack.
    if !reference::is_inside() {
        compare(phenomenon, &cases, &here(&cases));
    }
}

/// The same for what many kernels lack (netem, VLANs, dummies, …): on this kernel if it has all that the ops take, on the
/// reference kernel otherwise.
fn agree_somewhere(phenomenon: &str, cases: Vec<Case>) {
    if reference::is_inside() {
        return reference::leave(phenomenon, &here(&cases));
    }
    let answers = match kernel::lacks_something(&cases) {
        Some(why) => {
            println!("{phenomenon}: not on this kernel: {why}");
            let nothing = || Answers { kernel: String::new(), records: vec![None; cases.len()] };
            reference::answers(phenomenon, NOT_ON_REFERENCE).unwrap_or_else(nothing)
        }
        None => here(&cases),
    };
    compare(phenomenon, &cases, &answers);
}

/// What of this program is about other things than cases.
const NOT_ON_REFERENCE: &[&str] = &["socket::"];

/// What the running kernel answers. Its clock is not the test's alone: where a busy machine let a timer run out between two
/// steps, the record tells of that. So a case that differs is asked again, by itself; a difference counts if it shows each
/// time.
fn here(cases: &[Case]) -> Answers<Option<Record>> {
    let mut records = kernel::answers(cases);
    for (case, record) in cases.iter().zip(&mut records) {
        let Some(record) = record else { continue };
        let ours = run(case, &mut nettwin_sim::Sim::new(7));
        for _ in 0..AGAIN {
            if differences(record, &ours).is_empty() {
                break;
            }
            println!("asked again, because it differs: {}", case.name());
            let again = kernel::answers(std::slice::from_ref(case)).pop().flatten();
            *record = again.expect("it could be asked before");
        }
    }
    Answers { kernel: kernel::release(), records }
}

/// How often at most.
const AGAIN: u32 = 2;

fn compare(phenomenon: &str, cases: &[Case], kernel: &Answers<Option<Record>>) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", &format!("{phenomenon}.json")].iter().collect();
    let mut golden: Golden = std::fs::read_to_string(&path)
        .map(|text| serde_json::from_str(&text).expect("a golden file"))
        .unwrap_or_default();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let records: Option<Vec<&Record>> = kernel.records.iter().map(Option::as_ref).collect();
        let records = records.expect("golden answers are written only by a kernel run, as root");
        golden.kernel.clone_from(&kernel.kernel);
        golden.cases = cases.iter().map(|c| c.name().to_owned()).zip(records.into_iter().cloned()).collect();
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the golden folder");
        let text = serde_json::to_string(&golden).expect("serialisable");
        // One step a line: a change can be read in a diff.
        std::fs::write(&path, text.replace("{\"step\":", "\n{\"step\":") + "\n").expect("the golden file");
    }
    let mut failures = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let ours = run(case, &mut nettwin_sim::Sim::new(7));
        let mut against = |whose: &str, theirs: &Record| {
            let found = differences(theirs, &ours);
            if !found.is_empty() {
                let list: Vec<_> = found.iter().take(8).map(|d| format!("    {d}")).collect();
                let more = found.len().saturating_sub(8);
                failures.push(format!("  {} against {whose}, {more} more:\n{}", case.name(), list.join("\n")));
            }
        };
        match (&kernel.records[i], golden.cases.get(case.name())) {
            (Some(record), _) => against(&kernel.kernel, record),
            (None, Some(record)) => against(&format!("golden answers of {}", golden.kernel), record),
            (None, None) => failures.push(format!("  {}: neither a kernel nor a golden answer", case.name())),
        }
    }
    assert!(
        failures.is_empty(),
        "{phenomenon}: {} of {} cases differ\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
