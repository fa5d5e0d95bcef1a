//! VLANs of a topology file: they come to be as they are said, nothing is left to do then, and what leaves its VLAN is lost.

mod lab;

use lab::{dev, lab, ns, pass, shout};
use nettwin_model::topology::{Format, Topology};
use nettwin_model::{Backend, Mac, Plan};
use nettwin_sim::DropReason;
use std::time::Duration;

const OFFICE: &str = r#"
[bridge.s1]
vlan_filtering = true
vlan_default_pvid = 1
vlans = ["10 pvid untagged", "20-22"]
fdb = ["02:00:00:00:00:77 dev p1 master static", "02:00:00:00:00:78 dev p2 master vlan 20 static"]
[bridge.s1.ports.p1]
vlans = ["10 pvid untagged"]
[bridge.s1.ports.p2]
vlans = ["10", "20 pvid untagged"]
[bridge.s1.ports.p3]
vlans = []
[netns.h1]
interfaces.eth0.addresses = ["10.0.0.1/24"]
[netns.h2]
interfaces.eth0.addresses = ["10.0.0.2/24"]
[netns.h3]
[netns.h4]
[[link]]
ends = ["h1:eth0", "s1:p1"]
[[link]]
ends = ["h2:eth0", "s1:p2"]
[[link]]
ends = ["h3:eth0", "s1:p3"]
[[link]]
ends = ["h4:eth0", "s1:p4"]
"#;

#[test]
fn a_file_says_all_of_a_ports_vlans() {
    let checked = Topology::load(OFFICE, Format::Toml).unwrap_or_else(|c| panic!("{c:#?}"));
    let again = Topology::load(&checked.topology().to_toml(), Format::Toml).expect("what was written is read");
    assert_eq!(again.desired(), checked.desired());
    let mut sim = lab(OFFICE);
    let there = sim.observe(&checked.desired().extent()).unwrap();
    let left = Plan::between(checked.desired(), &there);
    assert!(left.is_empty(), "{left}");
    assert_eq!(nettwin_model::differences::from_wanted(checked.desired(), &there), []);
    let vlans = |name: &str| -> Vec<u16> {
        let list = there.netns[&ns("s1")].config.links[&dev(name)].vlans.clone().expect("they are shown");
        list.iter().map(|vlan| vlan.vid).collect()
    };
    assert_eq!((vlans("s1"), vlans("p1")), (vec![10, 20, 21, 22], vec![10]));
    assert_eq!((vlans("p2"), vlans("p3"), vlans("p4")), (vec![10, 20], vec![], vec![1]));

    let received = |sim: &mut nettwin_sim::Sim, name: &str| {
        let state = sim.observe(&Default::default()).unwrap();
        state.netns[&ns(name)].volatile.stats[&dev("eth0")].rx_packets
    };
    let before = ["h2", "h3", "h4"].map(|name| received(&mut sim, name));
    assert!(sim.send(&ns("h1"), dev("eth0"), &shout(Mac([2, 0, 0, 0, 0x66, 1]))));
    assert!(sim.send(&ns("h3"), dev("eth0"), &shout(Mac([2, 0, 0, 0, 0x66, 3]))));
    pass(&mut sim, Duration::from_millis(1));
    let after = ["h2", "h3", "h4"].map(|name| received(&mut sim, name));
    assert_eq!([after[0] - before[0], after[1] - before[1], after[2] - before[2]], [1, 0, 0], "VLAN 10 is at p2");
    assert!(sim.drops().contains(&(DropReason::NoPvid, 1)), "{:?}", sim.drops());
}

#[test]
fn what_contradicts_itself_is_said() {
    let said = |text: &str| match Topology::load(text, Format::Toml) {
        Ok(checked) => checked.warnings().iter().map(|c| c.message.clone()).collect::<Vec<_>>(),
        Err(list) => list.iter().map(|c| c.message.clone()).collect(),
    };
    let with = |vlans: &str| said(&OFFICE.replace("vlans = [\"10 pvid untagged\"]", &format!("vlans = [{vlans}]")));
    assert_eq!(with(r#""10", "5-12""#), ["p1 is given VLAN 10 twice"]);
    assert_eq!(with(r#""10 pvid", "11 pvid""#), ["p1 has several VLANs for untagged frames"]);
    assert_eq!(with(r#""4095""#), ["`4095` is not a VLAN"]);
    let off = said(&OFFICE.replace("vlan_filtering = true\n", ""));
    assert!(off.contains(&"p1 has VLANs, and s1 does not filter by them".to_owned()), "{off:?}");
}
