//! `ip route show` and `ip route flush`: which routes.
//!
//! Counterpart: `iproute_list_flush_or_save()` and `filter_nlmsg()` of `ip/iproute.c`.
//! Deliberately absent, and refused by name: realms, how often what is cached is referred to (`-s`).

use super::route_dump;
use super::route_get;
use super::route_print::{self, Manner};
use super::{DONE, Ip, Ran, help, unsupported, vrf};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches, nodev, unsigned};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::names;
use crate::route::sorted;
use nettwin_model::route::{Nexthop, TABLE_MAIN};
use nettwin_model::{Answer, IfName, Op, Query, Route, RouteKind, Scope, SysctlKey};

/// What is shown or flushed.
#[derive(Default)]
struct Filter {
    /// 0: all.
    table: u32,
    cached: bool,
    tos: Option<u8>,
    /// `Some(None)`: all, said so.
    proto: Option<u8>,
    scope: Option<Scope>,
    kind: Option<u8>,
    dev: Option<IfName>,
    /// Routes that were received by a device or carry a mark: none that is listed.
    nothing: bool,
    metric: Option<u32>,
    /// A VRF's: less its own addresses.
    of_vrf: bool,
    via: Option<Prefix>,
    src: Option<Prefix>,
    /// At least as long as this one, within it.
    root: Option<Prefix>,
    /// At most as long as this one, around it.
    fit: Option<Prefix>,
}

fn parse(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Result<Filter, Stop> {
    let family = ip.family;
    let mut filter = Filter { table: TABLE_MAIN, ..Filter::default() };
    let (mut iif, mut dev) = (None, None);
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "table") => {
                let value = words.value()?;
                match names::table(value) {
                    Some(table) => filter.table = table,
                    None if value == "all" => filter.table = 0,
                    None if value == "cache" => filter.cached = true,
                    None if value == "help" => return Err(usage()),
                    None => return Err(invarg("table id value is invalid\n", value)),
                }
            }
            w if matches(w, "vrf") => {
                filter.table = vrf::table(&mut ip.kernel, words.value()?)?;
                filter.of_vrf = true;
            }
            w if matches(w, "cached") || matches(w, "cloned") => filter.cached = true,
            w if w == "tos" || matches(w, "dsfield") => {
                let value = words.value()?;
                filter.tos = Some(names::dsfield(value).ok_or_else(|| invarg("TOS value is invalid\n", value))?);
            }
            w if matches(w, "protocol") => {
                let value = words.value()?;
                filter.proto = match names::proto(value) {
                    None if value == "all" => None,
                    None => return Err(invarg("invalid \"protocol\"\n", value)),
                    proto => proto,
                };
            }
            w if matches(w, "scope") => {
                let value = words.value()?;
                filter.scope = match names::scope(value) {
                    None if value == "all" => None,
                    None => return Err(invarg("invalid \"scope\"\n", value)),
                    scope => scope,
                };
            }
            w if matches(w, "type") => {
                let value = words.value()?;
                filter.kind =
                    Some(names::route_type(value).ok_or_else(|| invarg("node type value is invalid\n", value))?);
            }
            "dev" | "oif" => dev = Some(words.value()?),
            "iif" => iif = Some(words.value()?),
            "mark" => {
                let value = words.value()?;
                let mark = unsigned(value).ok_or_else(|| invarg("invalid mark value", value))?;
                filter.nothing |= mark != 0;
            }
            w if matches(w, "metric") || matches(w, "priority") || w == "preference" => {
                let value = words.value()?;
                filter.metric = Some(unsigned(value).ok_or_else(|| invarg("\"metric\" value is invalid\n", value))?);
            }
            "via" => {
                let mut value = words.value()?;
                let family = match Family::read(value) {
                    Family::Unspec => family,
                    said => {
                        value = words.value()?;
                        said
                    }
                };
                filter.via = Some(inet::prefix(value, family)?);
            }
            "src" => filter.src = Some(inet::prefix(words.value()?, family)?),
            w if matches(w, "realms") => return Err(unsupported(w)),
            w if matches(w, "from") => {
                let mut value = words.value()?;
                let around = matches(value, "match");
                if around || matches(value, "root") || matches(value, "exact") {
                    value = words.value()?;
                }
                // No route of IPv4 is limited to a source.
                filter.nothing |= inet::prefix(value, family)?.len != 0 && !around;
            }
            word => {
                let value = if matches(word, "to") { words.value()? } else { word };
                match value {
                    w if matches(w, "root") => filter.root = Some(inet::prefix(words.value()?, family)?),
                    w if matches(w, "match") => filter.fit = Some(inet::prefix(words.value()?, family)?),
                    w => {
                        let value = if matches(w, "exact") { words.value()? } else { w };
                        let prefix = inet::prefix(value, family)?;
                        (filter.root, filter.fit) = (Some(prefix), Some(prefix));
                    }
                }
            }
        }
    }
    if let Some(iif) = iif {
        ip.kernel.link(iif)?.ok_or_else(|| nodev(iif))?;
        filter.nothing = true;
    }
    filter.dev = dev.map(|dev| ip.kernel.need_link(dev)).transpose()?;
    Ok(filter)
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::ROUTE)
}

impl Filter {
    fn takes(&self, route: &Route, family: Family) -> bool {
        let single = match route.nexthops.as_slice() {
            [hop] => Some(hop),
            _ => None,
        };
        let given = |prefix: &Prefix| prefix.addr.is_some() || prefix.specified;
        let root = self.root.filter(given).is_none_or(|p| route.dst.len >= p.len && p.admits(route.dst.addr));
        let fit = self.fit.filter(given).is_none_or(|p| {
            let within = p.addr.is_none_or(|addr| route.dst.contains(addr));
            route.dst.len <= p.len && (within || route.dst.len == 0)
        });
        let comes_of_vrf = self.of_vrf && matches!(route.kind, RouteKind::Local | RouteKind::Broadcast);
        !self.nothing
            && !comes_of_vrf
            && family.takes(Family::of(route.dst.addr))
            && (self.table == 0 || self.table == route.table)
            && self.tos.is_none_or(|tos| tos == route.tos)
            && self.proto.is_none_or(|proto| proto == route.proto)
            && self.scope.is_none_or(|scope| route.scope.unwrap_or(Scope::GLOBAL) == scope)
            && self.kind.is_none_or(|kind| names::route_kind(kind) == Some(route.kind))
            && self.dev.is_none_or(|dev| single.is_some_and(|hop| hop.dev == Some(dev)))
            && self.metric.is_none_or(|metric| metric == route.metric)
            && self.via.is_none_or(|p| single.and_then(|hop: &Nexthop| hop.via).is_some_and(|via| p.admits(via)))
            && self.src.is_none_or(|p| route.prefsrc.is_some_and(|src| p.admits(src)))
            && root
            && fit
    }

    /// Whether there is such a table.
    fn has_table(&self, ip: &mut Ip<'_, '_>) -> Result<bool, Stop> {
        if self.table == 0 || ip.family == Family::Inet6 {
            return Ok(true);
        }
        let query = Query::HasTable { netns: ip.kernel.netns.clone(), table: self.table };
        match ip.kernel.ask(&query)? {
            Answer::HasTable(there) => Ok(there),
            _ => Err(super::confused()),
        }
    }

    fn manner(&self, details: bool) -> Manner {
        let is_host = |prefix: Option<Prefix>| prefix.is_some_and(|p| p.addr.is_some() && p.len == host_len(p));
        Manner {
            details,
            hides_table: self.table != 0,
            hides_dev: self.dev.is_some(),
            hides_proto: self.proto.is_some(),
            hides_scope: self.scope.is_some(),
            hides_tos: self.tos.is_some(),
            hides_metric: self.metric.is_some(),
            hides_via: is_host(self.via),
            hides_src: is_host(self.src),
        }
    }
}

fn host_len(prefix: Prefix) -> u8 {
    nettwin_model::Cidr::host(prefix.cidr().addr).len
}

/// `ip route show …`.
pub(super) fn show(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let filter = parse(ip, words)?;
    if filter.cached {
        return show_cached(ip, &filter);
    }
    let state = ip.kernel.state()?;
    if filter.table != TABLE_MAIN && !filter.of_vrf && !filter.has_table(ip)? {
        return Err(Stop::back(2, "Error: ipv4: FIB table does not exist.\nDump terminated\n"));
    }
    let manner = filter.manner(ip.options.details);
    let mut page = ip.page();
    page.open();
    for route in sorted(&state).into_iter().filter(|route| filter.takes(route, ip.family)) {
        page.open_object("");
        route_print::print(&mut page, &state, route, manner);
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

/// `ip route save …`.
pub(super) fn save(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    if ip.options.is_tty {
        return Err(Stop::back(1, "Not sending a binary stream to stdout\n"));
    }
    route_dump::begin(ip);
    let filter = parse(ip, words)?;
    if filter.cached {
        return Err(unsupported("route save cache"));
    }
    let state = ip.kernel.state()?;
    if filter.table != TABLE_MAIN && !filter.of_vrf && !filter.has_table(ip)? {
        return Err(Stop::back(2, "Error: ipv4: FIB table does not exist.\nDump terminated\n"));
    }
    let routes: Vec<&Route> = sorted(&state).into_iter().filter(|route| filter.takes(route, ip.family)).collect();
    route_dump::save(ip, &state, &routes);
    DONE
}

fn show_cached(ip: &mut Ip<'_, '_>, filter: &Filter) -> Ran {
    if ip.options.stats > 0 {
        return Err(unsupported("-s"));
    }
    let query = Query::RouteCache(ip.kernel.netns.clone());
    let Answer::RouteCache(learned) = ip.kernel.ask(&query)? else { return Err(super::confused()) };
    let manner = filter.manner(ip.options.details);
    let mut page = ip.page();
    page.open();
    for got in learned.iter().filter(|got| filter.takes(&got.route, ip.family)) {
        page.open_object("");
        route_get::print_cached(&mut page, got, manner);
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

/// `ip route flush …`.
pub(super) fn flush(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    if words.peek().is_none() {
        return Err(Stop::back(1, "\"ip route flush\" requires arguments.\n"));
    }
    let filter = parse(ip, words)?;
    let said = ip.options.stats > 0;
    let netns = ip.kernel.netns.clone();
    let mut page = ip.page();
    if filter.cached {
        let key = SysctlKey::new("net/ipv4/route/flush").map_err(|_| super::confused())?;
        ip.kernel.talk(Op::SetSysctl { netns, key, value: "-1".to_owned() })?;
        if said {
            page.text("*** IPv4 routing cache is flushed.\n");
        }
        ip.print(page);
        return DONE;
    }
    let mut round = 0;
    loop {
        let state = ip.kernel.state()?;
        if round == 0 && !filter.has_table(ip)? {
            return Err(Stop::back(2, "Error: ipv4: FIB table does not exist.\nFlush terminated\n"));
        }
        let all = sorted(&state).into_iter().filter(|route| filter.takes(route, ip.family));
        let doomed: Vec<Route> = all.cloned().collect();
        if doomed.is_empty() {
            break;
        }
        round += 1;
        let count = doomed.len();
        if ip.options.stats > 1 {
            let manner = filter.manner(ip.options.details);
            doomed.iter().for_each(|route| route_print::print(&mut page, &state, route, manner));
        }
        for route in doomed {
            ip.kernel.talk(Op::DelRoute { netns: netns.clone(), route })?;
        }
        if said {
            page.text(format_args!("\n*** Round {round}, deleting {count} entries ***\n"));
        }
    }
    if said {
        match round {
            0 => page.text("Nothing to flush.\n"),
            1 => page.text("*** Flush is complete after 1 round ***\n"),
            n => page.text(format_args!("*** Flush is complete after {n} rounds ***\n")),
        }
    }
    ip.print(page);
    DONE
}
