//! Making devices of software alone.
//!
//! Kernel counterpart: `rtnl_newlink_create()` and the `newlink` of each kind.

use super::bond;
use super::link::{check_mac, check_mtu, enoent, register, remove, set_mac, set_mtu};
use crate::dev::macvlan::{self, Macvlan, Station};
use crate::dev::upper::{self, Above, At, Upper};
use crate::dev::vlan::Vlan;
use crate::dev::vxlan::Vxlan;
use crate::dev::{Kind, state};
use crate::netns::{Ifindex, NsId};
use crate::sim::Sim;
use crate::tag::Tag;
use nettwin_model::virtuals::{self, Lower, MacvlanMode, Sources, Tun, TunMode, VirtualChange, VlanChange};
use nettwin_model::vxlan;
use nettwin_model::{AddLink, Errno, Fault, Mac, OperState, Virtual};

/// What can be said against it before anything is looked up (`validate`).
pub(super) fn check(link: &AddLink, kind: &Virtual) -> Result<(), Fault> {
    match kind {
        Virtual::Dummy => check_mac(link.mac),
        Virtual::Vlan(vlan) => {
            check_mac(link.mac).map_err(|_| of_vlan(Errno::EADDRNOTAVAIL, "Invalid link address"))?;
            if vlan.id >= 4095 {
                return Err(of_vlan(Errno::ERANGE, "Invalid VLAN id"));
            }
            Ok(())
        }
        Virtual::Macvlan(_) | Virtual::Bond(_) => check_mac(link.mac),
        Virtual::Vrf { table } => {
            check_mac(link.mac)?;
            if *table == 0 {
                return Err(Fault::refused(Errno::EINVAL, "Invalid VRF table id"));
            }
            Ok(())
        }
        Virtual::Vxlan(of) => check_vxlan(link, of),
        // TUNSETIFF takes no MAC.
        Virtual::Tun(_) => Ok(()),
    }
}

/// Registers a device, down.
pub(super) fn add(sim: &mut Sim, id: NsId, link: &AddLink, kind: &Virtual) -> Result<Ifindex, Fault> {
    match kind {
        Virtual::Dummy => {
            check_mtu(link.mtu, kind.mtu_limits())?;
            register(sim, id, link.name, link.mac, link.mtu, Kind::Dummy)
        }
        Virtual::Vlan(vlan) => add_vlan(sim, id, link, vlan),
        Virtual::Macvlan(of) => add_macvlan(sim, id, link, of),
        Virtual::Vrf { table } => add_vrf(sim, id, link, *table),
        Virtual::Tun(tun) => add_tun(sim, id, link, tun),
        Virtual::Bond(attrs) => bond::add(sim, id, link, attrs),
        Virtual::Vxlan(of) => add_vxlan(sim, id, link, of),
    }
}

/// `ip link set … type KIND` (`changelink`).
pub(super) fn set(sim: &mut Sim, at: At, change: &VirtualChange) -> Result<(), Fault> {
    let ns = sim.netns.by_id_mut(at.0).ok_or_else(enoent)?;
    let dev = ns.dev_mut(at.1).ok_or(Fault::errno(Errno::ENODEV))?;
    match (&mut dev.kind, change) {
        (Kind::Bond(_), VirtualChange::Bond(attrs)) => bond::set(sim, at, attrs),
        (Kind::Vxlan(_), VirtualChange::Vxlan(change)) => crate::dev::vxlan::change(ns, &sim.world, at.1, change),
        (Kind::Vlan(vlan), VirtualChange::Vlan(change)) => {
            vlan.change(change);
            Ok(())
        }
        (Kind::Macvlan(of), VirtualChange::Macvlan { mode }) => {
            // It has or has not the device for itself from the start.
            if (of.mode == MacvlanMode::Passthru) != (*mode == MacvlanMode::Passthru) {
                return Err(Fault::errno(Errno::EINVAL));
            }
            of.mode = *mode;
            of.sources = of.sources.take().filter(|_| *mode == MacvlanMode::Source);
            upper::tell_below(&mut sim.netns, at);
            Ok(())
        }
        (Kind::Macvlan(of), VirtualChange::MacvlanSources(change)) => {
            if let Sources::Add(mac) | Sources::Del(mac) = change {
                check_mac(Some(*mac))?;
            }
            of.hear(change)?;
            upper::tell_below(&mut sim.netns, at);
            Ok(())
        }
        // A kind that the device is not of.
        _ => Err(Fault::errno(Errno::EOPNOTSUPP)),
    }
}

/// `vxlan_validate`.
fn check_vxlan(link: &AddLink, of: &vxlan::Vxlan) -> Result<(), Fault> {
    let wrong = |errno, text| Err(Fault::refused(errno, text));
    if link.mac.is_some_and(|mac| !mac.is_valid_unicast()) {
        return wrong(Errno::EADDRNOTAVAIL, "Provided Ethernet address is not unicast");
    }
    if link.mtu.is_some_and(|mtu| !(68..=65535).contains(&mtu)) {
        return wrong(Errno::EINVAL, "MTU must be between 68 and 65535");
    }
    if of.id >= 1 << 24 {
        return wrong(Errno::ERANGE, "VXLAN ID must be lower than 16777216");
    }
    if of.srcport.0 > of.srcport.1 {
        return wrong(Errno::EINVAL, "Invalid source port range");
    }
    let missing = [("proxy", of.proxy), ("rsc", of.rsc), ("l2miss", of.l2miss), ("l3miss", of.l3miss)];
    match missing.into_iter().find(|(_, on)| *on) {
        Some((word, _)) => Err(Fault::Missing {
            capability: format!("`{word}` of a VXLAN device in the simulator"),
            remedy: "leave it out, or run this on the kernel".into(),
        }),
        None => Ok(()),
    }
}

/// `vxlan_newlink`.
fn add_vxlan(sim: &mut Sim, id: NsId, link: &AddLink, of: &vxlan::Vxlan) -> Result<Ifindex, Fault> {
    let now = sim.world.now;
    let ns = sim.netns.by_id(id).ok_or_else(enoent)?;
    let nodev = || Fault::refused(Errno::ENODEV, "Invalid local interface, device not found");
    let lower = of.dev.map(|dev| ns.devs.by_name(dev).ok_or_else(nodev)).transpose()?;
    if of.remote.is_some_and(|remote| remote.is_multicast()) && lower.is_none() {
        let text = "Local interface required for multicast remote destination";
        return Err(Fault::refused(Errno::EINVAL, text));
    }
    let is_same = |kind: &Kind| matches!(kind, Kind::Vxlan(o) if (o.of.id, o.of.dstport) == (of.id, of.dstport));
    if ns.devs.iter().any(|dev| is_same(&dev.kind)) {
        return Err(Fault::refused(Errno::EEXIST, "A VXLAN device with the specified VNI already exists"));
    }
    let most = lower.and_then(|index| ns.dev(index)).map(|dev| dev.mtu.saturating_sub(vxlan::Vxlan::OVERHEAD).max(68));
    let mtu = link.mtu.or(most).map(|mtu| most.map_or(mtu, |most| mtu.min(most)));
    let made = Kind::Vxlan(Box::new(Vxlan::new(of.clone(), lower, now)));
    register(sim, id, link.name, link.mac, mtu, made)
}

/// `TUNSETIFF`, `TUNSETPERSIST`, and the descriptor closed again: nobody reads it, so it has no carrier. What is said besides
/// are changes of what is there then.
fn add_tun(sim: &mut Sim, id: NsId, link: &AddLink, tun: &Tun) -> Result<Ifindex, Fault> {
    let none = (tun.mode == TunMode::Tun).then_some(Mac::ZERO);
    let index = register(sim, id, link.name, none, None, Kind::Tun(Box::new(tun.clone())))?;
    let dev = sim.netns.by_id_mut(id).and_then(|ns| ns.dev_mut(index)).ok_or_else(enoent)?;
    dev.operstate = OperState::Down;
    if tun.txqueuelen() != dev.traits.txqueuelen {
        dev.traits.txqueuelen = tun.txqueuelen();
    }
    let with_mac = link.mac.map_or(Ok(()), |mac| set_mac(sim, id, index, mac));
    let set = with_mac.and_then(|()| link.mtu.map_or(Ok(()), |mtu| set_mtu(sim, id, index, mtu)));
    if set.is_err() {
        remove(sim, id, index);
    }
    set.map(|()| index)
}

/// `vrf_newlink`. The first one of a namespace makes the rule that leads to all their tables.
fn add_vrf(sim: &mut Sim, id: NsId, link: &AddLink, table: u32) -> Result<Ifindex, Fault> {
    let limits = Virtual::Vrf { table }.mtu_limits();
    check_mtu(link.mtu, limits)?;
    let index = register(sim, id, link.name, link.mac, link.mtu.or(Some(limits.1)), Kind::Vrf { table })?;
    let ns = sim.netns.by_id_mut(id).ok_or_else(enoent)?;
    ns.dev_mut(index).into_iter().for_each(|dev| dev.operstate = OperState::Up);
    crate::rules::lead_to_vrfs(ns);
    Ok(index)
}

/// `macvlan_common_newlink`.
fn add_macvlan(sim: &mut Sim, id: NsId, link: &AddLink, of: &virtuals::Macvlan) -> Result<Ifindex, Fault> {
    check_mtu(link.mtu, (68, 65535))?;
    let einval = || Fault::errno(Errno::EINVAL);
    let lower = macvlan::bottom(&sim.netns, find(sim, of.lower.as_ref().ok_or_else(einval)?)?);
    let there = sim.netns.by_id(lower.0).ok_or_else(enoent)?;
    let dev = there.dev(lower.1).ok_or(Fault::errno(Errno::ENODEV))?;
    if link.mtu.is_some_and(|mtu| mtu > dev.mtu) || dev.is_loopback() || !dev.has_mac() {
        return Err(einval());
    }
    if dev.port.is_some() {
        return Err(Fault::errno(Errno::EBUSY));
    }
    let siblings = macvlan::stations(there, lower.1);
    let alone = of.mode == MacvlanMode::Passthru;
    if alone && !siblings.is_empty() || siblings.iter().any(|(_, s)| s.mode == MacvlanMode::Passthru) {
        return Err(einval());
    }
    let (mac, mtu, carrier) = (dev.mac, dev.mtu, dev.carrier);
    let mut made = Macvlan { lower, mode: of.mode, sources: None };
    if !of.sources.is_empty() {
        made.hear(&Sources::Set(of.sources.iter().rev().copied().collect()))?;
    }
    let kind = Kind::Macvlan(Box::new(made));
    let mac = if alone { Some(mac) } else { link.mac };
    let index = register(sim, id, link.name, mac, link.mtu.or(Some(mtu)), kind)?;
    let at = (id, index);
    let mac = sim.netns.by_id(id).and_then(|ns| ns.dev(index)).map(|dev| dev.mac).unwrap_or_default();
    let above = Above::Macvlan(Station { mac, mode: of.mode, up: false, sources: None });
    upper::join(&mut sim.netns, Upper { at, above, wants_all: false }, lower);
    settle(sim, at, lower, carrier);
    Ok(index)
}

/// `vlan_newlink`.
fn add_vlan(sim: &mut Sim, id: NsId, link: &AddLink, vlan: &virtuals::Vlan) -> Result<Ifindex, Fault> {
    check_mtu(link.mtu, (0, 65535))?;
    let below = vlan.lower.as_ref().ok_or_else(|| of_vlan(Errno::EINVAL, "link not specified"))?;
    let lower = find(sim, below)?;
    let dev = sim.netns.by_id(lower.0).and_then(|ns| ns.dev(lower.1)).ok_or(Fault::errno(Errno::ENODEV))?;
    if dev.is_loopback() {
        return Err(of_vlan(Errno::EOPNOTSUPP, "VLANs not supported on device"));
    }
    let tag = Tag { proto: vlan.protocol.number(), tci: vlan.id };
    if dev.uppers.iter().any(|upper| upper.above == Above::Vlan(tag)) {
        return Err(of_vlan(Errno::EEXIST, "VLAN device already exists"));
    }
    if link.mtu.is_some_and(|mtu| mtu > dev.mtu) {
        return Err(Fault::errno(Errno::EINVAL));
    }
    let (mac, mtu, carrier) = (dev.mac, dev.mtu, dev.carrier);
    let inherits = link.mac.is_none();
    let (loose, reorder) = (vlan.loose_binding, vlan.reorder_hdr);
    let mut made = Vlan { lower, tag, loose, reorder, maps: None, inherits, lower_mac: mac };
    let (ingress, egress) = (vlan.ingress.clone(), vlan.egress.iter().rev().copied().collect());
    made.change(&VlanChange { ingress, egress, ..VlanChange::default() });
    let kind = Kind::Vlan(Box::new(made));
    let index = register(sim, id, link.name, link.mac.or(Some(mac)), link.mtu.or(Some(mtu)), kind)?;
    upper::join(&mut sim.netns, Upper { at: (id, index), above: Above::Vlan(tag), wants_all: false }, lower);
    settle(sim, (id, index), lower, carrier);
    Ok(index)
}

/// A device that sits on another has its carrier, and each namespace a number for the other's.
fn settle(sim: &mut Sim, (id, index): At, lower: At, carrier: bool) {
    let Some(ns) = sim.netns.by_id_mut(id) else { return };
    ns.refers_to(lower.0, &sim.world.gone);
    if let Some(dev) = ns.dev_mut(index) {
        dev.carrier = carrier;
    }
    // Link watch looks at it.
    let state = state::operstate(ns, index);
    if let Some(dev) = ns.dev_mut(index) {
        dev.operstate = state;
    }
}

fn find(sim: &Sim, (netns, name): &Lower) -> Result<At, Fault> {
    let id = sim.netns.id(netns).ok_or_else(enoent)?;
    let index = sim.netns.by_id(id).and_then(|ns| ns.devs.by_name(*name)).ok_or(Fault::errno(Errno::ENODEV))?;
    Ok((id, index))
}

/// A refusal as the module words it (`NL_SET_ERR_MSG_MOD`).
fn of_vlan(errno: Errno, text: &str) -> Fault {
    Fault::refused(errno, &format!("8021q: {text}"))
}
