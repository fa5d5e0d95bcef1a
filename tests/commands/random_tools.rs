//! Random command lines: whatever the words are, a tool ends by itself, with a status and without a panic.

use nettwin_commands::job::{Invocation, NoFiles};
use nettwin_commands::sched::{Ended, Scheduler};
use nettwin_commands::tools::tool;
use nettwin_model::op::{AddLink, NewLink, VethPeer};
use nettwin_model::{Backend, BridgeAttrs, IfName, LinkChange, NetnsName, Op};
use nettwin_sim::Sim;
use proptest::prelude::*;

/// Those that end at once.
const TOOLS: &[&str] = &["arp", "brctl", "bridge", "ifconfig", "netstat", "route", "ss", "sysctl", "tc"];

/// Words that lead far into the parsers, and such as nobody should type.
const WORDS: &[&str] = &[
    "-n",
    "-a",
    "-s",
    "-d",
    "-e",
    "-i",
    "-v",
    "-w",
    "-r",
    "-p",
    "-j",
    "-V",
    "-h",
    "-A",
    "-D",
    "-Ds",
    "-t",
    "-u",
    "-l",
    "-net",
    "-host",
    "--",
    "-",
    "",
    " ",
    "\u{e9}",
    "\u{0}",
    "%d",
    "a/b",
    "abcdefghijklmnopqrstuvwxyz",
    "v0",
    "v0:1",
    "br0",
    "lo",
    "nope",
    "dev",
    "add",
    "del",
    "show",
    "set",
    "change",
    "replace",
    "delete",
    "list",
    "help",
    "addbr",
    "delbr",
    "addif",
    "delif",
    "showstp",
    "showmacs",
    "stp",
    "setfd",
    "setageing",
    "setbridgeprio",
    "setpathcost",
    "setportprio",
    "hairpin",
    "on",
    "off",
    "link",
    "fdb",
    "mdb",
    "vlan",
    "qdisc",
    "class",
    "get",
    "brport",
    "br",
    "master",
    "self",
    "static",
    "dynamic",
    "sticky",
    "state",
    "cost",
    "priority",
    "learning",
    "root",
    "handle",
    "parent",
    "filter",
    "netem",
    "tbf",
    "htb",
    "prio",
    "pfifo",
    "bfifo",
    "classid",
    "flowid",
    "protocol",
    "u32",
    "fw",
    "match",
    "ip",
    "dst",
    "dport",
    "at",
    "nexthdr+2147483647",
    "burst",
    "latency",
    "ceil",
    "distribution",
    "slot",
    "800::800",
    "1:1",
    ":",
    "delay",
    "loss",
    "rate",
    "limit",
    "reorder",
    "gap",
    "corrupt",
    "duplicate",
    "random",
    "1:",
    "ffff:",
    "10ms",
    "1.5%",
    "101%",
    "1mbit",
    "-1",
    "0",
    "1",
    "64",
    "65536",
    "4294967296",
    "99999999999999999999",
    "1e308",
    "0x",
    "0x10",
    "010",
    ".",
    "..",
    "up",
    "down",
    "mtu",
    "hw",
    "ether",
    "netmask",
    "broadcast",
    "name",
    "default",
    "gw",
    "metric",
    "mss",
    "reject",
    "temp",
    "pub",
    "10.0.0.1",
    "10.0.0.0/8",
    "0.0.0.0",
    "0/0",
    "10.5",
    "255.255.255.255",
    "255.0.255.0",
    "224.0.0.1",
    "1.2.3.4/99",
    "02:00:00:00:00:01",
    "02:00",
    "ff:ff:ff:ff:ff:ff",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_forward=1",
    "net/ipv4/conf/v0/rp_filter=2",
    "net..ipv4",
    "=",
    "a=b",
    "net",
    "net.ipv4.conf.*.rp_filter=0",
    "[",
    "(",
    "*",
];

fn machine() -> Sim {
    let mut sim = Sim::new(1);
    let host = NetnsName::host();
    let name = |text: &str| IfName::new(text).expect("an interface's name");
    let add = |dev, kind, master| {
        let netns = host.clone();
        Op::AddLink(Box::new(AddLink { netns, name: name(dev), kind, mac: None, mtu: None, master, up: true }))
    };
    let peer = VethPeer { netns: host.clone(), name: name("v1"), mac: None, mtu: None };
    let up = LinkChange { up: Some(true), ..LinkChange::default() };
    let ops = [
        Op::AddNetns { netns: host.clone() },
        add("br0", NewLink::Bridge { attrs: BridgeAttrs::default() }, None),
        add("v0", NewLink::Veth { peer }, Some(name("br0"))),
        Op::SetLink { netns: host.clone(), name: name("v1"), change: Box::new(up) },
    ];
    sim.execute(&ops).expect("the machine is made");
    sim
}

proptest! {
    #[test]
    fn no_words_make_a_tool_panic(
        lines in prop::collection::vec(
            (prop::sample::select(TOOLS), prop::collection::vec(prop::sample::select(WORDS), 0..9)),
            1..12,
        ),
    ) {
        let mut machine = machine();
        for (name, words) in lines {
            let words: Vec<&str> = std::iter::once(name).chain(words).collect();
            let invocation = Invocation::new(NetnsName::host(), words.iter().copied());
            let mut jobs = Scheduler::default();
            let id = jobs.start((tool(name).expect("a tool").start)(&invocation), &invocation);
            jobs.end_input(id);
            let turn = jobs.turn(&mut machine, &mut NoFiles).expect("a turn");
            prop_assert!(matches!(turn.ended, Some(Ended::Exit(_))), "{words:?}: {:?}", turn.ended);
        }
    }
}
