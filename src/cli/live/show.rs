//! `nettwin show`: the labs, or one lab's state.

use super::{Machine, choose, netns, open};
use crate::cli::args::ShowArgs;
use crate::cli::output::Output;
use crate::cli::state;
use crate::cli::trouble::Trouble;
use nettwin::kernel::journal::Kind;
use nettwin::kernel::labs::{self, Lab, State};
use nettwin::model::backend::{Answer, Extent, Query};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ShowArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let Some(name) = &args.lab else { return list(out) };
    let wanted = args.netns.iter().map(|n| netns(n)).collect::<Result<BTreeSet<_>, _>>()?;
    let lab = choose(Some(name))?;
    let mut machine = open(&lab)?;
    let extent = Extent { netns: (!wanted.is_empty()).then(|| wanted.clone()), ..Extent::default() };
    let snapshot = machine.backend().observe(&extent)?;
    if let Some(missing) = wanted.iter().find(|n| !snapshot.netns.contains_key(n)) {
        return Err(Trouble::input(format!("the lab {name} has no namespace {missing}"))
            .help(format!("it has: {}", names(&mut machine)?)));
    }
    if out.json {
        out.json(&snapshot)?;
    } else {
        state::print(&snapshot, usize::MAX, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(out: &mut Output) -> Result<ExitCode, Trouble> {
    let labs = labs::list();
    if out.json {
        let rows = labs.iter().map(|lab| {
            let kind = lab.said.as_ref().map(|said| said.kind);
            json!({ "name": lab.name, "state": lab.state, "kind": kind, "folder": lab.dir })
        });
        out.json(&rows.collect::<Vec<_>>())?;
    } else if labs.is_empty() {
        writeln!(out, "There are no labs. Make one with: nettwin apply FILE")?;
    } else {
        let rows =
            labs.iter().map(|lab| vec![lab.name.clone(), word(lab.state).to_owned(), kind(lab), namespaces(lab)]);
        out.table("", &["lab", "state", "kept", "namespaces"], rows.collect())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn word(state: State) -> &'static str {
    match state {
        State::Busy => "being worked on",
        State::Committed => "up",
        State::Abandoned => "abandoned (nettwin gc)",
    }
}

fn kind(lab: &Lab) -> String {
    match lab.said.as_ref().map(|said| said.kind) {
        Some(Kind::Named { bare: false }) => format!("by name ({}.*)", lab.name),
        Some(Kind::Named { bare: true }) => "by name".to_owned(),
        Some(Kind::Rootless) => "by a holder".to_owned(),
        None => "unknown".to_owned(),
    }
}

fn namespaces(lab: &Lab) -> String {
    if lab.state == State::Abandoned {
        return String::new();
    }
    // A lab that does not answer is still listed.
    open(lab).and_then(|mut machine| names(&mut machine)).unwrap_or_default()
}

/// The names of a lab's namespaces.
pub(crate) fn names(machine: &mut Machine) -> Result<String, Trouble> {
    match machine.backend().query(&Query::NetnsList)? {
        Answer::NetnsList(mut names) => {
            names.sort();
            Ok(names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        _ => Ok(String::new()),
    }
}
