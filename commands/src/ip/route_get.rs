//! `ip route get`.
//!
//! Counterpart: `iproute_get()` of `ip/iproute.c`. Deliberately absent, and refused by name: `connected`, `notify`, `as`, and
//! how often the kernel's entry is referred to (`-s`).

use super::route_print::{self, Manner};
use super::{DONE, Ip, Ran, help, unsupported, vrf};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches, u16, unsigned};
use crate::iproute::inet::{self, Family};
use crate::iproute::names;
use crate::iproute::page::{Colour, Page};
use nettwin_model::route::TABLE_MAIN;
use nettwin_model::words::route::table_word;
use nettwin_model::{Answer, Cidr, IfName, Query, RouteGet, RouteGot};

/// Runs `ip route get …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let usage = || Stop::exit(MINUS_ONE, help::ROUTE);
    let mut family = ip.family;
    let (mut dst, mut from, mut iif, mut oif) = (None, None, None, None);
    let mut get = RouteGet::new(ip.kernel.netns.clone(), Cidr::DEFAULT_V4.addr);
    while let Some(word) = words.next() {
        match word {
            w if w == "tos" || matches(w, "dsfield") => {
                let value = words.value()?;
                get.tos = names::dsfield(value).ok_or_else(|| invarg("TOS value is invalid\n", value))?;
            }
            w if matches(w, "from") => {
                let value = words.value()?;
                if matches(value, "help") {
                    return Err(usage());
                }
                let prefix = inet::prefix(value, family)?;
                family = family.or(prefix.family);
                from = prefix.addr;
            }
            w if matches(w, "iif") => iif = Some(words.value()?),
            w if matches(w, "mark") => {
                let value = words.value()?;
                get.mark = unsigned(value).ok_or_else(|| invarg("invalid mark value", value))?;
            }
            w if matches(w, "oif") || w == "dev" => oif = Some(words.value()?),
            w if matches(w, "notify") || matches(w, "connected") => return Err(unsupported(w)),
            w if matches(w, "vrf") => {
                let value = words.value()?;
                vrf::table(&mut ip.kernel, value)?;
                oif = Some(value);
            }
            w if matches(w, "uid") => {
                let value = words.value()?;
                get.uid = unsigned(value).ok_or_else(|| invarg("invalid UID\n", value))?;
            }
            w if matches(w, "fibmatch") => get.fibmatch = true,
            "as" => return Err(unsupported(word)),
            w if matches(w, "sport") => {
                let value = words.value()?;
                get.sport = u16(value).ok_or_else(|| invarg("invalid sport\n", value))?;
            }
            w if matches(w, "dport") => {
                let value = words.value()?;
                get.dport = u16(value).ok_or_else(|| invarg("invalid dport\n", value))?;
            }
            w if matches(w, "ipproto") => {
                let value = words.value()?;
                get.ipproto = names::ipproto(value).ok_or_else(|| invarg("Invalid \"ipproto\" value\n", value))?;
            }
            word => {
                let value = if word == "to" { words.value()? } else { word };
                if matches(value, "help") {
                    return Err(usage());
                }
                let prefix = inet::prefix(value, family)?;
                family = family.or(prefix.family);
                let cidr = prefix.cidr();
                let host = Cidr::host(cidr.addr).len;
                if prefix.len != host {
                    let text = format!(
                        "Warning: /{} as prefix is invalid, only /{host} (or none) is supported.\n",
                        prefix.len
                    );
                    ip.kernel.cx.complain(&text);
                }
                dst = Some(cidr.addr);
            }
        }
    }
    if ip.options.stats > 0 {
        return Err(unsupported("-s"));
    }
    let dst = dst.ok_or_else(|| Stop::back(1, "need at least a destination address\n"))?;
    let iif = iif.map(|dev| ip.kernel.need_link(dev)).transpose()?;
    let oif = oif.map(|dev| ip.kernel.need_link(dev)).transpose()?;
    let get = RouteGet { dst, from, iif, oif, ..get };
    let Answer::Route(got) = ip.kernel.ask(&Query::RouteGet(get.clone()))? else { return Err(super::confused()) };
    let state = if get.fibmatch { Some(ip.kernel.state()?) } else { None };
    let mut page = ip.page();
    page.open();
    page.open_object("");
    match &state {
        Some(state) => {
            let manner = Manner { details: ip.options.details, ..Manner::default() };
            route_print::print(&mut page, state, &got.route, manner);
        }
        None => print(&mut page, &get, &got, ip.options.details),
    }
    page.close_object();
    page.close();
    ip.print(page);
    DONE
}

fn print(page: &mut Page, get: &RouteGet, got: &RouteGot, details: bool) {
    let route = &got.route;
    route_print::head(page, route, details);
    if let Some(from) = get.from {
        page.paint(Colour::of(from), "from", &from.to_string(), format_args!("from {from} "));
    }
    if route.tos != 0 {
        let tos = names::dsfield_word(route.tos);
        page.say("tos", &tos, format_args!("tos {tos} "));
    }
    if let Some(hop) = route.nexthops.first() {
        route_print::way(page, hop, Manner::default());
    }
    if (route.table != TABLE_MAIN || details) && route.table != 0 {
        let table = table_word(route.table);
        page.say("table", &table, format_args!("table {table} "));
    }
    if let Some(src) = route.prefsrc {
        route_print::source(page, src);
    }
    // The bit that says multicast is also that of a failed offload.
    let is_group = got.flags.iter().any(|flag| flag == "mc");
    route_print::flags(page, if is_group { &["rt_offload_failed"] } else { &[] });
    if get.mark >= 16 {
        page.say("mark", get.mark, format_args!("mark 0x{:x} ", get.mark));
    } else if get.mark != 0 {
        page.say("mark", get.mark, format_args!("mark {} ", get.mark));
    }
    if get.iif.is_none() {
        page.say("uid", get.uid, format_args!("uid {} ", get.uid));
    }
    if Family::of(get.dst) == Family::Inet {
        cache(page, got);
    }
    route_print::metrics(page, route);
    if let Some(iif) = get.iif {
        incoming(page, iif);
    }
    page.text("\n");
}

/// A row of the cache's list.
pub(super) fn print_cached(page: &mut Page, got: &RouteGot, manner: Manner) {
    let route = &got.route;
    route_print::head(page, route, manner.details);
    if route.tos != 0 && !manner.hides_tos {
        let tos = names::dsfield_word(route.tos);
        page.say("tos", &tos, format_args!("tos {tos} "));
    }
    if let Some(hop) = route.nexthops.first() {
        route_print::way(page, hop, manner);
    }
    if (route.table != TABLE_MAIN || manner.details) && !manner.hides_table {
        let table = table_word(route.table);
        page.say("table", &table, format_args!("table {table} "));
    }
    route_print::flags(page, &[]);
    cache(page, got);
    route_print::metrics(page, route);
    page.text("\n");
}

/// The flags, and how long what was learned is believed.
fn cache(page: &mut Page, got: &RouteGot) {
    page.nl();
    page.text("    cache ");
    page.open_array("cache");
    for (i, flag) in got.flags.iter().enumerate() {
        let (before, after) = (if i == 0 { "<" } else { "," }, if i + 1 == got.flags.len() { "> " } else { "" });
        page.item(flag, format_args!("{before}{flag}{after}"));
    }
    page.close_array();
    if let Some(expires) = got.expires_s.filter(|seconds| *seconds != 0) {
        page.say("expires", expires, format_args!("expires {expires}sec "));
    }
}

fn incoming(page: &mut Page, iif: IfName) {
    page.field("iif", iif.as_str());
    page.text("iif ");
    page.paint_text(Colour::Ifname, format_args!("{iif} "));
}
