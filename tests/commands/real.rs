//! The other side: the real tools in a network and mount namespace of their own, driven by a generated shell script.

use crate::normalise;
use crate::script::{Case, Entry, Line, What};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Each case's record, or `None` (with the reason printed) where this machine allows no namespaces or lacks the tools. With
/// `NETTWIN_REQUIRE_KERNEL` set, a skip is a failure.
pub(crate) fn answers(cases: &[Case]) -> Option<Vec<Vec<Entry>>> {
    if let Err(why) = possible().and_then(|()| installed(cases)) {
        assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the real tools are required: {why}");
        println!("skipped with the real tools: {} cases: {why}", cases.len());
        return None;
    }
    if let Some(word) = beyond_user_namespaces(cases).filter(|_| !is_root()) {
        println!(
            "skipped with the real tools: {} cases: in a user namespace {word} does not do what it does for root",
            cases.len()
        );
        return None;
    }
    // Most of a case's time is waiting.
    const AT_ONCE: usize = 8;
    let mut records = Vec::with_capacity(cases.len());
    for batch in cases.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let threads: Vec<_> = batch.iter().map(|case| scope.spawn(|| run(case))).collect();
            records.extend(threads.into_iter().map(|t| t.join().expect("the real tools' side of a case")));
        });
    }
    Some(records)
}

/// Whether this kernel has netem. Where it has not, that is said.
pub(crate) fn has_netem() -> bool {
    has("netem", &["tc", "qdisc", "add", "dev", "lo", "root", "netem"])
}

/// Whether its bridges filter by VLAN. Where they do not, that is said.
pub(crate) fn has_vlans() -> bool {
    has("VLAN filtering", &["ip", "link", "add", "type", "bridge", "vlan_filtering", "1"])
}

fn has(what: &str, try_it: &[&str]) -> bool {
    let has = private().args(try_it).output().is_ok_and(|output| output.status.success());
    if !has {
        println!("not with the real tools on this kernel: it has no {what}");
    }
    has
}

/// Whether this kernel has devices of that kind. Where it has not, that is said.
pub(crate) fn has_kind(kind: &str) -> bool {
    // A kernel that has it complains, if at all, of what is not said.
    let found = private().args(["ip", "link", "add", "nt-try", "type", kind]).output();
    let has = found.is_ok_and(|output| !String::from_utf8_lossy(&output.stderr).contains("Unknown device type"));
    if !has {
        println!("not with the real tools on this kernel: it has no {kind}");
    }
    has
}

/// The running kernel's release.
pub(crate) fn release() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {}", text.trim())
}

/// Whether namespaces and the very iproute2 that ours is modelled on are here.
fn possible() -> Result<(), String> {
    let said = |command: &mut Command| {
        let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() { Ok(text) } else { Err(format!("{command:?}: {}", output.status)) }
    };
    let version = said(Command::new("ip").arg("-V"))?;
    if !version.contains("iproute2-6.1.0") {
        return Err(format!("the comparison is with iproute2 6.1.0, here is {}", version.trim()));
    }
    said(private().arg("true")).map(|_| ())
}

/// Whether every tool that the cases name is here, be it behind `ip netns exec`.
fn installed(cases: &[Case]) -> Result<(), String> {
    let words = cases.iter().flat_map(|case| &case.lines).flat_map(|line| match &line.what {
        What::Run { words, .. } | What::Start { words } => &words[..],
        What::Kill { .. } | What::Wait { .. } | What::Sleep { .. } => &[],
    });
    let named: BTreeSet<&str> =
        words.map(String::as_str).filter(|w| nettwin_commands::tools::tool(w).is_some()).collect();
    let is_here = |tool: &&str| PATH.split(':').any(|folder| Path::new(folder).join(tool).exists());
    let missing: Vec<&str> = named.into_iter().filter(|tool| !is_here(tool)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not installed: {}", missing.join(", "))) }
}

/// A word in the cases that takes the privileges of the machine's own administrator: other users than oneself are not
/// known in a user namespace, nor is `/dev/net/tun` open to it everywhere.
fn beyond_user_namespaces(cases: &[Case]) -> Option<&'static str> {
    let words: Vec<&str> =
        cases.iter().flat_map(|case| &case.lines).flat_map(|line| line.text.split_whitespace()).collect();
    ["tcpdump", "uidrange", "tuntap"].into_iter().find(|word| words.contains(word))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// `unshare` into new namespaces.
fn private() -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "--net", "--kill-child", "--fork"]).stdin(Stdio::null());
    command
}

fn run(case: &Case) -> Vec<Entry> {
    let folder = Folder::new(&case.name);
    let script = folder.0.join("script");
    std::fs::write(&script, driver(case)).expect("the script is written");
    let mut command = private();
    command.arg("bash").arg(&script).env_clear().env("LC_ALL", "C").current_dir(&folder.0);
    command.env("PATH", PATH);
    let output = command.output().expect("bash runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: the driver fails: {complaint}", case.name);
    let mut behind = Vec::new();
    let mut entries = Vec::new();
    for (i, line) in case.lines.iter().enumerate() {
        let streams = match line.what {
            What::Start { .. } => {
                behind.push(i);
                None
            }
            What::Run { .. } => Some(i),
            What::Wait { job } => Some(behind[job - 1]),
            What::Kill { .. } | What::Sleep { .. } => None,
        };
        entries.push(folder.entry(i, line, streams));
    }
    normalise::all(case, entries)
}

/// The script that runs a case and keeps each line's output and status in files.
fn driver(case: &Case) -> String {
    let mut out = PREPARE.to_owned();
    for (key, value) in nettwin_model::sysctl::BASELINE {
        // What was written no longer follows `default`: only what differs is.
        let set = format!("read -r v </proc/sys/{key}; [ \"$v\" = '{value}' ] || echo {value} >/proc/sys/{key};");
        writeln!(out, "baseline+={}", quoted_word(&set)).expect("a String takes all");
    }
    out += "eval \"$baseline\"\nip link set lo up\n";
    let (mut behind, mut unsettled) = (Vec::new(), false);
    for (i, line) in case.lines.iter().enumerate() {
        let streams = format!(">{i}.out 2>{i}.err");
        if unsettled && !changes_links(&line.what) {
            out += "sleep 0.6\n";
            unsettled = false;
        }
        unsettled |= changes_links(&line.what);
        let text = match &line.what {
            What::Run { words, input } if input.is_empty() => format!("{} {streams} </dev/null", quoted(words)),
            What::Run { words, input } => {
                format!("printf %s {} | {} {streams}; (exit ${{PIPESTATUS[1]}})", quoted_word(input), quoted(words))
            }
            What::Start { words } => {
                behind.push(i);
                format!("{} {streams} </dev/null & jobs[{i}]=$!; sleep 0.1", quoted(words))
            }
            What::Kill { signal, job } => format!("kill -{signal} ${{jobs[{}]}}; sleep 0.1", behind[job - 1]),
            What::Wait { job } => format!("wait ${{jobs[{}]}} 2>/dev/null", behind[job - 1]),
            What::Sleep { seconds } => format!("sleep {seconds}"),
        };
        writeln!(out, "{text}\necho $? >{i}.status").expect("a String takes all");
        if matches!(&line.what, What::Run { words, .. } if words[0] == "ip") {
            out += "prepare_new\n";
        }
    }
    out
}

/// Where the real tools are looked for.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Private mounts, an empty `/run/netns`, a `/sys` of the new namespace; `prepare_new` gives each new named namespace the
/// sysctls that the simulator's begin with.
const PREPARE: &str = r#"set -e
mount --make-rprivate /
mkdir -p /run/netns 2>/dev/null || mount -t tmpfs tmpfs /run
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
mount -t sysfs sysfs /sys
set +e
baseline=
declare -A known jobs
prepare_new() {
  local path
  for path in /run/netns/*; do
    [ -e "$path" ] || continue
    local id=$(stat -L -c %i "$path")
    [ -n "${known[$id]}" ] && continue
    known[$id]=1
    nsenter --net="$path" bash -c "$baseline" 2>/dev/null
  done
}
"#;

/// Carrier changes are told a little later than they happen.
fn changes_links(what: &What) -> bool {
    let What::Run { words, .. } = what else { return false };
    let says = |any: &[&str]| words.iter().any(|w| any.contains(&w.as_str()));
    match words[0].as_str() {
        "ip" => {
            says(&["link", "l", "netns", "-batch", "-b", "exec"])
                && says(&["add", "set", "del", "delete", "-batch", "-b", "exec", "up", "down", "change", "a", "s"])
        }
        "brctl" | "ifconfig" => words.len() > 2,
        _ => false,
    }
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|w| quoted_word(w)).collect::<Vec<_>>().join(" ")
}

fn quoted_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A scratch folder, gone with its last user.
struct Folder(PathBuf);

impl Folder {
    fn new(case: &str) -> Self {
        let name: String = case.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // The reference kernel sees that folder read-only.
        let scratch = if crate::reference::is_inside() { "/run" } else { env!("CARGO_TARGET_TMPDIR") };
        // Files of cases may call theirs the same, and run at once.
        static MADE: AtomicU32 = AtomicU32::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(scratch).join(format!("commands-{}-{made}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Folder(path)
    }

    /// What a line gave, with the output of the line `streams`.
    fn entry(&self, i: usize, line: &Line, streams: Option<usize>) -> Entry {
        let read = |i: usize, end: &str| {
            let bytes = std::fs::read(self.0.join(format!("{i}.{end}"))).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let status = read(i, "status").trim().parse().expect("every line has a status");
        let (out, err) = streams.map(|i| (read(i, "out"), read(i, "err"))).unwrap_or_default();
        Entry { line: line.text.clone(), out, err, status }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
