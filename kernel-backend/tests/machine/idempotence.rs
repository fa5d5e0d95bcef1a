//! What a plan made reads back as it was wanted: the plan after the plan is empty.

use crate::common::{machine, ns, skip};
use nettwin_kernel::KernelBackend;
use nettwin_model::{Backend, Errno, Failure, Fault, Format, Op, Plan, Topology};
use std::path::Path;

/// Brings a topology up and asks what is left to do.
fn check(what: &str, text: &str) {
    if machine(what, &["try"]).is_none() {
        return;
    }
    let checked = Topology::load(text, Format::of_file_name("t.toml")).unwrap_or_else(|e| panic!("{what}: {e:?}"));
    let desired = checked.desired();
    let mut m = KernelBackend::new(Default::default()).unwrap();
    let before = m.observe(&desired.extent()).unwrap();
    let plan = Plan::between(desired, &before);
    assert!(!plan.is_empty(), "{what}");
    match m.execute(&plan.ops) {
        Ok(()) => {}
        Err(Failure { fault: Fault::Missing { capability, .. }, .. }) => {
            return skip(what, &format!("no {capability}"));
        }
        Err(failure) => panic!("{what}: {failure}: {:?}", plan.ops[failure.done]),
    }
    m.settle().unwrap();
    let again = Plan::between(desired, &m.observe(&desired.extent()).unwrap());
    assert!(again.is_empty(), "{what}: {:#?}", again.ops);
    // The other way, too: what is there and not wanted goes.
    let Some(first) = m.observe(&desired.extent()).unwrap().netns.keys().next().cloned() else { return };
    let stray = Op::AddRoute {
        netns: first,
        verb: nettwin_model::RouteVerb::Add,
        route: nettwin_model::Route {
            kind: nettwin_model::RouteKind::Blackhole,
            ..nettwin_model::Route::new("203.0.113.0/24".parse().unwrap())
        },
    };
    crate::common::done(&mut m, &[stray]);
    let cleaning = Plan::between(desired, &m.observe(&desired.extent()).unwrap());
    assert_eq!(cleaning.ops.len(), 1, "{what}: {:#?}", cleaning.ops);
    crate::common::done(&mut m, &cleaning.ops);
    assert!(Plan::between(desired, &m.observe(&desired.extent()).unwrap()).is_empty());
}

#[test]
fn the_examples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut count = 0;
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "toml")) {
        check(file.file_name().unwrap().to_str().unwrap(), &std::fs::read_to_string(file).unwrap());
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn a_namespace_with_a_workload_in_it_may_be_removed() {
    use nettwin_model::probe::{Capture, Probe, Stop};
    let Some(mut m) = machine("busy", &["a", "b"]) else { return };
    crate::common::done(&mut m, &[crate::common::veth(("a", "e0"), ("b", "e0"))]);
    let capture = Capture { netns: ns("b"), dev: crate::common::dev("e0"), snap_len: 100, promiscuous: false };
    let id = m.start(Probe::Capture(capture)).unwrap();
    let begun = std::time::Instant::now();
    crate::common::done(&mut m, &[Op::DelNetns { netns: ns("b") }]);
    assert!(begun.elapsed().as_secs() < 5);
    assert_eq!(
        m.execute(&[Op::DelNetns { netns: ns("b") }]),
        Err(Failure { done: 0, fault: Fault::errno(Errno::ENOENT) })
    );
    m.stop(id, Stop::Interrupt);
    while m.advance(nettwin_model::Instant::FAR).is_some() {}
}
