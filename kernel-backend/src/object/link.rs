//! Links: `RTM_NEWLINK`, `RTM_DELLINK`, `RTM_GETLINK`.
//!
//! Kernel counterpart: `rtnl_newlink()`, `do_setlink()`, `rtnl_fill_ifinfo()`, `veth_newlink()`. Deliberately absent:
//! VF and XDP attributes.

use crate::netlink::Request;
use crate::object::bond::{self, Named};
use crate::object::bridge::{self, BridgeRow, PortRow};
use crate::object::{virtuals, vxlan};
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoPortData, InfoPortKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType,
    LinkMessage, Prop, Stats64,
};
use nettwin_model::bond::BondSlave;
use nettwin_model::snapshot::LinkStats;
use nettwin_model::virtuals::VirtualChange;
use nettwin_model::{
    AddLink, BridgeAttrs, IfName, LinkChange, LinkTraits, Mac, NewLink, OperState, PortAttrs, Virtual,
};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};
use std::os::fd::RawFd;

/// What an [`AddLink`]'s names stand for.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) master: Option<u32>,
    /// A veth's other end's, or that of a device that sits on another: where it differs from the one that is asked.
    pub(crate) netns: Option<RawFd>,
    /// What the device sits on, in the namespace that is asked.
    pub(crate) lower: Option<u32>,
    /// What a bond's attributes name.
    pub(crate) named: Named,
    /// The index of the device that it needs ([`Virtual::needs`]).
    pub(crate) needs: Option<u32>,
}

/// Makes a link.
pub(crate) fn add(link: &AddLink, places: &Places) -> Request {
    let mut builder = match &link.kind {
        NewLink::Veth { peer } => {
            let mut other = one_queue(LinkUnspec::new_with_name(peer.name.as_str()));
            other = hardware(other, peer.mac, peer.mtu);
            if let Some(fd) = places.netns {
                other = other.setns_by_fd(fd);
            }
            let info = InfoData::Veth(InfoVeth::Peer(other.build()));
            one_queue(LinkMessageBuilder::new_with_info_kind(InfoKind::Veth)).set_info_data(info)
        }
        NewLink::Bridge { attrs } => {
            let builder = LinkMessageBuilder::new_with_info_kind(InfoKind::Bridge);
            if attrs.is_empty() { builder } else { builder.set_info_data(InfoData::Bridge(bridge::attributes(attrs))) }
        }
        NewLink::Virtual(kind) => {
            let mut builder = LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(virtuals::info_kind(kind));
            if let Some(data) = virtuals::info_data(kind, places.named, places.needs) {
                builder = builder.set_info_data(data);
            }
            if let Some(index) = places.lower {
                builder = builder.link(index);
            }
            if let Some(fd) = places.netns {
                builder = builder.setns_by_fd(fd);
            }
            builder
        }
    };
    builder = hardware(builder.name(link.name.as_str()), link.mac, link.mtu);
    if let Some(index) = places.master {
        builder = builder.controller(index);
    }
    if link.up {
        builder = builder.up();
    }
    Request::new(RouteNetlinkMessage::NewLink(builder.build()), NLM_F_CREATE | NLM_F_EXCL)
}

/// What a [`LinkChange`]'s names stand for.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// `Some(0)`: no master.
    pub(crate) master: Option<u32>,
    pub(crate) netns: Option<RawFd>,
}

/// Changes a link, found by index because a name in the message is the new one.
pub(crate) fn set(index: u32, change: &LinkChange, resolved: &Resolved) -> Request {
    let mut builder = hardware(LinkUnspec::new_with_index(index), change.mac, change.mtu);
    if let Some(master) = resolved.master {
        builder = builder.controller(master);
    }
    if let Some(fd) = resolved.netns {
        builder = builder.setns_by_fd(fd);
    }
    if let Some(name) = &change.rename {
        builder = builder.name(name.as_str());
    }
    if let Some(length) = change.txqueuelen {
        builder = builder.txqueuelen(length);
    }
    if let Some(alias) = &change.alias {
        builder = builder.alias(alias);
    }
    if let Some(group) = change.group {
        builder = builder.link_group(group);
    }
    if let Some(on) = change.promisc {
        builder = builder.promiscuous(on);
    }
    if let Some(on) = change.allmulti {
        builder = builder.allmulticast(on);
    }
    if let Some(on) = change.multicast {
        builder = builder.multicast(on);
    }
    if let Some(on) = change.arp {
        builder = builder.arp(on);
    }
    builder = match change.up {
        Some(true) => builder.up(),
        Some(false) => builder.down(),
        None => builder,
    };
    Request::new(RouteNetlinkMessage::NewLink(builder.build()), 0)
}

/// Changes a bridge's attributes.
pub(crate) fn set_bridge(index: u32, attrs: &BridgeAttrs) -> Request {
    let mut builder = LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(InfoKind::Bridge).index(index);
    builder = builder.set_info_data(InfoData::Bridge(bridge::attributes(attrs)));
    Request::new(RouteNetlinkMessage::NewLink(builder.build()), 0)
}

/// Changes what is said of a device's kind.
pub(crate) fn set_virtual(index: u32, change: &VirtualChange, named: Named) -> Request {
    let (kind, data) = virtuals::change(change, named);
    let builder = LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(kind).index(index).set_info_data(data);
    Request::new(RouteNetlinkMessage::NewLink(builder.build()), 0)
}

/// Changes a bridge port's attributes.
pub(crate) fn set_port(index: u32, attrs: &PortAttrs) -> Request {
    let mut message = LinkUnspec::new_with_index(index).build();
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::PortKind(InfoPortKind::Bridge),
        LinkInfo::PortData(InfoPortData::BridgePort(bridge::port_attributes(attrs))),
    ]));
    Request::new(RouteNetlinkMessage::NewLink(message), 0)
}

/// Gives a link a further name, or takes it away.
pub(crate) fn set_altname(index: u32, altname: &str, present: bool) -> Request {
    let mut message = LinkUnspec::new_with_index(index).build();
    message.attributes.push(LinkAttribute::PropList(vec![Prop::AltIfName(altname.to_owned())]));
    if present {
        return Request::new(RouteNetlinkMessage::NewLinkProp(message), NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND);
    }
    Request::new(RouteNetlinkMessage::DelLinkProp(message), 0)
}

/// Removes a link.
pub(crate) fn del(name: &IfName) -> Request {
    Request::new(RouteNetlinkMessage::DelLink(LinkUnspec::new_with_name(name.as_str()).build()), 0)
}

/// Asks for a link by name.
pub(crate) fn by_name(name: &IfName) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_name(name.as_str()).build())
}

/// Asks for a link by index.
pub(crate) fn by_index(index: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_index(index).build())
}

/// Asks for all links.
pub(crate) fn all() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkMessage::default())
}

type Builder = LinkMessageBuilder<LinkUnspec>;

fn hardware(mut builder: Builder, mac: Option<Mac>, mtu: Option<u32>) -> Builder {
    if let Some(mac) = mac {
        builder = builder.address(mac.0.to_vec());
    }
    if let Some(mtu) = mtu {
        builder = builder.mtu(mtu);
    }
    builder
}

/// A veth has a queue for every possible CPU unless told otherwise; making them is a third of its cost.
fn one_queue(builder: Builder) -> Builder {
    builder.append_extra_attribute(LinkAttribute::NumTxQueues(1)).append_extra_attribute(LinkAttribute::NumRxQueues(1))
}

/// A link as the kernel lists it.
#[derive(Clone, Debug)]
pub(crate) struct LinkRow {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// `IFLA_INFO_KIND`, empty where there is none (hardware, `lo`).
    pub(crate) kind: String,
    /// The kind with its attributes, less what it sits on.
    pub(crate) of: Option<Virtual>,
    /// The index of the device that it needs ([`Virtual::needs`]).
    pub(crate) needs: Option<u32>,
    pub(crate) loopback: bool,
    pub(crate) up: bool,
    pub(crate) mtu: u32,
    pub(crate) mac: Mac,
    pub(crate) master: Option<u32>,
    /// `IFLA_LINK`.
    pub(crate) lower: Option<u32>,
    /// `IFLA_LINK_NETNSID`: the namespace that `lower` is in, if not this one. Negative: one that has no number here.
    pub(crate) lower_netns: Option<i32>,
    pub(crate) operstate: OperState,
    pub(crate) carrier: bool,
    /// How often the carrier came or went.
    pub(crate) carrier_changes: u32,
    pub(crate) qdisc: String,
    pub(crate) stats: LinkStats,
    pub(crate) traits: LinkTraits,
    pub(crate) bridge: Option<BridgeRow>,
    pub(crate) port: Option<PortRow>,
    /// The slaves that a bond names.
    pub(crate) bond: Named,
    pub(crate) bond_slave: Option<BondSlave>,
}

impl LinkRow {
    /// From an answer or a row of a dump; `None` for any other message.
    pub(crate) fn new(message: RouteNetlinkMessage) -> Option<Self> {
        let RouteNetlinkMessage::NewLink(message) = message else { return None };
        let header = &message.header;
        let mut row = LinkRow {
            index: header.index,
            name: String::new(),
            kind: String::new(),
            of: None,
            needs: None,
            loopback: header.link_layer_type == LinkLayerType::Loopback,
            up: header.flags.contains(LinkFlags::Up),
            mtu: 0,
            mac: Mac::ZERO,
            master: None,
            lower: None,
            lower_netns: None,
            operstate: OperState::Unknown,
            carrier: header.flags.contains(LinkFlags::LowerUp),
            carrier_changes: 0,
            qdisc: String::new(),
            stats: LinkStats::default(),
            traits: LinkTraits {
                promisc: header.flags.contains(LinkFlags::Promisc),
                allmulti: header.flags.contains(LinkFlags::Allmulti),
                ..LinkTraits::default()
            },
            bridge: None,
            port: None,
            bond: Named::default(),
            bond_slave: None,
        };
        for attribute in message.attributes {
            row.take(attribute);
        }
        let born_multicast = row.of.as_ref().map_or(!row.loopback, Virtual::has_multicast);
        let born_arp = row.of.as_ref().is_none_or(Virtual::has_arp);
        row.traits.no_arp = header.flags.contains(LinkFlags::Noarp) == born_arp;
        row.traits.no_multicast = header.flags.contains(LinkFlags::Multicast) != born_multicast;
        Some(row)
    }

    fn take(&mut self, attribute: LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name = name,
            LinkAttribute::Mtu(mtu) => self.mtu = mtu,
            LinkAttribute::Address(bytes) => self.mac = bytes.try_into().map_or(Mac::ZERO, Mac),
            LinkAttribute::Controller(index) => self.master = Some(index),
            LinkAttribute::Link(index) => self.lower = Some(index),
            LinkAttribute::LinkNetNsId(id) => self.lower_netns = Some(id),
            // Not the flag: IFF_LOWER_UP is shown only while the link is also up.
            LinkAttribute::Carrier(on) => self.carrier = on != 0,
            LinkAttribute::CarrierChanges(count) => self.carrier_changes = count,
            LinkAttribute::OperState(state) => {
                self.operstate = OperState::from_number(state.into()).unwrap_or(OperState::Unknown);
            }
            LinkAttribute::Qdisc(kind) => self.qdisc = kind,
            LinkAttribute::TxQueueLen(length) => self.traits.txqueuelen = length,
            LinkAttribute::IfAlias(alias) => self.traits.alias = Some(alias),
            LinkAttribute::Group(group) => self.traits.group = group,
            LinkAttribute::PropList(props) => {
                let name = |prop| match prop {
                    Prop::AltIfName(name) => Some(name),
                    _ => None,
                };
                self.traits.altnames = props.into_iter().filter_map(name).collect();
            }
            LinkAttribute::Stats64(stats) => self.stats = counters(&stats),
            LinkAttribute::LinkInfo(infos) => infos.into_iter().for_each(|info| self.take_info(info)),
            _ => {}
        }
    }

    fn take_info(&mut self, info: LinkInfo) {
        match info {
            LinkInfo::Kind(kind) => {
                self.of = virtuals::parse(&kind);
                self.kind = kind.to_string();
            }
            LinkInfo::Data(InfoData::Bridge(attributes)) => self.bridge = Some(bridge::parse(&attributes)),
            LinkInfo::Data(data) => {
                if let InfoData::Bond(attributes) = &data {
                    self.bond = bond::named(attributes);
                }
                if let InfoData::Vxlan(attributes) = &data {
                    self.needs = vxlan::link(attributes);
                }
                self.of = virtuals::parse_data(&data).or(self.of.take());
            }
            LinkInfo::PortData(InfoPortData::BondPort(attributes)) => {
                self.bond_slave = Some(bond::parse_slave(&attributes));
            }
            LinkInfo::PortData(InfoPortData::BridgePort(attributes)) => {
                self.port = Some(bridge::parse_port(&attributes));
            }
            _ => {}
        }
    }
}

fn counters(s: &Stats64) -> LinkStats {
    LinkStats {
        rx_packets: s.rx_packets,
        rx_bytes: s.rx_bytes,
        rx_dropped: s.rx_dropped,
        tx_packets: s.tx_packets,
        tx_bytes: s.tx_bytes,
        tx_dropped: s.tx_dropped,
    }
}
