//! IGMP and MLD snooping: which ports a group's frames leave by.
//!
//! Kernel counterpart: `net/bridge/br_multicast.c`, `br_mdb.c`, with IGMP version 2, which bridges speak unless told otherwise
//! (an IGMPv3 report then counts as joining and leaving). The bridge hears reports, leaves and queries, and queries itself if
//! it is the querier. Of IPv6's groups see [`mld`]. Deliberately absent: IGMPv3's source filters, PIM, groups by VLAN
//! (`mcast_vlan_snooping`), the bridge's own membership of all-snoopers, limits of the table.

mod igmp;
mod mld;
mod table;

use super::bridge::{Bridge, PortRef};
use super::fdb::SELF;
use crate::event::Event;
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, Netns, NsId};
use crate::path::{Pkt, Stage};
use crate::world::World;
use igmp::Igmp;
use nettwin_model::mdb::Group;
use nettwin_model::wire::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Ipv4};
use nettwin_model::{Instant, Mac, PortState};
use std::net::Ipv4Addr;
use std::time::Duration;
pub(crate) use table::{Groups, add, del, entries, flush_port, routers};

/// What a bridge has set about groups. Times are in hundredths of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `mcast_snooping`.
    pub(crate) on: bool,
    /// `mcast_querier`.
    pub(crate) querier: bool,
    /// `mcast_router`: 0 never, 1 as queries tell, 2 always.
    pub(crate) router: u8,
    pub(crate) last_member_count: u32,
    pub(crate) startup_query_count: u32,
    pub(crate) last_member_interval: u32,
    pub(crate) membership_interval: u32,
    pub(crate) querier_interval: u32,
    pub(crate) query_interval: u32,
    pub(crate) query_response_interval: u32,
    pub(crate) startup_query_interval: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            on: true,
            querier: false,
            router: BY_QUERIES,
            last_member_count: 2,
            startup_query_count: 2,
            last_member_interval: 100,
            membership_interval: 26000,
            querier_interval: 25500,
            query_interval: 12500,
            query_response_interval: 1000,
            startup_query_interval: 3125,
        }
    }
}

/// A bridge's part.
#[derive(Debug, Default)]
pub(crate) struct Mcast {
    pub(crate) settings: Settings,
    /// The groups.
    pub(crate) groups: Groups,
    /// Somebody else queries, until then.
    other_until: Option<Instant>,
    /// Nobody's answers are waited for any more from then on (`delay_timer`).
    delay_until: Option<Instant>,
    /// Who was last chosen to query.
    querier: Option<Ipv4Addr>,
    own: Queries,
    /// The bridge itself is taken for a router, until then.
    router_until: Option<Instant>,
    /// The same of IPv6.
    six: mld::Six,
    /// When this bridge's next event is.
    armed: Option<Instant>,
}

/// A port's part.
#[derive(Clone, Debug)]
pub(crate) struct McastPort {
    /// `mcast_router`, as of the bridge.
    pub(crate) router: u8,
    router_until: Option<Instant>,
    /// The same of IPv6.
    router6_until: Option<Instant>,
    own: Queries,
}

impl Default for McastPort {
    fn default() -> Self {
        McastPort { router: BY_QUERIES, router_until: None, router6_until: None, own: Queries::default() }
    }
}

/// The queries that the bridge sends at one place.
#[derive(Clone, Copy, Debug, Default)]
struct Queries {
    at: Option<Instant>,
    sent: u32,
}

/// What becomes of a group's frame.
pub(crate) enum Way {
    /// As without snooping.
    Flood,
    /// By these ports, and up or not.
    Members(Vec<u16>, bool),
    /// It is no good IGMP.
    Drop,
}

pub(crate) fn centis(n: u32) -> Duration {
    Duration::from_millis(u64::from(n) * 10)
}

impl Mcast {
    /// Somebody queries, and members have had the time to answer (`__br_multicast_querier_exists`).
    fn has_querier(&self, now: Instant) -> bool {
        let waits = self.delay_until.is_some_and(|at| at > now);
        !waits && (self.settings.querier || self.is_other(now))
    }

    fn is_other(&self, now: Instant) -> bool {
        self.other_until.is_some_and(|at| at > now)
    }
}

/// Hears a group's frame that came in by a port, or ([`SELF`]) that the bridge itself sends, and says where it goes
/// (`br_multicast_rcv`, `br_mdb_entry_skb_get`).
pub(crate) fn hear(ns: &mut Netns, w: &mut World, at: PortRef, vid: u16, pkt: &Pkt) -> Way {
    let now = w.now;
    let bytes = w.frames.bytes(pkt.frame);
    if ns.dev(at.bridge).and_then(|d| d.bridge()).is_none_or(|b| !b.mcast.settings.on) {
        return Way::Flood;
    }
    let mut dst = [0; 6];
    dst.copy_from_slice(&bytes[..6]);
    if bytes[12..L2_LEN] == ETHERTYPE_IPV6.to_be_bytes() {
        return mld::hear(ns, w, at, vid, pkt);
    }
    let is_ip = bytes[12..L2_LEN] == ETHERTYPE_IPV4.to_be_bytes();
    let ip = if is_ip { Ipv4::unsummed(&bytes[L2_LEN..]) } else { None };
    if is_ip {
        let heard = ip.as_ref().ok_or(()).and_then(|ip| igmp::parse(ip, &bytes[L2_LEN..]));
        match heard {
            Err(()) => return Way::Drop,
            Ok(None) => {}
            Ok(Some(message)) => {
                let only_routers = matches!(message, Igmp::Report { only_routers: true, .. });
                take(ns, w, at, vid, message);
                return way(ns, at.bridge, None, only_routers, now);
            }
        }
    }
    let group = ip.as_ref().map_or(Group::Mac(Mac(dst)), |ip| Group::Ip(ip.dst()));
    let only_routers = ip.is_some_and(|ip| !is_local(ip.dst()));
    way(ns, at.bridge, Some((group, vid)), only_routers, now)
}

/// `br_handle_frame_finish`, `br_multicast_flood`.
fn way(ns: &Netns, bridge: Ifindex, group: Option<(Group, u16)>, only_routers: bool, now: Instant) -> Way {
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return Way::Flood };
    let known = group.and_then(|(group, vid)| b.mcast.groups.find(group, vid));
    let is_six = matches!(group, Some((Group::Ip6(_), _)));
    let queried = match group {
        Some((Group::Mac(_), _)) => known.is_some(),
        Some((Group::Ip6(_), _)) => b.mcast.six.has_querier(now),
        _ => b.mcast.has_querier(now),
    };
    if !(known.is_some() || only_routers) || !queried {
        return Way::Flood;
    }
    let lasts = |until: Option<Instant>| until.is_some_and(|at| at > now);
    let is_router = |p: &super::bridge::Port| {
        p.mcast.router == ALWAYS || lasts(if is_six { p.mcast.router6_until } else { p.mcast.router_until })
    };
    let leaves = |number: &u16| known.is_some_and(|known| known.has(*number)) || b.port(*number).is_some_and(is_router);
    let ports = b.order.iter().copied().filter(leaves).collect();
    let own = b.mcast.settings.router == ALWAYS
        || lasts(if is_six { b.mcast.six.router_until } else { b.mcast.router_until });
    Way::Members(ports, known.is_some_and(|known| known.is_joined()) || own)
}

/// Believes an IGMP message.
fn take(ns: &mut Netns, w: &mut World, at: PortRef, vid: u16, message: Igmp) {
    let now = w.now;
    if !works(ns, at) {
        return;
    }
    match message {
        Igmp::Report { joined, left, .. } => {
            if let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) {
                let until = now + centis(b.mcast.settings.membership_interval);
                for group in joined.into_iter().filter(|group| !is_local(*group)) {
                    b.mcast.groups.join(Group::Ip(group), vid, at.number, Some(until));
                }
            }
            left.into_iter().for_each(|group| leave(ns, w, at, vid, group));
        }
        Igmp::Leave(group) => leave(ns, w, at, vid, group),
        Igmp::Query { from, group, delay } => queried(ns, w, at, vid, from, group, delay),
    }
    arm(ns, w, at.bridge);
}

/// `br_multicast_ctx_should_use`.
fn works(ns: &Netns, at: PortRef) -> bool {
    let Some(dev) = ns.dev(at.bridge).filter(|d| d.up) else { return false };
    let state = dev.bridge().and_then(|b| b.port(at.number)).map(|p| p.stp.state);
    at.number == SELF || state.is_some_and(|state| state != PortState::Disabled)
}

/// `br_multicast_leave_group`.
fn leave(ns: &mut Netns, w: &mut World, at: PortRef, vid: u16, group: Ipv4Addr) {
    let now = w.now;
    if is_local(group) {
        return;
    }
    let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else { return };
    let key = Group::Ip(group);
    if b.mcast.groups.find(key, vid).is_none() {
        return;
    }
    if b.port(at.number).is_some_and(|p| p.fastleave) {
        b.mcast.groups.leave_at_once(key, vid, at.number);
        return;
    }
    if b.mcast.is_other(now) {
        return;
    }
    let s = b.mcast.settings;
    let until = now + centis(s.last_member_count * s.last_member_interval);
    b.mcast.groups.shorten(key, vid, Some(at.number), until);
    if s.querier {
        if let Some(own) = own_mut(b, at.number) {
            own.at = Some(until);
        }
        send_query(ns, w, at, Some(group));
    }
}

fn own_mut(b: &mut Bridge, number: u16) -> Option<&mut Queries> {
    if number == SELF { Some(&mut b.mcast.own) } else { b.port_mut(number).map(|p| &mut p.mcast.own) }
}

/// `br_ip4_multicast_query`.
fn queried(ns: &mut Netns, w: &World, at: PortRef, vid: u16, from: Ipv4Addr, group: Option<Ipv4Addr>, delay: Duration) {
    let now = w.now;
    let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else { return };
    let s = b.mcast.settings;
    if let Some(group) = group {
        b.mcast.groups.shorten(Group::Ip(group), vid, None, now + delay * s.last_member_count);
        return;
    }
    // Of two the lower address queries (`br_multicast_select_querier`).
    let nobody = b.mcast.own.at.is_none() && !b.mcast.is_other(now);
    if !nobody && b.mcast.querier.is_some_and(|chosen| from > chosen) {
        return;
    }
    b.mcast.querier = Some(from).filter(|from| !from.is_unspecified());
    if !b.mcast.is_other(now) {
        b.mcast.delay_until = Some(now + delay);
    }
    let until = Some(now + centis(s.querier_interval));
    b.mcast.other_until = until;
    match b.port_mut(at.number) {
        Some(port) if port.mcast.router == BY_QUERIES || port.mcast.router == FOR_NOW => {
            port.mcast.router_until = until
        }
        Some(_) => {}
        None if s.router == BY_QUERIES => b.mcast.router_until = until,
        None => {}
    }
}

/// What the bridge's attributes say of groups is said anew.
pub(crate) fn set(ns: &mut Netns, w: &mut World, bridge: Ifindex, settings: Settings) {
    let (now, is_up) = (w.now, ns.dev(bridge).is_some_and(|d| d.up));
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    let before = std::mem::replace(&mut b.mcast.settings, settings);
    if settings.querier && !before.querier {
        if !b.mcast.is_other(now) {
            // The querier is switched on before another time to answer is set (`br_changelink`).
            b.mcast.delay_until = Some(now + centis(before.query_response_interval));
        }
        start(b, now, is_up);
    } else if settings.on && !before.on {
        start(b, now, is_up);
    }
    arm(ns, w, bridge);
}

/// Queries begin anew, at once (`br_multicast_start_querier`).
fn start(b: &mut Bridge, now: Instant, is_up: bool) {
    if !b.mcast.settings.on || !b.mcast.settings.querier || !is_up {
        return;
    }
    b.mcast.own = Queries { at: Some(now), sent: 0 };
    for port in b.ports.iter_mut().flatten() {
        if !matches!(port.stp.state, PortState::Disabled | PortState::Blocking) {
            port.mcast.own = Queries { at: Some(now), sent: 0 };
        }
    }
}

/// The bridge came up (`br_multicast_open`).
pub(crate) fn opened(ns: &mut Netns, w: &mut World, bridge: Ifindex) {
    let now = w.now;
    if let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) {
        let queries = b.mcast.settings.on && b.mcast.settings.querier;
        b.mcast.own = Queries { at: Some(now).filter(|_| queries), sent: 0 };
    }
    arm(ns, w, bridge);
}

/// The bridge went down (`br_multicast_stop`).
pub(crate) fn closed(ns: &mut Netns, bridge: Ifindex) {
    if let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) {
        (b.mcast.own.at, b.mcast.other_until, b.mcast.delay_until, b.mcast.router_until) = (None, None, None, None);
        b.mcast.six = mld::Six::default();
    }
}

/// A port works (`br_multicast_enable_port`).
pub(crate) fn enabled(ns: &mut Netns, w: &mut World, bridge: Ifindex, number: u16) {
    let now = w.now;
    if let Some(b) =
        ns.dev_mut(bridge).and_then(|d| d.bridge_mut()).filter(|b| b.mcast.settings.on && b.mcast.settings.querier)
        && let Some(port) = b.port_mut(number)
    {
        port.mcast.own = Queries { at: Some(now), sent: 0 };
        arm(ns, w, bridge);
    }
}

/// A port no longer works: its members are forgotten but for those by hand (`br_multicast_disable_port`).
pub(crate) fn disabled(b: &mut Bridge, number: u16) {
    flush_port(b, number, false);
    if let Some(port) = b.port_mut(number) {
        (port.mcast.router_until, port.mcast.router6_until, port.mcast.own.at) = (None, None, None);
    }
}

/// A port is told whether a router is behind it (`br_multicast_set_port_router`).
pub(crate) fn set_port_router(ns: &mut Netns, w: &mut World, at: PortRef, value: u8) {
    let now = w.now;
    let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else { return };
    let until = now + centis(b.mcast.settings.querier_interval);
    let Some(port) = b.port_mut(at.number) else { return };
    match value {
        // Said again it counts from now on.
        FOR_NOW => (port.mcast.router_until, port.mcast.router6_until) = (Some(until), Some(until)),
        BY_QUERIES if port.mcast.router == BY_QUERIES => {}
        _ => (port.mcast.router_until, port.mcast.router6_until) = (None, None),
    }
    port.mcast.router = value;
    arm(ns, w, at.bridge);
}

/// Time has come for something ([`Event::Mcast`]).
pub(crate) fn timer(ns: &mut Netns, w: &mut World, bridge: Ifindex) {
    let now = w.now;
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    if b.mcast.armed != Some(now) {
        return;
    }
    b.mcast.armed = None;
    b.mcast.groups.expire(now);
    let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
    for port in b.ports.iter_mut().flatten() {
        let mut over = false;
        for until in [&mut port.mcast.router_until, &mut port.mcast.router6_until] {
            over |= until.take_if(|at| *at <= now).is_some();
        }
        // While it is one for either family it stays what it is told (`br_multicast_rport_del`).
        let lasts = port.mcast.router_until.or(port.mcast.router6_until).is_some();
        if over && !lasts && port.mcast.router == FOR_NOW {
            port.mcast.router = BY_QUERIES;
        }
    }
    b.mcast.six.expire(now);
    if is_due(b.mcast.router_until) {
        b.mcast.router_until = None;
    }
    if is_due(b.mcast.delay_until) {
        b.mcast.delay_until = None;
    }
    if is_due(b.mcast.other_until) {
        // The other one is silent: this bridge begins, if it may (`br_multicast_querier_expired`).
        b.mcast.other_until = None;
        start(b, now, true);
    }
    let places: Vec<u16> = std::iter::once(SELF).chain(b.ports.iter().flatten().map(|p| p.stp.number)).collect();
    for number in places {
        let at = PortRef { bridge, number };
        let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
        if !own_mut(b, number).is_some_and(|own| is_due(own.at)) {
            continue;
        }
        query_again(ns, w, at);
    }
    arm(ns, w, bridge);
}

/// `br_multicast_query_expired`, `br_multicast_send_query`.
fn query_again(ns: &mut Netns, w: &mut World, at: PortRef) {
    let (now, works) = (w.now, works(ns, at));
    let Some(b) = ns.dev_mut(at.bridge).and_then(|d| d.bridge_mut()) else { return };
    let s = b.mcast.settings;
    let may = works && s.on && s.querier && !b.mcast.is_other(now);
    let Some(own) = own_mut(b, at.number) else { return };
    own.at = None;
    own.sent = (own.sent + 1).min(s.startup_query_count);
    if !may {
        return;
    }
    let wait = if own.sent < s.startup_query_count { s.startup_query_interval } else { s.query_interval };
    own.at = Some(now + centis(wait));
    if at.number == SELF {
        b.mcast.querier = None;
    }
    send_query(ns, w, at, None);
}

/// `__br_multicast_send_query`: out by a port, or to the bridge's own stack.
fn send_query(ns: &mut Netns, w: &mut World, at: PortRef, group: Option<Ipv4Addr>) {
    let Some(dev) = ns.dev(at.bridge) else { return };
    let Some(b) = dev.bridge() else { return };
    let s = b.mcast.settings;
    let delay = if group.is_some() { s.last_member_interval } else { s.query_response_interval };
    let frame = w.frames.alloc_from(&igmp::query(dev.mac, group, delay));
    match b.port(at.number) {
        Some(port) => w.push(ns.id, Stage::Qdisc, Pkt::new(frame, port.dev)),
        None => w.push(ns.id, Stage::Dev, Pkt::on(frame, at.bridge)),
    }
}

/// Asks for an event when something is next due, unless there is one by then.
fn arm(ns: &mut Netns, w: &mut World, bridge: Ifindex) {
    let id: NsId = ns.id;
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    let ports = b.ports.iter().flatten().flat_map(|p| [p.mcast.router_until, p.mcast.router6_until, p.mcast.own.at]);
    let own = [b.mcast.other_until, b.mcast.delay_until, b.mcast.router_until, b.mcast.own.at, b.mcast.groups.next()];
    let Some(next) = ports.chain(own).chain(b.mcast.six.next()).flatten().min() else { return };
    if b.mcast.armed.is_none_or(|at| at > next) {
        b.mcast.armed = Some(next);
        w.wheel.schedule(next.max(w.now), Event::Mcast { ns: id, dev: bridge });
    }
}

/// 224.0.0.0/24, which is for everybody on a link.
fn is_local(group: Ipv4Addr) -> bool {
    let [a, b, c, _] = group.octets();
    [a, b, c] == [224, 0, 0]
}

/// `MDB_RTR_TYPE_*`.
pub(crate) const BY_QUERIES: u8 = 1;
pub(crate) const ALWAYS: u8 = 2;
const FOR_NOW: u8 = 3;
