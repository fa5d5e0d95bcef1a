//! The groups that a bridge knows members of.
//!
//! Kernel counterpart: `struct net_bridge_mdb_entry`, `br_mdb_add()`, `br_mdb_del()`, `br_mdb_dump()`.

use super::mld::ALL_NODES;
use super::{ALWAYS, centis};
use crate::dev::bridge::Bridge;
use crate::dev::fdb::SELF;
use crate::netns::{Ifindex, Netns};
use crate::world::World;
use nettwin_model::bridge::{McastRouter, MdbAged};
use nettwin_model::mdb::{Group, MdbEntry};
use nettwin_model::{Errno, Fault, IfName, Instant, PortState};

/// The groups, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Groups(Vec<Known>);

/// A group and its members.
#[derive(Debug)]
pub(crate) struct Known {
    group: Group,
    vid: u16,
    /// The bridge's own membership, until then.
    host: Option<Option<Instant>>,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    number: u16,
    permanent: bool,
    by_hand: bool,
    until: Option<Instant>,
}

impl Known {
    /// Whether there are members behind a port.
    pub(crate) fn has(&self, number: u16) -> bool {
        self.members.iter().any(|member| member.number == number)
    }

    /// Whether the bridge itself is one.
    pub(crate) fn is_joined(&self) -> bool {
        self.host.is_some()
    }
}

impl Groups {
    /// A group by its address and VLAN.
    pub(crate) fn find(&self, group: Group, vid: u16) -> Option<&Known> {
        self.0.iter().find(|known| (known.group, known.vid) == (group, vid))
    }

    fn find_mut(&mut self, group: Group, vid: u16) -> Option<&mut Known> {
        self.0.iter_mut().find(|known| (known.group, known.vid) == (group, vid))
    }

    fn enter(&mut self, group: Group, vid: u16) -> &mut Known {
        let at = self.0.iter().position(|known| (known.group, known.vid) == (group, vid)).unwrap_or_else(|| {
            self.0.insert(0, Known { group, vid, host: None, members: Vec::new() });
            0
        });
        &mut self.0[at]
    }

    /// Somebody behind a port, or the bridge itself, is a member until then.
    pub(super) fn join(&mut self, group: Group, vid: u16, number: u16, until: Option<Instant>) {
        let known = self.enter(group, vid);
        if number == SELF {
            known.host = Some(until);
            return;
        }
        match known.members.iter_mut().find(|member| member.number == number) {
            Some(member) if member.permanent => {}
            Some(member) => member.until = until,
            None => known.put(Member { number, permanent: false, by_hand: false, until }),
        }
    }

    /// A port's members leave, and nobody is asked whether there are more.
    pub(super) fn leave_at_once(&mut self, group: Group, vid: u16, number: u16) {
        if let Some(known) = self.find_mut(group, vid) {
            known.members.retain(|member| member.number != number || member.permanent);
        }
        self.tidy();
    }

    /// Members that have not said otherwise by then are gone: those behind a port, or (`None`) all.
    pub(super) fn shorten(&mut self, group: Group, vid: u16, number: Option<u16>, to: Instant) {
        let Some(known) = self.find_mut(group, vid) else { return };
        let shorter = |until: Option<Instant>| Some(until.map_or(to, |until| until.min(to)));
        if number.is_none_or(|number| number == SELF)
            && let Some(until) = &mut known.host
        {
            *until = shorter(*until);
        }
        for member in known.members.iter_mut().filter(|m| !m.permanent && number.is_none_or(|n| n == m.number)) {
            member.until = shorter(member.until);
        }
    }

    /// Forgets those whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        for known in &mut self.0 {
            known.members.retain(|member| member.permanent || member.until.is_none_or(|at| at > now));
            known.host = known.host.filter(|until| until.is_none_or(|at| at > now));
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.0.retain(|known| known.host.is_some() || !known.members.is_empty());
    }

    /// When the next one's time is over.
    pub(super) fn next(&self) -> Option<Instant> {
        let of = |known: &Known| {
            let members = known.members.iter().filter(|m| !m.permanent).filter_map(|m| m.until);
            members.chain(known.host.flatten()).min()
        };
        self.0.iter().filter_map(of).min()
    }
}

impl Known {
    /// The newest port first.
    fn put(&mut self, member: Member) {
        let at = self.members.iter().position(|m| m.number < member.number).unwrap_or(self.members.len());
        self.members.insert(at, member);
    }
}

/// Forgets a port's members; those by hand only if it leaves.
pub(crate) fn flush_port(b: &mut Bridge, number: u16, leaves: bool) {
    for known in &mut b.mcast.groups.0 {
        known.members.retain(|member| member.number != number || member.permanent && !leaves);
    }
    b.mcast.groups.tidy();
}

/// `bridge mdb add` (`br_mdb_add`).
pub(crate) fn add(ns: &mut Netns, w: &mut World, entry: &MdbEntry) -> Result<(), Fault> {
    let (bridge, number) = place(ns, entry)?;
    let now = w.now;
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return Ok(()) };
    if matches!(entry.group, Group::Mac(_)) && !entry.permanent {
        return Err(einval("bridge: Only permanent L2 entries allowed"));
    }
    if number == SELF && entry.permanent {
        return Err(einval("bridge: Flags are not allowed for host groups"));
    }
    if !entry.permanent && b.port(number).is_some_and(|p| p.stp.state == PortState::Disabled) {
        return Err(einval("bridge: Port is in disabled state and entry is not permanent"));
    }
    let mut vids = vec![entry.vlan];
    if entry.vlan == 0 && b.filter.on {
        vids = b.vlans(number).map(|vlans| vlans.ids()).unwrap_or_default();
    }
    for vid in vids {
        let until = Some(now + centis(b.mcast.settings.membership_interval)).filter(|_| !entry.permanent);
        let known = b.mcast.groups.find(entry.group, vid);
        if number == SELF {
            if known.is_some_and(|known| known.host.is_some()) {
                return Err(Fault::refused(Errno::EEXIST, "bridge: Group is already joined by host"));
            }
            b.mcast.groups.join(entry.group, vid, SELF, until);
            continue;
        }
        if known.is_some_and(|known| known.has(number)) {
            return Err(Fault::refused(Errno::EEXIST, "bridge: (*, G) group is already joined by port"));
        }
        let member = Member { number, permanent: entry.permanent, by_hand: true, until };
        b.mcast.groups.enter(entry.group, vid).put(member);
    }
    super::arm(ns, w, bridge);
    Ok(())
}

/// `bridge mdb del` (`br_mdb_del`).
pub(crate) fn del(ns: &mut Netns, entry: &MdbEntry) -> Result<(), Fault> {
    let (bridge, number) = place(ns, entry)?;
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return Ok(()) };
    let mut vids = vec![entry.vlan];
    if entry.vlan == 0 && b.filter.on {
        vids = b.vlans(number).map(|vlans| vlans.ids()).unwrap_or_default();
    }
    let mut found = Ok(());
    for vid in vids {
        let known = b.mcast.groups.find_mut(entry.group, vid);
        let was = match known {
            Some(known) if number == SELF => known.host.take().is_some(),
            Some(known) => {
                let before = known.members.len();
                known.members.retain(|member| member.number != number);
                before != known.members.len()
            }
            None => false,
        };
        found = if was { Ok(()) } else { Err(Fault::errno(Errno::EINVAL)) };
    }
    b.mcast.groups.tidy();
    found
}

fn einval(text: &str) -> Fault {
    Fault::refused(Errno::EINVAL, text)
}

/// What both begin with (`br_mdb_config_init`): the bridge, which is up and snoops, and the port's number.
fn place(ns: &Netns, entry: &MdbEntry) -> Result<(Ifindex, u16), Fault> {
    let dev = ns.dev_named(entry.bridge).ok_or(Fault::errno(Errno::ENODEV))?;
    let b = dev.bridge().ok_or(Fault::refused(Errno::EOPNOTSUPP, "Device does not support MDB operations"))?;
    check(entry)?;
    if !dev.up {
        return Err(einval("bridge: Bridge device is not running"));
    }
    if !b.mcast.settings.on {
        return Err(einval("bridge: Bridge's multicast processing is disabled"));
    }
    Ok((dev.ifindex, member_of(ns, dev.ifindex, entry)?))
}

/// The port's number, [`SELF`] for the bridge itself.
fn member_of(ns: &Netns, bridge: Ifindex, entry: &MdbEntry) -> Result<u16, Fault> {
    if entry.port == entry.bridge {
        return Ok(SELF);
    }
    let dev = ns.dev_named(entry.port).ok_or(Fault::errno(Errno::ENODEV))?;
    match dev.port {
        Some(at) if at.bridge == bridge => Ok(at.number),
        Some(_) => Err(einval("bridge: Port belongs to a different bridge device")),
        None => Err(einval("bridge: Net device is not a bridge port")),
    }
}

/// `rtnl_validate_mdb_entry`.
fn check(entry: &MdbEntry) -> Result<(), Fault> {
    Err(einval(match entry.group {
        Group::Ip(group) if !group.is_multicast() && !group.is_unspecified() => {
            "IPv4 entry group address is not multicast or 0.0.0.0"
        }
        Group::Ip(group) if super::is_local(group) => "IPv4 entry group address is local multicast",
        Group::Ip6(group) if group == ALL_NODES => "IPv6 entry group address is link-local all nodes",
        Group::Mac(mac) if !mac.is_multicast() => "L2 entry group is not multicast",
        _ if entry.vlan >= nettwin_model::vlan::VID_END => "Invalid entry VLAN id",
        _ => return Ok(()),
    }))
}

/// All members, as they are listed.
pub(crate) fn entries(ns: &Netns, bridge: IfName, b: &Bridge, now: Instant) -> Vec<MdbAged> {
    let mut out = Vec::new();
    let left =
        |until: Option<Instant>| until.map_or(0, |at| u32::try_from(at.since(now).as_millis() / 10).unwrap_or(0));
    for known in &b.mcast.groups.0 {
        let entry =
            |port: IfName, permanent: bool| MdbEntry { bridge, port, group: known.group, vlan: known.vid, permanent };
        if let Some(until) = known.host {
            out.push(MdbAged { entry: entry(bridge, false), by_hand: None, timer: left(until) });
        }
        for member in &known.members {
            let Some(port) = b.port(member.number).and_then(|p| ns.dev(p.dev)).map(|d| d.name) else { continue };
            let (by_hand, timer) = (Some(member.by_hand), left(member.until));
            out.push(MdbAged { entry: entry(port, member.permanent), by_hand, timer });
        }
    }
    out
}

/// The ports that routers are behind, the newest first.
pub(crate) fn routers(ns: &Netns, b: &Bridge, now: Instant) -> Vec<McastRouter> {
    let told = |number: &u16| {
        let port = b.port(*number)?;
        let until = port.mcast.router_until.max(port.mcast.router6_until).filter(|at| *at > now);
        let timer = u32::try_from(until.map_or(0, |at| at.since(now).as_millis() / 10)).unwrap_or(0);
        let is_one = port.mcast.router == ALWAYS || until.is_some();
        is_one.then_some(McastRouter { port: ns.dev(port.dev)?.name, kind: port.mcast.router, timer })
    };
    b.order.iter().filter_map(told).collect()
}
