//! What no neighbour on the machine can disturb: the datagrams by which a star of namespaces is made, and seen to be what is
//! wanted. The count is the whole process's, so this is one test.

#![cfg(target_os = "linux")]

use nettwin_kernel::netlink::datagrams_sent;
use nettwin_kernel::{KernelBackend, Options};
use nettwin_model::apply::apply;
use nettwin_model::{Backend, Errno, Failure, Fault, Format, Op, Plan, Topology};
use std::fmt::Write;

fn star(hosts: usize) -> Topology {
    let mut text = "[bridge.s]\n".to_owned();
    for h in 0..hosts {
        writeln!(text, "[netns.h{h}]\ninterfaces.eth0.addresses = [\"10.1.0.{}/16\"]", h + 1).unwrap();
        writeln!(text, "routes = [\"default via 10.1.255.254\"]\n[[link]]\nends = [\"h{h}:eth0\", \"s:p{h}\"]")
            .unwrap();
    }
    let checked = Topology::load(&text, Format::of_file_name("t.toml"));
    checked.unwrap_or_else(|e| panic!("{e:?}")).topology().clone()
}

/// How many were sent meanwhile.
fn sent<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = datagrams_sent();
    let result = work();
    (datagrams_sent() - before, result)
}

fn may_make_namespaces() -> bool {
    let mut kernel = KernelBackend::new(Options::default()).unwrap();
    let netns = nettwin_model::NetnsName::new("try").unwrap();
    match kernel.execute(&[Op::AddNetns { netns }]) {
        Ok(()) => true,
        Err(Failure { fault: Fault::Refused { errno: Errno::EPERM, .. }, .. }) => false,
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_namespace_takes_few_datagrams() {
    if !may_make_namespaces() {
        assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "not permitted to make namespaces");
        return println!("skipped: not permitted to make namespaces");
    }
    let counts = [10, 50].map(|hosts| {
        let checked = star(hosts).check().unwrap_or_else(|e| panic!("{e:?}"));
        let wanted = checked.desired();
        let mut kernel = KernelBackend::new(Options::default()).unwrap();
        let plan = apply(&mut kernel, wanted, &mut |_| {}).unwrap();
        assert!(plan.ops.len() > 3 * hosts);
        let (again, plan) = sent(|| apply(&mut kernel, wanted, &mut |_| {}).unwrap());
        assert!(plan.is_empty());
        let mut other = KernelBackend::new(Options::default()).unwrap();
        let ops = Plan::between(wanted, &other.observe(&wanted.extent()).unwrap()).ops;
        let (made, done) = sent(|| other.execute_together(&ops));
        done.unwrap();
        [made, again]
    });
    let each = |n: usize| (counts[1][n] - counts[0][n]) as f64 / 40.0;
    assert!(each(0) <= 1.1, "{} to make it", each(0));
    assert!(each(1) <= 4.1, "{} when nothing is to be done", each(1));
}
