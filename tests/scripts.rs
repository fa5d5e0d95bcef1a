//! People's scripts: each of `tests/scripts/` runs on the simulator always and, with the real commands, on the kernel wherever
//! the machine allows; every command's output and status must agree, and how the namespaces look in the end.
//!
//! The kernel's answers are kept in `tests/golden/scripts/`, so that a machine without privilege or without the tools still
//! compares with recorded truth. `UPDATE_GOLDEN=1` rewrites them, from a run of the real commands only. `NETTWIN_SCRIPTS`
//! names those to run, by the beginning of their names.

#![forbid(unsafe_code)]
#![cfg(all(feature = "cli", feature = "kernel", target_os = "linux"))]

use nettwin::conform::script::{Run, Said, compare};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a script's golden file holds.
#[derive(Serialize, Deserialize)]
struct Golden {
    kernel: String,
    run: Run,
}

/// A script of the corpus.
struct Script {
    name: String,
    text: String,
}

#[test]
fn every_command_says_what_it_says_on_linux() {
    let scripts = corpus();
    if std::env::var_os("NETTWIN_SCRIPTS").is_none() {
        assert!(scripts.len() >= 60, "the corpus has {} scripts", scripts.len());
    }
    let failures = in_parallel(&scripts, |script| {
        let golden = golden_file(script);
        let kernel = kernel_run(script)?;
        if let (Some(_), Some(run)) = (std::env::var_os("UPDATE_GOLDEN"), &kernel) {
            let kept = Golden { kernel: release(), run: run.clone() };
            let text = serde_json::to_string(&kept).map_err(|e| e.to_string())?;
            fs::create_dir_all(golden.parent().unwrap_or(Path::new("."))).map_err(|e| e.to_string())?;
            // One command a line: a change can be read in a diff.
            fs::write(&golden, text.replace("{\"netns\":", "\n{\"netns\":") + "\n").map_err(|e| e.to_string())?;
        }
        let sim = run(script, "sim", None)?.normalised(&script.text);
        let theirs = match kernel {
            Some(run) => run,
            None => {
                let text =
                    fs::read_to_string(&golden).map_err(|_| "neither a kernel nor a golden answer".to_owned())?;
                serde_json::from_str::<Golden>(&text).map_err(|e| e.to_string())?.run
            }
        };
        let mut report = compare(&theirs, &sim);
        // A kernel's clock is not the script's alone: a difference counts if it shows each time.
        for _ in 0..2 {
            if report.agrees() {
                break;
            }
            let Some(again) = kernel_run(script)? else { break };
            report = compare(&again, &sim);
        }
        if report.agrees() { Ok(()) } else { Err(format!("first is the kernel, second the simulator\n{report}")) }
    });
    assert!(failures.is_empty(), "{} of {} scripts differ\n{}", failures.len(), scripts.len(), failures.join("\n"));
}

#[test]
fn the_same_script_gives_the_same_bytes_to_everybody() {
    let failures = in_parallel(&corpus(), |script| {
        let first = run(script, "sim", None)?;
        for user in [None, Some(NOBODY).filter(|_| is_root())] {
            let again = run(script, "sim", user)?;
            if again != first {
                return Err(format!("it differs from itself{}\n{}", as_whom(user), compare(&first, &again)));
            }
        }
        Ok(())
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn as_whom(user: Option<u32>) -> String {
    user.map_or_else(String::new, |user| format!(" as user {user}"))
}

/// The corpus, by name.
fn corpus() -> Vec<Script> {
    let wanted = std::env::var("NETTWIN_SCRIPTS").unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let files = fs::read_dir(folder).expect("the corpus").flatten().map(|entry| entry.path());
    let mut scripts: Vec<Script> = files
        .filter(|path| path.extension().is_some_and(|e| e == "sh"))
        .map(|path| Script {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            text: fs::read_to_string(&path).expect("a script"),
        })
        .filter(|script| wanted.is_empty() || wanted.split(',').any(|w| script.name.starts_with(w)))
        .collect();
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    scripts
}

/// Does something with each script, several at once: on a kernel most of the time is waiting.
fn in_parallel(scripts: &[Script], act: impl Fn(&Script) -> Result<(), String> + Sync) -> Vec<String> {
    const AT_ONCE: usize = 4;
    let (next, failures) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let mut at = next.lock().expect("no panic");
                    let Some(script) = scripts.get(*at) else { return };
                    *at += 1;
                    drop(at);
                    if let Err(why) = act(script) {
                        failures.lock().expect("no panic").push(format!("{}: {why}", script.name));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no panic");
    failures.sort();
    failures
}

/// The script's run with the real commands; `None` (and a word about it) where that is not possible. With
/// `NETTWIN_REQUIRE_KERNEL` set, what an installation could mend is a failure.
fn kernel_run(script: &Script) -> Result<Option<Run>, String> {
    if let Err(why) = possible(&script.text) {
        assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
        println!("skipped on the kernel: {}: {why}", script.name);
        return Ok(None);
    }
    run(script, "kernel", None).map(|run| Some(run.normalised(&script.text)))
}

fn possible(text: &str) -> Result<(), String> {
    let said = |command: &mut Command| {
        let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    };
    let version = said(Command::new("ip").arg("-V"))?;
    if !version.contains("iproute2-6.1.0") {
        return Err(format!("the comparison is with iproute2 6.1.0, here is {}", version.trim()));
    }
    let tools = [
        "arping",
        "arp",
        "brctl",
        "bridge",
        "ifconfig",
        "ping",
        "route",
        "sysctl",
        "tc",
        "tcpdump",
        "traceroute",
        "python3",
    ];
    let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let is_here = |tool: &&&str| folders.iter().any(|folder| Path::new(folder).join(tool).exists());
    let missing: Vec<&str> =
        tools.iter().filter(|tool| mentions(text, tool)).filter(|t| !is_here(t)).copied().collect();
    if !missing.is_empty() {
        return Err(format!("not installed: {}", missing.join(", ")));
    }
    said(Command::new("unshare").args(["-Urnm", "true"])).map(|_| ())
}

/// Whether a command stands in the text as a word of its own.
fn mentions(text: &str, command: &str) -> bool {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(|line| line.split([' ', '(', ';', '|']))
        .any(|w| w == command)
}

/// Runs a script and reads its record.
fn run(script: &Script, on: &str, user: Option<u32>) -> Result<Run, String> {
    let folder = Folder::new(user);
    let record = folder.0.join("record");
    let copy = folder.0.join("script.sh");
    fs::write(&copy, &script.text).map_err(|e| e.to_string())?;
    let binary = match user {
        None => PathBuf::from(env!("CARGO_BIN_EXE_nettwin")),
        // The build's folder need not be open to others.
        Some(_) => {
            let binary = folder.0.join("nettwin");
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_nettwin")).arg(&binary).status();
            copied.map_err(|e| e.to_string())?;
            binary
        }
    };
    let mut command = Command::new(binary);
    command.args(["run", "--on", on, "--record"]).arg(&record).arg(&copy).current_dir(&folder.0).stdin(Stdio::null());
    command.env_clear().env("LC_ALL", "C.UTF-8").env("XDG_RUNTIME_DIR", &folder.0);
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if let Some(user) = user {
        use std::os::unix::process::CommandExt;
        command.uid(user).gid(user);
    }
    let output = command.output().map_err(|e| e.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines = fs::read_to_string(&record).map_err(|e| format!("no record ({e}): {complaint}"))?;
    let said: Result<Vec<Said>, _> = lines.lines().map(serde_json::from_str).collect();
    let status = u8::try_from(output.status.code().unwrap_or(255)).unwrap_or(255);
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(Run { said: said.map_err(|e| e.to_string())?, out, status })
}

fn golden_file(script: &Script) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/scripts").join(format!("{}.json", script.name))
}

fn release() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", text.trim())
}

fn is_root() -> bool {
    nettwin::kernel::is_root()
}

/// `nobody`, on Debian and elsewhere.
const NOBODY: u32 = 65534;

/// A folder of one run, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(user: Option<u32>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nettwin-scripts-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a temporary folder");
        if let Some(user) = user {
            std::os::unix::fs::chown(&path, Some(user), Some(user)).expect("a folder given away");
        }
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
