//! The house rules that a compiler does not know: who may know whom, where a third-party crate may be used, how long a
//! file may be, and what may not be written at all.

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders whose Rust files are the project's.
const ROOTS: &[&str] =
    &["src", "model", "sim", "kernel-backend", "commands", "tests", "benches", "fuzz/fuzz_targets", "examples"];

/// A crate and the only places that may name it. A place ending in `/` is a folder.
const CRATE_HOMES: &[(&str, &[&str])] = &[
    ("smoltcp", &["sim/src/sock/"]),
    ("pnet_packet", &["model/src/wire.rs"]),
    ("petgraph", &["model/src/graph.rs"]),
    ("rtnetlink", &["kernel-backend/"]),
    ("netlink_packet_core", &["kernel-backend/"]),
    ("netlink_packet_route", &["kernel-backend/"]),
    ("netlink_proto", &["kernel-backend/"]),
    ("netlink_sys", &["kernel-backend/"]),
    ("rustix", &["kernel-backend/"]),
    ("libc", &["kernel-backend/"]),
    ("tokio", &["kernel-backend/", "src/net/", "tests/net.rs"]),
    ("tun_tap", &["kernel-backend/src/tap.rs"]),
    ("clap", &["src/cli/"]),
    ("clap_complete", &["src/cli/"]),
    ("miette", &["src/cli/"]),
    ("indicatif", &["src/cli/"]),
    ("comfy_table", &["src/cli/"]),
    ("anstream", &["src/cli/"]),
    ("rustyline", &["src/cli/sh/"]),
    ("anstyle", &["src/cli/"]),
    ("plotters", &["src/cli/live/bench/plot.rs"]),
    ("signal_hook", &["src/script/"]),
    ("shlex", &["src/script/builtin.rs"]),
    ("criterion", &["benches/", "sim/benches/", "model/benches/"]),
    // Whose packages may name which.
    ("nettwin_sim", &["src/lib.rs", "sim/", "tests/", "benches/", "fuzz/", "commands/tests/"]),
    ("nettwin_kernel", &["src/lib.rs", "kernel-backend/", "tests/"]),
    ("nettwin_commands", &["src/", "commands/", "tests/"]),
];

/// What the pure packages never say, with the reason.
const IMPURE: &[(&str, &str)] = &[
    ("std::os::", "it does not exist on every system"),
    ("std::env::var", "the environment is no input"),
    ("std::thread", "one machine is one thread"),
    ("std::time::Instant", "time is a parameter"),
    ("SystemTime", "time is a parameter"),
    ("std::fs", "no I/O"),
    ("std::net::Tcp", "no I/O"),
    ("std::net::Udp", "no I/O"),
    ("println!", "no printing"),
    ("async fn", "no async"),
];

#[test]
fn crates_stay_in_their_places() {
    check(|file, text| {
        let mut wrong = Vec::new();
        for (name, homes) in CRATE_HOMES {
            let at_home =
                homes.iter().any(|home| if home.ends_with('/') { file.starts_with(home) } else { file == *home });
            if at_home {
                continue;
            }
            for (number, line) in code_lines(text) {
                if names_crate(line, name) {
                    wrong.push(format!("line {number} names {name}, which belongs to {homes:?}"));
                }
            }
        }
        wrong
    });
}

#[test]
fn manifests_know_only_whom_they_may() {
    let knows = |package: &str, of: &str| {
        let text = fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a manifest");
        text.lines().any(|line| line.starts_with(of) && line.contains(['=', '.']))
    };
    for (package, of) in [
        ("model", "nettwin-sim"),
        ("model", "nettwin-kernel"),
        ("model", "nettwin-commands"),
        ("sim", "nettwin-kernel"),
        ("sim", "nettwin-commands"),
        ("kernel-backend", "nettwin-sim"),
        ("kernel-backend", "nettwin-commands"),
        ("commands", "nettwin-kernel"),
        ("model", "tokio"),
        ("sim", "tokio"),
        ("commands", "tokio"),
    ] {
        assert!(!knows(package, of), "{package} must not know {of}");
    }
}

#[test]
fn model_and_sim_are_pure() {
    check(|file, text| {
        if !(file.starts_with("model/src/") || file.starts_with("sim/src/") || file.starts_with("commands/src/")) {
            return Vec::new();
        }
        let body = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
        let lines = code_lines(body);
        let wrong = lines.flat_map(|(number, line)| {
            let said = IMPURE.iter().filter(move |(word, _)| line.contains(word));
            said.map(move |(word, why)| format!("line {number} says {word}: {why}"))
        });
        wrong.collect()
    });
}

#[test]
fn unsafe_code_is_in_the_kernel_backend_only_and_gives_its_reason() {
    check(|file, text| {
        let lines: Vec<&str> = text.lines().collect();
        let mut wrong = Vec::new();
        for (number, line) in code_lines(text) {
            let blocks = line.contains("unsafe {") || line.contains("unsafe impl") || line.contains("unsafe fn");
            if !blocks || file == "tests/tidy.rs" {
                continue;
            }
            if !file.starts_with("kernel-backend/") {
                wrong.push(format!("line {number} is unsafe"));
            }
            let above = &lines[number.saturating_sub(9)..number - 1];
            if !above.iter().any(|l| l.contains("SAFETY:") || l.contains("# Safety")) {
                wrong.push(format!("line {number} is unsafe and gives no reason"));
            }
        }
        let is_root = file.ends_with("src/lib.rs") || file == "src/main.rs";
        if is_root && !file.starts_with("kernel-backend/") && !text.contains("#![forbid(unsafe_code)]") {
            wrong.push("does not forbid unsafe code".to_owned());
        }
        wrong
    });
}

#[test]
fn nothing_is_left_for_later() {
    let words: Vec<String> =
        [("TO", "DO"), ("FIX", "ME"), ("todo", "!("), ("unimple", "mented!("), ("#[ig", "nore"), ("dbg", "!(")]
            .iter()
            .map(|(a, b)| format!("{a}{b}"))
            .collect();
    check(|_, text| {
        let lines = text.lines().enumerate();
        let wrong = lines.flat_map(|(i, line)| {
            let said = words.iter().filter(|word| line.contains(*word));
            said.map(move |word| format!("line {} says {word}", i + 1))
        });
        wrong.collect()
    });
}

#[test]
fn files_open_with_what_they_are_and_are_not_too_long() {
    check(|file, text| {
        let mut wrong = Vec::new();
        let first = text.lines().find(|l| !l.starts_with("#!")).unwrap_or("");
        let is_tests = Path::new(file).file_stem().is_some_and(|s| s == "tests");
        if !first.starts_with("//!") && !is_tests {
            wrong.push("does not open with //! and what it is".to_owned());
        }
        let count = text.lines().count();
        if count > 700 {
            wrong.push(format!("has {count} lines; the limit is 700"));
        }
        let long =
            text.lines().enumerate().filter(|(_, l)| l.chars().count() > 140 && !l.contains("\"")).map(|(i, _)| i);
        wrong.extend(long.map(|i| format!("line {} is longer than 140 columns", i + 1)));
        wrong
    });
}

#[test]
fn every_file_is_part_of_the_build() {
    // A module's file is declared by its parent: src/a/b.rs by `mod b` in src/a.rs, src/a/mod.rs, or a crate's root.
    let mut dead = Vec::new();
    let files = files();
    for (file, _) in files.iter().filter(|(f, _)| f.contains("src/")) {
        let path = Path::new(file);
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("");
        if ["lib", "main"].contains(&stem) || file.starts_with("fuzz/") {
            continue;
        }
        let folder = if stem == "mod" { path.parent().and_then(Path::parent) } else { path.parent() };
        let name = if stem == "mod" {
            path.parent().and_then(Path::file_name).and_then(|s| s.to_str()).unwrap_or("")
        } else {
            stem
        };
        let folder = folder.unwrap_or(Path::new(""));
        let parents =
            [folder.join("mod.rs"), folder.with_extension("rs"), folder.join("lib.rs"), folder.join("main.rs")];
        let declared = files.iter().any(|(f, text)| {
            parents.iter().any(|p| p == Path::new(f))
                && text.lines().any(|l| l.trim_end().ends_with(&format!("mod {name};")))
        });
        if !declared {
            dead.push(file.clone());
        }
    }
    assert!(dead.is_empty(), "nobody declares these: {dead:#?}");
}

fn check(wrong: impl Fn(&str, &str) -> Vec<String>) {
    let all: Vec<String> = files()
        .iter()
        .flat_map(|(file, text)| wrong(file, text).into_iter().map(move |w| format!("{file}: {w}")))
        .collect();
    assert!(all.is_empty(), "{} complaints:\n{}", all.len(), all.join("\n"));
}

/// Lines with their numbers, without those that are comments.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, l)| (i + 1, l)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

/// Whether a line of code names the crate: as the beginning of a path, or by `extern crate`.
fn names_crate(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':' || c == '"'))
    }) || line.trim() == format!("use {name};")
        || line.contains(&format!("pub use {name} as"))
}

fn files() -> Vec<(String, String)> {
    let mut paths = BTreeSet::new();
    for folder in ROOTS {
        walk(&root().join(folder), &mut paths);
    }
    assert!(paths.len() > 40, "the walk found only {} files", paths.len());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file");
        let name = path.strip_prefix(root()).expect("below the root").to_str().expect("a plain name").to_owned();
        (name, text)
    };
    paths.into_iter().map(read).collect()
}

fn walk(folder: &Path, out: &mut BTreeSet<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "golden" {
            walk(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.insert(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
