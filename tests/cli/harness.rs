//! Runs the binary: as whoever runs the test, or, when that is root, also as a user without privileges.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// Fails the test unless the exit code is this one.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Fails the test unless one of the outputs says this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(said, "nobody says {text:?}\nstdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}\nstderr: {}", self.out, self.err))
    }
}

/// A folder of the test's own with a user's runtime folder in it, removed at the end.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
    user: Option<u32>,
}

impl Place {
    /// For whoever runs the test.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("nettwin-cli-{}-{n}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("a temporary folder");
        fs::create_dir(dir.join("run")).expect("a runtime folder");
        Place { dir, user: None }
    }

    /// For a user without privileges; `None` (and a word about it) where the test cannot become one.
    #[cfg(target_os = "linux")]
    pub(crate) fn of_a_user() -> Option<Self> {
        use std::os::unix::fs::{PermissionsExt, chown};
        let mut place = Self::new();
        if is_root() {
            // The build's folder need not be open to others.
            let binary = place.dir.join("nettwin");
            // Not by this process: another test's child, forked meanwhile, would hold it open for writing (ETXTBSY).
            let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_nettwin")).arg(&binary).status();
            assert!(copied.is_ok_and(|status| status.success()), "a copy of the binary");
            fs::set_permissions(&place.dir, fs::Permissions::from_mode(0o755)).expect("an open folder");
            for path in [&place.dir, &place.dir.join("run")] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("a folder given away");
            }
            place.user = Some(NOBODY);
        }
        let possible = place.run(&["--json", "doctor"]).json();
        let works =
            |name: &str| possible.as_array().into_iter().flatten().any(|c| c["name"] == name && c["available"] == true);
        if works("userns") && works("veth") {
            return Some(place);
        }
        skip("this machine gives users no user namespaces");
        None
    }

    /// Writes a file into the folder and says where.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.dir.join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    /// The binary with these arguments, ready to run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(&self.binary());
        command.args(args);
        command
    }

    /// The binary.
    pub(crate) fn binary(&self) -> PathBuf {
        match self.user {
            Some(_) => self.dir.join("nettwin"),
            None => env!("CARGO_BIN_EXE_nettwin").into(),
        }
    }

    /// A program run by the place's user, in its folder and with its environment.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        #[cfg(unix)]
        if let Some(user) = self.user {
            use std::os::unix::process::CommandExt;
            // Whoever runs the test may have folders in PATH that the user cannot read.
            command.uid(user).gid(user).env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        command.current_dir(&self.dir).env("XDG_RUNTIME_DIR", self.dir.join("run")).env("NO_COLOR", "1");
        command
    }

    /// Runs the binary with nothing on standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.run_with(args, "")
    }

    /// Runs the binary with this on standard input.
    pub(crate) fn run_with(&self, args: &[&str], input: &str) -> Run {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary");
        // A program that does not read its input closes it.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("an end");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
    }

    /// What the user's labs left in the runtime folder.
    pub(crate) fn left(&self) -> Vec<String> {
        let base = self.dir.join("run/nettwin");
        let entries = fs::read_dir(base).into_iter().flatten().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|n| !n.starts_with('.')).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether the test runs as root.
pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|l| l.starts_with("Uid:") && l.split_whitespace().nth(2) == Some("0"))
}

/// Says what was not tried, and counts. With `NETTWIN_REQUIRE_KERNEL` set a skip is a failure.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("NETTWIN_REQUIRE_KERNEL").is_none(), "the kernel side is required: {why}");
    lacks(why);
}

/// The same of what a machine may lack besides: a device file that is not open to users, a program.
pub(crate) fn lacks(why: &str) {
    static SKIPPED: AtomicUsize = AtomicUsize::new(0);
    let n = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    // Past the test's own capture, so that it is seen where tests pass too.
    let _ = writeln!(std::io::stderr(), "skipped ({n}): {why}");
}

/// An example of the repository.
pub(crate) fn example(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).to_str().expect("a plain path").to_owned()
}

/// `nobody`.
const NOBODY: u32 = 65534;
