//! The command line: one file a verb, and what they share.
//!
//! Kernel counterpart: none. Deliberately absent: any decision about networks; a verb reads a file, calls the library,
//! and prints.

mod args;
mod input;
mod judged;
mod output;
mod staged;
mod state;
mod trail;
mod transcript;
mod trouble;

mod attach;
mod check;
mod commands;
mod completions;
mod export;
mod format;
mod generate;
mod graph;
mod import;
#[cfg(all(feature = "kernel", target_os = "linux"))]
mod live;
mod plan;
mod probe;
mod run;
mod schema;
mod sh;
mod sim;
mod why;

use args::{Args, Verb};
use clap::Parser;
use output::Output;
use std::process::ExitCode;
use trouble::{Exit, Trouble};

/// Parses the command line, runs the verb, and says how it ended.
pub(crate) fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version go to standard output and are no error; the rest is bad input. A closed pipe is quiet.
            let _ = e.print();
            return if e.use_stderr() { Exit::BadInput.into() } else { ExitCode::SUCCESS };
        }
    };
    args.color.write_global();
    let mut out = Output::new(args.json);
    match run(args.verb, &mut out) {
        Ok(code) => code,
        Err(trouble) => out.trouble(&trouble),
    }
}

fn run(verb: Verb, out: &mut Output) -> Result<ExitCode, Trouble> {
    match verb {
        Verb::Attach(a) => attach::run(&a, out),
        Verb::Check(a) => check::run(&a, out),
        Verb::Commands(a) => commands::run(&a, out),
        Verb::Completions(a) => completions::run(&a, out),
        Verb::Export(a) => export::run(&a, out),
        Verb::Import(a) => import::run(&a, out),
        Verb::Fmt(a) => format::run(&a, out),
        Verb::Gen(a) => generate::run(&a, out),
        Verb::Graph(a) => graph::run(&a, out),
        Verb::Plan(a) => plan::run(&a, out),
        Verb::Probe(a) => probe::run(&a, out),
        Verb::Run(a) => Ok(run::run(&a)),
        Verb::Sh(a) => sh::run(&a),
        Verb::Sim(a) => sim::run(&a, out),
        Verb::Why(a) => why::run(&a, out),
        Verb::Schema => schema::run(out),
        other => on_kernel(other, out),
    }
}

/// The verbs that need a kernel with namespaces.
#[cfg(all(feature = "kernel", target_os = "linux"))]
fn on_kernel(verb: Verb, out: &mut Output) -> Result<ExitCode, Trouble> {
    match verb {
        Verb::Apply(a) => live::apply::run(&a, out),
        Verb::Bench(a) => live::bench::run(&a, out),
        Verb::Conform(a) => live::conform::run(&a, out),
        Verb::Diff(a) => live::diff::run(&a, out),
        Verb::Show(a) => live::show::run(&a, out),
        Verb::Exec(a) => Ok(live::exec::run(&a)),
        Verb::Destroy(a) => live::destroy::run(&a, out),
        Verb::Doctor => live::doctor::run(out),
        Verb::Gc => live::gc::run(out),
        Verb::Holder(a) => live::hold(&a),
        Verb::Attach(_)
        | Verb::Check(_)
        | Verb::Commands(_)
        | Verb::Completions(_)
        | Verb::Export(_)
        | Verb::Fmt(_)
        | Verb::Gen(_)
        | Verb::Graph(_)
        | Verb::Import(_)
        | Verb::Plan(_)
        | Verb::Probe(_)
        | Verb::Run(_)
        | Verb::Sh(_)
        | Verb::Sim(_)
        | Verb::Why(_)
        | Verb::Schema => {
            unreachable!("run() has these")
        }
    }
}

/// Elsewhere they say what is missing.
#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn on_kernel(verb: Verb, _: &mut Output) -> Result<ExitCode, Trouble> {
    let missing = Trouble::missing("this verb needs a Linux kernel", "run it on Linux; nettwin sim works everywhere");
    match (verb, missing) {
        // Its own failures have codes of their own.
        (Verb::Exec(_), Trouble::Said { message, help, .. }) => {
            output::complain(&message, help.as_deref());
            Ok(ExitCode::from(125))
        }
        (_, missing) => Err(missing),
    }
}
