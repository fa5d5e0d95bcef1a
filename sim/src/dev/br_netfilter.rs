//! What becomes of IPv4 that crosses a bridge because the IP firewall may see it.
//!
//! Kernel counterpart: `net/bridge/br_netfilter_hooks.c`, in force while `net.bridge.bridge-nf-call-iptables` is 1, which it
//! is from the start. The header is looked at as `ip_rcv()` does and what follows the packet is cut off; on the way out of a
//! port with a small MTU the packet is cut into fragments, of which a bridge by itself knows nothing. Between, it passes
//! the IP firewall's hooks. Deliberately absent: the bridge's own attribute `nf_call_iptables`, IPv6, the way to another host
//! that a translated destination takes.

use crate::drop::DropReason;
use crate::frame::L2_LEN;
use crate::ip::{flag, frag};
use crate::netns::{Ifindex, Netns};
use crate::nf;
use crate::path::{self, Next, Pkt, Stage};
use crate::world::World;
use nettwin_model::rules::Hook;
use nettwin_model::wire::{Ipv4, Ipv4Fault};

/// Whether it looks at a frame at all: not at a tagged one (`bridge-nf-filter-vlan-tagged` is 0).
#[inline]
pub(crate) fn sees(ns: &Netns, frame: &[u8], tagged: bool) -> bool {
    !tagged && frame.get(12..L2_LEN) == Some(&[0x08, 0x00]) && ns.sysctl.net.bridge_nf_call_iptables != 0
}

/// Whether the header of a packet that comes in is good (`br_validate_ipv4`).
pub(crate) fn validate(frame: &[u8]) -> Result<(), DropReason> {
    Ipv4::new(&frame[L2_LEN..]).map(|_| ()).map_err(|fault| match fault {
        Ipv4Fault::Checksum => DropReason::IpChecksum,
        _ => DropReason::IpHeader,
    })
}

/// What a bridge forwards passes the IP firewall's hooks too, as if the bridge itself had received and sent it.
pub(crate) fn hook(ns: &mut Netns, w: &mut World, pkt: &mut Pkt, hook: Hook, bridge: Ifindex) -> Result<(), Next> {
    if !sees(ns, w.frames.bytes(pkt.frame), pkt.tag.is_some()) {
        return Ok(());
    }
    let (iif, oif) = match hook {
        Hook::Prerouting => (bridge, Ifindex::NONE),
        Hook::Postrouting => (Ifindex::NONE, bridge),
        Hook::Input | Hook::Forward | Hook::Output => (bridge, bridge),
    };
    pkt.flags |= flag::BRIDGED;
    nf::at(ns, w, pkt, hook, iif, oif)
}

/// Cuts off what follows the packet.
pub(crate) fn trim(w: &mut World, pkt: &mut Pkt) {
    let bytes = w.frames.bytes(pkt.frame);
    let Some(len) = Ipv4::unsummed(&bytes[L2_LEN..]).map(|ip| L2_LEN + ip.total_len()) else { return };
    if bytes.len() > len {
        w.frames.edit(&mut pkt.frame).truncate(len);
    }
}

/// What becomes of a packet that leaves by the port `pkt.dev` and is longer than its MTU (`br_nf_dev_queue_xmit`); `None` of
/// any other.
#[inline]
pub(crate) fn xmit(ns: &mut Netns, w: &mut World, pkt: &Pkt) -> Option<Next> {
    let mtu = ns.dev(pkt.dev)?.mtu;
    if w.frames.len(pkt.frame) <= L2_LEN + mtu as usize || !sees(ns, w.frames.bytes(pkt.frame), pkt.tag.is_some()) {
        return None;
    }
    Some(cut(ns, w, pkt, mtu))
}

#[cold]
fn cut(ns: &mut Netns, w: &mut World, pkt: &Pkt, mtu: u32) -> Next {
    if Ipv4::unsummed(&w.frames.bytes(pkt.frame)[L2_LEN..]).is_none_or(|ip| ip.df()) {
        return Next::Drop(DropReason::TooBig); // Nobody is told.
    }
    let mut parts = frag::split(w, pkt, mtu).into_iter();
    while let Some(mut part) = parts.next() {
        if path::run(ns, w, &mut part, Stage::Qdisc).ends_packet() {
            parts.by_ref().for_each(|part| w.drop_frame(ns, Stage::Qdisc, &part, DropReason::PartLost));
        }
    }
    Next::Done
}
