//! The README tells the truth: its topologies are good, its verbs exist, its transcript is what the binary prints.

use crate::harness::{Place, example};

const README: &str = include_str!("../../README.md");

/// The README's blocks in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(&fence).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn its_topologies_are_good() {
    let place = Place::new();
    let found = blocks("toml");
    assert!(!found.is_empty());
    for text in found {
        place.run_with(&["check", "--strict", "-"], text).exits(0);
    }
}

#[test]
fn its_verbs_are_those_that_there_are() {
    let help = Place::new().run(&["--help"]).exits(0).out;
    let listed = help.lines().skip_while(|l| *l != "Commands:").skip(1).take_while(|l| !l.is_empty());
    let verbs: Vec<&str> =
        listed.filter_map(|l| l.strip_prefix("  ")?.split(' ').next().filter(|v| !v.is_empty())).collect();
    assert!(verbs.len() > 15, "{help}");
    for verb in verbs.iter().filter(|v| **v != "help") {
        assert!(README.contains(&format!("`{verb}`")) || README.contains(&format!("`nettwin {verb}")), "{verb}");
    }
    let table = README.split("## Verbs").nth(1).and_then(|t| t.split("\n\n").nth(1)).expect("a table of verbs");
    for cell in table.lines().skip(2).filter_map(|row| row.split('|').nth(1)) {
        for verb in cell.split(',').map(|v| v.trim().trim_matches('`')) {
            assert!(verbs.contains(&verb), "{verb} is no verb");
        }
    }
}

#[test]
fn its_transcript_is_what_the_binary_prints() {
    let printed = Place::new().run(&["sim", &example("02-bridge-three-hosts.toml")]).exits(0).out;
    let transcript = blocks("text").into_iter().find(|b| b.contains("ADDRESSES")).expect("a transcript");
    let lines: Vec<&str> = printed.lines().collect();
    for line in transcript.lines().filter(|l| l.trim() != "...") {
        assert!(lines.contains(&line), "{line:?} is not printed");
    }
}

#[test]
fn its_trail_is_what_the_binary_prints() {
    let run = Place::new().run(&["why", &example("04-nat.toml"), "outside -> 203.0.113.2 tcp 8080"]).exits(0);
    let trail = blocks("text").into_iter().find(|b| b.contains("conntrack")).expect("a trail");
    assert!(run.out.contains(trail), "{trail}\nis not in\n{}", run.out);
}
