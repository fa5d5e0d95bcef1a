//! The tree into the nouns. What can be understood is; all that cannot is said.

use super::pieces::{self, read};
use super::tree::{Entry, Node};
use super::{Bridge, Interface, Link, Netns, Routing, Topology, grammar};
use crate::complaint::{Complaint, Placed, Span};
use crate::impair::Impairment;
use crate::link::{BridgeAttrs, PortAttrs};
use crate::name::{IfName, Mac};
use crate::sysctl::SysctlKey;
use crate::words::link::vlan_protocol_named;
use std::collections::BTreeMap;

/// Decodes a whole file.
pub(super) fn topology(text: &str, root: &Node) -> (Topology, Vec<Complaint>) {
    let mut d = Decoder { text, complaints: grammar::complaints(root) };
    let mut t = Topology {
        name: d.read(root.get("name"), pieces::lab),
        seed: number(root.get("seed")).unwrap_or(0),
        routing: match root.get("routes").and_then(Node::text) {
            Some("shortest") => Routing::Shortest,
            _ => Routing::Static,
        },
        allow: d.list(root.get("allow"), |s| Ok(s.to_owned())),
        ..Topology::default()
    };
    for entry in table(root.get("netns")) {
        if let Some(name) = d.name(entry, pieces::netns) {
            let netns = d.netns(entry);
            t.netns.insert(name, netns);
        }
    }
    for entry in table(root.get("bridge")) {
        if let Some(name) = d.name(entry, pieces::device) {
            let bridge = d.bridge(entry, name);
            t.bridges.insert(name, bridge);
        }
    }
    t.links = list(root.get("link")).iter().filter_map(|node| d.link(node)).collect();
    t.expectations = list(root.get("expect")).iter().filter_map(|node| d.expect(node)).collect();
    t.timeline = list(root.get("timeline")).iter().filter_map(|node| d.moment(node)).collect();
    d.complaints.sort_by_key(|c| c.span.as_ref().map_or(0, |s| s.start));
    (t, d.complaints)
}

/// The text and what is wrong with it so far.
pub(super) struct Decoder<'a> {
    pub(super) text: &'a str,
    pub(super) complaints: Vec<Complaint>,
}

impl Decoder<'_> {
    /// A string's value.
    pub(super) fn read<T>(
        &mut self,
        node: Option<&Node>,
        parse: impl FnOnce(&str) -> pieces::Piece<T>,
    ) -> Option<Placed<T>> {
        read(self.text, node?, &mut self.complaints, parse)
    }

    /// The values of a list of strings.
    pub(super) fn list<T>(&mut self, node: Option<&Node>, parse: impl Fn(&str) -> pieces::Piece<T>) -> Vec<Placed<T>> {
        list(node).iter().filter_map(|item| self.read(Some(item), &parse)).collect()
    }

    /// A table's key as a name.
    pub(super) fn name<T>(&mut self, entry: &Entry, parse: impl FnOnce(&str) -> pieces::Piece<T>) -> Option<T> {
        match parse(&entry.key) {
            Ok(name) => Some(name),
            Err(wrong) => {
                self.complaints.push(wrong.at_place(Span::new(entry.key_span.clone())));
                None
            }
        }
    }

    fn netns(&mut self, entry: &Entry) -> Netns {
        let node = &entry.value;
        Netns {
            span: Span::new(entry.key_span.clone()),
            forwarding: flag(node.get("forwarding")).unwrap_or(false),
            routes: self.list(node.get("routes"), pieces::route),
            nexthops: self.list(node.get("nexthops"), pieces::nexthop),
            rules: self.list(node.get("rules"), pieces::rule),
            nat: self.list(node.get("nat"), pieces::nat),
            firewall: self.list(node.get("firewall"), pieces::filter),
            neighbours: self.list(node.get("neighbours"), pieces::neighbour),
            sysctls: self.sysctls(node.get("sysctls")),
            interfaces: self.interfaces(node.get("interfaces")),
        }
    }

    fn interfaces(&mut self, node: Option<&Node>) -> BTreeMap<IfName, Interface> {
        let mut out = BTreeMap::new();
        for entry in table(node) {
            if let Some(name) = self.name(entry, pieces::device) {
                out.insert(name, self.interface(entry));
            }
        }
        out
    }

    fn interface(&mut self, entry: &Entry) -> Interface {
        let node = &entry.value;
        Interface {
            span: Span::new(entry.key_span.clone()),
            kind: self.read(node.get("type"), pieces::kind),
            link: self.read(node.get("link"), pieces::device),
            master: self.read(node.get("master"), pieces::device),
            up: flag(node.get("up")).unwrap_or(true),
            mac: self.mac(node.get("mac")),
            mtu: mtu(node.get("mtu")),
            addresses: self.list(node.get("addresses"), pieces::address),
            port: PortAttrs::default(),
            vlans: node.get("vlans").map(|list| self.list(Some(list), pieces::vlans)),
        }
    }

    fn mac(&mut self, node: Option<&Node>) -> Option<Placed<Mac>> {
        self.read(node, pieces::mac)
    }

    /// The value of each sysctl, an integer or a string, as it is written to the file.
    pub(super) fn sysctls(&mut self, node: Option<&Node>) -> BTreeMap<SysctlKey, Placed<String>> {
        let mut out: BTreeMap<SysctlKey, Placed<String>> = BTreeMap::new();
        for entry in table(node) {
            let place = Span::new(entry.key_span.clone());
            let key = match SysctlKey::new(&entry.key) {
                Ok(key) => key,
                Err(e) => {
                    let message = format!("{:?} is not a sysctl: {e}", entry.key);
                    let help = "quote the whole name, as in \"net.ipv4.conf.all.rp_filter\" = 1";
                    self.complaints.push(Complaint::error("bad-sysctl", place, message).help(help));
                    continue;
                }
            };
            let value = match (entry.value.whole(), entry.value.text()) {
                (Some(n), _) => n.to_string(),
                (None, Some(s)) => s.trim().to_owned(),
                (None, None) => continue,
            };
            if let Some(first) = out.get(&key) {
                let complaint = Complaint::error("duplicate-name", place, format!("{key} is there twice"))
                    .help("say it once")
                    .also(first.span, "first here");
                self.complaints.push(complaint);
            }
            out.insert(key, Placed::new(value, entry.value.place()));
        }
        out
    }

    fn bridge(&mut self, entry: &Entry, name: IfName) -> Bridge {
        let node = &entry.value;
        let mut ports = BTreeMap::new();
        for port in table(node.get("ports")) {
            if let Some(port_name) = self.name(port, pieces::device) {
                let interface = Interface { port: port_attrs(&port.value), ..self.interface(port) };
                ports.insert(port_name, interface);
            }
        }
        Bridge {
            span: Span::new(entry.key_span.clone()),
            holder: self.read(node.get("in"), pieces::netns),
            device: self.interface(entry),
            attrs: self.bridge_attrs(node),
            ports,
            fdb: self.list(node.get("fdb"), |s| pieces::fdb(s, name)),
        }
    }

    fn bridge_attrs(&mut self, node: &Node) -> BridgeAttrs {
        BridgeAttrs {
            stp_state: flag(node.get("stp")),
            forward_delay: self.hundredths(node.get("forward_delay")),
            hello_time: self.hundredths(node.get("hello_time")),
            max_age: self.hundredths(node.get("max_age")),
            ageing_time: self.hundredths(node.get("ageing_time")),
            priority: number(node.get("priority")),
            group_fwd_mask: number(node.get("group_fwd_mask")),
            mcast_snooping: flag(node.get("mcast_snooping")),
            mcast_querier: flag(node.get("mcast_querier")),
            vlan_filtering: flag(node.get("vlan_filtering")),
            mcast_router: number(node.get("mcast_router")),
            mcast_last_member_count: number(node.get("mcast_last_member_count")),
            mcast_startup_query_count: number(node.get("mcast_startup_query_count")),
            mcast_last_member_interval: self.hundredths(node.get("mcast_last_member_interval")),
            mcast_membership_interval: self.hundredths(node.get("mcast_membership_interval")),
            mcast_querier_interval: self.hundredths(node.get("mcast_querier_interval")),
            mcast_query_interval: self.hundredths(node.get("mcast_query_interval")),
            mcast_query_response_interval: self.hundredths(node.get("mcast_query_response_interval")),
            mcast_startup_query_interval: self.hundredths(node.get("mcast_startup_query_interval")),
            vlan_protocol: node.get("vlan_protocol").and_then(Node::text).and_then(vlan_protocol_named),
            vlan_default_pvid: number(node.get("vlan_default_pvid")),
            vlan_stats_enabled: flag(node.get("vlan_stats_enabled")),
            vlan_stats_per_port: flag(node.get("vlan_stats_per_port")),
            fdb_max_learned: number(node.get("fdb_max_learned")),
        }
    }

    /// A time in hundredths of a second, as bridges keep them.
    fn hundredths(&mut self, node: Option<&Node>) -> Option<u32> {
        let time = self.read(node, pieces::duration)?;
        let hundredths = time.as_millis() / 10;
        match u32::try_from(hundredths) {
            Ok(n) if time.as_nanos() == hundredths * 10_000_000 => Some(n),
            _ => {
                let complaint =
                    Complaint::error("out-of-range", time.span, "a bridge counts in hundredths of a second");
                self.complaints.push(complaint.help("write a multiple of 10ms"));
                None
            }
        }
    }

    fn link(&mut self, node: &Node) -> Option<Link> {
        let mut ends = Vec::new();
        let said = list(node.get("ends"));
        for item in said {
            if let Some(end) = self.read(Some(item), |s| pieces::end(s, false)) {
                ends.push(super::End { span: end.span, ..end.value });
            }
        }
        if let Some(ends_node) = node.get("ends").filter(|_| said.len() != 2) {
            let message = format!("a link has two ends, not {}", said.len());
            let help = "write ends = [\"h1:eth0\", \"h2:eth0\"]; for more than two use a bridge";
            self.complaints.push(Complaint::error("bad-end", ends_node.place(), message).help(help));
        }
        let mtu = mtu(node.get("mtu"));
        let names: Vec<String> = ends.iter().map(ToString::to_string).collect();
        let impair = self.impairments(node.get("impair"), &names);
        let ends: [super::End; 2] = ends.try_into().ok()?;
        Some(Link { span: node.place(), ends, mtu, impair })
    }

    /// One impairment for both directions, or one for each end that is named.
    fn impairments(&mut self, node: Option<&Node>, ends: &[String]) -> [Option<Placed<Impairment>>; 2] {
        let mut out = [None, None];
        if let Some(both) = self.impairment(node) {
            return [Some(both.clone()), Some(both)];
        }
        for entry in table(node) {
            match ends.iter().position(|end| *end == entry.key) {
                Some(i) => out[i] = self.impairment(Some(&entry.value)),
                None => {
                    let place = Span::new(entry.key_span.clone());
                    let message = format!("{:?} is not an end of this link", entry.key);
                    let help =
                        format!("write {}", ends.iter().map(|e| format!("{e:?}")).collect::<Vec<_>>().join(" or "));
                    self.complaints.push(Complaint::error("bad-end", place, message).help(help));
                }
            }
        }
        out
    }

    fn impairment(&mut self, node: Option<&Node>) -> Option<Placed<Impairment>> {
        let said = self.read(node, pieces::netem)?;
        said.value.map(|value| Placed::new(value, said.span))
    }
}

fn port_attrs(node: &Node) -> PortAttrs {
    PortAttrs {
        cost: number(node.get("cost")),
        priority: number(node.get("priority")),
        hairpin: flag(node.get("hairpin")),
        guard: flag(node.get("guard")),
        root_block: flag(node.get("root_block")),
        fastleave: flag(node.get("fastleave")),
        learning: flag(node.get("learning")),
        flood: flag(node.get("flood")),
        mcast_flood: flag(node.get("mcast_flood")),
        bcast_flood: flag(node.get("bcast_flood")),
        isolated: flag(node.get("isolated")),
        locked: flag(node.get("locked")),
        neigh_suppress: flag(node.get("neigh_suppress")),
        mcast_router: number(node.get("mcast_router")),
    }
}

fn mtu(node: Option<&Node>) -> Option<Placed<u32>> {
    Some(Placed::new(number(node)?, node?.place()))
}

pub(super) fn flag(node: Option<&Node>) -> Option<bool> {
    node?.flag()
}

/// An integer, if it fits; the grammar has said so if not.
pub(super) fn number<T: TryFrom<i64>>(node: Option<&Node>) -> Option<T> {
    T::try_from(node?.whole()?).ok()
}

pub(super) fn table(node: Option<&Node>) -> &[Entry] {
    node.map_or(&[], Node::entries)
}

pub(super) fn list(node: Option<&Node>) -> &[Node] {
    node.map_or(&[], Node::items)
}
