//! Topologies that benches run on any machine, and what they count there.

#![allow(dead_code, reason = "each bench uses its part")]

use nettwin_model::{Backend, IfName, Mac, NetnsName};
use std::fmt::Write;

/// A MAC that says whose it is.
pub(crate) fn mac(last: u16) -> Mac {
    let [a, b] = last.to_be_bytes();
    Mac([2, 0, 0, 0, a, b])
}

/// Frames received by an interface.
pub(crate) fn received(machine: &mut dyn Backend, netns: &NetnsName, name: &str) -> u64 {
    let name = IfName::new(name).expect("a name");
    machine.observe(&Default::default()).expect("it can be observed").netns[netns].volatile.stats[&name].rx_packets
}

/// A row of routers between `a` and `z`; whatever is in 10.99/16 goes to `z`, which drops it.
pub(crate) fn routers(count: usize) -> String {
    let mut text = String::new();
    let names: Vec<String> =
        ["a".to_owned()].into_iter().chain((0..count).map(|r| format!("r{r}"))).chain(["z".to_owned()]).collect();
    for (i, name) in names.iter().enumerate() {
        writeln!(text, "[netns.{name}]").expect("a String takes all");
        if i > 0 && i <= count {
            writeln!(text, "forwarding = true").expect("a String takes all");
        }
        if i > 0 {
            writeln!(text, "interfaces.w = {{ addresses = [\"10.0.{i}.2/24\"], mac = \"{}\" }}", mac(2 * i as u16))
                .expect("a String takes all");
        }
        if i <= count {
            let next = i + 1;
            writeln!(text, "interfaces.e.addresses = [\"10.0.{next}.1/24\"]").expect("a String takes all");
            writeln!(text, "routes = [\"10.99.0.0/16 via 10.0.{next}.2\"]").expect("a String takes all");
        }
    }
    for pair in names.windows(2) {
        writeln!(text, "[[link]]\nends = [\"{}:e\", \"{}:w\"]", pair[0], pair[1]).expect("a String takes all");
    }
    format!("allow = [\"missing-return-route\"]\n{text}")
}

/// As many bridges between `a` and `z`; whatever is in 10.99/16 goes to `z`, which drops it.
pub(crate) fn bridged(count: usize) -> String {
    let mut text = String::new();
    let names: Vec<String> = ["a:e".to_owned()]
        .into_iter()
        .chain((0..count).flat_map(|s| [format!("s{s}:w"), format!("s{s}:e")]))
        .chain(["z:w".to_owned()])
        .collect();
    for s in 0..count {
        writeln!(text, "[bridge.s{s}]").expect("a String takes all");
    }
    for pair in names.chunks(2) {
        writeln!(text, "[[link]]\nends = [\"{}\", \"{}\"]", pair[0], pair[1]).expect("a String takes all");
    }
    text + "[netns.a]\ninterfaces.e.addresses = [\"10.0.1.1/24\"]\nroutes = [\"10.99.0.0/16 via 10.0.1.2\"]\n\
            [netns.z]\ninterfaces.w = { addresses = [\"10.0.1.2/24\"], mac = \"02:00:00:00:00:02\" }\n"
}
