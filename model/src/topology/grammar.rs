//! The file's grammar as data: which keys there are, what they hold, and what they mean.
//!
//! One table serves the complaints about unknown keys and wrong types, the JSON Schema, and the reference. Deliberately
//! absent: what the values of strings mean (that is in [`super::decode`]).

use super::tree::Node;
use crate::complaint::{Complaint, Span, did_you_mean};

/// A key of a table.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) doc: &'static str,
    pub(super) required: bool,
}

/// What a value looks like.
pub(super) enum Shape {
    /// A string; what it says, with an example.
    Text(&'static str),
    /// One of these strings.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// An integer in this range.
    Whole(i64, i64),
    /// A list of such values.
    List(&'static Shape),
    /// A table whose keys are names of this kind.
    Map(&'static str, &'static Shape),
    /// A table with these keys and no others.
    Table(&'static [Key]),
    /// One of these shapes, told apart by type.
    Either(&'static [Shape]),
}

use Shape::{Either, Flag, List, Map, Table, Text, Whole, Word};

const fn key(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, required: false }
}

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Key {
    Key { name, shape, doc, required: true }
}

const DURATION: Shape = Text("a time with its unit, as in \"500ms\" or \"5s\"");
const MTU: Shape = Whole(68, 65535);
const MAC: Shape = Text("a MAC address, as in \"02:00:00:00:00:01\"");
const ADDRESSES: Shape = List(&Text("an address as `ip address add` takes it, as in \"10.0.0.1/24\""));
const ROUTE: Shape = Text("a route as `ip route add` takes it, as in \"default via 10.0.0.254\"");
const NEXTHOP: Shape = Text("a nexthop as `ip nexthop add` takes it, as in \"id 1 via 10.0.0.254 dev eth0\"");
const NAT: Shape = Text(
    "`masquerade`, `snat`, `dnat` or `redirect`, as in \"masquerade out wan\" or \"dnat in wan tcp 8080 to-destination 10.0.0.2:80\"",
);
const FIREWALL: Shape =
    Text("`policy`, `allow`, `deny` or `reject`, as in \"policy forward drop\" or \"allow forward in lan tcp 80\"");
const RULE: Shape = Text("a rule as `ip rule add` takes it, as in \"from 10.0.0.0/8 lookup 100\"");
const NEIGHBOUR: Shape =
    Text("a neighbour as `ip neigh add` takes it, as in \"10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0\"");
const VLANS: Shape =
    List(&Text("VLANs as `bridge vlan add … vid` takes them, as in \"10-20\" or \"10 pvid untagged\""));
const NETEM: Shape = Text("an impairment in tc netem's words, as in \"delay 10ms 2ms loss 1%\"");
const DEVICES: Shape = Either(&[Text("a device, as in \"h1:eth0\""), List(&Text("a device, as in \"h1:eth0\""))]);
const SYSCTLS: Shape = Map(
    "a sysctl, as in \"net.ipv4.conf.all.rp_filter\"",
    &Either(&[Whole(i64::MIN, i64::MAX), Text("the value as written to the file")]),
);
/// How a device is said as a key.
const DEVICE: &str = "a device, as in \"h1:eth0\"";
/// How a namespace is said as a key.
const NETNS_NAME: &str = "a namespace";

/// The whole file.
pub(super) const ROOT: &[Key] = &[
    key("name", Text("a name"), "The lab's name: letters, digits, `.`, `_` and `-`."),
    key("seed", Whole(0, i64::MAX), "Decides MACs, ports and randomness. 0 unless said."),
    key(
        "routes",
        Word(&["static", "shortest"]),
        "Who writes the routes: `static` (the default) leaves them to each namespace, `shortest` gives each namespace \
         the shortest paths to all subnets besides.",
    ),
    key("allow", List(&Text("the code of a complaint, as in \"l2-loop\"")), "Complaints that are not to be made."),
    key("netns", Map(NETNS_NAME, &Table(NETNS)), "The namespaces by name."),
    key("bridge", Map("a bridge, at most 15 bytes", &Table(BRIDGE)), "The bridges by name."),
    key("link", List(&Table(LINK)), "The wires: veth pairs."),
    key("expect", List(&Table(EXPECT)), "What should get through and what should not."),
    key("timeline", List(&Table(TIMELINE)), "What happens later."),
];

const NETNS: &[Key] = &[
    key("forwarding", Flag, "Whether it forwards packets between its interfaces (net.ipv4.ip_forward)."),
    key("routes", List(&ROUTE), "Its routes."),
    key("nexthops", List(&NEXTHOP), "Its nexthop objects, which routes may name by their numbers."),
    key("rules", List(&RULE), "Its policy rules, beside those that every namespace is born with."),
    key("nat", List(&NAT), "What it translates, one intent a line."),
    key("firewall", List(&FIREWALL), "What it lets pass and what not, one intent a line, the first that fits decides."),
    key("neighbours", List(&NEIGHBOUR), "Its permanent neighbours and proxy entries."),
    key("sysctls", SYSCTLS, "Its sysctls; those that are not said have the kernel's usual values."),
    key(
        "interfaces",
        Map("an interface, at most 15 bytes", &Table(INTERFACE)),
        "More about its interfaces. Links make them; `lo` is always there.",
    ),
];

const INTERFACE: &[Key] = &[
    key(
        "type",
        Text("a kind of device as `ip link add type` takes it, as in \"vlan id 10\""),
        "What kind of device it is, if no link makes it: dummy, vlan, macvlan, vxlan, bond, tap or tun.",
    ),
    key(
        "link",
        Text("an interface of the same namespace, as in \"eth0\""),
        "The interface that a vlan or macvlan sits on.",
    ),
    key(
        "master",
        Text("a bond of the same namespace, as in \"bond0\""),
        "The bond that it is a member of; it has the bond's MTU then, and no addresses.",
    ),
    key("addresses", ADDRESSES, "Its addresses."),
    key("mac", MAC, "Its MAC; one derived from the seed otherwise."),
    key("mtu", MTU, "Its MTU, bytes; the link's, or 1500, otherwise."),
    key("up", Flag, "Whether it is up; true unless said."),
];

const BRIDGE: &[Key] = &[
    key("in", Text("a namespace"), "The namespace that holds it; one of its own, named after it, otherwise."),
    key("addresses", ADDRESSES, "The addresses of its own device."),
    key("mac", MAC, "Its MAC; the lowest of its ports' otherwise."),
    key("mtu", MTU, "Its MTU, bytes; the least of its ports' otherwise."),
    key("up", Flag, "Whether it is up; true unless said."),
    key("stp", Flag, "The spanning tree protocol; false unless said."),
    key("priority", Whole(0, 65535), "Its STP priority; 32768 unless said."),
    key("forward_delay", DURATION, "STP's time in listening and in learning; \"15s\" unless said."),
    key("hello_time", DURATION, "STP's time between hellos; \"2s\" unless said."),
    key("max_age", DURATION, "After which STP forgets the root; \"20s\" unless said."),
    key("ageing_time", DURATION, "After which an unseen MAC is forgotten; \"300s\" unless said, \"0s\" makes a hub."),
    key("group_fwd_mask", Whole(0, 65535), "Which reserved groups 01:80:c2:00:00:0X are forwarded, bit X each."),
    key("mcast_snooping", Flag, "IGMP snooping; true unless said."),
    key("mcast_querier", Flag, "Whether it queries for members; false unless said."),
    key("mcast_router", Whole(0, 2), "Whether multicast routers are behind it itself: 0 never, 1 as heard, 2 always."),
    key("mcast_last_member_count", Whole(0, u32::MAX as i64), "How often members are asked for; 2 unless said."),
    key("mcast_startup_query_count", Whole(0, u32::MAX as i64), "How many quick queries come first; 2 unless said."),
    key("mcast_last_member_interval", DURATION, "Between those questions; \"1s\" unless said."),
    key("mcast_membership_interval", DURATION, "After which a silent member is forgotten; \"260s\" unless said."),
    key("mcast_querier_interval", DURATION, "After which another querier is forgotten; \"255s\" unless said."),
    key("mcast_query_interval", DURATION, "Between queries; \"125s\" unless said."),
    key("mcast_query_response_interval", DURATION, "How long members may take to answer; \"10s\" unless said."),
    key("mcast_startup_query_interval", DURATION, "Between the first queries; \"31.25s\" unless said."),
    key("vlan_filtering", Flag, "VLAN filtering; false unless said."),
    key("vlan_protocol", Word(&["802.1Q", "802.1ad"]), "Whose tags count; \"802.1Q\" unless said."),
    key("vlan_default_pvid", Whole(0, 4094), "The VLAN of untagged frames at a new port; 1 unless said, 0 for none."),
    key("vlan_stats_enabled", Flag, "Whether frames are counted by VLAN; false unless said."),
    key("vlan_stats_per_port", Flag, "Whether they are so at each port; false unless said."),
    key("vlans", VLANS, "The VLANs of the bridge's own device, all of them; the default one unless said."),
    key("fdb_max_learned", Whole(0, u32::MAX as i64), "How many MACs may be learned; 0, no limit, unless said."),
    key(
        "fdb",
        List(&Text("an entry as `bridge fdb add` takes it, as in \"02:00:00:00:00:09 dev p1 master static\"")),
        "Its static forwarding entries.",
    ),
    key("ports", Map("a port, at most 15 bytes", &Table(PORT)), "More about its ports. Links make them."),
];

const PORT: &[Key] = &[
    key("mac", MAC, "Its MAC; one derived from the seed otherwise."),
    key("mtu", MTU, "Its MTU, bytes; the link's, or 1500, otherwise."),
    key("up", Flag, "Whether it is up; true unless said."),
    key("vlans", VLANS, "Its VLANs, all of them; the bridge's default one unless said."),
    key("cost", Whole(1, 65535), "Its STP path cost; 2 unless said."),
    key("priority", Whole(0, 63), "Its STP priority; 32 unless said."),
    key("hairpin", Flag, "Whether a frame may leave by the port it came from."),
    key("guard", Flag, "Whether a BPDU received shuts it."),
    key("root_block", Flag, "Whether it may not become the root port."),
    key("fastleave", Flag, "Whether a multicast leave is believed at once."),
    key("learning", Flag, "Whether it learns MACs; true unless said."),
    key("flood", Flag, "Whether unknown unicast leaves by it; true unless said."),
    key("mcast_flood", Flag, "Whether unknown multicast leaves by it; true unless said."),
    key("bcast_flood", Flag, "Whether broadcast leaves by it; true unless said."),
    key("isolated", Flag, "Whether it is kept from other isolated ports."),
    key("locked", Flag, "Whether frames from unknown sources are dropped."),
    key(
        "mcast_router",
        Whole(0, 3),
        "Whether a multicast router is behind it: 0 never, 1 as heard, 2 always, 3 for now.",
    ),
    key("neigh_suppress", Flag, "Whether the bridge answers ARP instead of flooding it there."),
];

const LINK: &[Key] = &[
    required(
        "ends",
        List(&Text("NAMESPACE:INTERFACE or BRIDGE:PORT, as in \"h1:eth0\"")),
        "Its two ends, each a namespace's interface or a bridge's port.",
    ),
    key("mtu", MTU, "The MTU of both ends, bytes; 1500 unless said."),
    key(
        "impair",
        Either(&[NETEM, Map("one of the two ends, as in \"h1:eth0\"", &NETEM)]),
        "What happens to frames on it: in both directions, or to those that each end sends.",
    ),
];

/// The words of [`crate::probe::Verdict`], after the two that most need.
pub(crate) const RESULTS: &[&str] = &[
    "allowed",
    "denied",
    "reached",
    "refused",
    "net-unreachable",
    "host-unreachable",
    "prohibited",
    "ttl-exceeded",
    "too-big",
    "timeout",
    "failed",
];

const EXPECT: &[Key] = &[
    key("ping", Text("SOURCE -> DESTINATION, as in \"h1 -> h2\" or \"h1 -> 10.0.0.2\""), "Echo requests."),
    key("tcp", Text("SOURCE -> DESTINATION:PORT, as in \"h1 -> h2:80\""), "A TCP connection."),
    key("udp", Text("SOURCE -> DESTINATION:PORT, as in \"h1 -> h2:53\""), "A UDP datagram and its echo."),
    key("result", Word(RESULTS), "What should become of it; `allowed` unless said."),
    key("at", DURATION, "When, since all was up; when the timeline is over otherwise."),
    key("timeout", DURATION, "How long an answer may take; \"5s\" unless said."),
    key("source", Text("an address, as in \"10.0.0.1\""), "From this address; the kernel's choice otherwise."),
    key("count", Whole(1, 65535), "ping: how many requests; 1 unless said."),
    key("interval", DURATION, "ping: time between requests; \"1s\" unless said."),
    key("ttl", Whole(1, 255), "ping: time to live; 64 unless a sysctl says otherwise."),
    key("size", Whole(0, 65507), "ping, udp: payload, bytes; 56 and 100 unless said."),
    key("bytes", Whole(0, 1 << 40), "tcp: how much to send and read back; 1000 unless said."),
    key(
        "listen",
        Flag,
        "tcp, udp: whether a server is put at the destination first; true unless said or the result is `refused`.",
    ),
];

const TIMELINE: &[Key] = &[
    required("at", DURATION, "When, since all was up."),
    key("up", DEVICES, "These devices go up."),
    key("down", DEVICES, "These devices go down."),
    key(
        "impair",
        Map(DEVICE, &Text("an impairment in tc netem's words, \"\" for none")),
        "What happens from then on to frames that a device sends.",
    ),
    key("mtu", Map(DEVICE, &MTU), "These MTUs change."),
    key("add_address", Map(DEVICE, &Text("an address, as in \"10.0.0.1/24\"")), "Addresses that come."),
    key("del_address", Map(DEVICE, &Text("an address, as in \"10.0.0.1/24\"")), "Addresses that go."),
    key("add_route", Map(NETNS_NAME, &ROUTE), "Routes that come."),
    key("replace_route", Map(NETNS_NAME, &ROUTE), "Routes that come in the place of others."),
    key("del_route", Map(NETNS_NAME, &ROUTE), "Routes that go."),
    key("add_neighbour", Map(NETNS_NAME, &NEIGHBOUR), "Neighbours that come, or change."),
    key("del_neighbour", Map(NETNS_NAME, &NEIGHBOUR), "Neighbours that go."),
    key("sysctl", Map(NETNS_NAME, &SYSCTLS), "Sysctls that change."),
];

/// Says every unknown key, missing key and wrong type below `node`.
pub(super) fn complaints(root: &Node) -> Vec<Complaint> {
    let mut out = Vec::new();
    table(root, ROOT, "the file", &mut out);
    out
}

fn value(node: &Node, shape: &Shape, name: &str, out: &mut Vec<Complaint>) {
    match shape {
        Table(keys) if accepts(shape, node) => table(node, keys, name, out),
        Map(_, of) if accepts(shape, node) => {
            for entry in node.entries() {
                value(&entry.value, of, &format!("{name}.{}", entry.key), out);
            }
        }
        List(of) if accepts(shape, node) => node.items().iter().for_each(|item| value(item, of, name, out)),
        Either(shapes) => match shapes.iter().find(|s| accepts(s, node)) {
            Some(fitting) => value(node, fitting, name, out),
            None => out.push(wrong_type(node, shape, name)),
        },
        Whole(min, max) => match node.whole() {
            Some(n) if (*min..=*max).contains(&n) => {}
            Some(n) => {
                let message = format!("`{name}` is {n}, out of its range");
                out.push(Complaint::error("out-of-range", node.place(), message).help(format!("{min} to {max}")));
            }
            None => out.push(wrong_type(node, shape, name)),
        },
        Word(words) => match node.text() {
            Some(said) if words.contains(&said) => {}
            Some(said) => {
                let message = format!("{said:?} is not a value of `{name}`");
                let help = match did_you_mean(said, words.iter().copied()) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => format!("write one of {}", words.join(", ")),
                };
                out.push(Complaint::error("unknown-word", node.place(), message).help(help));
            }
            None => out.push(wrong_type(node, shape, name)),
        },
        _ if accepts(shape, node) => {}
        _ => out.push(wrong_type(node, shape, name)),
    }
}

fn table(node: &Node, keys: &[Key], name: &str, out: &mut Vec<Complaint>) {
    for entry in node.entries() {
        match keys.iter().find(|k| k.name == entry.key) {
            Some(key) => value(&entry.value, &key.shape, key.name, out),
            None => {
                let message = format!("unknown key `{}` in {}", entry.key, quoted(name));
                let known = keys.iter().map(|k| k.name);
                let help = match did_you_mean(&entry.key, known.clone()).or_else(|| synonym(&entry.key, keys)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}", known.collect::<Vec<_>>().join(", ")),
                };
                let place = Span::new(entry.key_span.clone());
                out.push(Complaint::error("unknown-key", place, message).label("unknown").help(help));
            }
        }
    }
    for key in keys.iter().filter(|k| k.required && node.get(k.name).is_none()) {
        let message = format!("{} has no `{}`", quoted(name), key.name);
        let help = format!("write `{} = …`: {}", key.name, key.shape.words());
        out.push(Complaint::error("missing-key", node.place(), message).help(help));
    }
}

/// What other tools call it.
fn synonym(said: &str, keys: &[Key]) -> Option<&'static str> {
    const OTHER_WORDS: &[(&str, &str)] = &[
        ("bridges", "bridge"),
        ("namespaces", "netns"),
        ("namespace", "netns"),
        ("nodes", "netns"),
        ("hosts", "netns"),
        ("links", "link"),
        ("ip_forward", "forwarding"),
        ("neigh", "neighbours"),
        ("arp", "neighbours"),
        ("ip", "addresses"),
        ("address", "addresses"),
        ("addrs", "addresses"),
        ("state", "up"),
        ("endpoints", "ends"),
        ("between", "ends"),
        ("netem", "impair"),
        ("stp_state", "stp"),
        ("is", "result"),
        ("verdict", "result"),
        ("tests", "expect"),
        ("events", "timeline"),
    ];
    let meant = OTHER_WORDS.iter().find(|(other, _)| *other == said)?.1;
    keys.iter().map(|k| k.name).find(|k| *k == meant)
}

fn quoted(name: &str) -> String {
    if name == "the file" { name.to_owned() } else { format!("`{name}`") }
}

/// Whether the value is of the shape's type, its insides not looked at.
fn accepts(shape: &Shape, node: &Node) -> bool {
    match shape {
        Text(_) | Word(_) => node.text().is_some(),
        Flag => node.flag().is_some(),
        Whole(..) => node.whole().is_some(),
        List(_) => matches!(node.data, super::tree::Data::List(_)),
        Map(..) | Table(_) => matches!(node.data, super::tree::Data::Table(_)),
        Either(shapes) => shapes.iter().any(|s| accepts(s, node)),
    }
}

fn wrong_type(node: &Node, shape: &Shape, name: &str) -> Complaint {
    let message = format!("`{name}` is {}, not {}", node.what(), shape.kind());
    let help = match (shape, node.text()) {
        (List(of), Some(said)) if matches!(**of, Text(_)) => format!("write it as a list: [{said:?}]"),
        _ => format!("write {}", shape.words()),
    };
    Complaint::error("wrong-type", node.place(), message).help(help)
}

impl Shape {
    /// The type, with its article.
    fn kind(&self) -> String {
        match self {
            Text(_) | Word(_) => "a string".into(),
            Flag => "true or false".into(),
            Whole(..) => "an integer".into(),
            List(_) => "a list".into(),
            Map(..) | Table(_) => "a table".into(),
            Either(shapes) => shapes.iter().map(Shape::kind).collect::<Vec<_>>().join(" or "),
        }
    }

    /// What to write.
    fn words(&self) -> String {
        match self {
            Text(what) => (*what).to_owned(),
            Word(words) => format!("one of {}", words.join(", ")),
            Flag => "true or false".into(),
            Whole(min, max) if *min == i64::MIN && *max == i64::MAX => "an integer".into(),
            Whole(min, max) => format!("an integer from {min} to {max}"),
            List(of) => format!("a list, each item {}", of.words()),
            Map(key, of) => format!("a table; each key {key}, each value {}", of.words()),
            Table(keys) => format!("a table with {}", keys.iter().map(|k| k.name).collect::<Vec<_>>().join(", ")),
            Either(shapes) => shapes.iter().map(Shape::words).collect::<Vec<_>>().join("; or "),
        }
    }
}
