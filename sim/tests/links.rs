//! Whatever bytes a wire brings, or a socket sends, by every kind of device: nothing panics, and nobody keeps a frame.

mod lab;

use lab::{Bytes, dev, lab, ns, pass};
use nettwin_model::op::LinkChange;
use nettwin_model::probe::{Capture, Probe};
use nettwin_model::virtuals::Virtual;
use nettwin_model::{AddLink, Backend, IfName, NetnsName, NewLink, Op};
use nettwin_sim::Sim;
use proptest::prelude::*;
use std::time::Duration;

/// Bridges that filter by customers' and by providers' VLANs and that snoop, spanning trees, VLAN devices on each other, on
/// bridges and on bonds, macvlans of every mode, tunnels between two of the hosts, a bond, TAP and TUN devices, queues.
const NETWORK: &str = r#"
[netns.h1]
interfaces.eth0 = { addresses = ["10.1.0.1/24"], mac = "02:00:00:00:01:01" }
interfaces.v5 = { type = "vlan id 5", link = "eth0", addresses = ["10.5.0.1/24"] }
interfaces.q7 = { type = "vlan protocol 802.1ad id 7 reorder_hdr off ingress-qos-map 1:2 egress-qos-map 0:3", link = "v5" }
interfaces.vx = { type = "vxlan id 42 remote 10.1.0.2 dstport 4789", addresses = ["10.42.0.1/24"], mac = "02:00:00:00:42:01" }
interfaces.tap0 = { type = "tap" }
interfaces.tun0 = { type = "tun" }
[netns.h2]
interfaces.eth0 = { addresses = ["10.1.0.2/24"], mac = "02:00:00:00:01:02" }
interfaces.vx = { type = "vxlan id 42 remote 10.1.0.1 dstport 4789", addresses = ["10.42.0.2/24"], mac = "02:00:00:00:42:02" }
interfaces.priv = { type = "macvlan mode private", link = "eth0", mac = "02:00:00:00:02:01" }
interfaces.vepa = { type = "macvlan mode vepa", link = "eth0", mac = "02:00:00:00:02:02" }
interfaces.brid = { type = "macvlan mode bridge", link = "eth0", mac = "02:00:00:00:02:03" }
interfaces.sour = { type = "macvlan mode source macaddr set 02:00:00:00:01:01 02:00:00:00:03:00", link = "eth0", mac = "02:00:00:00:02:04" }
[netns.h3]
interfaces.bond0 = { type = "bond mode active-backup miimon 100 all_slaves_active 1", addresses = ["10.1.0.3/24"], mac = "02:00:00:00:03:00" }
interfaces.e0 = { master = "bond0" }
interfaces.e1 = { master = "bond0" }
interfaces.v6 = { type = "vlan id 6", link = "bond0", addresses = ["10.6.0.3/24"] }
interfaces.e2 = {}
interfaces.pass = { type = "macvlan mode passthru", link = "e2" }
[bridge.s1]
vlan_filtering = true
vlan_stats_enabled = true
mcast_querier = true
addresses = ["10.1.0.9/24"]
vlans = ["1 pvid untagged", "5-6"]
ports.p1.vlans = ["1 pvid untagged", "5"]
ports.p2.vlans = ["1 pvid untagged", "5-6"]
ports.p3.hairpin = true
ports.up.vlans = ["1-100"]
[bridge.s2]
stp = true
forward_delay = "2s"
vlan_filtering = true
vlan_protocol = "802.1ad"
group_fwd_mask = 65528
ports.up.isolated = true
ports.q.locked = true
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["h2:eth0", "s1:p2"]
[[link]]
ends = ["h3:e0", "s1:p3"]
[[link]]
ends = ["h3:e1", "s1:p4"]
[[link]]
ends = ["s1:up", "s2:up"]
impair = "delay 1ms duplicate 5% corrupt 5% loss 1%"
[[link]]
ends = ["h3:e2", "s2:q"]
"#;

/// The heads that a random frame may have: groups that mean something, tags, protocols that a device looks into.
const GROUPS: [[u8; 6]; 10] = [
    [0xff; 6],
    [0x01, 0x80, 0xc2, 0, 0, 0],
    [0x01, 0x80, 0xc2, 0, 0, 8],
    [0x01, 0x80, 0xc2, 0, 0, 1],
    [0x01, 0x00, 0x5e, 0, 0, 1],
    [0x33, 0x33, 0, 0, 0, 1],
    [2, 0, 0, 0, 1, 1],
    [2, 0, 0, 0, 2, 3],
    [2, 0, 0, 0, 3, 0],
    [2, 0, 0, 0, 0x42, 2],
];
const TYPES: [u16; 10] = [0x0800, 0x0806, 0x8100, 0x88a8, 0x86dd, 0x0026, 0x0027, 0x8899, 0, 0x9000];

fn frame(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    if bytes.byte().is_multiple_of(8) {
        return bytes.some().to_vec();
    }
    out.extend(bytes.pick(GROUPS));
    let mut source = bytes.pick(GROUPS);
    source[0] &= if bytes.byte().is_multiple_of(8) { 0xff } else { 0xfe };
    out.extend(source);
    for _ in 0..bytes.byte() % 3 {
        out.extend(bytes.pick([0x8100_u16, 0x88a8]).to_be_bytes());
        out.extend((bytes.word() & 0xf007).to_be_bytes());
    }
    out.extend(bytes.pick(TYPES).to_be_bytes());
    if bytes.byte().is_multiple_of(4) {
        // A datagram for a tunnel, with whatever in it.
        let inner = bytes.some();
        let length = u16::try_from(28 + inner.len()).unwrap_or(u16::MAX);
        let udp = length - 20;
        out.extend([0x45, 0]);
        out.extend(length.to_be_bytes());
        out.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 2, 10, 1, 0, 1, 0x30, 0, 0x12, 0xb5]);
        out.extend(udp.to_be_bytes());
        out.extend([0, 0]);
        out.extend(inner);
    } else {
        out.extend(bytes.some());
    }
    out
}

/// All devices of the network.
fn devices(sim: &mut Sim) -> Vec<(NetnsName, IfName)> {
    let state = sim.observe(&Default::default()).expect("it can be observed");
    let all = state
        .netns
        .into_iter()
        .flat_map(|(netns, of)| of.config.links.into_keys().map(move |dev| (netns.clone(), dev)));
    all.collect()
}

fn throw(bytes: &[u8]) {
    let mut sim = lab(NETWORK);
    let vrf = AddLink {
        netns: ns("h1"),
        name: dev("vrf0"),
        kind: NewLink::Virtual(Virtual::Vrf { table: 10 }),
        mac: None,
        mtu: None,
        master: None,
        up: true,
    };
    sim.execute(&[Op::AddLink(Box::new(vrf))]).expect("a VRF");
    let enslaved = LinkChange { master: Some(Some(dev("vrf0"))), ..LinkChange::default() };
    sim.execute(&[Op::SetLink { netns: ns("h1"), name: dev("v5"), change: Box::new(enslaved) }]).expect("its member");
    let devices = devices(&mut sim);
    for (netns, dev) in devices.iter().step_by(3) {
        let watch = Capture { netns: netns.clone(), dev: *dev, snap_len: 40, promiscuous: true };
        sim.start(Probe::Capture(watch)).expect("a capture");
    }
    pass(&mut sim, Duration::from_secs(8));
    let mut rest = Bytes(bytes);
    while !rest.0.is_empty() {
        let (netns, dev) = &devices[usize::from(rest.byte()) % devices.len()];
        let sends = rest.byte().is_multiple_of(2);
        let frame = frame(&mut rest);
        if sends {
            sim.send(netns, *dev, &frame);
        } else {
            sim.receive(netns, *dev, &frame);
        }
        if rest.byte().is_multiple_of(4) {
            pass(&mut sim, Duration::from_millis(700));
        }
    }
    pass(&mut sim, Duration::from_secs(40));
    let state = sim.observe(&Default::default()).expect("it can be observed");
    let all: Vec<Op> = state.netns.into_keys().map(|netns| Op::DelNetns { netns }).collect();
    sim.execute(&all).expect("what is there can be removed");
    pass(&mut sim, Duration::from_secs(600));
    assert_eq!(sim.frames_live(), 0, "somebody still holds a frame");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_by_every_device(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
        throw(&bytes);
    }
}
