//! `tc`.
//!
//! Counterpart: iproute2 6.1's `tc/tc.c`. Deliberately absent, and refused by name: chains, actions, `monitor`,
//! `-graph`, and the kinds of qdiscs and filters that the model has no words for.

mod class;
mod filter;
mod help;
mod kinds;
mod netem;
mod number;
mod qdisc;
mod selector;

use crate::iproute::args::{MINUS_ONE, Stop, Words, matches};
use crate::iproute::batch::{Lines, Tool};
use crate::iproute::page::{Page, Style};
use crate::job::{Context, Invocation, Job};
use crate::say;
use nettwin_model::{Answer, Fault, NetnsName, NetnsState, Op, Query};

/// Begins `tc`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Tool::start(invocation, run)
}

fn run(cx: &mut Context<'_>, invocation: &Invocation, line: Option<&[String]>) -> Result<Option<Lines>, Stop> {
    let mut words = Words::new(invocation.words.get(1..).unwrap_or_default());
    let mut tc = Tc {
        netns: invocation.netns.clone(),
        cx,
        style: Style::default(),
        stats: false,
        details: false,
        raw: false,
        force: false,
        batch: None,
    };
    while let Some(word) = words.peek().filter(|word| word.starts_with('-')) {
        words.next();
        tc.option(word, &mut words)?;
    }
    match (line, tc.batch.take()) {
        (Some(line), _) => tc.object(Words::new(line)).map(|()| None),
        (None, Some(file)) => Ok(Some(Lines::of(file, tc.force))),
        (None, None) => tc.object(words).map(|()| None),
    }
}

fn unsupported(what: &str) -> Stop {
    Stop::unsupported("tc", what)
}

/// One call of the tool.
struct Tc<'a, 'b> {
    cx: &'a mut Context<'b>,
    netns: NetnsName,
    style: Style,
    stats: bool,
    details: bool,
    raw: bool,
    /// A batch goes on behind what failed.
    force: bool,
    /// The file of `-batch`.
    batch: Option<String>,
}

impl Tc<'_, '_> {
    fn object(&mut self, mut words: Words<'_>) -> Result<(), Stop> {
        let Some(object) = words.next() else { return Err(Stop::back(0, help::MAIN)) };
        let is = |full: &str| matches(object, full);
        match object {
            _ if is("qdisc") => qdisc::run(self, words),
            _ if is("class") => class::run(self, words),
            _ if is("filter") => filter::run(self, words),
            _ if is("chain") || is("actions") || is("monitor") || is("exec") => Err(unsupported(object)),
            _ if is("help") => Err(Stop::back(0, help::MAIN)),
            _ => Err(Stop::back(MINUS_ONE, format!("Object \"{object}\" is unknown, try \"tc help\".\n"))),
        }
    }

    fn option(&mut self, option: &str, words: &mut Words<'_>) -> Result<(), Stop> {
        let is = |full: &str| matches(option, full);
        match option {
            _ if is("-stats") || is("-statistics") => self.stats = true,
            _ if is("-details") => self.details = true,
            _ if is("-raw") => self.raw = true,
            _ if is("-pretty") => self.style.pretty = true,
            _ if is("-graph") => return Err(unsupported(option)),
            _ if is("-Version") => {
                self.cx.print("tc utility, iproute2-6.1.0, libbpf 1.1.2\n");
                return Err(Stop::back(0, ""));
            }
            _ if is("-iec") => return Err(unsupported(option)),
            _ if is("-help") => return Err(Stop::back(0, help::MAIN)),
            _ if is("-force") => self.force = true,
            _ if is("-batch") => {
                self.batch = words.next().map(str::to_owned);
                if self.batch.is_none() {
                    self.cx.complain(help::MAIN);
                }
            }
            _ if is("-netns") => self.switch(words.value()?)?,
            _ if is("-Numeric") => {}
            _ if is("-nm") || is("-names") => return Err(unsupported(option)),
            // It takes the next word for a file's name, be it what it may.
            _ if is("-cf") || is("-conf") => _ = words.value()?,
            // It is about `tc monitor`.
            _ if is("-timestamp") || is("-tshort") => {}
            _ if is("-json") => self.style.json = true,
            _ if is("-oneline") => self.style.oneline = true,
            _ if is("-brief") => {}
            _ if is("-color") => {}
            _ => {
                return Err(Stop::back(MINUS_ONE, format!("Option \"{option}\" is unknown, try \"tc -help\".\n")));
            }
        }
        Ok(())
    }

    fn switch(&mut self, name: &str) -> Result<(), Stop> {
        let known = match self.cx.machine.query(&Query::NetnsList) {
            Ok(Answer::NetnsList(names)) => names,
            _ => Vec::new(),
        };
        match known.into_iter().find(|netns| netns.file() == name && netns.is_named()) {
            Some(netns) => {
                self.netns = netns;
                Ok(())
            }
            None => {
                let text = format!("Cannot open network namespace \"{name}\": No such file or directory\n");
                Err(Stop::exit(MINUS_ONE, text))
            }
        }
    }

    fn page(&self) -> Page {
        Page::new(self.style)
    }

    fn state(&mut self) -> Result<NetnsState, Stop> {
        say::state_of(self.cx, &self.netns).map_err(|fault| refusal(&fault))
    }

    fn talk(&mut self, op: Op) -> Result<(), Stop> {
        say::execute(self.cx, op).map_err(|fault| refusal(&fault))
    }
}

/// A refusal as the tool tells it.
fn refusal(fault: &Fault) -> Stop {
    match fault {
        Fault::Refused { message: Some(message), .. } => Stop::back(2, format!("Error: {message}.\n")),
        Fault::Refused { errno, message: None } => Stop::back(2, format!("RTNETLINK answers: {errno}\n")),
        Fault::Missing { .. } | Fault::Broken(_) => Stop::back(MINUS_ONE, format!("nettwin: tc: {fault}\n")),
    }
}
