//! The instruction set: what a machine can be told to do. One op is as coarse as one kernel request.
//!
//! Kernel counterpart: the `RTM_NEW*`/`RTM_DEL*` messages of rtnetlink, `unshare(CLONE_NEWNET)`, writes below
//! `/proc/sys`. `Display` prints iproute2's words, so that a list of ops is a script (see [`crate::words`]).

use crate::addr::Address;
use crate::impair::Impairment;
use crate::link::{BridgeAttrs, PortAttrs};
use crate::mdb::MdbEntry;
use crate::name::{IfName, Mac, NetnsName};
use crate::neigh::{FdbEntry, Neigh};
use crate::nexthop::NexthopObject;
use crate::queue::QueueChange;
use crate::route::Route;
use crate::rule::Rule;
use crate::rules::RuleChange;
use crate::sysctl::SysctlKey;
use crate::virtuals::{Virtual, VirtualChange};
use crate::vlan::VlanRange;
use serde::{Deserialize, Serialize};

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Make a namespace; it is born with `lo`, down. EEXIST if there is one.
    AddNetns {
        /// Its name.
        netns: NetnsName,
    },
    /// Remove a namespace with all that is in it. ENOENT if there is none.
    DelNetns {
        /// Its name.
        netns: NetnsName,
    },
    /// Make a link (for veth: both ends).
    AddLink(Box<AddLink>),
    /// Change a link.
    SetLink {
        /// Where.
        netns: NetnsName,
        /// Which.
        name: IfName,
        /// What.
        change: Box<LinkChange>,
    },
    /// Remove a link; a veth's other end goes with it.
    DelLink {
        /// Where.
        netns: NetnsName,
        /// Which.
        name: IfName,
    },
    /// Change a bridge's attributes (those given).
    SetBridge {
        /// Where.
        netns: NetnsName,
        /// Which bridge.
        name: IfName,
        /// What.
        attrs: BridgeAttrs,
    },
    /// Change a bridge port's attributes (those given).
    SetPort {
        /// Where.
        netns: NetnsName,
        /// Which port.
        name: IfName,
        /// What.
        attrs: PortAttrs,
    },
    /// Put a bridge's port into a state by hand (`bridge link set … state`).
    SetPortState {
        /// Where.
        netns: NetnsName,
        /// Which port.
        name: IfName,
        /// The state, in the kernel's numbering; what is none is refused there.
        state: u8,
    },
    /// Change what is said of a device's kind.
    SetVirtual {
        /// Where.
        netns: NetnsName,
        /// Which.
        name: IfName,
        /// What.
        change: VirtualChange,
    },
    /// Give a link a further name, or take it away. EEXIST if something has the name, ENOENT if nothing has.
    SetAltname {
        /// Where.
        netns: NetnsName,
        /// Which link.
        name: IfName,
        /// The further name.
        altname: String,
        /// Whether it is to be there.
        present: bool,
    },
    /// Take frames to a hardware address of a group, or no longer. ENOENT if that was not said before.
    SetMaddr {
        /// Where.
        netns: NetnsName,
        /// Which link.
        dev: IfName,
        /// The address.
        mac: Mac,
        /// Whether it is to be taken.
        present: bool,
    },
    /// Add an address. EEXIST if the interface has it with that prefix length.
    AddAddr {
        /// Where.
        netns: NetnsName,
        /// The interface.
        dev: IfName,
        /// What.
        addr: Address,
    },
    /// Give an address that is there another life and metric; one that is not there is added.
    ChangeAddr {
        /// Where.
        netns: NetnsName,
        /// The interface.
        dev: IfName,
        /// Which, and how it is to be.
        addr: Address,
    },
    /// Remove an address. EADDRNOTAVAIL if it is not there.
    DelAddr {
        /// Where.
        netns: NetnsName,
        /// The interface.
        dev: IfName,
        /// Which; address, prefix length and peer count.
        addr: Address,
    },
    /// Add or change a route.
    AddRoute {
        /// Where.
        netns: NetnsName,
        /// How an existing one is treated.
        verb: RouteVerb,
        /// What.
        route: Route,
    },
    /// Remove the first route that matches. ESRCH if there is none.
    DelRoute {
        /// Where.
        netns: NetnsName,
        /// Which; what it leaves open matches anything.
        route: Route,
    },
    /// Add a nexthop object. EEXIST if its number is taken, unless `replace`.
    AddNexthop {
        /// Where.
        netns: NetnsName,
        /// What.
        nexthop: NexthopObject,
        /// Overwrite an existing one.
        replace: bool,
    },
    /// Remove a nexthop object, with the routes by it. ENOENT if there is none.
    DelNexthop {
        /// Where.
        netns: NetnsName,
        /// Its number.
        id: u32,
    },
    /// Add a policy rule. EEXIST if there is one that matches the same at that priority.
    AddRule {
        /// Where.
        netns: NetnsName,
        /// What.
        rule: Box<Rule>,
    },
    /// Remove the first policy rule that matches. ENOENT if there is none.
    DelRule {
        /// Where.
        netns: NetnsName,
        /// Which; what it leaves open matches anything.
        rule: Box<Rule>,
    },
    /// Add a neighbour or proxy entry. EEXIST if there is one, unless `replace`.
    AddNeigh {
        /// Where.
        netns: NetnsName,
        /// What.
        neigh: Neigh,
        /// Overwrite an existing one.
        replace: bool,
    },
    /// Remove a neighbour or proxy entry. ENOENT if there is none.
    DelNeigh {
        /// Where.
        netns: NetnsName,
        /// Which; device, address and proxy count.
        neigh: Neigh,
    },
    /// Add a forwarding database entry. EEXIST if there is one, unless `replace`.
    AddFdb {
        /// Where.
        netns: NetnsName,
        /// What.
        entry: FdbEntry,
        /// Overwrite an existing one.
        replace: bool,
    },
    /// Remove a forwarding database entry. ENOENT if there is none at that port.
    DelFdb {
        /// Where.
        netns: NetnsName,
        /// Which; bridge, device and MAC count.
        entry: FdbEntry,
    },
    /// Add a group's member. EEXIST if it is one.
    AddMdb {
        /// Where.
        netns: NetnsName,
        /// What.
        entry: MdbEntry,
    },
    /// Remove a group's member. EINVAL if it is none.
    DelMdb {
        /// Where.
        netns: NetnsName,
        /// Which; bridge, port, group and VLAN count.
        entry: MdbEntry,
    },
    /// Give a bridge's port VLANs, or change what they are there.
    AddVlan {
        /// Where.
        netns: NetnsName,
        /// The port, or the bridge itself.
        dev: IfName,
        /// Which.
        vlans: VlanRange,
        /// The device's own, not its master's (`self`): for a bridge itself.
        own: bool,
    },
    /// Take VLANs from a bridge's port; those that are not there are passed over.
    DelVlan {
        /// Where.
        netns: NetnsName,
        /// The port, or the bridge itself.
        dev: IfName,
        /// Which; the numbers count.
        vlans: VlanRange,
        /// As above.
        own: bool,
    },
    /// Write a sysctl. ENOENT if there is none of that name.
    SetSysctl {
        /// Where.
        netns: NetnsName,
        /// Which.
        key: SysctlKey,
        /// The value as written to the file.
        value: String,
    },
    /// Set or remove the impairment of what an interface sends (its root qdisc).
    SetImpairment {
        /// Where.
        netns: NetnsName,
        /// The interface.
        dev: IfName,
        /// What; `None` restores the default qdisc.
        impairment: Option<Box<Impairment>>,
        /// The qdisc's handle (`tc … handle 1:`): another one than it has makes a new qdisc. `None`: that of the one that is
        /// there, or the next free one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handle: Option<u16>,
    },
    /// Change an interface's queues: one of its qdiscs, classes or filters.
    SetQueue {
        /// Where.
        netns: NetnsName,
        /// The interface.
        dev: IfName,
        /// What.
        change: Box<QueueChange>,
    },
    /// Change the ruleset: all of the changes or none (an nfnetlink batch).
    Ruleset {
        /// Where.
        netns: NetnsName,
        /// What, in order.
        changes: Vec<RuleChange>,
    },
}

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddLink {
    /// The namespace that it is made in.
    pub netns: NetnsName,
    /// Its name.
    pub name: IfName,
    /// Its kind, with what the kind needs.
    pub kind: NewLink,
    /// Its MAC; a random one (in the simulator: from the seed) otherwise.
    pub mac: Option<Mac>,
    /// Its MTU, bytes; 1500 otherwise.
    pub mtu: Option<u32>,
    /// The bridge that it becomes a port of, in the same namespace.
    pub master: Option<IfName>,
    /// Bring it up.
    pub up: bool,
}

impl AddLink {
    /// What is said of it besides its kind, as a change of what is there.
    pub fn besides_kind(&self) -> LinkChange {
        LinkChange {
            mac: self.mac,
            mtu: self.mtu,
            master: self.master.map(Some),
            up: self.up.then_some(true),
            ..LinkChange::default()
        }
    }
}

/// The kinds that can be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewLink {
    /// A virtual Ethernet pair.
    Veth {
        /// The other end. It is registered first and so has the lower ifindex.
        peer: VethPeer,
    },
    /// A bridge.
    Bridge {
        /// Attributes to set at birth.
        attrs: BridgeAttrs,
    },
    /// Another device of software alone.
    #[serde(untagged)]
    Virtual(Virtual),
}

impl NewLink {
    /// The device that another end or what is below it is, as far as it has one.
    pub fn link(&self) -> Option<(&NetnsName, IfName)> {
        match self {
            NewLink::Veth { peer } => Some((&peer.netns, peer.name)),
            NewLink::Bridge { .. } => None,
            NewLink::Virtual(kind) => kind.lower().map(|(netns, name)| (netns, *name)),
        }
    }
}

/// A veth's other end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VethPeer {
    /// The namespace that it is made in.
    pub netns: NetnsName,
    /// Its name.
    pub name: IfName,
    /// Its MAC; random otherwise.
    pub mac: Option<Mac>,
    /// Its MTU, bytes; 1500 otherwise.
    pub mtu: Option<u32>,
}

/// What `ip link set` can change in one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkChange {
    /// Up or down.
    pub up: Option<bool>,
    /// MTU, bytes.
    pub mtu: Option<u32>,
    /// Hardware address.
    pub mac: Option<Mac>,
    /// Become a port of this bridge, or (`Some(None)`) of none.
    #[serde(with = "double_option", skip_serializing_if = "Option::is_none")]
    pub master: Option<Option<IfName>>,
    /// A new name.
    pub rename: Option<IfName>,
    /// Move to that namespace.
    pub netns: Option<NetnsName>,
    /// Queue length, packets.
    pub txqueuelen: Option<u32>,
    /// A description; the empty one takes it away.
    pub alias: Option<String>,
    /// Group.
    pub group: Option<u32>,
    /// Promiscuous or not.
    pub promisc: Option<bool>,
    /// All multicast or not.
    pub allmulti: Option<bool>,
    /// Multicast or not.
    pub multicast: Option<bool>,
    /// Asks for its neighbours' addresses or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arp: Option<bool>,
}

/// How `ip route` treats what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteVerb {
    /// EEXIST if prefix, tos and metric are taken.
    Add,
    /// Behind those with the same prefix, tos and metric.
    Append,
    /// Before them.
    Prepend,
    /// In place of the first of them, or added.
    Replace,
    /// In place of the first of them; ENOENT if there is none.
    Change,
    /// Nothing is changed: EEXIST if there is one of them, ENOENT if there is none.
    Test,
}

impl Op {
    /// Names the op's namespaces otherwise, as far as `name` does.
    pub fn rename_netns(&mut self, name: impl Fn(&NetnsName) -> NetnsName) {
        match self {
            Op::AddLink(link) => {
                link.netns = name(&link.netns);
                match &mut link.kind {
                    NewLink::Veth { peer } => peer.netns = name(&peer.netns),
                    NewLink::Bridge { .. } => {}
                    NewLink::Virtual(kind) => {
                        if let Some((netns, _)) = kind.lower_mut().and_then(Option::as_mut) {
                            *netns = name(netns);
                        }
                    }
                }
            }
            Op::SetLink { netns, change, .. } => {
                *netns = name(netns);
                change.netns = change.netns.as_ref().map(name);
            }
            Op::AddNetns { netns }
            | Op::DelNetns { netns }
            | Op::DelLink { netns, .. }
            | Op::SetBridge { netns, .. }
            | Op::SetPort { netns, .. }
            | Op::SetPortState { netns, .. }
            | Op::SetVirtual { netns, .. }
            | Op::SetAltname { netns, .. }
            | Op::SetMaddr { netns, .. }
            | Op::AddAddr { netns, .. }
            | Op::ChangeAddr { netns, .. }
            | Op::DelAddr { netns, .. }
            | Op::AddRoute { netns, .. }
            | Op::DelRoute { netns, .. }
            | Op::AddNexthop { netns, .. }
            | Op::DelNexthop { netns, .. }
            | Op::AddRule { netns, .. }
            | Op::DelRule { netns, .. }
            | Op::AddNeigh { netns, .. }
            | Op::DelNeigh { netns, .. }
            | Op::AddFdb { netns, .. }
            | Op::DelFdb { netns, .. }
            | Op::AddMdb { netns, .. }
            | Op::DelMdb { netns, .. }
            | Op::AddVlan { netns, .. }
            | Op::DelVlan { netns, .. }
            | Op::SetSysctl { netns, .. }
            | Op::SetImpairment { netns, .. }
            | Op::SetQueue { netns, .. }
            | Op::Ruleset { netns, .. } => *netns = name(netns),
        }
    }

    /// The namespace that the op works in.
    pub fn netns(&self) -> &NetnsName {
        match self {
            Op::AddLink(link) => &link.netns,
            Op::AddNetns { netns }
            | Op::DelNetns { netns }
            | Op::SetLink { netns, .. }
            | Op::DelLink { netns, .. }
            | Op::SetBridge { netns, .. }
            | Op::SetPort { netns, .. }
            | Op::SetPortState { netns, .. }
            | Op::SetVirtual { netns, .. }
            | Op::SetAltname { netns, .. }
            | Op::SetMaddr { netns, .. }
            | Op::AddAddr { netns, .. }
            | Op::ChangeAddr { netns, .. }
            | Op::DelAddr { netns, .. }
            | Op::AddRoute { netns, .. }
            | Op::DelRoute { netns, .. }
            | Op::AddNexthop { netns, .. }
            | Op::DelNexthop { netns, .. }
            | Op::AddRule { netns, .. }
            | Op::DelRule { netns, .. }
            | Op::AddNeigh { netns, .. }
            | Op::DelNeigh { netns, .. }
            | Op::AddFdb { netns, .. }
            | Op::DelFdb { netns, .. }
            | Op::AddMdb { netns, .. }
            | Op::DelMdb { netns, .. }
            | Op::AddVlan { netns, .. }
            | Op::DelVlan { netns, .. }
            | Op::SetSysctl { netns, .. }
            | Op::SetImpairment { netns, .. }
            | Op::SetQueue { netns, .. }
            | Op::Ruleset { netns, .. } => netns,
        }
    }
}

mod double_option {
    //! `Some(None)` is `null`, `None` is an absent key.
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(v: &Option<Option<T>>, s: S) -> Result<S::Ok, S::Error> {
        match v {
            None => s.serialize_none(),
            Some(inner) => inner.serialize(s),
        }
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(d).map(Some)
    }
}
