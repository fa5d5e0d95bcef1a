//! The holder itself, as the library starts it.
#![cfg(all(feature = "kernel", target_os = "linux"))]

use crate::harness::skip;
use nettwin::kernel::holder;
use nettwin::kernel::remote::RemoteBackend;
use nettwin::model::op::{NewLink, VethPeer};
use nettwin::model::probe::{Outcome, Ping, Probe};
use nettwin::model::{AddLink, Address, Backend, Errno, Extent, Fault, IfName, LinkChange, NetnsName, Op};
use std::ffi::OsStr;
use std::path::Path;

fn spawn() -> Option<RemoteBackend> {
    match holder::spawn(Path::new(env!("CARGO_BIN_EXE_nettwin")), &[OsStr::new("holder")]) {
        Ok(remote) => Some(remote),
        Err(Fault::Missing { capability, .. }) => {
            skip(&format!("{capability} is missing"));
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// `h1` and `h2` on a wire, 10.7.0.1/24 and 10.7.0.2/24.
fn pair(machine: &mut impl Backend) {
    let (h1, h2) = (NetnsName::new("h1").unwrap(), NetnsName::new("h2").unwrap());
    let eth0 = IfName::new("eth0").unwrap();
    let mut ops = vec![
        Op::AddNetns { netns: h1.clone() },
        Op::AddNetns { netns: h2.clone() },
        Op::AddLink(Box::new(AddLink {
            netns: h1.clone(),
            name: eth0,
            kind: NewLink::Veth { peer: VethPeer { netns: h2.clone(), name: eth0, mac: None, mtu: None } },
            mac: None,
            mtu: None,
            master: None,
            up: true,
        })),
    ];
    for (netns, cidr) in [(&h1, "10.7.0.1/24"), (&h2, "10.7.0.2/24")] {
        let addr = Address::new(cidr.parse().unwrap());
        let up = LinkChange { up: Some(true), ..LinkChange::default() };
        ops.push(Op::AddAddr { netns: netns.clone(), dev: eth0, addr });
        ops.push(Op::SetLink { netns: netns.clone(), name: eth0, change: Box::new(up) });
    }
    machine.execute(&ops).unwrap();
}

#[test]
fn a_held_machine_does_what_one_here_does_and_goes_with_its_builder() {
    let Some(mut remote) = spawn() else { return };
    pair(&mut remote);
    remote.settle().unwrap();
    let snapshot = remote.observe(&Extent::default()).unwrap();
    assert_eq!(snapshot.netns.len(), 2);
    let h1 = NetnsName::new("h1").unwrap();
    match remote.probe(Probe::Ping(Ping::new(h1.clone(), "10.7.0.2".parse().unwrap(), 1))) {
        Ok(Outcome::Ping(p)) => assert_eq!((p.transmitted, p.received), (1, 1)),
        other => panic!("{other:?}"),
    }
    let again = remote.execute(&[Op::AddNetns { netns: h1.clone() }]).unwrap_err();
    assert_eq!(again.fault, Fault::errno(Errno::EEXIST));
    let path = remote.netns_path(&h1).unwrap().unwrap();
    assert!(path.exists());
    assert!(remote.commit().is_err(), "a lab without a folder cannot be kept");
    let pid = remote.pid();
    drop(remote);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "the holder stays");
}

#[test]
fn a_killed_holder_is_a_broken_lab() {
    let Some(mut remote) = spawn() else { return };
    pair(&mut remote);
    // The test's own child, by its id.
    let pid = remote.pid().to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let end = remote.observe(&Extent::default());
    assert!(matches!(&end, Err(Fault::Broken(why)) if why.contains("holder")), "{end:?}");
    assert!(matches!(remote.execute(&[]), Err(failure) if matches!(failure.fault, Fault::Broken(_))));
}
