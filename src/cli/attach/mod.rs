//! `nettwin attach`: a simulation whose ports are joined to TAP devices of this machine, or fed with captures.
//!
//! The JSON's fields are in `docs/json.md`. Deliberately absent: the timeline and the expectations (`sim` has them), and
//! TAP devices on other systems than Linux.

mod capture;
#[cfg(all(feature = "tap", target_os = "linux"))]
mod joint;

use super::args::{AttachArgs, Clock, PortArg};
use super::input::Loaded;
use super::output::{GOOD, Output, count};
use super::sim::{bring_up, clock, print_drops};
use super::state;
use super::trouble::Trouble;
use nettwin::model::probe::{Listen, Probe, Proto};
use nettwin::model::{Backend, Extent, IfName, NetnsName};
use nettwin::sim::{DropCount, Sim};
use serde_json::json;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// A capture on its way into a port.
struct Replay {
    netns: NetnsName,
    dev: IfName,
    file: String,
    frames: usize,
}

/// A frame that is due.
struct Due {
    at: Duration,
    netns: NetnsName,
    dev: IfName,
    frame: Vec<u8>,
}

pub(crate) fn run(args: &AttachArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    if args.taps.is_empty() && args.replays.is_empty() {
        return Err(Trouble::input("nothing is attached").help("say --tap NS:IF=TAP, or --pcap-in NS:IF=FILE"));
    }
    if !args.taps.is_empty() && args.clock == Some(Clock::Virtual) {
        return Err(Trouble::input("with a TAP device the clock is the wall's")
            .help("leave --clock virtual out: the machine on the other side does not wait"));
    }
    let loaded = Loaded::open(&args.file)?;
    let mut sim = bring_up(&loaded)?;
    for (netns, port) in &args.servers {
        for proto in [Proto::Tcp, Proto::Udp] {
            let listen = Listen { netns: netns.clone(), proto, addr: None, port: *port };
            sim.start(Probe::Listen(listen)).map_err(|fault| {
                Trouble::input(format!("{netns} cannot listen on port {port}: {fault}"))
                    .help("name a namespace of the topology")
            })?;
        }
    }
    let (replays, frames) = replays(&args.replays, &mut sim)?;
    let real = !args.taps.is_empty() || args.clock == Some(Clock::Real);
    match real {
        false => virtually(sim, &replays, frames, args.time, out),
        true => by_the_wall(args, &loaded, sim, &replays, frames, out),
    }
}

/// Captures only, and nobody outside who would notice the time.
fn virtually(
    mut sim: Sim,
    replays: &[Replay],
    frames: Vec<Due>,
    time: Option<Duration>,
    out: &mut Output,
) -> Result<ExitCode, Trouble> {
    let began = sim.now();
    let last = frames.last().map_or(Duration::ZERO, |due| due.at);
    let end = time.unwrap_or(last + AFTERWARDS);
    for due in frames.into_iter().take_while(|due| due.at <= end) {
        while sim.advance(began + due.at).is_some() {}
        sim.receive(&due.netns, due.dev, &due.frame);
    }
    while sim.advance(began + end).is_some() {}
    let summary = Summary { clock: "virtual", time: end, joined: Vec::new(), passed: (0, 0) };
    summary.print(&mut sim, replays, out)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(all(feature = "tap", target_os = "linux"))]
fn by_the_wall(
    args: &AttachArgs,
    loaded: &Loaded,
    sim: Sim,
    replays: &[Replay],
    frames: Vec<Due>,
    out: &mut Output,
) -> Result<ExitCode, Trouble> {
    let mut joined = joint::join(args, loaded, sim)?;
    if !out.json {
        for line in &joined.said {
            writeln!(out, "{line}")?;
        }
        let stop = args.time.map_or("until it is interrupted (Ctrl-C)".to_owned(), |t| format!("for {}", clock(t)));
        writeln!(out, "clock: real, {stop}")?;
        out.flush()?;
    }
    let began = std::time::Instant::now();
    let end =
        args.time.or_else(|| args.taps.is_empty().then(|| frames.last().map_or(AFTERWARDS, |d| d.at + AFTERWARDS)));
    for due in frames.into_iter().take_while(|due| end.is_none_or(|end| due.at <= end)) {
        joined.pump.run(Some(began + due.at), &[])?;
        joined.pump.sim().receive(&due.netns, due.dev, &due.frame);
    }
    joined.pump.run(end.map(|end| began + end), &[])?;
    let passed = joined.pump.passed();
    let summary = Summary { clock: "real", time: began.elapsed(), joined: joined.names, passed };
    summary.print(joined.pump.sim(), replays, out)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(all(feature = "tap", target_os = "linux")))]
fn by_the_wall(
    _: &AttachArgs,
    _: &Loaded,
    _: Sim,
    _: &[Replay],
    _: Vec<Due>,
    _: &mut Output,
) -> Result<ExitCode, Trouble> {
    Err(Trouble::missing(
        "TAP devices need Linux, and nettwin built with the feature `tap`",
        "--pcap-in works everywhere",
    ))
}

/// Reads the captures; all their frames, in the order in which they are due.
fn replays(said: &[PortArg], sim: &mut Sim) -> Result<(Vec<Replay>, Vec<Due>), Trouble> {
    let snapshot = sim.observe(&Extent::default())?;
    let (mut replays, mut frames) = (Vec::new(), Vec::new());
    for PortArg { netns, dev, what: file } in said {
        if !snapshot.netns.get(netns).is_some_and(|state| state.config.links.contains_key(dev)) {
            return Err(Trouble::input(format!("there is no port {netns}:{dev} to replay {file} into"))
                .help("nettwin sim FILE lists all ports"));
        }
        let trouble =
            |why: String| Trouble::input(format!("{file}: {why}")).help("name a capture of tcpdump or Wireshark");
        let mut bytes = Vec::new();
        let opened = std::fs::File::open(Path::new(file)).and_then(|f| f.take(LIMIT).read_to_end(&mut bytes));
        opened.map_err(|e| trouble(e.to_string()))?;
        let read = capture::read(&bytes).map_err(trouble)?;
        let (netns, dev, file) = (netns.clone(), *dev, file.clone());
        replays.push(Replay { netns: netns.clone(), dev, file, frames: read.len() });
        frames.extend(read.into_iter().map(|(at, frame)| Due { at, netns: netns.clone(), dev, frame }));
    }
    frames.sort_by_key(|due| due.at);
    Ok((replays, frames))
}

/// What it came to.
struct Summary {
    clock: &'static str,
    time: Duration,
    /// Port and TAP device.
    joined: Vec<(String, String)>,
    /// Frames from TAP devices and to them.
    passed: (u64, u64),
}

impl Summary {
    fn print(&self, sim: &mut Sim, replays: &[Replay], out: &mut Output) -> io::Result<()> {
        let snapshot = sim.observe(&Extent::default()).map_err(|e| io::Error::other(e.to_string()))?;
        let drops: Vec<DropCount> = sim.drops_by_place();
        if out.json {
            let replayed =
                |r: &Replay| json!({ "port": format!("{}:{}", r.netns, r.dev), "file": r.file, "frames": r.frames });
            let joined = |(port, tap): &(String, String)| json!({ "port": port, "tap": tap });
            let drop = |d: &DropCount| json!({ "reason": d.reason, "text": d.reason.text(), "netns": d.netns, "dev": d.dev, "count": d.count });
            return out.json(&json!({
                "clock": self.clock, "time_ns": u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX),
                "joined": self.joined.iter().map(joined).collect::<Vec<_>>(),
                "frames_in": self.passed.0, "frames_out": self.passed.1,
                "replayed": replays.iter().map(replayed).collect::<Vec<_>>(),
                "drops": drops.iter().map(drop).collect::<Vec<_>>(), "snapshot": snapshot,
            }));
        }
        state::print(&snapshot, MOST_ROWS, out)?;
        print_drops(&drops, out)?;
        for replay in replays {
            let Replay { netns, dev, file, frames } = replay;
            writeln!(out, "{GOOD}replayed{GOOD:#} {} of {file} into {netns}:{dev}", count(*frames, "frame"))?;
        }
        if !self.joined.is_empty() {
            writeln!(out, "{} came from TAP devices, {} went there", self.passed.0, self.passed.1)?;
        }
        let kind = if self.clock == "real" { "real" } else { "virtual" };
        writeln!(out, "{} of {kind} time", clock(self.time))
    }
}

/// What a replay causes may take this long.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// A capture is not longer than this, bytes.
const LIMIT: u64 = 1 << 30;
/// Of a longer table only the first rows are printed.
const MOST_ROWS: usize = 40;
