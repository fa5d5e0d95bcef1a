//! A plan printed as a script and run by hand, with bash and iproute2, does what executing it does.
//!
//! Everything happens in a thread with mount and network namespaces of its own, over an empty `/run`: names made here are
//! nobody else's. Deliberately absent: impairments where the kernel has no netem; they are left out and counted.

#![cfg(target_os = "linux")]

use nettwin_kernel::caps::capabilities;
use nettwin_kernel::{KernelBackend, Naming, Options};
use nettwin_model::differences::from_wanted;
use nettwin_model::{Backend, Desired, NetnsName, Op, Plan, Snapshot, Topology};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::UnshareFlags;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `f` where `/run` is empty and nobody else's, and where the network is nobody's.
fn apart(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: unsafe because of CLONE_FILES only, which is not among the flags.
        match unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::NEWNET) } {
            Err(Errno::PERM) => return skip("not permitted to unshare (run as root, or under unshare -Urnm)"),
            unshared => unshared.expect("namespaces of the thread's own"),
        }
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).expect("a private tree");
        mount("none", "/run", "tmpfs", MountFlags::empty(), None).expect("an empty /run");
        let found = |tool: &&&str| Command::new(tool).arg("-V").output().is_ok();
        match ["bash", "ip", "tc", "bridge", "sysctl"].iter().find(|tool| !found(tool)) {
            Some(missing) => skip(&format!("there is no {missing}")),
            None => f(),
        }
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Counts and reports a skip, straight to standard error, since the harness hides what a passing test prints.
fn skip(why: &str) {
    assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let _ = writeln!(std::io::stderr(), "skipped ({count}): plans by hand: {why}");
}

/// The examples in the order of their names, each with what it wants of this kernel.
fn examples() -> Vec<(String, Desired)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let files = std::fs::read_dir(folder).expect("the examples").flatten().map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    let has_netem = capabilities().iter().any(|c| c.name == "netem" && c.available);
    let mut left_out = 0;
    let read = |file: std::path::PathBuf| {
        let text = std::fs::read_to_string(&file).expect("an example");
        let topology = Topology::load(&text, nettwin_model::Format::Toml).expect("a good one");
        let mut desired = topology.desired().clone();
        for link in desired.netns.values_mut().flat_map(|config| config.links.values_mut()).filter(|_| !has_netem) {
            left_out += usize::from(link.impairment.take().is_some());
        }
        (file.display().to_string(), desired)
    };
    let all: Vec<_> = files.into_iter().map(read).collect();
    if left_out > 0 {
        let _ = writeln!(std::io::stderr(), "left out: {left_out} impairments: this kernel has no netem");
    }
    assert!(all.len() >= 7, "the examples are {all:?}");
    all
}

/// What somebody who knows shell types.
fn type_in(script: &str) {
    let mut bash = Command::new("bash").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash");
    bash.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("a reader");
    let end = bash.wait_with_output().expect("an end");
    assert!(end.status.success(), "{}\nof the script:\n{script}", String::from_utf8_lossy(&end.stderr));
}

/// The namespaces that have a name by now, as a machine.
fn machine() -> KernelBackend {
    let naming = Naming::Named { prefix: String::new(), bare: true };
    let mut kernel = KernelBackend::new(Options { naming, real_host: false }).expect("a machine");
    for entry in std::fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().expect("a plain name");
        kernel.adopt(&NetnsName::new(&name).expect("a plain name")).expect("a namespace");
    }
    kernel
}

/// What is there of what is wanted.
fn observed(desired: &Desired) -> Snapshot {
    let mut kernel = machine();
    kernel.settle().expect("rest");
    kernel.observe(&desired.extent()).expect("a snapshot")
}

/// Types in what leads from what is there to what is wanted; then that is there, and there is nothing left to type.
fn lead(what: &str, desired: &Desired) -> Plan {
    let plan = Plan::by_hand(desired, &observed(desired));
    type_in(&plan.to_string());
    let after = observed(desired);
    let differences: Vec<String> = from_wanted(desired, &after).iter().map(|d| d.say("wanted", "is")).collect();
    assert!(differences.is_empty(), "{what}:\n{}\nafter the script:\n{plan}", differences.join("\n"));
    assert_eq!(Plan::between(desired, &after).ops, [], "{what}");
    plan
}

#[test]
fn an_example_made_by_hand_is_what_the_file_says() {
    apart(|| {
        for (file, desired) in examples() {
            lead(&file, &desired);
            assert!(machine().destroy_all().is_empty());
        }
    });
}

#[test]
fn one_example_is_changed_into_the_next_by_hand() {
    apart(|| {
        let examples = examples();
        // There and back, so that everything that is added is removed once.
        for (file, desired) in examples.iter().chain(examples.iter().rev()) {
            lead(file, desired);
        }
        assert!(machine().destroy_all().is_empty());
    });
}

#[test]
fn damage_is_repaired_by_hand_with_only_what_it_takes() {
    apart(|| {
        let (file, desired) = examples().into_iter().find(|(file, _)| file.contains("03-two-lans")).expect("the one");
        lead(&file, &desired);
        type_in(
            "set -e
             ip -n h1 route del default
             ip -n h2 link set dev eth0 mtu 1400
             ip -n h3 addr add 10.9.9.9/24 dev eth0
             ip netns exec r1 sysctl -qw net.ipv4.ip_forward=0
             ip -n s1 link set dev p1 nomaster
             ip netns add stray",
        );
        let plan = lead(&file, &desired);
        // Nothing is made anew, and one op each mends it; but who ceases to forward believes redirects again
        // (inet_forward_change), which is mended too.
        assert_eq!(plan.ops.len(), 7, "{plan}");
        assert!(!plan.ops.iter().any(|op| matches!(op, Op::AddNetns { .. } | Op::AddLink(_))), "{plan}");
        assert!(machine().destroy_all().is_empty());
    });
}
