//! What the tests of the real machine share.

use nettwin_kernel::{KernelBackend, Options};
use nettwin_model::{
    AddLink, Backend, BridgeAttrs, Errno, Failure, Fault, IfName, LinkChange, NetnsName, NewLink, Op, VethPeer,
};
use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

static SKIPPED: AtomicU32 = AtomicU32::new(0);

/// Says, past the test harness's capture, that a test was not run, and why.
pub(crate) fn skip(what: &str, why: &str) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // Nobody reads it where standard error is closed.
    let _ = writeln!(std::io::stderr(), "skipped ({count}): {what}: {why}");
}

/// A machine with the namespaces named, or `None` (counted) where this process may not make any.
pub(crate) fn machine(what: &str, names: &[&str]) -> Option<KernelBackend> {
    let mut machine = KernelBackend::new(Options::default()).expect("a machine");
    for name in names {
        match machine.execute(&[Op::AddNetns { netns: ns(name) }]) {
            Ok(()) => {}
            Err(Failure { fault: Fault::Refused { errno: Errno::EPERM, .. }, .. }) => {
                let why = "not permitted to make network namespaces (run as root, or under unshare -Urnm)";
                assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
                skip(what, why);
                return None;
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    Some(machine)
}

pub(crate) fn ns(name: &str) -> NetnsName {
    NetnsName::new(name).expect("a namespace's name")
}

pub(crate) fn dev(name: &str) -> IfName {
    IfName::new(name).expect("an interface's name")
}

/// `A:dev` to `B:dev`, not up.
pub(crate) fn veth(a: (&str, &str), b: (&str, &str)) -> Op {
    let peer = VethPeer { netns: ns(b.0), name: dev(b.1), mac: None, mtu: None };
    Op::AddLink(Box::new(AddLink {
        netns: ns(a.0),
        name: dev(a.1),
        kind: NewLink::Veth { peer },
        mac: None,
        mtu: None,
        master: None,
        up: false,
    }))
}

pub(crate) fn bridge(netns: &str, name: &str, attrs: BridgeAttrs) -> Op {
    Op::AddLink(Box::new(AddLink {
        netns: ns(netns),
        name: dev(name),
        kind: NewLink::Bridge { attrs },
        mac: None,
        mtu: None,
        master: None,
        up: true,
    }))
}

pub(crate) fn set(netns: &str, name: &str, change: LinkChange) -> Op {
    Op::SetLink { netns: ns(netns), name: dev(name), change: Box::new(change) }
}

pub(crate) fn up(netns: &str, name: &str) -> Op {
    set(netns, name, LinkChange { up: Some(true), ..LinkChange::default() })
}

/// The op is refused with this errno and text.
#[track_caller]
pub(crate) fn refused(machine: &mut KernelBackend, op: Op, errno: Errno, text: Option<&str>) {
    let failure = machine.execute(std::slice::from_ref(&op)).expect_err(&format!("{op:?} is refused"));
    let expected = Fault::Refused { errno, message: text.map(str::to_owned) };
    assert_eq!(failure, Failure { done: 0, fault: expected }, "{op:?}");
}

/// The op is refused with this errno; the text differs between kernels.
#[track_caller]
pub(crate) fn refused_somehow(machine: &mut KernelBackend, op: Op, expected: Errno) {
    match machine.execute(std::slice::from_ref(&op)) {
        Err(Failure { done: 0, fault: Fault::Refused { errno, .. } }) => assert_eq!(errno, expected, "{op:?}"),
        other => panic!("{op:?}: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn done(machine: &mut KernelBackend, ops: &[Op]) {
    if let Err(failure) = machine.execute(ops) {
        panic!("{failure}: {:?}", ops.get(failure.done));
    }
}
