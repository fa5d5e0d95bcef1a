//! A topology printed as a script, and scripts made topologies.

use crate::harness::{Place, example};
use nettwin::model::apply::apply;
use nettwin::model::strategy::{Bounds, topologies};
use nettwin::model::{Backend, Format, Plan, Topology};
use nettwin::sim::Sim;
use proptest::prelude::*;

/// Neither topology would change anything in the other's lab.
pub(crate) fn are_the_same(one: &Topology, other: &Topology) -> Result<(), String> {
    for (a, b) in [(one, other), (other, one)] {
        let (a, b) = (a.check().map_err(|e| format!("{e:?}"))?, b.check().map_err(|e| format!("{e:?}"))?);
        let mut sim = Sim::new(a.seed());
        apply(&mut sim, a.desired(), &mut |_| {}).map_err(|e| e.to_string())?;
        let seen = sim.observe(&b.desired().extent()).map_err(|e| e.to_string())?;
        let plan = Plan::between(b.desired(), &seen);
        if !plan.is_empty() {
            return Err(plan.to_string());
        }
    }
    Ok(())
}

/// A random route can bar the way to the gateway of another: what no machine takes cannot be set up by a script either.
fn comes_up(topology: &Topology) -> bool {
    topology.check().is_ok_and(|checked| apply(&mut Sim::new(checked.seed()), checked.desired(), &mut |_| {}).is_ok())
}

fn there_and_back(place: &Place, text: &str) -> (String, String) {
    let file = place.file("there.toml", text);
    let script = place.run(&["export", "--as", "iproute2", &file]).exits(0).out;
    let script = place.file("there.sh", &script);
    let back = place.run(&["import", "--builtin", &script]).exits(0);
    (back.out, back.err)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_imported_from_an_export_is_the_same(topology in topologies(&Bounds::default())) {
        prop_assume!(comes_up(&topology));
        let place = Place::new();
        let (text, said) = there_and_back(&place, &topology.to_toml());
        let back = Topology::parse(&text, Format::Toml).map_err(|e| TestCaseError::fail(format!("{e:?}\n{text}")))?;
        let same = are_the_same(&topology, &back);
        prop_assert!(same.is_ok() && said.is_empty(), "{}\n{}\n{}\n{}", same.unwrap_err(), said, topology.to_toml(), text);
        // What was written once is written so again.
        prop_assert_eq!(there_and_back(&place, &text).0, text);
    }
}

#[test]
fn examples_survive_with_name_and_seed() {
    let place = Place::new();
    let names =
        ["01-two-namespaces", "02-bridge-three-hosts", "03-two-lans-router", "06-impairment", "07-shortest-paths"];
    for name in names {
        let file = example(&format!("{name}.toml"));
        let text = std::fs::read_to_string(&file).unwrap();
        let (text, there) = (there_and_back(&place, &text).0, Topology::parse(&text, Format::Toml).unwrap());
        let back = Topology::parse(&text, Format::Toml).unwrap();
        assert_eq!(are_the_same(&there, &back), Ok(()), "{name}");
        assert_eq!((back.name, back.seed), (there.name, there.seed), "{name}");
        assert!(!text.contains("mac ="), "{text}");
    }
    let left = place.run(&["export", &example("05-timeline.toml")]).exits(0);
    assert!(left.err.contains("left out: a script only sets up"), "{}", left.err);
}

const SCRIPT: &str = "#!/bin/bash
set -e
up() { ip netns exec $1 ip link set $2 up; }
for i in 1 2; do
    ip netns add h$i
    ip link add veth$i type veth peer name p$i
    ip link set veth$i netns h$i name eth0
    ip -n h$i addr add 10.0.0.$i/24 dev eth0
    up h$i eth0
done
ip link add br0 type bridge ageing_time 1000
for p in p1 p2; do ip link set $p master br0 up; done
ip link set br0 up
ip addr add 10.0.0.254/24 dev br0
ip netns exec h1 ip route add default via 10.0.0.254
echo 1 > /proc/sys/net/ipv4/ip_forward
ip netns exec h1 sysctl -qw net.ipv4.conf.eth0.rp_filter=2
ip netns exec h2 iptables -A INPUT -p tcp -j DROP
ip netns exec h1 ping -c1 10.0.0.254
ip netns exec h1 \\
    ip link set eth0 alias uplink
for i in 1 2; do ip netns del h$i; done
ip link del br0
";

/// By its own shell, with everything that a shell has; the state before it cleans up.
#[test]
#[cfg(target_os = "linux")]
fn a_script_becomes_a_topology_and_what_it_cannot_be_is_named() {
    let place = Place::new();
    let run = place.run(&["import", &place.file("lab.sh", SCRIPT)]).exits(0);
    expect_test::expect![[r#"
        [netns.h1]
        routes = ["default via 10.0.0.254 dev eth0"]
        sysctls."net.ipv4.conf.eth0.rp_filter" = 2
        interfaces.eth0.addresses = ["10.0.0.1/24"]
        interfaces.lo.up = false

        [netns.h2]
        interfaces.eth0.addresses = ["10.0.0.2/24"]
        interfaces.lo.up = false

        [netns.host]
        forwarding = true

        [bridge.br0]
        in = "host"
        addresses = ["10.0.0.254/24"]
        ageing_time = "10s"

        [[link]]
        ends = ["h1:eth0", "br0:p1"]

        [[link]]
        ends = ["h2:eth0", "br0:p2"]
    "#]]
    .assert_eq(&run.out);
    let place_and_why = |line: &str| line.rsplit('/').next().unwrap_or_default().replace("` ", "`\n    ");
    let said: Vec<String> = run.err.lines().map(place_and_why).collect();
    expect_test::expect![[r#"
        lab.sh:18: `ip netns exec h2 iptables -A INPUT -p tcp -j DROP`
            is not held: h2: packet filter: write what is meant as lines of `nat`
            and `firewall`
        lab.sh:19: `ip netns exec h1 ping -c1 10.0.0.254`
            sends packets, and changes nothing that a topology holds
        lab.sh:20: `ip netns exec h1 ip link set eth0 alias uplink`
            is not held: h1:eth0: queue length, alias, group or flags: a topology does not say these"#]]
    .assert_eq(&said.join("\n"));
    place.run_with(&["check", "-"], &run.out).exits(0);
}

/// A bridge wired to itself.
const LOOP: &str = "ip link add br0 type bridge; ip link set br0 up
ip link add p1 type veth peer name p2
ip link set p1 master br0 up; ip link set p2 master br0 up
";

#[test]
fn bad_scripts_are_refused() {
    let place = Place::new();
    place.run(&["import", "absent.sh"]).exits(1).says("absent.sh");
    let file = place.file("pipe.txt", "ip link | cat\n");
    place.run(&["import", "--builtin", &file]).exits(1).says("pipe.txt:1: a pipe needs a shell");
    let file = place.file("loop.txt", LOOP);
    place.run(&["import", "--builtin", &file]).exits(0).says("allow = [");
    let topology = place.file("lab.toml", "[netns.a]\n");
    place.run(&["export", "--as", "cobol", &topology]).exits(1).says("iproute2");
}
