//! VXLAN devices: `IFLA_VXLAN_*`.
//!
//! Kernel counterpart: `vxlan_nl2conf()`, `vxlan_fill_info()`. A device with what the model has no word for is none of ours.

use netlink_packet_route::link::{InfoVxlan, VxlanDf};
use nettwin_model::vxlan::{OuterDf, OuterTtl, Vxlan, VxlanChange};

/// What is said of a new one; `dev`: the index of the device that it sends by.
pub(super) fn attributes(of: &Vxlan, dev: Option<u32>) -> Vec<InfoVxlan> {
    let usual = Vxlan::new(of.id);
    let mut out = vec![
        InfoVxlan::Id(of.id),
        InfoVxlan::Port(of.dstport),
        InfoVxlan::Learning(of.learning),
        InfoVxlan::Ageing(of.ageing),
        InfoVxlan::UDPCsum(of.udpcsum),
    ];
    out.extend(of.remote.map(InfoVxlan::Group));
    out.extend(of.local.map(InfoVxlan::Local));
    out.extend(dev.map(InfoVxlan::Link));
    if of.srcport != usual.srcport {
        out.push(InfoVxlan::PortRange(of.srcport));
    }
    match of.ttl {
        OuterTtl::Auto => {}
        OuterTtl::Inherit => out.push(InfoVxlan::TtlInheritFlag),
        OuterTtl::Is(ttl) => out.push(InfoVxlan::Ttl(ttl)),
    }
    if of.tos != 0 {
        out.push(InfoVxlan::Tos(of.tos));
    }
    match of.df {
        OuterDf::Unset => {}
        OuterDf::Set => out.push(InfoVxlan::Df(VxlanDf::Set)),
        OuterDf::Inherit => out.push(InfoVxlan::Df(VxlanDf::Inherit)),
    }
    if of.maxaddress != 0 {
        out.push(InfoVxlan::Limit(of.maxaddress));
    }
    let flags = [
        (of.proxy, InfoVxlan::Proxy(true)),
        (of.rsc, InfoVxlan::Rsc(true)),
        (of.l2miss, InfoVxlan::L2Miss(true)),
        (of.l3miss, InfoVxlan::L3Miss(true)),
    ];
    out.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, flag)| flag));
    out
}

/// What is said anew of one; `dev` as above.
pub(super) fn changes(said: &VxlanChange, dev: Option<u32>) -> Vec<InfoVxlan> {
    let mut out = Vec::new();
    out.extend(said.remote.map(InfoVxlan::Group));
    out.extend(said.local.map(InfoVxlan::Local));
    out.extend(dev.map(InfoVxlan::Link));
    out.extend(said.ttl.map(|ttl| match ttl {
        OuterTtl::Auto => InfoVxlan::Ttl(0),
        OuterTtl::Inherit => InfoVxlan::TtlInheritFlag,
        OuterTtl::Is(ttl) => InfoVxlan::Ttl(ttl),
    }));
    out.extend(said.tos.map(InfoVxlan::Tos));
    out.extend(said.df.map(|df| {
        InfoVxlan::Df(match df {
            OuterDf::Unset => VxlanDf::Unset,
            OuterDf::Set => VxlanDf::Set,
            OuterDf::Inherit => VxlanDf::Inherit,
        })
    }));
    out.extend(said.learning.map(InfoVxlan::Learning));
    out.extend(said.ageing.map(InfoVxlan::Ageing));
    out
}

/// What the kernel shows; the device that it sends by is a number, and named elsewhere.
pub(super) fn parse(attributes: &[InfoVxlan]) -> Option<Vxlan> {
    let mut of = Vxlan { learning: false, ageing: 0, ..Vxlan::new(0) };
    for attribute in attributes {
        match attribute {
            InfoVxlan::Id(id) => of.id = *id,
            InfoVxlan::Group(addr) => of.remote = Some(*addr),
            InfoVxlan::Local(addr) => of.local = Some(*addr),
            InfoVxlan::Port(port) => of.dstport = *port,
            InfoVxlan::PortRange(range) => of.srcport = *range,
            InfoVxlan::Ttl(ttl) if *ttl != 0 => of.ttl = OuterTtl::Is(*ttl),
            InfoVxlan::TtlInherit(inherits) if *inherits != 0 => of.ttl = OuterTtl::Inherit,
            InfoVxlan::Tos(tos) => of.tos = *tos,
            InfoVxlan::Df(VxlanDf::Set) => of.df = OuterDf::Set,
            InfoVxlan::Df(VxlanDf::Inherit) => of.df = OuterDf::Inherit,
            InfoVxlan::Learning(on) => of.learning = *on,
            InfoVxlan::Ageing(seconds) => of.ageing = *seconds,
            InfoVxlan::Limit(most) => of.maxaddress = *most,
            InfoVxlan::Proxy(on) => of.proxy = *on,
            InfoVxlan::Rsc(on) => of.rsc = *on,
            InfoVxlan::L2Miss(on) => of.l2miss = *on,
            InfoVxlan::L3Miss(on) => of.l3miss = *on,
            InfoVxlan::UDPCsum(on) => of.udpcsum = *on,
            InfoVxlan::CollectMetadata(true) | InfoVxlan::Group6(_) | InfoVxlan::Local6(_) => return None,
            _ => {}
        }
    }
    Some(of)
}

/// The index of the device that one sends by.
pub(crate) fn link(attributes: &[InfoVxlan]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        InfoVxlan::Link(index) => Some(*index),
        _ => None,
    })
}
