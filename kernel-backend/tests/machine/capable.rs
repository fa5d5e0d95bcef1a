//! Capabilities, and impairments, which not every kernel has.

use crate::common::{dev, done, machine, ns, refused_somehow, skip, up, veth};
use nettwin_kernel::caps::capabilities;
use nettwin_model::impair::{Chance, Share};
use nettwin_model::{Backend, BridgeAttrs, Errno, Extent, Failure, Fault, Impairment, Op};
use std::time::Duration;

fn has(name: &str) -> bool {
    capabilities().iter().any(|c| c.name == name && c.available)
}

#[test]
fn every_capability_has_a_reason_and_what_is_missing_a_remedy() {
    let found = capabilities();
    let names: Vec<&str> = found.iter().map(|c| c.name).collect();
    assert_eq!(names[..3], ["userns", "netns", "named-netns"]);
    assert!(names.contains(&"netem") && names.contains(&"nftables"));
    for c in &found {
        assert!(!c.reason.is_empty() && c.available == c.remedy.is_empty(), "{c:?}");
        println!("{:22} {:5} {}", c.name, c.available, c.reason);
    }
}

fn impair(what: Option<Impairment>) -> Op {
    Op::SetImpairment { netns: ns("a"), dev: dev("e0"), impairment: what.map(Box::new), handle: None }
}

fn share(percent: f64) -> Share {
    Share((percent / 100.0 * f64::from(u32::MAX)) as u32)
}

#[test]
fn impairments_read_back_as_they_were_set() {
    let Some(mut m) = machine("netem", &["a"]) else { return };
    done(&mut m, &[veth(("a", "e0"), ("a", "e1")), up("a", "e0"), up("a", "e1")]);
    let full = Impairment {
        delay: Duration::from_nanos(10_000_001),
        jitter: Duration::from_micros(2_000),
        delay_correlation: share(25.0),
        bursts: None,
        overhead: Default::default(),
        distribution: None,
        ecn: false,
        slot: None,
        loss: Chance { share: share(1.0), correlation: share(10.0) },
        duplicate: Chance { share: share(2.0), correlation: share(20.0) },
        corrupt: Chance { share: share(3.0), correlation: share(30.0) },
        reorder: Chance { share: share(4.0), correlation: share(40.0) },
        gap: 5,
        rate_bps: 5_000_000_000,
        limit: Some(77),
        seed: None,
    };
    let plain = Impairment { delay: Duration::from_millis(3), ..Impairment::default() };
    if !has("netem") {
        let missing = m.execute(&[impair(Some(plain))]);
        assert!(matches!(missing, Err(Failure { done: 0, fault: Fault::Missing { .. } })), "{missing:?}");
        return skip("netem", "this kernel has none");
    }
    let read = |m: &mut nettwin_kernel::KernelBackend| {
        let seen = m.observe(&Extent::default()).unwrap();
        let a = &seen.netns[&ns("a")];
        let found = a.config.links[&dev("e0")].impairment.clone();
        assert_eq!(found.is_some(), a.derived.links[&dev("e0")].qdisc == "netem");
        // Newer kernels make up and show a seed.
        found.map(|i| Impairment { seed: None, ..i })
    };
    assert_eq!(read(&mut m), None);
    for what in [full, plain.clone(), Impairment { rate_bps: 125_000, ..plain }, Impairment::default()] {
        done(&mut m, &[impair(Some(what.clone()))]);
        assert_eq!(read(&mut m), Some(what));
    }
    done(&mut m, &[impair(None)]);
    assert_eq!(read(&mut m), None);
    refused_somehow(&mut m, impair(None), Errno::ENOENT);
}

#[test]
fn what_bridges_here_do_not_know_is_refused() {
    let Some(mut m) = machine("offered", &["a"]) else { return };
    let attrs = BridgeAttrs { vlan_filtering: Some(true), ..BridgeAttrs::default() };
    let made = m.execute(&[crate::common::bridge("a", "br0", attrs)]);
    if has("bridge-vlan-filtering") {
        made.unwrap();
        let seen = m.observe(&Extent::default()).unwrap();
        let br = seen.netns[&ns("a")].config.links[&dev("br0")].bridge.clone().unwrap();
        assert_eq!(br.vlan_filtering, Some(true));
    } else {
        assert!(matches!(made, Err(Failure { done: 0, fault: Fault::Missing { .. } })), "{made:?}");
        // The default may be said.
        done(&mut m, &[crate::common::bridge("a", "br0", BridgeAttrs::kernel_default())]);
    }
}
