//! What a script's commands said on two machines, side by side.
//!
//! A command is known by the namespace that it was typed in and by its words; the n-th of one kind is compared with the n-th
//! of the same on the other machine, so that jobs in the background may run side by side. One that only one machine has is
//! a difference itself. Deliberately absent: running scripts, which takes a shell.

use super::text::{Texts, sorted, temporary};
use super::{Level, Report};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One command and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The namespace that it was typed in.
    pub netns: String,
    /// Its words; none mark the end of the script, after which its namespaces are looked at.
    pub words: Vec<String>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit status as a shell shows it.
    pub status: u8,
}

/// A script's run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its commands, by their ends; then the last looks.
    pub said: Vec<Said>,
    /// All of standard output.
    pub out: String,
    /// The exit status.
    pub status: u8,
}

impl Run {
    /// The run without what is random by nature. `script` is its text.
    pub fn normalised(mut self, script: &str) -> Run {
        let mut texts = Texts::of(script);
        for said in &mut self.said {
            said.words = numberless(&said.words);
            said.out = texts.out(&said.out);
            said.err = texts.err(&said.err);
            if said.words.iter().any(|word| word == "pids") {
                said.out =
                    said.out.lines().map(|line| if line.parse::<u32>().is_ok() { "PID\n" } else { line }).collect();
            }
            if is_in_random_order(&said.words) {
                said.out = sorted(&neighbours(&said.out));
            }
        }
        self.out = sorted(&neighbours(&texts.out(&self.out)));
        self
    }
}

/// The words without the names that `mktemp` makes up and the numbers of processes.
fn numberless(words: &[String]) -> Vec<String> {
    let is_number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let is_process = |at: usize| at > 0 && ["netns", "identify"].contains(&words[at - 1].as_str());
    let all = words.iter().enumerate();
    all.map(|(at, word)| if is_process(at) && is_number(word) { "PID".to_owned() } else { temporary(word) }).collect()
}

/// Compares two runs without what is random: statuses (level `errno`), what was said (`flows`), and how the namespaces look
/// when all is over (`state`).
pub fn compare(first: &Run, second: &Run) -> Report {
    let mut report = Report::default();
    let (first_said, first_looks) = parts(&first.said);
    let (second_said, second_looks) = parts(&second.said);
    each(&first_said, &second_said, |what, a, b| {
        report.errno.name(what);
        if a.is_some() != b.is_some() {
            let there = |said: Option<&Said>| if said.is_some() { "run" } else { "not run" };
            report.errno.differ(what, there(a), there(b));
        }
        let (Some(a), Some(b)) = (a, b) else { return };
        if a.status != b.status {
            report.errno.differ(what, a.status.to_string(), b.status.to_string());
        }
        words(&mut report.flows, what, a, b);
    });
    report.errno.name("the script");
    if first.status != second.status {
        report.errno.differ("the script", first.status.to_string(), second.status.to_string());
    }
    report.flows.name("the script");
    if first.out != second.out && report.flows.differences.is_empty() {
        let (a, b) = apart(&first.out, &second.out);
        report.flows.differ("the script", a, b);
    }
    each(&first_looks, &second_looks, |what, a, b| match (a, b) {
        (Some(a), Some(b)) => words(&mut report.state, what, a, b),
        (a, _) => {
            let there = |is: bool| if is { "looked at" } else { "not there" };
            report.state.name(what);
            report.state.differ(what, there(a.is_some()), there(a.is_none()));
        }
    });
    report
}

fn words(level: &mut Level, what: &str, a: &Said, b: &Said) {
    level.name(what);
    for (stream, a, b) in [("", &a.out, &b.out), (" (standard error)", &a.err, &b.err)] {
        if a != b {
            let (a, b) = apart(a, b);
            level.differ(format!("{what}{stream}"), a, b);
        }
    }
}

/// What was said by the script, and by the last looks.
fn parts(said: &[Said]) -> (Vec<&Said>, Vec<&Said>) {
    let end = said.iter().position(|said| said.words.is_empty()).unwrap_or(said.len());
    (said[..end].iter().collect(), said[end..].iter().filter(|said| !said.words.is_empty()).collect())
}

/// Pairs the n-th of a kind with the n-th of the same, in the order of the first run.
fn each<'a>(first: &[&'a Said], second: &[&'a Said], mut tell: impl FnMut(&str, Option<&'a Said>, Option<&'a Said>)) {
    let key = |said: &Said| (said.netns.clone(), said.words.clone());
    let mut left: BTreeMap<_, Vec<&Said>> = BTreeMap::new();
    for said in second.iter().rev() {
        left.entry(key(said)).or_default().push(said);
    }
    let name = |said: &Said| {
        let place = if said.netns == "host" { String::new() } else { format!("in {}: ", said.netns) };
        place + &said.words.join(" ")
    };
    for said in first {
        tell(&name(said), Some(said), left.get_mut(&key(said)).and_then(Vec::pop));
    }
    for said in left.values().flat_map(|rest| rest.iter().rev()) {
        tell(&name(said), None, Some(said));
    }
}

/// The lines that the other has not, or both whole.
fn apart(a: &str, b: &str) -> (String, String) {
    let only = |these: &str, those: &str| {
        let those: Vec<&str> = those.lines().collect();
        let lines: Vec<&str> = these.lines().filter(|line| !those.contains(line)).collect();
        if lines.is_empty() { "nothing more, or in another order".to_owned() } else { lines.join("\n               ") }
    };
    (only(a, b), only(b, a))
}

/// Hash tables are listed in an order of the kernel's secret.
fn is_in_random_order(words: &[String]) -> bool {
    let is = |word: &&String| ["arp", "neigh", "neighbour", "n", "ne", "showmacs", "fdb"].contains(&word.as_str());
    words.iter().any(|word| is(&word))
}

/// The states of neighbours that are known go on at random times.
fn neighbours(text: &str) -> String {
    ["REACHABLE", "STALE", "DELAY", "PROBE"].iter().fold(text.to_owned(), |text, state| text.replace(state, "KNOWN"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str, out: &str, status: u8) -> Said {
        let words = words.split_whitespace().map(str::to_owned).collect();
        Said { netns: "host".into(), words, out: out.into(), err: String::new(), status }
    }

    fn run(said: &[Said]) -> Run {
        Run { said: said.to_vec(), ..Run::default() }
    }

    #[test]
    fn the_nth_is_compared_with_the_nth() {
        let (a, b, c) = (said("ip a", "1", 0), said("ip b", "2", 0), said("ip a", "3", 0));
        let first = run(&[a.clone(), b.clone(), c.clone()]);
        assert!(compare(&first, &run(&[b.clone(), a.clone(), c.clone()])).agrees());
        let report = compare(&first, &run(&[c, b.clone(), a.clone()]));
        assert_eq!(report.flows.differences.len(), 2, "{report}");
        let report = compare(&first, &run(&[a, b]));
        assert_eq!(report.errno.differences.len(), 1, "{report}");
    }

    #[test]
    fn what_stands_in_the_end_is_state() {
        let end = said("", "", 0);
        let report = compare(&run(&[end.clone(), said("ip link", "x", 0)]), &run(&[end, said("ip link", "y", 0)]));
        assert_eq!((report.state.differences.len(), report.flows.differences.len()), (1, 0), "{report}");
    }

    #[test]
    fn random_order_is_no_difference() {
        let of = |out: &str| run(&[said("ip neigh show", out, 0)]).normalised("");
        assert_eq!(of("a REACHABLE \nb STALE \n"), of("b STALE \na DELAY \n"));
    }
}
