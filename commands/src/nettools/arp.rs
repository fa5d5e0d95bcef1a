//! `arp`.
//!
//! Counterpart: `arp.c`, and the kernel's `arp_req_set()` and `arp_req_delete()`, which choose a device where none is named.
//! Deliberately absent: masks of proxy entries. The kernel lists in hash order with a random seed; here by
//! device and address.

use super::inet;
use super::{Ran, WRONG_WORDS, help};
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::names::Names;
use crate::say;
use nettwin_model::{Answer, Errno, Fault, IfName, LinkKind, Mac, Neigh, NetnsState, Nud, Op, Query, RouteGet};
use std::net::{IpAddr, Ipv4Addr};

/// Begins `arp`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

/// `exit(-1)`.
const FAILED: Next = Next::Done(255);

const LONG: &[Long] = &[
    ("verbose", Takes::Nothing, 'v'),
    ("version", Takes::Nothing, 'V'),
    ("all", Takes::Nothing, 'a'),
    ("delete", Takes::Nothing, 'd'),
    ("file", Takes::Nothing, 'f'),
    ("numeric", Takes::Nothing, 'n'),
    ("set", Takes::Nothing, 's'),
    ("protocol", Takes::Value, 'A'),
    ("hw-type", Takes::Value, 'H'),
    ("device", Takes::Value, 'i'),
    ("help", Takes::Nothing, 'h'),
    ("use-device", Takes::Nothing, 'D'),
    ("symbolic", Takes::Nothing, 'N'),
];

/// How it was called.
#[derive(Default)]
struct Manner {
    numeric: bool,
    verbose: bool,
    bsd: bool,
    use_device: bool,
    device: Option<String>,
}

fn run(cx: &mut Context<'_>, words: &[String]) -> Ran {
    let Some((program, words)) = words.split_first() else { return Ok(Next::Done(1)) };
    let parsed = getopt::parse(words, "A:H:adfp:nsei:t:vh?DNV", LONG);
    let (mut manner, mut what) = (Manner::default(), 0u8);
    for met in parsed.options {
        match met {
            Met::Option('v', _) => manner.verbose = true,
            Met::Option('n', _) => manner.numeric = true,
            Met::Option('a', _) => manner.bsd = true,
            Met::Option('e', _) => manner.bsd = false,
            Met::Option('D', _) => manner.use_device = true,
            Met::Option('i', device) => manner.device = device,
            Met::Option('d', _) => what = b'd',
            Met::Option('s', _) => what = b's',
            Met::Option('f', _) => what = b'f',
            Met::Option('N', _) => return Ok(say::unsupported(cx, "arp", "-N")),
            Met::Option('A' | 'p', Some(family)) => match family.as_str() {
                "inet" => {}
                known if help::FAMILIES.contains(&known) => return Ok(say::unsupported(cx, "arp", known)),
                other => return Ok(fail(cx, &format!("arp: {other}: unknown address family."))),
            },
            Met::Option('H' | 't', Some(kind)) => match kind.as_str() {
                "ether" => {}
                known if help::HARDWARE.contains(&known) => return Ok(say::unsupported(cx, "arp", known)),
                other => return Ok(fail(cx, &format!("arp: {other}: unknown hardware type."))),
            },
            Met::Option('V', _) => {
                cx.print(help::ARP_VERSION);
                return Ok(Next::Done(0));
            }
            Met::Option('h', _) => return Ok(usage(cx, 0)),
            Met::Option(..) => return Ok(usage(cx, WRONG_WORDS)),
            Met::Wrong(complaint) => {
                cx.complain(&format!("{program}: {complaint}\n"));
                return Ok(usage(cx, WRONG_WORDS));
            }
        }
    }
    let args = &parsed.operands;
    match what {
        b'd' => delete(cx, &manner, args),
        b's' => set(cx, &manner, args),
        b'f' => load(cx, &manner, args.first().map_or("/etc/ethers", String::as_str)),
        _ => show(cx, &manner, args.first().map(String::as_str)),
    }
}

fn fail(cx: &mut Context<'_>, text: &str) -> Next {
    cx.complain(&format!("{text}\n"));
    FAILED
}

/// The usage goes where the status says, the kinds of hardware always to standard error.
fn usage(cx: &mut Context<'_>, status: u8) -> Next {
    help::say(cx, status, help::ARP);
    cx.complain(help::ARP_HARDWARE);
    Next::Done(status)
}

fn host(cx: &mut Context<'_>, word: Option<&String>) -> Result<Ipv4Addr, Next> {
    let Some(word) = word else { return Err(fail(cx, "arp: need host name")) };
    inet::resolve(cx, word, false).map(|r| r.addr).map_err(|why| fail(cx, &format!("{word}: {why}")))
}

/// What follows host and hardware address.
struct Flags {
    public: bool,
    permanent: bool,
    device: Option<String>,
}

fn flags(cx: &mut Context<'_>, manner: &Manner, words: &[String]) -> Result<Flags, Next> {
    let mut flags = Flags { public: false, permanent: true, device: manner.device.clone() };
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "pub" => flags.public = true,
            "temp" => flags.permanent = false,
            "trail" => {}
            "priv" | "dontpub" | "auto" | "netmask" => return Err(say::unsupported(cx, "arp", word)),
            "dev" => match words.next() {
                Some(device) => flags.device = Some(device.to_owned()),
                None => return Err(usage(cx, WRONG_WORDS)),
            },
            _ => return Err(usage(cx, WRONG_WORDS)),
        }
    }
    Ok(flags)
}

fn set(cx: &mut Context<'_>, manner: &Manner, args: &[String]) -> Ran {
    let addr = host(cx, args.first())?;
    let Some(hardware) = args.get(1) else { return Ok(fail(cx, "arp: need hardware address")) };
    let state = super::state(cx, "arp")?;
    let mac = if manner.use_device {
        let found = super::device(&state, hardware).and_then(|dev| state.derived.links.get(&dev));
        match found {
            Some(link) => link.mac,
            None => {
                let text = format!("arp: cant get HW-Address for `{hardware}': {}.", Errno::ENODEV);
                return Ok(fail(cx, &text));
            }
        }
    } else {
        match hardware_address(hardware) {
            Some(mac) => mac,
            None => return Ok(fail(cx, "arp: invalid hardware address")),
        }
    };
    let flags = flags(cx, manner, &args[2..])?;
    if manner.verbose {
        cx.complain("arp: SIOCSARP()\n");
    }
    let dev = match device(cx, &state, &flags, addr, Some(mac)) {
        Ok(dev) => dev,
        Err(fault) => return refused(cx, "SIOCSARP", &fault),
    };
    let state = match (flags.public || flags.permanent, state.config.links.get(&dev).map(|link| &link.kind)) {
        // Its hardware is no Ethernet.
        (_, Some(LinkKind::Loopback)) => return refused(cx, "SIOCSARP", &Fault::errno(Errno::EINVAL)),
        (true, _) => Nud::Permanent,
        (false, _) => Nud::Stale,
    };
    let lladdr = (!flags.public).then_some(mac);
    let neigh = Neigh { dev, dst: IpAddr::V4(addr), lladdr, state, proxy: flags.public, extra: Default::default() };
    let result = say::execute(cx, Op::AddNeigh { netns: cx.netns.clone(), neigh, replace: true });
    match result {
        Ok(()) => Ok(Next::Done(0)),
        Err(fault) => refused(cx, "SIOCSARP", &fault),
    }
}

/// `arp -f FILE`: an entry a line (`arp_file`).
fn load(cx: &mut Context<'_>, manner: &Manner, file: &str) -> Ran {
    let Ok(text) = cx.files.read(file) else {
        return Ok(fail(cx, &format!("arp: cannot open etherfile {file} !")));
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
        if manner.verbose {
            cx.complain(&format!(">> {line}\n"));
        }
        let args: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
        if args.is_empty() || line.starts_with('#') {
            continue;
        }
        if args.len() < 2 {
            cx.complain(&format!("arp: format error on line {number} of etherfile {file} !\n"));
        } else if set(cx, manner, &args)? != Next::Done(0) {
            cx.complain(&format!("arp: cannot set entry on line {number} of etherfile {file} !\n"));
        }
    }
    Ok(Next::Done(0))
}

fn refused(cx: &mut Context<'_>, call: &str, fault: &Fault) -> Ran {
    let errno = say::errno(cx, "arp", fault)?;
    Ok(fail(cx, &format!("{call}: {errno}")))
}

/// Six numbers as `in_ether` takes them: the colons may be left out, and what is too long is left.
fn hardware_address(word: &str) -> Option<Mac> {
    let mut bytes = [0u8; 6];
    let mut rest = word;
    for byte in &mut bytes {
        let digits = rest.len().min(2).min(rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len()));
        *byte = u8::from_str_radix(rest.get(..digits)?, 16).ok()?;
        rest = &rest[digits..];
        rest = rest.strip_prefix(':').unwrap_or(rest);
    }
    Some(Mac(bytes))
}

/// The device of an entry: the one named; for a proxy entry the one with that hardware address; otherwise the one by which
/// the address is on the link.
fn device(
    cx: &mut Context<'_>,
    state: &NetnsState,
    flags: &Flags,
    addr: Ipv4Addr,
    mac: Option<Mac>,
) -> Result<IfName, Fault> {
    if let Some(word) = &flags.device {
        return super::device(state, word).ok_or(Fault::errno(Errno::ENODEV));
    }
    if flags.public {
        let mut by_mac = state.derived.links.iter().filter(|(_, link)| Some(link.mac) == mac);
        return by_mac.next().map(|(dev, _)| *dev).ok_or(Fault::errno(Errno::ENODEV));
    }
    let question = RouteGet::new(cx.netns.clone(), IpAddr::V4(addr));
    let Answer::Route(got) = cx.machine.query(&Query::RouteGet(question))? else {
        return Err(Fault::Broken("the machine answered another question".into()));
    };
    match got.route.nexthops.first() {
        Some(hop) if hop.via.is_none() => hop.dev.ok_or(Fault::errno(Errno::ENETUNREACH)),
        _ => Err(Fault::errno(Errno::ENETUNREACH)),
    }
}

fn delete(cx: &mut Context<'_>, manner: &Manner, args: &[String]) -> Ran {
    let addr = host(cx, args.first())?;
    let flags = flags(cx, manner, &args[1..])?;
    let state = super::state(cx, "arp")?;
    let no_entry = |cx: &mut Context<'_>| {
        cx.print(&format!("No ARP entry for {}\n", args[0]));
        Ok(FAILED)
    };
    let dev = if flags.public && flags.device.is_none() {
        // Without a device a proxy entry of all devices is meant, of which there is none.
        return no_entry(cx);
    } else {
        match device(cx, &state, &flags, addr, None) {
            Ok(dev) => dev,
            Err(fault) => return refused(cx, "SIOCDARP(dontpub)", &fault),
        }
    };
    let dst = IpAddr::V4(addr);
    let neigh = Neigh { dev, dst, lladdr: None, state: Nud::None, proxy: flags.public, extra: Default::default() };
    let result = say::execute(cx, Op::DelNeigh { netns: cx.netns.clone(), neigh });
    match result {
        Ok(()) => Ok(Next::Done(0)),
        Err(Fault::Refused { errno: Errno::ENOENT | Errno::ENXIO, .. }) => no_entry(cx),
        Err(fault) => refused(cx, "SIOCDARP(dontpub)", &fault),
    }
}

fn show(cx: &mut Context<'_>, manner: &Manner, word: Option<&str>) -> Ran {
    let wanted = match word {
        None => None,
        Some(word) => Some(host(cx, Some(&word.to_owned()))?),
    };
    let state = super::state(cx, "arp")?;
    let mut all: Vec<&Neigh> = state.config.neighs.iter().chain(&state.volatile.neighs).collect();
    all.sort_by_key(|n| (n.proxy, n.dev, n.dst));
    let hosts = (!manner.numeric).then(|| Names::hosts(cx));
    let fits = |n: &&&Neigh| {
        wanted.is_none_or(|addr| n.dst == IpAddr::V4(addr))
            && manner.device.as_ref().is_none_or(|dev| n.dev.as_str() == dev)
    };
    let shown: Vec<&&Neigh> = all.iter().filter(fits).collect();
    let mut out = String::new();
    for (i, neigh) in shown.iter().enumerate() {
        let name = match (neigh.dst, &hosts) {
            (IpAddr::V4(addr), Some(hosts)) => hosts.of_addr(addr).map(str::to_owned),
            _ => None,
        };
        if manner.bsd {
            out.push_str(&bsd_line(neigh, name));
        } else {
            if i == 0 {
                out.push_str("Address                  HWtype  HWaddress           Flags Mask            Iface\n");
            }
            out.push_str(&linux_line(neigh, name));
        }
    }
    if manner.verbose {
        let (entries, found) = (all.len(), shown.len());
        out.push_str(&format!("Entries: {entries}\tSkipped: {}\tFound: {found}\n", entries - found));
    }
    if shown.is_empty() {
        match (word, wanted) {
            (Some(word), Some(addr)) if !manner.bsd => out.push_str(&format!("{word} ({addr}) -- no entry\n")),
            _ if word.is_some() || manner.device.is_some() => {
                out.push_str(&format!("arp: in {} entries no match found.\n", all.len()));
            }
            _ => {}
        }
    }
    cx.print(&out);
    Ok(Next::Done(0))
}

/// What there is to say of an entry's address: known, given by its interface, or neither.
enum Hardware {
    Known(Mac),
    FromInterface,
    Incomplete,
}

fn hardware(neigh: &Neigh) -> Hardware {
    match neigh.lladdr {
        _ if neigh.proxy => Hardware::FromInterface,
        Some(mac) if !matches!(neigh.state, Nud::Incomplete | Nud::Failed | Nud::None) => Hardware::Known(mac),
        _ => Hardware::Incomplete,
    }
}

fn linux_line(neigh: &Neigh, name: Option<String>) -> String {
    let name = name.unwrap_or_else(|| neigh.dst.to_string());
    let permanent = neigh.state == Nud::Permanent;
    let (kind, address, flags) = match hardware(neigh) {
        Hardware::Known(mac) => ("ether", mac.to_string(), if permanent { "CM" } else { "C" }),
        Hardware::FromInterface => ("*", "<from_interface>".to_owned(), "MP"),
        Hardware::Incomplete => ("", "(incomplete)".to_owned(), ""),
    };
    format!("{name:<23.23}  {kind:<8.8}{address:<20.20}{flags:<6.6}{:<15.15} {}\n", "", neigh.dev)
}

fn bsd_line(neigh: &Neigh, name: Option<String>) -> String {
    let what = match hardware(neigh) {
        Hardware::Known(mac) => format!("{mac} [ether] "),
        Hardware::FromInterface => "<from_interface> ".to_owned(),
        Hardware::Incomplete => "<incomplete> ".to_owned(),
    };
    let permanent = if neigh.state == Nud::Permanent || neigh.proxy { "PERM " } else { "" };
    let public = if neigh.proxy { "PUB " } else { "" };
    format!("{} ({}) at {what}{permanent}{public}on {}\n", name.as_deref().unwrap_or("?"), neigh.dst, neigh.dev)
}
