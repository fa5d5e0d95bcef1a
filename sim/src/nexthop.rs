//! Nexthop objects and groups: ways that routes share and follow as they change.
//!
//! Kernel counterpart: `net/ipv4/nexthop.c`. A route keeps a copy of where its object leads; whenever the object changes,
//! so do the copies. Deliberately absent: resilient groups, encapsulation, nexthops of a forwarding database, IPv6
//! gateways, notifications.

use crate::few::Few;
use crate::fib::{Alias, Hop, says_no};
use crate::l3::not_v4;
use crate::netns::{Ifindex, Netns};
use crate::route;
use nettwin_model::route::TABLE_MAIN;
use nettwin_model::{Errno, Fault, Nexthop, NexthopKind, NexthopMember, NexthopObject, Route, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// All nexthop objects of a namespace.
#[derive(Default)]
pub(crate) struct Nexthops {
    by_id: BTreeMap<u32, Object>,
    /// The last number that was given to who named none.
    last: u32,
}

struct Object {
    proto: u8,
    what: What,
}

enum What {
    Blackhole,
    Way(Hop),
    Group(Vec<NexthopMember>),
}

impl What {
    fn is_group(&self) -> bool {
        matches!(self, What::Group(_))
    }
}

fn einval(text: &str) -> Fault {
    Fault::refused(Errno::EINVAL, text)
}

/// `ip nexthop add` and `replace` (`rtm_new_nexthop`).
pub(crate) fn add(ns: &mut Netns, new: &NexthopObject, replace: bool) -> Result<(), Fault> {
    let what = match &new.kind {
        NexthopKind::Blackhole => What::Blackhole,
        NexthopKind::Way { via, dev, onlink } => {
            check_way(ns, &Nexthop { via: *via, dev: *dev, weight: 1, onlink: *onlink })?
        }
        NexthopKind::Group(members) => check_group(ns, members)?,
    };
    if replace && new.id == 0 {
        return Err(einval("Replace requires nexthop id"));
    }
    let id = if new.id == 0 { ns.l3.nexthops.unused() } else { new.id };
    let what = match (what, &new.kind) {
        (What::Way(hop), _) => What::Way(looked_up(ns, hop)?),
        (what, _) => what,
    };
    match ns.l3.nexthops.by_id.get(&id) {
        Some(_) if !replace => return Err(Fault::errno(Errno::EEXIST)),
        Some(old) if old.what.is_group() && !what.is_group() => {
            return Err(einval("Can not replace a nexthop group with a nexthop"));
        }
        Some(old) if !old.what.is_group() && what.is_group() => {
            return Err(einval("Can not replace a nexthop with a nexthop group"));
        }
        Some(_) => check_replacement(ns, id, &what)?,
        None => {}
    }
    ns.l3.nexthops.by_id.insert(id, Object { proto: new.proto, what });
    refresh(ns);
    Ok(())
}

/// Whether the groups and routes that have the object can have this in its place.
fn check_replacement(ns: &Netns, id: u32, new: &What) -> Result<(), Fault> {
    let nexthops = &ns.l3.nexthops;
    let has = |object: &&Object| matches!(&object.what, What::Group(m) if m.iter().any(|m| m.id == id));
    let crowded = |object: &Object| matches!(&object.what, What::Group(m) if m.len() > 1);
    if matches!(new, What::Blackhole) && nexthops.by_id.values().filter(has).any(crowded) {
        return Err(einval("Blackhole nexthop can not be a member of a group with more than one path"));
    }
    let (is_group, hops) = match new {
        What::Way(hop) => (false, vec![hop.clone()]),
        What::Blackhole => (false, vec![nowhere()]),
        What::Group(_) => (true, Vec::new()),
    };
    let routes = ns.l3.fib.dump();
    let mut by_it = routes.iter().filter(|(.., alias)| alias.object.is_some_and(|(of, _)| of == id));
    by_it.try_for_each(|(.., alias)| check_scope(alias.scope, is_group, &hops))
}

/// `fib_check_nexthop()`.
fn check_scope(scope: Scope, is_group: bool, hops: &[Hop]) -> Result<(), Fault> {
    if scope == Scope::HOST && is_group {
        return Err(einval("Route with host scope can not have multiple nexthops"));
    }
    if scope == Scope::HOST && hops.iter().any(|hop| hop.via.is_some()) {
        return Err(einval("Route with host scope can not have a gateway"));
    }
    if scope >= Scope::LINK && hops.first().is_some_and(|hop| hop.onlink) {
        return Err(einval("Scope mismatch with nexthop"));
    }
    Ok(())
}

/// What is asked of a way before its gateway is looked up (`rtm_to_nh_config`).
fn check_way(ns: &Netns, way: &Nexthop) -> Result<What, Fault> {
    if matches!(way.via, Some(IpAddr::V6(_))) {
        return Err(not_v4());
    }
    let Some(name) = way.dev else {
        return Err(einval("Device attribute required for non-blackhole and non-fdb nexthops"));
    };
    let dev = ns.dev_named(name).ok_or_else(|| einval("Invalid device index"))?;
    if !dev.up {
        return Err(Fault::refused(Errno::ENETDOWN, "Nexthop device is not up"));
    }
    if !dev.carrier {
        return Err(Fault::refused(Errno::ENETDOWN, "Carrier for nexthop device is down"));
    }
    if way.via.is_none() && way.onlink {
        return Err(einval("ONLINK flag can not be set for nexthop without a gateway"));
    }
    Ok(What::Way(route::parse_hop(ns, way)?))
}

fn looked_up(ns: &Netns, mut hop: Hop) -> Result<Hop, Fault> {
    route::check_hop(ns, &mut hop, TABLE_MAIN, Scope::GLOBAL)?;
    Ok(hop)
}

/// `nh_check_attr_group()`.
fn check_group(ns: &Netns, members: &[NexthopMember]) -> Result<What, Fault> {
    let distinct: BTreeSet<u32> = members.iter().map(|m| m.id).collect();
    if members.is_empty() {
        return Err(einval("Invalid length for nexthop group attribute"));
    }
    if distinct.len() != members.len() {
        return Err(einval("Nexthop id can not be used twice in a group"));
    }
    for member in members {
        match ns.l3.nexthops.by_id.get(&member.id).map(|object| &object.what) {
            None => return Err(einval("Invalid nexthop id")),
            Some(What::Group(_)) => {
                return Err(einval("Hash-threshold group can not be a nexthop within a group"));
            }
            Some(What::Blackhole) if members.len() > 1 => {
                return Err(einval("Blackhole nexthop can not be used in a group with more than 1 path"));
            }
            Some(_) => {}
        }
    }
    Ok(What::Group(members.to_vec()))
}

/// `ip nexthop del` (`rtm_del_nexthop`).
pub(crate) fn del(ns: &mut Netns, id: u32) -> Result<(), Fault> {
    if id == 0 {
        return Err(einval("Invalid nexthop id"));
    }
    if ns.l3.nexthops.by_id.remove(&id).is_none() {
        return Err(Fault::errno(Errno::ENOENT));
    }
    refresh(ns);
    Ok(())
}

/// Objects by a device that is down, or lost its carrier, go (`nexthop_flush_dev`). `unregistered`: blackholes go, too.
pub(crate) fn flush(ns: &mut Netns, dev: Ifindex, unregistered: bool) {
    let Some(nexthops) = ns.l3.nexthops.used_mut() else { return };
    let before = nexthops.by_id.len();
    nexthops.by_id.retain(|_, object| match &object.what {
        What::Way(hop) => hop.dev != dev,
        What::Blackhole => !(unregistered && dev == Ifindex::LO),
        What::Group(_) => true,
    });
    if nexthops.by_id.len() != before {
        refresh(ns);
    }
}

/// Groups lose the members that are gone, empty ones go; then routes follow their objects, or go with them.
fn refresh(ns: &mut Netns) {
    let nexthops = &mut ns.l3.nexthops;
    let singles: BTreeSet<u32> = nexthops.by_id.iter().filter(|(_, o)| !o.what.is_group()).map(|(id, _)| *id).collect();
    nexthops.by_id.retain(|_, object| match &mut object.what {
        What::Group(members) => {
            members.retain(|m| singles.contains(&m.id));
            !members.is_empty()
        }
        _ => true,
    });
    let nexthops = &ns.l3.nexthops;
    ns.l3.fib.sweep(|alias| {
        let Some((id, _)) = alias.object else { return };
        match nexthops.ways(id) {
            Some((hops, blackhole)) => (alias.hops, alias.object) = (hops, Some((id, blackhole))),
            None => alias.dead = true,
        }
    });
}

impl Nexthops {
    /// `nh_find_unused_id()`.
    fn unused(&mut self) -> u32 {
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if !self.by_id.contains_key(&self.last) {
                return self.last;
            }
        }
    }

    /// Where an object leads, and whether it is a blackhole.
    fn ways(&self, id: u32) -> Option<(Few<Hop>, bool)> {
        let one = |id: u32, weight: u16| match &self.by_id.get(&id)?.what {
            What::Way(hop) => Some((Hop { weight, ..hop.clone() }, false)),
            What::Blackhole => Some((nowhere(), true)),
            What::Group(_) => None,
        };
        match &self.by_id.get(&id)?.what {
            What::Group(members) => {
                let ways: Vec<_> = members.iter().filter_map(|m| one(m.id, m.weight)).collect();
                let blackhole = ways.iter().any(|(_, blackhole)| *blackhole);
                // One way alone has no weight to tell.
                let alone = ways.len() == 1;
                let hops = ways.into_iter().map(|(hop, _)| Hop { weight: if alone { 1 } else { hop.weight }, ..hop });
                Some((hops.collect(), blackhole))
            }
            _ => one(id, 1).map(|(hop, blackhole)| (Few::One(hop), blackhole)),
        }
    }
}

/// A blackhole leads by `lo`.
fn nowhere() -> Hop {
    Hop {
        via: None,
        dev: Ifindex::LO,
        weight: 1,
        onlink: false,
        scope: Scope::HOST,
        dead: false,
        linkdown: false,
        benched: false,
    }
}

/// Gives a route in the making the ways of an object (`fib_check_nexthop`).
pub(crate) fn use_by(ns: &Netns, id: u32, said: &Route, scope: Scope, alias: &mut Alias) -> Result<(), Fault> {
    if said.nexthops.iter().any(|hop| hop.via.is_some() || hop.dev.is_some()) {
        return Err(einval("Nexthop specification and nexthop id are mutually exclusive"));
    }
    let (hops, blackhole) = ns.l3.nexthops.ways(id).ok_or_else(|| einval("Nexthop id does not exist"))?;
    let is_group = ns.l3.nexthops.by_id.get(&id).is_some_and(|object| object.what.is_group());
    if !says_no(said.kind) {
        if scope > Scope::HOST {
            return Err(einval("Invalid scope"));
        }
        check_scope(scope, is_group, &hops)?;
    }
    (alias.hops, alias.object) = (hops, Some((id, blackhole)));
    Ok(())
}

/// All of them, by number.
pub(crate) fn observe(ns: &Netns) -> Vec<NexthopObject> {
    let one = |(id, object): (&u32, &Object)| {
        let (kind, scope) = match &object.what {
            What::Blackhole => (NexthopKind::Blackhole, None),
            What::Group(members) => (NexthopKind::Group(members.clone()), None),
            What::Way(hop) => {
                let (via, dev) = (hop.via.map(IpAddr::V4), ns.dev(hop.dev).map(|d| d.name));
                (NexthopKind::Way { via, dev, onlink: hop.onlink }, Some(hop.scope))
            }
        };
        NexthopObject { id: *id, kind, proto: object.proto, scope }
    };
    ns.l3.nexthops.by_id.iter().map(one).collect()
}
