//! What needs no machine: bad input, `check`, `gen`, `graph`, `fmt`, `schema`, `completions`, help.

use crate::harness::{Place, example};

/// Two hosts on a wire.
pub(crate) const PAIR: &str = r#"
name = "pair"
[netns.h1]
interfaces.eth0.addresses = ["10.7.0.1/24"]
[netns.h2]
interfaces.eth0.addresses = ["10.7.0.2/24"]
[[link]]
ends = ["h1:eth0", "h2:eth0"]
[[expect]]
ping = "h1 -> h2"
"#;

#[test]
fn bad_input_is_told_with_its_place() {
    let place = Place::new();
    let cases = [
        ("malformed TOML", "[netns.h1", "1:"),
        ("an unknown key", "[netns.h1]\nforwardin = true\n", "2:1"),
        ("an overlong name", "[netns.h1]\n[netns.h1.interfaces.eth0123456789abcdef]\n", "2:"),
        ("a bad CIDR", "[netns.h1]\n[netns.h1.interfaces.eth0]\naddresses = [\"10.0.0.1/33\"]\n", "3:15"),
        ("a duplicate name", "[netns.h1]\n[netns.h1]\n", "2:"),
        ("a link to a missing namespace", "[netns.h1]\n[[link]]\nends = [\"h1:eth0\", \"h9:eth0\"]\n", "3:"),
        (
            "a loop",
            "[bridge.s1]\n[bridge.s2]\n[[link]]\nends = [\"s1:a\", \"s2:a\"]\n[[link]]\nends = [\"s1:b\", \"s2:b\"]\n",
            "loop",
        ),
        ("no namespaces", "name = \"nothing\"\n", "namespace"),
        ("a wrong type", "[netns.h1]\nforwarding = \"yes\"\n", "2:14"),
    ];
    for (what, text, said) in cases {
        let file = place.file("bad.toml", text);
        let run = place.run(&["check", &file]);
        assert_eq!(run.code, 1, "{what}: {} {}", run.out, run.err);
        assert!(run.err.contains(said), "{what}: {}", run.err);
        // JSON says the same.
        let run = place.run(&["check", "--json", &file]);
        assert_eq!(run.code, 1, "{what}");
        let json = run.json();
        assert_eq!(json[0]["ok"], false, "{what}");
        assert!(json[0]["complaints"].as_array().is_some_and(|c| !c.is_empty()), "{what}: {json}");
    }
}

#[test]
fn many_complaints_of_one_kind_are_counted() {
    let place = Place::new();
    let host = |n| {
        format!(
            "[netns.h{n}]\nroutes = [\"default via 10.0.0.254\"]\ninterfaces.eth0.addresses = [\"10.0.0.{n}/24\"]\n\
             [[link]]\nends = [\"h{n}:eth0\", \"s:p{n}\"]\n"
        )
    };
    let text: String = std::iter::once("[bridge.s]\n".to_owned()).chain((1..=25).map(host)).collect();
    let file = place.file("many.toml", &text);
    let run = place.run(&["check", &file]).exits(0);
    assert_eq!(run.err.matches("nobody on the wire").count(), 10, "{}", run.err);
    assert!(run.err.contains("15 more of gateway-unowned: `nettwin check --json "), "{}", run.err);
    let json = place.run(&["check", "--json", &file]).exits(0).json();
    assert_eq!(json[0]["complaints"].as_array().map(Vec::len), Some(25), "{json}");
}

#[test]
fn all_complaints_are_made_at_once() {
    let place = Place::new();
    let text =
        "bogus = 1\n[netns.h1]\nroutes = [\"default vai 1.2.3.4\"]\n[[link]]\nends = [\"h1:eth0\", \"h2:eth0\"]\n";
    let file = place.file("three.toml", text);
    let json = place.run(&["check", "--json", &file]).exits(1).json();
    assert!(json[0]["complaints"].as_array().is_some_and(|c| c.len() >= 2), "{json}");
}

#[test]
fn absent_and_odd_files_are_bad_input() {
    let place = Place::new();
    place.run(&["check", "absent.toml"]).exits(1).says("absent.toml").says("No such file").says("gen line 2");
    place.run(&["check", "."]).exits(1);
    let odd = place.file("topology.txt", PAIR);
    place.run(&["check", &odd]).exits(1).says("format");
    std::fs::write(place.dir.join("latin.toml"), b"name = \"\xe9\"").unwrap();
    place.run(&["check", "latin.toml"]).exits(1).says("UTF-8");
    let good = place.file("good.toml", PAIR);
    place.run(&["check", "absent.toml", &good]).exits(1).says("absent.toml").says("ok");
    place.run(&["check", "-"]).exits(1);
    place.run_with(&["check", "-"], PAIR).exits(0).says("2 namespaces");
}

#[test]
fn usage_errors_are_bad_input_and_help_is_not() {
    let place = Place::new();
    place.run(&[]).exits(1);
    place.run(&["frobnicate"]).exits(1).says("frobnicate");
    place.run(&["check"]).exits(1);
    place.run(&["check", "--frobnicate", "x"]).exits(1);
    place.run(&["--version"]).exits(0).says("nettwin");
    place.run(&["--help"]).exits(0).says("Exit codes");
    for verb in VERBS {
        let run = place.run(&[verb, "--help"]).exits(0);
        assert!(run.out.contains("Usage:"), "{verb}");
        assert!(*verb == "gc" || *verb == "doctor" || run.out.contains("Examples:"), "{verb} shows no example");
    }
}

#[test]
fn generated_topologies_are_good() {
    let place = Place::new();
    for (shape, n) in [("line", "4"), ("star", "5"), ("ring", "4"), ("tree", "2"), ("grid", "3"), ("fat-tree", "4")] {
        let text = place.run(&["gen", shape, n]).exits(0).out;
        place.run_with(&["check", "-"], &text).exits(0).says("ok");
        let json = place.run(&["gen", shape, n, "--json"]).exits(0).out;
        place.run_with(&["check", "-"], &json).exits(0).says("ok");
    }
    place.run(&["gen", "fat-tree", "3"]).exits(1).says("even");
    place.run(&["gen", "circle", "3"]).exits(1);
}

#[test]
fn examples_are_good_and_in_style() {
    let place = Place::new();
    let names = std::fs::read_dir(example("")).unwrap().flatten().map(|e| e.path());
    let files: Vec<String> =
        names.filter(|p| p.is_file()).map(|p| p.to_str().expect("a plain path").to_owned()).collect();
    assert!(files.len() >= 7, "{files:?}");
    let with = |verb: &[&'static str]| [verb.to_vec(), files.iter().map(String::as_str).collect()].concat();
    place.run(&with(&["check"])).exits(0);
    place.run(&with(&["fmt", "--check"])).exits(0);
}

#[test]
fn formatting_keeps_comments_and_is_done_once() {
    let place = Place::new();
    let file = place.file("ugly.toml", "# mine\nname='x' # here\n[netns.h1]\n\n\n  forwarding   =true\n");
    place.run(&["fmt", "--check", &file]).exits(4).says("would change");
    place.run(&["fmt", &file]).exits(0).says("ugly.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("# mine") && text.contains("# here") && text.contains("forwarding = true"), "{text}");
    place.run(&["fmt", "--check", &file]).exits(0);
    let broken = place.file("broken.toml", "[netns.h1");
    place.run(&["fmt", &file, &broken]).exits(1).says("broken.toml");
    assert_eq!(place.run_with(&["fmt", "-"], &text).exits(0).out, text);
    place.run(&["fmt", "absent.toml"]).exits(1);
}

#[test]
fn pictures_are_drawn_in_each_language() {
    let place = Place::new();
    let file = place.file("pair.toml", PAIR);
    place.run(&["graph", &file]).exits(0).says("<svg");
    place.run(&["graph", "--format", "dot", &file]).exits(0).says("graph");
    place.run(&["graph", "--format", "mermaid", &file]).exits(0).says("flowchart");
}

#[test]
fn completions_and_schema_come_out() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        place.run(&["completions", shell]).exits(0).says("nettwin");
    }
    let schema = place.run(&["schema"]).exits(0).json();
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_quiet() {
    use std::process::Stdio;
    let place = Place::new();
    let mut child =
        place.command(&["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let run = child.wait_with_output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
#[cfg(unix)]
fn a_verdict_does_not_depend_on_who_listens() {
    use std::process::Stdio;
    let place = Place::new();
    let bad = place.file("bad.toml", "[netns.h1]\nodd = 1\n");
    for args in [&["check", &bad][..], &["check", "--json", &bad]] {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(1), "{args:?}");
    }
}

/// All verbs that a person types.
const VERBS: &[&str] =
    &["check", "fmt", "show", "exec", "destroy", "gc", "doctor", "gen", "graph", "completions", "schema"];
