//! The kernel's side of the differential tests.

use crate::harness::{Case, Record, run};
use crate::machine::{is_root, is_there, machine, stay_on_this_cpu};

/// Each case's record, by its place, as far as this machine and this user may run it.
pub(crate) fn answers(cases: &[Case]) -> Vec<Option<Record>> {
    if !is_there(&format!("{} cases", cases.len())) {
        return cases.iter().map(|_| None).collect();
    }
    let may_run = |case: &Case| {
        let lacks = match case {
            case if case.takes_root() && !is_root() => "it takes root",
            case if case.is_long() && std::env::var_os("NETTWIN_LONG").is_none() => "it takes long (NETTWIN_LONG)",
            _ => return true,
        };
        println!("skipped on the kernel: {}: {lacks}", case.name());
        false
    };
    // Most of a case's time is waiting, so they wait together; their building is serialised by the kernel anyway.
    const AT_ONCE: usize = 8;
    let mut records = Vec::with_capacity(cases.len());
    for batch in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = batch
                .iter()
                .map(|case| {
                    may_run(case).then(|| {
                        scope.spawn(|| {
                            stay_on_this_cpu();
                            run(case, &mut *machine().expect("as the first one"))
                        })
                    })
                })
                .collect();
            records.extend(threads.into_iter().map(|t| t.map(|t| t.join().expect("the kernel's side of a case"))));
        });
    }
    records
}

/// Whether the running kernel lacks something that the cases take, and what.
pub(crate) fn lacks_something(cases: &[Case]) -> Option<String> {
    let mut machine = match machine() {
        Ok(machine) => machine,
        Err(why) => return Some(why),
    };
    let found = cases.iter().map(|case| machine.lacks_nothing(&case.ops())).find_map(Result::err)?;
    Some(found.to_string())
}

/// The running kernel's release.
pub(crate) fn release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", text.trim())
}
