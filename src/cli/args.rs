//! The arguments of every verb, with their help.
//!
//! Deliberately absent: reading files and checking names; a wrong one is told with its place in the file by `input`.

mod script;

pub(crate) use script::{CommandsArgs, ExportArgs, ImportArgs, Language, On, RunArgs, ShArgs};

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use nettwin::model::words::addr::parse as parse_address;
use nettwin::model::{Address, IfName, NetnsName};
use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// One network topology, two machines that execute it, and a proof that they agree.
#[derive(Debug, Parser)]
#[command(name = "nettwin", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Args {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn write_global(self) {
        match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Read topologies and say all that is wrong with them.
    Check(CheckArgs),
    /// Write topologies in the one canonical way, comments kept.
    Fmt(FmtArgs),
    /// Simulate a topology in virtual time: tables, pings, expectations; no privilege needed.
    Sim(SimArgs),
    /// Follow a conversation hop by hop in a simulation: what decides about it, where it ends, and the remedy.
    Why(WhyArgs),
    /// Ping, arping, trace a route, or try a TCP or UDP port, in a lab or in a simulation.
    Probe(ProbeArgs),
    /// Run a shell script of `ip netns`, `ping` and their like as it is, unprivileged, in virtual time.
    Run(RunArgs),
    /// Talk to a simulated network, line by line: prompt, history, completion; no shell, no privilege.
    Sh(ShArgs),
    /// Print what the commands of a simulated network understand, and what they refuse.
    Commands(CommandsArgs),
    /// Make a topology of a script: run it on the simulator and write down what it made.
    Import(ImportArgs),
    /// Print a topology in another language, such as a script that sets it up by hand.
    Export(ExportArgs),
    /// Join ports of a simulation to TAP devices of this machine, or replay captures into them.
    Attach(AttachArgs),
    /// Run topologies on both machines and compare.
    Conform(ConformArgs),
    /// Measure the same work on the simulator, the kernel and other tools, side by side.
    Bench(BenchArgs),
    /// Print what `apply` would do, as an iproute2 script.
    Plan(PlanArgs),
    /// Make a lab like this on real namespaces, or change the lab that stands into it.
    Apply(ApplyArgs),
    /// Say how a lab, or somebody else's namespaces, differ from a topology.
    Diff(DiffArgs),
    /// List the labs, or show the state of one.
    Show(ShowArgs),
    /// Run a program in a namespace of a lab.
    Exec(ExecArgs),
    /// Remove labs.
    Destroy(DestroyArgs),
    /// Remove what killed runs left behind.
    Gc,
    /// Say what this machine can do, and what to do about what it cannot.
    Doctor,
    /// Print a generated topology.
    Gen(GenArgs),
    /// Draw a topology.
    Graph(GraphArgs),
    /// Print a shell's completion script.
    Completions(CompletionsArgs),
    /// Print the JSON Schema of topologies.
    #[command(after_help = "Examples:\n  nettwin schema > nettwin.schema.json")]
    Schema,
    /// Keep a lab (nettwin starts this by itself).
    #[command(hide = true)]
    Holder(HolderArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin bench                        all of it: a few minutes
  nettwin bench bridge hop --rounds 15
  nettwin bench --peers --svg bench.svg

What is compared is processor time, of each process and those it starts, in rounds in which all take turns: a ratio is of
one round. It is printed with its least and its greatest. Peers are ns-3 (compiled first) and Mininet, where installed.")]
pub(crate) struct BenchArgs {
    /// Only the sections whose names begin so: bridge-2, bridge-8, bridge-64, delay, flood-8, flood-64, hop, setup-10,
    /// setup-100.
    #[arg(value_name = "SECTION")]
    pub(crate) sections: Vec<String>,
    /// How many rounds are measured, after one that is not.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) rounds: u16,
    /// Let ns-3 and Mininet take part, where they are installed.
    #[arg(long)]
    pub(crate) peers: bool,
    /// Draw it into this file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin check examples/*.toml
  nettwin gen star 5 | nettwin check -
  nettwin check --json lab.toml | jq '.[].complaints[].message'")]
pub(crate) struct CheckArgs {
    /// Topologies: .toml, .json or .yaml; `-` is standard input (TOML, or JSON if it begins with a brace).
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Take warnings for errors.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin fmt lab.toml             rewrite the file
  nettwin fmt --check *.toml       change nothing, exit 4 if something would change
  nettwin fmt - < lab.toml         print the canonical form")]
pub(crate) struct FmtArgs {
    /// Topologies; `-` reads standard input and prints.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Only say which files would change; exit 4 if there are any.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin sim examples/02-bridge-three-hosts.toml
  nettwin sim --explain lab.toml              learn what each step changed, and what became of each frame
  nettwin sim --pcap captures lab.toml        then: wireshark captures/h1.eth0.pcapng
  nettwin sim --events - --json lab.toml      the event log as JSON lines, then the result
  nettwin gen ring 4 | nettwin sim -")]
pub(crate) struct SimArgs {
    /// The topology.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Decide MACs, ports and randomness by this number instead of the file's.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Write what each interface saw to DIR/NETNS.DEV.pcapng.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) pcap: Option<PathBuf>,
    /// Write the log of events as JSON lines; `-` is standard output.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) events: Option<PathBuf>,
    /// Narrate: what each step changed, and which table decided each frame's fate.
    #[arg(long)]
    pub(crate) explain: bool,
}

/// Which lab, and how it is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct LabArgs {
    /// The lab's name; the file's own name unless said.
    #[arg(long, value_name = "NAME")]
    pub(crate) lab: Option<String>,
    /// Keep the lab in a user namespace of its own (the default unless root).
    #[arg(long, conflicts_with = "named")]
    pub(crate) rootless: bool,
    /// Keep the lab in named namespaces LAB.NS, which `ip netns` sees (the default for root).
    #[arg(long)]
    pub(crate) named: bool,
    /// Name the namespaces NS and not LAB.NS.
    #[arg(long, conflicts_with = "rootless")]
    pub(crate) bare_names: bool,
    /// Let the topology's `host` be this machine's own namespace (root). What is in it and not in the file is left alone.
    #[arg(long, conflicts_with = "rootless")]
    pub(crate) real_host: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin plan lab.toml                 a script that does by hand what apply would do
  nettwin plan --summary lab.toml       what is created, changed and deleted
  nettwin plan --json lab.toml | jq '.ops | length'")]
pub(crate) struct PlanArgs {
    /// The topology.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) lab: LabArgs,
    /// Print what is created, changed and deleted instead of a script.
    #[arg(long)]
    pub(crate) summary: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin apply lab.toml                as root: namespaces lab.h1, lab.h2, ...; else a lab of your own, no root needed
  nettwin apply lab.toml                again, after an edit: changes only what differs
  sudo nettwin apply --bare-names lab.toml && ip netns exec h1 ip addr
  nettwin apply --no-expect lab.toml    do not evaluate the file's expectations")]
pub(crate) struct ApplyArgs {
    /// The topology.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) lab: LabArgs,
    /// Do not evaluate the file's expectations.
    #[arg(long)]
    pub(crate) no_expect: bool,
    /// Play the file's timeline after bringing the lab up.
    #[arg(long)]
    pub(crate) timeline: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Exits 4 if there is a difference.

Examples:
  nettwin diff lab.toml
  nettwin diff --json lab.toml | jq -r '.[].path'
  nettwin diff --adopt lab.toml         compare with namespaces that something else made (root): h1 with h1, ...")]
pub(crate) struct DiffArgs {
    /// The topology.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The lab's name; the file's own name unless said.
    #[arg(long, value_name = "NAME")]
    pub(crate) lab: Option<String>,
    /// Compare with the namespaces of the same names that this machine has, whoever made them (root).
    #[arg(long, conflicts_with = "lab")]
    pub(crate) adopt: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin show                the labs
  nettwin show two-lans       its links, addresses, routes, neighbours, forwarding tables
  nettwin show --json two-lans | jq '.netns.h1.config.links'")]
pub(crate) struct ShowArgs {
    /// The lab; without one, all labs are listed.
    #[arg(value_name = "LAB")]
    pub(crate) lab: Option<String>,
    /// Only these namespaces.
    #[arg(long, value_name = "NS")]
    pub(crate) netns: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits with the program's own status; 127 if there is no such program, 126 if it cannot be run, \
125 if nettwin failed itself.

Examples:
  nettwin exec h1 -- ping -c1 192.168.1.2
  nettwin exec --lab two-lans r1 -- ip route
  nettwin exec h1 -- bash
  nettwin exec --sim lab.toml --with 'h3: python3 -m http.server 80' h1 -- curl -s http://10.0.2.3/"
)]
pub(crate) struct ExecArgs {
    /// The lab; may be left out if there is only one.
    #[arg(long, value_name = "NAME")]
    pub(crate) lab: Option<String>,
    /// Run it in a simulation of this topology instead: its namespace is real, everything behind its wires is simulated, by
    /// the wall's clock. Takes no privilege.
    #[arg(long, value_name = "FILE", conflicts_with = "lab", value_hint = ValueHint::FilePath)]
    pub(crate) sim: Option<PathBuf>,
    /// Run this too, in a namespace of the simulation, until the program ends. Its words are split as a shell does.
    #[arg(long = "with", value_name = "NS: CMD", requires = "sim")]
    pub(crate) with: Vec<String>,
    /// Play the topology's timeline while the program runs.
    #[arg(long, requires = "sim")]
    pub(crate) timeline: bool,
    /// Whose time it is; where real programs run always the wall's.
    #[arg(long, requires = "sim")]
    pub(crate) clock: Option<Clock>,
    /// Be the process that keeps the simulation (nettwin starts this by itself).
    #[arg(long, hide = true, requires = "sim")]
    pub(crate) apart: bool,
    /// The namespace.
    #[arg(value_name = "NS")]
    pub(crate) netns: String,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD",
          value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Exits 3 if it did not get through.

Examples:
  nettwin probe ping h1 192.168.1.2
  nettwin probe --sim examples/03-two-lans-router.toml trace h1 10.0.2.2
  nettwin probe tcp h1 192.168.1.2 80 --listen h2
  nettwin probe arping h1 eth0 192.168.1.2")]
pub(crate) struct ProbeArgs {
    /// The lab; may be left out if there is only one.
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) lab: Option<String>,
    /// In a simulation of this topology instead of a lab.
    #[arg(long, value_name = "FILE", conflicts_with = "lab", value_hint = ValueHint::FilePath)]
    pub(crate) sim: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) what: ProbeVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProbeVerb {
    /// ICMP echo requests.
    Ping {
        /// From this namespace.
        netns: String,
        /// To this address.
        dst: Ipv4Addr,
        /// How many.
        #[arg(short, long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
        /// Time between them, as in 200ms or 1s.
        #[arg(short, long, default_value = "1s", value_parser = duration)]
        interval: Duration,
        /// Payload, bytes.
        #[arg(short, long, default_value_t = 56, value_parser = clap::value_parser!(u16).range(0..=65507))]
        size: u16,
        /// Time to live.
        #[arg(short, long)]
        ttl: Option<u8>,
    },
    /// ARP requests.
    Arping {
        /// From this namespace.
        netns: String,
        /// By this interface.
        dev: String,
        /// Whom.
        dst: Ipv4Addr,
        /// How many.
        #[arg(short, long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,
    },
    /// The routers on the way.
    Trace {
        /// From this namespace.
        netns: String,
        /// To this address.
        dst: Ipv4Addr,
        /// At most so many hops.
        #[arg(short, long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=255))]
        max_hops: u8,
    },
    /// A connection to a port, bytes there and back.
    Tcp(FlowArgs),
    /// One datagram to a port, and its echo.
    Udp(FlowArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct FlowArgs {
    /// From this namespace.
    pub(crate) netns: String,
    /// To this address.
    pub(crate) dst: Ipv4Addr,
    /// To this port.
    #[arg(value_parser = clap::value_parser!(u16).range(1..=65535))]
    pub(crate) port: u16,
    /// Payload, bytes.
    #[arg(short, long, default_value_t = 1000)]
    pub(crate) bytes: u64,
    /// Give up after this time, as in 3s.
    #[arg(long, default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Start an echo server on the port in this namespace first.
    #[arg(long, value_name = "NS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A server is put on the port first, as expectations have it, unless --closed says not to. Exits 3 if the
answer is that it does not get through.

Examples:
  nettwin why examples/03-forwarding-off.toml 'h1 -> h3'
  nettwin why lab.toml 'h1 -> h2 tcp 80'
  nettwin why --json lab.toml 'h1 -> 10.0.2.3:53 udp' | jq .findings"
)]
pub(crate) struct WhyArgs {
    /// The topology; `-` is standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// What to follow: `A -> B`, `A -> B ping`, `A -> B tcp 80`, `A -> 10.0.0.2 udp 53`.
    pub(crate) question: String,
    /// Payload, bytes; 56, 1000 and 100 for ping, tcp and udp unless said.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=1 << 20))]
    pub(crate) bytes: Option<u64>,
    /// Put no server on the port: what it meets is what the topology has.
    #[arg(long)]
    pub(crate) closed: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "A port that the topology does not have is made: a new port of the bridge there. One that it has is
taken over: the TAP device is in its place, with its MAC, MTU and addresses. With a TAP device the clock is the wall's; captures
alone are replayed in virtual time. Making a TAP device takes root, or a namespace of your own.

Examples:
  unshare -Urn nettwin attach lab.toml --tap s1:up=tap0 --address tap0=192.168.1.9/24
  nettwin attach lab.toml --tap h1:eth0=tap0 --for 30s
  nettwin attach lab.toml --pcap-in s1:p1=capture.pcap"
)]
pub(crate) struct AttachArgs {
    /// The topology; `-` is standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Join this port to this TAP device of the namespace that nettwin runs in.
    #[arg(long = "tap", value_name = "NS:IF=TAP", value_parser = port)]
    pub(crate) taps: Vec<PortArg>,
    /// Give the TAP device an address.
    #[arg(long = "address", value_name = "TAP=ADDR/LEN", value_parser = tap_address)]
    pub(crate) addresses: Vec<(IfName, Address)>,
    /// Let this port receive the frames of this capture (pcap or pcapng).
    #[arg(long = "pcap-in", value_name = "NS:IF=FILE", value_parser = port)]
    pub(crate) replays: Vec<PortArg>,
    /// Let a simulated host answer on this port what it is sent, over TCP and UDP.
    #[arg(long = "listen", value_name = "NS:PORT", value_parser = netns_port)]
    pub(crate) servers: Vec<(NetnsName, u16)>,
    /// End after this time, as in 30s; with captures only, a second after the last frame.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// Whose time it is; with a TAP device always the wall's.
    #[arg(long)]
    pub(crate) clock: Option<Clock>,
}

/// A port and what it is joined to.
#[derive(Clone, Debug)]
pub(crate) struct PortArg {
    pub(crate) netns: NetnsName,
    pub(crate) dev: IfName,
    pub(crate) what: String,
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clock {
    /// The wall's.
    Real,
    /// The simulator's: it takes no longer than there is to do.
    Virtual,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Namespaces that nettwin did not make are never touched.

Examples:
  nettwin destroy two-lans
  nettwin destroy examples/03-two-lans-router.toml
  nettwin destroy --all")]
pub(crate) struct DestroyArgs {
    /// Labs by name, or topology files that name them.
    #[arg(value_name = "LAB", required_unless_present = "all")]
    pub(crate) labs: Vec<String>,
    /// All labs of this user.
    #[arg(long, conflicts_with = "labs")]
    pub(crate) all: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exits 4 if the machines differ or nothing could be compared, 5 if this machine has no kernel side.

Examples:
  nettwin conform examples/*.toml
  nettwin conform lab.sh                     each command's output and status, and the namespaces in the end
  nettwin conform --json lab.toml | jq '.levels.frames'
  nettwin conform --kernel uml vlans.toml"
)]
pub(crate) struct ConformArgs {
    /// Topologies, and shell scripts (`*.sh`, or files that begin with `#!`).
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Play timelines and expectations that take the kernel more than 10 s too.
    #[arg(long)]
    pub(crate) long: bool,
    /// Run the kernel side in a user namespace even as root.
    #[arg(long)]
    pub(crate) rootless: bool,
    /// Which kernel: the running one, or User-Mode Linux, which needs no privilege and has VLANs, netem, dummy, vrf and
    /// bonding.
    #[arg(long, value_name = "WHICH", default_value = "running")]
    pub(crate) kernel: WhichKernel,
}

/// The kernel that a topology is compared on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhichKernel {
    /// The one that runs this machine.
    Running,
    /// User-Mode Linux, from the package user-mode-linux.
    Uml,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin gen star 5 > star.toml
  nettwin gen grid 3 | nettwin sim -
  nettwin gen fat-tree 4 | nettwin graph - > fat-tree.svg")]
pub(crate) struct GenArgs {
    /// The shape.
    pub(crate) shape: Shape,
    /// Its size: namespaces of a line, hosts of a star, routers of a ring or of a grid's side, depth of a tree, ports of a
    /// fat tree's routers.
    #[arg(value_name = "N")]
    pub(crate) size: u32,
    /// The seed that the topology says.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shape {
    /// Namespaces in a row.
    Line,
    /// Hosts on one bridge.
    Star,
    /// Routers in a circle.
    Ring,
    /// A binary tree of routers, hosts for leaves.
    Tree,
    /// A square of routers.
    Grid,
    /// A fat tree of routers, hosts below.
    FatTree,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin graph lab.toml > lab.svg
  nettwin graph --format dot lab.toml | dot -Tpng > lab.png
  nettwin graph --format mermaid lab.toml")]
pub(crate) struct GraphArgs {
    /// The topology.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The language of the drawing.
    #[arg(short, long, default_value = "svg")]
    pub(crate) format: Drawing,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Drawing {
    Svg,
    Dot,
    Mermaid,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  nettwin completions bash > ~/.local/share/bash-completion/completions/nettwin
  nettwin completions zsh > ~/.zfunc/_nettwin")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HolderArgs {
    /// The lab's folder; a lab without one is thrown away with its builder.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// The lab's seed.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// `NS:IF=WHAT`.
fn port(s: &str) -> Result<PortArg, String> {
    let bad = || format!("{s:?} says no port; write it as s1:p1=WHAT");
    let (port, what) = s.split_once('=').filter(|(_, what)| !what.is_empty()).ok_or_else(bad)?;
    let (netns, dev) = port.split_once(':').ok_or_else(bad)?;
    let netns = NetnsName::new(netns).map_err(|e| format!("{netns:?}: {e}"))?;
    let dev = IfName::new(dev).map_err(|e| format!("{dev:?}: {e}"))?;
    Ok(PortArg { netns, dev, what: what.to_owned() })
}

/// `NS:PORT`.
fn netns_port(s: &str) -> Result<(NetnsName, u16), String> {
    let (netns, port) = s.split_once(':').ok_or_else(|| format!("{s:?} says no port; write it as h1:80"))?;
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(|| format!("{port:?} is no port"))?;
    Ok((NetnsName::new(netns).map_err(|e| format!("{netns:?}: {e}"))?, port))
}

/// `TAP=ADDR/LEN`.
fn tap_address(s: &str) -> Result<(IfName, Address), String> {
    let (tap, addr) =
        s.split_once('=').ok_or_else(|| format!("{s:?} says no address; write it as tap0=10.0.0.9/24"))?;
    let tap = IfName::new(tap).map_err(|e| format!("{tap:?}: {e}"))?;
    Ok((tap, parse_address(addr).map_err(|e| format!("{addr:?}: {e}"))?))
}

/// A time with its unit.
fn duration(s: &str) -> Result<Duration, String> {
    let digits = s.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(s.len());
    let bad = || format!("{s:?} is no time; write it as 200ms, 1.5s or 2m");
    let number: f64 = s[..digits].parse().map_err(|_| bad())?;
    let unit = match &s[digits..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(bad()),
    };
    Duration::try_from_secs_f64(number * unit).map_err(|_| bad())
}

const EXIT_CODES: &str = "Exit codes:
  0  all went well
  1  bad input: the command line, the file, or what it says
  2  an operation failed
  3  an expectation did not hold
  4  a difference: `diff` found one, or the two machines diverge
  5  this machine lacks a capability
  `exec` and `run` end with the program's own status; their own failures are 125 to 127.";
