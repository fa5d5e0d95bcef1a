//! `tc qdisc`.
//!
//! Counterpart: `tc/tc_qdisc.c`. What the kernel would refuse is refused by the machine. Deliberately absent, and refused by
//! name: `ingress`, `clsact`, size tables, estimators, blocks, `link`, `invisible` qdiscs.

use super::number::print_size;
use super::{Tc, help, kinds, refusal, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, invarg, matches};
use crate::iproute::page::Page;
use crate::number::strtol_rest;
use nettwin_model::queue::{Counters, Handle, QdiscOptions, QdiscRequest, QdiscRow, QueueChange, QueueVerb};
use nettwin_model::{Errno, Fault, IfName, Impairment, NetnsState, Op};

pub(super) fn run(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(tc, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(tc, words, QueueVerb::Add),
        _ if is("change") => change(tc, words, QueueVerb::Change),
        _ if is("replace") => change(tc, words, QueueVerb::Replace),
        _ if is("link") => Err(unsupported("qdisc link")),
        _ if is("delete") => change(tc, words, QueueVerb::Delete),
        _ if is("list") || is("show") || is("lst") => show(tc, words),
        _ if is("help") => Err(Stop::back(0, help::QDISC)),
        _ => Err(Stop::back(MINUS_ONE, format!("Command \"{word}\" is unknown, try \"tc qdisc help\".\n"))),
    }
}

fn change(tc: &mut Tc<'_, '_>, mut words: Words<'_>, verb: QueueVerb) -> Result<(), Stop> {
    let (mut dev, mut handle, mut parent, mut kind) = (None, 0, Handle::NONE, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let value = words.value()?;
                if dev.replace(value).is_some() {
                    return Err(duparg("dev", value));
                }
            }
            "handle" => {
                let value = words.value()?;
                if handle != 0 {
                    return Err(duparg("handle", value));
                }
                handle = read_handle(value).ok_or_else(|| invarg("invalid qdisc ID", value))?;
            }
            "root" if parent != Handle::NONE => {
                return Err(Stop::back(MINUS_ONE, "Error: \"root\" is duplicate parent ID\n"));
            }
            "root" => parent = Handle::ROOT,
            "parent" => {
                let value = words.value()?;
                if parent != Handle::NONE {
                    return Err(duparg("parent", value));
                }
                parent = read_class(value).ok_or_else(|| invarg("invalid parent ID", value))?;
            }
            "clsact" | "ingress" => return Err(unsupported(word)),
            _ if matches(word, "estimator") || matches(word, "stab") => return Err(unsupported(word)),
            // The usage is no end.
            _ if matches(word, "help") => tc.cx.complain(help::QDISC),
            _ => {
                kind = Some(word);
                break;
            }
        }
    }
    let said = kind.map(|kind| kinds::parse(kind, &mut words, verb == QueueVerb::Delete)).transpose()?;
    let Some(dev) = dev else { return Err(refusal(&Fault::errno(Errno::ENODEV))) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    let handle = Handle::new(handle, 0);
    let before = there(&state, dev, parent, handle).filter(|_| verb != QueueVerb::Add);
    let options = said.and_then(|said| said.over(before)).filter(|_| verb != QueueVerb::Delete);
    let request = QdiscRequest { verb, parent, handle, kind: kind.map(Into::into), options };
    let change = Box::new(QueueChange::Qdisc(request));
    tc.talk(Op::SetQueue { netns: tc.netns.clone(), dev, change })
}

/// The netem that these words are about: what is not said of it stays.
fn there(state: &NetnsState, dev: IfName, parent: Handle, handle: Handle) -> Option<Impairment> {
    let queues = state.volatile.queues.get(&dev)?;
    let is_it = |row: &&QdiscRow| {
        (parent == Handle::NONE || row.parent == parent) && (handle == Handle::NONE || row.handle == handle)
    };
    match &queues.qdiscs.iter().find(is_it)?.options {
        Some(QdiscOptions::Netem(impairment)) => Some((**impairment).clone()),
        _ => None,
    }
}

/// `MAJOR:` in hexadecimal; what follows the colon is left.
fn read_handle(word: &str) -> Option<u16> {
    if word == "none" {
        return Some(0);
    }
    let (major, rest) = strtol_rest(word, 16)?;
    u16::try_from(major).ok().filter(|_| rest.is_empty() || rest.starts_with(':'))
}

/// `MAJOR:MINOR`, each of which may be missing, `root` or `none` (`get_tc_classid`).
pub(super) fn read_class(word: &str) -> Option<Handle> {
    match word {
        "root" => return Some(Handle::ROOT),
        "none" => return Some(Handle::NONE),
        _ => {}
    }
    let part = |text: &str| {
        let (n, rest) = strtol_rest(text, 16)?;
        u16::try_from(n).ok().map(|n| (n, rest.to_owned()))
    };
    match word.split_once(':') {
        Some((major, minor)) => {
            let major = if major.is_empty() { 0 } else { part(major).filter(|(_, rest)| rest.is_empty())?.0 };
            let minor = if minor.is_empty() { 0 } else { part(minor).filter(|(_, rest)| rest.is_empty())?.0 };
            Some(Handle::new(major, minor))
        }
        // A number alone is all of it.
        None => {
            let (n, rest) = strtol_rest(word, 16)?;
            u32::try_from(n).ok().filter(|_| rest.is_empty()).map(Handle)
        }
    }
}

pub(super) fn device(state: &NetnsState, word: &str) -> Result<IfName, Stop> {
    let found = IfName::new(word).ok().filter(|name| state.config.links.contains_key(name));
    found.ok_or_else(|| Stop::back(1, format!("Cannot find device \"{word}\"\n")))
}

fn show(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut dev, mut handle, mut parent) = (None, None, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value()?),
            "root" => parent = Some(Handle::ROOT),
            // What hangs there there is not.
            "ingress" | "clsact" => parent = Some(Handle::NONE),
            "parent" => {
                let value = words.value()?;
                parent = Some(read_class(value).ok_or_else(|| invarg("invalid parent ID", value))?);
            }
            "handle" => {
                let value = words.value()?;
                let major = read_handle(value).ok_or_else(|| invarg("invalid handle", value))?;
                handle = Some(Handle::new(major, 0));
            }
            _ if matches(word, "help") => return Err(Stop::back(0, help::QDISC)),
            "invisible" => {}
            _ => {
                return Err(Stop::back(MINUS_ONE, format!("What is \"{word}\"? Try \"tc qdisc help\".\n")));
            }
        }
    }
    let state = tc.state()?;
    let only = dev.map(|word| device(&state, word)).transpose()?;
    let mut page = tc.page();
    page.open();
    let mut all: Vec<_> = state.derived.links.iter().map(|(name, link)| (link.ifindex, *name)).collect();
    all.sort_unstable();
    for (_, name) in all.into_iter().filter(|(_, name)| only.is_none_or(|dev| dev == *name)) {
        for row in rows(&state, name) {
            let wanted = handle.is_none_or(|handle| handle == row.handle) && parent.is_none_or(|p| p == row.parent);
            if wanted {
                one(tc, &mut page, &row, Some(name).filter(|_| only.is_none()));
            }
        }
    }
    page.close();
    tc.cx.print(&page.into_text());
    Ok(())
}

/// A device's qdiscs; the one that it is born with is hidden.
fn rows(state: &NetnsState, dev: IfName) -> Vec<QdiscRow> {
    if let Some(queues) = state.volatile.queues.get(&dev) {
        return queues.qdiscs.clone();
    }
    let kind = state.derived.links[&dev].qdisc.clone();
    if kind == "noop" {
        return Vec::new();
    }
    let counters = Counters::default();
    vec![QdiscRow { handle: Handle::NONE, parent: Handle::ROOT, kind, options: None, counters }]
}

fn one(tc: &Tc<'_, '_>, page: &mut Page, row: &QdiscRow, dev: Option<IfName>) {
    page.open_object("");
    let kind = &row.kind;
    page.say("kind", kind, format_args!("qdisc {kind} "));
    let handle = format!("{:x}:", row.handle.major());
    page.say("handle", &handle, format_args!("{handle}"));
    match tc.raw {
        true => page.text(format_args!("[{:08x}] ", row.handle.0)),
        false => page.text(" "),
    }
    if let Some(dev) = dev {
        page.say("dev", dev.as_str(), format_args!("dev {dev} "));
    }
    if row.parent == Handle::ROOT {
        page.say("root", true, format_args!("root "));
        // One for the device, one for its only queue; one alone is not said.
        if kind != "mq" {
            page.say("refcnt", 2u8, format_args!("refcnt 2 "));
        }
    } else {
        let parent = row.parent.to_string();
        page.say("parent", &parent, format_args!("parent {parent} "));
    }
    page.open_object("options");
    if let Some(options) = &row.options {
        kinds::print(tc, page, kind, options);
    }
    page.close_object();
    page.nl();
    if tc.stats {
        counters(page, &row.counters);
        page.nl();
    }
    page.close_object();
}

/// `print_tcstats2_attr`, without the end of its last line.
pub(super) fn counters(page: &mut Page, c: &Counters) {
    page.text(" Sent ");
    page.say("bytes", c.bytes, format_args!("{} bytes", c.bytes));
    page.say("packets", c.packets, format_args!(" {} pkt", c.packets));
    page.say("drops", c.dropped, format_args!(" (dropped {}, ", c.dropped));
    page.say("overlimits", c.overlimits, format_args!("overlimits {} ", c.overlimits));
    page.say("requeues", c.requeues, format_args!("requeues {}) ", c.requeues));
    page.nl();
    page.say("backlog", c.backlog_bytes, format_args!(" backlog {}", print_size(c.backlog_bytes)));
    page.say("qlen", c.backlog_packets, format_args!(" {}p", c.backlog_packets));
    page.text(format_args!(" requeues {}", c.requeues));
}
