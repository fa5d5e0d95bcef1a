//! `bridge`.
//!
//! Counterpart: iproute2 6.1's `bridge/bridge.c`. Deliberately absent, and refused by name: `monitor`.

mod fdb;
mod help;
mod link;
mod mdb;
mod vlan;

use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, matches};
use crate::iproute::batch::{Lines, Tool};
use crate::iproute::page::{Page, Style};
use crate::job::{Context, Invocation, Job};
use crate::number::atoi;
use crate::say;
use nettwin_model::{Answer, Fault, IfName, NetnsName, NetnsState, Op, Query};

/// Begins `bridge`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Tool::start(invocation, run)
}

fn run(cx: &mut Context<'_>, invocation: &Invocation, line: Option<&[String]>) -> Result<Option<Lines>, Stop> {
    let mut words = Words::new(invocation.words.get(1..).unwrap_or_default());
    let mut bridge = Bridge {
        netns: invocation.netns.clone(),
        cx,
        style: Style::default(),
        details: false,
        stats: false,
        compress: false,
        force: false,
        batch: None,
    };
    while let Some(word) = words.peek().filter(|word| word.starts_with('-')) {
        words.next();
        if word == "--" {
            break;
        }
        bridge.option(word, &mut words, invocation)?;
    }
    match (line, bridge.batch.take()) {
        (Some(line), _) => bridge.object(Words::new(line)).map(|()| None),
        (None, Some(file)) => Ok(Some(Lines::of(file, bridge.force))),
        (None, None) => bridge.object(words).map(|()| None),
    }
}

fn unsupported(what: &str) -> Stop {
    Stop::unsupported("bridge", what)
}

/// `return -1`.
fn failed(text: impl Into<String>) -> Stop {
    Stop::back(MINUS_ONE, text)
}

fn unknown_command(object: &str, word: &str) -> Stop {
    Stop::exit(MINUS_ONE, format!("Command \"{word}\" is unknown, try \"bridge {object} help\".\n"))
}

/// One call of the tool.
struct Bridge<'a, 'b> {
    cx: &'a mut Context<'b>,
    netns: NetnsName,
    style: Style,
    details: bool,
    stats: bool,
    /// VLANs are shown in ranges.
    compress: bool,
    /// A batch goes on behind what failed.
    force: bool,
    /// The file of `-batch`.
    batch: Option<String>,
}

/// What of a table is wanted.
struct Wanted {
    state: NetnsState,
    dev: Option<IfName>,
    /// 0 for all.
    vid: i32,
}

impl Bridge<'_, '_> {
    fn object(&mut self, mut words: Words<'_>) -> Result<(), Stop> {
        let Some(object) = words.next() else { return Err(Stop::exit(MINUS_ONE, help::MAIN)) };
        let is = |full: &str| matches(object, full);
        match object {
            _ if is("link") => link::run(self, words),
            _ if is("fdb") => fdb::run(self, words),
            _ if is("mdb") => mdb::run(self, words),
            _ if is("vlan") => vlan::run(self, words),
            _ if is("monitor") => Err(unsupported(object)),
            _ if is("help") => Err(Stop::exit(MINUS_ONE, help::MAIN)),
            _ => Err(failed(format!("Object \"{object}\" is unknown, try \"bridge help\".\n"))),
        }
    }

    fn option(&mut self, word: &str, words: &mut Words<'_>, invocation: &Invocation) -> Result<(), Stop> {
        let option = if word.starts_with("--") { &word[1..] } else { word };
        let is = |full: &str| matches(option, full);
        match option {
            _ if is("-help") => return Err(Stop::exit(MINUS_ONE, help::MAIN)),
            _ if is("-Version") => {
                self.cx.print("bridge utility, 6.1.0\n");
                return Err(Stop::exit(0, ""));
            }
            _ if is("-stats") || is("-statistics") => self.stats = true,
            _ if is("-details") => self.details = true,
            _ if is("-oneline") => self.style.oneline = true,
            // It is about `bridge monitor`.
            _ if is("-timestamp") => {}
            _ if is("-family") => return Err(unsupported(word)),
            "-4" | "-6" => {}
            _ if is("-netns") => self.switch(words.value()?)?,
            _ if self.coloured(option, invocation.is_tty) => {}
            _ if is("-compressvlans") => self.compress = true,
            _ if is("-force") => self.force = true,
            _ if is("-json") => self.style.json = true,
            _ if is("-pretty") => self.style.pretty = true,
            _ if is("-batch") => {
                let file = words.next().ok_or_else(|| Stop::exit(MINUS_ONE, help::MAIN))?;
                self.batch = Some(file.to_owned());
            }
            _ => {
                return Err(Stop::exit(MINUS_ONE, format!("Option \"{option}\" is unknown, try \"bridge help\".\n")));
            }
        }
        Ok(())
    }

    fn coloured(&mut self, option: &str, is_tty: bool) -> bool {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let known = matches(name, "-color") && matches!(value, "" | "always" | "auto" | "never");
        if known {
            self.style.colour = matches!(value, "" | "always") || value == "auto" && is_tty;
        }
        known
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
        // JSON is never coloured.
        Page::new(Style { colour: self.style.colour && !self.style.json, ..self.style })
    }

    fn state(&mut self) -> Result<NetnsState, Stop> {
        say::state_of(self.cx, &self.netns).map_err(|fault| refusal(&fault))
    }

    /// Reads `[ dev DEV ] [ vid VID ]`, as `mdb show` and `vlan show` do: other words are passed over.
    fn wanted(&mut self, mut words: Words<'_>) -> Result<Wanted, Stop> {
        let (mut dev, mut vid) = (None, 0);
        while let Some(word) = words.next() {
            match word {
                "dev" => {
                    let name = words.value()?;
                    if dev.replace(name).is_some() {
                        return Err(duparg("dev", name));
                    }
                }
                "vid" => {
                    let id = words.value()?;
                    if vid != 0 {
                        return Err(duparg("vid", id));
                    }
                    vid = atoi(id);
                }
                _ => {}
            }
        }
        let state = self.state()?;
        let found = |dev| named(&state, dev).ok_or_else(|| failed(format!("Cannot find device \"{dev}\"\n")));
        let dev = dev.map(found).transpose()?;
        Ok(Wanted { state, dev, vid })
    }

    fn talk(&mut self, op: Op) -> Result<(), Stop> {
        say::execute(self.cx, op).map_err(|fault| refusal(&fault))
    }
}

/// A refusal as the tool tells it.
fn refusal(fault: &Fault) -> Stop {
    match fault {
        Fault::Refused { message: Some(message), .. } => failed(format!("Error: {message}.\n")),
        Fault::Refused { errno, message: None } => failed(format!("RTNETLINK answers: {errno}\n")),
        Fault::Missing { .. } | Fault::Broken(_) => failed(format!("nettwin: bridge: {fault}\n")),
    }
}

/// The link of that name.
fn named(state: &NetnsState, word: &str) -> Option<IfName> {
    IfName::new(word).ok().filter(|name| state.config.links.contains_key(name))
}

/// The links by index, as the kernel dumps them.
fn by_index(state: &NetnsState) -> Vec<IfName> {
    let mut all: Vec<_> = state.derived.links.iter().map(|(name, link)| (link.ifindex, *name)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, name)| name).collect()
}
