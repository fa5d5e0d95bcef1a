//! `ip neighbour`.
//!
//! Counterpart: `ip/ipneigh.c`. The kernel lists in hash order with a random seed; here by device and address. Deliberately absent,
//! and refused by name: `unused`, masters.

use super::{After, DONE, Ip, Ran, help, unknown, unsupported, vrf};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, duparg2, invarg, matches};
use crate::iproute::inet::{self, Family, Prefix};
use crate::iproute::names;
use crate::iproute::page::{Colour, Page, Value};
use nettwin_model::snapshot::NeighUse;
use nettwin_model::words::route::proto_word;
use nettwin_model::{Errno, IfName, Instant, Neigh, NeighExtra, NetnsState, Nud, Op};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Runs `ip neighbour …`.
pub(super) fn run(ip: &mut Ip<'_, '_>, _: &str, mut words: Words<'_>) -> Ran {
    let Some(command) = words.next() else { return show(ip, words) };
    match command {
        w if matches(w, "add") => modify(ip, words, Verb::Add),
        w if matches(w, "change") || w == "chg" => modify(ip, words, Verb::Change),
        w if matches(w, "replace") => modify(ip, words, Verb::Replace),
        w if matches(w, "delete") => modify(ip, words, Verb::Delete),
        w if matches(w, "get") => get(ip, words),
        w if matches(w, "show") || matches(w, "lst") || matches(w, "list") => show(ip, words),
        w if matches(w, "flush") => flush(ip, words),
        w if matches(w, "help") => Err(usage()),
        w => Err(unknown(w, "neigh")),
    }
}

fn usage() -> Stop {
    Stop::exit(MINUS_ONE, help::NEIGH)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Change,
    Replace,
    Delete,
}

/// An address, as `ADDR` or as `proxy ADDR`.
#[derive(Default)]
struct Target<'a> {
    addr: Option<IpAddr>,
    proxy: bool,
    dev: Option<&'a str>,
}

impl Target<'_> {
    fn proxy(&mut self, words: &mut Words<'_>, family: Family) -> Result<(), Stop> {
        let value = words.value()?;
        if matches(value, "help") {
            return Err(usage());
        }
        if self.addr.is_some() {
            return Err(duparg("address", value));
        }
        (self.addr, self.proxy) = (Some(inet::address(value, family)?), true);
        Ok(())
    }

    fn plain(&mut self, value: &str, family: Family) -> Result<(), Stop> {
        if self.addr.is_some() {
            return Err(duparg2("to", value));
        }
        self.addr = Some(inet::address(value, family)?);
        Ok(())
    }

    /// With `proxy` the device may be left out, as far as the tool goes.
    fn complete(&self, complaint: impl FnOnce() -> Stop) -> Result<IpAddr, Stop> {
        self.addr.filter(|_| self.dev.is_some() || self.proxy).ok_or_else(complaint)
    }
}

fn modify(ip: &mut Ip<'_, '_>, mut words: Words<'_>, verb: Verb) -> Ran {
    let family = ip.family;
    let (mut target, mut lladdr, mut state) = (Target::default(), None, Nud::Permanent);
    let mut extra = NeighExtra::default();
    while let Some(word) = words.next() {
        match word {
            w if matches(w, "lladdr") => {
                let value = words.value()?;
                if lladdr.replace(value).is_some() {
                    return Err(duparg("lladdr", value));
                }
            }
            "nud" => {
                let value = words.value()?;
                state = names::nud(value).ok_or_else(|| invarg("nud state is bad", value))?;
            }
            w if matches(w, "proxy") => target.proxy(&mut words, family)?,
            "router" => extra.router = true,
            "use" => extra.used = true,
            "managed" => (extra.managed, state) = (true, Nud::None),
            w if matches(w, "extern_learn") => extra.extern_learn = true,
            "dev" => target.dev = Some(words.value()?),
            w if matches(w, "protocol") => extra.protocol = protocol(words.value()?)?,
            word => {
                let mut value = if word == "to" { words.value()? } else { word };
                if matches(value, "help") {
                    value = words.value()?;
                }
                target.plain(value, family)?;
            }
        }
    }
    let required = || Stop::exit(MINUS_ONE, "Device and destination are required arguments.\n");
    let dst = target.complete(required)?;
    let lladdr = lladdr.filter(|word| *word != "null").map(inet::mac).transpose()?;
    let Some(dev) = target.dev else { return Err(unsupported("proxy without dev")) };
    let dev = ip.kernel.need_link(dev)?;
    let netns = ip.kernel.netns.clone();
    let lladdr = match lladdr {
        // The kernel looks at the first six bytes only.
        Some(Err(length)) if length > 6 => return Err(unsupported("lladdr")),
        Some(Err(_)) if verb != Verb::Delete => return Err(refused("Error: Invalid link address.\n")),
        other => other.and_then(Result::ok),
    };
    let neigh = Neigh { dev, dst, lladdr: lladdr.filter(|_| !target.proxy), state, proxy: target.proxy, extra };
    if verb == Verb::Change && !neigh.proxy {
        let known = ip.kernel.state()?;
        if find(&known, dev, dst, false).is_none() {
            return Err(refused(&format!("RTNETLINK answers: {}\n", Errno::ENOENT)));
        }
    }
    let op = match verb {
        Verb::Delete => Op::DelNeigh { netns, neigh },
        _ => Op::AddNeigh { netns, neigh, replace: verb != Verb::Add },
    };
    // A refusal ends the tool, not only the command.
    ip.kernel.talk(op).map(|()| After::Done).map_err(|stop| Stop { exits: true, ..stop })
}

/// Who made an entry, as routes have it.
fn protocol(word: &str) -> Result<u8, Stop> {
    names::proto(word).ok_or_else(|| invarg("\"protocol\" value is invalid\n", word))
}

fn refused(text: &str) -> Stop {
    Stop::exit(2, text)
}

fn find(state: &NetnsState, dev: IfName, dst: IpAddr, proxy: bool) -> Option<&Neigh> {
    all(state).find(|n| n.dev == dev && n.dst == dst && n.proxy == proxy)
}

fn all(state: &NetnsState) -> impl Iterator<Item = &Neigh> {
    state.config.neighs.iter().chain(&state.volatile.neighs).chain(&state.volatile.unasked)
}

/// What is shown or flushed.
struct Filter<'a> {
    dev: Option<&'a str>,
    /// Of devices that are enslaved to this one.
    master: Option<IfName>,
    /// States, by bit; `0x100` is none.
    states: u32,
    proxy: bool,
    protocol: Option<u8>,
    prefix: Option<Prefix>,
    family: Family,
}

/// `NUD_NONE` among the states asked for.
const NONE: u32 = 0x100;

fn parse<'a>(ip: &mut Ip<'_, '_>, mut words: Words<'a>, flushes: bool) -> Result<Filter<'a>, Stop> {
    let bit = |state: Nud| u32::from(state.bit());
    let states = if flushes { !(bit(Nud::Permanent) | bit(Nud::Noarp)) } else { 0xff & !bit(Nud::Noarp) };
    let mut filter =
        Filter { dev: None, master: None, states, proxy: false, protocol: None, prefix: None, family: ip.family };
    let mut state_given = false;
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let value = words.value()?;
                if filter.dev.replace(value).is_some() {
                    return Err(duparg("dev", value));
                }
            }
            "master" | "nomaster" | "unused" => return Err(unsupported(word)),
            "vrf" => filter.master = Some(vrf::device(&mut ip.kernel, words.value()?)?),
            "nud" => {
                let value = words.value()?;
                if !std::mem::replace(&mut state_given, true) {
                    filter.states = 0;
                }
                filter.states |= match names::nud(value) {
                    Some(Nud::None) => NONE,
                    Some(state) => bit(state),
                    None if value == "all" && flushes => !bit(Nud::Noarp),
                    None if value == "all" => !0,
                    None => return Err(invarg("nud state is bad", value)),
                };
            }
            "proxy" => filter.proxy = true,
            w if matches(w, "protocol") => filter.protocol = Some(protocol(words.value()?)?),
            word => {
                let value = if word == "to" { words.value()? } else { word };
                if matches(value, "help") {
                    return Err(usage());
                }
                let prefix = inet::prefix(value, filter.family)?;
                filter.family = filter.family.or(prefix.family);
                filter.prefix = Some(prefix);
            }
        }
    }
    Ok(filter)
}

/// The entries that fit, by device and address.
fn select(ip: &mut Ip<'_, '_>, filter: &Filter<'_>) -> Result<Vec<Neigh>, Stop> {
    let dev = filter.dev.map(|dev| ip.kernel.need_link(dev)).transpose()?;
    let state = ip.kernel.state()?;
    let states = |n: &Neigh| match n.state.bit() {
        0 => filter.states & NONE != 0,
        bit => filter.states & u32::from(bit) != 0,
    };
    let master_of = |dev: IfName| state.config.links.get(&dev).and_then(|link| link.master);
    let fits = |n: &&Neigh| {
        n.proxy == filter.proxy
            && (n.proxy || states(n))
            && filter.protocol.is_none_or(|protocol| protocol == n.extra.protocol)
            && dev.is_none_or(|dev| dev == n.dev)
            && filter.master.is_none_or(|master| master_of(n.dev) == Some(master))
            && filter.family.takes(Family::of(n.dst))
            && filter.prefix.is_none_or(|prefix| prefix.admits(n.dst))
    };
    let mut found: Vec<Neigh> = all(&state).filter(fits).cloned().collect();
    found.sort_by_key(|n| (n.dev, n.dst));
    Ok(found)
}

fn show(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    let filter = parse(ip, words, false)?;
    let (found, brief) = (select(ip, &filter)?, ip.options.brief);
    let uses = uses(ip)?;
    let mut page = ip.page();
    page.open();
    for neigh in &found {
        page.open_object("");
        if brief {
            print_brief(&mut page, neigh, filter.dev.is_none());
        } else {
            print(&mut page, neigh, filter.dev.is_none(), uses.as_ref());
        }
        page.close_object();
    }
    page.close();
    ip.print(page);
    DONE
}

/// When which neighbour was used and heard of, and what time it is.
struct Uses {
    now: Instant,
    of: BTreeMap<(IfName, IpAddr), NeighUse>,
}

/// What `-s` shows besides.
fn uses(ip: &mut Ip<'_, '_>) -> Result<Option<Uses>, Stop> {
    if ip.options.stats == 0 {
        return Ok(None);
    }
    let of = ip.kernel.state()?.volatile.uses;
    Ok(Some(Uses { now: ip.kernel.cx.machine.now(), of }))
}

impl Uses {
    fn print(&self, page: &mut Page, n: &Neigh) {
        let Some(told) = self.of.get(&(n.dev, n.dst)).filter(|_| !n.proxy) else { return };
        if told.refs > 0 {
            page.say("refcnt", told.refs, format_args!(" ref {}", told.refs));
        }
        let since = |at: Instant| self.now.since(at);
        let confirmed = told.confirmed.map_or_else(|before| since(told.doubted) + before, since);
        let [used, confirmed, updated] = [since(told.used), confirmed, since(told.updated)].map(|age| age.as_secs());
        page.field("used", used);
        page.field("confirmed", confirmed);
        page.field("updated", updated);
        page.text(format_args!(" used {used}/{confirmed}/{updated}"));
        page.say("probes", told.probes, format_args!("probes {} ", told.probes));
    }
}

fn print(page: &mut Page, n: &Neigh, says_dev: bool, uses: Option<&Uses>) {
    let (dst, dev) = (n.dst.to_string(), n.dev.to_string());
    page.paint(Colour::of(n.dst), "dst", &dst, format_args!("{dst} "));
    if says_dev {
        page.text("dev ");
        page.paint(Colour::Ifname, "dev", &dev, format_args!("{dev} "));
    }
    if let Some(mac) = n.lladdr {
        let mac = mac.to_string();
        page.text("lladdr ");
        page.paint(Colour::Mac, "lladdr", &mac, format_args!("{mac} "));
    }
    let marks = [
        ("router", n.extra.router),
        ("proxy", n.proxy),
        ("managed", n.extra.managed),
        ("extern_learn", n.extra.extern_learn),
    ];
    for (mark, _) in marks.into_iter().filter(|(_, said)| *said) {
        page.say(mark, Value::Null, format_args!("{mark} "));
    }
    if let Some(uses) = uses {
        uses.print(page, n);
    }
    if !n.proxy && n.state != Nud::None {
        page.open_array("state");
        page.item(n.state.word(), format_args!("{} ", n.state.word()));
        page.close_array();
    }
    if n.extra.protocol != 0 {
        let protocol = proto_word(n.extra.protocol);
        page.say("protocol", &protocol, format_args!("proto {protocol} "));
    }
    page.text("\n");
}

fn print_brief(page: &mut Page, n: &Neigh, says_dev: bool) {
    let (dst, dev) = (n.dst.to_string(), n.dev.to_string());
    page.paint(Colour::of(n.dst), "dst", &dst, format_args!("{dst:<39} "));
    if says_dev {
        page.paint(Colour::Ifname, "dev", &dev, format_args!("{dev:<16} "));
    }
    if let Some(mac) = n.lladdr {
        let mac = mac.to_string();
        page.paint(Colour::Mac, "lladdr", &mac, format_args!("{mac}"));
    }
    page.text("\n");
}

fn get(ip: &mut Ip<'_, '_>, mut words: Words<'_>) -> Ran {
    let family = ip.family;
    let mut target = Target::default();
    while let Some(word) = words.next() {
        match word {
            "dev" => target.dev = Some(words.value()?),
            w if matches(w, "proxy") => target.proxy(&mut words, family)?,
            word => {
                let value = if word == "to" { words.value()? } else { word };
                if matches(value, "help") {
                    return Err(usage());
                }
                target.plain(value, family)?;
            }
        }
    }
    let dst = target.complete(|| Stop::back(1, "Device and address are required arguments.\n"))?;
    let Some(dev) = target.dev else { return Err(unsupported("proxy without dev")) };
    let dev = ip.kernel.need_link(dev)?;
    let state = ip.kernel.state()?;
    let Some(neigh) = find(&state, dev, dst, target.proxy) else {
        let kind = if target.proxy { "Proxy neighbour" } else { "Neighbour" };
        return Err(Stop::back(2, format!("Error: {kind} entry not found.\n")));
    };
    // Always text: the tool opens no document here.
    let mut page = ip.page();
    let mut uses = uses(ip)?;
    // Whoever asks holds it, too.
    uses.iter_mut().flat_map(|uses| uses.of.values_mut()).for_each(|told| told.refs += 1);
    print(&mut page, neigh, true, uses.as_ref());
    ip.print(page);
    DONE
}

fn flush(ip: &mut Ip<'_, '_>, words: Words<'_>) -> Ran {
    if words.peek().is_none() {
        return Err(Stop::back(1, "Flush requires arguments.\n"));
    }
    let mut filter = parse(ip, words, true)?;
    let said = ip.options.stats > 0;
    let mut page = ip.page();
    let mut round = 0;
    loop {
        let doomed = select(ip, &filter)?;
        if doomed.is_empty() {
            break;
        }
        round += 1;
        let count = doomed.len();
        if ip.options.stats > 1 {
            let uses = uses(ip)?;
            doomed.iter().for_each(|neigh| print(&mut page, neigh, filter.dev.is_none(), uses.as_ref()));
        }
        for neigh in doomed {
            let netns = ip.kernel.netns.clone();
            ip.kernel.talk(Op::DelNeigh { netns, neigh })?;
        }
        if said {
            page.text(format_args!("\n*** Round {round}, deleting {count} entries ***\n"));
        }
        filter.states &= !u32::from(Nud::Failed.bit());
    }
    if said {
        match round {
            0 => page.text("Nothing to flush.\n"),
            1 => page.text("*** Flush is complete after 1 round ***\n"),
            n => page.text(format_args!("*** Flush is complete after {n} rounds ***\n")),
        }
    }
    ip.print(page);
    DONE
}
