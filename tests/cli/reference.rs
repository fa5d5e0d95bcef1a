//! `nettwin conform --kernel uml`: the comparison on a kernel that needs no privilege, and what is said where it is missing.

use crate::harness::{Place, lacks};
use std::path::Path;

const IMPAIRED: &str = r#"
[netns.h1]
interfaces.eth0.addresses = ["10.0.0.1/24"]
[netns.h2]
interfaces.eth0.addresses = ["10.0.0.2/24"]
[[link]]
ends = ["h1:eth0", "h2:eth0"]
impair = "delay 20ms"
"#;

#[test]
fn a_user_compares_what_this_kernel_may_lack() {
    if !Path::new("/usr/bin/linux.uml").exists() {
        return lacks("there is no User-Mode Linux here");
    }
    let Some(place) = Place::of_a_user() else { return };
    let file = place.file("impaired.toml", IMPAIRED);
    let run = place.run(&["--json", "conform", "--kernel", "uml", &file]).exits(0);
    let report = run.json();
    assert_eq!(report["agrees"], true, "{report}");
    assert_eq!(report["file"], file.as_str());
    let kernel = report["kernel"].as_str().unwrap_or_default();
    assert!(!kernel.is_empty(), "the kernel is named");
    for level in ["errno", "state", "frames", "flows"] {
        assert_eq!(report["levels"][level]["skipped"], serde_json::json!([]), "{level}: nothing is left out there");
    }
    let read = place.run_with(&["conform", "--kernel", "uml", "-"], IMPAIRED);
    read.exits(0).says("standard input").says("The machines agree.");
}

/// A kernel that was built without a firewall differs in nothing: what it lacks is left out, and named.
#[test]
fn what_that_kernel_lacks_is_no_difference() {
    if !Path::new("/usr/bin/linux.uml").exists() {
        return lacks("there is no User-Mode Linux here");
    }
    let Some(place) = Place::of_a_user() else { return };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/04-nat.toml");
    let text = std::fs::read_to_string(file).expect("the example");
    let report = place.run(&["--json", "conform", "--kernel", "uml", &place.file("nat.toml", &text)]).exits(0).json();
    assert_eq!(report["agrees"], true, "{report}");
    let skipped = report["levels"]["errno"]["skipped"].as_array().cloned().unwrap_or_default();
    let skipped: Vec<String> = skipped.iter().map(ToString::to_string).collect();
    let lacking = |s: &String| s.contains("in this kernel's nf_tables is missing");
    // A kernel with it has nothing to leave out.
    assert!(skipped.iter().all(lacking), "{skipped:?}");
}

#[test]
fn without_it_the_remedy_is_said() {
    let place = Place::new();
    let file = place.file("impaired.toml", IMPAIRED);
    let output = place
        .command(&["conform", "--kernel", "uml", &file])
        .env("NETTWIN_UML", "/nowhere/linux.uml")
        .output()
        .expect("the binary");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("/nowhere/linux.uml") && said.contains("apt-get install user-mode-linux"), "{said}");
}
