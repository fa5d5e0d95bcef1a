//! A link's flags.
//!
//! Counterpart: `print_link_flags()` of `ip/ipaddress.c` and `bridge/link.c`.

use super::page::Page;
use nettwin_model::LinkTraits;
use nettwin_model::link::{LinkKind, OperState};
use nettwin_model::snapshot::{LinkConfig, LinkDerived};

/// Prints them; `lower_down`: what the link sits on is not up.
pub(crate) fn print(
    page: &mut Page,
    config: &LinkConfig,
    derived: &LinkDerived,
    traits: &LinkTraits,
    lower_down: bool,
) {
    let running = matches!(derived.operstate, OperState::Up | OperState::Unknown);
    let mut flags = Vec::new();
    if config.up && !running {
        flags.push("NO-CARRIER");
    }
    match &config.kind {
        LinkKind::Loopback => flags.push("LOOPBACK"),
        kind if !kind.has_mac() => flags.push("POINTOPOINT"),
        LinkKind::Virtual(of) if !of.has_broadcast() => {}
        _ => flags.push("BROADCAST"),
    }
    if config.kind.has_multicast() != traits.no_multicast {
        flags.push("MULTICAST");
    }
    if config.kind.has_arp() == traits.no_arp {
        flags.push("NOARP");
    }
    if traits.allmulti {
        flags.push("ALLMULTI");
    }
    if traits.promisc {
        flags.push("PROMISC");
    }
    if matches!(&config.kind, LinkKind::Virtual(of) if of.is_master()) {
        flags.push("MASTER");
    }
    if derived.bond_slave.is_some() {
        flags.push("SLAVE");
    }
    if config.up {
        flags.push("UP");
        if derived.carrier {
            flags.push("LOWER_UP");
        }
    }
    if lower_down {
        flags.push("M-DOWN");
    }
    page.open_array("flags");
    page.text("<");
    for (i, flag) in flags.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        page.item(flag, format_args!("{comma}{flag}"));
    }
    page.close_array();
    page.text("> ");
}
