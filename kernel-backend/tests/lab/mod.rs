//! A small laboratory on the real kernel, for tests. Skips, with a printed reason, where namespaces may not be made.

#![allow(dead_code, reason = "every test program uses a part of it")]

use nettwin_kernel::{KernelBackend, Options};
use nettwin_model::probe::{Outcome, Ping, Probe, ProbeEvent, ProbeId};
use nettwin_model::{
    AddLink, Address, Backend, BridgeAttrs, Cidr, Errno, Fault, IfName, Instant, LinkChange, NetnsName, NewLink, Op,
    Route, RouteVerb, SysctlKey, VethPeer,
};
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A machine with some namespaces.
pub(crate) struct Lab {
    pub(crate) machine: KernelBackend,
}

impl Lab {
    /// Namespaces of these names with `lo` up; `None` (and the reason printed) if this process may not make any.
    pub(crate) fn new(names: &[&str]) -> Option<Lab> {
        let lab = Self::with_lo_down(names);
        lab.map(|mut lab| {
            for name in names {
                lab.up(&format!("{name}:lo"));
            }
            lab
        })
    }

    /// As [`Lab::new`], with `lo` as it is born.
    pub(crate) fn with_lo_down(names: &[&str]) -> Option<Lab> {
        let machine = KernelBackend::new(Options::default()).expect("a machine without namespaces needs nothing");
        let mut lab = Lab { machine };
        for name in names {
            let made = lab.machine.execute(&[Op::AddNetns { netns: netns(name) }]);
            if let Err(failure) = made {
                let why = matches!(failure.fault, Fault::Refused { errno: Errno::EPERM, .. });
                assert!(why, "{failure}");
                skip();
                return None;
            }
        }
        Some(lab)
    }

    pub(crate) fn op(&mut self, op: Op) {
        self.machine.execute(std::slice::from_ref(&op)).unwrap_or_else(|failure| panic!("{op:?}: {failure}"));
    }

    /// A veth pair between two ends `NETNS:DEV`, both up.
    pub(crate) fn veth(&mut self, a: &str, b: &str) {
        let ((netns, name), (peer_netns, peer_name)) = (end(a), end(b));
        let peer = VethPeer { netns: peer_netns, name: peer_name, mac: None, mtu: None };
        let kind = NewLink::Veth { peer };
        self.op(Op::AddLink(Box::new(AddLink { netns, name, kind, mac: None, mtu: None, master: None, up: true })));
        self.up(b);
    }

    /// A bridge, up, with these ports.
    pub(crate) fn bridge(&mut self, bridge: &str, ports: &[&str]) {
        let (netns, name) = end(bridge);
        let kind = NewLink::Bridge { attrs: BridgeAttrs::default() };
        self.op(Op::AddLink(Box::new(AddLink { netns, name, kind, mac: None, mtu: None, master: None, up: true })));
        for port in ports {
            self.change(port, LinkChange { master: Some(Some(name)), ..LinkChange::default() });
        }
    }

    pub(crate) fn up(&mut self, dev: &str) {
        self.change(dev, LinkChange { up: Some(true), ..LinkChange::default() });
    }

    pub(crate) fn down(&mut self, dev: &str) {
        self.change(dev, LinkChange { up: Some(false), ..LinkChange::default() });
    }

    pub(crate) fn change(&mut self, dev: &str, change: LinkChange) {
        let (netns, name) = end(dev);
        self.op(Op::SetLink { netns, name, change: Box::new(change) });
    }

    pub(crate) fn addr(&mut self, dev: &str, cidr: &str) {
        let (netns, dev) = end(dev);
        self.op(Op::AddAddr { netns, dev, addr: Address::new(cidr.parse().expect("a test's prefix")) });
    }

    /// A route by a gateway.
    pub(crate) fn route(&mut self, name: &str, dst: &str, via: &str) {
        let route = Route::new(prefix(dst)).via(ip(via).into());
        self.op(Op::AddRoute { netns: netns(name), verb: RouteVerb::Add, route });
    }

    pub(crate) fn sysctl(&mut self, name: &str, key: &str, value: &str) {
        let key = SysctlKey::new(key).expect("a test's sysctl");
        self.op(Op::SetSysctl { netns: netns(name), key, value: value.into() });
    }

    /// Hosts that do not answer ARP there are given up after 0.3 s, not 3 s.
    pub(crate) fn hasten_arp(&mut self, on: &str) {
        let (netns, dev) = end(on);
        self.sysctl(netns.as_str(), &format!("net/ipv4/neigh/{dev}/retrans_time_ms"), "100");
    }

    pub(crate) fn settle(&mut self) {
        self.machine.settle().expect("the lab becomes quiet");
    }

    pub(crate) fn start(&mut self, probe: Probe) -> ProbeId {
        self.machine.start(probe).expect("the workload starts")
    }

    pub(crate) fn run(&mut self, probe: Probe) -> Outcome {
        self.machine.probe(probe).expect("the workload ends")
    }

    /// All events of one workload, until it ends.
    pub(crate) fn record(&mut self, probe: Probe) -> Vec<ProbeEvent> {
        let id = self.start(probe);
        let mut events = Vec::new();
        while let Some((_, of, event)) = self.machine.advance(Instant::FAR) {
            let is_last = of == id && matches!(event, ProbeEvent::Done(_));
            if of == id {
                events.push(event);
            }
            if is_last {
                return events;
            }
        }
        panic!("it fell idle: {events:?}");
    }

    pub(crate) fn ping(&mut self, from: &str, to: &str) -> Outcome {
        self.run(Probe::Ping(ping(from, to, 1)))
    }
}

/// Counts and reports a skip; straight to standard error, since the harness hides what a passing test prints.
fn skip() {
    assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required");
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let why = "not permitted to make network namespaces (run as root, or under unshare -Urnm)";
    let _ = writeln!(std::io::stderr(), "skipped ({count}): {test}: {why}");
}

/// `ping -c COUNT -i 0.2 -W 5 TO`.
pub(crate) fn ping(from: &str, to: &str, count: u32) -> Ping {
    let mut ping = Ping::new(netns(from), ip(to), count);
    ping.interval = Duration::from_millis(200);
    ping.linger = Duration::from_secs(5);
    ping
}

pub(crate) fn ip(s: &str) -> Ipv4Addr {
    s.parse().expect("a test's address")
}

pub(crate) fn netns(s: &str) -> NetnsName {
    NetnsName::new(s).expect("a test's namespace")
}

pub(crate) fn dev(s: &str) -> IfName {
    IfName::new(s).expect("a test's interface")
}

/// `NETNS:DEV`.
pub(crate) fn end(s: &str) -> (NetnsName, IfName) {
    let (ns, name) = s.split_once(':').expect("NETNS:DEV");
    (netns(ns), dev(name))
}

fn prefix(s: &str) -> Cidr {
    if s == "default" { Cidr::DEFAULT_V4 } else { s.parse().expect("a test's prefix") }
}
