//! `tc qdisc`.
//!
//! Counterpart: `tc/tc_qdisc.c`, and the kernel's `tc_modify_qdisc()` and `tc_get_qdisc()`, whose checks decide which complaint
//! comes first. A device has one qdisc here, at its root.

use super::{Tc, help, netem, refusal, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, invarg, matches};
use crate::iproute::page::Page;
use crate::number::strtol_rest;
use nettwin_model::snapshot::QdiscState;
use nettwin_model::{Errno, Fault, IfName, NetnsState, Op};

pub(super) fn run(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(tc, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(tc, words, Verb::Add),
        _ if is("change") => change(tc, words, Verb::Change),
        _ if is("replace") => change(tc, words, Verb::Replace),
        _ if is("link") => Err(unsupported("qdisc link")),
        _ if is("delete") => change(tc, words, Verb::Delete),
        _ if is("list") || is("show") || is("lst") => show(tc, words),
        _ if is("help") => Err(Stop::back(0, help::QDISC)),
        _ => Err(Stop::back(MINUS_ONE, format!("Command \"{word}\" is unknown, try \"tc qdisc help\".\n"))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Add,
    Change,
    Replace,
    Delete,
}

/// What iproute2 knows besides netem.
const OTHER_KINDS: &[&str] = &[
    "bfifo",
    "cake",
    "cbq",
    "cbs",
    "choke",
    "clsact",
    "codel",
    "drr",
    "dsmark",
    "etf",
    "ets",
    "fifo",
    "fq",
    "fq_codel",
    "fq_pie",
    "gred",
    "hfsc",
    "hhf",
    "htb",
    "ingress",
    "mq",
    "mqprio",
    "multiq",
    "noqueue",
    "pfifo",
    "pfifo_fast",
    "pfifo_head_drop",
    "pie",
    "plug",
    "prio",
    "qfq",
    "red",
    "rr",
    "sfb",
    "sfq",
    "skbprio",
    "taprio",
    "tbf",
];

fn change(tc: &mut Tc<'_, '_>, mut words: Words<'_>, verb: Verb) -> Result<(), Stop> {
    let (mut dev, mut handle, mut root, mut kind) = (None, 0, false, None);
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
            "root" if root => return Err(Stop::back(MINUS_ONE, "Error: \"root\" is duplicate parent ID\n")),
            "root" => root = true,
            "parent" => match words.value()? {
                "root" => root = true,
                other => {
                    let missing = match verb {
                        Verb::Delete => "Failed to find qdisc with specified classid",
                        _ => "Failed to find specified qdisc",
                    };
                    return Err(match read_handle(other) {
                        Some(_) => refused(Errno::ENOENT, missing),
                        None => invarg("invalid parent ID", other),
                    });
                }
            },
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
    let spoken = match kind {
        None => None,
        Some("netem") => Some(netem::parse(&mut words)?),
        Some(kind) if OTHER_KINDS.contains(&kind) && verb != Verb::Delete => return Err(unsupported(kind)),
        Some(_) => None,
    };
    let Some(dev) = dev else { return Err(refusal(&Fault::errno(Errno::ENODEV))) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    let there = state.volatile.qdiscs.get(&dev).copied();
    let before = state.config.links.get(&dev).and_then(|link| link.impairment.clone());
    let is_known = |kind: &str| kind == "netem" || OTHER_KINDS.contains(&kind);
    // A change of nothing fails before the kind is looked at.
    let is_looked_at = verb != Verb::Delete && (verb != Verb::Change || there.is_some());
    if is_looked_at && kind.is_some_and(|kind| !is_known(kind)) {
        return Err(refused(Errno::ENOENT, "Specified qdisc kind is unknown"));
    }
    let wish = Wish { kind, handle, root };
    if verb == Verb::Delete {
        check_deletion(&wish, there.as_ref())?;
        return tc.talk(Op::SetImpairment { netns: tc.netns.clone(), dev, impairment: None, handle: None });
    }
    let changes = check_change(&wish, verb, there.as_ref())?;
    let Some(spoken) = spoken else {
        // Changing nothing of what is there is allowed; making nothing is not.
        return match changes {
            true => Ok(()),
            false => Err(refused(Errno::ENOENT, "Specified qdisc kind is unknown")),
        };
    };
    let impairment = spoken.over(before.filter(|_| changes));
    let handle = Some(handle).filter(|handle| *handle != 0);
    tc.talk(Op::SetImpairment { netns: tc.netns.clone(), dev, impairment: Some(Box::new(impairment)), handle })
}

/// What is said of the qdisc that is meant.
struct Wish<'a> {
    kind: Option<&'a str>,
    handle: u16,
    root: bool,
}

fn refused(errno: Errno, message: &str) -> Stop {
    refusal(&Fault::refused(errno, message))
}

/// `tc_get_qdisc` for `RTM_DELQDISC`.
fn check_deletion(wish: &Wish<'_>, there: Option<&QdiscState>) -> Result<(), Stop> {
    if !wish.root {
        return Err(match there {
            Some(qdisc) if qdisc.handle == wish.handle => refused(Errno::EINVAL, "Classid cannot be zero"),
            _ => refused(Errno::ENOENT, "Failed to find qdisc with specified handle"),
        });
    }
    let handle = there.map_or(0, |qdisc| qdisc.handle);
    if wish.handle != 0 && wish.handle != handle {
        return Err(refused(Errno::EINVAL, "Invalid handle"));
    }
    if wish.kind.is_some_and(|kind| there.is_none() || kind != "netem") {
        return Err(refused(Errno::EINVAL, "Invalid qdisc name: must match existing qdisc"));
    }
    match there {
        Some(_) => Ok(()),
        None => Err(refused(Errno::ENOENT, "Cannot delete qdisc with handle of zero")),
    }
}

/// `tc_modify_qdisc` up to the deed: whether the qdisc that is there is changed, or a new one made.
fn check_change(wish: &Wish<'_>, verb: Verb, there: Option<&QdiscState>) -> Result<bool, Stop> {
    let exclusive = || refused(Errno::EEXIST, "Exclusivity flag on, cannot modify");
    let create = || refused(Errno::ENOENT, "Qdisc not found. To create specify NLM_F_CREATE flag");
    if !wish.root {
        return match there {
            _ if wish.handle == 0 => Err(refused(Errno::EINVAL, "Handle cannot be zero")),
            Some(qdisc) if qdisc.handle == wish.handle && verb == Verb::Add => Err(exclusive()),
            Some(qdisc) if qdisc.handle == wish.handle => Ok(true),
            _ => Err(refused(Errno::ENOENT, "Specified qdisc not found")),
        };
    }
    match there {
        None if verb == Verb::Change => Err(create()),
        None => Ok(false),
        Some(qdisc) if wish.handle != 0 && wish.handle != qdisc.handle => match verb {
            Verb::Replace => Ok(false),
            _ => Err(refused(Errno::EEXIST, "NLM_F_REPLACE needed to override")),
        },
        Some(_) if verb == Verb::Add => Err(exclusive()),
        Some(_) => Ok(true),
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

fn device(state: &NetnsState, word: &str) -> Result<IfName, Stop> {
    let found = IfName::new(word).ok().filter(|name| state.config.links.contains_key(name));
    found.ok_or_else(|| Stop::back(1, format!("Cannot find device \"{word}\"\n")))
}

fn show(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut dev, mut handle, mut nowhere) = (None, None, false);
    while let Some(word) = words.next() {
        match word {
            "dev" => dev = Some(words.value()?),
            "root" => {}
            // What hangs elsewhere than at the root there is not.
            "ingress" | "clsact" => nowhere = true,
            "parent" => {
                words.value()?;
                nowhere = true;
            }
            "handle" => {
                let value = words.value()?;
                handle = Some(read_handle(value).ok_or_else(|| invarg("invalid handle", value))?);
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
    for (_, name) in all {
        let qdisc = state.volatile.qdiscs.get(&name).copied().unwrap_or_default();
        let wanted = only.is_none_or(|dev| dev == name) && handle.is_none_or(|handle| handle == qdisc.handle);
        // The one that a device is born with is hidden.
        if wanted && !nowhere && state.derived.links[&name].qdisc != "noop" {
            one(&mut page, &state, name, &qdisc, only.is_none(), tc.stats);
        }
    }
    page.close();
    tc.cx.print(&page.into_text());
    Ok(())
}

fn one(page: &mut Page, state: &NetnsState, dev: IfName, qdisc: &QdiscState, with_dev: bool, stats: bool) {
    page.open_object("");
    let kind = &state.derived.links[&dev].qdisc;
    page.say("kind", kind, format_args!("qdisc {kind} "));
    let handle = format!("{:x}:", qdisc.handle);
    page.say("handle", &handle, format_args!("{handle} "));
    if with_dev {
        page.say("dev", dev.as_str(), format_args!("dev {dev} "));
    }
    page.say("root", true, format_args!("root "));
    // One for the device, one for its only queue.
    page.say("refcnt", 2u8, format_args!("refcnt 2 "));
    page.open_object("options");
    if let Some(impairment) = state.config.links.get(&dev).and_then(|link| link.impairment.as_ref()) {
        netem::print(page, impairment);
    }
    page.close_object();
    page.nl();
    if stats {
        counters(page, qdisc);
    }
    page.close_object();
}

fn counters(page: &mut Page, q: &QdiscState) {
    page.text(" Sent ");
    page.say("bytes", q.bytes, format_args!("{} bytes", q.bytes));
    page.say("packets", q.packets, format_args!(" {} pkt", q.packets));
    page.say("drops", q.dropped, format_args!(" (dropped {}, ", q.dropped));
    page.say("overlimits", 0u8, format_args!("overlimits 0 "));
    page.say("requeues", 0u8, format_args!("requeues 0) "));
    page.nl();
    page.say("backlog", q.backlog_bytes, format_args!(" backlog {}", size(q.backlog_bytes)));
    page.say("qlen", q.backlog_packets, format_args!(" {}p", q.backlog_packets));
    page.text(" requeues 0");
    page.nl();
}

/// Bytes as `sprint_size` shortens them.
fn size(bytes: u64) -> String {
    for (unit, letter) in [(1 << 20, "Mb"), (1 << 10, "Kb")] {
        let rounded = (bytes + unit / 2) / unit;
        // Only where next to nothing is lost.
        if bytes >= unit && bytes.abs_diff(rounded * unit) < 1024 {
            return format!("{rounded}{letter}");
        }
    }
    format!("{bytes}b")
}
