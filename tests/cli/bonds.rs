//! Bonds in topologies: what is said of them that cannot be, their way to a script and back, changes, failing over.

use crate::harness::{Place, lacks};
use nettwin::model::apply::apply;
use nettwin::model::{Backend, Format, Plan, Topology};
use nettwin::sim::Sim;
use proptest::prelude::*;
use std::path::Path;

/// A host with two ways to a switch, and another host there.
const BONDED: &str = r#"
[netns.h1]
interfaces.bond0 = { type = "bond mode active-backup miimon 100", addresses = ["10.0.0.1/24"] }
interfaces.eth0 = { master = "bond0" }
interfaces.eth1 = { master = "bond0" }

[netns.h2]
interfaces.eth0 = { addresses = ["10.0.0.2/24"] }

[bridge.s1]

[[link]]
ends = ["h1:eth0", "s1:p1"]

[[link]]
ends = ["h1:eth1", "s1:p2"]

[[link]]
ends = ["h2:eth0", "s1:p3"]

[[expect]]
ping = "h1 -> h2"
at = "1s"

[[timeline]]
at = "2s"
down = "s1:p1"

[[expect]]
ping = "h2 -> h1"
at = "4s"
"#;

#[test]
fn what_cannot_be_is_told_with_its_place_and_a_remedy() {
    let place = Place::new();
    let bond = "type = \"bond mode active-backup miimon 100\"";
    let cases = [
        (bond, "type = \"bond miimon 100\"", "3:", "the bond has no mode", "bond mode active-backup miimon 100"),
        (bond, "type = \"bond mode 802.3ad\"", "3:", "802.3ad", "active-backup, the only mode"),
        (bond, "type = \"bond mode active-backup primary eth9\"", "3:", "prefers eth9", "master = \"bond0\" of eth9"),
        (bond, "type = \"bond mode active-backup updelay 100\"", "3:", "has a delay", "as in `miimon 100`"),
        (bond, "type = \"dummy\"", "4:", "bond0 is no bond", "bond mode active-backup"),
        (
            "master = \"bond0\" }\ninterfaces.eth1",
            "master = \"bond9\" }\ninterfaces.eth1",
            "4:",
            "no interface bond9",
            "interfaces.bond9",
        ),
        (
            "{ master = \"bond0\" }\n\n",
            "{ master = \"bond0\", addresses = [\"10.1.0.1/24\"] }\n\n",
            "5:",
            "has an address",
            "give the address to bond0",
        ),
        (
            "{ master = \"bond0\" }\n\n",
            "{ master = \"bond0\", mtu = 9000 }\n\n",
            "5:",
            "gets the MTU of its bond, 1500",
            "mtu = 9000 of bond0",
        ),
        (
            "{ master = \"bond0\" }\ninterfaces.eth1 = { master = \"bond0\" }",
            "{}\ninterfaces.eth1 = {}",
            "3:",
            "has no members",
            "say master = \"bond0\"",
        ),
        (bond, "master = \"bond0\", type = \"bond mode active-backup\"", "3:", "a bond of bonds", "another kind"),
        (
            "\n\n[netns.h2]",
            "\ninterfaces.v5 = { type = \"vlan id 5\", link = \"bond0\", master = \"bond0\" }\n\n[netns.h2]",
            "6:",
            "sits on bond0",
            "leave `master` out",
        ),
        ("\n\n[netns.h2]", "\ninterfaces.lo = { master = \"bond0\" }\n\n[netns.h2]", "6:", "loopback", "another kind"),
    ];
    for (from, to, at, said, remedy) in cases {
        assert!(BONDED.contains(from), "{from}");
        let file = place.file("bad.toml", &BONDED.replacen(from, to, 1));
        let run = place.run(&["check", &file]).exits(1);
        for part in [&format!("bad.toml:{at}"), said, remedy] {
            assert!(run.err.contains(part), "{to}: {part:?} is not in {}", run.err);
        }
    }
    let file = place.file(
        "bridge.toml",
        "[netns.h]\ninterfaces.e = { master = \"b\" }\n[bridge.b]\nin = \"h\"\n[[link]]\nends = [\"h:e\", \"b:p\"]\n",
    );
    place.run(&["check", &file]).exits(1).says("b is a bridge").says("as in ends");
}

#[test]
fn another_member_takes_over() {
    let place = Place::new();
    let file = place.file("bonded.toml", BONDED);
    place.run(&["sim", &file]).exits(0).says("all 2 expectations hold");
    let without = BONDED.replace("interfaces.eth1 = { master = \"bond0\" }\n", "interfaces.eth1 = {}\n");
    place.run(&["sim", &place.file("single.toml", &without)]).exits(3);
    let graph = place.run(&["graph", "--format", "dot", &file]).exits(0);
    assert_eq!(graph.out.matches(" -- ").count(), 3, "a member's wire is drawn: {}", graph.out);
}

/// No difference of errno, state, frames or outcome on a kernel with bonds.
#[test]
fn the_reference_kernel_agrees() {
    if !Path::new("/usr/bin/linux.uml").exists() {
        return lacks("there is no User-Mode Linux here");
    }
    let Some(place) = Place::of_a_user() else { return };
    let report =
        place.run(&["--json", "conform", "--kernel", "uml", &place.file("bonded.toml", BONDED)]).exits(0).json();
    assert_eq!(report["agrees"], true, "{report}");
    for level in ["errno", "state", "frames", "flows"] {
        assert_eq!(report["levels"][level]["skipped"], serde_json::json!([]), "{level}");
    }
}

/// What is said of one host that has a bond or none, and of its wires.
#[derive(Clone, Debug)]
struct Said {
    attrs: Vec<&'static str>,
    primary: Option<usize>,
    mtu: Option<u32>,
    mac: bool,
    up: bool,
    /// Of each wire: whether it is a member's, up, has a MAC of its own, an impairment.
    wires: Vec<(bool, bool, bool, bool)>,
    /// A dummy is one, too.
    dummy: bool,
    /// A VLAN device sits on the bond.
    vlan: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let attrs = proptest::sample::subsequence(
        vec![
            "miimon 100",
            "updelay 200",
            "downdelay 100",
            "peer_notify_delay 100",
            "primary_reselect better",
            "fail_over_mac follow",
            "resend_igmp 3",
            "num_grat_arp 4",
            "all_slaves_active 1",
            "min_links 1",
            "lp_interval 2",
        ],
        0..=11,
    );
    let wires = proptest::collection::vec(any::<(bool, bool, bool, bool)>(), 1..4);
    let mtu = proptest::option::of(proptest::sample::select(vec![1400, 1500, 9000]));
    let bits = any::<(bool, bool, bool, bool)>();
    (attrs, proptest::option::of(0usize..3), mtu, wires, bits).prop_map(
        |(attrs, primary, mtu, wires, (mac, up, dummy, vlan))| {
            // Delays are multiples of the time between looks: without that they are refused.
            let attrs = if attrs.contains(&"miimon 100") {
                attrs
            } else {
                attrs.into_iter().filter(|a| !a.contains("delay")).collect()
            };
            Said { attrs, primary, mtu, mac, up, wires, dummy, vlan }
        },
    )
}

impl Said {
    fn toml(&self) -> String {
        let members: Vec<usize> = (0..self.wires.len()).filter(|n| self.wires[*n].0).collect();
        let has_bond = !members.is_empty() || self.dummy;
        let mut out = String::from("seed = 7\n[netns.h1]\n");
        if has_bond {
            let primary = self.primary.filter(|n| members.contains(n)).map(|n| format!(" primary eth{n}"));
            let kind = format!("bond mode active-backup {}{}", self.attrs.join(" "), primary.unwrap_or_default());
            out += &format!(
                "interfaces.bond0 = {{ type = \"{}\", up = {}, addresses = [\"10.9.0.1/24\"]",
                kind.trim(),
                self.up
            );
            out += &self.mtu.map(|mtu| format!(", mtu = {mtu}")).unwrap_or_default();
            out += if self.mac { ", mac = \"02:00:00:00:00:99\" }\n" } else { " }\n" };
            if self.dummy {
                out += "interfaces.dum = { type = \"dummy\", master = \"bond0\" }\n";
            }
            if self.vlan {
                out += "interfaces.v5 = { type = \"vlan id 5\", link = \"bond0\", up = false }\n";
            }
        }
        let mut links = String::new();
        for (n, (bonded, up, mac, impaired)) in self.wires.iter().enumerate() {
            out += &format!("interfaces.eth{n} = {{ up = {up}");
            out += if *bonded { ", master = \"bond0\"" } else { "" };
            out += &if *mac { format!(", mac = \"02:00:00:00:01:0{n}\" }}\n") } else { " }\n".into() };
            links += &format!("[[link]]\nends = [\"h1:eth{n}\", \"h2:eth{n}\"]\n");
            links += if *impaired { "impair = \"delay 5ms\"\n" } else { "" };
        }
        out + "[netns.h2]\n" + &links
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// From any to any other, and then there is nothing to do.
    #[test]
    fn one_becomes_another(all in proptest::collection::vec(said(), 2..4)) {
        let mut sim = Sim::new(7);
        let mut texts = String::new();
        for said in all {
            texts += &said.toml();
            texts += "---\n";
            let checked = Topology::load(&said.toml(), Format::Toml)
                .map_err(|e| TestCaseError::fail(format!("{e:?}\n{texts}")))?;
            apply(&mut sim, checked.desired(), &mut |_| {}).map_err(|e| TestCaseError::fail(format!("{e}\n{texts}")))?;
            let seen = sim.observe(&checked.desired().extent()).expect("a snapshot");
            let plan = Plan::between(checked.desired(), &seen);
            prop_assert!(plan.is_empty(), "{plan}\n{texts}");
        }
    }

    /// A topology is written as a script, and read from it, as the same.
    #[test]
    fn what_is_imported_from_an_export_is_the_same(said in said()) {
        let text = said.toml();
        let there = Topology::parse(&text, Format::Toml).expect("it can be read");
        let place = Place::new();
        let script = place.run(&["export", "--as", "iproute2", &place.file("there.toml", &text)]).exits(0).out;
        let run = place.run(&["import", "--builtin", &place.file("there.sh", &script)]).exits(0);
        prop_assert!(run.err.is_empty(), "{}\n{text}", run.err);
        let back = Topology::parse(&run.out, Format::Toml).expect("it can be read again");
        let same = crate::import::are_the_same(&there, &back);
        prop_assert!(same.is_ok(), "{}\n{text}\n{}", same.unwrap_err(), run.out);
        // And its canonical text reads back as it.
        prop_assert_eq!(Topology::parse(&there.to_toml(), Format::Toml).expect("canonical").to_toml(), there.to_toml());
    }
}

/// A bond of two wires, one of which loses its carrier; then settings by its files. What is printed is Linux 6.1's text.
const FILES: &str = r"
ip netns add s
ip -n s link add name br0 type bridge
ip -n s link set br0 up
ip link add bond0 type bond mode active-backup miimon 100
for i in 1 2; do
    ip link add e$i address 02:00:00:00:00:0$i type veth peer name p$i address 02:00:00:00:00:1$i netns s
    ip -n s link set p$i master br0 up
    ip link set e$i master bond0
done
ip link set bond0 up
sleep 2
ip -n s link set p1 down
sleep 1
ip link set bond0 type bond primary e2 primary_reselect better updelay 300 downdelay 200
sed 's/v[0-9].*/vRELEASE/' /proc/net/bonding/bond0
cd /sys/class/net/bond0/bonding
grep . active_slave slaves mode miimon primary primary_reselect fail_over_mac num_grat_arp queue_id mii_status updelay
grep . /sys/class/net/e1/bonding_slave/state /sys/class/net/e1/bonding_slave/link_failure_count /sys/class/net/bonding_masters
ip -n s link set p1 up
sleep 1
echo e1 > active_slave
ip -br link show bond0 > /dev/null
cat active_slave
echo 200 > miimon
ip -br link show bond0 > /dev/null
cat miimon
echo -e1 > slaves
ip -br link show bond0 > /dev/null
cat slaves active_slave
echo +e1 > slaves
ip -br link show bond0 > /dev/null
cat slaves
echo failure > primary_reselect
ip -br link show bond0 > /dev/null
cat primary_reselect
ifconfig bond0 | head -1
ifconfig e1 | head -1
";

const PRINTED: &str = "Ethernet Channel Bonding Driver: vRELEASE

Bonding Mode: fault-tolerance (active-backup)
Primary Slave: e2 (primary_reselect better)
Currently Active Slave: e2
MII Status: up
MII Polling Interval (ms): 100
Up Delay (ms): 300
Down Delay (ms): 200
Peer Notification Delay (ms): 0

Slave Interface: e1
MII Status: down
Speed: 10000 Mbps
Duplex: full
Link Failure Count: 1
Permanent HW addr: 02:00:00:00:00:01
Slave queue ID: 0

Slave Interface: e2
MII Status: up
Speed: 10000 Mbps
Duplex: full
Link Failure Count: 0
Permanent HW addr: 02:00:00:00:00:02
Slave queue ID: 0
active_slave:e2
slaves:e1 e2
mode:active-backup 1
miimon:100
primary:e2
primary_reselect:better 1
fail_over_mac:none 0
num_grat_arp:1
queue_id:e1:0 e2:0
mii_status:up
updelay:300
/sys/class/net/e1/bonding_slave/state:backup
/sys/class/net/e1/bonding_slave/link_failure_count:1
/sys/class/net/bonding_masters:bond0
e1
200
e2
e2
e2 e1
failure 2
bond0: flags=5187<UP,BROADCAST,RUNNING,MASTER,MULTICAST>  mtu 1500
e1: flags=6211<UP,BROADCAST,RUNNING,SLAVE,MULTICAST>  mtu 1500
";

#[test]
fn its_files_are_read_and_written() {
    let Some(place) = Place::of_a_user() else { return };
    let run = place.run(&["run", &place.file("files.sh", FILES)]).exits(0);
    assert_eq!((run.out.as_str(), run.err.as_str()), (PRINTED, ""));
}
