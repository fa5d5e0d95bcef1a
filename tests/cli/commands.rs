//! What the commands understand, told by themselves.

use crate::harness::Place;

#[test]
fn commands_tell_what_they_refuse() {
    let place = Place::new();
    let said = place.run(&["commands", "ping", "brctl"]).exits(0).out;
    assert!(said.contains("brctl\n  Usage: brctl [commands]\n") && said.contains("ping, ping4, ping6\n"), "{said}");
    let found = place.run(&["--json", "commands", "bridge"]).exits(0).json();
    let link = found.as_array().unwrap().iter().find(|page| page["title"] == "bridge link").expect("a page").clone();
    let is_refused = |word: &str| link["refused"].as_array().unwrap().iter().any(|w| w == word);
    assert!(link["grammar"].as_str().unwrap().contains("[ hairpin {on | off} ]"), "{link}");
    assert!(is_refused("hwmode") && !is_refused("hairpin") && !is_refused("cost"), "{link}");
    place.run(&["commands", "nmap"]).exits(1).says("there is no such command here");
}
