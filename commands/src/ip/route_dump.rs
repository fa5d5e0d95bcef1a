//! `ip route save`, `restore` and `showdump`: routes as the messages that the kernel tells them by.
//!
//! Counterpart: `save_route()`, `iproute_restore()`, `iproute_showdump()` of `ip/iproute.c`, `fib_dump_info()` of the kernel's
//! `net/ipv4/fib_semantics.c`, `rtnl_from_file()` of `lib/libnetlink.c`. Standard input is taken for a file that can be
//! read again. Deliberately absent, and refused by name: routes of the cache, of IPv6, and restoring within a batch.

use super::route_print::{self, Manner};
use super::{After, DONE, Ip, Ran, unsupported};
use crate::clock::wall;
use crate::iproute::args::Stop;
use crate::iproute::inet::Family;
use crate::iproute::kernel::refusal;
use crate::iproute::names;
use crate::iproute::page::{Page, Style};
use crate::say;
use nettwin_model::metrics::LOCK_MTU;
use nettwin_model::route::Nexthop;
use nettwin_model::{Cidr, Errno, Fault, IfName, Metric, NetnsState, Op, Route, RouteVerb, Scope};
use std::net::{IpAddr, Ipv4Addr};

/// What a dump begins with.
const MAGIC: u32 = 0x4531_1224;
const RTM_NEWROUTE: u16 = 24;
/// `NLM_F_MULTI | NLM_F_DUMP_FILTERED`.
const FLAGS: u16 = 0x22;
const AF_INET: u8 = 2;
/// Where the table's number does not fit a byte.
const TABLE_COMPAT: u8 = 252;
const HEADER: usize = 16;
const RTMSG: usize = 12;
/// The greatest message that is read.
const GREATEST: usize = 16384;

mod rta {
    pub(super) const DST: u16 = 1;
    pub(super) const OIF: u16 = 4;
    pub(super) const GATEWAY: u16 = 5;
    pub(super) const PRIORITY: u16 = 6;
    pub(super) const PREFSRC: u16 = 7;
    pub(super) const METRICS: u16 = 8;
    pub(super) const MULTIPATH: u16 = 9;
    pub(super) const TABLE: u16 = 15;
    pub(super) const NH_ID: u16 = 30;
}

const RTAX_LOCK: u16 = 1;
const RTAX_MTU: u16 = 2;
const RTAX_ADVMSS: u16 = 8;
const RTAX_CC_ALGO: u16 = 16;

const DEAD: u32 = 1;
const ONLINK: u32 = 4;
const LINKDOWN: u32 = 16;

/// What every dump begins with, routes or not; what is longer than its routes is refused before.
pub(super) fn begin(ip: &mut Ip<'_, '_>) {
    ip.kernel.cx.out.extend_from_slice(&MAGIC.to_le_bytes());
}

/// Writes the routes.
pub(super) fn save(ip: &mut Ip<'_, '_>, state: &NetnsState, routes: &[&Route]) {
    // It counts its requests from the time of day.
    let seq = wall(ip.kernel.cx.machine.now()).as_secs() as u32;
    let port = ip.kernel.cx.me.pid;
    for route in routes {
        let body = body(state, route);
        let out: &mut Vec<u8> = ip.kernel.cx.out;
        // A route's message is some hundred bytes.
        out.extend_from_slice(&((HEADER + body.len()) as u32).to_le_bytes());
        out.extend_from_slice(&RTM_NEWROUTE.to_le_bytes());
        out.extend_from_slice(&FLAGS.to_le_bytes());
        out.extend_from_slice(&seq.to_le_bytes());
        out.extend_from_slice(&port.to_le_bytes());
        out.extend_from_slice(&body);
    }
}

/// `struct rtmsg` and its attributes.
fn body(state: &NetnsState, route: &Route) -> Vec<u8> {
    let table = u8::try_from(route.table).unwrap_or(TABLE_COMPAT);
    let scope = route.scope.unwrap_or(Scope::GLOBAL).0;
    let kind = (1..=9).find(|n| names::route_kind(*n) == Some(route.kind)).unwrap_or(0);
    let mut out = vec![AF_INET, route.dst.len, 0, route.tos, table, route.proto, scope, kind];
    let bits = |hop: &Nexthop| {
        let of = |flag: &&str| match *flag {
            "dead" => DEAD,
            "onlink" => ONLINK,
            _ => LINKDOWN,
        };
        route_print::hop_flags(state, route, hop).iter().map(of).sum::<u32>()
    };
    let flags = match route.nexthops.as_slice() {
        [hop] => bits(hop),
        hops => hops.iter().map(bits).reduce(|a, b| a & b).unwrap_or(0) & !ONLINK,
    };
    out.extend_from_slice(&flags.to_le_bytes());
    attribute(&mut out, rta::TABLE, &route.table.to_le_bytes());
    if route.dst.len != 0 {
        attribute(&mut out, rta::DST, &octets(route.dst.addr));
    }
    if route.metric != 0 {
        attribute(&mut out, rta::PRIORITY, &route.metric.to_le_bytes());
    }
    let metrics = metrics(route);
    if !metrics.is_empty() {
        attribute(&mut out, rta::METRICS, &metrics);
    }
    if let Some(src) = route.prefsrc {
        attribute(&mut out, rta::PREFSRC, &octets(src));
    }
    if let Some(id) = route.nhid {
        attribute(&mut out, rta::NH_ID, &id.to_le_bytes());
    }
    let index = |hop: &Nexthop| hop.dev.and_then(|dev| state.derived.links.get(&dev)).map(|link| link.ifindex);
    match route.nexthops.as_slice() {
        [] => {}
        [hop] => {
            if let Some(via) = hop.via {
                attribute(&mut out, rta::GATEWAY, &octets(via));
            }
            if let Some(index) = index(hop) {
                attribute(&mut out, rta::OIF, &index.to_le_bytes());
            }
        }
        hops => {
            let mut all = Vec::new();
            for hop in hops {
                let mut one = Vec::new();
                if let Some(via) = hop.via {
                    attribute(&mut one, rta::GATEWAY, &octets(via));
                }
                // A length of 16, flags of one byte, a weight of 1 to 256.
                all.extend_from_slice(&(8 + one.len() as u16).to_le_bytes());
                all.extend_from_slice(&[bits(hop) as u8, (hop.weight - 1) as u8]);
                all.extend_from_slice(&index(hop).unwrap_or(0).to_le_bytes());
                all.append(&mut one);
            }
            attribute(&mut out, rta::MULTIPATH, &all);
        }
    }
    out
}

/// In the order of the kernel's numbers; nothing is said of zeros.
fn metrics(route: &Route) -> Vec<u8> {
    let said = &route.metrics;
    let first = [(RTAX_LOCK, route.locked()), (RTAX_MTU, route.mtu.unwrap_or(0))];
    let more = Metric::ALL.into_iter().map(|metric| (metric.number(), said.value(metric)));
    let mut all: Vec<(u16, Vec<u8>)> = first
        .into_iter()
        .chain([(RTAX_ADVMSS, route.advmss.unwrap_or(0))])
        .chain(more)
        .filter(|(_, value)| *value != 0)
        .map(|(number, value)| (number, value.to_le_bytes().to_vec()))
        .collect();
    if let Some(name) = &said.congestion {
        all.push((RTAX_CC_ALGO, [name.as_bytes(), &[0]].concat()));
    }
    all.sort_by_key(|(number, _)| *number);
    let mut out = Vec::new();
    all.iter().for_each(|(number, value)| attribute(&mut out, *number, value));
    out
}

fn octets(addr: IpAddr) -> Vec<u8> {
    match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    }
}

/// `nla_put()`.
fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    // Values are shorter than a message.
    out.extend_from_slice(&(4 + value.len() as u16).to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// `ip route showdump`.
pub(super) fn show(ip: &mut Ip<'_, '_>) -> Ran {
    let Some(dump) = input(ip) else { return Ok(After::Input) };
    let mut messages = Messages::new(&dump)?;
    let state = ip.kernel.state()?;
    // Never as JSON.
    let mut page = Page::new(Style { json: false, ..ip.options.style });
    let manner = Manner { details: ip.options.details, ..Manner::default() };
    for message in &mut messages {
        let Some(saved) = read(message, &state).filter(|saved| ip.family.takes(Family::of(saved.route.dst.addr)))
        else {
            continue;
        };
        route_print::print(&mut page, &saved.as_it_was(&state), &saved.route, manner);
    }
    ip.print(page);
    messages.end()
}

/// `ip route restore`: first what leads to own addresses, then to own networks, then the rest.
pub(super) fn restore(ip: &mut Ip<'_, '_>) -> Ran {
    let Some(dump) = input(ip) else { return Ok(After::Input) };
    for turn in 0..3 {
        let mut messages = Messages::new(&dump)?;
        let state = ip.kernel.state()?;
        for message in &mut messages {
            let Some(saved) = read(message, &state).filter(|saved| saved.turn() == Some(turn)) else { continue };
            add(ip, saved)?;
        }
        messages.end()?;
    }
    DONE
}

fn add(ip: &mut Ip<'_, '_>, saved: Saved) -> Result<(), Stop> {
    let netns = ip.kernel.netns.clone();
    let added = if saved.flags & (DEAD | LINKDOWN) != 0 {
        Err(Fault::refused(Errno::EINVAL, "Invalid rtm_flags - can not contain DEAD or LINKDOWN"))
    } else if saved.hop_flags & (DEAD | LINKDOWN) != 0 {
        Err(Fault::refused(Errno::EINVAL, "Invalid flags for nexthop - can not contain DEAD or LINKDOWN"))
    } else {
        say::execute(ip.kernel.cx, Op::AddRoute { netns, verb: RouteVerb::Prepend, route: saved.route })
    };
    let Err(fault) = added else { return Ok(()) };
    let stop = refusal(&fault);
    if !matches!(&fault, Fault::Refused { errno: Errno::EEXIST, .. }) {
        return Err(stop);
    }
    ip.kernel.cx.complain(&stop.text);
    Ok(())
}

/// Standard input, once it has ended.
fn input(ip: &mut Ip<'_, '_>) -> Option<Vec<u8>> {
    let input = &mut ip.kernel.cx.input;
    input.ended.then(|| std::mem::take(&mut input.bytes))
}

/// The messages of a dump.
struct Messages<'a> {
    rest: &'a [u8],
    complaint: Option<String>,
}

impl<'a> Messages<'a> {
    fn new(dump: &'a [u8]) -> Result<Self, Stop> {
        let mut magic = [0; 4];
        let there = dump.len().min(4);
        magic[..there].copy_from_slice(&dump[..there]);
        let magic = u32::from_le_bytes(magic);
        if magic != MAGIC {
            return Err(Stop::back(1, format!("Magic mismatch ({} elems, {magic:x} magic)\n", there / 4)));
        }
        Ok(Messages { rest: &dump[4..], complaint: None })
    }

    /// What follows when there are no more.
    fn end(self) -> Ran {
        match self.complaint {
            Some(text) => Err(Stop::back(2, text)),
            None => DONE,
        }
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() || self.complaint.is_some() {
            return None;
        }
        let said = self.rest.first_chunk().map_or(0, |len| u32::from_le_bytes(*len));
        let len = usize::try_from(said).ok().filter(|len| (HEADER..=GREATEST).contains(len));
        self.complaint = match len {
            None => {
                // It tells where it is, which is behind the header.
                Some(format!("!!!malformed message: len={said} @0\n"))
            }
            Some(len) if self.rest.len() < len => Some("rtnl-from_file: truncated message\n".into()),
            Some(_) => None,
        };
        let message = &self.rest[..len.filter(|_| self.complaint.is_none())?];
        self.rest = &self.rest[message.len().next_multiple_of(4).min(self.rest.len())..];
        Some(message)
    }
}

/// A route of a dump.
struct Saved {
    route: Route,
    /// `rtm_flags`.
    flags: u32,
    /// Those of all of several nexthops.
    hop_flags: u32,
    has_gateway: bool,
}

impl Saved {
    /// When it is restored; those by several nexthops are never mistaken for those by one gateway.
    fn turn(&self) -> Option<u32> {
        match self.route.prefsrc {
            _ if self.has_gateway => Some(2),
            None => Some(0),
            Some(src) if src == self.route.dst.addr && self.route.dst.len != 0 => Some(0),
            Some(_) => Some(1),
        }
    }

    /// The namespace as it was when the route was saved: what was down then.
    fn as_it_was(&self, now: &NetnsState) -> NetnsState {
        let mut state = now.clone();
        let flags = self.flags | self.hop_flags;
        for dev in self.route.nexthops.iter().filter_map(|hop| hop.dev) {
            if let Some(link) = state.config.links.get_mut(&dev) {
                link.up = flags & DEAD == 0;
            }
            if let Some(link) = state.derived.links.get_mut(&dev) {
                link.carrier = flags & LINKDOWN == 0;
            }
        }
        state
    }
}

/// What a message says, if it is about a route of IPv4.
fn read(message: &[u8], state: &NetnsState) -> Option<Saved> {
    let kind = u16::from_le_bytes(*message[4..].first_chunk()?);
    let rtm = message[HEADER..].first_chunk::<RTMSG>()?;
    if kind != RTM_NEWROUTE || rtm[0] != AF_INET {
        return None;
    }
    let addr = |value: &[u8]| Some(IpAddr::V4(Ipv4Addr::from(*value.first_chunk::<4>()?)));
    let number = |value: &[u8]| Some(u32::from_le_bytes(*value.first_chunk()?));
    let named = |index: u32| {
        let known = state.derived.links.iter().find(|(_, link)| link.ifindex == index);
        known.map_or_else(|| IfName::new(&format!("if{index}")).ok(), |(dev, _)| Some(*dev))
    };
    let mut route = Route::new(Cidr { addr: Ipv4Addr::UNSPECIFIED.into(), len: rtm[1] });
    (route.tos, route.table, route.proto) = (rtm[3], rtm[4].into(), rtm[5]);
    route.scope = Some(Scope(rtm[6]));
    route.kind = names::route_kind(rtm[7])?;
    let flags = u32::from_le_bytes(*rtm.last_chunk()?);
    let mut single = Nexthop { via: None, dev: None, weight: 1, onlink: flags & ONLINK != 0 };
    let mut hop_flags = 0;
    for (kind, value) in attributes(&message[HEADER + RTMSG..]) {
        match kind {
            rta::DST => route.dst.addr = addr(value)?,
            rta::TABLE => route.table = number(value)?,
            rta::PRIORITY => route.metric = number(value)?,
            rta::PREFSRC => route.prefsrc = Some(addr(value)?),
            rta::NH_ID => route.nhid = Some(number(value)?),
            rta::GATEWAY => single.via = Some(addr(value)?),
            rta::OIF => single.dev = named(number(value)?),
            rta::METRICS => attributes(value).for_each(|(kind, value)| read_metric(&mut route, kind, value)),
            rta::MULTIPATH => {
                let mut rest = value;
                while let Some(head) = rest.first_chunk::<8>() {
                    let len = usize::from(u16::from_le_bytes([head[0], head[1]])).clamp(8, rest.len());
                    let via = attributes(&rest[8..len]).find(|(kind, _)| *kind == rta::GATEWAY);
                    let dev = named(u32::from_le_bytes(*head.last_chunk()?));
                    let onlink = u32::from(head[2]) & ONLINK != 0;
                    hop_flags |= u32::from(head[2]);
                    let via = via.and_then(|(_, value)| addr(value));
                    route.nexthops.push(Nexthop { via, dev, weight: u16::from(head[3]) + 1, onlink });
                    rest = &rest[len.next_multiple_of(4).min(rest.len())..];
                }
            }
            _ => {}
        }
    }
    let has_gateway = single.via.is_some();
    if has_gateway || single.dev.is_some() {
        route.nexthops = vec![single];
    }
    Some(Saved { route, flags, hop_flags, has_gateway })
}

fn read_metric(route: &mut Route, kind: u16, value: &[u8]) {
    let number = value.first_chunk().map_or(0, |value| u32::from_le_bytes(*value));
    match kind {
        RTAX_LOCK => (route.mtu_lock, route.metrics.locked) = (number & LOCK_MTU != 0, number & !LOCK_MTU),
        RTAX_MTU => route.mtu = Some(number),
        RTAX_ADVMSS => route.advmss = Some(number),
        RTAX_CC_ALGO => {
            let name = value.split(|byte| *byte == 0).next().unwrap_or_default();
            route.metrics.congestion = Some(String::from_utf8_lossy(name).into_owned());
        }
        kind => {
            if let Some(metric) = Metric::ALL.into_iter().find(|metric| metric.number() == kind) {
                route.metrics.values.insert(metric, number);
            }
        }
    }
}

/// Kinds and values (`RTA_NEXT`); what is broken ends them.
fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head = rest.first_chunk::<4>()?;
        let len = usize::from(u16::from_le_bytes([head[0], head[1]]));
        let value = rest.get(4..len)?;
        rest = &rest[len.next_multiple_of(4).min(rest.len())..];
        // The two highest bits say how it is written.
        Some((u16::from_le_bytes([head[2], head[3]]) & 0x3fff, value))
    })
}

/// What a batch cannot do: its lines come by standard input.
pub(super) fn refuse_in_batch() -> Stop {
    unsupported("restore or showdump in a batch")
}
