//! Namespaces with names: seen by `ip netns`, outliving the machine, and taken away again.

use crate::common::{dev, done, machine, ns, skip, up, veth};
use nettwin_kernel::{KernelBackend, Naming, Options};
use nettwin_model::{Backend, Errno, Extent, Failure, Fault, LinkKind, Op, Query};
use std::path::Path;
use std::process::Command;

/// A lab of this process's own, or `None` (counted) where names cannot be given.
fn named(what: &str, lab: &str) -> Option<KernelBackend> {
    let able = nettwin_kernel::caps::capabilities().into_iter().find(|c| c.name == "named-netns")?;
    if !able.available {
        skip(what, &able.reason);
        return None;
    }
    let naming = Naming::Named { prefix: format!("nt-{lab}-{}", std::process::id()), bare: false };
    Some(KernelBackend::new(Options { naming, ..Options::default() }).unwrap())
}

fn listed() -> Option<String> {
    let output = Command::new("ip").args(["netns", "list"]).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_named_lab_outlives_the_machine() {
    let Some(mut m) = named("named", "outlives") else { return };
    done(&mut m, &[Op::AddNetns { netns: ns("a") }, Op::AddNetns { netns: ns("b") }]);
    done(&mut m, &[veth(("a", "e0"), ("b", "e0")), up("a", "e0")]);
    let files: Vec<_> = ["a", "b"].iter().map(|name| m.path_of(&ns(name)).unwrap()).collect();
    let file_name = files[0].file_name().unwrap().to_str().unwrap().to_owned();
    if let Some(list) = listed() {
        assert!(list.lines().any(|line| line.split(' ').next() == Some(&file_name)), "{list}");
    }
    // Somebody else's machine of the same lab is told that the name is taken, and leaves it alone.
    let prefix = file_name.strip_suffix(".a").unwrap().to_owned();
    let again = || {
        KernelBackend::new(Options {
            naming: Naming::Named { prefix: prefix.clone(), bare: false },
            ..Options::default()
        })
        .unwrap()
    };
    let taken = again().execute(&[Op::AddNetns { netns: ns("a") }]);
    assert_eq!(taken, Err(Failure { done: 0, fault: Fault::errno(Errno::EEXIST) }));
    let before = m.observe(&Extent::default()).unwrap();
    drop(m);

    let mut m = again();
    assert_eq!(m.adopt(&ns("z")), Err(Fault::errno(Errno::ENOENT)));
    m.adopt(&ns("a")).unwrap();
    m.adopt(&ns("b")).unwrap();
    assert_eq!(m.observe(&Extent::default()).unwrap(), before);
    let peer = Some((ns("b"), dev("e0")));
    assert_eq!(before.netns[&ns("a")].config.links[&dev("e0")].kind, LinkKind::Veth { peer });
    // The end in a namespace that stays goes before anybody looks, though this machine did not make the link.
    done(&mut m, &[Op::DelNetns { netns: ns("b") }]);
    assert_eq!(m.observe(&Extent::default()).unwrap().netns[&ns("a")].config.links.len(), 1);
    assert!(m.destroy_all().is_empty());
    assert!(files.iter().all(|file| !file.exists()));
    assert_eq!(m.query(&Query::Netns(ns("a"))), Err(Fault::errno(Errno::ENOENT)));
}

#[test]
fn a_file_that_is_no_namespace_is_not_taken_over() {
    let Some(mut m) = named("adopt", "adopt") else { return };
    let file = m.path_of(&ns("a")).unwrap();
    if std::fs::write(&file, "not a namespace").is_err() {
        return skip("adopt", "/run/netns is not there");
    }
    assert_eq!(m.adopt(&ns("a")), Err(Fault::errno(Errno::EINVAL)));
    let taken = m.execute(&[Op::AddNetns { netns: ns("a") }]);
    assert_eq!(taken, Err(Failure { done: 0, fault: Fault::errno(Errno::EEXIST) }));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "not a namespace");
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn an_unnamed_lab_leaves_nothing() {
    let Some(mut m) = machine("unnamed", &["a", "b"]) else { return };
    done(&mut m, &[veth(("a", "e0"), ("b", "e0"))]);
    let ids: Vec<u64> = ["a", "b"].iter().map(|name| m.netns(&ns(name)).unwrap().id().ino).collect();
    drop(m);
    let held: Vec<u64> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter_map(|target| target.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok())
        .collect();
    assert!(ids.iter().all(|id| !held.contains(id)), "{ids:?} {held:?}");
    assert!(m_path_is_none());
}

/// Machines without names have no files.
fn m_path_is_none() -> bool {
    let m = KernelBackend::new(Options::default()).unwrap();
    m.path_of(&ns("a")).is_none() && !Path::new("/run/netns/a").exists()
}

#[test]
fn the_real_host_stays() {
    let Some(_) = machine("real host", &["probe"]) else { return };
    let mut m = KernelBackend::new(Options { real_host: true, ..Options::default() }).unwrap();
    assert_eq!(m.query(&Query::NetnsList), Ok(nettwin_model::Answer::NetnsList(vec![ns("host")])));
    let failure = m.execute(&[Op::DelNetns { netns: ns("host") }]).unwrap_err();
    assert!(matches!(failure.fault, Fault::Refused { errno: Errno::EBUSY, .. }));
    assert!(m.destroy_all().is_empty());
    assert_eq!(m.query(&Query::NetnsList), Ok(nettwin_model::Answer::NetnsList(vec![ns("host")])));
    // Reading it works, whatever devices it has.
    assert!(m.observe(&Extent::default()).unwrap().netns[&ns("host")].config.links.contains_key(&dev("lo")));
}
