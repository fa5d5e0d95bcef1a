//! An op as the iproute2 command line that does it, as typed by hand.
//!
//! The namespace `host` is the one that the shell is in: its commands carry no `-n`, and it is named to others by the
//! shell's own process id. Deliberately absent: reading command lines.

use super::link::{Line, print_bridge, print_change, print_port};
use super::{addr, fdb, mdb, neigh, netem, nexthop, queue, route, rule, virtuals, vlan, vxlan};
use crate::name::{IfName, NetnsName};
use crate::op::{AddLink, LinkChange, NewLink, Op, RouteVerb};
use crate::virtuals::{Tun, Virtual};
use crate::vlan::VlanRange;
use std::borrow::Cow;
use std::fmt;

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::AddNetns { netns } if netns.is_host() => f.write_str(": host is the namespace of this shell"),
            Op::AddNetns { netns } => write!(f, "ip netns add {}", quoted(netns.as_str())),
            Op::DelNetns { netns } if netns.is_host() => f.write_str(": host is the namespace of this shell, it stays"),
            Op::DelNetns { netns } => write!(f, "ip netns del {}", quoted(netns.as_str())),
            Op::AddLink(link) => add_link(f, link),
            Op::SetLink { netns, name, change } => set_link(f, netns, name.as_str(), change),
            Op::DelLink { netns, name } => write!(f, "{} link del dev {}", ip(netns), quoted(name.as_str())),
            Op::SetBridge { netns, name, attrs } => {
                write!(f, "{} link set dev {} type bridge {}", ip(netns), quoted(name.as_str()), print_bridge(attrs))
            }
            Op::SetPort { netns, name, attrs } => {
                write!(
                    f,
                    "{} link set dev {} type bridge_slave {}",
                    ip(netns),
                    quoted(name.as_str()),
                    print_port(attrs)
                )
            }
            Op::SetPortState { netns, name, state } => {
                write!(f, "{} link set dev {} state {state}", bridge(netns), quoted(name.as_str()))
            }
            Op::SetVirtual { netns, name, change } => {
                let words = virtuals::print_change(change);
                write!(f, "{} link set dev {} type {words}", ip(netns), quoted(name.as_str()))
            }
            Op::SetMaddr { netns, dev, mac, present } => {
                let verb = if *present { "add" } else { "del" };
                write!(f, "{} maddr {verb} {mac} dev {}", ip(netns), quoted(dev.as_str()))
            }
            Op::SetAltname { netns, name, altname, present } => {
                let verb = if *present { "add" } else { "del" };
                let (dev, altname) = (quoted(name.as_str()), quoted(altname));
                write!(f, "{} link property {verb} dev {dev} altname {altname}", ip(netns))
            }
            Op::AddAddr { netns, dev, addr } | Op::ChangeAddr { netns, dev, addr } => {
                let (ip, dev, words) = (ip(netns), quoted(dev.as_str()), shell(&addr::print(addr)));
                let verb = if matches!(self, Op::AddAddr { .. }) { "add" } else { "replace" };
                write!(f, "{ip} addr {verb} {words} dev {dev}")
            }
            Op::DelAddr { netns, dev, addr } => {
                let (ip, dev) = (ip(netns), quoted(dev.as_str()));
                match addr.peer {
                    Some(peer) => write!(f, "{ip} addr del {} peer {peer} dev {dev}", addr.cidr.addr),
                    None => write!(f, "{ip} addr del {} dev {dev}", addr.cidr),
                }
            }
            Op::AddRoute { netns, verb, route } => {
                write!(f, "{} route {} {}", ip(netns), verb.word(), shell(&route::print(route)))
            }
            Op::DelRoute { netns, route } => write!(f, "{} route del {}", ip(netns), shell(&route::print(route))),
            Op::AddNexthop { netns, nexthop, replace } => {
                let verb = add_or_replace(*replace);
                write!(f, "{} nexthop {verb} {}", ip(netns), shell(&nexthop::print(nexthop)))
            }
            Op::DelNexthop { netns, id } => write!(f, "{} nexthop del id {id}", ip(netns)),
            Op::AddRule { netns, rule } => write!(f, "{} rule add {}", ip(netns), shell(&rule::print(rule))),
            Op::DelRule { netns, rule } => write!(f, "{} rule del {}", ip(netns), shell(&rule::print(rule))),
            Op::AddNeigh { netns, neigh, replace } => {
                write!(f, "{} neigh {} {}", ip(netns), add_or_replace(*replace), shell(&neigh::print(neigh)))
            }
            Op::DelNeigh { netns, neigh } => {
                let proxy = if neigh.proxy { "proxy " } else { "" };
                write!(f, "{} neigh del {proxy}{} dev {}", ip(netns), neigh.dst, quoted(neigh.dev.as_str()))
            }
            Op::AddFdb { netns, entry, replace } => {
                // Of a VXLAN device what is added is one more destination.
                let verb = if entry.remote.is_some() && !replace { "append" } else { add_or_replace(*replace) };
                write!(f, "{} fdb {verb} {}", bridge(netns), shell(&fdb::print(entry)))
            }
            Op::DelFdb { netns, entry } => {
                let whose = if entry.dev == entry.bridge { "self" } else { "master" };
                write!(f, "{} fdb del {} dev {} {whose}", bridge(netns), entry.mac, quoted(entry.dev.as_str()))?;
                let vlan = if entry.vlan == 0 { String::new() } else { format!(" vlan {}", entry.vlan) };
                let remote = entry.remote.as_ref().map(|remote| format!(" {}", vxlan::print_remote(remote)));
                write!(f, "{vlan}{}", remote.unwrap_or_default())
            }
            Op::AddMdb { netns, entry } => write!(f, "{} mdb add {}", bridge(netns), shell(&mdb::print(entry))),
            Op::DelMdb { netns, entry } => write!(f, "{} mdb del {}", bridge(netns), shell(&mdb::print(entry))),
            Op::AddVlan { netns, dev, vlans, own } => write!(f, "{}", vlan_line(netns, "add", *dev, vlans, *own)),
            Op::DelVlan { netns, dev, vlans, own } => {
                let ids = VlanRange { pvid: false, untagged: false, ..*vlans };
                write!(f, "{}", vlan_line(netns, "del", *dev, &ids, *own))
            }
            Op::SetSysctl { netns, key, value } => {
                write!(f, "{} {}", sysctl(netns), setting(&key.dotted(), value))
            }
            Op::SetImpairment { netns, dev, impairment, handle } => {
                let dev = quoted(dev.as_str());
                let handle = handle.map(|handle| format!("handle {handle:x}: ")).unwrap_or_default();
                match impairment {
                    Some(i) => {
                        write!(f, "{} qdisc replace dev {dev} root {handle}netem {}", tc(netns), netem::print(i))
                    }
                    None => write!(f, "{} qdisc del dev {dev} root", tc(netns)),
                }
            }
            Op::SetQueue { netns, dev, change } => write!(f, "{} {}", tc(netns), queue::print(*dev, change)),
            Op::Ruleset { netns, changes } => {
                let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
                write!(f, "{}nft {}", within(netns), quoted(&lines.join("; ")))
            }
        }
    }
}

impl RouteVerb {
    /// The word after `ip route`.
    pub fn word(self) -> &'static str {
        match self {
            RouteVerb::Add => "add",
            RouteVerb::Append => "append",
            RouteVerb::Prepend => "prepend",
            RouteVerb::Test => "test",
            RouteVerb::Replace => "replace",
            RouteVerb::Change => "change",
        }
    }
}

/// `ip -n H link add name N … type veth peer name P netns S …`.
fn add_link(f: &mut fmt::Formatter<'_>, link: &AddLink) -> fmt::Result {
    if let NewLink::Virtual(Virtual::Tun(tun)) = &link.kind {
        return add_tun(f, link, tun);
    }
    let mut line = Line::default();
    let mut netns = &link.netns;
    match link.kind.link().filter(|_| matches!(link.kind, NewLink::Virtual(_))) {
        // What it sits on is looked up where the command works.
        Some((of, lower)) => {
            netns = of;
            line.say("link add link", quoted(lower.as_str()));
            line.say("name", quoted(link.name.as_str()));
            line.given("netns", (*of != link.netns).then(|| netns_word(&link.netns)));
        }
        None => line.say("link add name", quoted(link.name.as_str())),
    }
    line.given("address", link.mac);
    line.given("mtu", link.mtu);
    line.given("master", link.master.as_ref().map(|m| quoted(m.as_str())));
    if link.up {
        line.word("up");
    }
    match &link.kind {
        NewLink::Veth { peer } => {
            line.say("type veth peer name", quoted(peer.name.as_str()));
            line.given("address", peer.mac);
            line.given("mtu", peer.mtu);
            if peer.netns != link.netns {
                line.say("netns", netns_word(&peer.netns));
            }
        }
        NewLink::Bridge { attrs } => {
            line.word("type bridge");
            line.word(&print_bridge(attrs));
        }
        NewLink::Virtual(kind) => line.say("type", shell(&virtuals::print(kind))),
    }
    write!(f, "{} {}", ip(netns), line.0)
}

/// `ip -n H tuntap add dev N mode …`, which takes nothing else: what is said besides is a command more.
fn add_tun(f: &mut fmt::Formatter<'_>, link: &AddLink, tun: &Tun) -> fmt::Result {
    let name = quoted(link.name.as_str());
    write!(f, "{} tuntap add dev {name} mode {}", ip(&link.netns), virtuals::print_tun(tun))?;
    let change = link.besides_kind();
    if change != LinkChange::default() {
        write!(f, " && ")?;
        set_link(f, &link.netns, link.name.as_str(), &change)?;
    }
    Ok(())
}

/// `ip -n H link set dev N …`; a move to the shell's own namespace is written by its process id.
fn set_link(f: &mut fmt::Formatter<'_>, netns: &NetnsName, name: &str, change: &LinkChange) -> fmt::Result {
    let mut line = Line::default();
    line.say("link set dev", quoted(name));
    line.word(&shell(&print_change(&LinkChange { netns: None, ..change.clone() })));
    line.given("netns", change.netns.as_ref().map(netns_word));
    write!(f, "{} {}", ip(netns), line.0)
}

/// `bridge -n S vlan add dev P vid …`.
fn vlan_line(netns: &NetnsName, verb: &str, dev: IfName, vlans: &VlanRange, own: bool) -> String {
    let own = if own { " self" } else { "" };
    format!("{} vlan {verb} dev {} vid {}{own}", bridge(netns), quoted(dev.as_str()), vlan::print(vlans))
}

fn add_or_replace(replace: bool) -> &'static str {
    if replace { "replace" } else { "add" }
}

fn ip(netns: &NetnsName) -> String {
    with_n("ip", netns)
}

fn bridge(netns: &NetnsName) -> String {
    with_n("bridge", netns)
}

/// For a command that has no `-n`.
fn within(netns: &NetnsName) -> String {
    if netns.is_host() { String::new() } else { format!("ip netns exec {} ", quoted(netns.as_str())) }
}

fn tc(netns: &NetnsName) -> String {
    with_n("tc", netns)
}

fn with_n(tool: &str, netns: &NetnsName) -> String {
    if netns.is_host() { tool.to_owned() } else { format!("{tool} -n {}", quoted(netns.as_str())) }
}

/// `sysctl -qw` within the namespace.
pub(super) fn sysctl(netns: &NetnsName) -> String {
    if netns.is_host() {
        "sysctl -qw".to_owned()
    } else {
        format!("ip netns exec {} sysctl -qw", quoted(netns.as_str()))
    }
}

/// `key=value`, quoted where the shell needs it.
pub(super) fn setting(key: &str, value: &str) -> String {
    quoted(&format!("{key}={value}")).into_owned()
}

/// A namespace as `netns` takes it. The shell's own has no name, but its process id leads there.
fn netns_word(netns: &NetnsName) -> String {
    if netns.is_host() { "$$".to_owned() } else { quoted(netns.as_str()).into_owned() }
}

/// Words as the shell needs them: a device's name may hold what the shell would read otherwise.
fn shell(words: &str) -> String {
    words.split_terminator(' ').map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word as the shell needs it: in single quotes if it holds more than plain characters.
pub(super) fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use crate::link::BridgeAttrs;
    use crate::op::{AddLink, LinkChange, NewLink, Op, RouteVerb, VethPeer};
    use crate::plan::Plan;
    use crate::words;
    use expect_test::expect;

    /// One op of each kind and shape, in an order that a kernel takes.
    fn tour() -> Plan {
        let (h1, s1, host) = ("h1".parse().unwrap(), "s1".parse().unwrap(), crate::NetnsName::host());
        let name = |s: &str| s.parse::<crate::IfName>().unwrap();
        let veth = |netns: &crate::NetnsName, n: &str, peer_netns: &crate::NetnsName, p: &str, master: Option<&str>| {
            let peer = VethPeer { netns: peer_netns.clone(), name: name(p), mac: None, mtu: Some(1400) };
            let (netns, master) = (netns.clone(), master.map(name));
            let mac = Some("02:00:00:00:00:01".parse().unwrap());
            let kind = NewLink::Veth { peer };
            Op::AddLink(Box::new(AddLink { netns, name: name(n), kind, mac, mtu: Some(1400), master, up: true }))
        };
        let sysctl = |netns: &crate::NetnsName, key: &str, value: &str| Op::SetSysctl {
            netns: netns.clone(),
            key: key.parse().unwrap(),
            value: value.into(),
        };
        let set = |netns: &crate::NetnsName, n: &str, change: &str| Op::SetLink {
            netns: netns.clone(),
            name: name(n),
            change: Box::new(words::link::parse_change(change).unwrap()),
        };
        let route = |verb, text: &str| Op::AddRoute { netns: h1_(), verb, route: words::route::parse(text).unwrap() };
        fn h1_() -> crate::NetnsName {
            "h1".parse().unwrap()
        }
        let bridge = BridgeAttrs { stp_state: Some(false), ageing_time: Some(1000), ..BridgeAttrs::default() };
        let kind = NewLink::Bridge { attrs: bridge.clone() };
        let bridge_link =
            AddLink { netns: s1_(), name: name("br0"), kind, mac: None, mtu: None, master: None, up: false };
        fn s1_() -> crate::NetnsName {
            "s1".parse().unwrap()
        }
        let addr = |text: &str| words::addr::parse(text).unwrap();
        let neigh = |text: &str| words::neigh::parse(text).unwrap();
        let mdb = words::mdb::parse("dev br0 port p1 grp 239.1.1.1 permanent vid 10").unwrap();
        let fdb = |text: &str| words::fdb::parse(text, name("br0")).unwrap();
        Plan {
            ops: vec![
                Op::AddNetns { netns: h1_() },
                Op::AddNetns { netns: s1_() },
                sysctl(&h1, "net.ipv6.conf.all.disable_ipv6", "1"),
                sysctl(&h1, "net.ipv4.ping_group_range", "0 0"),
                Op::AddLink(Box::new(bridge_link)),
                veth(&s1, "p1", &h1, "eth0", Some("br0")),
                veth(&h1, "up", &host, "midx'y", None),
                set(&h1, "eth0", "mtu 1300 up"),
                Op::AddAddr { netns: h1_(), dev: name("eth0"), addr: addr("10.0.0.1/24 brd +") },
                Op::AddAddr { netns: h1_(), dev: name("eth0"), addr: addr("10.0.1.1 peer 10.0.1.2/32") },
                route(RouteVerb::Add, "10.2/16 via 10.0.0.2 dev eth0 metric 5 mtu lock 1200"),
                route(RouteVerb::Append, "10.2/16 via 10.0.0.3 dev eth0 metric 5"),
                route(RouteVerb::Replace, "blackhole 10.3.0.0/16"),
                route(RouteVerb::Add, "10.4.0.0/16 nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.0.3 weight 2"),
                Op::DelRoute { netns: h1_(), route: words::route::parse("10.2/16 metric 5").unwrap() },
                Op::AddNexthop {
                    netns: h1_(),
                    nexthop: words::nexthop::parse("id 7 via 10.0.0.2 dev eth0").unwrap(),
                    replace: false,
                },
                route(RouteVerb::Add, "10.7/16 nhid 7"),
                Op::DelNexthop { netns: h1_(), id: 7 },
                Op::AddRule {
                    netns: h1_(),
                    rule: Box::new(words::rule::parse("pref 5 not from 10/8 fwmark 0x1/0xf lookup 100").unwrap()),
                },
                Op::DelRule { netns: h1_(), rule: Box::new(words::rule::parse_partial("pref 5").unwrap()) },
                Op::AddNeigh {
                    netns: h1_(),
                    neigh: neigh("10.0.0.2 lladdr 2::0:0:0:2 dev eth0".replace("2::", "2:0:").as_str()),
                    replace: false,
                },
                Op::AddNeigh { netns: h1_(), neigh: neigh("proxy 10.0.0.9 dev eth0"), replace: true },
                Op::DelNeigh { netns: h1_(), neigh: neigh("proxy 10.0.0.9 dev eth0") },
                Op::DelNeigh { netns: h1_(), neigh: neigh("10.0.0.2 dev eth0") },
                Op::AddFdb { netns: s1_(), entry: fdb("02:00:00:00:00:07 dev p1 static"), replace: false },
                Op::AddFdb { netns: s1_(), entry: fdb("02:00:00:00:00:08 dev p1 static sticky"), replace: true },
                Op::AddFdb { netns: s1_(), entry: fdb("02:00:00:00:00:09"), replace: false },
                Op::AddFdb { netns: s1_(), entry: fdb("02:00:00:00:00:0a dev p1 dynamic"), replace: false },
                Op::AddFdb { netns: s1_(), entry: fdb("02:00:00:00:00:0b dev p1 permanent"), replace: false },
                Op::DelFdb { netns: s1_(), entry: fdb("02:00:00:00:00:07 dev p1 static") },
                Op::DelFdb { netns: s1_(), entry: fdb("02:00:00:00:00:09") },
                Op::AddMdb { netns: s1_(), entry: mdb.clone() },
                Op::DelMdb { netns: s1_(), entry: mdb },
                Op::AddVlan {
                    netns: s1_(),
                    dev: name("p1"),
                    vlans: words::vlan::parse("10 pvid untagged").unwrap(),
                    own: false,
                },
                Op::AddVlan { netns: s1_(), dev: name("br0"), vlans: words::vlan::parse("10-12").unwrap(), own: true },
                Op::DelVlan {
                    netns: s1_(),
                    dev: name("p1"),
                    vlans: words::vlan::parse("1 pvid untagged").unwrap(),
                    own: false,
                },
                Op::SetBridge { netns: s1_(), name: name("br0"), attrs: bridge },
                Op::SetPort {
                    netns: s1_(),
                    name: name("p1"),
                    attrs: words::link::parse_port("cost 7 hairpin on").unwrap(),
                },
                set(&s1, "br0", "up"),
                Op::DelAddr { netns: h1_(), dev: name("eth0"), addr: addr("10.0.1.1 peer 10.0.1.2/32") },
                Op::DelAddr { netns: h1_(), dev: name("eth0"), addr: addr("10.0.0.1/24") },
                Op::SetLink {
                    netns: h1_(),
                    name: name("up"),
                    change: Box::new(LinkChange {
                        netns: Some(host.clone()),
                        rename: Some(name("mid-a;b")),
                        ..LinkChange::default()
                    }),
                },
                set(&h1, "eth1", "netns s1"),
                Op::DelLink { netns: host.clone(), name: name("midx'y") },
                Op::DelNetns { netns: h1_() },
                Op::DelNetns { netns: s1_() },
            ],
        }
    }

    #[test]
    fn plans_print_as_scripts() {
        expect![[r#"
            #!/bin/sh
            set -e
            ip netns add h1
            ip netns add s1
            ip netns exec h1 sysctl -qw net.ipv6.conf.all.disable_ipv6=1 'net.ipv4.ping_group_range=0 0'
            ip -n s1 link add name br0 type bridge stp_state 0 ageing_time 1000
            ip -n s1 link add name p1 address 02:00:00:00:00:01 mtu 1400 master br0 up type veth peer name eth0 mtu 1400 netns h1
            ip -n h1 link add name up address 02:00:00:00:00:01 mtu 1400 up type veth peer name 'midx'\''y' mtu 1400 netns $$
            ip -n h1 link set dev eth0 mtu 1300 up
            ip -n h1 addr add 10.0.0.1/24 brd 10.0.0.255 dev eth0
            ip -n h1 addr add 10.0.1.1 peer 10.0.1.2/32 dev eth0
            ip -n h1 route add 10.2.0.0/16 via 10.0.0.2 dev eth0 metric 5 mtu lock 1200
            ip -n h1 route append 10.2.0.0/16 via 10.0.0.3 dev eth0 metric 5
            ip -n h1 route replace blackhole 10.3.0.0/16
            ip -n h1 route add 10.4.0.0/16 nexthop via 10.0.0.2 dev eth0 weight 1 nexthop via 10.0.0.3 weight 2
            ip -n h1 route del 10.2.0.0/16 metric 5
            ip -n h1 nexthop add id 7 via 10.0.0.2 dev eth0
            ip -n h1 route add 10.7.0.0/16 nhid 7
            ip -n h1 nexthop del id 7
            ip -n h1 rule add priority 5 not from 10.0.0.0/8 fwmark 0x1/0xf lookup 100
            ip -n h1 rule del priority 5 from all
            ip -n h1 neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0
            ip -n h1 neigh replace proxy 10.0.0.9 dev eth0
            ip -n h1 neigh del proxy 10.0.0.9 dev eth0
            ip -n h1 neigh del 10.0.0.2 dev eth0
            bridge -n s1 fdb add 02:00:00:00:00:07 dev p1 master static
            bridge -n s1 fdb replace 02:00:00:00:00:08 dev p1 master static sticky
            bridge -n s1 fdb add 02:00:00:00:00:09 dev br0 self permanent
            bridge -n s1 fdb add 02:00:00:00:00:0a dev p1 master dynamic
            bridge -n s1 fdb add 02:00:00:00:00:0b dev p1 master permanent
            bridge -n s1 fdb del 02:00:00:00:00:07 dev p1 master
            bridge -n s1 fdb del 02:00:00:00:00:09 dev br0 self
            bridge -n s1 mdb add dev br0 port p1 grp 239.1.1.1 permanent vid 10
            bridge -n s1 mdb del dev br0 port p1 grp 239.1.1.1 permanent vid 10
            bridge -n s1 vlan add dev p1 vid 10 pvid untagged
            bridge -n s1 vlan add dev br0 vid 10-12 self
            bridge -n s1 vlan del dev p1 vid 1
            ip -n s1 link set dev br0 type bridge stp_state 0 ageing_time 1000
            ip -n s1 link set dev p1 type bridge_slave cost 7 hairpin on
            ip -n s1 link set dev br0 up
            ip -n h1 addr del 10.0.1.1 peer 10.0.1.2/32 dev eth0
            ip -n h1 addr del 10.0.0.1/24 dev eth0
            ip -n h1 link set dev up name 'mid-a;b' netns $$
            ip -n h1 link set dev eth1 netns s1
            ip link del dev 'midx'\''y'
            ip netns del h1
            ip netns del s1
        "#]].assert_eq(&tour().to_string());
    }
}
