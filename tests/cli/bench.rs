//! `nettwin bench`: what it measures arrives, what is asked wrongly is said at once.

use crate::harness::Place;

/// Whether namespaces can be made here; a bench without them has one side only.
fn has_kernel_side(run: &serde_json::Value) -> bool {
    run["sections"][0]["works"].as_array().expect("works").iter().any(|work| work["name"] == "kernel")
}

fn measured(place: &Place) {
    let svg = place.dir.join("bench.svg");
    let words =
        ["bench", "bridge-2", "hop", "setup-10", "--rounds", "2", "--json", "--svg", svg.to_str().expect("UTF-8")];
    let run = place.run(&words).exits(0);
    let told = run.json();
    assert_eq!(told["rounds"], 2);
    assert!(told["machine"]["processors"].as_u64() >= Some(1), "{told:#}");
    let names: Vec<&str> =
        told["sections"].as_array().expect("sections").iter().map(|s| s["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["bridge-2", "hop", "setup-10"]);
    for section in told["sections"].as_array().expect("sections") {
        let works = section["works"].as_array().expect("works");
        assert_eq!(works[0]["name"], "simulator", "{section:#}");
        assert_eq!(works[0]["ratio"]["median"], 1.0);
        assert!(works.iter().all(|work| work["ns"]["median"].as_f64() > Some(0.0)), "{section:#}");
    }
    if !has_kernel_side(&told) {
        assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "no kernel side: {told:#}");
        println!("skipped: no kernel side of a bench: {}", told["sections"][0]["skipped"]);
    }
    let svg = std::fs::read_to_string(svg).expect("the picture");
    assert!(svg.starts_with("<svg "), "{svg}");
}

#[test]
fn a_bench_is_measured_told_and_drawn() {
    measured(&Place::new());
}

#[test]
fn so_it_is_for_a_user() {
    if let Some(place) = Place::of_a_user() {
        measured(&place);
    }
}

#[test]
fn what_is_asked_wrongly_is_said_at_once() {
    let place = Place::new();
    place
        .run(&["bench", "brigde"])
        .exits(1)
        .says("no section's name begins with \"brigde\"")
        .says("bridge-2, bridge-8");
    place.run(&["bench", "--rounds", "0"]).exits(1).says("--rounds");
    let nowhere = place.dir.join("none/bench.svg");
    place.run(&["bench", "--svg", nowhere.to_str().expect("UTF-8")]).exits(2).says("none/bench.svg");
}
