//! A bridge's VLANs: which frame is in which, and which port takes it.
//!
//! Kernel counterpart: `net/bridge/br_vlan.c`. Every bridge and port has its VLANs whether or not the bridge filters by them;
//! while it does not, every frame is in none. Deliberately absent: states and other options of a VLAN, tunnels.

use super::bridge::{Bridge, PortRef};
use super::fdb::{self, SELF};
use super::port;
use crate::drop::DropReason;
use crate::frame::Slab;
use crate::netns::{Ifindex, Netns};
use crate::path::Pkt;
use crate::world::World;
use nettwin_model::bridge::{VlanCount, VlanStatus};
use nettwin_model::vlan::{PROTO_8021AD, PROTO_8021Q, Tag, VID_END};
use nettwin_model::{BridgeVlan, Errno, Fault, IfName, Mac, PortState, VlanRange};
use std::collections::BTreeMap;

/// What a bridge has set about VLANs.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// It filters.
    pub(crate) on: bool,
    /// Whose tags count.
    pub(crate) proto: u16,
    /// What a new port gets, 0 for none.
    pub(crate) default_pvid: u16,
    /// Frames are counted.
    pub(crate) counts: bool,
    /// Ports' VLANs have counters of their own.
    pub(crate) per_port: bool,
    /// The counters that ports share.
    shared: BTreeMap<u16, VlanCount>,
}

impl Default for Filter {
    fn default() -> Self {
        let shared = BTreeMap::new();
        Filter { on: false, proto: PROTO_8021Q, default_pvid: 1, counts: false, per_port: false, shared }
    }
}

impl Filter {
    /// It filters by providers' tags: then the spanning tree speaks to another group.
    fn is_provider(&self) -> bool {
        self.on && self.proto == PROTO_8021AD
    }

    /// The last byte of the group that the spanning tree speaks to (`recalculate_group_addr`).
    pub(crate) fn group(&self) -> u8 {
        if self.is_provider() { 8 } else { 0 }
    }

    /// Which reserved groups are forwarded whatever else is said (`br_recalculate_fwd_mask`).
    pub(crate) fn forwards(&self) -> u16 {
        if self.is_provider() { PROVIDER_GROUPS & !(1 << self.group()) } else { 0 }
    }
}

/// The VLANs of a port, or of the bridge itself (`struct net_bridge_vlan_group`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Vlans {
    /// That of untagged frames, 0 for none.
    pvid: u16,
    /// By number. Most ports have one, so there is room for no more than there are.
    list: Box<[Vlan]>,
}

#[derive(Clone, Debug)]
struct Vlan {
    vid: u16,
    untagged: bool,
    /// Counters of its own.
    own: Option<Box<VlanCount>>,
}

impl Vlans {
    /// Their numbers.
    pub(crate) fn ids(&self) -> Vec<u16> {
        self.list.iter().map(|vlan| vlan.vid).collect()
    }

    /// Whether a VLAN is among them; no VLAN always is.
    pub(crate) fn has(&self, vid: u16) -> bool {
        vid == 0 || self.get(vid).is_some()
    }

    #[inline]
    fn get(&self, vid: u16) -> Option<&Vlan> {
        self.list.binary_search_by_key(&vid, |vlan| vlan.vid).ok().map(|at| &self.list[at])
    }

    fn get_mut(&mut self, vid: u16) -> Option<&mut Vlan> {
        self.list.binary_search_by_key(&vid, |vlan| vlan.vid).ok().map(|at| &mut self.list[at])
    }

    /// Its list is changed.
    fn edit(&mut self, how: impl FnOnce(&mut Vec<Vlan>)) {
        let mut list = std::mem::take(&mut self.list).into_vec();
        how(&mut list);
        self.list = list.into_boxed_slice();
    }

    /// As they are shown.
    pub(crate) fn shown(&self) -> Vec<BridgeVlan> {
        let shown = |&Vlan { vid, untagged, .. }: &Vlan| BridgeVlan { vid, pvid: vid == self.pvid, untagged };
        self.list.iter().map(shown).collect()
    }

    /// Whether `vid` is as the machine gave it (`vlan_default_pvid`).
    fn is_default(&self, vid: u16) -> bool {
        vid == self.pvid && self.get(vid).is_some_and(|vlan| vlan.untagged)
    }
}

impl Bridge {
    /// The VLANs of a port, or of the bridge itself.
    pub(crate) fn vlans(&self, number: u16) -> Option<&Vlans> {
        if number == SELF { Some(&self.vlans) } else { self.port(number).map(|p| &p.vlans) }
    }

    fn vlans_mut(&mut self, number: u16) -> Option<&mut Vlans> {
        if number == SELF { Some(&mut self.vlans) } else { self.port_mut(number).map(|p| &mut p.vlans) }
    }

    fn count(&mut self, number: u16, vid: u16, add: impl FnOnce(&mut VlanCount)) {
        if !self.filter.counts {
            return;
        }
        match self.vlans_mut(number).and_then(|vlans| vlans.get_mut(vid)).map(|vlan| &mut vlan.own) {
            Some(Some(own)) => add(own),
            Some(None) => add(self.filter.shared.entry(vid).or_default()),
            None => {}
        }
    }

    /// What is told of a port's VLANs, or of the bridge's own.
    pub(crate) fn vlan_status(&self, number: u16) -> Vec<VlanStatus> {
        let Some(vlans) = self.vlans(number) else { return Vec::new() };
        let count = |vid: u16| {
            let own = vlans.get(vid).and_then(|vlan| vlan.own.as_deref().copied());
            own.or_else(|| self.filter.shared.get(&vid).copied()).unwrap_or_default()
        };
        let status = |vlan: BridgeVlan| VlanStatus { vlan, state: PortState::Forwarding, count: count(vlan.vid) };
        vlans.shown().into_iter().map(status).collect()
    }
}

/// Which VLAN a frame is in that comes in by a port, or ([`SELF`]) that the bridge itself sends; its tag says so from then
/// on (`br_allowed_ingress`). Of a reserved group's frame only which one its source is learned in (`br_should_learn`).
#[inline]
pub(crate) fn enter(
    b: &mut Bridge,
    number: u16,
    reserved: bool,
    frames: &mut Slab,
    pkt: &mut Pkt,
) -> Result<u16, DropReason> {
    if !b.filter.on {
        return Ok(0);
    }
    let proto = b.filter.proto;
    let own = pkt.tag.filter(|tag| tag.proto == proto);
    let Some(vlans) = b.vlans(number) else { return Err(DropReason::DevDown) };
    let vid = match own.map_or(0, Tag::vid) {
        0 if vlans.pvid == 0 => return Err(DropReason::NoPvid),
        0 => vlans.pvid,
        vid if !vlans.has(vid) => return Err(DropReason::NotInVlan),
        vid => vid,
    };
    if reserved {
        return Ok(vid);
    }
    if let (Some(other), None) = (pkt.tag, own) {
        // Another protocol's tag is no more than bytes.
        other.put(frames.edit(&mut pkt.frame));
    }
    pkt.tag = Some(Tag { proto, tci: own.map_or(0, |tag| tag.tci) & !0x0fff | vid });
    let len = frames.len(pkt.frame).saturating_sub(crate::frame::L2_LEN) as u64;
    b.count(number, vid, |count| (count.rx_packets, count.rx_bytes) = (count.rx_packets + 1, count.rx_bytes + len));
    Ok(vid)
}

/// Whether a port, or the bridge itself, takes a frame (`br_allowed_egress`).
#[inline]
pub(crate) fn is_allowed(b: &Bridge, vlans: &Vlans, tag: Option<Tag>) -> bool {
    !b.filter.on || tag.is_some_and(|tag| vlans.get(tag.vid()).is_some())
}

/// A frame leaves by a port, or goes up: its tag is taken off where the VLAN says so (`br_handle_vlan`).
#[inline]
pub(crate) fn leave(b: &mut Bridge, number: u16, frames: &Slab, pkt: &mut Pkt) {
    if !b.filter.on {
        return;
    }
    let Some(vid) = pkt.tag.map(Tag::vid) else { return };
    let Some(untagged) = b.vlans(number).and_then(|vlans| vlans.get(vid)).map(|vlan| vlan.untagged) else { return };
    let len = frames.len(pkt.frame).saturating_sub(crate::frame::L2_LEN) as u64;
    b.count(number, vid, |count| (count.tx_packets, count.tx_bytes) = (count.tx_packets + 1, count.tx_bytes + len));
    if untagged {
        pkt.tag = None;
    }
}

/// `bridge vlan add` (`br_process_vlan_info`).
pub(crate) fn add(ns: &mut Netns, w: &mut World, dev: IfName, range: VlanRange, own: bool) -> Result<(), Fault> {
    let (bridge, number) = place(ns, dev, own)?;
    check(range)?;
    for vlan in range.each() {
        add_one(ns, w, bridge, number, vlan);
    }
    w.shows_vlans = true;
    Ok(())
}

/// `bridge vlan del`.
pub(crate) fn del(ns: &mut Netns, w: &mut World, dev: IfName, range: VlanRange, own: bool) -> Result<(), Fault> {
    let (bridge, number) = place(ns, dev, own)?;
    // Of taking away the kernel says no more than that (`br_dellink`).
    check(range).map_err(|_| Fault::errno(Errno::EINVAL))?;
    for vlan in range.each() {
        del_one(ns, bridge, number, vlan.vid);
    }
    w.shows_vlans = true;
    Ok(())
}

/// The bridge, and which port of it, that a device and `self` or `master` name.
fn place(ns: &Netns, dev: IfName, own: bool) -> Result<(Ifindex, u16), Fault> {
    let dev = ns.dev_named(dev).ok_or(Fault::errno(Errno::ENODEV))?;
    match (dev.port, dev.bridge()) {
        (_, Some(_)) if own => Ok((dev.ifindex, SELF)),
        (Some(PortRef { bridge, number }), _) if !own => Ok((bridge, number)),
        _ => Err(Fault::errno(Errno::EOPNOTSUPP)),
    }
}

fn check(VlanRange { first, last, pvid, .. }: VlanRange) -> Result<(), Fault> {
    let invalid = |vid: u16| vid == 0 || vid >= VID_END;
    if invalid(first) || invalid(last) {
        return Err(Fault::refused(Errno::EINVAL, "bridge: Vlan id is invalid"));
    }
    if first > last {
        return Err(Fault::refused(Errno::EINVAL, "End vlan id is less than or equal to start vlan id"));
    }
    if first != last && pvid {
        return Err(Fault::refused(Errno::EINVAL, "Pvid isn't allowed in a range"));
    }
    Ok(())
}

/// A new port gets the default VLAN (`nbp_vlan_init`), and a new bridge itself.
pub(crate) fn born(ns: &mut Netns, w: &World, bridge: Ifindex, number: u16) {
    let pvid = ns.dev(bridge).and_then(|d| d.bridge()).map_or(0, |b| b.filter.default_pvid);
    if pvid != 0 {
        add_one(ns, w, bridge, number, BridgeVlan { vid: pvid, pvid: true, untagged: true });
    }
}

/// `nbp_vlan_add`, `br_vlan_add`.
fn add_one(ns: &mut Netns, w: &World, bridge: Ifindex, number: u16, vlan: BridgeVlan) {
    let Some(mac) = mac_of(ns, bridge, number) else { return };
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    let own = (b.filter.per_port && number != SELF).then(Box::default);
    let Some(vlans) = b.vlans_mut(number) else { return };
    let BridgeVlan { vid, pvid, untagged } = vlan;
    let place = vlans.list.binary_search_by_key(&vid, |vlan| vlan.vid);
    match place {
        Ok(at) => vlans.list[at].untagged = untagged,
        Err(at) => vlans.edit(|list| list.insert(at, Vlan { vid, untagged, own })),
    }
    if pvid {
        vlans.pvid = vid;
    } else if vlans.pvid == vid {
        vlans.pvid = 0;
    }
    if place.is_err() {
        port::add_own(b, number, mac, vid, w.now);
    }
}

/// `nbp_vlan_delete`, `br_vlan_delete`: what was learned in it goes with it.
fn del_one(ns: &mut Netns, bridge: Ifindex, number: u16, vid: u16) {
    let (Some(mac), Some(bridge_mac)) = (mac_of(ns, bridge, number), mac_of(ns, bridge, SELF)) else { return };
    let others = port::other_macs(ns, bridge, number);
    let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) else { return };
    if b.vlans(number).is_none_or(|vlans| vlans.get(vid).is_none()) {
        return;
    }
    port::remove_own(b, number, mac, vid, &others, Some(bridge_mac));
    b.fdb.flush_port_in(number, vid);
    if let Some(vlans) = b.vlans_mut(number) {
        vlans.edit(|list| list.retain(|vlan| vlan.vid != vid));
        if vlans.pvid == vid {
            vlans.pvid = 0;
        }
    }
    let anywhere = b.vlans.has(vid) || b.ports.iter().flatten().any(|p| p.vlans.has(vid));
    if !anywhere {
        b.filter.shared.remove(&vid);
    }
}

fn mac_of(ns: &Netns, bridge: Ifindex, number: u16) -> Option<Mac> {
    let dev = ns.dev(bridge)?;
    if number == SELF { Some(dev.mac) } else { Some(ns.dev(dev.bridge()?.port(number)?.dev)?.mac) }
}

/// The default VLAN changes where it is as it was given (`__br_vlan_set_default_pvid`, `br_vlan_disable_default_pvid`).
pub(crate) fn set_default_pvid(ns: &mut Netns, w: &World, bridge: Ifindex, pvid: u16) -> Result<(), Fault> {
    if pvid >= VID_END {
        return Err(Fault::errno(Errno::EINVAL));
    }
    let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { return Ok(()) };
    let old = b.filter.default_pvid;
    // The bridge itself first, then the ports, the newest first.
    let places: Vec<u16> = std::iter::once(SELF).chain(b.order.iter().copied()).collect();
    for number in places {
        let Some(b) = ns.dev(bridge).and_then(|d| d.bridge()) else { break };
        let Some(vlans) = b.vlans(number) else { continue };
        let was_given = old != 0 && vlans.is_default(old);
        let is_free = pvid != 0 && vlans.get(pvid).is_none();
        if pvid == 0 && was_given {
            del_one(ns, bridge, number, old);
        } else if is_free && (old == 0 || was_given) {
            add_one(ns, w, bridge, number, BridgeVlan { vid: pvid, pvid: true, untagged: true });
            if old != 0 {
                del_one(ns, bridge, number, old);
            }
        }
    }
    if let Some(b) = ns.dev_mut(bridge).and_then(|d| d.bridge_mut()) {
        b.filter.default_pvid = pvid;
    }
    Ok(())
}

/// The keys of an address in no VLAN and in each of a port's, or of the bridge's own.
pub(crate) fn keys(b: &Bridge, number: u16, mac: Mac) -> Vec<u64> {
    let key = fdb::key(&mac.0);
    let vids = b.vlans(number).map(Vlans::ids).unwrap_or_default();
    std::iter::once(key).chain(vids.into_iter().map(|vid| fdb::in_vlan(key, vid))).collect()
}

/// Of providers' bridges (`BR_GROUPFWD_8021AD`).
const PROVIDER_GROUPS: u16 = 0xb801;
