//! `docs/parity.md`: what the simulator was compared with which kernel in, written from the golden answers.
//!
//! Every golden answer is of a kernel's run, and the test that owns it fails where the simulator differs, so what is listed
//! as the same is the same. `UPDATE_PARITY=1` writes the page; by hand nobody does. Deliberately absent: running cases.

use nettwin::conform::known::KERNEL_AND_SIM;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};

const HEAD: &str = "# Parity

What the simulator was compared with, on which kernel. `UPDATE_PARITY=1 cargo test --test differential parity` writes this
page from the answers of kernels in `tests/golden/`, and a test fails where it is stale; no line is written by hand. A case
is a list of steps (ops, frames, flows, states, command lines), and the test that owns it fails at the first answer in
which the simulator differs from the kernel. *Not comparable* are steps for which that kernel lacks something.
";

#[test]
fn the_page_says_what_the_golden_answers_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (path, page) = (root.join("docs/parity.md"), page(root));
    if std::env::var_os("UPDATE_PARITY").is_some() {
        std::fs::write(&path, &page).expect("the page");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = page.lines().zip(written.lines()).find(|(now, then)| now != then);
    let how = "UPDATE_PARITY=1 cargo test --test differential parity";
    assert!(page == written, "docs/parity.md is stale, write it anew: {how}; first difference: {stale:?}");
}

fn page(root: &Path) -> String {
    let mut tables = String::new();
    let (mut cases, mut steps) = (0, 0);
    let parts = [("What happens", "tests/golden"), ("What commands print", "tests/golden/commands")];
    for (title, folder) in parts {
        say(
            &mut tables,
            format_args!("\n## {title}\n\n| feature | case | kernel | steps | verdict |\n|---|---|---|---|---|"),
        );
        for file in golden_files(&root.join(folder)) {
            let text = std::fs::read_to_string(&file).expect("a golden file");
            let golden: Value = serde_json::from_str(&text).expect("a golden file");
            let feature = file.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let kernel = golden["kernel"].as_str().expect("every golden file names its kernel");
            for (name, record) in golden["cases"].as_object().into_iter().flatten() {
                let record = record.as_array().map_or(&[][..], Vec::as_slice);
                (cases, steps) = (cases + 1, steps + record.len());
                let (count, verdict) = (record.len(), verdict(record));
                let name = name.replace('|', "\\|");
                say(&mut tables, format_args!("| {feature} | {name} | {kernel} | {count} | {verdict} |"));
            }
        }
    }
    let mut out = HEAD.to_owned();
    say(&mut out, format_args!("\n{cases} cases with {steps} steps."));
    out += &tables;
    say(&mut out, format_args!("\n## Known to differ\n\n| level | what | verdict |\n|---|---|---|"));
    for known in KERNEL_AND_SIM {
        say(&mut out, format_args!("| {} | {} | different: {} |", known.level, known.what, known.reason));
    }
    out
}

fn say(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("a String takes all");
}

/// Same, as far as the kernel had an answer.
fn verdict(record: &[Value]) -> String {
    let is_missing = |step: &&Value| step["answer"].as_str().is_some_and(|answer| answer.starts_with("missing: "));
    match record.iter().filter(is_missing).count() {
        0 => "same".to_owned(),
        missing if missing == record.len() => "not comparable".to_owned(),
        missing => format!("same; not comparable: {missing} steps"),
    }
}

fn golden_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the golden folder").flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    files
}
