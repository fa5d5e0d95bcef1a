//! `nettwin import`: a script into a topology.
//!
//! The script runs on the simulator; the fullest state that it makes is taken down, brought up again from the topology on a
//! second simulator, and compared, so that what the topology does not hold is known and said with the commands that asked for
//! it. Deliberately absent: guessing what pings were meant to show, and lines of `nat` and `firewall` from iptables.

use super::args::ImportArgs;
use super::export::{NAME, ROUTES, SEED};
use super::output::{Output, complain};
use super::trouble::{Exit, Trouble};
use crate::script::{self, Command, Entry, Lines, Note, Noted};
use nettwin::model::apply::apply;
use nettwin::model::check::{ALLOWABLE, Checked};
use nettwin::model::complaint::Placed;
use nettwin::model::differences;
use nettwin::model::recover::{Lost, Part, Said};
use nettwin::model::topology::Routing;
use nettwin::model::{NetnsName, Snapshot, SysctlKey, Topology};
use nettwin::sim::Sim;
use std::fs;
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &ImportArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let file = args.script.display();
    let bytes = fs::read(&args.script)
        .map_err(|e| Trouble::input(format!("{file}: {e}")).help("name a script that can be read"))?;
    let text = String::from_utf8_lossy(&bytes);
    let seed = args.seed.or_else(|| said(&text, SEED)?.parse().ok()).unwrap_or(0);
    let machine = play(args, &text, seed)?;
    let (snapshot, said_by_ops, entries) = machine.read();
    let routing = if said(&text, ROUTES) == Some("shortest") { Routing::Shortest } else { Routing::Static };
    let mut found = Found::of(&snapshot, &said_by_ops, seed, routing);
    found.topology.name = said(&text, NAME).map(|name| Placed::from(name.to_owned()));
    let complaints = found.settle(&snapshot);
    if out.json {
        out.json(&found.topology.to_json())?;
    } else {
        out.write_all(found.topology.to_toml().as_bytes())?;
    }
    found.tell(&file.to_string(), &entries, &mut Lines::of(&text));
    match complaints {
        None => Ok(ExitCode::SUCCESS),
        Some(complaints) => {
            let list: Vec<String> = complaints.into_iter().map(|c| format!("\n  {c}")).collect();
            let message = format!("{file}: what the script makes passes no check:{}", list.concat());
            Err(Trouble::Said {
                exit: Exit::BadInput,
                message,
                help: Some("change the topology, or the script".into()),
            })
        }
    }
}

/// What a comment of the script's head says.
fn said<'a>(script: &'a str, what: &str) -> Option<&'a str> {
    script.lines().take_while(|line| line.starts_with('#')).find_map(|line| line.strip_prefix(what))
}

/// Runs the script.
fn play(args: &ImportArgs, text: &str, seed: u64) -> Result<Noted, Trouble> {
    let file = args.script.display();
    let (status, machine) = if args.builtin {
        let machine = Noted::with_diary(script::host(seed));
        let pace = script::Pace { step: args.step, most: args.max_time };
        script::run_builtin(text, machine, pace, Box::new(std::io::sink())).map_err(|unable| {
            Trouble::input(format!("{file}:{}: {}", unable.line, unable.why))
                .help("nothing was run; without --builtin the script's own shell runs it")
        })?
    } else {
        by_shell(args, seed)?
    };
    if status != 0 {
        complain(&format!("{file}: the script ended with status {status}; this is what it had made"), None);
    }
    Ok(machine)
}

#[cfg(unix)]
fn by_shell(args: &ImportArgs, seed: u64) -> Result<(u8, Noted), Trouble> {
    let run = script::Run {
        script: args.script.clone(),
        arguments: args.arguments.clone(),
        on: script::Machine::Sim,
        seed,
        step: args.step,
        most: args.max_time,
        record: None,
        is_noted: true,
        has_uplink: false,
    };
    let (status, machine) = script::run(&run)?;
    let machine = machine.ok_or_else(|| Trouble::failed("the script did not come to its end"))?;
    Ok((status, machine))
}

#[cfg(not(unix))]
fn by_shell(_: &ImportArgs, _: u64) -> Result<(u8, Noted), Trouble> {
    Err(Trouble::missing("this system has no shell for scripts", "use --builtin for a script of plain lines"))
}

/// A topology in the making, and what it does not hold.
struct Found {
    topology: Topology,
    lost: Vec<Lost>,
    /// What else differs, in words.
    differs: Vec<String>,
}

impl Found {
    fn of(snapshot: &Snapshot, said: &Said, seed: u64, routing: Routing) -> Self {
        let recovered = Topology::recover(snapshot, said, seed, routing);
        Found { topology: recovered.topology, lost: recovered.lost, differs: Vec::new() }
    }

    /// Adds the settings that the topology needs to come to the same; returns the complaints if it passes no check.
    fn settle(&mut self, wanted: &Snapshot) -> Option<Vec<String>> {
        // Those of all interfaces before those of one, which may follow from them.
        for is_interfaces in [false, true] {
            let checked = match self.check() {
                Ok(checked) => checked,
                Err(complaints) => return Some(complaints),
            };
            let Ok(there) = bring_up(&checked) else { break };
            for (netns, state) in &wanted.netns {
                let Some(there) = there.netns.get(netns) else { continue };
                let there = &there.config.sysctls;
                let differ = state.config.sysctls.iter().filter(|(key, value)| there.get(key) != Some(value));
                for (key, value) in differ.filter(|(key, _)| is_about_interface(key) == is_interfaces) {
                    self.set(netns, key, value);
                }
            }
        }
        match self.check().map(|checked| bring_up(&checked).map(|_| checked)) {
            Err(complaints) => return Some(complaints),
            Ok(Err(why)) => self.differs.push(why),
            Ok(Ok(checked)) => {
                let mut left = differences::from_wanted(checked.desired(), wanted);
                // Those that the script chose are in the topology.
                left.retain(|difference| !difference.path.ends_with(" mac"));
                self.differs.extend(left.iter().map(|difference| difference.say("the topology", "the script")));
            }
        }
        None
    }

    fn set(&mut self, netns: &NetnsName, key: &SysctlKey, value: &str) {
        let Some(of) = self.topology.netns.get_mut(netns) else {
            let why = "its bridge has the same name, which leaves no place for settings";
            self.lost.push(Lost { netns: netns.clone(), part: Part::Sysctl(key.clone()), why });
            return;
        };
        let is_forwarding = ["net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding"].contains(&key.path());
        if !(is_forwarding && of.forwarding) {
            of.sysctls.insert(key.clone(), Placed::from(value.to_owned()));
        }
    }

    /// Checks the topology; what can be allowed is.
    fn check(&mut self) -> Result<Checked, Vec<String>> {
        loop {
            let complaints = match self.topology.check() {
                Ok(checked) => return Ok(checked),
                Err(complaints) => complaints,
            };
            let allowed = |code: &str| self.topology.allow.iter().any(|a| a.value == code);
            let mut codes: Vec<&str> = complaints.iter().filter(|c| c.is_error()).map(|c| c.code).collect();
            codes.retain(|code| ALLOWABLE.iter().any(|(a, _)| a == code) && !allowed(code));
            codes.sort_unstable();
            codes.dedup();
            if codes.is_empty() {
                return Err(complaints.iter().filter(|c| c.is_error()).map(|c| c.message.clone()).collect());
            }
            self.topology.allow.extend(codes.into_iter().map(|code| Placed::from(code.to_owned())));
        }
    }

    /// Says what is missing, with the commands that asked for it.
    fn tell(&self, file: &str, entries: &[Entry], lines: &mut Lines) {
        let mut place = |command: &Command| {
            let line = command.line.or_else(|| lines.find(&command.words));
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{file}{line}: `{}`", command.words.join(" "))
        };
        // Each command once, with the first of its reasons.
        let mut told: Vec<(String, String)> = Vec::new();
        let mut is_found = vec![false; self.lost.len()];
        for Entry { command, note } in entries {
            let why = match note {
                Note::Refused(what) => format!("was refused: {what}"),
                Note::Talked => "sends packets, and changes nothing that a topology holds".to_owned(),
                Note::Did(op) => {
                    let by: Vec<usize> = (0..self.lost.len()).filter(|i| self.lost[*i].is_by(op)).collect();
                    by.iter().for_each(|i| is_found[*i] = true);
                    let Some(first) = by.first() else { continue };
                    format!("is not held: {}", self.lost[*first])
                }
            };
            let place = if command.words.is_empty() { file.to_owned() } else { place(command) };
            let line = (place, why);
            if !told.contains(&line) {
                told.push(line);
            }
        }
        let alone = self.lost.iter().zip(is_found).filter(|(_, found)| !found);
        told.extend(alone.map(|(lost, _)| (file.to_owned(), format!("not held: {lost}"))));
        told.extend(self.differs.iter().map(|what| (file.to_owned(), format!("not held: {what}"))));
        for (place, why) in told {
            complain(&format!("{place} {why}"), None);
        }
    }
}

/// What the topology comes to on a simulator.
fn bring_up(checked: &Checked) -> Result<Snapshot, String> {
    let mut sim = Sim::new(checked.seed());
    apply(&mut sim, checked.desired(), &mut |_| {}).map_err(|not| not.to_string())?;
    Ok(script::everything(&mut sim))
}

/// Whether a setting is about one interface.
fn is_about_interface(key: &SysctlKey) -> bool {
    let parts: Vec<&str> = key.path().split('/').collect();
    matches!(parts.as_slice(), [.., "conf" | "neigh", name, _] if *name != "all" && *name != "default")
}
