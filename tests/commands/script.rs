//! A case: command lines, and the little that is needed around them.
//!
//! Lines are words with shell quotes. `sleep N` lets N seconds pass. `COMMAND &` runs behind; the n-th of these is `%n` to
//! `kill [-SIGNAL] %n` and `wait %n`, and its whole output is recorded with `wait`. `COMMAND <<< TEXT` gives it standard
//! input. `~ COMMAND` says that the order of the lines of output is random. Deliberately absent: everything else of a shell.

use serde::{Deserialize, Serialize};

/// A named list of lines.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) lines: Vec<Line>,
}

/// One line.
pub(crate) struct Line {
    /// As it is written.
    pub(crate) text: String,
    pub(crate) what: What,
    /// The order of its lines of output is random.
    pub(crate) unordered: bool,
}

/// What a line does.
pub(crate) enum What {
    /// Runs a command to its end.
    Run {
        words: Vec<String>,
        /// Standard input.
        input: String,
    },
    /// Starts a command that runs behind.
    Start { words: Vec<String> },
    /// Sends a signal to the n-th of these.
    Kill { signal: u8, job: usize },
    /// Waits for the end of the n-th of these.
    Wait { job: usize },
    /// Lets time pass.
    Sleep { seconds: f64 },
}

/// What a line gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) line: String,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: i32,
}

impl Case {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
        Case { name: name.to_owned(), lines: lines.map(Line::new).collect() }
    }
}

impl Line {
    fn new(text: &str) -> Self {
        let (unordered, rest) = match text.strip_prefix("~ ") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        Line { text: text.to_owned(), what: What::new(rest), unordered }
    }
}

impl What {
    fn new(text: &str) -> Self {
        let mut words = split(text);
        let number = |word: Option<&String>| {
            let word = word.and_then(|w| w.strip_prefix('%')).unwrap_or_else(|| panic!("{text}: which job?"));
            word.parse::<usize>().unwrap_or_else(|_| panic!("{text}: which job?"))
        };
        match words.first().map(String::as_str) {
            Some("sleep") => What::Sleep { seconds: words[1].parse().expect("a number of seconds") },
            Some("wait") => What::Wait { job: number(words.get(1)) },
            Some("kill") => {
                let name = words[1..].iter().find_map(|w| w.strip_prefix('-')).unwrap_or("TERM");
                let signal = match name {
                    "INT" => 2,
                    "QUIT" => 3,
                    "KILL" => 9,
                    "TERM" => 15,
                    other => panic!("{text}: no signal {other}"),
                };
                What::Kill { signal, job: number(words.last()) }
            }
            _ if words.last().is_some_and(|w| w == "&") => {
                words.pop();
                What::Start { words }
            }
            _ => match words.iter().position(|w| w == "<<<") {
                Some(at) => {
                    let input = words[at + 1..].join(" ").replace("\\n", "\n");
                    words.truncate(at);
                    What::Run { words, input }
                }
                None => What::Run { words, input: String::new() },
            },
        }
    }
}

/// Words as a shell splits them: quotes and backslashes, nothing else.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
