//! The set-up, told by kinds of step: one sentence for what such a step is, the commands, and what they changed.
//!
//! Deliberately absent: settings that were written as they are already; they are only counted.

use super::Section;
use crate::cli::output::count;
use nettwin::model::{LinkChange, NewLink, Op};
use std::collections::BTreeMap;

/// The steps so far.
#[derive(Default)]
pub(super) struct Setup {
    chapters: BTreeMap<Kind, Vec<Step>>,
    /// Settings that changed, and where: one line for all namespaces.
    settings: BTreeMap<String, Vec<String>>,
    /// Settings written as they were.
    same: usize,
}

struct Step {
    command: String,
    effects: Vec<String>,
}

/// What a step is, in the order of telling, which is that of plans.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Netns,
    Settings,
    Bridge,
    Wire,
    Up,
    Link,
    Addr,
    Route,
    Rule,
    Neigh,
    Rules,
    Impairment,
}

impl Setup {
    /// Whether what the op changes will be told: of many steps of a kind only the first are.
    pub(super) fn wants(&self, op: &Op) -> bool {
        matches!(op, Op::SetSysctl { .. }) || self.chapters.get(&kind(op)).is_none_or(|steps| steps.len() < MOST)
    }

    /// Adds a step; `old` is what a setting was before.
    pub(super) fn add(&mut self, op: &Op, effects: Vec<String>, old: Option<&str>) {
        let Op::SetSysctl { netns, key, value } = op else {
            let command = wrapped(&op.to_string());
            return self.chapters.entry(kind(op)).or_default().push(Step { command, effects });
        };
        self.chapters.entry(Kind::Settings).or_default();
        if old == Some(value) {
            self.same += 1;
            return;
        }
        let was = old.map(|old| format!(" (was {old})")).unwrap_or_default();
        self.settings.entry(format!("{}={value}{was}", key.dotted())).or_default().push(netns.to_string());
    }

    /// A section for each kind of step.
    pub(super) fn into_sections(self) -> Vec<Section> {
        let chapters = self.chapters.into_iter().map(|(kind, steps)| match kind {
            Kind::Settings => settings(&self.settings, self.same),
            _ => chapter(kind, &steps),
        });
        let mut sections: Vec<Section> = chapters.collect();
        sections.iter_mut().enumerate().for_each(|(i, s)| s.title = format!("{}. {}", i + 1, s.title));
        sections
    }
}

fn settings(changed: &BTreeMap<String, Vec<String>>, same: usize) -> Section {
    let mut lines = vec!["  Every setting that matters is written, so that all machines start alike.".to_owned()];
    if !changed.is_empty() {
        lines.push("  These differ from the kernel's defaults (ip netns exec NS sysctl -w ...):".to_owned());
        lines.extend(changed.iter().map(|(setting, netns)| format!("  $ {setting} in {}", listed(netns))));
    }
    lines.push(format!("  {} written as they are already", count(same, "other setting")));
    Section { title: "Settings".to_owned(), lines }
}

/// Names, the first of many.
fn listed(names: &[String]) -> String {
    let (first, rest) = names.split_at(names.len().min(MOST));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{}{more}", first.join(", "))
}

/// A long command on two lines, as a shell reads it.
fn wrapped(command: &str) -> String {
    match command.find(" type ") {
        Some(at) if command.len() > 100 => format!("{} \\\n      {}", &command[..at], &command[at + 1..]),
        _ => command.to_owned(),
    }
}

fn chapter(kind: Kind, steps: &[Step]) -> Section {
    let (title, sentence) = words(kind);
    let mut lines: Vec<String> = sentence.lines().map(|line| format!("  {line}")).collect();
    let shown = if steps.len() > MOST { MOST - 1 } else { steps.len() };
    for step in &steps[..shown] {
        lines.extend(format!("  $ {}", step.command).lines().map(str::to_owned));
        lines.extend(step.effects.iter().map(|effect| format!("      {effect}")));
    }
    if shown < steps.len() {
        lines.push(format!("  ... and {} more steps like these", steps.len() - shown));
    }
    Section { title: title.to_owned(), lines }
}

fn kind(op: &Op) -> Kind {
    match op {
        Op::AddNetns { .. } | Op::DelNetns { .. } => Kind::Netns,
        Op::SetSysctl { .. } => Kind::Settings,
        Op::AddLink(link) => match link.kind {
            NewLink::Bridge { .. } => Kind::Bridge,
            NewLink::Veth { .. } => Kind::Wire,
            NewLink::Virtual(_) => Kind::Link,
        },
        Op::SetLink { change, .. } if **change == LinkChange { up: Some(true), ..LinkChange::default() } => Kind::Up,
        Op::SetLink { .. }
        | Op::DelLink { .. }
        | Op::SetBridge { .. }
        | Op::SetPort { .. }
        | Op::SetPortState { .. }
        | Op::SetVirtual { .. }
        | Op::SetAltname { .. }
        | Op::SetMaddr { .. } => Kind::Link,
        Op::AddVlan { .. } | Op::DelVlan { .. } => Kind::Link,
        Op::AddMdb { .. } | Op::DelMdb { .. } => Kind::Neigh,
        Op::AddAddr { .. } | Op::ChangeAddr { .. } | Op::DelAddr { .. } => Kind::Addr,
        Op::AddRoute { .. } | Op::DelRoute { .. } | Op::AddNexthop { .. } | Op::DelNexthop { .. } => Kind::Route,
        Op::AddRule { .. } | Op::DelRule { .. } => Kind::Rule,
        Op::AddNeigh { .. } | Op::DelNeigh { .. } | Op::AddFdb { .. } | Op::DelFdb { .. } => Kind::Neigh,
        Op::SetImpairment { .. } | Op::SetQueue { .. } => Kind::Impairment,
        Op::Ruleset { .. } => Kind::Rules,
    }
}

fn words(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Netns => (
            "Namespaces",
            "A network namespace is a network stack of its own: devices, addresses, routes, neighbours.\n\
             It is born with one device, the loopback lo, which is down.",
        ),
        Kind::Settings => ("Settings", ""),
        Kind::Bridge => (
            "Bridges",
            "A bridge is a switch: it learns behind which port each MAC address is, and floods what it does not know.",
        ),
        Kind::Wire => (
            "Wires",
            "A veth pair is a cable with a device at each end; `master` plugs an end into a bridge as a port.",
        ),
        Kind::Up => ("Up", "A new device is down. A wire has carrier when both its ends are up."),
        Kind::Link => ("Devices", "Other settings of devices:"),
        Kind::Addr => (
            "Addresses",
            "An address makes routes: its network is on the link, and the address itself is delivered here.",
        ),
        Kind::Route => ("Routes", "What is not on a link goes to a gateway. The longest prefix that matches decides."),
        Kind::Rule => {
            ("Rules", "A rule says which packets ask which table. They are asked in the order of their priorities.")
        }
        Kind::Neigh => ("Neighbours", "Entries that need not be learned:"),
        Kind::Rules => {
            ("Rules", "Rules filter packets and translate their addresses; all of a command takes effect at once.")
        }
        Kind::Impairment => ("Impairments", "netem holds back, loses or damages what a device sends."),
    }
}

/// More steps of a kind than this are counted instead.
const MOST: usize = 12;
