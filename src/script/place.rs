//! Where a run's folder is, as a process of the script finds it, and in which namespace that process is.
//!
//! Where the script has namespaces of its own, `/run/nettwin` is the folder and `here` in it is the view of the process's
//! namespace, so that neither `env -i` nor a changed PATH loses them. Elsewhere two variables say both. Kernel
//! counterpart: `/proc/self/ns/net`. Deliberately absent: a process that left its mount namespace.

use super::wire::{self, Ask, Call, Tell};
use nettwin::model::NetnsName;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Says where the folder is, where the script has no namespaces of its own.
pub(crate) const FOLDER: &str = "NETTWIN_RUN";
/// Says which namespace a process is in, there.
const NETNS: &str = "NETTWIN_NETNS";
/// The file in the folder that says that real programs may run.
pub(crate) const PROGRAMS: &str = "programs";
/// The folder elsewhere.
const HOME: &str = "/run/nettwin";

/// The variables that tools read.
const READ_BY_TOOLS: &[&str] = &[
    "COLUMNS",
    "LANG",
    "LC_ALL",
    "LC_MESSAGES",
    "NO_COLOR",
    "COLORFGBG",
    "PATH",
    "POSIXLY_CORRECT",
    "PYTHONUNBUFFERED",
    "TERM",
    "TZ",
];

/// A process's place in a run.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The run's folder.
    pub(crate) folder: PathBuf,
    /// The namespace.
    pub(crate) netns: NetnsName,
    has_views: bool,
}

impl Place {
    /// Where this process is; an error outside of a run.
    pub(crate) fn find() -> io::Result<Self> {
        let has_views = Path::new(HOME).join("socket").exists();
        let (folder, name) = if has_views {
            let home = PathBuf::from(HOME);
            (home.clone(), std::fs::read_to_string(home.join("here/name"))?)
        } else {
            let folder = std::env::var_os(FOLDER).ok_or_else(|| {
                io::Error::other("it stands for a command only within nettwin run; see nettwin run --help")
            })?;
            (folder.into(), std::env::var(NETNS).unwrap_or_else(|_| NetnsName::HOST.into()))
        };
        let netns = NetnsName::new(name.trim()).map_err(io::Error::other)?;
        Ok(Place { folder, netns, has_views })
    }

    /// The place of a process in another namespace.
    pub(crate) fn elsewhere(&self, netns: NetnsName) -> Self {
        Place { netns, ..self.clone() }
    }

    /// Whether real programs may run.
    pub(crate) fn has_programs(&self) -> bool {
        self.folder.join(PROGRAMS).exists()
    }

    /// Connects to the run's server.
    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.folder.join("socket"))
    }

    /// A call of this process.
    pub(crate) fn call(&self, words: Vec<String>) -> Call {
        let set = READ_BY_TOOLS.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        Call {
            pid: std::process::id(),
            netns: self.netns.clone(),
            words,
            env: set.collect::<BTreeMap<_, _>>(),
            is_tty: io::stdout().is_terminal(),
        }
    }

    /// Goes to a namespace and becomes the program; returns only if that fails.
    pub(crate) fn go(&self, netns: &NetnsName, words: &[String]) -> io::Error {
        self.go_as(netns, words, None)
    }

    /// The same; the program is at this path, whatever the words call it.
    pub(crate) fn go_as(&self, netns: &NetnsName, words: &[String], path: Option<&Path>) -> io::Error {
        let Some((program, arguments)) = words.split_first() else { return io::ErrorKind::InvalidInput.into() };
        if self.has_views
            && *netns != self.netns
            && let Err(e) = super::os::enter_view(netns.as_str())
        {
            return e;
        }
        let mut command = path.map_or_else(|| Command::new(program), Command::new);
        command.arg0(program).args(arguments);
        if !self.has_views {
            command.env(NETNS, netns.as_str());
        }
        command.exec()
    }

    /// The program that a name stands for outside of a run.
    pub(crate) fn real(&self, name: &str) -> Option<PathBuf> {
        let kept = self.folder.join("real").join(name);
        if kept.exists() {
            return Some(kept);
        }
        let ours = std::env::current_exe().ok();
        let found =
            std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
        let is_other = |file: &PathBuf| file.is_file() && file.canonicalize().ok() != ours;
        found.map(|folder| folder.join(name)).find(is_other)
    }

    /// Asks one question and waits for the answer.
    pub(crate) fn ask(&self, question: &Ask) -> io::Result<Tell> {
        let stream = self.connect()?;
        wire::send(&stream, question, &[])?;
        match wire::receive(&stream)? {
            Some((answer, _)) => Ok(answer),
            None => Err(io::Error::other("the run is over")),
        }
    }

    /// Lets virtual time pass.
    pub(crate) fn sleep(&self, seconds: f64) -> io::Result<()> {
        self.ask(&Ask::Run(self.call(vec!["sleep".into(), seconds.to_string()]))).map(drop)
    }
}

/// An error in the words of the C library.
pub(crate) fn strerror(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
