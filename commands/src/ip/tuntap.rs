//! `ip tuntap`: TAP and TUN devices that stay.
//!
//! Counterpart: `ip/iptuntap.c`, `ip/iplink_tun.c`. The tool deletes a device by making it, where it is not there, and letting
//! it go. Deliberately absent, and refused by name: `one_queue`, which does nothing and rtnetlink does not tell of; `-d`, which
//! looks for processes that have one open.

use super::{DONE, Ip, Ran, help, unknown, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg2, invarg, matches};
use crate::iproute::page::{Colour, Page};
use crate::names::{Accounts, Roll};
use nettwin_model::virtuals::{Tun, TunMode};
use nettwin_model::{AddLink, Errno, Fault, IfName, LinkKind, NetnsState, NewLink, Op, Virtual};

/// Runs `ip tuntap …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    match words.next() {
        None => show(ip),
        Some(w) if matches(w, "add") => add(ip, words),
        Some(w) if matches(w, "delete") => delete(ip, words),
        Some(w) if matches(w, "show") || matches(w, "lst") || matches(w, "list") => show(ip),
        Some(w) if matches(w, "help") => Err(usage()),
        Some(w) => Err(unknown(w, "tuntap")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::TUNTAP)
}

/// What is said; the name may have a place for a number.
struct Said {
    name: String,
    tun: Tun,
}

/// `parse_args()`; who may open it is said of new ones only.
fn parse(ip: &mut Ip<'_, '_>, mut words: Words<'_>, creates: bool) -> Result<Said, Stop> {
    let (mut name, mut mode, mut tun) = (String::new(), None, Tun::default());
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "mode") => {
                let value = words.value()?;
                let said = [TunMode::Tun, TunMode::Tap].into_iter().find(|mode| matches(value, mode.word()));
                let unknown = || Stop::exit(MINUS_ONE, format!("Unknown tunnel mode \"{value}\"\n"));
                let said = said.ok_or_else(unknown)?;
                if mode.replace(said).is_some_and(|before| before != said) {
                    return Err(Stop::exit(MINUS_ONE, "You managed to ask for more than one tunnel mode.\n"));
                }
            }
            w if creates && matches(w, "user") => tun.user = Some(account(ip, Roll::Users, words.value()?)?),
            w if creates && matches(w, "group") => tun.group = Some(account(ip, Roll::Groups, words.value()?)?),
            w if matches(w, "pi") => tun.pi = true,
            w if matches(w, "one_queue") => return Err(unsupported("one_queue")),
            w if matches(w, "vnet_hdr") => tun.vnet_hdr = true,
            w if matches(w, "multi_queue") => tun.multi_queue = true,
            w if matches(w, "dev") => {
                let value = words.value()?;
                name = ifname(value).ok_or_else(|| invarg("\"dev\" not a valid ifname", value))?;
            }
            w => {
                let value = if matches(w, "name") { words.value()? } else { w };
                if w == value && matches(w, "help") {
                    return Err(usage());
                }
                if !name.is_empty() {
                    return Err(duparg2("name", value));
                }
                name = ifname(value).ok_or_else(|| invarg("\"name\" not a valid ifname", value))?;
            }
        }
    }
    let mode = mode.ok_or_else(|| Stop::back(1, "You failed to specify a tunnel mode\n"))?;
    if name.is_empty() {
        name = format!("{}%d", mode.word());
    }
    Ok(Said { name, tun: Tun { mode, ..tun } })
}

/// `check_ifname`, which leaves colons to the kernel.
fn ifname(word: &str) -> Option<String> {
    let wrong = |c: char| c == '/' || c.is_ascii_whitespace() || c == '\x0b';
    (!word.is_empty() && word.len() <= IfName::MAX_BYTES && !word.contains(wrong)).then(|| word.to_owned())
}

/// Somebody by number or by name.
fn account(ip: &mut Ip<'_, '_>, roll: Roll, word: &str) -> Result<u32, Stop> {
    if let Some(number) = word.parse::<i64>().ok().filter(|_| !word.starts_with('+')) {
        // As much of the number as a uid_t holds; -1 is nobody.
        return Ok(number as u32);
    }
    let found = Accounts::read(ip.kernel.cx).of_name(roll, word);
    found.ok_or_else(|| Stop::exit(MINUS_ONE, format!("invalid {} \"{word}\"\n", roll.word())))
}

/// `perror`.
fn failed(errno: Errno) -> Stop {
    Stop::back(1, format!("ioctl(TUNSETIFF): {errno}\n"))
}

/// The name with a number in its place (`dev_alloc_name`).
fn numbered(state: &NetnsState, pattern: &str) -> Result<IfName, Stop> {
    let invalid = || failed(Errno::EINVAL);
    if !pattern.contains('%') {
        return IfName::new(pattern).map_err(|_| invalid());
    }
    let (before, behind) =
        pattern.split_once("%d").filter(|(a, b)| !a.contains('%') && !b.contains('%')).ok_or_else(invalid)?;
    let named = |n: u32| IfName::new(&format!("{before}{n}{behind}")).ok();
    (0..=u32::from(u16::MAX))
        .map_while(named)
        .find(|name| !state.config.links.contains_key(name))
        .ok_or_else(|| failed(Errno::ENFILE))
}

fn make(ip: &mut Ip<'_, '_>, name: IfName, tun: Tun) -> Result<(), Stop> {
    // The kernel's -1 is nobody.
    let somebody = |id: Option<u32>| id.filter(|id| *id != u32::MAX);
    let tun = Tun { user: somebody(tun.user), group: somebody(tun.group), ..tun };
    let netns = ip.kernel.netns.clone();
    let kind = NewLink::Virtual(Virtual::Tun(tun));
    let link = AddLink { netns, name, kind, mac: None, mtu: None, master: None, up: false };
    match crate::say::execute(ip.kernel.cx, Op::AddLink(Box::new(link))) {
        Ok(()) => Ok(()),
        Err(Fault::Refused { errno, .. }) => Err(failed(errno)),
        Err(fault) => Err(crate::iproute::kernel::refusal(&fault)),
    }
}

fn add(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let said = parse(ip, words, true)?;
    let name = numbered(&ip.kernel.state()?, &said.name)?;
    make(ip, name, said.tun)?;
    DONE
}

fn delete(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let said = parse(ip, words, false)?;
    let state = ip.kernel.state()?;
    let name = numbered(&state, &said.name)?;
    match state.config.links.get(&name).map(|link| &link.kind) {
        None => make(ip, name, said.tun)?,
        Some(LinkKind::Virtual(Virtual::Tun(tun)))
            if tun.mode == said.tun.mode && tun.multi_queue == said.tun.multi_queue => {}
        Some(_) => return Err(failed(Errno::EINVAL)),
    }
    ip.kernel.talk(Op::DelLink { netns: ip.kernel.netns.clone(), name })?;
    DONE
}

fn show(ip: &mut Ip<'_, '_>) -> Ran {
    if ip.options.details {
        return Err(unsupported("-d tuntap"));
    }
    let state = ip.kernel.state()?;
    let mut found: Vec<(u32, IfName, &Tun)> = Vec::new();
    for (name, link) in &state.config.links {
        if let (LinkKind::Virtual(Virtual::Tun(tun)), Some(derived)) = (&link.kind, state.derived.links.get(name)) {
            found.push((derived.ifindex, *name, tun));
        }
    }
    found.sort_unstable_by_key(|(index, ..)| *index);
    let mut page = ip.page();
    page.open();
    for (_, name, tun) in found {
        page.open_object("");
        page.paint(Colour::Ifname, "ifname", name.as_str(), format_args!("{name}:"));
        page.open_array("flags");
        // What has no filter of its own is called so, by a flag that it shares with `pi`.
        let flags = [
            (tun.mode.word(), true),
            ("pi", tun.pi),
            ("multi_queue", tun.multi_queue),
            ("vnet_hdr", tun.vnet_hdr),
            ("persist", true),
            ("filter", tun.pi),
        ];
        for (flag, _) in flags.into_iter().filter(|(_, on)| *on) {
            page.item(flag, format_args!(" {flag}"));
        }
        page.close_array();
        for (key, id) in [("user", tun.user), ("group", tun.group)] {
            if let Some(id) = id {
                page.say(key, id, format_args!(" {key} {id}"));
            }
        }
        page.close_object();
        page.nl();
    }
    page.close();
    ip.print(page);
    DONE
}

/// What is shown between the kind and the next line.
pub(super) fn print(page: &mut Page, tun: &Tun, accounts: &Accounts) {
    let mode = tun.mode.word();
    page.say("type", mode, format_args!("type {mode} "));
    let on_off = |on: bool| if on { "on" } else { "off" };
    for (key, on) in [("pi", tun.pi), ("vnet_hdr", tun.vnet_hdr)] {
        page.say(key, on, format_args!("{key} {} ", on_off(on)));
    }
    if tun.multi_queue {
        page.say("multi_queue", true, format_args!("multi_queue "));
        page.say("numqueues", 0u32, format_args!("numqueues 0 "));
        page.say("numdisabled", 0u32, format_args!("numdisabled 0 "));
    } else {
        page.field("multi_queue", false);
    }
    page.say("persist", true, format_args!("persist on "));
    for (roll, id) in [(Roll::Users, tun.user), (Roll::Groups, tun.group)] {
        let key = roll.word();
        match id.map(|id| (id, accounts.of_id(roll, id))) {
            Some((_, Some(name))) => page.say(key, name, format_args!("{key} {name} ")),
            Some((id, None)) => page.say(key, id, format_args!("{key} {id} ")),
            None => {}
        }
    }
}
