//! `brctl`.
//!
//! Counterpart: bridge-utils 1.7 (`brctl.c`, `brctl_cmd.c`, `libbridge/`), whose order of checks decides which complaint
//! comes first. Deliberately absent: times that do not fit 32 bits of hundredths of a second.

mod print;

use crate::getopt::{self, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::number::strtol;
use crate::say;
use nettwin_model::bridge::BridgeStatus;
use nettwin_model::{
    AddLink, BridgeAttrs, Errno, Fault, IfName, LinkChange, LinkKind, NetnsState, NewLink, Op, PortAttrs,
};

/// Begins `brctl`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

/// `Err` is an end before the end, as `exit(3)` is.
type Ran = Result<Next, Next>;

struct Command {
    name: &'static str,
    /// How many words it needs.
    needs: usize,
    run: fn(&mut Context<'_>, &[String]) -> Ran,
    help: &'static str,
}

const COMMANDS: &[Command] = &[
    Command { name: "addbr", needs: 1, run: addbr, help: "<bridge>\t\tadd bridge" },
    Command { name: "delbr", needs: 1, run: delbr, help: "<bridge>\t\tdelete bridge" },
    Command { name: "addif", needs: 2, run: addif, help: "<bridge> <device>\tadd interface to bridge" },
    Command { name: "delif", needs: 2, run: delif, help: "<bridge> <device>\tdelete interface from bridge" },
    Command { name: "hairpin", needs: 3, run: hairpin, help: "<bridge> <port> {on|off}\tturn hairpin on/off" },
    Command { name: "setageing", needs: 2, run: setageing, help: "<bridge> <time>\t\tset ageing time" },
    Command { name: "setbridgeprio", needs: 2, run: setbridgeprio, help: "<bridge> <prio>\t\tset bridge priority" },
    Command { name: "setfd", needs: 2, run: setfd, help: "<bridge> <time>\t\tset bridge forward delay" },
    Command { name: "sethello", needs: 2, run: sethello, help: "<bridge> <time>\t\tset hello time" },
    Command { name: "setmaxage", needs: 2, run: setmaxage, help: "<bridge> <time>\t\tset max message age" },
    Command { name: "setpathcost", needs: 3, run: setpathcost, help: "<bridge> <port> <cost>\tset path cost" },
    Command { name: "setportprio", needs: 3, run: setportprio, help: "<bridge> <port> <prio>\tset port priority" },
    Command { name: "show", needs: 0, run: show, help: "[ <bridge> ]\t\tshow a list of bridges" },
    Command { name: "showmacs", needs: 1, run: showmacs, help: "<bridge>\t\tshow a list of mac addrs" },
    Command { name: "showstp", needs: 1, run: showstp, help: "<bridge>\t\tshow bridge stp info" },
    Command { name: "stp", needs: 2, run: stp, help: "<bridge> {on|off}\tturn stp on/off" },
];

fn run(cx: &mut Context<'_>, words: &[String]) -> Ran {
    let long = [("help", Takes::Nothing, 'h'), ("version", Takes::Nothing, 'V')];
    let parsed = getopt::parse(words.get(1..).unwrap_or_default(), "Vh", &long);
    if let Some(met) = parsed.options.first() {
        return Ok(match met {
            Met::Option('V', _) => {
                cx.print("bridge-utils, 1.7\n");
                Next::Done(0)
            }
            Met::Option(..) => {
                help(cx);
                Next::Done(0)
            }
            Met::Wrong(complaint) => {
                cx.complain(&format!("{}: {complaint}\nUnknown option '?'\n", words[0]));
                help(cx);
                Next::Done(1)
            }
        });
    }
    let Some((name, args)) = parsed.operands.split_first() else {
        help(cx);
        return Ok(Next::Done(1));
    };
    let Some(command) = COMMANDS.iter().find(|c| c.name == name) else {
        cx.complain(&format!("never heard of command [{name}]\n"));
        help(cx);
        return Ok(Next::Done(1));
    };
    if args.len() < command.needs {
        cx.print("Incorrect number of arguments for command\n");
        cx.print(&format!("Usage: brctl {} {}\n", command.name, command.help));
        return Ok(Next::Done(1));
    }
    (command.run)(cx, args)
}

fn help(cx: &mut Context<'_>) {
    cx.print("Usage: brctl [commands]\ncommands:\n");
    for command in COMMANDS {
        cx.print(&format!("\t{:<10}\t{}\n", command.name, command.help));
    }
}

const DONE: Ran = Ok(Next::Done(0));

fn complain(cx: &mut Context<'_>, text: &str) -> Ran {
    cx.complain(&format!("{text}\n"));
    Ok(Next::Done(1))
}

/// The kernel's word on an op, as an errno.
fn verdict(cx: &mut Context<'_>, result: Result<(), Fault>) -> Result<Result<(), Errno>, Next> {
    match result {
        Ok(()) => Ok(Ok(())),
        Err(fault) => say::errno(cx, "brctl", &fault).map(Err),
    }
}

fn state(cx: &mut Context<'_>) -> Result<NetnsState, Next> {
    say::state(cx).map_err(|fault| say::errno(cx, "brctl", &fault).map_or_else(|end| end, |_| Next::Done(1)))
}

fn bridge_status(cx: &mut Context<'_>, name: IfName) -> Result<BridgeStatus, Fault> {
    let netns = cx.netns.clone();
    say::bridge(cx, &netns, name)
}

/// The link of that name. Words longer than a name can be are cut, as `strncpy` does.
fn named(state: &NetnsState, name: &str) -> Option<IfName> {
    let name = IfName::new(cut(name)).ok()?;
    state.config.links.contains_key(&name).then_some(name)
}

fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(IfName::MAX_BYTES)]
}

fn is_bridge(state: &NetnsState, name: IfName) -> bool {
    state.config.links.get(&name).is_some_and(|link| link.kind == LinkKind::Bridge)
}

fn addbr(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let state = state(cx)?;
    let failed = |cx: &mut Context<'_>, errno: Errno| complain(cx, &format!("add bridge failed: {errno}"));
    let Some(name) = free_name(&state, cut(&args[0])) else { return failed(cx, Errno::EINVAL) };
    let kind = NewLink::Bridge { attrs: BridgeAttrs::default() };
    let link = AddLink { netns: cx.netns.clone(), name, kind, mac: None, mtu: None, master: None, up: false };
    let result = say::execute(cx, Op::AddLink(Box::new(link)));
    match verdict(cx, result)? {
        Ok(()) => DONE,
        Err(Errno::EEXIST) => {
            complain(cx, &format!("device {} already exists; can't create bridge with the same name", args[0]))
        }
        Err(errno) => failed(cx, errno),
    }
}

/// A name with `%d` is that with the least number that is free (`dev_alloc_name`).
fn free_name(state: &NetnsState, text: &str) -> Option<IfName> {
    match text.split_once('%') {
        None => IfName::new(text).ok(),
        Some((before, after)) => {
            let after = after.strip_prefix('d').filter(|rest| !rest.contains('%'))?;
            let names = (0..=state.config.links.len()).map(|n| IfName::new(&format!("{before}{n}{after}")));
            names.flatten().find(|name| !state.config.links.contains_key(name))
        }
    }
}

fn delbr(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let state = state(cx)?;
    let bridge = &args[0];
    let Some(name) = named(&state, bridge) else {
        return complain(cx, &format!("bridge {bridge} doesn't exist; can't delete it"));
    };
    if !is_bridge(&state, name) {
        return complain(cx, &format!("can't delete bridge {bridge}: {}", Errno::EPERM));
    }
    if state.config.links[&name].up {
        return complain(cx, &format!("bridge {bridge} is still up; can't delete it"));
    }
    let result = say::execute(cx, Op::DelLink { netns: cx.netns.clone(), name });
    match verdict(cx, result)? {
        Ok(()) => DONE,
        Err(errno) => complain(cx, &format!("can't delete bridge {bridge}: {errno}")),
    }
}

/// The bridge and the interface that `addif`, `delif` and `hairpin` name, in the order in which they are missed.
fn find_both(cx: &mut Context<'_>, state: &NetnsState, bridge: &str, port: &str) -> Result<(IfName, IfName), Next> {
    let missing = |cx: &mut Context<'_>, what: &str, name: &str| {
        cx.complain(&format!("{what} {name} does not exist!\n"));
        Next::Done(1)
    };
    let port = named(state, port).ok_or_else(|| missing(cx, "interface", port))?;
    let bridge = named(state, bridge).ok_or_else(|| missing(cx, "bridge", bridge))?;
    Ok((bridge, port))
}

fn set_master(cx: &mut Context<'_>, port: IfName, master: Option<IfName>) -> Result<(), Fault> {
    let change = LinkChange { master: Some(master), ..LinkChange::default() };
    say::execute(cx, Op::SetLink { netns: cx.netns.clone(), name: port, change: Box::new(change) })
}

fn addif(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let bridge_word = &args[0];
    for word in &args[1..] {
        let state = state(cx)?;
        let (bridge, port) = find_both(cx, &state, bridge_word, word)?;
        let link = &state.config.links[&port];
        let refused = if !is_bridge(&state, bridge) {
            Some(Errno::EOPNOTSUPP)
        } else if link.kind == LinkKind::Bridge {
            Some(Errno::ELOOP)
        } else if link.master.is_some() {
            Some(Errno::EBUSY)
        } else {
            let result = set_master(cx, port, Some(bridge));
            verdict(cx, result)?.err()
        };
        match refused {
            None => {}
            Some(Errno::EBUSY) => {
                let text =
                    format!("device {word} is already a member of a bridge; can't add it to bridge {bridge_word}.");
                return complain(cx, &text);
            }
            Some(Errno::ELOOP) => {
                let what = "is a bridge device itself; can't add a bridge device to a bridge device.";
                return complain(cx, &format!("device {word} {what}"));
            }
            Some(errno) => return complain(cx, &format!("can't add {word} to bridge {bridge_word}: {errno}")),
        }
    }
    DONE
}

fn delif(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let bridge_word = &args[0];
    for word in &args[1..] {
        let state = state(cx)?;
        let (bridge, port) = find_both(cx, &state, bridge_word, word)?;
        let refused = if !is_bridge(&state, bridge) {
            Some(Errno::EOPNOTSUPP)
        } else if state.config.links[&port].master != Some(bridge) {
            Some(Errno::EINVAL)
        } else {
            let result = set_master(cx, port, None);
            verdict(cx, result)?.err()
        };
        match refused {
            None => {}
            Some(Errno::EINVAL) => return complain(cx, &format!("device {word} is not a port of {bridge_word}")),
            Some(errno) => return complain(cx, &format!("can't delete {word} from {bridge_word}: {errno}")),
        }
    }
    DONE
}

/// `on` or `off`, in any of the words for it.
fn on_off(cx: &mut Context<'_>, word: &str) -> Result<bool, Next> {
    match word {
        "on" | "yes" | "1" => Ok(true),
        "off" | "no" | "0" => Ok(false),
        _ => {
            cx.complain("expect on/off for argument\n");
            Err(Next::Done(1))
        }
    }
}

fn hairpin(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let on = on_off(cx, &args[2])?;
    let state = state(cx)?;
    let missing =
        |cx: &mut Context<'_>, what: &str, name: &str| complain(cx, &format!("{what} {name} does not exist!"));
    if named(&state, &args[0]).is_none() {
        return missing(cx, "bridge", &args[0]);
    }
    if named(&state, &args[1]).is_none() {
        return missing(cx, "interface", &args[1]);
    }
    let attrs = PortAttrs { hairpin: Some(on), ..PortAttrs::default() };
    match set_port(cx, &args[1], attrs)? {
        Ok(()) => DONE,
        Err(errno) => complain(cx, &format!("can't set {} to hairpin on bridge {}: {errno}", args[1], args[0])),
    }
}

fn set_bridge(cx: &mut Context<'_>, bridge: &str, what: &str, attrs: BridgeAttrs) -> Ran {
    let name = named(&state(cx)?, bridge);
    let result = match name {
        None => Err(Fault::errno(Errno::ENODEV)),
        Some(name) => say::execute(cx, Op::SetBridge { netns: cx.netns.clone(), name, attrs }),
    };
    match verdict(cx, result)? {
        Ok(()) => DONE,
        Err(errno) => complain(cx, &format!("{what} failed: {errno}")),
    }
}

/// The bridge's name is not looked at: a port's settings are found by its own.
fn set_port(cx: &mut Context<'_>, port: &str, attrs: PortAttrs) -> Result<Result<(), Errno>, Next> {
    let state = state(cx)?;
    let Some(name) = named(&state, port) else { return Ok(Err(Errno::ENODEV)) };
    if state.config.links[&name].master.is_none() {
        return Ok(Err(Errno::ENOENT));
    }
    let result = say::execute(cx, Op::SetPort { netns: cx.netns.clone(), name, attrs });
    verdict(cx, result)
}

/// Seconds, in hundredths. What C's `double` and a 32-bit count of hundredths do not both hold is refused.
fn seconds(cx: &mut Context<'_>, word: &str, bad: &str) -> Result<u32, Next> {
    let Some(seconds) = crate::number::strtod(word) else {
        cx.complain(&format!("{bad}\n"));
        return Err(Next::Done(1));
    };
    // Whole seconds and microseconds, each cut, as a timeval holds them.
    let micros = (seconds.fract() * 1e6).trunc();
    let centis = seconds.trunc() * 100.0 + (micros / 1e4).trunc();
    if (0.0..=f64::from(u32::MAX)).contains(&centis) {
        Ok(centis as u32)
    } else {
        Err(say::unsupported(cx, "brctl", word))
    }
}

fn setageing(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let time = seconds(cx, &args[1], "bad ageing time value")?;
    set_bridge(cx, &args[0], "set ageing time", BridgeAttrs { ageing_time: Some(time), ..BridgeAttrs::default() })
}

fn setfd(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let time = seconds(cx, &args[1], "bad forward delay value")?;
    set_bridge(cx, &args[0], "set forward delay", BridgeAttrs { forward_delay: Some(time), ..BridgeAttrs::default() })
}

fn sethello(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let time = seconds(cx, &args[1], "bad hello time value")?;
    set_bridge(cx, &args[0], "set hello timer", BridgeAttrs { hello_time: Some(time), ..BridgeAttrs::default() })
}

fn setmaxage(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let time = seconds(cx, &args[1], "bad max age value")?;
    set_bridge(cx, &args[0], "set max age", BridgeAttrs { max_age: Some(time), ..BridgeAttrs::default() })
}

fn setbridgeprio(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let Some(priority) = strtol(&args[1], 0) else { return complain(cx, "bad priority") };
    // Sixteen bits of it count.
    let attrs = BridgeAttrs { priority: Some((priority & 0xffff) as u16), ..BridgeAttrs::default() };
    set_bridge(cx, &args[0], "set bridge priority", attrs)
}

fn setpathcost(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let Some(cost) = strtol(&args[2], 0) else { return complain(cx, "bad path cost value") };
    let cost = u32::try_from(cost).unwrap_or(u32::MAX);
    match set_port(cx, &args[1], PortAttrs { cost: Some(cost), ..PortAttrs::default() })? {
        Ok(()) => DONE,
        Err(errno) => complain(cx, &format!("set path cost failed: {errno}")),
    }
}

fn setportprio(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let Some(priority) = strtol(&args[2], 0) else { return complain(cx, "bad path priority value") };
    let priority = u16::try_from(priority).unwrap_or(u16::MAX);
    match set_port(cx, &args[1], PortAttrs { priority: Some(priority), ..PortAttrs::default() })? {
        Ok(()) => DONE,
        Err(errno) => complain(cx, &format!("set port priority failed: {errno}")),
    }
}

fn stp(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let on = on_off(cx, &args[1])?;
    set_bridge(cx, &args[0], "set stp status", BridgeAttrs { stp_state: Some(on), ..BridgeAttrs::default() })
}

fn show(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let state = state(cx)?;
    if args.is_empty() {
        let bridges: Vec<IfName> = state.config.links.keys().copied().filter(|name| is_bridge(&state, *name)).collect();
        cx.print(&print::show(&state, &bridges));
        return DONE;
    }
    let (mut bridges, mut status) = (Vec::new(), 0);
    for word in args {
        match named(&state, word) {
            Some(name) if is_bridge(&state, name) => bridges.push(name),
            Some(_) => (_, status) = (cx.complain(&format!("device {word} is not a bridge!\n")), 1),
            None => (_, status) = (cx.complain(&format!("bridge {word} does not exist!\n")), 1),
        }
    }
    cx.print(&print::show(&state, &bridges));
    Ok(Next::Done(status))
}

fn showmacs(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let state = state(cx)?;
    let status = match named(&state, &args[0]) {
        None => Err(Fault::errno(Errno::ENODEV)),
        Some(name) => bridge_status(cx, name),
    };
    match status {
        Ok(status) => {
            cx.print(&print::macs(&state, &status));
            DONE
        }
        Err(fault) => {
            let errno = say::errno(cx, "brctl", &fault)?;
            complain(cx, &format!("read of forward table failed: {errno}"))
        }
    }
}

fn showstp(cx: &mut Context<'_>, args: &[String]) -> Ran {
    let state = state(cx)?;
    let word = &args[0];
    match named(&state, word) {
        None => complain(cx, &format!("bridge {word} does not exist!")),
        Some(name) if !is_bridge(&state, name) => complain(cx, &format!("device {word} is not a bridge!")),
        Some(name) => match bridge_status(cx, name) {
            Ok(status) => {
                cx.print(&print::stp(&state, name, &status));
                DONE
            }
            Err(fault) => {
                let errno = say::errno(cx, "brctl", &fault)?;
                complain(cx, &format!("{word}: can't get info {errno}"))
            }
        },
    }
}
