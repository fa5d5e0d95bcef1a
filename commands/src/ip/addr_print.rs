//! An address's lines.
//!
//! Counterpart: `print_addrinfo()` of `ip/ipaddress.c`. Deliberately absent: lifetimes, metrics, anycast, flags other than
//! `secondary`.

use crate::iproute::page::{Colour, Page};
use nettwin_model::words::route::scope_word;
use nettwin_model::{Address, IfName};

/// One address of a device. `index` is said where each address is a line of its own.
pub(super) fn print(page: &mut Page, dev: IfName, index: Option<u32>, addr: &Address, brief: bool) {
    let (local, colour) = (addr.cidr.addr, Colour::of(addr.cidr.addr));
    if !brief {
        if let Some(index) = index {
            page.field("index", index);
            page.field("dev", dev.as_str());
            page.text(format_args!("{index}: {dev}"));
        }
        let family = if local.is_ipv4() { "inet" } else { "inet6" };
        page.say("family", family, format_args!("    {family} "));
    }
    page.paint(colour, "local", &local.to_string(), format_args!("{local}"));
    if let Some(peer) = addr.peer {
        page.text(" peer ");
        page.paint(colour, "address", &peer.addr.to_string(), format_args!("{}", peer.addr));
    }
    let len = addr.peer.unwrap_or(addr.cidr).len;
    page.say("prefixlen", len, format_args!("/{len} "));
    if brief {
        return;
    }
    if let Some(broadcast) = addr.broadcast {
        page.text("brd ");
        page.paint(colour, "broadcast", &broadcast.to_string(), format_args!("{broadcast} "));
    }
    let scope = scope_word(addr.scope);
    page.say("scope", &scope, format_args!("scope {scope} "));
    if addr.secondary {
        page.say("secondary", true, format_args!("secondary "));
    }
    let label = addr.label.as_deref().unwrap_or(dev.as_str());
    page.say("label", label, format_args!("{label}"));
    page.nl();
    page.text("       valid_lft ");
    page.say("valid_life_time", u32::MAX, format_args!("forever"));
    page.text(" preferred_lft ");
    page.say("preferred_life_time", u32::MAX, format_args!("forever"));
    page.text("\n");
}
