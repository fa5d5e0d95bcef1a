//! The kernel's side of the differential tests.

use crate::harness::{Case, Record, run};
use crate::machine::{is_there, machine, stay_on_this_cpu};

/// Each case's record, or `None` where this machine allows no namespaces.
pub(crate) fn answers(cases: &[Case]) -> Option<Vec<Record>> {
    if !is_there(&format!("{} cases", cases.len())) {
        return None;
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
