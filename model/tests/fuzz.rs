//! Whatever the text, reading, checking and formatting a topology neither panics nor contradicts itself.

mod exercise;

use exercise::{FORMATS, exercise};
use nettwin_model::topology::{Format, Topology};
use proptest::prelude::*;

const SEED: &str = include_str!("../../examples/05-timeline.toml");
const BRIDGES: &str = r#"
name = "b"
allow = ["l2-loop"]
[netns.h1]
interfaces.eth0 = { addresses = ["10.0.0.1/24"], mac = "02:00:00:00:00:01", mtu = 1400, up = true }
neighbours = ["10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0"]
sysctls = { "net.ipv4.conf.all.rp_filter" = 1 }
[bridge.s1]
in = "host"
stp = true
ageing_time = "10s"
fdb = ["02:00:00:00:00:09 dev p1 master static"]
ports.p1 = { cost = 3, isolated = true }
[[link]]
ends = ["h1:eth0", "s1:p1"]
impair."h1:eth0" = "delay 10ms 2ms loss 1%"
[[expect]]
tcp = "h1 -> 10.0.0.9:80"
result = "denied"
"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        FORMATS.into_iter().for_each(|format| exercise(&text, format));
    }

    #[test]
    fn text_of_the_right_signs(text in "[\\[\\]{}=,.#'\"\\\\a-c0-3:\\-& \t\n\u{e4}]{0,60}") {
        FORMATS.into_iter().for_each(|format| exercise(&text, format));
    }

    #[test]
    fn broken_examples(
        second in any::<bool>(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, "[\\[\\]{}=,.#'\"a-z0-9:/ \n\u{e4}-]{0,4}"), 1..5),
    ) {
        let mut text = if second { BRIDGES } else { SEED }.to_owned();
        for (at, removed, inserted) in edits {
            let mut start = at.index(text.len() + 1);
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + removed).min(text.len());
            while !text.is_char_boundary(end) { end -= 1; }
            text.replace_range(start..end.max(start), &inserted);
        }
        exercise(&text, Format::Toml);
    }

    #[test]
    fn broken_json_and_yaml(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..6, "[\\[\\]{},'\"a-z0-9:& \n\u{e4}-]{0,3}"), 1..4),
    ) {
        let mut text = format!("{:#}", Topology::parse(BRIDGES, Format::Toml).unwrap().to_json());
        for (at, removed, inserted) in edits {
            let mut start = at.index(text.len() + 1);
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + removed).min(text.len());
            while !text.is_char_boundary(end) { end -= 1; }
            text.replace_range(start..end.max(start), &inserted);
        }
        exercise(&text, Format::Json);
        exercise(&text, Format::Yaml);
    }
}

/// What the fuzzer found, cut to what matters.
#[test]
fn what_once_did_harm() {
    // An impairment that does nothing is one all the same.
    let text = "[netns.a]\n[netns.b]\n[[link]]\nends = [\"a:x\", \"b:y\"]\nimpair.\"a:x\" = \"delay 00ms\"\n";
    exercise(text, Format::Toml);
}
