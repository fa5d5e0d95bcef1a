//! Bridges' and their ports' attributes: `IFLA_BR_*`, `IFLA_BRPORT_*`.
//!
//! Kernel counterpart: `br_changelink()`, `br_fill_info()`, `br_setport()`, `br_port_fill_attrs()`. What a kernel does not
//! show it was built without, or is too old for; it is observed as its default, and [`Offered`] tells before something
//! else is asked of it, because such a kernel passes over what it does not know. VLANs are in [`vlan`](super::vlan). Groups
//! are in [`mdb`](super::mdb).

use crate::netlink::Request;
use netlink_packet_core::DefaultNla;
use netlink_packet_route::link::{
    BridgeStpState, InfoBridge, InfoBridgePort, LinkAttribute, LinkMessage, LinkProtoInfoBridge,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nettwin_model::bridge::{BridgeStatus, PortStatus};
use nettwin_model::link::BridgeId;
use nettwin_model::snapshot::{BridgeDerived, PortDerived};
use nettwin_model::{BridgeAttrs, Mac, PortAttrs, PortState};

/// What is said of a bridge, as attributes.
pub(crate) fn attributes(attrs: &BridgeAttrs) -> Vec<InfoBridge> {
    let BridgeAttrs {
        stp_state,
        forward_delay,
        hello_time,
        max_age,
        ageing_time,
        priority,
        group_fwd_mask,
        mcast_snooping,
        mcast_querier,
        vlan_filtering,
        fdb_max_learned,
        vlan_protocol,
        vlan_default_pvid,
        vlan_stats_enabled,
        vlan_stats_per_port,
        mcast_router,
        mcast_last_member_count,
        mcast_startup_query_count,
        mcast_last_member_interval,
        mcast_membership_interval,
        mcast_querier_interval,
        mcast_query_interval,
        mcast_query_response_interval,
        mcast_startup_query_interval,
    } = attrs;
    let stp = |on| if on { BridgeStpState::KernelStp } else { BridgeStpState::Disabled };
    [
        forward_delay.map(InfoBridge::ForwardDelay),
        hello_time.map(InfoBridge::HelloTime),
        max_age.map(InfoBridge::MaxAge),
        ageing_time.map(InfoBridge::AgeingTime),
        stp_state.map(stp).map(InfoBridge::StpState),
        priority.map(InfoBridge::Priority),
        group_fwd_mask.map(InfoBridge::GroupFwdMask),
        mcast_snooping.map(InfoBridge::MulticastSnooping),
        mcast_querier.map(InfoBridge::MulticastQuerier),
        vlan_filtering.map(InfoBridge::VlanFiltering),
        vlan_protocol.map(|proto| InfoBridge::VlanProtocol(proto.into())),
        vlan_default_pvid.map(InfoBridge::VlanDefaultPvid),
        vlan_stats_enabled.map(InfoBridge::VlanStatsEnabled),
        vlan_stats_per_port.map(InfoBridge::VlanStatsPerPort),
        mcast_router.map(|kind| InfoBridge::MulticastRouter(kind.into())),
        mcast_last_member_count.map(InfoBridge::MulticastLastMemberCount),
        mcast_startup_query_count.map(InfoBridge::MulticastStartupQueryCount),
        mcast_last_member_interval.map(u64::from).map(InfoBridge::MulticastLastMemberInterval),
        mcast_membership_interval.map(u64::from).map(InfoBridge::MulticastMembershipInterval),
        mcast_querier_interval.map(u64::from).map(InfoBridge::MulticastQuerierInterval),
        mcast_query_interval.map(u64::from).map(InfoBridge::MulticastQueryInterval),
        mcast_query_response_interval.map(u64::from).map(InfoBridge::MulticastQueryResponseInterval),
        mcast_startup_query_interval.map(u64::from).map(InfoBridge::MulticastStartupQueryInterval),
        fdb_max_learned.map(InfoBridge::FdbMaxLearned),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Puts a port into a state, by the bridge's own family: what a change of the link's kind is followed by would open a port
/// again that was shut (`br_setlink`).
pub(crate) fn set_port_state(index: u32, state: u8) -> Request {
    const IFLA_BRPORT_STATE: u16 = 1;
    let mut message = LinkMessage::default();
    message.header.interface_family = AddressFamily::Bridge;
    message.header.index = index;
    let state = LinkProtoInfoBridge::Other(DefaultNla::new(IFLA_BRPORT_STATE, vec![state]));
    message.attributes.push(LinkAttribute::ProtoInfoBridge(vec![state]));
    Request::new(RouteNetlinkMessage::SetLink(message), 0)
}

/// What is said of a port, as attributes.
pub(crate) fn port_attributes(attrs: &PortAttrs) -> Vec<InfoBridgePort> {
    let PortAttrs {
        cost,
        priority,
        hairpin,
        guard,
        root_block,
        fastleave,
        learning,
        flood,
        mcast_flood,
        bcast_flood,
        isolated,
        locked,
        neigh_suppress,
        mcast_router,
    } = attrs;
    [
        cost.map(InfoBridgePort::Cost),
        priority.map(InfoBridgePort::Priority),
        hairpin.map(InfoBridgePort::HairpinMode),
        guard.map(InfoBridgePort::Guard),
        root_block.map(InfoBridgePort::Protect),
        fastleave.map(InfoBridgePort::FastLeave),
        learning.map(InfoBridgePort::Learning),
        flood.map(InfoBridgePort::UnicastFlood),
        mcast_flood.map(InfoBridgePort::MulticastFlood),
        bcast_flood.map(InfoBridgePort::BroadcastFlood),
        isolated.map(InfoBridgePort::Isolated),
        locked.map(InfoBridgePort::Locked),
        neigh_suppress.map(InfoBridgePort::NeighSupress),
        mcast_router.map(|kind| InfoBridgePort::MulticastRouter(kind.into())),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A bridge as the kernel shows it; the attributes only as far as shown.
#[derive(Clone, Debug)]
pub(crate) struct BridgeRow {
    pub(crate) attrs: BridgeAttrs,
    pub(crate) derived: BridgeDerived,
    /// Without the ports and the forwarding database, which other rows show.
    pub(crate) status: BridgeStatus,
}

/// Reads a bridge's part of a link's row.
pub(crate) fn parse(attributes: &[InfoBridge]) -> BridgeRow {
    let nobody = BridgeId { priority: 0, mac: Mac::ZERO };
    let mut attrs = BridgeAttrs::default();
    let mut derived = BridgeDerived { id: nobody, root: nobody, root_path_cost: 0, root_port: 0 };
    let mut status = BridgeStatus::default();
    for attribute in attributes {
        match attribute {
            InfoBridge::ForwardDelay(v) => attrs.forward_delay = Some(*v),
            InfoBridge::HelloTime(v) => attrs.hello_time = Some(*v),
            InfoBridge::MaxAge(v) => attrs.max_age = Some(*v),
            InfoBridge::AgeingTime(v) => attrs.ageing_time = Some(*v),
            InfoBridge::StpState(v) => attrs.stp_state = Some(*v != BridgeStpState::Disabled),
            InfoBridge::Priority(v) => attrs.priority = Some(*v),
            InfoBridge::GroupFwdMask(v) => attrs.group_fwd_mask = Some(*v),
            InfoBridge::MulticastSnooping(v) => attrs.mcast_snooping = Some(*v),
            InfoBridge::MulticastQuerier(v) => attrs.mcast_querier = Some(*v),
            InfoBridge::VlanFiltering(v) => attrs.vlan_filtering = Some(*v),
            InfoBridge::MulticastRouter(v) => attrs.mcast_router = Some((*v).into()),
            InfoBridge::MulticastLastMemberCount(v) => attrs.mcast_last_member_count = Some(*v),
            InfoBridge::MulticastStartupQueryCount(v) => attrs.mcast_startup_query_count = Some(*v),
            InfoBridge::MulticastLastMemberInterval(v) => attrs.mcast_last_member_interval = Some(centis(*v)),
            InfoBridge::MulticastMembershipInterval(v) => attrs.mcast_membership_interval = Some(centis(*v)),
            InfoBridge::MulticastQuerierInterval(v) => attrs.mcast_querier_interval = Some(centis(*v)),
            InfoBridge::MulticastQueryInterval(v) => attrs.mcast_query_interval = Some(centis(*v)),
            InfoBridge::MulticastQueryResponseInterval(v) => attrs.mcast_query_response_interval = Some(centis(*v)),
            InfoBridge::MulticastStartupQueryInterval(v) => attrs.mcast_startup_query_interval = Some(centis(*v)),
            InfoBridge::VlanProtocol(v) => attrs.vlan_protocol = Some(u16::from(*v)),
            InfoBridge::VlanDefaultPvid(v) => attrs.vlan_default_pvid = Some(*v),
            InfoBridge::VlanStatsEnabled(v) => attrs.vlan_stats_enabled = Some(*v),
            InfoBridge::VlanStatsPerPort(v) => attrs.vlan_stats_per_port = Some(*v),
            InfoBridge::FdbMaxLearned(v) => attrs.fdb_max_learned = Some(*v),
            InfoBridge::BridgeId(v) => derived.id = bridge_id(v),
            InfoBridge::RootId(v) => derived.root = bridge_id(v),
            InfoBridge::RootPathCost(v) => derived.root_path_cost = *v,
            InfoBridge::RootPort(v) => derived.root_port = *v,
            InfoBridge::TopologyChange(v) => status.topology_change = *v != 0,
            InfoBridge::TopologyChangeDetected(v) => status.topology_change_detected = *v != 0,
            InfoBridge::HelloTimer(v) => status.hello_timer = centis(*v),
            InfoBridge::TcnTimer(v) => status.tcn_timer = centis(*v),
            InfoBridge::TopologyChangeTimer(v) => status.topology_change_timer = centis(*v),
            InfoBridge::GcTimer(v) => status.gc_timer = centis(*v),
            _ => {}
        }
    }
    BridgeRow { attrs, derived, status }
}

fn bridge_id(id: &netlink_packet_route::link::BridgeId) -> BridgeId {
    BridgeId { priority: id.priority, mac: Mac(id.address) }
}

/// The kernel shows timers in hundredths of a second (`USER_HZ`).
fn centis(ticks: u64) -> u32 {
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// A port as the kernel shows it; the attributes only as far as shown.
#[derive(Clone, Debug)]
pub(crate) struct PortRow {
    pub(crate) attrs: PortAttrs,
    pub(crate) derived: PortDerived,
    pub(crate) status: PortStatus,
}

/// Reads a port's part of a link's row.
pub(crate) fn parse_port(attributes: &[InfoBridgePort]) -> PortRow {
    let mut attrs = PortAttrs::default();
    let mut derived = PortDerived { number: 0, state: PortState::Disabled };
    let mut status = PortStatus::default();
    for attribute in attributes {
        match attribute {
            InfoBridgePort::Cost(v) => attrs.cost = Some(*v),
            InfoBridgePort::Priority(v) => attrs.priority = Some(*v),
            InfoBridgePort::HairpinMode(v) => attrs.hairpin = Some(*v),
            InfoBridgePort::Guard(v) => attrs.guard = Some(*v),
            InfoBridgePort::Protect(v) => attrs.root_block = Some(*v),
            InfoBridgePort::FastLeave(v) => attrs.fastleave = Some(*v),
            InfoBridgePort::Learning(v) => attrs.learning = Some(*v),
            InfoBridgePort::UnicastFlood(v) => attrs.flood = Some(*v),
            InfoBridgePort::MulticastFlood(v) => attrs.mcast_flood = Some(*v),
            InfoBridgePort::BroadcastFlood(v) => attrs.bcast_flood = Some(*v),
            InfoBridgePort::Isolated(v) => attrs.isolated = Some(*v),
            InfoBridgePort::Locked(v) => attrs.locked = Some(*v),
            InfoBridgePort::NeighSupress(v) => attrs.neigh_suppress = Some(*v),
            InfoBridgePort::MulticastRouter(v) => attrs.mcast_router = Some((*v).into()),
            InfoBridgePort::PortNumber(v) => derived.number = *v,
            InfoBridgePort::State(v) => {
                derived.state = PortState::from_number((*v).into()).unwrap_or(PortState::Disabled);
            }
            InfoBridgePort::PortId(v) => status.id = *v,
            InfoBridgePort::RootId(v) => status.designated_root = bridge_id(v),
            InfoBridgePort::BridgeId(v) => status.designated_bridge = bridge_id(v),
            InfoBridgePort::DesignatedPort(v) => status.designated_port = *v,
            InfoBridgePort::DesignatedCost(v) => status.designated_cost = *v,
            InfoBridgePort::TopologyChangeAck(v) => status.topology_change_ack = *v,
            InfoBridgePort::ConfigPending(v) => status.config_pending = *v,
            InfoBridgePort::MessageAgeTimer(v) => status.message_age_timer = centis(*v),
            InfoBridgePort::ForwardDelayTimer(v) => status.forward_delay_timer = centis(*v),
            InfoBridgePort::HoldTimer(v) => status.hold_timer = centis(*v),
            _ => {}
        }
    }
    PortRow { attrs, derived, status }
}

/// What the bridges of this kernel can be told: the attributes that a fresh bridge and its port show and take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered {
    pub(crate) bridge: BridgeAttrs,
    pub(crate) port: PortAttrs,
}

impl Offered {
    /// These attributes less those that no bridge here has and that say the default; the name of one that says more.
    pub(crate) fn fit_bridge(&self, attrs: &BridgeAttrs) -> Result<BridgeAttrs, &'static str> {
        let default = BridgeAttrs::kernel_default();
        let has = &self.bridge;
        let mut fit = attrs.clone();
        let BridgeAttrs {
            vlan_filtering,
            vlan_protocol,
            vlan_default_pvid,
            vlan_stats_enabled,
            vlan_stats_per_port,
            ..
        } = &mut fit;
        drop_default(vlan_filtering, has.vlan_filtering, default.vlan_filtering, "vlan_filtering")?;
        drop_default(vlan_protocol, has.vlan_protocol, default.vlan_protocol, "vlan_protocol")?;
        drop_default(vlan_default_pvid, has.vlan_default_pvid, default.vlan_default_pvid, "vlan_default_pvid")?;
        drop_default(vlan_stats_enabled, has.vlan_stats_enabled, default.vlan_stats_enabled, "vlan_stats_enabled")?;
        drop_default(vlan_stats_per_port, has.vlan_stats_per_port, default.vlan_stats_per_port, "vlan_stats_per_port")?;
        let BridgeAttrs { fdb_max_learned, mcast_snooping, mcast_querier, group_fwd_mask, .. } = &mut fit;
        drop_default(fdb_max_learned, has.fdb_max_learned, default.fdb_max_learned, "fdb_max_learned")?;
        drop_default(mcast_snooping, has.mcast_snooping, default.mcast_snooping, "mcast_snooping")?;
        drop_default(mcast_querier, has.mcast_querier, default.mcast_querier, "mcast_querier")?;
        drop_default(group_fwd_mask, has.group_fwd_mask, default.group_fwd_mask, "group_fwd_mask")?;
        Ok(fit)
    }

    /// The same of a port's.
    pub(crate) fn fit_port(&self, attrs: &PortAttrs) -> Result<PortAttrs, &'static str> {
        let default = PortAttrs::kernel_default();
        let has = &self.port;
        let mut fit = attrs.clone();
        let PortAttrs { isolated, locked, neigh_suppress, bcast_flood, mcast_flood, fastleave, .. } = &mut fit;
        drop_default(isolated, has.isolated, default.isolated, "isolated")?;
        drop_default(locked, has.locked, default.locked, "locked")?;
        drop_default(neigh_suppress, has.neigh_suppress, default.neigh_suppress, "neigh_suppress")?;
        drop_default(bcast_flood, has.bcast_flood, default.bcast_flood, "bcast_flood")?;
        drop_default(mcast_flood, has.mcast_flood, default.mcast_flood, "mcast_flood")?;
        drop_default(fastleave, has.fastleave, default.fastleave, "fastleave")?;
        Ok(fit)
    }
}

fn drop_default<T: Copy + PartialEq>(
    said: &mut Option<T>,
    shown: Option<T>,
    default: Option<T>,
    name: &'static str,
) -> Result<(), &'static str> {
    if shown.is_some() || said.is_none() {
        return Ok(());
    }
    if *said != default {
        return Err(name);
    }
    *said = None;
    Ok(())
}
