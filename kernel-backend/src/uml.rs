//! A second real kernel: a program run as root inside User-Mode Linux.
//!
//! Kernel counterpart: `arch/um`, as Debian's package `user-mode-linux` builds it: with 802.1Q, VLAN filtering, netem, dummy,
//! vrf and bonding, which many kernels lack. It needs no privilege. The guest's root file system is this machine's,
//! read-only, so that programs built here run there as they are; [`OUT`] is a folder of the caller's that it may write to.
//! Deliberately absent: a network between the two, and guests that live longer than one program.

use nettwin_model::Fault;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where the guest finds the folder that it may write to.
pub const OUT: &str = "/mnt";

/// What is run in the guest.
#[derive(Clone, Debug)]
pub struct Guest {
    /// The program, by its path on this machine.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its environment, beyond PATH and HOME.
    pub env: Vec<(OsString, OsString)>,
    /// Its standard input.
    pub stdin: Vec<u8>,
    /// The folder that is [`OUT`] in the guest.
    pub out: PathBuf,
    /// After this time the guest is ended.
    pub patience: Duration,
}

/// How the program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status as a shell tells it.
    pub status: u8,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// The kernel's program and the module loader, or what is missing.
pub fn find() -> Result<(PathBuf, PathBuf), Fault> {
    let missing = |what: &str| Fault::Missing {
        capability: format!("the reference kernel ({what})"),
        remedy: "install User-Mode Linux: apt-get install user-mode-linux kmod".into(),
    };
    let kernel = std::env::var_os("NETTWIN_UML").map_or_else(|| PathBuf::from("/usr/bin/linux.uml"), PathBuf::from);
    if !kernel.exists() {
        return Err(missing(&kernel.display().to_string()));
    }
    let loaders = ["/sbin/modprobe", "/usr/sbin/modprobe", "/bin/modprobe"];
    let loader = loaders.iter().find(|path| Path::new(path).exists()).ok_or_else(|| missing("modprobe"))?;
    Ok((kernel, PathBuf::from(loader)))
}

/// Boots a guest, runs the program to its end, and takes the guest down again.
pub fn run(guest: &Guest) -> Result<Ended, Fault> {
    let (kernel, loader) = find()?;
    let room = Room::new().map_err(|e| broken("no scratch folder for the guest", &e))?;
    let prepared = room.prepare(guest, &loader).and_then(|()| std::fs::File::create(room.0.join("console")));
    let console = prepared.map_err(|e| broken("no scratch folder for the guest", &e))?;
    let mut command = Command::new(&kernel);
    command
        .args([
            &format!("mem={}M", MEMORY >> 20),
            "rootfstype=hostfs",
            "rootflags=/",
            "ro",
            "con=null",
            "con0=null,fd:1",
        ])
        .args(["quiet", "loglevel=3"])
        .arg(init(&room))
        .env("TMPDIR", memory_folder()?)
        // Where it keeps its process id; otherwise in the user's home, which not every user has.
        .arg(folder(&room))
        .env("HOME", &room.0)
        .stdin(Stdio::null())
        .stdout(console)
        .stderr(Stdio::null());
    let child = command.spawn().map_err(|e| broken(&kernel.display().to_string(), &e))?;
    let in_time = wait(child, guest.patience).map_err(|e| broken("the guest", &e))?;
    let read = |name: &str| std::fs::read(room.0.join("out").join(name)).unwrap_or_default();
    let status = String::from_utf8_lossy(&read("status")).trim().parse::<u8>();
    match status {
        Ok(status) => Ok(Ended { status, stdout: read("stdout"), stderr: read("stderr") }),
        Err(_) => {
            let console = std::fs::read(room.0.join("console")).unwrap_or_default();
            let console = String::from_utf8_lossy(&console).into_owned();
            let why = if in_time { "ended early" } else { "did not end in time" };
            let last: Vec<&str> = console.lines().rev().take(5).collect();
            Err(Fault::Broken(format!("the reference kernel {why}; its console's end, last line first: {last:?}")))
        }
    }
}

const MEMORY: u64 = 512 << 20;

fn broken(what: &str, e: &std::io::Error) -> Fault {
    Fault::Broken(format!("{what}: {e}"))
}

fn init(room: &Room) -> OsString {
    let mut out = OsString::from("init=");
    out.push(room.0.join("init"));
    out
}

fn folder(room: &Room) -> OsString {
    let mut out = OsString::from("uml_dir=");
    out.push(&room.0);
    out.push("/");
    out
}

/// The guest's memory is a file that it executes from: where that is allowed and there is room.
fn memory_folder() -> Result<PathBuf, Fault> {
    let candidates = [PathBuf::from("/dev/shm"), std::env::temp_dir(), PathBuf::from("/var/tmp")];
    let fits = |folder: &PathBuf| {
        rustix::fs::statvfs(folder).is_ok_and(|at| {
            !at.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC)
                && at.f_bavail.saturating_mul(at.f_frsize) >= MEMORY
                && rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
        })
    };
    candidates.into_iter().find(fits).ok_or_else(|| Fault::Missing {
        capability: "room for the reference kernel's memory".into(),
        remedy: format!("free {} MiB in /dev/shm or TMPDIR, mounted without noexec", MEMORY >> 20),
    })
}

/// Waits for the guest's end; whether it ended by itself.
fn wait(mut child: Child, patience: Duration) -> std::io::Result<bool> {
    let until = Instant::now() + patience;
    while child.try_wait()?.is_none() {
        if Instant::now() >= until {
            // It takes its own processes down when it is asked to end.
            if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            std::thread::sleep(Duration::from_secs(1));
            // It may have ended.
            let _ = child.kill();
            child.wait()?;
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

/// A scratch folder, gone with its last user.
struct Room(PathBuf);

impl Room {
    fn new() -> std::io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nettwin-uml-{}-{count}", std::process::id()));
        std::fs::create_dir(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        std::fs::create_dir(path.join("out"))?;
        Ok(Room(path))
    }

    /// The guest's first program, its module loader, and the folders that they use.
    fn prepare(&self, guest: &Guest, loader: &Path) -> std::io::Result<()> {
        std::fs::create_dir(self.0.join("lib"))?;
        std::os::unix::fs::symlink("/usr/lib/uml/modules", self.0.join("lib/modules"))?;
        let mut text = b"#!/bin/sh\nexec ".to_vec();
        quote(loader.as_os_str(), &mut text);
        text.extend_from_slice(b"-d ");
        quote(self.0.as_os_str(), &mut text);
        text.extend_from_slice(b"\"$@\"\n");
        script(&self.0.join("modprobe"), &text)?;
        std::fs::write(self.0.join("stdin"), &guest.stdin)?;
        script(&self.0.join("init"), &self.init(guest)?)
    }

    fn init(&self, guest: &Guest) -> std::io::Result<Vec<u8>> {
        let mut text =
            b"#!/bin/sh\nexport PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\n\
            mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs tmpfs /run\n"
                .to_vec();
        let mut line = |words: &[&OsStr], rest: &str| {
            for word in words {
                quote(word, &mut text);
            }
            text.extend_from_slice(rest.as_bytes());
            text.push(b'\n');
        };
        let word = OsStr::new;
        line(&[word("echo"), self.0.join("modprobe").as_os_str()], ">/proc/sys/kernel/modprobe");
        // What most kernels have built in: the sysctls of every new namespace are there only with it.
        line(&[self.0.join("modprobe").as_os_str(), word("ipv6")], "");
        line(
            &[word("mount"), word("-t"), word("hostfs"), word("-o"), guest.out.as_os_str(), word("none"), word(OUT)],
            "",
        );
        let room = "/run/nettwin-uml";
        line(&[word("mkdir"), word(room)], "");
        let out = self.0.join("out");
        line(&[word("mount"), word("-t"), word("hostfs"), word("-o"), out.as_os_str(), word("none"), word(room)], "");
        line(&[word("cd"), std::env::current_dir()?.as_os_str()], "2>/dev/null || cd /");
        let mut command = vec![OsString::from("env")];
        for (key, value) in &guest.env {
            let mut pair = key.clone();
            pair.push("=");
            pair.push(value);
            command.push(pair);
        }
        command.push(guest.program.clone().into());
        command.extend(guest.args.iter().cloned());
        let command: Vec<&OsStr> = command.iter().map(OsString::as_os_str).collect();
        line(&command, &format!("<{}/stdin >{room}/stdout 2>{room}/stderr", "\"$ROOM\""));
        line(&[], &format!("echo $? >{room}/status; sync; umount {OUT}; umount {room}"));
        line(&[], "echo 1 >/proc/sys/kernel/sysrq; echo o >/proc/sysrq-trigger; sleep 5");
        let mut head = b"#!/bin/sh\nROOM=".to_vec();
        quote(self.0.as_os_str(), &mut head);
        head.push(b'\n');
        head.extend_from_slice(&text);
        Ok(head)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn script(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(text)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o755))
}

/// A word and a space, as a shell reads it back.
fn quote(word: &OsStr, out: &mut Vec<u8>) {
    out.push(b'\'');
    for byte in word.as_bytes() {
        match byte {
            b'\'' => out.extend_from_slice(b"'\\''"),
            other => out.push(*other),
        }
    }
    out.extend_from_slice(b"' ");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let mut out = Vec::new();
        quote(OsStr::new("it's $HOME"), &mut out);
        assert_eq!(out, b"'it'\\''s $HOME' ");
    }
}
