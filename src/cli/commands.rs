//! `nettwin commands`: what the commands of a simulated network understand.
//!
//! Deliberately absent: any word about a command; the commands tell it themselves.

use super::args::CommandsArgs;
use super::output::{HEADING, Output};
use super::trouble::Trouble;
use crate::script;
use nettwin::model::Backend;
use nettwin_commands::grammar::{Grammar, SCENE, grammars};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

pub(crate) fn run(args: &CommandsArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let scene = SCENE.join("\n");
    let mut fresh = || -> Box<dyn Backend> { Box::new(script::after(&scene)) };
    let wanted = |name: &str| args.names.is_empty() || args.names.iter().any(|n| name.split(' ').next() == Some(n));
    let found = grammars(&wanted, &mut fresh);
    if found.is_empty() {
        let names = args.names.join(" ");
        return Err(
            Trouble::input(format!("{names}: there is no such command here")).help("nettwin commands lists them")
        );
    }
    if out.json {
        let list: Vec<Value> = found.iter().map(as_json).collect();
        out.json(&list)?;
        return Ok(ExitCode::SUCCESS);
    }
    for Grammar { title, also, text, refused } in &found {
        let names = std::iter::once(title).chain(*also).copied().collect::<Vec<_>>().join(", ");
        writeln!(out, "{HEADING}{names}{HEADING:#}")?;
        for line in text.trim_end().lines() {
            writeln!(out, "  {line}")?;
        }
        if !refused.is_empty() {
            writeln!(out, "  refused here: {}", refused.join(" "))?;
        }
        writeln!(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(grammar: &Grammar) -> Value {
    json!({ "title": grammar.title, "also": grammar.also, "grammar": grammar.text, "refused": grammar.refused })
}
