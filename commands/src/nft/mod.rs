//! `nft`.
//!
//! Counterpart: nftables 1.0.6. Commands are read, understood, and carried out as one transaction; a command line is one, and so
//! is a file. Deliberately absent: `-i`, `-o`, `-e`, `-d`, `-D`, `-I`, `-S`, `-N`, `-u`, and what [`parse`] and
//! [`phrase`] refuse by name.

mod block;
mod dynset;
mod eval;
mod hint;
mod include;
mod json;
mod keys;
mod list;
mod order;
mod parse;
mod phrase;
mod rule;
mod source;
mod tree;
mod value;

use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Waits, Wake};
use crate::names::{Names, Services};
use crate::say;
use eval::Evaluation;
use nettwin_model::rules::{Ruleset, Style};
use nettwin_model::{Answer, Fault, Op, Query};
use parse::Parser;
use source::{Report, Source, tokens};
use tree::Act;
use value::Book;

/// Begins `nft`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(Nft { words: invocation.words.get(1..).unwrap_or_default().to_vec() })
}

/// `nft`, as it may wait for its input.
struct Nft {
    words: Vec<String>,
}

/// What the options say.
#[derive(Default)]
struct Manner {
    file: Option<String>,
    check: bool,
    json: bool,
    style: Style,
}

const LONG: &[Long] = &[
    ("help", Takes::Nothing, 'h'),
    ("version", Takes::Nothing, 'v'),
    ("file", Takes::Value, 'f'),
    ("define", Takes::Value, 'D'),
    ("interactive", Takes::Nothing, 'i'),
    ("includepath", Takes::Value, 'I'),
    ("check", Takes::Nothing, 'c'),
    ("optimize", Takes::Nothing, 'o'),
    ("handle", Takes::Nothing, 'a'),
    ("stateless", Takes::Nothing, 's'),
    ("terse", Takes::Nothing, 't'),
    ("service", Takes::Nothing, 'S'),
    ("reversedns", Takes::Nothing, 'N'),
    ("guid", Takes::Nothing, 'u'),
    ("numeric", Takes::Nothing, 'n'),
    ("numeric-priority", Takes::Nothing, 'y'),
    ("numeric-protocol", Takes::Nothing, 'p'),
    ("numeric-time", Takes::Nothing, 'T'),
    ("echo", Takes::Nothing, 'e'),
    ("json", Takes::Nothing, 'j'),
    ("debug", Takes::Value, 'd'),
];

impl Job for Nft {
    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Next {
        let parsed = getopt::parse(&self.words, "+hvVf:D:iI:coastSNunypTejd:", LONG);
        let mut manner = Manner::default();
        for met in parsed.options {
            match met {
                Met::Option('v', _) => {
                    cx.print("nftables v1.0.6 (Lester Gooch #5)\n");
                    return Next::Done(0);
                }
                Met::Option('f', path) => manner.file = path,
                Met::Option('c', _) => manner.check = true,
                Met::Option('j', _) => manner.json = true,
                Met::Option('a', _) => manner.style.handles = true,
                Met::Option('s', _) => manner.style.stateless = true,
                Met::Option('t', _) => manner.style.terse = true,
                Met::Option('n', _) => manner.style.numeric = true,
                Met::Option('T' | 'p' | 'y', _) => {
                    return say::unsupported(cx, "nft", "numbers of one kind alone; use -n");
                }
                Met::Option(letter, _) => return say::unsupported(cx, "nft", &format!("-{letter}")),
                Met::Wrong(complaint) => {
                    cx.complain(&format!("nft: {complaint}\n"));
                    return Next::Done(1);
                }
            }
        }
        let mut source = match &manner.file {
            None if parsed.operands.is_empty() => {
                cx.complain("nft: no command specified\n");
                return Next::Done(1);
            }
            None => Source::new(None, parsed.operands.join(" ") + "\n"),
            Some(path) if path == "-" || path == "/dev/stdin" => {
                if !cx.input.ended {
                    return Next::Wait(Waits { until: None, input: true });
                }
                let bytes = std::mem::take(&mut cx.input.bytes);
                Source::new(Some("/dev/stdin".into()), String::from_utf8_lossy(&bytes).into_owned())
            }
            Some(path) => match cx.files.read(path) {
                Ok(bytes) => Source::new(Some(path.clone()), String::from_utf8_lossy(&bytes).into_owned()),
                Err(error) => {
                    let why = say::io_error(&error).text();
                    cx.complain(&format!("internal:0:0-0: Error: Could not open file \"{path}\": {why}\n\n\n"));
                    return Next::Done(1);
                }
            },
        };
        if manner.json && source.file.is_some() {
            return say::unsupported(cx, "nft", "-j with a file");
        }
        match run(cx, &manner, &mut source) {
            Ok(next) => next,
            Err(what) => say::unsupported(cx, "nft", &what),
        }
    }
}

/// Reads, understands and carries out; `Err` is what is not supported.
fn run(cx: &mut Context<'_>, manner: &Manner, source: &mut Source) -> Result<Next, String> {
    let (mut reports, words) = (Vec::new(), tokens(&source.text));
    let words = include::splice(cx.files, source, &words, 1, &mut reports);
    let mut parser = Parser::new(words);
    let commands = parser.commands()?;
    reports.append(&mut parser.reports);
    let (hosts, services) = (Names::hosts(cx), Services::read(cx));
    let state = say::state(cx).map_err(|fault| fault.to_string())?;
    let devs: Vec<(u32, String)> =
        state.derived.links.iter().map(|(name, link)| (link.ifindex, name.to_string())).collect();
    let book = Book { hosts: &hosts, services: &services, devs: &devs };
    let known = rules(cx).map_err(|fault| fault.to_string())?;
    let mut evaluation = Evaluation::new(&book, &known);
    // What a list is of, is as it is once the changes before it are made.
    let mut lists = Vec::new();
    for command in &commands {
        // What begins anew is listed as it was; one that is not there is the kernel's to miss.
        if let Act::Reset(listed) = &command.what
            && let Ok(list) = list::list(evaluation.rules(), listed, &devs, manner.style, manner.json)
        {
            lists.push(list);
        }
        evaluation.command(command)?;
        if let Act::List(listed) = &command.what {
            match list::list(evaluation.rules(), listed, &devs, manner.style, manner.json) {
                Ok(list) => lists.push(list),
                Err(list::Stop::Wrong(report)) => evaluation.reports.push(report),
                Err(list::Stop::Unsupported(what)) => return Err(what),
            }
        }
    }
    let Evaluation { steps, reports: found, names, .. } = evaluation;
    reports.extend(found);
    if reports.is_empty() {
        let changes: Vec<_> = steps.iter().map(|step| step.change.clone()).collect();
        let refusals = known.refusals(&changes);
        reports.extend(refusals.iter().flat_map(|(i, refusal)| eval::refused(&steps[*i], refusal, &names)));
        // What is refused is refused by the machine too, and leaves its traces there.
        if !changes.is_empty() && !manner.check {
            let done = say::execute(cx, Op::Ruleset { netns: cx.netns.clone(), changes });
            match done {
                Ok(()) | Err(Fault::Refused { .. }) => {}
                Err(fault) => return Err(fault.to_string()),
            }
        }
    }
    if reports.is_empty() {
        for (text, warnings) in &lists {
            cx.complain(warnings);
            cx.print(text);
        }
        return Ok(Next::Done(0));
    }
    complain(cx, source, &reports);
    Ok(Next::Done(1))
}

fn complain(cx: &mut Context<'_>, source: &Source, reports: &[Report]) {
    for report in reports.iter().take(parse::MAX_REPORTS) {
        cx.complain(&source.print(report));
    }
}

fn rules(cx: &mut Context<'_>) -> Result<Ruleset, Fault> {
    let netns = cx.netns.clone();
    match cx.machine.query(&Query::Ruleset(netns))? {
        Answer::Ruleset(rules) => Ok(*rules),
        _ => Err(Fault::Broken("the machine answered another question".into())),
    }
}
