//! The kernel's side of the differential tests: in this process as root, through a holder in a user namespace otherwise.

use crate::harness::{Case, Record, run};
use nettwin_model::Backend;

/// Each case's record, or `None` (with the reason printed and counted) where this machine allows no namespaces. With
/// `NETTWIN_REQUIRE_KERNEL` set, a skip is a failure.
pub(crate) fn answers(cases: &[Case]) -> Option<Vec<Record>> {
    match machine() {
        Ok(first) => drop(first),
        Err(why) => {
            assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
            println!("skipped on the kernel: {} cases: {why}", cases.len());
            return None;
        }
    }
    // Most of a case's time is waiting, so they wait together; their building is serialised by the kernel anyway.
    const AT_ONCE: usize = 8;
    let mut records = Vec::with_capacity(cases.len());
    for batch in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = batch
                .iter()
                .map(|case| {
                    scope.spawn(|| {
                        stay_on_this_cpu();
                        run(case, &mut *machine().expect("as the first one"))
                    })
                })
                .collect();
            records.extend(threads.into_iter().map(|t| t.join().expect("the kernel's side of a case")));
        });
    }
    Some(records)
}

/// The running kernel's release.
pub(crate) fn release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", text.trim())
}

/// Frames are compared in order.
fn stay_on_this_cpu() {
    #[cfg(all(feature = "kernel", target_os = "linux"))]
    nettwin::kernel::affinity::stay_on_this_cpu().expect("a thread may choose its processor");
}

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn machine() -> Result<Box<dyn Backend>, String> {
    use nettwin::kernel::{KernelBackend, Options, holder, is_root};
    if is_root() {
        return Ok(Box::new(KernelBackend::new(Options::default()).map_err(|f| f.to_string())?));
    }
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_nettwin"));
    Ok(Box::new(holder::spawn(program, &["holder".as_ref()]).map_err(|f| f.to_string())?))
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn machine() -> Result<Box<dyn Backend>, String> {
    Err("this build has no kernel backend".into())
}
