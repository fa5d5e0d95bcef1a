//! An 802.1Q device: what it sends leaves by the device below with a tag, what comes there with the tag it receives.
//!
//! Kernel counterpart: `net/8021q/vlan_dev.c`, `vlan_core.c`, `vlan.c` (`vlan_device_event`). Deliberately absent: tags that
//! are seen of what is sent by one VLAN device on another, GVRP, MVRP, `bridge_binding`, what the ingress map makes of frames
//! that go on through a bridge (what is routed has the priority of its type of service). Below a device of another namespace
//! its drops are counted there only.

use super::upper::{self, Above, At, News, Seen};
use super::{Kind, state};
use crate::drop::DropReason;
use crate::netns::{Ifindex, Netns, NetnsTable};
use crate::path::{self, Fate, Next, Pkt, Stage};
use crate::qdisc;
use crate::tag::{self, Tag};
use crate::world::World;
use nettwin_model::Mac;
use nettwin_model::virtuals::{VlanChange, VlanProtocol, map_egress, map_ingress};

/// A VLAN device's state.
#[derive(Clone, Debug)]
pub(crate) struct Vlan {
    /// The device that it sits on.
    pub(crate) lower: At,
    /// Its tag.
    pub(crate) tag: Tag,
    /// It goes its own way up and down (`VLAN_FLAG_LOOSE_BINDING`).
    pub(crate) loose: bool,
    /// The tags of what it receives are not seen (`VLAN_FLAG_REORDER_HDR`).
    pub(crate) reorder: bool,
    /// What becomes of priorities, where anything does.
    pub(crate) maps: Option<Box<Maps>>,
    /// It has the MAC of the device below (`NET_ADDR_STOLEN`).
    pub(crate) inherits: bool,
    /// The MAC of the device below as it last saw it (`real_dev_addr`).
    pub(crate) lower_mac: Mac,
}

/// Priorities and what they become, as the model has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maps {
    pub(crate) ingress: Vec<(u32, u32)>,
    pub(crate) egress: Vec<(u32, u32)>,
}

impl Vlan {
    /// What `ip link set type vlan` says (`vlan_changelink`).
    pub(crate) fn change(&mut self, change: &VlanChange) {
        self.loose = change.loose_binding.unwrap_or(self.loose);
        self.reorder = change.reorder_hdr.unwrap_or(self.reorder);
        if change.ingress.is_empty() && change.egress.is_empty() {
            return;
        }
        let maps = self.maps.get_or_insert_default();
        change.ingress.iter().for_each(|&of| map_ingress(&mut maps.ingress, of));
        change.egress.iter().for_each(|&of| map_egress(&mut maps.egress, of));
    }

    /// The tag of a frame of this priority (`vlan_dev_get_egress_qos_mask`).
    fn tag_for(&self, priority: u32) -> Tag {
        let known = self.maps.iter().flat_map(|maps| &maps.egress).find(|(from, _)| *from == priority);
        let to = known.map_or(0, |(_, to)| *to as u16); // 0 to 7
        Tag { tci: self.tag.tci | to << 13, ..self.tag }
    }

    /// As the model has it, less what it sits on.
    pub(crate) fn shown(&self) -> nettwin_model::virtuals::Vlan {
        let protocol =
            if self.tag.proto == VlanProtocol::Dot1ad.number() { VlanProtocol::Dot1ad } else { VlanProtocol::Dot1q };
        nettwin_model::virtuals::Vlan {
            protocol,
            loose_binding: self.loose,
            reorder_hdr: self.reorder,
            ingress: self.maps.as_ref().map(|maps| maps.ingress.clone()).unwrap_or_default(),
            egress: self.maps.iter().flat_map(|maps| &maps.egress).filter(|(_, to)| *to != 0).copied().collect(),
            ..nettwin_model::virtuals::Vlan::new(self.tag.vid())
        }
    }
}

/// Gives a frame that came with a tag to the device whose it is (`vlan_do_receive`); `None`: nobody's here.
pub(crate) fn receive(ns: &Netns, w: &mut World, pkt: &mut Pkt, tag: Tag) -> Option<Next> {
    let is_its = |t: Tag| (t.proto, t.vid()) == (tag.proto, tag.vid());
    let (id, upper) =
        ns.dev(pkt.dev)?.uppers.iter().find(|upper| matches!(upper.above, Above::Vlan(t) if is_its(t)))?.at;
    // The device itself takes the tag off: it may want to be seen with it.
    if id == ns.id {
        pkt.dev = upper;
        return Some(Next::To(Stage::Dev));
    }
    w.push_next(id, Stage::Dev, pkt.passed(upper));
    Some(Next::Done)
}

/// Sends (`vlan_dev_hard_start_xmit`).
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &mut Pkt) -> Next {
    let at = pkt.dev;
    let Some(Kind::Vlan(vlan)) = ns.dev(at).map(|dev| &dev.kind) else { return Next::Drop(DropReason::DevDown) };
    let (id, lower) = vlan.lower;
    // What a wire brought to a bridge has none.
    let priority = if is_bridged(ns, pkt) { 0 } else { qdisc::priority(pkt, w.frames.bytes(pkt.frame)) as u32 }; // 0 to 6
    let tag = vlan.tag_for(priority);
    // A tag that it has already is further inside.
    tag::push(&mut w.frames, pkt);
    let len = w.frames.len(pkt.frame) as u64;
    let mut below = Pkt { dev: lower, tag: Some(tag), ..*pkt };
    let fate = if id == ns.id {
        path::run(ns, w, &mut below, Stage::Qdisc)
    } else {
        w.push_next(id, Stage::Qdisc, below);
        Fate::Done
    };
    if let Some(dev) = ns.dev_mut(at) {
        dev.count_sent(fate, len);
    }
    Next::Ended(fate)
}

/// Whether a bridge sends by this port what came in by another one.
fn is_bridged(ns: &Netns, pkt: &Pkt) -> bool {
    let bridge = |index: Ifindex| ns.dev(index).and_then(|dev| dev.port).map(|port| port.bridge);
    bridge(pkt.dev).is_some_and(|here| bridge(pkt.iif) == Some(here))
}

/// The device below changed (`vlan_device_event`).
pub(crate) fn hear(netns: &mut NetnsTable, w: &mut World, (id, index): At, seen: Seen, news: News) {
    let Some(ns) = netns.by_id_mut(id) else { return };
    let Some(dev) = ns.dev_mut(index) else { return };
    let up = dev.up;
    let Kind::Vlan(vlan) = &mut dev.kind else { return };
    let loose = vlan.loose;
    match news {
        News::Up if up => return,
        News::Up if !loose => {
            // It is up by now, so nothing refuses.
            let _ = state::open(netns, w, id, index);
        }
        News::Down if !up || loose => return,
        News::Down => state::close(netns, w, id, index),
        News::Up | News::Carrier => {}
        News::Peers | News::Groups => return,
        News::Mac => {
            if up {
                inherit(ns, w, index, seen.mac);
                upper::tell_below(netns, (id, index));
            }
            return;
        }
        News::Mtu => {
            if dev.mtu > seen.mtu {
                state::set_mtu(ns, w, index, seen.mtu);
            }
            return;
        }
    }
    if let Some(ns) = netns.by_id_mut(id) {
        state::set_carrier(ns, w, index, seen.carrier);
    }
}

/// It takes the MAC of the device below, unless it has one of its own (`vlan_sync_address`).
pub(crate) fn inherit(ns: &mut Netns, w: &mut World, index: Ifindex, mac: Mac) {
    let Some(dev) = ns.dev_mut(index) else { return };
    let Kind::Vlan(vlan) = &mut dev.kind else { return };
    let known = std::mem::replace(&mut vlan.lower_mac, mac);
    if known == mac || !vlan.inherits {
        return;
    }
    state::set_mac(ns, w, index, mac);
}
