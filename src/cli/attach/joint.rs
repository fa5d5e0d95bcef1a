//! Ports joined to TAP devices of the namespace that nettwin runs in.
//!
//! A port that the topology does not have is made: a new port of the bridge there, whose other end is the TAP device. One
//! that it has is taken over: whoever has the TAP device is in its place. Deliberately absent: routes on this machine; who
//! attaches says where its packets go.

use crate::cli::args::{AttachArgs, PortArg};
use crate::cli::input::Loaded;
use crate::cli::trouble::Trouble;
use nettwin::kernel::tap::Tap;
use nettwin::kernel::{KernelBackend, Options};
use nettwin::model::layout::{Device, DeviceKind};
use nettwin::model::{AddLink, Address, Backend, Fault, IfName, LinkChange, NetnsName, NewLink, Op, VethPeer};
use nettwin::sim::Sim;
use nettwin::tap::Pump;

/// A simulation with its joints.
pub(super) struct Joined {
    pub(super) pump: Pump,
    /// What to tell.
    pub(super) said: Vec<String>,
    /// Ports and TAP devices.
    pub(super) names: Vec<(String, String)>,
    /// Keeps this machine's side; what was set there goes with the devices.
    _machine: KernelBackend,
}

pub(super) fn join(args: &AttachArgs, loaded: &Loaded, mut sim: Sim) -> Result<Joined, Trouble> {
    let mut machine = KernelBackend::new(Options::of_host())?;
    let mut taps = Vec::new();
    let (mut said, mut names) = (Vec::new(), Vec::new());
    for port in &args.taps {
        let name: IfName = port.what.parse().map_err(|e| {
            Trouble::input(format!("{:?} names no TAP device: {e}", port.what))
                .help("say --tap NS:IF=TAP, as s1:up=tap0")
        })?;
        let there = loaded.checked.layout().get(&(port.netns.clone(), port.dev));
        let (end, mut change, addresses) = match there {
            Some(device) => in_place_of(port, device)?,
            None => (new_port(port, name, loaded, &mut sim)?, LinkChange::default(), Vec::new()),
        };
        let tap = Tap::open(name)?;
        change.up = Some(true);
        let host = NetnsName::host();
        let mut ops = vec![Op::SetLink { netns: host.clone(), name, change: Box::new(change) }];
        let given = args.addresses.iter().filter(|(tap, _)| *tap == name).map(|(_, addr)| addr.clone());
        let addresses: Vec<Address> = addresses.into_iter().chain(given).collect();
        let add = |addr: &Address| Op::AddAddr { netns: host.clone(), dev: name, addr: addr.clone() };
        ops.extend(addresses.iter().map(add));
        machine.execute(&ops).map_err(|failure| {
            let op = ops.get(failure.done).map(ToString::to_string).unwrap_or_default();
            Trouble::failed(format!("{op}: {}", failure.fault))
        })?;
        let with: Vec<String> = addresses.iter().map(|a| a.cidr.to_string()).collect();
        let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(" ")) };
        let how = if there.is_some() { "in the place of" } else { "wired to" };
        said.push(format!("{name} is {how} {}:{}{with}", port.netns, port.dev));
        names.push((format!("{}:{}", port.netns, port.dev), name.to_string()));
        taps.push((end, tap));
    }
    if let Some((tap, _)) = args.addresses.iter().find(|(tap, _)| !names.iter().any(|(_, name)| name == tap.as_str())) {
        return Err(Trouble::input(format!("--address is for {tap}, which is not attached")));
    }
    let mut pump = Pump::new(sim);
    for ((netns, dev), tap) in taps {
        pump.join(&netns, dev, tap)?;
    }
    Ok(Joined { pump, said, names, _machine: machine })
}

type End = (NetnsName, IfName);

/// A port of the topology is taken over, with what it is called by.
fn in_place_of(port: &PortArg, device: &Device) -> Result<(End, LinkChange, Vec<Address>), Trouble> {
    let PortArg { netns, dev, .. } = port;
    if !matches!(device.kind, DeviceKind::Veth { .. }) {
        return Err(Trouble::input(format!("{netns}:{dev} is no end of a wire"))
            .help("name an end of a wire, or a new port of a bridge"));
    }
    let (mac, mtu) = (device.mac.as_ref().map(|m| m.value), device.mtu.as_ref().map(|m| m.value));
    let change = LinkChange { mac, mtu, ..LinkChange::default() };
    let addresses = device.addresses.iter().map(|a| a.value.clone()).collect();
    Ok(((netns.clone(), *dev), change, addresses))
}

/// A new port of the bridge there; its other end stands for the TAP device.
fn new_port(port: &PortArg, tap: IfName, loaded: &Loaded, sim: &mut Sim) -> Result<End, Trouble> {
    let PortArg { netns, dev, .. } = port;
    let devices = loaded.checked.layout().netns.get(netns).ok_or_else(|| {
        let known = loaded.checked.layout().netns.keys().map(NetnsName::as_str).collect::<Vec<_>>().join(", ");
        Trouble::input(format!("there is no namespace {netns}")).help(format!("the namespaces are: {known}"))
    })?;
    let bridges: Vec<IfName> =
        devices.iter().filter(|(_, d)| matches!(d.kind, DeviceKind::Bridge(_))).map(|(name, _)| *name).collect();
    let &[bridge] = bridges.as_slice() else {
        let known: Vec<String> = devices.keys().map(|d| format!("{netns}:{d}")).collect();
        let what = if bridges.is_empty() { "no bridge" } else { "more than one bridge" };
        return Err(Trouble::input(format!("{netns} has no port {dev}, and {what} to make one of"))
            .help(format!("it has: {}", known.join(", "))));
    };
    let host = NetnsName::host();
    if let Err(failure) = sim.execute(&[Op::AddNetns { netns: host.clone() }])
        && !matches!(failure.fault, Fault::Refused { .. })
    {
        return Err(failure.fault.into());
    }
    let peer = VethPeer { netns: host.clone(), name: tap, mac: None, mtu: None };
    let link = AddLink {
        netns: netns.clone(),
        name: *dev,
        kind: NewLink::Veth { peer },
        mac: None,
        mtu: None,
        master: Some(bridge),
        up: true,
    };
    let up = LinkChange { up: Some(true), ..LinkChange::default() };
    let ops = [Op::AddLink(Box::new(link)), Op::SetLink { netns: host.clone(), name: tap, change: Box::new(up) }];
    sim.execute(&ops).map_err(|failure| {
        Trouble::failed(format!("{}: {}", ops[failure.done], failure.fault)).help("name the port or the TAP otherwise")
    })?;
    Ok((host, tap))
}
