//! An address's lines.
//!
//! Counterpart: `print_addrinfo()` of `ip/ipaddress.c`. Deliberately absent: anycast, flags of IPv6.

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
    if addr.metric != 0 {
        page.say("metric", addr.metric, format_args!("metric {} ", addr.metric));
    }
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
    let flags = [
        ("deprecated", addr.deprecated),
        ("dynamic", addr.valid_lft.is_some()),
        ("noprefixroute", addr.noprefixroute),
        ("autojoin", addr.autojoin),
    ];
    for (flag, is_set) in flags {
        if is_set {
            page.say(flag, true, format_args!("{flag} "));
        }
    }
    let label = addr.label.as_deref().unwrap_or(dev.as_str());
    page.say("label", label, format_args!("{label}"));
    page.nl();
    page.text("       valid_lft ");
    lifetime(page, "valid_life_time", addr.valid_lft);
    page.text(" preferred_lft ");
    lifetime(page, "preferred_life_time", addr.preferred_lft);
    page.text("\n");
}

fn lifetime(page: &mut Page, key: &str, seconds: Option<u32>) {
    match seconds {
        Some(seconds) => page.say(key, seconds, format_args!("{seconds}sec")),
        None => page.say(key, u32::MAX, format_args!("forever")),
    }
}
