//! `tc filter`.
//!
//! Counterpart: `tc/tc_filter.c`, `tc/f_u32.c`, `tc/f_fw.c`, `tc/f_matchall.c`. Deliberately absent, and refused by name: chains,
//! blocks, `ingress`, actions, the other kinds, u32's hash tables; of the output `-s`, `-j` and `-p`.

use super::qdisc::{device, read_class};
use super::{Tc, help, refusal, selector, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, invarg, matches, unsigned};
use crate::number::strtol_rest;
use nettwin_model::queue::{FilterOptions, FilterRequest, FilterRow, Handle, QueueChange, QueueVerb};
use nettwin_model::{Errno, Fault, Op};
use std::fmt::Write;

/// `ETH_P_ALL`.
const ALL: u16 = 3;

pub(super) fn run(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(tc, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(tc, words, QueueVerb::Add),
        _ if is("change") => change(tc, words, QueueVerb::Change),
        _ if is("replace") => change(tc, words, QueueVerb::Replace),
        _ if is("delete") => change(tc, words, QueueVerb::Delete),
        _ if is("get") => Err(unsupported("filter get")),
        _ if is("list") || is("show") || is("lst") => show(tc, words),
        _ if is("help") => Err(Stop::back(0, help::FILTER)),
        _ => Err(Stop::back(MINUS_ONE, format!("Command \"{word}\" is unknown, try \"tc filter help\".\n"))),
    }
}

/// The words before a filter's kind.
#[derive(Default)]
struct Place<'a> {
    dev: Option<&'a str>,
    parent: Option<Handle>,
    prio: Option<u16>,
    protocol: Option<u16>,
    handle: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// Takes a word with its value, if it is one of these.
    fn take(&mut self, word: &str, words: &mut Words<'a>) -> Result<bool, Stop> {
        match word {
            "dev" => {
                let value = words.value()?;
                if self.dev.replace(value).is_some() {
                    return Err(duparg("dev", value));
                }
            }
            "root" if self.parent.is_some() => {
                return Err(Stop::back(MINUS_ONE, "Error: \"root\" is duplicate parent ID\n"));
            }
            "root" => self.parent = Some(Handle::ROOT),
            "parent" => {
                let value = words.value()?;
                if self.parent.is_some() {
                    return Err(duparg("parent", value));
                }
                self.parent = Some(read_class(value).ok_or_else(|| invarg("Invalid parent ID", value))?);
            }
            "ingress" | "egress" | "block" | "chain" => return Err(unsupported(word)),
            _ if matches(word, "preference") || matches(word, "priority") => {
                let value = words.value()?;
                if self.prio.is_some() {
                    return Err(duparg("priority", value));
                }
                let prio = unsigned(value).and_then(|n| u16::try_from(n).ok());
                self.prio = Some(prio.ok_or_else(|| invarg("invalid priority value", value))?);
            }
            _ if matches(word, "protocol") => {
                let value = words.value()?;
                if self.protocol.is_some() {
                    return Err(duparg("protocol", value));
                }
                self.protocol = Some(protocol(value).ok_or_else(|| invarg("invalid protocol", value))?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn change(tc: &mut Tc<'_, '_>, mut words: Words<'_>, verb: QueueVerb) -> Result<(), Stop> {
    let (mut place, mut kind) = (Place::default(), None);
    while let Some(word) = words.next() {
        if place.take(word, &mut words)? {
            continue;
        }
        match word {
            "handle" => {
                let value = words.value()?;
                if place.handle.replace(value).is_some() {
                    return Err(duparg("handle", value));
                }
            }
            _ if matches(word, "estimator") => return Err(unsupported(word)),
            _ if matches(word, "help") => return Err(Stop::back(0, help::FILTER)),
            _ => {
                kind = Some(word);
                break;
            }
        }
    }
    let (handle, options) = match kind {
        Some(kind) => options(kind, place.handle, &mut words, verb)?,
        None if place.handle.is_some() => {
            return Err(Stop::back(MINUS_ONE, "Must specify filter type when using \"handle\"\n"));
        }
        None => (0, None),
    };
    let Some(dev) = place.dev else { return Err(talking(refusal(&Fault::errno(Errno::ENODEV)))) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    let default = if matches!(verb, QueueVerb::Add | QueueVerb::Replace) { ALL } else { 0 };
    let request = FilterRequest {
        verb,
        parent: place.parent.unwrap_or_default(),
        handle,
        prio: place.prio.unwrap_or_default(),
        protocol: place.protocol.unwrap_or(default),
        kind: kind.map(Into::into),
        options,
    };
    let change = Box::new(QueueChange::Filter(request));
    tc.talk(Op::SetQueue { netns: tc.netns.clone(), dev, change }).map_err(talking)
}

/// What the tool adds to a refusal.
fn talking(stop: Stop) -> Stop {
    let text = stop.text.clone() + "We have an error talking to the kernel\n";
    Stop { text, ..stop }
}

/// A kind's number and words (`parse_fopt`).
fn options(
    kind: &str,
    handle: Option<&str>,
    words: &mut Words<'_>,
    verb: QueueVerb,
) -> Result<(u32, Option<FilterOptions>), Stop> {
    let failed = |text: String| Stop::back(1, text);
    let illegal = |what: &str| failed(format!("Illegal \"{what}\"\n"));
    match kind {
        "u32" | "fw" | "matchall" => {}
        "basic" | "bpf" | "cgroup" | "flow" | "flower" | "route" | "rsvp" | "rsvp6" | "tcindex" => {
            return Err(unsupported(&format!("filter {kind}")));
        }
        _ => {
            if let Some(word) = words.peek() {
                let text = format!("Unknown filter \"{kind}\", hence option \"{word}\" is unparsable\n");
                return Err(failed(text));
            }
            return Ok((0, None));
        }
    }
    let mut mask = None;
    let number = match (kind, handle) {
        (_, None) => 0,
        ("u32", Some(handle)) => selector::handle(handle).ok_or_else(|| failed("Illegal filter ID\n".into()))?,
        ("fw", Some(handle)) => {
            let (number, cover) = handle.split_once('/').map_or((handle, None), |(n, m)| (n, Some(m)));
            mask = cover.map(|m| unsigned(m).ok_or_else(|| illegal("handle mask"))).transpose()?;
            unsigned(number).ok_or_else(|| illegal("handle"))?
        }
        (_, Some(handle)) => unsigned(handle).ok_or_else(|| illegal("handle"))?,
    };
    if words.peek().is_none() {
        if kind == "fw" && number == 0 && verb != QueueVerb::Delete {
            return Err(unsupported("filter fw without handle"));
        }
        return Ok((number, None));
    }
    let usage = match kind {
        "u32" => help::U32,
        "fw" => help::FW,
        _ => help::MATCHALL,
    };
    let (mut classid, mut keys) = (Handle::NONE, Vec::new());
    while let Some(word) = words.next() {
        match word {
            _ if kind == "u32" && matches(word, "match") => {
                selector::parse(words, &mut keys)?.then_some(()).ok_or_else(|| illegal("match"))?;
            }
            _ if matches(word, "classid") || matches(word, "flowid") => {
                let value = words.value()?;
                classid = read_class(value).ok_or_else(|| illegal("classid"))?;
            }
            "help" => return Err(failed(usage.into())),
            "action" | "police" | "indev" | "skip_hw" | "skip_sw" => return Err(unsupported(word)),
            "offset" | "hashkey" | "divisor" | "order" | "link" | "ht" | "sample" if kind == "u32" => {
                return Err(unsupported(&format!("u32 {word}")));
            }
            _ => return Err(failed(format!("What is \"{word}\"?\n{usage}"))),
        }
    }
    let options = match kind {
        "u32" => FilterOptions::U32 { classid, keys },
        "fw" => FilterOptions::Fw { classid, mask },
        _ => FilterOptions::Matchall { classid },
    };
    Ok((number, Some(options)))
}

/// `ll_proto_a2n`, of those that are asked for.
fn protocol(word: &str) -> Option<u16> {
    match word {
        "all" => Some(ALL),
        "ip" | "ipv4" => Some(0x0800),
        "arp" => Some(0x0806),
        "802.1q" | "802.1Q" => Some(0x8100),
        "ipv6" => Some(0x86dd),
        _ => strtol_rest(word, 0).filter(|(_, rest)| rest.is_empty()).and_then(|(n, _)| u16::try_from(n).ok()),
    }
}

fn show(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let mut place = Place::default();
    while let Some(word) = words.next() {
        if place.take(word, &mut words)? {
            continue;
        }
        if matches(word, "help") {
            return Err(Stop::back(0, help::FILTER));
        }
        return Err(Stop::back(MINUS_ONE, format!(" What is \"{word}\"? Try \"tc filter help\"\n")));
    }
    let Some(dev) = place.dev else { return Ok(()) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    let Some(queues) = state.volatile.queues.get(&dev) else { return Ok(()) };
    let root = queues.root().map_or(Handle::NONE, |row| row.handle);
    let parent = place.parent.unwrap_or(root);
    let wanted = |row: &&FilterRow| {
        row.parent == parent
            && place.prio.is_none_or(|prio| prio == 0 || prio == row.prio)
            && place.protocol.is_none_or(|protocol| protocol == row.protocol)
    };
    let rows: Vec<&FilterRow> = queues.filters.iter().filter(wanted).collect();
    if let Some(flag) = [(tc.stats, "-s"), (tc.style.json, "-j"), (tc.style.pretty, "-p")]
        .into_iter()
        .find_map(|(said, flag)| (said && !rows.is_empty()).then_some(flag))
    {
        return Err(unsupported(&format!("{flag} filter show")));
    }
    let mut out = String::new();
    for row in rows {
        one(&mut out, row, &place);
    }
    tc.cx.print(&out);
    Ok(())
}

/// A row; what was asked for is not repeated.
fn one(out: &mut String, row: &FilterRow, place: &Place<'_>) {
    let mut say = |text: std::fmt::Arguments<'_>| out.write_fmt(text).unwrap_or_default();
    say(format_args!("filter "));
    if place.parent.is_none() {
        say(format_args!("parent {} ", row.parent));
    }
    if place.protocol.is_none() {
        say(format_args!("protocol {} ", nettwin_model::words::queue::protocol(row.protocol)));
    }
    if place.prio.is_none_or(|prio| prio == 0) {
        say(format_args!("pref {} ", row.prio));
    }
    say(format_args!("{} chain 0 ", row.kind));
    let node = row.handle & 0xfff;
    match &row.options {
        None if row.handle != 0 => say(format_args!("fh {:x}: ht divisor 1 \n", row.handle >> 20)),
        None => say(format_args!("\n")),
        Some(FilterOptions::U32 { classid, keys }) => {
            let table = row.handle >> 20;
            say(format_args!("fh {table:x}::{node:x} order {node} key ht {table:x} bkt 0 "));
            if *classid != Handle::NONE {
                say(format_args!("*flowid {classid} "));
            }
            say(format_args!("not_in_hw \n"));
            for key in keys {
                let from = if key.behind { "nexthdr+" } else { "" };
                say(format_args!("  match {:08x}/{:08x} at {from}{}\n", key.value, key.mask, key.at));
            }
        }
        Some(FilterOptions::Fw { classid, mask }) => {
            say(format_args!("handle {:#x}", row.handle));
            if let Some(mask) = mask.filter(|mask| *mask != u32::MAX) {
                say(format_args!("/{mask:#x}"));
            }
            say(format_args!(" "));
            if *classid != Handle::NONE {
                say(format_args!("classid {classid} "));
            }
            say(format_args!("\n"));
        }
        Some(FilterOptions::Matchall { classid }) => {
            say(format_args!("handle {:#x} ", row.handle));
            if *classid != Handle::NONE {
                say(format_args!("flowid {classid} "));
            }
            say(format_args!("\n  not_in_hw\n"));
        }
    }
}
