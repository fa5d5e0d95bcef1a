//! The arguments of the verbs about scripts, with their help.

use super::{Clock, duration};
use clap::{ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The script's own shell runs it; the network's commands work on the simulator. Time is virtual: what sleeps
takes none. Ends with the script's own status; 124 if it took too long; nettwin's own failures are 125.

Examples:
  nettwin run examples/scripts/02-bridge-three-hosts.sh
  nettwin run --on kernel examples/scripts/02-bridge-three-hosts.sh
  nettwin run --programs web.sh           a script that starts curl and python3 -m http.server
  nettwin run --uplink nat.sh             a script that pings 8.8.8.8
  nettwin run --builtin commands.txt"
)]
pub(crate) struct RunArgs {
    /// The script.
    #[arg(value_name = "SCRIPT", value_hint = ValueHint::FilePath)]
    pub(crate) script: PathBuf,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
    /// Which machine runs it: the simulator, or the kernel with the real commands in namespaces of their own.
    #[arg(long, value_name = "MACHINE", default_value = "sim")]
    pub(crate) on: On,
    /// Run plain lines without any shell: words, quotes, comments, `;`, `&&`, `||`.
    #[arg(long, conflicts_with = "on")]
    pub(crate) builtin: bool,
    /// Let real programs (curl, a server, your own binary) run in the script's namespaces, by the wall's clock: what they
    /// send goes through the simulated network.
    #[arg(long, conflicts_with_all = ["on", "builtin", "plain"])]
    pub(crate) programs: bool,
    /// Whose time it is: the wall's with --programs, the simulator's without.
    #[arg(long)]
    pub(crate) clock: Option<Clock>,
    /// Be the process that keeps the simulation (nettwin starts this by itself).
    #[arg(long, hide = true, requires = "programs")]
    pub(crate) apart: bool,
    /// Give the script's host an eth0 (10.0.2.15) and a gateway to a simulated outside, which answers pings to every public
    /// address, after 10 ms, and has some names, such as example.com.
    #[arg(long, conflicts_with_all = ["on", "programs"])]
    pub(crate) uplink: bool,
    /// Give the script's processes no namespaces; paths in the script's text are rewritten instead.
    #[arg(long, conflicts_with_all = ["on", "builtin"])]
    pub(crate) plain: bool,
    /// The virtual time that each command takes.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub(crate) step: Duration,
    /// The virtual time that the script may take.
    #[arg(long, value_name = "TIME", default_value = "60m", value_parser = duration)]
    pub(crate) max_time: Duration,
    /// Decides MAC addresses, ports and randomness.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write what each command of the network said, and how it ended, to this file as JSON lines; then how the namespaces
    /// look when all is over.
    #[arg(long, value_name = "FILE", conflicts_with = "builtin", value_hint = ValueHint::FilePath)]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The fullest state that the script makes is written, so a script may clean up behind itself. What a topology
cannot hold is named on standard error with its line. MACs that the script does not choose are left to the seed.

Examples:
  nettwin import lab.sh > lab.toml
  nettwin import --builtin commands.txt
  nettwin export lab.toml > lab.sh && nettwin import lab.sh"
)]
pub(crate) struct ImportArgs {
    /// The script.
    #[arg(value_name = "SCRIPT", value_hint = ValueHint::FilePath)]
    pub(crate) script: PathBuf,
    /// Its arguments.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
    /// Run plain lines without any shell: words, quotes, comments, `;`, `&&`, `||`.
    #[arg(long, conflicts_with = "arguments")]
    pub(crate) builtin: bool,
    /// The virtual time that each command takes.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub(crate) step: Duration,
    /// The virtual time that the script may take.
    #[arg(long, value_name = "TIME", default_value = "60m", value_parser = duration)]
    pub(crate) max_time: Duration,
    /// The topology's seed; that of the script's own head, or 0, unless said.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin export lab.toml > lab.sh            then, as root: sh lab.sh
  nettwin export --as iproute2 lab.toml | grep 'route add'")]
pub(crate) struct ExportArgs {
    /// The topology.
    #[arg(value_name = "TOPOLOGY", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The language.
    #[arg(long = "as", value_name = "LANGUAGE", default_value = "iproute2")]
    pub(crate) language: Language,
}

/// What a topology is exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// A shell script of `ip`, `bridge`, `tc`, `sysctl` and `nft`.
    Iproute2,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "`ip netns exec NS bash` enters a namespace, `exit` leaves it. On a terminal lines can be edited and completed, and time
goes as the wall's does; otherwise lines are read as they come, in virtual time. Ends as the last command did.

Examples:
  nettwin sh
  nettwin sh examples/02-bridge-three-hosts.toml
  echo 'ip netns exec h1 ping -c1 192.168.1.2' | nettwin sh examples/02-bridge-three-hosts.toml"
)]
pub(crate) struct ShArgs {
    /// Begin in this topology, brought up.
    #[arg(value_name = "TOPOLOGY", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Give the host an eth0 and a gateway to a simulated outside, as `run --uplink` does.
    #[arg(long, conflicts_with = "file")]
    pub(crate) uplink: bool,
    /// Whose time it is: the wall's on a terminal, the simulator's otherwise.
    #[arg(long)]
    pub(crate) clock: Option<Clock>,
    /// The virtual time that each command takes.
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = duration)]
    pub(crate) step: Duration,
    /// Decides MAC addresses, ports and randomness where no topology does.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin commands
  nettwin commands ip bridge
  nettwin commands --json | jq '.[] | select(.title == \"ip link\") | .refused'")]
pub(crate) struct CommandsArgs {
    /// Only these commands.
    #[arg(value_name = "COMMAND")]
    pub(crate) names: Vec<String>,
}

/// A machine that runs a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum On {
    /// The simulator.
    Sim,
    /// This machine's kernel.
    Kernel,
}
