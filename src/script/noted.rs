//! A simulated machine that can take note of what a script's commands did to it, for `nettwin import`.
//!
//! Without a diary it is the simulator and nothing else. Counterpart: auditd. Deliberately absent: what commands said
//! (`record` has that), and what to make of the notes.

use nettwin::model::probe::{Probe, ProbeEvent, ProbeId, Stop};
use nettwin::model::recover::Said;
use nettwin::model::socket::{Call, Reply};
use nettwin::model::{Answer, Backend, Extent, Failure, Fault, Instant, NetnsName, Op, Query, Snapshot};
use nettwin::sim::Sim;
use std::collections::BTreeMap;

/// The tools that talk to the network themselves; the others only ask and tell the machine.
pub(crate) const TALKING: &[&str] = &["arping", "curl", "nc", "ping", "ping6", "tcpdump", "tracepath", "traceroute"];

/// The simulator, and the notes if any are taken.
pub(crate) struct Noted {
    pub(crate) sim: Sim,
    /// The outside of `--uplink` is not for the script to see.
    pub(crate) hides_uplink: bool,
    pub(crate) diary: Option<Box<Diary>>,
}

/// What a script's commands did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diary {
    /// The commands, in the order in which they did something worth a note.
    pub(crate) entries: Vec<Entry>,
    /// The fullest state that something was taken away from, with its size and what had been said until then.
    fullest: Option<(usize, Snapshot, Said)>,
    said: Said,
    now: Option<Command>,
}

/// A command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Where it ran.
    pub(crate) netns: NetnsName,
    /// Its words; none if something else than a command did it.
    pub(crate) words: Vec<String>,
    /// Its line, where that is known.
    pub(crate) line: Option<usize>,
}

/// What is noted of a command.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) command: Command,
    pub(crate) note: Note,
}

/// What it did.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// It changed the machine.
    Did(Op),
    /// It asked for something that is not supported.
    Refused(String),
    /// It talked to the network.
    Talked,
}

impl Noted {
    /// A machine of which nothing is noted.
    pub(crate) fn plain(sim: Sim) -> Self {
        Noted { sim, hides_uplink: false, diary: None }
    }

    /// A machine of which everything is.
    pub(crate) fn with_diary(sim: Sim) -> Self {
        Noted { sim, hides_uplink: false, diary: Some(Box::default()) }
    }

    /// It is this command's turn.
    pub(crate) fn turn_of(&mut self, command: impl FnOnce() -> Command) {
        if let Some(diary) = &mut self.diary {
            diary.now = Some(command());
        }
    }

    /// The command whose turn it is did this.
    pub(crate) fn note(&mut self, note: impl FnOnce() -> Note) {
        if let Some(diary) = &mut self.diary {
            diary.note(note());
        }
    }

    /// The fullest state that the script made, what was said of it, and all that it did. The last state if nothing fuller
    /// was taken down.
    pub(crate) fn read(mut self) -> (Snapshot, Said, Vec<Entry>) {
        let last = everything(&mut self.sim);
        let diary = self.diary.map(|diary| *diary).unwrap_or_default();
        match diary.fullest {
            Some((size, snapshot, said)) if size > self::size(&last) => (snapshot, said, diary.entries),
            _ => (last, diary.said, diary.entries),
        }
    }
}

impl Command {
    /// No command, but the script itself.
    pub(crate) fn none() -> Self {
        Command { netns: NetnsName::host(), words: Vec::new(), line: None }
    }
}

impl Diary {
    fn note(&mut self, note: Note) {
        let command = self.now.clone().unwrap_or_else(Command::none);
        self.entries.push(Entry { command, note });
    }
}

/// The state with all settings.
pub(crate) fn everything(machine: &mut dyn Backend) -> Snapshot {
    let Ok(Answer::NetnsList(names)) = machine.query(&Query::NetnsList) else { return Snapshot::default() };
    let mut sysctls = BTreeMap::new();
    for netns in names {
        if let Ok(Answer::Sysctls(keys)) = machine.query(&Query::Sysctls(netns.clone())) {
            sysctls.insert(netns, keys.into_iter().collect());
        }
    }
    machine.observe(&Extent { netns: None, sysctls }).unwrap_or_default()
}

/// How many namespaces and links there are.
fn size(snapshot: &Snapshot) -> usize {
    snapshot.netns.values().map(|state| 1 + state.config.links.len()).sum()
}

impl Backend for Noted {
    fn execute(&mut self, ops: &[Op]) -> Result<(), Failure> {
        let Some(diary) = &mut self.diary else { return self.sim.execute(ops) };
        if ops.iter().any(|op| matches!(op, Op::DelNetns { .. } | Op::DelLink { .. })) {
            let before = everything(&mut self.sim);
            let size = size(&before);
            if diary.fullest.as_ref().is_none_or(|(most, ..)| *most <= size) {
                diary.fullest = Some((size, before, diary.said.clone()));
            }
        }
        let outcome = self.sim.execute(ops);
        let done = outcome.as_ref().map_or_else(|failure| failure.done, |()| ops.len());
        for op in &ops[..done] {
            diary.said.note(op);
            diary.note(Note::Did(op.clone()));
        }
        outcome
    }

    fn query(&mut self, query: &Query) -> Result<Answer, Fault> {
        let mut answer = self.sim.query(query)?;
        if let Answer::NetnsList(names) = &mut answer {
            let hides_uplink = self.hides_uplink;
            let is_shown = |name: &NetnsName| !hides_uplink || !super::uplink::is_hidden(name);
            names.retain(|name| is_shown(name) && name.process().is_none());
        }
        Ok(answer)
    }

    fn observe(&mut self, extent: &Extent) -> Result<Snapshot, Fault> {
        self.sim.observe(extent)
    }

    fn start(&mut self, probe: Probe) -> Result<ProbeId, Fault> {
        self.sim.start(probe)
    }

    fn stop(&mut self, id: ProbeId, how: Stop) {
        self.sim.stop(id, how);
    }

    fn socket(&mut self, call: &Call) -> Result<Reply, Fault> {
        self.sim.socket(call)
    }

    fn now(&self) -> Instant {
        self.sim.now()
    }

    fn advance(&mut self, until: Instant) -> Option<(Instant, ProbeId, ProbeEvent)> {
        self.sim.advance(until)
    }
}
