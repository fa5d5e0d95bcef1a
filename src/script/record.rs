//! What the commands of a script said, one by one, so that two runs can be compared.
//!
//! Where a run's folder has a file for it, every command adds a line when it ends: where it ran, its words, what it said on
//! both streams, how it ended. On the simulator the shim does that by itself. On the kernel it stands before the real
//! program, hands everything on and listens; new namespaces get there the settings that the simulator's begin with. A
//! command that `ip netns exec` calls belongs to the line of that, as it is one command to whoever typed it. Kernel
//! counterpart: `script(1)`. Deliberately absent: what programs say that are no commands of the network.

use super::names::{Role, called, role};
use super::own::pass_on;
use super::place::Place;
use nettwin::conform::script::Said;
use nettwin::conform::text::dump;
use nettwin::model::NetnsName;
use nettwin::model::sysctl::BASELINE;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The file in a run's folder.
pub(crate) const RECORD: &str = "record";
/// In a run's folder: the network is the kernel's.
pub(crate) const ON_KERNEL: &str = "on-kernel";
/// Says to a command that it belongs to another one's line.
const WITHIN: &str = "NETTWIN_RECORDED";
/// The folder as a script's processes see it.
const HOME: &str = "/run/nettwin";

/// What a command has said so far.
pub(crate) struct Recorder {
    file: PathBuf,
    netns: String,
    words: Vec<String>,
    out: Vec<u8>,
    err: Vec<u8>,
}

impl Recorder {
    /// For a command of a run that is recorded.
    pub(crate) fn of(place: &Place, words: &[String]) -> Option<Self> {
        let is_wanted = std::env::var_os(WITHIN).is_none() && words.first().is_some_and(|word| word != "sleep");
        let is_wanted = is_wanted && executes(words).is_none_or(is_command);
        let file = place.folder.join(RECORD);
        // The other side knows no name for it either.
        let netns = if place.netns.is_named() { place.netns.clone() } else { NetnsName::host() };
        (is_wanted && file.exists()).then(|| Recorder::new(file, netns.file().to_owned(), words))
    }

    fn new(file: PathBuf, netns: String, words: &[String]) -> Self {
        let mut words = words.to_vec();
        if let Some(name) = words.first().and_then(|word| called(word)).map(str::to_owned) {
            words[0] = name;
        }
        Recorder { file, netns, words, out: Vec::new(), err: Vec::new() }
    }

    /// It said this on standard output.
    pub(crate) fn out(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// It said this on standard error.
    pub(crate) fn err(&mut self, bytes: &[u8]) {
        self.err.extend_from_slice(bytes);
    }

    /// It ended so.
    pub(crate) fn ended(self, status: u8) {
        let text = |bytes: &[u8]| dump(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
        let said = Said { netns: self.netns, words: self.words, out: text(&self.out), err: text(&self.err), status };
        let line = serde_json::to_string(&said).unwrap_or_default() + "\n";
        // A recording that cannot be written shows as lines that are missing.
        let file = OpenOptions::new().append(true).open(self.file);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Whether this process stands before a real command.
pub(crate) fn is_on_kernel() -> bool {
    Path::new(HOME).join(ON_KERNEL).exists()
}

/// Runs the real command and, where the run is recorded, hands on what it says and writes it down.
pub(crate) fn stand_before(name: &str, words: &[String]) -> io::Result<ExitCode> {
    let program = Path::new(HOME).join("real").join(name);
    if !program.exists() {
        eprintln!("{name}: command not found");
        return Ok(ExitCode::from(127));
    }
    let mut command = Command::new(program);
    command.arg0(name);
    if name == "tcpdump" {
        // Who is root in a user namespace of one user can become nobody else, which tcpdump tries. If it is in the way of
        // that, tcpdump says so.
        command.args(["-Z", "root"]);
        let _ = super::os::let_groups_be();
    }
    command.args(words);
    let is_recorded = Path::new(HOME).join(RECORD).exists();
    if !is_recorded || std::env::var_os(WITHIN).is_some() || name == "sleep" {
        return Err(command.exec());
    }
    let line: Vec<String> = std::iter::once(name.to_owned()).chain(words.iter().cloned()).collect();
    match executes(&line) {
        // What the other program is decides who records: a command of the network belongs to this line.
        Some(program) if !is_command(program) => return Err(command.exec()),
        Some(_) => _ = command.env(WITHIN, "1"),
        None => {}
    }
    let mut recorder = Recorder::new(Path::new(HOME).join(RECORD), own_netns(), &line);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    pass_on(child.id())?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (out, err) = std::thread::scope(|scope| {
        let err = scope.spawn(|| copy(err, &mut io::stderr()));
        let out = copy(out, &mut io::stdout());
        (out, err.join().unwrap_or_default())
    });
    let status = child.wait()?;
    recorder.out(&out);
    recorder.err(&err);
    if name == "ip" {
        prepare_new_namespaces();
    }
    recorder.ended(super::shim::as_shells_say(&status));
    if let Some(signal) = status.signal() {
        // Fails for signals that do not exist only.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    Ok(ExitCode::from(super::shim::as_shells_say(&status)))
}

/// Whether a word calls a command of the network.
fn is_command(word: &str) -> bool {
    called(word).is_some_and(|name| role(name) == Some(Role::Tool))
}

/// The program that a line of `ip netns exec` calls.
pub(crate) fn executes(line: &[String]) -> Option<&str> {
    let at = line.windows(2).position(|pair| {
        "netns".starts_with(pair[0].as_str())
            && pair[0].starts_with("net")
            && !pair[1].is_empty()
            && "exec".starts_with(&pair[1])
    })?;
    let all = line[..at].iter().any(|word| word.starts_with("-a") || word == "--all");
    line.get(at + if all { 2 } else { 3 }).map(String::as_str)
}

/// Hands on what comes until the end, and returns it all.
fn copy(from: Option<impl Read>, to: &mut impl Write) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    let Some(mut from) = from else { return all };
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..count]);
        if let Err(e) = to.write_all(&buffer[..count]).and_then(|()| to.flush())
            && e.kind() == io::ErrorKind::BrokenPipe
        {
            // The program finds out when it writes again, as it would have by itself.
            break;
        }
    }
    all
}

/// The name of the namespace that this process is in.
fn own_netns() -> String {
    let ours = fs::metadata("/proc/self/ns/net").map(|m| (m.dev(), m.ino()));
    let mut named = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let is_ours = |m: fs::Metadata| ours.as_ref().is_ok_and(|ours| *ours == (m.dev(), m.ino()));
    let found = named.find(|entry| fs::metadata(entry.path()).is_ok_and(is_ours));
    found.map_or_else(|| "host".to_owned(), |entry| entry.file_name().to_string_lossy().into_owned())
}

/// Gives namespaces that are new what the simulator's begin with: no IPv6, and the settings of a fresh machine. Only what
/// differs is written: what was written no longer follows `default`.
pub(crate) fn prepare_new_namespaces() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let Ok(there) = fs::metadata(entry.path()) else { continue };
        let mark = Path::new(HOME).join("prepared").join(there.ino().to_string());
        if mark.exists() {
            continue;
        }
        let name = entry.file_name();
        let set = |(key, value): &(&str, &str)| {
            format!("read -r v </proc/sys/{key}; [ \"$v\" = '{value}' ] || echo {value} >/proc/sys/{key};")
        };
        let sets = BASELINE.iter().map(set);
        let ip = Path::new(HOME).join("real/ip");
        let mut command = Command::new(ip);
        command.arg0("ip").args(["netns", "exec"]).arg(&name).args(["sh", "-c", &sets.collect::<String>()]);
        command.env(WITHIN, "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A namespace that went in the meantime needs nothing.
        if command.status().is_ok_and(|status| status.success()) {
            let _ = fs::create_dir_all(mark.parent().unwrap_or(Path::new(HOME))).and_then(|()| fs::write(&mark, ""));
        }
    }
}

/// Gives the script's host on the kernel what the simulator's has.
pub(crate) fn prepare_own_namespace() {
    for (key, value) in BASELINE {
        let file = Path::new("/proc/sys").join(key);
        if fs::read_to_string(&file).is_ok_and(|now| now.trim_end() == *value) {
            continue;
        }
        // A setting that this kernel lacks shows in what the commands say.
        let _ = fs::write(file, value);
    }
}

/// Looks at every namespace when the script is over, by commands that are recorded as the script's are.
pub(crate) fn last_look() {
    let run = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null()).output()
    };
    // The line that separates the script's own from these.
    let (file, netns) = (Path::new(HOME).join(RECORD), own_netns());
    Recorder { file, netns, words: Vec::new(), out: Vec::new(), err: Vec::new() }.ended(0);
    // A kernel tells of carriers within a second (`linkwatch_schedule_work`), which is not the script's time.
    std::thread::sleep(Duration::from_millis(600));
    // A kernel takes away what goes with a namespace a little later.
    let _ = run(&["sleep", "0.5"]);
    let Ok(list) = run(&["ip", "netns", "list"]) else { return };
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let mut names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    for look in LAST_LOOK {
        let words: Vec<&str> = look.split(' ').collect();
        let _ = run(&words);
        for name in &names {
            let _ = run(&[&[words[0], "-n", name], &words[1..]].concat());
        }
    }
}

/// What is looked at.
const LAST_LOOK: &[&str] =
    &["ip link show", "ip addr show", "ip route show table all", "ip neigh show", "ip rule show", "bridge link show"];
