//! A plan printed as a script does by hand what `apply` does.
#![cfg(all(feature = "kernel", target_os = "linux"))]

use crate::harness::{Place, example, is_root, skip};
use std::path::Path;
use std::process::Command;

/// By iproute2, in namespaces that nobody else sees; then compared with the file as somebody else's.
#[test]
fn a_plan_run_by_hand_differs_from_the_file_in_nothing() {
    let has_ip = Command::new("ip").arg("-V").output().is_ok_and(|o| o.status.success());
    if !has_ip {
        return skip("there is no ip to run a plan by hand");
    }
    let place = if is_root() { Some(Place::new()) } else { Place::of_a_user() };
    let Some(place) = place else { return };
    let text = std::fs::read_to_string(example("03-two-lans-router.toml")).unwrap();
    let file = place.file("topology.toml", &text);
    let script = place.run(&["plan", &file]).exits(0).out;
    let script = place.file("plan.sh", &script);
    let nettwin = place.binary();
    let diff = format!("{} diff --adopt {file}", nettwin.display());
    let damage = "ip -n r1 addr del 10.0.2.254/24 dev eth2";
    let shell = format!("mount -t tmpfs tmpfs /run && sh {script} && {diff} && {damage} && {diff}");
    let user = if is_root() { "-mn" } else { "-Urmn" };
    let run = place.program(Path::new("unshare")).args([user, "sh", "-c", &shell]).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(4), "{said}");
    assert!(said.contains("no difference\n"), "{said}");
    assert!(said.contains("r1:eth2 address 10.0.2.254/24: wanted 10.0.2.254/24, is absent\n1 difference\n"), "{said}");
}

/// The summary counts what the script does.
#[test]
fn a_plan_can_be_summed_up() {
    let place = Place::new();
    let file = example("02-bridge-three-hosts.toml");
    let text = place.run(&["plan", "--summary", &file]).exits(0).out;
    assert!(text.contains("+ namespace h1") && text.contains("+ bridge s1:s1"), "{text}");
    let json = place.run(&["--json", "plan", &file]).exits(0).json();
    assert!(json["ops"].as_array().is_some_and(|ops| ops.len() == 18), "{json}");
    place.run(&["plan", "absent.toml"]).exits(1).says("absent.toml");
}
