//! The reference kernel for tests: this very test program, run again inside User-Mode Linux, for what the running kernel
//! lacks.
//!
//! All that one run of a test program wants of it shares one boot. Inside, only those phenomena run that may want it; each
//! writes its records to a file of its own. Shared by several test targets, each of which includes it as a module.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::PathBuf;

/// What the reference kernel answered to a phenomenon's cases.
#[derive(Serialize, Deserialize)]
pub(crate) struct Answers<R> {
    /// Its release.
    pub(crate) kernel: String,
    /// A record for each case.
    pub(crate) records: Vec<R>,
}

/// Whether this process runs inside the reference kernel.
pub(crate) fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Inside: leaves a phenomenon's records for the process outside.
pub(crate) fn leave<R: Serialize>(phenomenon: &str, answers: &Answers<R>) {
    let folder = std::env::var_os(INSIDE).expect("asked inside only");
    let text = serde_json::to_string(answers).expect("serialisable");
    std::fs::write(PathBuf::from(folder).join(file(phenomenon)), text).expect("the folder of the process outside");
}

/// Outside: what the reference kernel answers, or `None` where there is none, which is said. The first who asks boots it.
/// Tests with one of `but` in their names do not run inside.
pub(crate) fn answers<R: DeserializeOwned>(phenomenon: &str, but: &[&str]) -> Option<Answers<R>> {
    let folder = match boot(but) {
        Ok(folder) => folder,
        Err(why) => {
            println!("skipped on the reference kernel: {phenomenon}: {why}");
            return None;
        }
    };
    let path = folder.join(file(phenomenon));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| {
        let said = std::fs::read_to_string(folder.join("said")).unwrap_or_default();
        panic!("the reference kernel answers nothing to {phenomenon}: {e}\n{said}")
    });
    Some(serde_json::from_str(&text).expect("as it was written"))
}

const INSIDE: &str = "NETTWIN_INSIDE_REFERENCE";

fn file(phenomenon: &str) -> String {
    format!("{phenomenon}.json")
}

/// Runs this program in the guest with the arguments that it has here; the folder that holds what came of it.
#[cfg(all(feature = "kernel", target_os = "linux"))]
fn boot(but: &[&str]) -> Result<PathBuf, String> {
    use nettwin::kernel::uml::{self, Guest};
    use nettwin::model::Fault;
    use std::sync::OnceLock;
    static BOOTED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let boot = || {
        uml::find().map_err(|fault| fault.to_string())?;
        let out = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("reference-{}", std::process::id()));
        std::fs::create_dir_all(&out).expect("a scratch folder");
        let skipped = but.iter().flat_map(|name| ["--skip".into(), (*name).into()]);
        let guest = Guest {
            program: std::env::current_exe().expect("a test program has a path"),
            args: std::env::args_os().skip(1).chain(skipped).collect(),
            env: [(INSIDE.into(), uml::OUT.into()), ("RUST_TEST_THREADS".into(), "6".into())].into(),
            stdin: Vec::new(),
            out: out.clone(),
            patience: std::time::Duration::from_secs(400),
        };
        match uml::run(&guest) {
            Ok(ended) => {
                let said = [ended.stdout, ended.stderr].concat();
                std::fs::write(out.join("said"), said).expect("the scratch folder takes it");
                Ok(out)
            }
            Err(fault @ Fault::Missing { .. }) => Err(fault.to_string()),
            Err(fault) => {
                assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the reference kernel is there: {fault}");
                Err(fault.to_string())
            }
        }
    };
    BOOTED.get_or_init(boot).clone()
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn boot(_: &[&str]) -> Result<PathBuf, String> {
    Err("this build has no kernel backend".into())
}
