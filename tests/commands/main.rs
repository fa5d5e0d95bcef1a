//! Command tests: lists of command lines, run by the real tools in a private network and mount namespace and by ours on the
//! simulator; standard output, standard error and status of every line must agree. A file for each tool and phenomenon.
//!
//! The real tools' answers are kept in `tests/golden/commands/`, so that a machine without namespaces or without the tools
//! still compares with recorded truth. `UPDATE_GOLDEN=1` rewrites them, from a run of the real tools only.

mod arp;
mod brctl;
mod bridge;
mod ethtool;
mod ifconfig;
mod ip6tables;
mod ip_addr;
mod ip_general;
mod ip_link;
mod ip_link_kinds;
mod ip_maddr;
mod ip_neigh;
mod ip_netns;
mod ip_nexthop;
mod ip_route;
mod ip_rule;
mod ip_tuntap;
mod ip_vxlan;
mod iperf3;
mod iptables;
mod lasting;
mod nc;
mod nft;
mod normalise;
mod random;
mod random_tools;
mod real;
#[path = "../common/reference.rs"]
mod reference;
mod route;
mod script;
mod simulated;
mod sockets;
mod sysctl;
mod tc;
mod tc_queues;
mod traceroute;

use reference::Answers;
use script::{Case, Entry};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a phenomenon's golden file holds.
#[derive(Default, Serialize, Deserialize)]
struct Golden {
    kernel: String,
    cases: BTreeMap<String, Vec<Entry>>,
}

/// Runs every case of a phenomenon and compares. Cases run side by side, each in namespaces of its own.
fn agree(phenomenon: &str, cases: &[(&str, &str)]) {
    // The reference kernel is for what others lack.
    if !reference::is_inside() {
        let cases = read(cases);
        compare(phenomenon, &cases, here(&cases));
    }
}

/// The same where the lines need netem, which many kernels lack.
fn agree_on_netem(phenomenon: &str, cases: &[(&str, &str)]) {
    agree_where(real::has_netem, phenomenon, cases);
}

/// The same where the lines need devices of a kind that many kernels lack.
fn agree_on_kind(kind: &str, phenomenon: &str, cases: &[(&str, &str)]) {
    agree_where(|| real::has_kind(kind), phenomenon, cases);
}

/// The same where the lines need bridges that filter by VLAN.
fn agree_on_vlans(phenomenon: &str, cases: &[(&str, &str)]) {
    agree_where(real::has_vlans, phenomenon, cases);
}

/// On this kernel if it has what it takes, on the reference kernel otherwise.
fn agree_where(has: impl FnOnce() -> bool, phenomenon: &str, cases: &[(&str, &str)]) {
    let cases = read(cases);
    if reference::is_inside() {
        return reference::leave(phenomenon, &here(&cases).expect("the reference kernel has namespaces"));
    }
    let answers = if has() { here(&cases) } else { reference::answers(phenomenon, NOT_ON_REFERENCE) };
    compare(phenomenon, &cases, answers);
}

/// What of this program is about other things than lists of lines.
const NOT_ON_REFERENCE: &[&str] = &["lasting", "random"];

fn read(cases: &[(&str, &str)]) -> Vec<Case> {
    cases.iter().map(|(name, text)| Case::new(name, text)).collect()
}

/// What the real tools answer on the running kernel. Its clock is not the test's alone: where a busy machine let a timer run
/// out between two lines, the record tells of that. So a case that differs is asked again, by itself; a difference counts if
/// it shows each time.
fn here(cases: &[Case]) -> Option<Answers<Vec<Entry>>> {
    let mut records = real::answers(cases)?;
    for (case, record) in cases.iter().zip(&mut records) {
        let ours = simulated::run(case);
        for _ in 0..AGAIN {
            if *record == ours {
                break;
            }
            println!("asked again, because it differs: {}", case.name);
            *record = real::answers(std::slice::from_ref(case))?.remove(0);
        }
    }
    Some(Answers { kernel: real::release(), records })
}

/// How often at most.
const AGAIN: u32 = 2;

fn compare(phenomenon: &str, cases: &[Case], real: Option<Answers<Vec<Entry>>>) {
    let file = format!("{phenomenon}.json");
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "commands", &file].iter().collect();
    let mut golden: Golden = std::fs::read_to_string(&path)
        .map(|text| serde_json::from_str(&text).expect("a golden file"))
        .unwrap_or_default();
    // Golden answers are written only by a run of the real tools.
    if let (Some(_), Some(answers)) = (std::env::var_os("UPDATE_GOLDEN"), &real) {
        golden.kernel.clone_from(&answers.kernel);
        golden.cases = cases.iter().map(|c| c.name.clone()).zip(answers.records.iter().cloned()).collect();
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the golden folder");
        let text = serde_json::to_string(&golden).expect("serialisable");
        // One line a line: a change can be read in a diff.
        std::fs::write(&path, text.replace("{\"line\":", "\n{\"line\":") + "\n").expect("the golden file");
    }
    let mut failures = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let ours = simulated::run(case);
        match (&real, golden.cases.get(&case.name)) {
            (Some(real), _) => differences(&case.name, "the real tools", &real.records[i], &ours, &mut failures),
            (None, Some(record)) => differences(&case.name, &golden.kernel, record, &ours, &mut failures),
            (None, None) => failures.push(format!("{}: neither the real tools nor a golden answer", case.name)),
        }
    }
    let lines: usize = cases.iter().map(|case| case.lines.len()).sum();
    println!("{phenomenon}: {lines} lines in {} cases compared", cases.len());
    assert!(
        failures.is_empty(),
        "{phenomenon}: {} differences in {lines} lines\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// The lines of one case that differ, with what each side said.
fn differences(case: &str, whose: &str, theirs: &[Entry], ours: &[Entry], out: &mut Vec<String>) {
    for (a, b) in theirs.iter().zip(ours) {
        if a == b {
            continue;
        }
        let mut text = format!("  {case}: {}", a.line);
        if a.line != b.line {
            text += &format!("\n    against {}: other lines; write the golden answers anew", b.line);
        }
        for (what, a, b) in [("stdout", &a.out, &b.out), ("stderr", &a.err, &b.err)] {
            if a != b {
                text += &format!("\n    {what} of {whose}:\n{}\n    ours:\n{}", indented(a), indented(b));
            }
        }
        if a.status != b.status {
            text += &format!("\n    status of {whose} {}, ours {}", a.status, b.status);
        }
        out.push(text);
    }
    if theirs.len() != ours.len() {
        out.push(format!("  {case}: {} lines against {}", theirs.len(), ours.len()));
    }
}

fn indented(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| format!("      |{}", line.replace('\t', "\\t")))
        .collect::<String>()
        .trim_end_matches('\n')
        .to_owned()
}
