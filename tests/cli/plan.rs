//! A plan printed as a script does by hand what `apply` does.
#![cfg(all(feature = "kernel", target_os = "linux"))]

use crate::harness::{Place, example, is_root, skip};
use std::path::Path;
use std::process::Command;

/// Runs each example's plan by iproute2 in namespaces that nobody else sees, then compares with the example.
#[test]
fn a_plan_run_by_hand_makes_what_it_says() {
    let has_ip = Command::new("ip").arg("-V").output().is_ok_and(|o| o.status.success());
    if !has_ip {
        return skip("there is no ip to run a plan by hand");
    }
    let place = if is_root() { Some(Place::new()) } else { Place::of_a_user() };
    let Some(place) = place else { return };
    let mut made = 0;
    for entry in std::fs::read_dir(example("")).unwrap().flatten().filter(|e| e.path().is_file()) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        if text.contains("impair") && !knows_netem() {
            eprintln!("{}: this kernel has no netem", entry.path().display());
            continue;
        }
        let file = place.file("topology.toml", &text);
        let script = place.run(&["plan", &file]).exits(0).out;
        let script = place.file("plan.sh", &script);
        let shell = format!(
            "mount -t tmpfs tmpfs /run && sh {script} && {} diff --adopt {file}",
            place.binary().to_str().expect("a plain path"),
        );
        let user = if is_root() { "-mn" } else { "-Urmn" };
        let run = place.program(Path::new("unshare")).args([user, "sh", "-c", &shell]).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success() && said.contains("no difference"), "{}: {said}", entry.path().display());
        made += 1;
    }
    assert!(made > 5, "{made}");
}

fn knows_netem() -> bool {
    let script = "ip link set lo up && tc qdisc add dev lo root netem delay 1ms";
    Command::new("unshare").args(["-Urn", "sh", "-c", script]).output().is_ok_and(|o| o.status.success())
}

/// The summary counts what the script does.
#[test]
fn a_plan_can_be_summed_up() {
    let place = Place::new();
    let file = example("02-bridge-three-hosts.toml");
    let text = place.run(&["plan", "--summary", &file]).exits(0).out;
    assert!(text.contains("+ namespace h1") && text.contains("+ bridge s1:s1"), "{text}");
    let json = place.run(&["--json", "plan", &file]).exits(0).json();
    assert!(json["ops"].as_array().is_some_and(|ops| ops.len() > 20), "{json}");
    place.run(&["plan", "absent.toml"]).exits(1).says("absent.toml");
}
