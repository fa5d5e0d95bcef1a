//! Random ops on a topology that is up.
//!
//! Names are drawn from those of the topology and a few that nothing has, so that refusals of every kind occur. What would
//! let a frame go round for ever is not drawn: bridges made here speak the spanning tree protocol, and devices are only
//! enslaved to those. Deliberately absent: impairments.

use super::oddity::{AnyRoute, Scene, address, lengths, mtus, port, sysctl};
use super::{Pick, dev, host, netns};
use crate::layout::DevKey;
use crate::link::BridgeAttrs;
use crate::name::{IfName, NetnsName};
use crate::neigh::{FdbEntry, FdbKind, Neigh, Nud};
use crate::op::{AddLink, LinkChange, NewLink, Op, RouteVerb, VethPeer};
use crate::sysctl::SysctlKey;
use crate::topology::Topology;
use proptest::prelude::*;

/// One op, its choices still open.
#[derive(Clone, Debug)]
pub(super) enum Change {
    AddNetns(Pick),
    DelNetns(Pick),
    AddVeth { at: Pick, name: Pick, peer_at: Pick, peer: Pick, mtu: u32, up: bool },
    AddBridge { at: Pick, name: Pick, up: bool },
    DelLink(Pick),
    Up(Pick, bool),
    Mtu(Pick, u32),
    Mac(Pick, Pick),
    Master(Pick, Pick),
    Rename(Pick, Pick),
    Move(Pick, Pick),
    SetBridge(Pick, u8),
    SetPort(Pick, u8),
    AddAddr { dev: Pick, segment: Pick, number: u8, len: u8, how: u8 },
    DelAddr { dev: Pick, which: Pick },
    AddRoute { at: Pick, verb: RouteVerb, route: AnyRoute },
    DelRoute { at: Pick, route: AnyRoute },
    DelConnected { at: Pick, which: Pick },
    AddNeigh { dev: Pick, whom: Pick, mac: Pick, proxy: bool, replace: bool },
    DelNeigh { dev: Pick, whom: Pick, proxy: bool },
    AddFdb { port: Pick, mac: Pick, kind: FdbKind, replace: bool },
    DelFdb { port: Pick, mac: Pick },
    SetSysctl { at: Pick, which: Pick, dev: Pick, value: Pick },
    BadSysctl { at: Pick, how: u8 },
}

impl Change {
    pub(super) fn any() -> impl Strategy<Value = Change> {
        use Change::*;
        let p = Pick::any;
        let flag = any::<bool>;
        let verb = prop::sample::select(
            &[RouteVerb::Add, RouteVerb::Append, RouteVerb::Prepend, RouteVerb::Replace, RouteVerb::Change][..],
        );
        let kind = prop::sample::select(&[FdbKind::Static, FdbKind::Permanent, FdbKind::Learned][..]);
        let links = prop_oneof![
            4 => (p(), flag()).prop_map(|(a, up)| Up(a, up)),
            2 => (p(), mtus()).prop_map(|(a, mtu)| Mtu(a, mtu)),
            1 => (p(), p()).prop_map(|(a, mac)| Mac(a, mac)),
            2 => (p(), p()).prop_map(|(a, b)| Master(a, b)),
            1 => (p(), p()).prop_map(|(a, b)| Rename(a, b)),
            1 => (p(), p()).prop_map(|(a, b)| Move(a, b)),
            1 => p().prop_map(DelLink),
            2 => (p(), p(), p(), p(), mtus(), flag())
                .prop_map(|(at, name, peer_at, peer, mtu, up)| AddVeth { at, name, peer_at, peer, mtu, up }),
            1 => (p(), p(), flag()).prop_map(|(at, name, up)| AddBridge { at, name, up }),
            1 => (p(), any::<u8>()).prop_map(|(a, how)| SetBridge(a, how)),
            1 => (p(), any::<u8>()).prop_map(|(a, how)| SetPort(a, how)),
        ];
        let layer3 = prop_oneof![
            4 => (p(), p(), 1_u8..9, lengths(), any::<u8>())
                .prop_map(|(dev, segment, number, len, how)| AddAddr { dev, segment, number, len, how }),
            3 => (p(), p()).prop_map(|(dev, which)| DelAddr { dev, which }),
            5 => (p(), verb, AnyRoute::any()).prop_map(|(at, verb, route)| AddRoute { at, verb, route }),
            2 => (p(), AnyRoute::any()).prop_map(|(at, route)| DelRoute { at, route }),
            1 => (p(), p()).prop_map(|(at, which)| DelConnected { at, which }),
        ];
        let tables = prop_oneof![
            3 => (p(), p(), p(), flag(), flag())
                .prop_map(|(dev, whom, mac, proxy, replace)| AddNeigh { dev, whom, mac, proxy, replace }),
            1 => (p(), p(), flag()).prop_map(|(dev, whom, proxy)| DelNeigh { dev, whom, proxy }),
            2 => (p(), p(), kind, flag()).prop_map(|(port, mac, kind, replace)| AddFdb { port, mac, kind, replace }),
            1 => (p(), p()).prop_map(|(port, mac)| DelFdb { port, mac }),
            3 => (p(), p(), p(), p()).prop_map(|(at, which, dev, value)| SetSysctl { at, which, dev, value }),
            1 => (p(), any::<u8>()).prop_map(|(at, how)| BadSysctl { at, how }),
        ];
        let namespaces = prop_oneof![2 => p().prop_map(AddNetns), 1 => p().prop_map(DelNetns)];
        prop_oneof![10 => links, 10 => layer3, 6 => tables, 1 => namespaces]
    }

    fn op(&self, scene: &Universe) -> Option<Op> {
        let on = |key: &DevKey, change| Op::SetLink { netns: key.0.clone(), name: key.1, change: Box::new(change) };
        let none = LinkChange::default;
        Some(match self {
            Change::AddNetns(name) => Op::AddNetns { netns: name.of(&scene.names)?.clone() },
            Change::DelNetns(name) => Op::DelNetns { netns: name.of(&scene.names)?.clone() },
            Change::AddVeth { at, name, peer_at, peer, mtu, up } => {
                let peer = VethPeer {
                    netns: peer_at.of(&scene.names)?.clone(),
                    name: *peer.of(&scene.new_devs)?,
                    mac: Some(*peer.of(&scene.scene.macs)?),
                    mtu: None,
                };
                add_link(at.of(&scene.names)?, *name.of(&scene.new_devs)?, NewLink::Veth { peer }, Some(*mtu), *up)
            }
            Change::AddBridge { at, name, up } => {
                let attrs =
                    BridgeAttrs { stp_state: Some(true), mcast_snooping: Some(false), ..BridgeAttrs::default() };
                add_link(at.of(&scene.names)?, *name.of(&scene.new_bridges)?, NewLink::Bridge { attrs }, None, *up)
            }
            Change::DelLink(which) => {
                let (netns, name) = which.of(&scene.devices)?.clone();
                Op::DelLink { netns, name }
            }
            Change::Up(which, up) => on(which.of(&scene.devices)?, LinkChange { up: Some(*up), ..none() }),
            Change::Mtu(which, mtu) => on(which.of(&scene.devices)?, LinkChange { mtu: Some(*mtu), ..none() }),
            Change::Mac(which, mac) => {
                on(which.of(&scene.devices)?, LinkChange { mac: Some(*mac.of(&scene.scene.macs)?), ..none() })
            }
            Change::Master(which, bridge) => {
                let masters: Vec<Option<IfName>> = scene.new_bridges.iter().map(|b| Some(*b)).chain([None]).collect();
                on(which.of(&scene.devices)?, LinkChange { master: Some(*bridge.of(&masters)?), ..none() })
            }
            Change::Rename(which, name) => {
                on(which.of(&scene.devices)?, LinkChange { rename: Some(*name.of(&scene.new_devs)?), ..none() })
            }
            Change::Move(which, to) => {
                on(which.of(&scene.devices)?, LinkChange { netns: Some(to.of(&scene.names)?.clone()), ..none() })
            }
            Change::SetBridge(which, how) => {
                let (netns, name) = which.of(&scene.bridges)?.clone();
                let mut attrs = BridgeAttrs::default();
                match how % 6 {
                    0 => attrs.ageing_time = Some(500),
                    1 => attrs.priority = Some(u16::from(*how) << 8),
                    2 => attrs.group_fwd_mask = Some(u16::from(*how)),
                    3 => attrs.forward_delay = Some(u32::from(*how) * 20),
                    4 => attrs.hello_time = Some(u32::from(*how) * 10),
                    _ => attrs.max_age = Some(u32::from(*how) * 20),
                }
                Op::SetBridge { netns, name, attrs }
            }
            Change::SetPort(which, how) => {
                let (netns, name) = which.of(&scene.devices)?.clone();
                Op::SetPort { netns, name, attrs: port(*how, true) }
            }
            Change::AddAddr { dev, segment, number, len, how } => {
                let (netns, dev) = dev.of(&scene.devices)?.clone();
                let addr = host(segment.index(scene.scene.segments)?, usize::from(*number));
                Op::AddAddr { netns, dev, addr: address(addr, *len, *how, dev) }
            }
            Change::DelAddr { dev, which } => {
                let key = dev.of(&scene.devices)?;
                let own = scene.scene.layout.get(key).map_or(&[][..], |d| &d.addresses);
                let addr = which.of(own).map_or_else(|| address(host(0, 1), 24, 0, key.1), |a| a.value.clone());
                Op::DelAddr { netns: key.0.clone(), dev: key.1, addr }
            }
            Change::AddRoute { at, verb, route } => {
                let netns = at.of(&scene.names)?.clone();
                let route = route.pick(&scene.scene, &netns)?;
                Op::AddRoute { netns, verb: *verb, route }
            }
            Change::DelRoute { at, route } => {
                let netns = at.of(&scene.names)?.clone();
                let route = route.pick(&scene.scene, &netns)?;
                Op::DelRoute { netns, route }
            }
            Change::DelConnected { at, which } => {
                let netns = at.of(&scene.names)?.clone();
                let own = scene.scene.owned(&netns);
                let cidr = crate::addr::Cidr { addr: (*which.of(&own)?).into(), len: 24 };
                // The kernel's own routes can be deleted by whoever says what they are.
                let route = crate::route::Route { proto: 0, ..crate::route::Route::new(cidr.network()) };
                Op::DelRoute { netns, route }
            }
            Change::AddNeigh { dev, whom, mac, proxy, replace } => {
                let (netns, dev) = dev.of(&scene.devices)?.clone();
                let lladdr = if *proxy { None } else { Some(*mac.of(&scene.scene.macs)?) };
                let dst = (*whom.of(&scene.scene.targets)?).into();
                let state = if *proxy { Nud::None } else { Nud::Permanent };
                let neigh = Neigh { dev, dst, lladdr, state, proxy: *proxy, extra: Default::default() };
                Op::AddNeigh { netns, neigh, replace: *replace }
            }
            Change::DelNeigh { dev, whom, proxy } => {
                let (netns, dev) = dev.of(&scene.devices)?.clone();
                let dst = (*whom.of(&scene.scene.targets)?).into();
                let neigh =
                    Neigh { dev, dst, lladdr: None, state: Nud::None, proxy: *proxy, extra: Default::default() };
                Op::DelNeigh { netns, neigh }
            }
            Change::AddFdb { port, mac, kind, replace } => {
                let (netns, entry) = scene.fdb(*port, *mac, *kind)?;
                Op::AddFdb { netns, entry, replace: *replace }
            }
            Change::DelFdb { port, mac } => {
                let (netns, entry) = scene.fdb(*port, *mac, FdbKind::Static)?;
                Op::DelFdb { netns, entry }
            }
            Change::SetSysctl { at, which, dev, value } => {
                let netns = at.of(&scene.names)?.clone();
                let own: Vec<IfName> = scene.scene.layout.netns.get(&netns)?.keys().copied().collect();
                let (key, value) = sysctl(&own, *which, *dev, *value)?;
                Op::SetSysctl { netns, key, value }
            }
            Change::BadSysctl { at, how } => {
                let (key, value) = BAD_SYSCTLS[usize::from(*how) % BAD_SYSCTLS.len()];
                Op::SetSysctl {
                    netns: at.of(&scene.names)?.clone(),
                    key: SysctlKey::new(key).ok()?,
                    value: value.into(),
                }
            }
        })
    }
}

/// The ops that these changes are on this topology; those that have no place are left out.
pub(super) fn ops(topology: &Topology, changes: &[Change]) -> Vec<Op> {
    let universe = Universe::of(topology);
    changes.iter().filter_map(|change| change.op(&universe)).collect()
}

fn add_link(at: &NetnsName, name: IfName, kind: NewLink, mtu: Option<u32>, up: bool) -> Op {
    Op::AddLink(Box::new(AddLink { netns: at.clone(), name, kind, mac: None, mtu, master: None, up }))
}

/// What ops may name.
struct Universe {
    scene: Scene,
    /// The namespaces, one that may come, and one that nobody makes.
    names: Vec<NetnsName>,
    /// The topology's devices and those that may come.
    devices: Vec<DevKey>,
    /// Names for devices to make: of one that is there, and new ones.
    new_devs: Vec<IfName>,
    /// Names for bridges to make.
    new_bridges: Vec<IfName>,
    /// The topology's bridges and those that may come.
    bridges: Vec<DevKey>,
}

impl Universe {
    fn of(topology: &Topology) -> Self {
        let scene = Scene::of(topology);
        let mut names: Vec<NetnsName> = scene.layout.netns.keys().cloned().collect();
        names.push(netns("n1"));
        let new_devs = vec![dev("x1"), dev("x2"), dev("eth1")];
        let new_bridges = vec![dev("y1"), dev("y2")];
        let first = names[0].clone();
        let mut devices = scene.devices.clone();
        devices.extend(new_devs.iter().chain(&new_bridges).map(|dev| (first.clone(), *dev)));
        let mut bridges = scene.bridges.clone();
        bridges.extend(new_bridges.iter().map(|dev| (first.clone(), *dev)));
        Universe { scene, names, devices, new_devs, new_bridges, bridges }
    }

    fn fdb(&self, port: Pick, mac: Pick, kind: FdbKind) -> Option<(NetnsName, FdbEntry)> {
        let ports: Vec<&DevKey> = self.scene.ports.iter().chain(&self.bridges).collect();
        let (netns, dev) = *port.of(&ports)?;
        let bridge = self.scene.layout.get(&(netns.clone(), *dev)).and_then(|d| d.master).unwrap_or(*dev);
        let mac = *mac.of(&self.scene.macs)?;
        Some((netns.clone(), FdbEntry { bridge, dev: *dev, mac, kind, sticky: false, vlan: 0, remote: None }))
    }
}

/// Writes that are refused, or taken although they look odd.
const BAD_SYSCTLS: &[(&str, &str)] = &[
    ("net/ipv4/ip_default_ttl", "0"),
    ("net/ipv4/ip_default_ttl", "256"),
    ("net/ipv4/ip_forward", "x"),
    ("net/ipv4/ip_forward", "2"),
    ("net/ipv4/no_such_thing", "1"),
    ("net/ipv4/conf/nowhere/rp_filter", "1"),
    ("net/ipv4/conf/all/rp_filter", "-1"),
    ("net/ipv4/icmp_echo_ignore_all", "2"),
];
