//! Topologies from text: what they come to, and what is said about bad ones.

use nettwin_model::complaint::Complaint;
use nettwin_model::op::Op;
use nettwin_model::snapshot::Config;
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{IfName, LinkKind, NetnsName, SysctlKey};

const TWO_HOSTS: &str = r#"
name = "two-hosts"

[netns.h1]
interfaces.eth0.addresses = ["10.0.0.1/24"]

[netns.h2]
interfaces.eth0.addresses = ["10.0.0.2/24"]

[[link]]
ends = ["h1:eth0", "h2:eth0"]

[[expect]]
ping = "h1 -> h2"
"#;

fn said(complaints: &[Complaint], text: &str) -> Vec<String> {
    let place = |c: &Complaint| c.line_column(text).map_or("-".into(), |(l, c)| format!("{l}:{c}"));
    complaints.iter().map(|c| format!("{} {c}", place(c))).collect()
}

/// The complaints about `text`, one a line; nothing if there are none.
fn check(text: &str, expect: &[&str]) {
    let got = match Topology::load(text, Format::Toml) {
        Ok(checked) => said(checked.warnings(), text),
        Err(complaints) => said(&complaints, text),
    };
    assert_eq!(got, expect, "{text}");
}

/// As `check`, below the two hosts.
fn check_with(more: &str, expect: &[&str]) {
    let text = format!("{TWO_HOSTS}{more}");
    let lines = TWO_HOSTS.matches('\n').count();
    let got = match Topology::load(&text, Format::Toml) {
        Ok(checked) => checked.warnings().to_vec(),
        Err(complaints) => complaints,
    };
    let place =
        |c: &Complaint| c.line_column(&text).map_or("-".into(), |(l, c)| format!("{}:{c}", l as i64 - lines as i64));
    let got: Vec<String> = got
        .iter()
        .map(|c| format!("{} {}[{}] {}", place(c), if c.is_error() { "E" } else { "W" }, c.code, c.message))
        .collect();
    assert_eq!(got, expect, "{more}");
}

fn config<'a>(checked: &'a nettwin_model::check::Checked, netns: &str) -> &'a Config {
    &checked.desired().netns[&NetnsName::new(netns).unwrap()]
}

fn dev(name: &str) -> IfName {
    IfName::new(name).unwrap()
}

#[test]
fn two_hosts_are_what_they_say() {
    let checked = Topology::load(TWO_HOSTS, Format::Toml).unwrap();
    assert_eq!(checked.name(), Some("two-hosts"));
    assert!(checked.warnings().is_empty(), "{:?}", checked.warnings());
    assert_eq!(checked.desired().netns.len(), 2);
    assert_eq!(checked.expectations()[0].text, "ping h1 -> h2");
    let h1 = config(&checked, "h1");
    let eth0 = &h1.links[&dev("eth0")];
    let h2 = NetnsName::new("h2").unwrap();
    assert_eq!(eth0.kind, LinkKind::Veth { peer: Some((h2, dev("eth0"))) });
    assert_eq!(eth0.mac.unwrap().to_string(), "02:92:46:8c:99:41", "derived MACs are a promise");
    assert_eq!(eth0.mtu, Some(1500));
    assert!(eth0.up && h1.links[&IfName::lo()].up);
}

#[test]
fn forwarding_stops_believing_redirects_as_the_kernel_does() {
    let text = "[netns.r]\nforwarding = true\n[netns.h]\nsysctls = { 'net/ipv4/conf/lo/rp_filter' = 2 }\n";
    let checked = Topology::load(text, Format::Toml).unwrap();
    let value = |netns: &str, key: &str| config(&checked, netns).sysctls[&SysctlKey::new(key).unwrap()].clone();
    assert_eq!(value("r", "net.ipv4.ip_forward"), "1");
    assert_eq!(value("r", "net.ipv4.conf.all.accept_redirects"), "0");
    assert_eq!(value("h", "net.ipv4.ip_forward"), "0");
    assert_eq!(value("h", "net.ipv4.conf.all.accept_redirects"), "1");
    assert_eq!(value("h", "net.ipv4.conf.lo.rp_filter"), "2");
}

#[test]
fn bridges_have_a_namespace_of_their_own_or_are_held() {
    let text = r#"
        [netns.h1]
        [netns.h2]
        [bridge.s1]
        stp = true
        ageing_time = "10s"
        ports.p1.cost = 7
        [bridge.br0]
        in = "host"
        addresses = ["10.0.0.254/24"]
        [[link]]
        ends = ["h1:eth0", "s1:p1"]
        [[link]]
        ends = ["h2:eth0", "br0:p1"]
        [[link]]
        ends = ["host:up", "s1:p2"]
    "#;
    let checked = Topology::load(text, Format::Toml).unwrap();
    let names: Vec<&str> = checked.desired().netns.keys().map(NetnsName::as_str).collect();
    assert_eq!(names, ["h1", "h2", "host", "s1"]);
    let s1 = config(&checked, "s1");
    assert_eq!(s1.links[&dev("s1")].bridge.as_ref().unwrap().ageing_time, Some(1000));
    assert_eq!(s1.links[&dev("s1")].mac, None, "the kernel chooses a bridge's MAC");
    assert_eq!(s1.links[&dev("p1")].master, Some(dev("s1")));
    let port = s1.links[&dev("p1")].port.clone().unwrap();
    assert_eq!((port.cost, port.learning), (Some(7), Some(true)));
    let host = config(&checked, "host");
    assert_eq!(host.links.keys().map(IfName::as_str).collect::<Vec<_>>(), ["br0", "lo", "p1", "up"]);
}

#[test]
fn shortest_paths_prefer_few_routers_then_names() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/07-shortest-paths.toml")).unwrap();
    let checked = Topology::load(&text, Format::Toml).unwrap();
    let routes = |netns: &str| -> Vec<String> {
        config(&checked, netns).routes.iter().map(nettwin_model::words::route::print).collect()
    };
    assert_eq!(routes("h1"), ["default via 10.1.0.1 dev eth0"]);
    assert_eq!(
        routes("r1"),
        [
            "10.0.24.0/30 via 10.0.12.2 dev up",
            "10.0.34.0/30 via 10.0.13.2 dev down",
            "10.2.0.0/24 via 10.0.12.2 dev up"
        ]
    );
}

#[test]
fn the_timeline_is_ops_by_time() {
    let text = format!(
        "{TWO_HOSTS}\n[[timeline]]\nat = \"2s\"\nup = [\"h1:eth0\"]\nmtu.\"h2:eth0\" = 1400\nsysctl.h1.\"net.ipv4.ip_forward\" = 1\n\
         [[timeline]]\nat = \"1s\"\ndown = \"h1:eth0\"\nimpair.\"h2:eth0\" = \"\"\nadd_route.h2 = \"blackhole 10.9.0.0/16\"\n"
    );
    let checked = Topology::load(&text, Format::Toml).unwrap();
    let ops: Vec<String> =
        checked.timeline().iter().flat_map(|(at, ops)| ops.iter().map(move |op| format!("{at:?} {op}"))).collect();
    assert_eq!(ops.len(), 6, "{ops:?}");
    assert!(ops[0].starts_with("1s ip -n h1 link set"), "{ops:?}");
    assert!(matches!(&checked.timeline()[0].1[1], Op::SetImpairment { impairment: None, .. }));
}

#[test]
fn everything_wrong_is_said_with_its_place_and_remedy() {
    check(
        "sead = 1\n[netns.h1]\nforwardin = true\nroutes = \"x\"\n",
        &[
            "1:1 error[unknown-key]: unknown key `sead` in the file (did you mean `seed`?)",
            "3:1 error[unknown-key]: unknown key `forwardin` in `netns.h1` (did you mean `forwarding`?)",
            "4:10 error[wrong-type]: `routes` is a string, not a list (write it as a list: [\"x\"])",
        ],
    );
    check(
        "",
        &["- error[empty-topology]: the topology has no namespaces: there is nothing to run \
           (declare one as [netns.h1]; `nettwin gen line 2` writes a whole topology)"],
    );
    check(
        "[netns.h1\n",
        &[
            "1:10 error[syntax]: unclosed table, expected `]` (TOML has lines of `key = value`, tables as `[netns.h1]`, lists of tables as `[[link]]`)",
        ],
    );
    check(
        "[netns.h1]\n[netns.h1]\n",
        &["2:8 error[duplicate-name]: duplicate key (say it once; what belongs together goes under one heading)"],
    );
}

#[test]
fn bad_strings_are_said_at_the_bytes_that_are_bad() {
    check_with(
        "[netns.a_name_that_is_fine]\ninterfaces.a_name_of_17_bytes.up = true\ninterfaces.e.addresses = [\"10.0.0.1/33\", \"fe80::1/64\"]\n\
         routes = [\"default via 10.0.0.1 devv eth0\"]\n[[link]]\nends = [\"h1:eth1\"]\n[[link]]\nends = [\"h1\", \"h2:a_name_of_17_bytes\"]\n",
        &[
            "2:12 E[name-too-long] \"a_name_of_17_bytes\" cannot name an interface: the name has 18 bytes, the limit is 15",
            "3:28 E[bad-address] `33` is not a prefix length",
            "3:43 E[ipv6] \"fe80::1/64\" is IPv6, which is not supported yet",
            "4:33 E[bad-route] unknown word `devv`",
            "6:8 E[bad-end] a link has two ends, not 1",
            "8:10 E[bad-end] \"h1\" does not say which interface",
            "8:19 E[name-too-long] \"a_name_of_17_bytes\" cannot name an interface: the name has 18 bytes, the limit is 15",
        ],
    );
}

#[test]
fn names_must_lead_somewhere_and_be_taken_once() {
    check_with(
        "[[link]]\nends = [\"h1:eth0\", \"h3:eth0\"]\n",
        &[
            "2:9 E[duplicate-name] h1:eth0 is already the end of another link",
            "2:20 E[unknown-namespace] there is no namespace or bridge \"h3\"",
        ],
    );
    check_with("[bridge.h1]\n", &["1:9 E[duplicate-name] h1 is both a namespace and a bridge"]);
    check_with(
        "[netns.h3]\ninterfaces.eth0.up = true\n",
        &[
            "1:8 W[unconnected-netns] nothing is wired to the namespace h3",
            "2:12 E[unconnected-interface] no link has the end \"h3:eth0\", so there is no such interface",
        ],
    );
    check_with(
        "[[expect]]\nping = \"h1 -> h9\"\n[[timeline]]\nat = \"1s\"\ndown = \"h1:eth7\"\n",
        &[
            "2:8 E[unknown-namespace] there is no namespace or bridge \"h9\"",
            "5:8 E[unknown-device] there is no device h1:eth7",
        ],
    );
    check_with("[[link]]\nends = [\"h1:x\", \"h1:x\"]\n", &["2:17 E[duplicate-name] both ends of the link are h1:x"]);
}

#[test]
fn broadcast_domains_are_looked_at_as_a_whole() {
    let lan = |h2: &str, link: &str| {
        format!(
            "[netns.h1]\ninterfaces.e = {{ addresses = [\"10.0.0.1/24\"], mac = \"02:00:00:00:00:01\" }}\n\
             [netns.h2]\ninterfaces.e = {{ {h2} }}\n[bridge.s1]\n[[link]]\nends = [\"h1:e\", \"s1:p1\"]\n\
             [[link]]\nends = [\"h2:e\", \"s1:p2\"]\n{link}"
        )
    };
    let codes = |text: &str| -> Vec<String> {
        let complaints = match Topology::load(text, Format::Toml) {
            Ok(checked) => checked.warnings().to_vec(),
            Err(complaints) => complaints,
        };
        complaints.iter().map(|c| format!("{}: {}", c.code, c.message)).collect()
    };
    assert_eq!(
        codes(&lan("addresses = [\"10.0.0.1/24\"]", "")),
        ["duplicate-address: h1:e and h2:e have the same address 10.0.0.1 on one wire"]
    );
    assert_eq!(
        codes(&lan("mac = \"02:00:00:00:00:01\"", "")),
        ["duplicate-mac: h1:e and h2:e have the same MAC 02:00:00:00:00:01"]
    );
    assert_eq!(
        codes(&lan("addresses = [\"10.0.0.2/16\"]", "")),
        ["prefix-mismatch: prefix lengths differ on one wire: h1:e has 10.0.0.1/24, h2:e has 10.0.0.2/16"]
    );
    assert_eq!(
        codes(&lan("", "mtu = 1400\n")),
        ["mtu-mismatch: the MTUs of one broadcast domain differ: h2:e has 1400, h1:e has 1500"]
    );
    assert_eq!(
        codes(&lan("mtu = 1400", "")),
        [
            "mtu-mismatch: the MTUs of one wire differ: h2:e has 1400, s1:p2 has 1500",
            "mtu-mismatch: the MTUs of one broadcast domain differ: h2:e has 1400, h1:e has 1500"
        ]
    );
}

#[test]
fn loops_are_named_unless_a_bridge_speaks_stp() {
    let ring = |more: &str| {
        format!(
            "{more}\n[bridge.s2]\n[bridge.s3]\n[[link]]\nends = [\"s1:a\", \"s2:b\"]\n[[link]]\nends = [\"s2:a\", \"s3:b\"]\n\
             [[link]]\nends = [\"s3:a\", \"s1:b\"]\n"
        )
    };
    let text = ring("[bridge.s1]");
    let complaints = Topology::load(&text, Format::Toml).unwrap_err();
    let [complaint] = complaints.as_slice() else { panic!("{complaints:?}") };
    assert_eq!(complaint.message, "a loop without spanning tree: s1 -> s2 -> s3 -> s1");
    assert_eq!((complaint.line_column(&text), complaint.related.len()), (Some((8, 1)), 2));
    assert!(Topology::load(&ring("[bridge.s1]\nstp = true"), Format::Toml).is_ok());
    assert!(Topology::load(&ring("allow = [\"l2-loop\"]\n[bridge.s1]"), Format::Toml).is_ok());
    check(
        "allow = [\"l2-lop\"]\n[netns.a]\n",
        &[
            "1:10 error[unknown-code]: \"l2-lop\" is not the code of a complaint that can be allowed (did you mean \"l2-loop\"?)",
        ],
    );
    let twice = "[bridge.s1]\n[[link]]\nends = [\"s1:a\", \"s1:b\"]\n";
    check(
        twice,
        &[
            "2:1 error[l2-loop]: a loop without spanning tree: s1 -> s1 (set stp = true on a bridge of the loop, remove a link, or say allow = [\"l2-loop\"])",
        ],
    );
}

#[test]
fn routes_are_judged_as_the_kernel_judges_them() {
    let with = |routes: &str| TWO_HOSTS.replacen("[netns.h1]", &format!("[netns.h1]\nroutes = [{routes}]"), 1);
    let codes = |text: &str| -> Vec<String> {
        let complaints = match Topology::load(text, Format::Toml) {
            Ok(checked) => checked.warnings().to_vec(),
            Err(complaints) => complaints,
        };
        complaints.iter().map(|c| format!("{}: {}", c.code, c.message)).collect()
    };
    assert_eq!(codes(&with("\"default via 10.0.0.2\"")), Vec::<String>::new());
    assert_eq!(
        codes(&with("\"default via 10.0.1.2\"")),
        ["gateway-not-on-link: the gateway 10.0.1.2 is not on link for h1"]
    );
    assert_eq!(
        codes(&with("\"default via 10.0.0.1\"")),
        ["gateway-is-own: the gateway 10.0.0.1 is an address of h1 itself: it has no effect"]
    );
    assert_eq!(
        codes(&with("\"default via 10.0.0.9\"")),
        ["gateway-unowned: nobody on the wire of h1:eth0 has the gateway address 10.0.0.9"]
    );
    assert_eq!(codes(&with("\"10.5.0.0/16 dev eth9\"")), ["unknown-device: h1 has no interface eth9"]);
    assert_eq!(
        codes(&with("\"10.5.0.0/16 dev eth0\", \"10.5.0.0/16 via 10.0.0.2\"")),
        ["duplicate-route: h1 has two routes to 10.5.0.0/16 with the same metric"]
    );
    assert_eq!(codes(&with("\"10.6.0.0/16 dev eth0\", \"10.5.0.0/16 via 10.6.0.2\"")), {
        ["gateway-unowned: nobody on the wire of h1:eth0 has the gateway address 10.6.0.2"]
    });
    assert_eq!(
        codes(&with("\"10.5.0.0/16 dev eth0 src 10.0.0.7\"")),
        ["bad-route: h1 does not have the source address 10.0.0.7"]
    );
}

#[test]
fn ways_there_and_back_are_followed() {
    let example =
        |name: &str| std::fs::read_to_string(format!("{}/../examples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let warnings = |text: &str| -> Vec<String> {
        let checked = Topology::load(text, Format::Toml).unwrap();
        checked.warnings().iter().map(|c| format!("{}: {}", c.code, c.message)).collect()
    };
    let routed = example("03-two-lans-router.toml");
    assert_eq!(
        warnings(&routed.replace("forwarding = true", "forwarding = false"))[0],
        "expectation-doubtful: ping h1 -> h3 is expected to get through, but it does not get there: r1 does not forward"
    );
    assert_eq!(
        warnings(&routed.replace("routes = [\"default via 10.0.2.254\"]", ""))[0],
        "missing-return-route: packets from h2 reach h3, but their answers do not come back: h3 has no route to 10.0.1.2"
    );
}

#[test]
fn devices_of_software_alone_are_said_as_interfaces() {
    let text = r#"
[netns.h1.interfaces]
eth0 = {}
"eth0.10" = { type = "vlan id 10", link = "eth0", addresses = ["10.0.10.1/24"] }
dummy0 = { type = "dummy", addresses = ["10.9.9.9/32"] }
tap0 = { type = "tap user 1000", mtu = 9000 }
tun0 = { type = "tun", addresses = ["10.8.8.8/32"] }
vx0 = { type = "vxlan id 42 remote 10.0.0.2 dev eth0 dstport 4789", mac = "02:00:00:00:00:08" }

[netns.h2.interfaces]
"eth0.10" = { type = "vlan id 10", link = "eth0", addresses = ["10.0.10.2/24"] }
"eth0.20" = { type = "vlan id 20", link = "eth0", addresses = ["10.0.10.2/24"] }
m0 = { type = "macvlan mode bridge", link = "eth0", mac = "02:00:00:00:00:07" }

[[link]]
ends = ["h1:eth0", "h2:eth0"]
"#;
    let checked = Topology::load(text, Format::Toml).expect("a good topology");
    let ops: Vec<String> = nettwin_model::Plan::between(checked.desired(), &Default::default())
        .ops
        .iter()
        .map(ToString::to_string)
        .collect();
    let is_of_kind = |op: &&str| op.contains(" type ") && !op.contains("veth") || op.contains(" tuntap ");
    let of_kinds: Vec<&str> = ops.iter().map(String::as_str).filter(is_of_kind).collect();
    let mac = nettwin_model::layout::derived_mac(0, &"h1".parse().unwrap(), "dummy0".parse().unwrap());
    assert_eq!(
        of_kinds,
        [
            format!("ip -n h1 link add name dummy0 address {mac} type dummy").as_str(),
            "ip -n h1 link add link eth0 name eth0.10 type vlan id 10",
            "ip -n h1 tuntap add dev tap0 mode tap user 1000",
            "ip -n h1 tuntap add dev tun0 mode tun",
            "ip -n h1 link add name vx0 address 02:00:00:00:00:08 type vxlan id 42 remote 10.0.0.2 dev eth0 dstport 4789",
            "ip -n h2 link add link eth0 name eth0.10 type vlan id 10",
            "ip -n h2 link add link eth0 name eth0.20 type vlan id 20",
            "ip -n h2 link add link eth0 name m0 address 02:00:00:00:00:07 type macvlan mode bridge",
        ]
    );
    let written = checked.topology().to_toml();
    assert_eq!(Topology::load(&written, Format::Toml).expect("its own text").desired(), checked.desired());
}

#[test]
fn devices_of_software_alone_sit_on_something() {
    let codes = |interfaces: &str| {
        let text =
            format!("[netns.h1.interfaces]\n{interfaces}\n[netns.h2]\n[[link]]\nends = [\"h1:eth0\", \"h2:eth0\"]\n");
        let complaints = Topology::load(&text, Format::Toml).err().unwrap_or_default();
        complaints.into_iter().map(|c| c.code).collect::<Vec<_>>()
    };
    assert_eq!(codes("v = { type = \"vlan id 10\", link = \"eth1\" }"), ["unknown-device"]);
    assert_eq!(codes("v = { type = \"vlan id 10\" }"), ["missing-key"]);
    assert_eq!(
        codes("v = { type = \"vlan id 10\", link = \"w\" }\nw = { type = \"vlan id 1\", link = \"v\" }").len(),
        2
    );
    assert_eq!(codes("d = { type = \"dummy\", link = \"eth0\" }"), ["bad-kind"]);
    assert_eq!(codes("eth0 = { type = \"dummy\" }"), ["duplicate-name"]);
    assert_eq!(codes("v = { type = \"vlan id 4095\", link = \"eth0\" }"), ["bad-kind"]);
    assert_eq!(codes("v = { type = \"vrf table 10\" }"), ["bad-kind"]);
    assert_eq!(codes("v = { type = \"tun\", mac = \"02:00:00:00:00:01\" }"), ["bad-mac"]);
}
