//! `ethtool`: what a virtual device's driver says of itself, and the features that can be switched.
//!
//! Counterpart: ethtool 6.1's `ethtool.c` and `netlink/`, on veth, bridge, loopback and macvlan. What is switched off here is
//! off in what is shown; frames are the same either way, since nothing is left to a device. Deliberately absent, and refused
//! by name: `--json`, `--debug`, what asks for hardware (`-f`, `-E`, `-W`, ...), other devices' drivers.

mod features;

use crate::job::{Context, Invocation, Job, Next, Once};
use crate::say;
use features::{Driver, FLAGS, Feature, features, is_like, of_flag};
use nettwin_model::link::LinkKind;
use nettwin_model::virtuals::Virtual;
use nettwin_model::{Errno, IfName, NetnsState};

pub(crate) use features::Wanted;

/// Begins `ethtool`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

/// A device as its driver knows it.
struct Device {
    name: IfName,
    driver: Driver,
    state: NetnsState,
}

fn run(cx: &mut Context<'_>, words: &[String]) -> Result<Next, Next> {
    let mut words = words.iter().skip(1).map(String::as_str).filter(|word| *word != "-I");
    let first = words.next().ok_or_else(|| bad(cx))?;
    if matches!(first, "--json" | "--debug") {
        return Err(say::unsupported(cx, "ethtool", first));
    }
    if !first.starts_with('-') {
        return match words.next() {
            Some(_) => Err(bad(cx)),
            None => settings(cx, first),
        };
    }
    match first {
        "--version" => {
            cx.print("ethtool version 6.1\n");
            return Ok(Next::Done(0));
        }
        "-h" | "--help" => return Err(say::unsupported(cx, "ethtool", first)),
        _ => {}
    }
    let Some((_, way)) = WAYS.iter().find(|(names, _)| names.split('|').any(|name| name == first)) else {
        return Err(if UNSUPPORTED.contains(&first) { say::unsupported(cx, "ethtool", first) } else { bad(cx) });
    };
    let name = words.next().ok_or_else(|| bad(cx))?;
    let rest: Vec<&str> = words.collect();
    match way {
        Way::Driver => driver(cx, name),
        Way::Statistics => statistics(cx, name),
        Way::Features => show(cx, name),
        Way::Switch => switch(cx, name, &rest),
        Way::Channels => channels(cx, name),
        Way::Permanent => {
            need(cx, name, NO_DEVICE, 1)?;
            cx.print("Permanent address: not set\n");
            Ok(Next::Done(0))
        }
        Way::Stamps => stamps(cx, name),
        Way::Netlink(status) => {
            need(cx, name, NO_NAME, *status)?;
            cx.complain("netlink error: Operation not supported\n");
            Ok(Next::Done(*status))
        }
        Way::Ioctl(what, status) => {
            let errno = if device(cx, name)?.is_some() { Errno::EOPNOTSUPP } else { Errno::ENODEV };
            cx.complain(&format!("{what}: {errno}\n"));
            Ok(Next::Done(*status))
        }
    }
}

/// What an option does.
enum Way {
    Driver,
    Statistics,
    Features,
    Switch,
    Channels,
    Permanent,
    Stamps,
    /// What no virtual driver does, asked by netlink: the status that it ends with.
    Netlink(u8),
    /// The same by the old system call, with the words before the error.
    Ioctl(&'static str, u8),
}

#[rustfmt::skip]
const WAYS: &[(&str, Way)] = &[
    ("-i|--driver", Way::Driver),
    ("-S|--statistics", Way::Statistics),
    ("-k|--show-features|--show-offload", Way::Features),
    ("-K|--features|--offload", Way::Switch),
    ("-l|--show-channels", Way::Channels),
    ("-P|--show-permaddr", Way::Permanent),
    ("-T|--show-time-stamping", Way::Stamps),
    ("-a|--show-pause", Way::Netlink(1)),
    ("-g|--show-ring", Way::Netlink(1)),
    ("-c|--show-coalesce", Way::Netlink(1)),
    ("-C|--coalesce", Way::Netlink(1)),
    ("-m|--dump-module-eeprom|--module-info", Way::Netlink(1)),
    ("--show-eee", Way::Netlink(1)),
    ("--show-priv-flags", Way::Netlink(1)),
    ("-s|--change", Way::Netlink(75)),
    ("-A|--pause", Way::Netlink(76)),
    ("-G|--set-ring", Way::Netlink(81)),
    ("-t|--test", Way::Ioctl("Cannot test", 74)),
    ("-x|--show-rxfh-indir|--show-rxfh", Way::Ioctl("Cannot get RX ring count", 1)),
    ("-w|--get-dump", Way::Ioctl("Can not get dump level", 1)),
];

const UNSUPPORTED: &[&str] =
    &["-d", "-e", "-E", "-f", "-L", "-n", "-N", "-p", "-Q", "-r", "-u", "-U", "-W", "-X", "--monitor", "--reset"];

fn bad(cx: &mut Context<'_>) -> Next {
    cx.complain("ethtool: bad command line argument(s)\nFor more information run ethtool -h\n");
    Next::Done(1)
}

/// What is said of a device that is not there: by netlink's header, and by a request that names it.
const NO_NAME: &str = "netlink error: no device matches name (offset 24)\nnetlink error: No such device\n";
const NO_DEVICE: &str = "netlink error: No such device\n";

/// The device of that name.
fn device(cx: &mut Context<'_>, name: &str) -> Result<Option<Device>, Next> {
    let state = match say::state(cx) {
        Ok(state) => state,
        Err(fault) => return Err(say::errno(cx, "ethtool", &fault).map_or_else(|end| end, |_| Next::Done(1))),
    };
    let Some(name) = IfName::new(name).ok().filter(|name| state.config.links.contains_key(name)) else {
        return Ok(None);
    };
    match driver_of(&state, name) {
        Some(driver) => Ok(Some(Device { name, driver, state })),
        None => {
            Err(say::unsupported(cx, "ethtool", &format!("{name}, whose driver is none of veth, bridge, lo, macvlan")))
        }
    }
}

fn driver_of(state: &NetnsState, name: IfName) -> Option<Driver> {
    match &state.config.links.get(&name)?.kind {
        LinkKind::Veth { .. } => Some(Driver::Veth),
        LinkKind::Bridge => Some(Driver::Bridge),
        LinkKind::Loopback => Some(Driver::Loopback),
        LinkKind::Virtual(Virtual::Macvlan(_)) => Some(Driver::Macvlan),
        _ => None,
    }
}

fn need(cx: &mut Context<'_>, name: &str, complaint: &str, status: u8) -> Result<Device, Next> {
    device(cx, name)?.ok_or_else(|| {
        cx.complain(complaint);
        Next::Done(status)
    })
}

fn settings(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    // It asks five times.
    let Some(device) = device(cx, name)? else {
        cx.complain(&NO_NAME.repeat(5));
        cx.print("No data available\n");
        return Err(Next::Done(75));
    };
    let modes = "\tSupported ports: [  ]\n\tSupported link modes:   Not reported\n\tSupported pause frame use: No\n\
                 \tSupports auto-negotiation: No\n\tSupported FEC modes: Not reported\n\
                 \tAdvertised link modes:  Not reported\n\tAdvertised pause frame use: No\n\
                 \tAdvertised auto-negotiation: No\n\tAdvertised FEC modes: Not reported\n";
    let rate = match device.driver {
        Driver::Loopback => "",
        Driver::Bridge => {
            "\tSpeed: Unknown!\n\tDuplex: Unknown! (255)\n\tAuto-negotiation: off\n\tPort: Other\n\tPHYAD: 0\n\
             \tTransceiver: internal\n"
        }
        Driver::Veth | Driver::Macvlan => {
            "\tSpeed: 10000Mb/s\n\tDuplex: Full\n\tAuto-negotiation: off\n\tPort: Twisted Pair\n\tPHYAD: 0\n\
             \tTransceiver: internal\n\tMDI-X: Unknown\n"
        }
    };
    let modes = if device.driver == Driver::Loopback { "" } else { modes };
    let up = device.state.config.links.get(&device.name).is_some_and(|link| link.up);
    let carrier = device.state.derived.links.get(&device.name).is_some_and(|link| link.carrier);
    let detected = if up && carrier { "yes" } else { "no" };
    cx.print(&format!("Settings for {}:\n{modes}{rate}\tLink detected: {detected}\n", device.name));
    Ok(Next::Done(0))
}

fn driver(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    let device = need(cx, name, &format!("Cannot get driver information: {}\n", Errno::ENODEV), 71)?;
    let (driver, version, firmware, bus, has_statistics) = match device.driver {
        Driver::Veth => ("veth", "1.0", "", "", "yes"),
        Driver::Bridge => ("bridge", "2.3", "N/A", "N/A", "no"),
        Driver::Macvlan => ("macvlan", "0.1", "", "", "no"),
        Driver::Loopback => {
            cx.complain(&format!("Cannot get driver information: {}\n", Errno::EOPNOTSUPP));
            return Ok(Next::Done(71));
        }
    };
    cx.print(&format!(
        "driver: {driver}\nversion: {version}\nfirmware-version: {firmware}\nexpansion-rom-version: \nbus-info: {bus}\n\
         supports-statistics: {has_statistics}\nsupports-test: no\nsupports-eeprom-access: no\n\
         supports-register-dump: no\nsupports-priv-flags: no\n"
    ));
    Ok(Next::Done(0))
}

fn statistics(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    let device = need(cx, name, &format!("Cannot get stats strings information: {}\n", Errno::ENODEV), 96)?;
    if device.driver != Driver::Veth {
        cx.complain("no stats available\n");
        return Ok(Next::Done(94));
    }
    let peer = device.state.derived.links.get(&device.name).and_then(|link| link.link_ifindex).unwrap_or(0);
    // Only programs for XDP and what NAPI polls count here.
    let queues = [
        "rx_queue_0_xdp_packets",
        "rx_queue_0_xdp_bytes",
        "rx_queue_0_drops",
        "rx_queue_0_xdp_redirect",
        "rx_queue_0_xdp_drops",
        "rx_queue_0_xdp_tx",
        "rx_queue_0_xdp_tx_errors",
        "tx_queue_0_xdp_xmit",
        "tx_queue_0_xdp_xmit_errors",
    ];
    let queues: String = queues.iter().map(|name| format!("     {name}: 0\n")).collect();
    cx.print(&format!("NIC statistics:\n     peer_ifindex: {peer}\n{queues}"));
    Ok(Next::Done(0))
}

fn channels(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    let device = need(cx, name, NO_NAME, 1)?;
    if device.driver == Driver::Veth {
        // As many as there are processors.
        return Err(say::unsupported(cx, "ethtool", "-l"));
    }
    cx.complain("netlink error: Operation not supported\n");
    Ok(Next::Done(1))
}

fn stamps(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    let device = need(cx, name, NO_NAME, 1)?;
    let transmit = if device.driver == Driver::Bridge { "" } else { "\tsoftware-transmit\n" };
    cx.print(&format!(
        "Time stamping parameters for {}:\nCapabilities:\n{transmit}\tsoftware-receive\n\tsoftware-system-clock\n\
         PTP Hardware Clock: none\nHardware Transmit Timestamp Modes: none\nHardware Receive Filter Modes: none\n",
        device.name
    ));
    Ok(Next::Done(0))
}

/// What is wanted of a device's features, to be changed.
fn wanted<'a>(cx: &'a mut Context<'_>, state: &NetnsState, name: IfName) -> &'a mut Wanted {
    let ifindex = state.derived.links.get(&name).map_or(0, |link| link.ifindex);
    cx.features.entry((cx.netns.clone(), ifindex)).or_default()
}

fn features_of(cx: &mut Context<'_>, device: &Device) -> Vec<Feature> {
    let mut ports = Vec::new();
    if device.driver == Driver::Bridge {
        let all = device.state.config.links.iter().filter(|(_, link)| link.master == Some(device.name));
        for port in all.map(|(port, _)| *port) {
            if let Some(driver) = driver_of(&device.state, port) {
                ports.push(features(driver, wanted(cx, &device.state, port), &[]));
            }
        }
    }
    features(device.driver, wanted(cx, &device.state, device.name), &ports)
}

fn show(cx: &mut Context<'_>, name: &str) -> Result<Next, Next> {
    let device = need(cx, name, NO_NAME, 1)?;
    let all = features_of(cx, &device);
    let on = |on: bool| if on { "on" } else { "off" };
    let value = |feature: &Feature| {
        let more = match feature {
            Feature { is_fixed: true, .. } => " [fixed]".to_owned(),
            Feature { active, wanted, .. } if active != wanted => format!(" [requested {}]", on(*wanted)),
            _ => String::new(),
        };
        format!("{}{more}", on(feature.active))
    };
    let mut out = format!("Features for {}:\n", device.name);
    for (_, flag, pattern) in FLAGS {
        let of: Vec<&Feature> = all.iter().filter(|feature| is_like(feature.name, pattern)).collect();
        match of.as_slice() {
            [] => {}
            [one] => out += &format!("{flag}: {}\n", value(one)),
            many => {
                out += &format!("{flag}: {}\n", on(many.iter().any(|feature| feature.active)));
                many.iter().for_each(|feature| out += &format!("\t{}: {}\n", feature.name, value(feature)));
            }
        }
    }
    let is_alone = |feature: &&Feature| !FLAGS.iter().any(|(_, _, pattern)| is_like(feature.name, pattern));
    all.iter().filter(is_alone).for_each(|feature| out += &format!("{}: {}\n", feature.name, value(feature)));
    cx.print(&out);
    Ok(Next::Done(0))
}

/// `-K`: switches features, and says what came of it where that is not what was asked for.
fn switch(cx: &mut Context<'_>, name: &str, words: &[&str]) -> Result<Next, Next> {
    let mut asked = Wanted::new();
    let mut unknown = false;
    let mut rest = words.iter();
    while let Some(flag) = rest.next() {
        let on = match rest.next().copied() {
            Some("on") => true,
            Some("off") => false,
            value => {
                let value = value.unwrap_or("(null)");
                cx.complain(&format!(
                    "ethtool (-K): flag '{value}' for parameter '(null)' is not followed by 'on' or 'off'\n"
                ));
                return Err(Next::Done(1));
            }
        };
        match of_flag(flag) {
            Some(features) => asked.extend(features.into_iter().map(|feature| (feature, on))),
            None => unknown = true,
        }
    }
    let device = need(cx, name, NO_NAME, 92)?;
    if unknown {
        cx.complain("netlink error: bit name not found (offset 52)\nnetlink error: Operation not supported\n");
        return Err(Next::Done(92));
    }
    let before = features_of(cx, &device);
    let can = before.iter().filter(|feature| !feature.is_fixed);
    let can: Wanted = can.filter_map(|f| asked.get_key_value(f.name)).map(|(name, on)| (*name, *on)).collect();
    wanted(cx, &device.state, device.name).extend(can);
    let after = features_of(cx, &device);
    let on = |on: bool| if on { "on" } else { "off" };
    let (mut text, mut differs, mut missed) = (String::from("Actual changes:\n"), false, 0);
    for (was, is) in before.iter().zip(&after) {
        let wish = asked.get(is.name).copied();
        let more = match wish {
            Some(wish) if wish != is.active => {
                missed += 1;
                differs = true;
                format!(" [requested {}]", on(wish))
            }
            _ if was.active == is.active => continue,
            Some(_) => String::new(),
            None => {
                differs = true;
                " [not requested]".to_owned()
            }
        };
        text += &format!("{}: {}{more}\n", is.name, on(is.active));
    }
    if missed == asked.len() {
        cx.complain("Could not change any device features\n");
    }
    if differs {
        cx.print(&text);
    }
    Ok(Next::Done(u8::from(missed == asked.len())))
}
