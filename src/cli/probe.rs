//! `nettwin probe`: one workload, in a lab or in a simulation, with the words of the tool it stands for.
//!
//! The JSON's fields are in `docs/json.md`. Deliberately absent: what a probe is; the model has it.

use super::args::{FlowArgs, ProbeArgs, ProbeVerb};
use super::input::Loaded;
use super::output::{Output, exit};
use super::sim;
use super::transcript::Transcript;
use super::trouble::{Exit, Trouble};
use nettwin::model::expect::verdict_word;
use nettwin::model::probe::{
    Arping, ArpingMode, Listen, Outcome, Ping, Probe, ProbeEvent, ProbeId, Proto, Stop, TcpFlow, Trace, UdpFlow,
    Verdict,
};
use nettwin::model::{Answer, Backend, IfName, Instant, NetnsName, Query};
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn run(args: &ProbeArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    match &args.sim {
        Some(file) => {
            let loaded = Loaded::open(file)?;
            drive(&mut sim::bring_up(&loaded)?, &args.what, out)
        }
        None => in_lab(args, out),
    }
}

#[cfg(all(feature = "kernel", target_os = "linux"))]
fn in_lab(args: &ProbeArgs, out: &mut Output) -> Result<ExitCode, Trouble> {
    use super::live;
    let lab = live::choose(args.lab.as_deref())?;
    drive(live::open(&lab)?.backend(), &args.what, out)
}

#[cfg(not(all(feature = "kernel", target_os = "linux")))]
fn in_lab(_: &ProbeArgs, _: &mut Output) -> Result<ExitCode, Trouble> {
    Err(Trouble::missing("labs need a Linux kernel", "say --sim FILE to probe a simulation, which works everywhere"))
}

fn drive(machine: &mut dyn Backend, what: &ProbeVerb, out: &mut Output) -> Result<ExitCode, Trouble> {
    let (probe, listen) = resolve(machine, what)?;
    let server = listen.map(|listen| start_server(machine, listen)).transpose()?;
    let outcome = follow(machine, &probe, out);
    if let Some(server) = server {
        machine.stop(server, Stop::Kill);
    }
    let (outcome, events) = outcome?;
    let verdict = outcome.verdict();
    if out.json {
        out.json(&json!({ "probe": probe, "verdict": verdict, "outcome": outcome, "events": events }))?;
    }
    Ok(exit(verdict == Verdict::Reached, Exit::Expectation))
}

/// Starts the probe and prints what it says until it is done.
fn follow(machine: &mut dyn Backend, probe: &Probe, out: &mut Output) -> Result<(Outcome, Vec<Value>), Trouble> {
    let mut transcript = Transcript::new(probe);
    let mut events = Vec::new();
    let began = machine.now();
    let id = machine.start(probe.clone())?;
    loop {
        let Some((at, of, event)) = machine.advance(Instant::FAR) else {
            return Err(Trouble::failed("the machine fell idle before the probe was done"));
        };
        if of != id {
            continue;
        }
        if out.json {
            let at_ns = u64::try_from(at.since(began).as_nanos()).unwrap_or(u64::MAX);
            events.push(json!({ "at_ns": at_ns, "report": event }));
        } else {
            let lines = transcript.event(&event);
            out.write_all(lines.out.as_bytes())?;
            out.flush()?;
            // A closed standard error leaves nobody to tell; the exit code says it too.
            let _ = std::io::stderr().lock().write_all(lines.err.as_bytes());
        }
        if let ProbeEvent::Done(outcome) = event {
            return Ok((outcome, events));
        }
    }
}

/// Starts an echo server, and makes sure that it stands.
fn start_server(machine: &mut dyn Backend, listen: Listen) -> Result<ProbeId, Trouble> {
    let (netns, port) = (listen.netns.clone(), listen.port);
    let id = machine.start(Probe::Listen(listen))?;
    match machine.advance(machine.now() + Duration::from_millis(1)) {
        Some((_, of, ProbeEvent::Done(outcome))) if of == id => {
            let why = match outcome {
                Outcome::Failed(errno) => errno.to_string(),
                other => verdict_word(other.verdict()).to_owned(),
            };
            Err(Trouble::failed(format!("cannot listen on port {port} in {netns}: {why}"))
                .help("leave --listen out if a server runs there already, or choose another port"))
        }
        _ => Ok(id),
    }
}

/// What the arguments ask for, their names looked up.
fn resolve(machine: &mut dyn Backend, what: &ProbeVerb) -> Result<(Probe, Option<Listen>), Trouble> {
    Ok(match what {
        &ProbeVerb::Ping { ref netns, dst, count, interval, size, ttl } => {
            let netns = find_netns(machine, netns)?;
            (Probe::Ping(Ping { interval, size, ttl, ..Ping::new(netns, dst, count) }), None)
        }
        &ProbeVerb::Arping { ref netns, ref dev, dst, count } => {
            let netns = find_netns(machine, netns)?;
            let dev = find_dev(machine, &netns, dev)?;
            let interval = Duration::from_secs(1);
            let (source, count, mode) = (None, Some(count), ArpingMode::Ask);
            (Probe::Arping(Arping { netns, dev, dst, source, count, interval, deadline: None, mode }), None)
        }
        &ProbeVerb::Trace { ref netns, dst, max_hops } => {
            let netns = find_netns(machine, netns)?;
            (Probe::Trace(Trace { max_hops, ..Trace::new(netns, dst) }), None)
        }
        ProbeVerb::Tcp(flow) => {
            let netns = find_netns(machine, &flow.netns)?;
            let &FlowArgs { dst, port, bytes, timeout, .. } = flow;
            let listen = listener(machine, flow, Proto::Tcp)?;
            (Probe::Tcp(TcpFlow { netns, dst, port, source: None, bytes, timeout }), listen)
        }
        ProbeVerb::Udp(flow) => {
            let netns = find_netns(machine, &flow.netns)?;
            let &FlowArgs { dst, port, bytes, timeout, .. } = flow;
            let size = u16::try_from(bytes).ok().filter(|n| (1..=MOST_UDP).contains(n)).ok_or_else(|| {
                Trouble::input(format!("a datagram of {bytes} bytes")).help(format!("say --bytes 1 to {MOST_UDP}"))
            })?;
            let listen = listener(machine, flow, Proto::Udp)?;
            let flow = UdpFlow { netns, dst, port, source: None, source_port: None, size, timeout };
            (Probe::Udp(flow), listen)
        }
    })
}

fn listener(machine: &mut dyn Backend, flow: &FlowArgs, proto: Proto) -> Result<Option<Listen>, Trouble> {
    let Some(netns) = &flow.listen else { return Ok(None) };
    let netns = find_netns(machine, netns)?;
    Ok(Some(Listen { netns, proto, addr: None, port: flow.port }))
}

fn find_netns(machine: &mut dyn Backend, name: &str) -> Result<NetnsName, Trouble> {
    let known = match machine.query(&Query::NetnsList)? {
        Answer::NetnsList(mut names) => {
            names.sort();
            names
        }
        _ => Vec::new(),
    };
    let found = known.iter().find(|n| n.as_str() == name).cloned();
    let list = || known.iter().map(NetnsName::as_str).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| {
        Trouble::input(format!("there is no namespace {name:?}")).help(format!("the namespaces are: {}", list()))
    })
}

fn find_dev(machine: &mut dyn Backend, netns: &NetnsName, name: &str) -> Result<IfName, Trouble> {
    let devices: Vec<IfName> = match machine.query(&Query::Netns(netns.clone()))? {
        Answer::Netns(state) => state.config.links.keys().copied().collect(),
        _ => Vec::new(),
    };
    let found = devices.iter().find(|d| d.as_str() == name).copied();
    let list = || devices.iter().map(IfName::as_str).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| {
        Trouble::input(format!("{netns} has no interface {name:?}")).help(format!("its interfaces are: {}", list()))
    })
}

/// The greatest payload of a datagram, bytes.
const MOST_UDP: u16 = 65507;
