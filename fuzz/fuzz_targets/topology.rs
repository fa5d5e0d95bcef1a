//! Any text as a topology file: parsing, checking, compiling and printing never panic, and what is printed parses again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nettwin_model::topology::{Format, Topology};

fuzz_target!(|text: &str| {
    for format in [Format::Toml, Format::Json] {
        let (_, _) = Topology::parse_what_can_be(text, format);
        let Ok(topology) = Topology::parse(text, format) else { continue };
        let _ = topology.check();
        let printed = topology.to_toml();
        let again = Topology::parse(&printed, Format::Toml).expect("what is printed parses");
        assert_eq!(again.to_toml(), printed, "printing is stable");
    }
});
