//! Other tools that do the same work: programs of our own against their libraries (`benches/peers/`), run for each round.
//!
//! A program gets the section's words and prints the nanoseconds of processor time that one thing took it, building and
//! start-up left out; it fails if its frames did not arrive. ns-3's is compiled when it is asked for. Deliberately absent:
//! peers that are not installed; they are named with what to install.

use super::{Failed, Section, Work};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const NS3: &str = include_str!("../../benches/peers/ns3.cc");
const MININET: &str = include_str!("../../benches/peers/star_mininet.py");

/// ns-3's libraries, as pkg-config and the linker name them.
const NS3_LIBRARIES: [&str; 6] =
    ["ns3-core", "ns3-network", "ns3-csma", "ns3-bridge", "ns3-point-to-point", "ns3-internet"];

/// The peers that take part.
#[derive(Debug, Default)]
pub struct Peers {
    found: Vec<Found>,
}

#[derive(Debug)]
struct Found {
    name: &'static str,
    /// The words of sections that it knows.
    knows: &'static [&'static str],
    /// How to start it, or what is missing.
    command: Result<Vec<OsString>, Failed>,
}

impl Peers {
    /// None: only the simulator and the kernel.
    pub fn none() -> Self {
        Peers::default()
    }

    /// Those that are installed; their programs are built in `folder`.
    pub fn build(folder: &Path) -> Self {
        let ns3 = Found { name: "ns-3", knows: &["bridge", "flood", "hop", "setup"], command: ns3(folder) };
        let mininet = Found { name: "Mininet", knows: &["setup"], command: mininet(folder) };
        Peers { found: vec![ns3, mininet] }
    }

    /// Adds those that know this work.
    pub(super) fn add(&self, section: &mut Section, words: &[&str]) {
        for found in self.found.iter().filter(|found| found.knows.contains(&words[0])) {
            let peer = found.command.clone().map(|command| Peer {
                name: found.name,
                command,
                words: words.iter().map(|w| (*w).to_owned()).collect(),
            });
            section.add(found.name, peer);
        }
    }
}

fn ns3(folder: &Path) -> Result<Vec<OsString>, Failed> {
    let lacking = |what: &str| Failed(format!("{what} (Debian: apt-get install g++ pkg-config libns3-dev)"));
    let flags = output(Command::new("pkg-config").arg("--cflags").args(NS3_LIBRARIES))
        .map_err(|_| lacking("its libraries are not installed"))?;
    let (source, program) = (folder.join("ns3.cc"), folder.join("ns3"));
    std::fs::write(&source, NS3).map_err(Failed::new)?;
    let mut compiler = Command::new("c++");
    compiler.args(["-std=c++17", "-O2", "-o"]).arg(&program).arg(&source).args(flags.split_whitespace());
    // What pkg-config says of linking names libraries that only ns-3's own need.
    compiler.args(NS3_LIBRARIES.map(|library| format!("-l{library}")));
    output(&mut compiler).map_err(|e| lacking(&format!("its program cannot be built: {e}")))?;
    Ok(vec![program.into()])
}

fn mininet(folder: &Path) -> Result<Vec<OsString>, Failed> {
    // Debian's packages are for Debian's interpreter, which need not be the first that is found.
    let has_it = |python: &&str| output(Command::new(python).args(["-c", "import mininet.net"])).is_ok();
    let python = ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(has_it)
        .ok_or_else(|| Failed("it is not installed (Debian: apt-get install mininet bridge-utils)".to_owned()))?;
    let script: PathBuf = folder.join("star_mininet.py");
    std::fs::write(&script, MININET).map_err(Failed::new)?;
    // Its hosts' shells and its switches are in namespaces of their own, and so is what it leaves behind.
    let words = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", python];
    Ok(words.map(OsString::from).into_iter().chain([script.into()]).collect())
}

/// A program's standard output.
fn output(command: &mut Command) -> Result<String, Failed> {
    let done = command.output().map_err(Failed::new)?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Failed(format!("{}: {}", done.status, said.lines().last().unwrap_or_default())))
}

struct Peer {
    name: &'static str,
    command: Vec<OsString>,
    words: Vec<String>,
}

impl Work for Peer {
    fn name(&self) -> &str {
        self.name
    }

    fn round(&mut self) -> Result<f64, Failed> {
        let said = output(Command::new(&self.command[0]).args(&self.command[1..]).args(&self.words))?;
        let number = said.trim().parse::<f64>().map_err(|_| Failed(format!("it says {said:?}, which is no number")))?;
        if number > 0.0 { Ok(number) } else { Err(Failed(format!("it says {number} ns"))) }
    }
}
