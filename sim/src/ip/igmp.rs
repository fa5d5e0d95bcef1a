//! Membership of groups: what is joined, and what routers and switches are told of it.
//!
//! Kernel counterpart: `net/ipv4/igmp.c`, all three versions. Times that the kernel draws are drawn from the seed, in its ticks
//! of 4 ms. Deliberately absent: source filters (`IP_ADD_SOURCE_MEMBERSHIP`), so every membership is of any source; PIM.

use crate::dev::Dev;
use crate::drop::DropReason;
use crate::event::Event;
use crate::fib::Flow;
use crate::frame::L2_LEN;
use crate::ip::output;
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Next, Pkt, Stage};
use crate::rng::Rng;
use crate::world::World;
use nettwin_model::groups::{ALL_HOSTS, Joined, JoinedMac, LinkGroups, group_mac};
use nettwin_model::wire::{Ipv4, checksum};
use nettwin_model::{Errno, Instant, Mac};
use std::net::Ipv4Addr;
use std::time::Duration;

/// IGMP's number among the protocols of IP.
pub(crate) const PROTO_IGMP: u8 = 2;

/// What a device has joined besides the group of all hosts, and what it has heard of routers (`struct in_device`).
pub(crate) struct Memberships {
    /// The newest first.
    groups: Vec<Group>,
    /// Left, and not yet told often enough (`mc_tomb`).
    left: Vec<(Ipv4Addr, u32)>,
    /// Hardware addresses in the order of coming: for groups, by hand (`dev->mc`).
    macs: Vec<JoinedMac>,
    /// How often changes are still told, and when next (`mr_ifc_count`, `mr_ifc_timer`).
    changes: u32,
    change_at: Option<Instant>,
    /// When all is told to who asked (`mr_gq_timer`).
    general_at: Option<Instant>,
    /// Routers of older versions are about, until then.
    v1_until: Option<Instant>,
    v2_until: Option<Instant>,
    /// What the last querier of version 3 said: how often it asks, how long it waits.
    query_interval: Duration,
    response_interval: Duration,
    rng: Rng,
}

/// A group that is joined (`struct ip_mc_list`).
struct Group {
    addr: Ipv4Addr,
    users: u32,
    /// When it is told of.
    timer: Option<Instant>,
    /// How often it is told of unasked, after the next time.
    unasked: u32,
    /// Its hardware address is taken.
    loaded: bool,
    /// How often its coming is still told (`crcount`).
    changes: u32,
    reporter: bool,
}

impl Group {
    fn new(addr: Ipv4Addr) -> Self {
        Group { addr, users: 1, timer: None, unasked: 0, loaded: false, changes: 0, reporter: false }
    }
}

/// Kinds of messages.
const QUERY: u8 = 0x11;
const REPORT_V1: u8 = 0x12;
const REPORT_V2: u8 = 0x16;
const LEAVE_V2: u8 = 0x17;
const REPORT_V3: u8 = 0x22;
/// Kinds of records: a group is joined, was joined just now, was left just now.
const IS_EXCLUDE: u8 = 2;
const TO_INCLUDE: u8 = 3;
const TO_EXCLUDE: u8 = 4;

const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
const TICK: Duration = Duration::from_millis(4);
/// `IGMP_QUERY_INTERVAL`, `IGMP_QUERY_RESPONSE_INTERVAL`.
const QUERY_INTERVAL: Duration = Duration::from_secs(125);
const RESPONSE_INTERVAL: Duration = Duration::from_secs(10);

/// Whether a device takes what is sent to the group (`ip_check_mc_rcu`).
pub(crate) fn is_member(ns: &Netns, dev: Ifindex, group: Ipv4Addr) -> bool {
    ns.dev(dev).is_some_and(|d| match &d.in_dev.memberships {
        Some(all) => all.groups.iter().any(|g| g.addr == group),
        None => group == ALL_HOSTS,
    })
}

/// One more wants the group on this device (`ip_mc_inc_group`).
pub(crate) fn join(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let Some(all) = memberships(ns, w, dev) else { return };
    match all.groups.iter_mut().find(|g| g.addr == addr) {
        Some(group) => group.users += 1,
        None => {
            all.groups.insert(0, Group::new(addr));
            added(ns, w, dev, addr);
        }
    }
}

/// A socket joins (`__ip_mc_join_group`); `joined` is what it has joined so far.
pub(crate) fn join_by(
    ns: &mut Netns,
    w: &mut World,
    joined: &mut Vec<(Ifindex, Ipv4Addr)>,
    dev: Ifindex,
    addr: Ipv4Addr,
) -> Result<(), Errno> {
    let most = usize::try_from(ns.sysctl.net.igmp_max_memberships).unwrap_or(0);
    match () {
        () if !addr.is_multicast() => return Err(Errno::EINVAL),
        () if joined.contains(&(dev, addr)) => return Err(Errno::EADDRINUSE),
        () if joined.len() >= most => return Err(Errno::ENOBUFS),
        () => {}
    }
    joined.push((dev, addr));
    join(ns, w, dev, addr);
    Ok(())
}

/// The device that a socket means by an address of it, or by none (`ip_mc_find_dev`).
pub(crate) fn device(ns: &Netns, now: Instant, at: Ipv4Addr, group: Ipv4Addr) -> Result<Ifindex, Errno> {
    let has = |d: &&Dev| d.in_dev.addrs.iter().any(|a| a.local == at);
    if at.is_unspecified() {
        return output::route(ns, now, &Flow::to(group)).map(|route| route.dev).map_err(|_| Errno::ENODEV);
    }
    ns.devs.iter().find(has).map(|d| d.ifindex).ok_or(Errno::ENODEV)
}

/// One less wants it (`ip_mc_dec_group`).
pub(crate) fn leave(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let Some(all) = ns.dev_mut(dev).and_then(|d| d.in_dev.memberships.as_mut()) else { return };
    let Some(at) = all.groups.iter().position(|g| g.addr == addr) else { return };
    all.groups[at].users -= 1;
    if all.groups[at].users == 0 {
        dropped(ns, w, dev, addr);
        if let Some(all) = ns.dev_mut(dev).and_then(|d| d.in_dev.memberships.as_mut()) {
            all.groups.retain(|g| g.addr != addr);
        }
    }
}

/// A device comes up: all hosts' group is joined, the others again (`ip_mc_up`).
pub(crate) fn link_up(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    let often = usual(ns);
    let Some(d) = ns.dev_mut(dev) else { return };
    d.in_dev.robustness = often;
    let Some(all) = d.in_dev.memberships.as_mut() else { return };
    (all.general_at, all.changes, all.v1_until, all.v2_until) = (None, 0, None, None);
    (all.query_interval, all.response_interval) = (QUERY_INTERVAL, RESPONSE_INTERVAL);
    if !all.groups.iter().any(|g| g.addr == ALL_HOSTS) {
        all.groups.insert(0, Group::new(ALL_HOSTS));
        take(&mut all.macs, ALL_HOSTS);
    }
    all.left.clear();
    let others: Vec<Ipv4Addr> = all.groups.iter().map(|g| g.addr).filter(|addr| *addr != ALL_HOSTS).collect();
    for addr in others {
        added(ns, w, dev, addr);
    }
}

/// All groups are reported at once (`ip_mc_rejoin_groups`).
pub(crate) fn rejoin(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    let Some(d) = ns.dev(dev).filter(|d| d.up) else { return };
    let version = version(ns, d, w.now);
    let groups: Vec<Ipv4Addr> = match &d.in_dev.memberships {
        Some(all) => all.groups.iter().map(|g| g.addr).filter(|g| is_told(ns, *g)).collect(),
        None => return,
    };
    for group in groups {
        match version {
            1 => send(ns, w, dev, REPORT_V1, group),
            2 => send(ns, w, dev, REPORT_V2, group),
            _ => report(ns, w, dev, &[(IS_EXCLUDE, group)]),
        }
    }
}

/// A device goes down: nobody can be told any more (`ip_mc_down`).
pub(crate) fn link_down(ns: &mut Netns, dev: Ifindex) {
    let Some(all) = ns.dev_mut(dev).and_then(|d| d.in_dev.memberships.as_mut()) else { return };
    (all.changes, all.change_at, all.general_at) = (0, None, None);
    all.groups.retain(|g| g.addr != ALL_HOSTS);
    for group in &mut all.groups {
        (group.timer, group.unasked, group.reporter, group.loaded) = (None, 0, false, false);
    }
    all.macs.retain(|m| m.by_hand);
}

/// A device leaves the namespace (`ip_mc_destroy_dev`).
pub(crate) fn link_removed(ns: &mut Netns, dev: Ifindex) {
    if let Some(joined) = ns.l3.autojoined.used_mut() {
        joined.retain(|(of, _)| *of != dev);
    }
    if let Some(d) = ns.dev_mut(dev) {
        d.in_dev.memberships = None;
    }
}

/// What a device has joined.
pub(crate) fn list(ns: &Netns, now: Instant) -> Vec<LinkGroups> {
    ns.devs.iter().map(|d| of_dev(ns, d, now)).collect()
}

fn of_dev(ns: &Netns, d: &Dev, now: Instant) -> LinkGroups {
    let hosts = Joined { group: ALL_HOSTS, users: 1, reporter: false };
    let (groups, macs) = match &d.in_dev.memberships {
        Some(all) => {
            let joined = |g: &Group| Joined { group: g.addr, users: g.users, reporter: g.reporter };
            (all.groups.iter().map(joined).collect(), all.macs.clone())
        }
        None if d.up => {
            let mac = JoinedMac { mac: group_mac(ALL_HOSTS), users: 1, by_hand: false };
            (vec![hosts], vec![mac])
        }
        None => (Vec::new(), Vec::new()),
    };
    let macs = if d.is_loopback() || !d.has_mac() { Vec::new() } else { macs };
    LinkGroups { dev: d.name, ifindex: d.ifindex.0, version: version(ns, d, now), groups, macs }
}

/// `ip maddr add` and `del` (`dev_mc_add_global`, `dev_mc_del_global`).
pub(crate) fn by_hand(ns: &mut Netns, w: &World, dev: Ifindex, mac: Mac, add: bool) -> Result<(), Errno> {
    let macs = &mut memberships(ns, w, dev).ok_or(Errno::ENODEV)?.macs;
    match macs.iter_mut().position(|m| m.mac == mac) {
        Some(at) if add => {
            // Said twice it is there once.
            macs[at].users += u32::from(!macs[at].by_hand);
            macs[at].by_hand = true;
        }
        Some(at) if macs[at].by_hand => {
            (macs[at].users, macs[at].by_hand) = (macs[at].users - 1, false);
            macs.retain(|m| m.users > 0);
        }
        _ if add => macs.push(JoinedMac { mac, users: 1, by_hand: true }),
        _ => return Err(Errno::ENOENT),
    }
    Ok(())
}

fn take(macs: &mut Vec<JoinedMac>, group: Ipv4Addr) {
    let mac = group_mac(group);
    match macs.iter_mut().find(|m| m.mac == mac) {
        Some(known) => known.users += 1,
        None => macs.push(JoinedMac { mac, users: 1, by_hand: false }),
    }
}

/// A device's state, made when it is first needed.
fn memberships<'a>(ns: &'a mut Netns, w: &World, dev: Ifindex) -> Option<&'a mut Memberships> {
    let name = ns.name.clone();
    let d = ns.dev_mut(dev)?;
    let up = d.up;
    Some(d.in_dev.memberships.get_or_insert_with(|| {
        let mut macs = Vec::new();
        if up {
            take(&mut macs, ALL_HOSTS);
        }
        Box::new(Memberships {
            groups: if up { vec![Group::new(ALL_HOSTS)] } else { Vec::new() },
            left: Vec::new(),
            macs,
            changes: 0,
            change_at: None,
            general_at: None,
            v1_until: None,
            v2_until: None,
            query_interval: QUERY_INTERVAL,
            response_interval: RESPONSE_INTERVAL,
            rng: w.stream(&format!("igmp {name} {}", dev.0)),
        })
    }))
}

/// Which version is spoken: that of the oldest router, or as said (`IGMP_V1_SEEN`, `IGMP_V2_SEEN`).
fn version(ns: &Netns, d: &Dev, now: Instant) -> u8 {
    let forced = |n| ns.sysctl.all.force_igmp_version == n || d.conf.force_igmp_version == n;
    let seen = |until: fn(&Memberships) -> Option<Instant>| {
        d.in_dev.memberships.as_ref().and_then(|all| until(all)).is_some_and(|until| now < until)
    };
    match () {
        () if forced(1) || seen(|all| all.v1_until) => 1,
        () if forced(2) || seen(|all| all.v2_until) => 2,
        () => 3,
    }
}

/// Whether routers are told of a group at all.
fn is_told(ns: &Netns, group: Ipv4Addr) -> bool {
    let is_local = group.octets()[..3] == [224, 0, 0];
    group != ALL_HOSTS && !(is_local && ns.sysctl.net.igmp_link_local_mcast_reports == 0)
}

/// How often a change is told unless a querier says otherwise.
fn usual(ns: &Netns) -> u32 {
    u32::try_from(ns.sysctl.net.igmp_qrv).unwrap_or(2)
}

/// `igmp_group_added()`.
fn added(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let (told, now) = (is_told(ns, addr), w.now);
    let Some(d) = ns.dev(dev) else { return };
    let version = version(ns, d, now);
    let (often, unasked) = (d.in_dev.robustness.max(1), usual(ns));
    let Some(all) = memberships(ns, w, dev) else { return };
    let Some(group) = all.groups.iter_mut().find(|g| g.addr == addr) else { return };
    if !std::mem::replace(&mut group.loaded, true) {
        take(&mut all.macs, addr);
    }
    if !told {
        return;
    }
    all.left.retain(|(left, _)| *left != addr);
    group.unasked = unasked;
    if version < 3 {
        group.timer = Some(now + 2 * TICK);
    } else {
        group.changes = often;
        all.changes = often;
        all.change_at = Some(now + 2 * TICK);
    }
    arm(ns, w, dev);
}

/// `igmp_group_dropped()`.
fn dropped(ns: &mut Netns, w: &mut World, dev: Ifindex, addr: Ipv4Addr) {
    let (told, now) = (is_told(ns, addr), w.now);
    let Some(d) = ns.dev(dev) else { return };
    let version = version(ns, d, now);
    let often = d.in_dev.robustness.max(1);
    let Some(all) = memberships(ns, w, dev) else { return };
    let mac = group_mac(addr);
    let loaded = all.groups.iter().any(|g| g.addr == addr && g.loaded);
    if let Some(known) = all.macs.iter_mut().find(|m| m.mac == mac && loaded) {
        known.users -= 1;
    }
    all.macs.retain(|m| m.users > 0);
    let reporter = all.groups.iter().any(|g| g.addr == addr && g.reporter);
    match version {
        _ if !told => {}
        1 => {}
        2 if reporter => send(ns, w, dev, LEAVE_V2, addr),
        2 => {}
        _ => {
            all.left.insert(0, (addr, often));
            all.changes = often;
            all.change_at = Some(now + 2 * TICK);
            arm(ns, w, dev);
        }
    }
}

/// Wants to be woken for what is next.
fn arm(ns: &Netns, w: &mut World, dev: Ifindex) {
    let Some(all) = ns.dev(dev).and_then(|d| d.in_dev.memberships.as_ref()) else { return };
    let timers = all.groups.iter().map(|g| g.timer).chain([all.change_at, all.general_at]);
    if let Some(at) = timers.flatten().min() {
        w.wheel.schedule(at, Event::Igmp { ns: ns.id, dev });
    }
}

/// At random within `most`, and two ticks more, as the kernel's timers are set.
fn at_random(all: &mut Memberships, now: Instant, most: Duration) -> Instant {
    // At most 2^31 ms.
    let ticks = (most.as_millis() / TICK.as_millis()).max(1) as u64;
    let drawn = all.rng.below(ticks);
    now + TICK * (u32::try_from(drawn).unwrap_or(u32::MAX - 2) + 2)
}

/// [`Event::Igmp`]: something may be due.
pub(crate) fn timer(ns: &mut Netns, w: &mut World, dev: Ifindex) {
    let now = w.now;
    let Some(d) = ns.dev(dev).filter(|d| d.in_dev.memberships.is_some()) else { return };
    let version = version(ns, d, now);
    // Not negative where it counts; at least a tick.
    let ms = if version == 3 {
        d.conf.igmpv3_unsolicited_report_interval
    } else {
        d.conf.igmpv2_unsolicited_report_interval
    };
    let unasked = Duration::from_millis(u64::try_from(ms).unwrap_or(0)).max(TICK);
    let Some(all) = memberships(ns, w, dev) else { return };
    let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
    let mut told = Vec::new();
    for at in 0..all.groups.len() {
        if !is_due(all.groups[at].timer) {
            continue;
        }
        all.groups[at].unasked = all.groups[at].unasked.saturating_sub(1);
        let again = (all.groups[at].unasked > 0).then(|| at_random(all, now, unasked));
        (all.groups[at].timer, all.groups[at].reporter) = (again, true);
        told.push(all.groups[at].addr);
    }
    let general = is_due(all.general_at);
    if general {
        all.general_at = None;
    }
    let changes = is_due(all.change_at);
    let mut records = Vec::new();
    if changes {
        records = all.changed();
        all.changes = all.changes.saturating_sub(1);
        all.change_at = (all.changes > 0).then(|| at_random(all, now, unasked));
    }
    for addr in told {
        match version {
            1 => send(ns, w, dev, REPORT_V1, addr),
            2 => send(ns, w, dev, REPORT_V2, addr),
            _ => report(ns, w, dev, &[(IS_EXCLUDE, addr)]),
        }
    }
    if general {
        let all = ns.dev(dev).and_then(|d| d.in_dev.memberships.as_ref());
        let groups: Vec<Ipv4Addr> = all.map_or(Vec::new(), |all| all.groups.iter().map(|g| g.addr).collect());
        let told: Vec<_> = groups.into_iter().filter(|g| is_told(ns, *g)).map(|g| (IS_EXCLUDE, g)).collect();
        report(ns, w, dev, &told);
    }
    report(ns, w, dev, &records);
    arm(ns, w, dev);
}

impl Memberships {
    /// What has changed, told once more (`igmpv3_send_cr`).
    fn changed(&mut self) -> Vec<(u8, Ipv4Addr)> {
        let mut records: Vec<_> = self.left.iter().map(|(addr, _)| (TO_INCLUDE, *addr)).collect();
        self.left.iter_mut().for_each(|(_, often)| *often -= 1);
        self.left.retain(|(_, often)| *often > 0);
        for group in self.groups.iter_mut().filter(|g| g.changes > 0) {
            records.push((TO_EXCLUDE, group.addr));
            group.changes -= 1;
        }
        records
    }
}

/// A message of version 1 or 2 (`igmp_send_report`).
fn send(ns: &mut Netns, w: &mut World, dev: Ifindex, kind: u8, group: Ipv4Addr) {
    let to = if kind == LEAVE_V2 { ALL_ROUTERS } else { group };
    let mut body = vec![kind, 0, 0, 0];
    body.extend(group.octets());
    emit(ns, w, dev, to, body);
}

/// A report of version 3, in as many packets as it takes.
fn report(ns: &mut Netns, w: &mut World, dev: Ifindex, records: &[(u8, Ipv4Addr)]) {
    const RECORD: usize = 8;
    let mtu = ns.dev(dev).map_or(0, |d| d.mtu as usize);
    let fit = (mtu.saturating_sub(HEADER + 8) / RECORD).max(1);
    for some in records.chunks(fit) {
        // Fewer than a packet's bytes.
        let [high, low] = (some.len() as u16).to_be_bytes();
        let mut body = vec![REPORT_V3, 0, 0, 0, 0, 0, high, low];
        for (kind, group) in some {
            body.extend([*kind, 0, 0, 0]);
            body.extend(group.octets());
        }
        emit(ns, w, dev, V3_ROUTERS, body);
    }
}

/// A header with the option that routers look at, six words.
const HEADER: usize = 24;

/// Sends a message by a device: internetwork control, DF, no identification, one hop.
fn emit(ns: &mut Netns, w: &mut World, dev: Ifindex, to: Ipv4Addr, mut body: Vec<u8>) {
    let flow = Flow { oif: dev, asks: crate::fib::Selectors::proto(PROTO_IGMP), ..Flow::to(to) };
    let Ok(route) = output::route(ns, w.now, &flow) else { return };
    let own = |d: &Dev| d.in_dev.addrs.iter().any(|a| a.local == route.src);
    let src = if ns.dev(dev).is_some_and(own) { route.src } else { Ipv4Addr::UNSPECIFIED };
    let sum = checksum(&body).to_be_bytes();
    body[2..4].copy_from_slice(&sum);
    let mut packet = vec![0; HEADER];
    // At most an MTU.
    let [high, low] = ((HEADER + body.len()) as u16).to_be_bytes();
    packet[..12].copy_from_slice(&[0x46, 0xc0, high, low, 0, 0, 0x40, 0, 1, PROTO_IGMP, 0, 0]);
    packet[12..16].copy_from_slice(&src.octets());
    packet[16..20].copy_from_slice(&to.octets());
    packet[20..].copy_from_slice(&[0x94, 4, 0, 0]);
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(body);
    let mut frame = w.new_frame(packet.len());
    w.frames.edit(&mut frame)[L2_LEN..].copy_from_slice(&packet);
    output::send_complete(ns, w, &route, frame);
}

/// A message that came in (`igmp_rcv`).
pub(crate) fn input(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Next {
    let packet = &w.frames.bytes(pkt.frame)[L2_LEN..];
    let Some(ip) = Ipv4::unsummed(packet) else { return Next::Drop(DropReason::IpHeader) };
    let body = match packet.get(ip.header_len()..ip.total_len()) {
        Some(body) if body.len() >= 8 && checksum(body) == 0 => body.to_vec(),
        _ => return Next::Drop(DropReason::BadIgmp),
    };
    let to_many = matches!(pkt.cast, Cast::Multicast | Cast::Broadcast);
    match body[0] {
        QUERY => heard_query(ns, w, pkt.dev, &body),
        REPORT_V1 | REPORT_V2 if to_many => {
            let group = address(&body);
            if is_told(ns, group)
                && let Some(all) = ns.dev_mut(pkt.dev).and_then(|d| d.in_dev.memberships.as_mut())
                && let Some(group) = all.groups.iter_mut().find(|g| g.addr == group)
            {
                // Another has told of it (igmp_heard_report).
                (group.timer, group.unasked, group.reporter) = (None, 0, false);
            }
        }
        _ => {}
    }
    w.decide(ns, Stage::IpLocal, pkt, "igmp", || "heard".to_owned());
    w.frames.release(pkt.frame);
    Next::Done
}

fn address(body: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(body[4], body[5], body[6], body[7])
}

/// A time of version 3: from 128 on a mantissa and an exponent (`IGMPV3_MRC`).
fn spread(code: u8) -> u32 {
    if code < 0x80 { code.into() } else { u32::from(code & 0x0f | 0x10) << ((code >> 4 & 7) + 3) }
}

fn tenths(n: u32) -> Duration {
    Duration::from_millis(100 * u64::from(n))
}

/// `igmp_heard_query()`.
fn heard_query(ns: &mut Netns, w: &mut World, dev: Ifindex, body: &[u8]) {
    let now = w.now;
    let Some(version) = ns.dev(dev).map(|d| version(ns, d, now)) else { return };
    let (code, mut group) = (body[1], address(body));
    let local = |ns: &Netns, addr| is_told(ns, addr);
    let usual = usual(ns);
    let often = ns.dev(dev).map_or(usual, |d| d.in_dev.robustness);
    if body.len() >= 12
        && version == 3
        && let Some(d) = ns.dev_mut(dev)
    {
        let said = u32::from(body[8] & 7);
        d.in_dev.robustness = if said == 0 { usual } else { said };
    }
    let Some(all) = memberships(ns, w, dev) else { return };
    let lasts = all.query_interval * often + all.response_interval;
    let most = match (body.len(), version) {
        (8, _) => {
            let most = if code == 0 {
                (all.v1_until, group) = (Some(now + lasts), Ipv4Addr::UNSPECIFIED);
                RESPONSE_INTERVAL
            } else {
                all.v2_until = Some(now + lasts);
                tenths(code.into())
            };
            (all.changes, all.change_at) = (0, None);
            all.left.clear();
            most
        }
        (..12, _) => return,
        (_, 1) => {
            group = Ipv4Addr::UNSPECIFIED;
            RESPONSE_INTERVAL
        }
        (_, 2) => tenths(spread(code)).max(TICK),
        _ => {
            let most = tenths(spread(code)).max(TICK);
            let sources = u16::from_be_bytes([body[10], body[11]]);
            let interval = Duration::from_secs(spread(body[9]).into());
            all.query_interval = if interval.is_zero() { QUERY_INTERVAL } else { interval };
            if all.response_interval >= all.query_interval {
                all.response_interval = all.query_interval.saturating_sub(Duration::from_secs(1));
            }
            if group.is_unspecified() {
                if sources == 0 {
                    let at = at_random(all, now, most);
                    all.general_at = Some(all.general_at.map_or(at, |earlier| earlier.min(at)));
                    arm(ns, w, dev);
                }
                return;
            }
            most
        }
    };
    let asked = |g: &Group| (group.is_unspecified() || g.addr == group) && g.addr != ALL_HOSTS;
    let asked: Vec<Ipv4Addr> = all.groups.iter().filter(|g| asked(g)).map(|g| g.addr).collect();
    for addr in asked.into_iter().filter(|addr| local(ns, *addr)).collect::<Vec<_>>() {
        let Some(all) = memberships(ns, w, dev) else { return };
        let Some(at) = all.groups.iter().position(|g| g.addr == addr) else { continue };
        all.groups[at].unasked = 0;
        // What is told of soon enough anyway is not put off (igmp_mod_timer).
        if all.groups[at].timer.is_none_or(|due| due >= now + most) {
            all.groups[at].timer = Some(at_random(all, now, most));
        }
    }
    arm(ns, w, dev);
}
