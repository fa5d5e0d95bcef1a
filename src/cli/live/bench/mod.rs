//! `nettwin bench`: the same work on the simulator, the kernel and other tools, and the ratios.
//!
//! Deliberately absent: the works and how they are measured (the library's `bench`), and the JSON's fields
//! (`docs/json.md`).

mod machine;
mod plot;

use super::is_root;
use crate::cli::args::BenchArgs;
use crate::cli::output::{FAINT, Output, Progress, WARN, count};
use crate::cli::staged::Staged;
use crate::cli::trouble::Trouble;
use machine::Machine;
use nettwin::bench::peers::Peers;
use nettwin::bench::rounds::{Measured, measure};
use nettwin::bench::{SECTIONS, Section};
use nettwin::kernel::holder;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// A section that was measured.
struct Told {
    name: &'static str,
    section: Section,
    measured: Measured,
}

pub(crate) fn run(args: &BenchArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    let chosen = chosen(&args.sections)?;
    // Bad input is said before minutes pass.
    let svg = args.svg.as_deref().map(Staged::create).transpose()?;
    if !is_root() {
        drop(svg);
        return inside_a_user_namespace();
    }
    let folder = Folder::new()?;
    let peers = if args.peers {
        let _progress = Progress::new("building the peers' programs");
        Peers::build(&folder.0)
    } else {
        Peers::none()
    };
    let machine = Machine::here();
    if !out.json {
        writeln!(out, "{machine}\n{}; medians [least .. greatest]\n", count(args.rounds.into(), "round"))?;
        if cfg!(debug_assertions) {
            writeln!(out, "{WARN}built without optimisation:{WARN:#} use cargo run --release -- bench\n")?;
        }
    }
    let mut all = Vec::new();
    for (name, make) in chosen {
        let _progress = Progress::new(format!("measuring {name}"));
        let mut section = make(&peers);
        let measured = measure(&mut section.works, args.rounds.into(), || ())
            .map_err(|e| Trouble::failed(format!("{name}: {e}")))?;
        // Its machines need not stand while others are measured.
        section.works.clear();
        let told = Told { name, section, measured };
        if !out.json {
            print(&told, out)?;
        }
        all.push(told);
    }
    if out.json {
        let sections: Vec<Value> = all.iter().map(json).collect();
        out.json(&json!({ "machine": machine.json(), "rounds": args.rounds, "sections": sections }))?;
    }
    if let Some(mut svg) = svg {
        svg.write_all(plot::svg(&all, &machine).as_bytes())?;
        svg.commit()?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The sections of these names, or whose names begin so; all if there is no word.
fn chosen(words: &[String]) -> Result<Vec<(&'static str, nettwin::bench::Make)>, Trouble> {
    let is_name = |word: &str| SECTIONS.iter().any(|(name, _)| *name == word);
    let means = |word: &str, name: &str| if is_name(word) { name == word } else { name.starts_with(word) };
    if let Some(word) = words.iter().find(|word| !SECTIONS.iter().any(|(name, _)| means(word, name))) {
        return Err(Trouble::input(format!("no section's name begins with {word:?}"))
            .help(format!("the sections are {}", SECTIONS.map(|(name, _)| name).join(", "))));
    }
    let is_chosen = |name: &str| words.is_empty() || words.iter().any(|word| means(word, name));
    Ok(SECTIONS.into_iter().filter(|(name, _)| is_chosen(name)).collect())
}

/// The kernel's side takes a user namespace: the same command once more, in one.
fn inside_a_user_namespace() -> Result<ExitCode, Trouble> {
    let status = holder::inside(Path::new("/proc/self/exe"))
        .args(std::env::args_os().skip(1))
        .status()
        .map_err(|e| Trouble::from(holder::no_user_namespace(&e)))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn print(told: &Told, out: &mut Output) -> Result<(), Trouble> {
    let Told { name, section, measured } = told;
    let thing = section.thing;
    let row = |(i, who): (usize, &String)| {
        let [low, mid, high] = measured.spread(i).map(time);
        let ratio = match i {
            0 => String::new(),
            _ => {
                let [low, mid, high] = measured.ratio(i, 0).map(times);
                format!("{mid} [{low} .. {high}]")
            }
        };
        vec![who.clone(), format!("{mid} [{low} .. {high}]"), ratio]
    };
    let rows = measured.names.iter().enumerate().map(row).collect();
    let columns = ["who", &format!("time of a {thing}"), "times the simulator's"];
    out.table(&format!("{name}: {}", section.title), &columns, rows)?;
    for (who, why) in &section.skipped {
        writeln!(out, " {WARN}skipped{WARN:#}: {who}: {FAINT}{why}{FAINT:#}\n")?;
    }
    Ok(out.flush()?)
}

fn json(told: &Told) -> Value {
    let Told { name, section, measured } = told;
    let three = |[least, median, greatest]: [f64; 3]| json!({ "least": least, "median": median, "greatest": greatest });
    let work = |(i, who): (usize, &String)| json!({ "name": who, "ns": three(measured.spread(i)), "ratio": three(measured.ratio(i, 0)) });
    let works: Vec<Value> = measured.names.iter().enumerate().map(work).collect();
    let skipped: Vec<Value> = section.skipped.iter().map(|(who, why)| json!({ "name": who, "why": why })).collect();
    json!({ "name": name, "title": section.title, "thing": section.thing, "works": works, "skipped": skipped })
}

/// Nanoseconds as a person reads them.
fn time(ns: f64) -> String {
    match ns {
        ..1e3 => format!("{ns:.1} ns"),
        ..1e6 => format!("{:.2} us", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

/// How many times, with as many digits as mean something.
fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

/// Where the peers' programs are built; gone with its user.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Result<Self, Trouble> {
        let path = std::env::temp_dir().join(format!("nettwin-bench-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|e| Trouble::failed(format!("{}: {e}", path.display())))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies in a folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_chosen_by_how_their_names_begin() {
        let names = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            chosen(&words).map(|sections| sections.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["flood", "hop"]).unwrap(), ["flood-8", "flood-64", "hop"]);
        assert_eq!(names(&["setup-10"]).unwrap(), ["setup-10"]);
        assert_eq!(names(&[]).unwrap().len(), SECTIONS.len());
        assert!(matches!(names(&["hop", "hops"]), Err(Trouble::Said { message, .. }) if message.contains("\"hops\"")));
    }

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!([12.34, 1234.0, 5.6e6].map(time), ["12.3 ns", "1.23 us", "5.60 ms"]);
        assert_eq!([1.234, 12.34].map(times), ["1.23x", "12.3x"]);
    }
}
