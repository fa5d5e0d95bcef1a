//! Labs with names: claimed by one at a time, known to their journal, swept when abandoned.

#![cfg(target_os = "linux")]

use nettwin_kernel::journal::Kind;
use nettwin_kernel::labs::{self, Claim, State};
use nettwin_kernel::{KernelBackend, Naming, Options, is_root};
use nettwin_model::{Backend, Errno, Fault, NetnsName, Op};
use std::path::PathBuf;

/// The namespaces of a new lab of this name, made under its journal.
fn make(claim: &Claim, names: &[&str]) -> Result<KernelBackend, Fault> {
    let naming = Naming::Named { prefix: claim.name.clone(), bare: false };
    let mut kernel = KernelBackend::new(Options { naming, real_host: false })?;
    kernel.keep_journal(claim.journal()?);
    for name in names {
        let netns = NetnsName::new(name).expect("a name");
        kernel.execute(&[Op::AddNetns { netns }]).map_err(|failure| failure.fault)?;
    }
    Ok(kernel)
}

/// A lab's name of this test's own, and the file that its namespace `h1` would have. `None` where names are not allowed.
fn lab(what: &str) -> Option<(String, PathBuf)> {
    if !is_root() || std::fs::create_dir_all("/run/nettwin").is_err() {
        println!("skipped (1): named namespaces take root and a writable /run");
        return None;
    }
    let name = format!("k{}-{what}", std::process::id());
    let file = PathBuf::from(format!("/run/netns/{name}.h1"));
    Some((name, file))
}

fn state(name: &str) -> Option<State> {
    labs::find(name).first().map(|lab| lab.state)
}

#[test]
fn an_abandoned_lab_is_swept_and_a_committed_one_is_not() {
    let Some((name, file)) = lab("swept") else { return };
    let claim = match Claim::take(&name, Kind::Named { bare: false }, false) {
        Err(Fault::Missing { capability, .. }) => return println!("skipped (1): {capability}"),
        claim => claim.expect("a claim"),
    };
    assert!(claim.is_fresh);
    let kernel = match make(&claim, &["h1", "h2"]) {
        Err(Fault::Refused { errno: Errno::EPERM, .. }) => {
            claim.destroy().expect("nothing was made");
            return println!("skipped (1): not permitted to make namespaces");
        }
        kernel => kernel.expect("two namespaces"),
    };
    assert_eq!(state(&name), Some(State::Busy));
    assert!(matches!(Claim::take(&name, Kind::Named { bare: false }, false), Err(Fault::Broken(_))));
    drop(kernel);
    assert!(file.exists());
    drop(claim);
    assert_eq!(state(&name), Some(State::Abandoned));
    let swept = labs::gc();
    assert!(swept.removed.contains(&name) && swept.errors.is_empty(), "{swept:?}");
    assert!(!file.exists());
    assert_eq!(state(&name), None);

    let claim = Claim::take(&name, Kind::Named { bare: false }, false).expect("a claim");
    let kernel = make(&claim, &["h1"]).expect("a namespace");
    claim.journal().and_then(|mut j| j.commit().map_err(|e| Fault::Broken(e.to_string()))).expect("a commit");
    drop((kernel, claim));
    assert_eq!(state(&name), Some(State::Committed));
    assert!(!labs::gc().removed.contains(&name));
    let claim = Claim::take(&name, Kind::Named { bare: false }, false).expect("the same lab again");
    assert!(!claim.is_fresh);
    assert_eq!(claim.said.netns.len(), 1);
    assert!(Claim::of(&labs::find(&name)[0]).is_err(), "claimed twice");
    claim.destroy().expect("a clean end");
    assert!(!file.exists() && state(&name).is_none());
}

#[test]
fn what_took_the_name_of_ours_is_left_alone() {
    let Some((name, file)) = lab("other") else { return };
    let Ok(claim) = Claim::take(&name, Kind::Named { bare: false }, false) else { return };
    let Ok(kernel) = make(&claim, &["h1"]) else { return };
    drop(kernel);
    let made = claim.journal().expect("a journal").said().netns[&NetnsName::new("h1").unwrap()].clone();
    labs::release(&made).expect("ours");
    // Somebody else makes one of the same name.
    let theirs =
        KernelBackend::new(Options { naming: Naming::Named { prefix: name.clone(), bare: false }, real_host: false });
    let mut theirs = theirs.expect("a machine");
    theirs.execute(&[Op::AddNetns { netns: NetnsName::new("h1").unwrap() }]).expect("a namespace");
    let errors = claim.destroy().expect_err("it is not ours");
    assert!(errors[0].contains("left alone"), "{errors:?}");
    assert!(file.exists());
    assert!(theirs.destroy_all().is_empty());
    assert!(!file.exists());
}
