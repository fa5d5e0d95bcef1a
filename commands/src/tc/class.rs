//! `tc class`.
//!
//! Counterpart: `tc/tc_class.c`. Deliberately absent, and refused by name: classes of other kinds than htb's to be made, the
//! words `estimator` and `qdisc`.

use super::qdisc::{counters, device, read_class};
use super::{Tc, help, kinds, refusal, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, duparg, invarg, matches};
use crate::iproute::page::{Page, Style};
use nettwin_model::queue::{ClassRequest, ClassRow, Handle, QdiscOptions, QueueChange, QueueVerb};
use nettwin_model::{Errno, Fault, Op};

pub(super) fn run(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let Some(word) = words.next() else { return show(tc, words) };
    let is = |full: &str| matches(word, full);
    match word {
        _ if is("add") => change(tc, words, QueueVerb::Add),
        _ if is("change") => change(tc, words, QueueVerb::Change),
        _ if is("replace") => change(tc, words, QueueVerb::Replace),
        _ if is("delete") => change(tc, words, QueueVerb::Delete),
        _ if is("list") || is("show") || is("lst") => show(tc, words),
        _ if is("help") => Err(Stop::back(0, help::CLASS)),
        _ => Err(Stop::back(MINUS_ONE, format!("Command \"{word}\" is unknown, try \"tc class help\".\n"))),
    }
}

fn change(tc: &mut Tc<'_, '_>, mut words: Words<'_>, verb: QueueVerb) -> Result<(), Stop> {
    let (mut dev, mut classid, mut parent, mut kind) = (None, Handle::NONE, Handle::NONE, None);
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let value = words.value()?;
                if dev.replace(value).is_some() {
                    return Err(duparg("dev", value));
                }
            }
            "classid" => {
                let value = words.value()?;
                if classid != Handle::NONE {
                    return Err(duparg("classid", value));
                }
                classid = read_class(value).ok_or_else(|| invarg("invalid class ID", value))?;
            }
            "root" if parent != Handle::NONE => {
                return Err(Stop::back(MINUS_ONE, "Error: \"root\" is duplicate parent ID.\n"));
            }
            "root" => parent = Handle::ROOT,
            "parent" => {
                let value = words.value()?;
                if parent != Handle::NONE {
                    return Err(duparg("parent", value));
                }
                parent = read_class(value).ok_or_else(|| invarg("invalid parent ID", value))?;
            }
            _ if matches(word, "estimator") => return Err(unsupported(word)),
            // The usage is no end.
            _ if matches(word, "help") => tc.cx.complain(help::CLASS),
            _ => {
                kind = Some(word);
                break;
            }
        }
    }
    let options = match kind {
        Some("htb") => Some(kinds::htb_class(&mut words)?),
        Some("cbq" | "drr" | "ets" | "hfsc" | "qfq") => {
            return Err(unsupported(&format!("class {}", kind.unwrap_or(""))));
        }
        Some(kind) => return Err(Stop::back(1, format!("Error: Qdisc \"{kind}\" is classless.\n"))),
        None => None,
    };
    let Some(dev) = dev else { return Err(refusal(&Fault::errno(Errno::ENODEV))) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    let request = ClassRequest { verb, parent, classid, kind: kind.map(Into::into), options };
    tc.talk(Op::SetQueue { netns: tc.netns.clone(), dev, change: Box::new(QueueChange::Class(request)) })?;
    // The kernel says it with its acknowledgement.
    let state = tc.state()?;
    let queues = state.volatile.queues.get(&dev);
    let major = if classid.major() != 0 { classid } else { parent };
    let qdisc = queues.and_then(|q| q.qdiscs.iter().find(|row| row.handle == major.qdisc()).or(q.root()));
    if let (Some(options), Some(row)) = (options, qdisc)
        && verb != QueueVerb::Delete
        && let Some(QdiscOptions::Htb(htb)) = &row.options
        && let Some(how) = kinds::quantum_warning(&options, htb.r2q)
    {
        let class = Handle::new(row.handle.major(), classid.minor()).0;
        // An inner class has no quantum.
        let is_leaf = queues
            .is_some_and(|q| q.classes.iter().any(|c| c.classid.0 == class && c.options.is_some_and(|o| o.level == 0)));
        if is_leaf {
            tc.cx.complain(&format!("Warning: sch_htb: quantum of class {class:X} is {how}. Consider r2q change.\n"));
        }
    }
    Ok(())
}

fn show(tc: &mut Tc<'_, '_>, mut words: Words<'_>) -> Result<(), Stop> {
    let (mut dev, mut classid, mut parent) = (None, None, Handle::NONE);
    while let Some(word) = words.next() {
        match word {
            "dev" => {
                let value = words.value()?;
                if dev.replace(value).is_some() {
                    return Err(duparg("dev", value));
                }
            }
            "qdisc" => return Err(unsupported(word)),
            "classid" => {
                let value = words.value()?;
                if classid.is_some() {
                    return Err(duparg("classid", value));
                }
                classid = Some(read_class(value).ok_or_else(|| invarg("invalid class ID", value))?);
            }
            "root" | "parent" if parent != Handle::NONE => {
                return Err(Stop::back(MINUS_ONE, format!("Error: \"{word}\" is duplicate parent ID\n")));
            }
            "root" => parent = Handle::ROOT,
            "parent" => {
                let value = words.value()?;
                parent = read_class(value).ok_or_else(|| invarg("invalid parent ID", value))?;
            }
            _ if matches(word, "help") => return Err(Stop::back(0, help::CLASS)),
            _ => return Err(Stop::back(MINUS_ONE, format!("What is \"{word}\"? Try \"tc class help\".\n"))),
        }
    }
    let Some(dev) = dev else { return Ok(()) };
    let state = tc.state()?;
    let dev = device(&state, dev)?;
    // It is never JSON.
    let mut page = Page::new(Style { json: false, ..tc.style });
    let queues = state.volatile.queues.get(&dev);
    for row in queues.into_iter().flat_map(|queues| &queues.classes) {
        // The kernel lists a parent's whole qdisc; the tool picks a class.
        let is_asked = parent == Handle::NONE || row.classid.qdisc() == parent.qdisc() && parent != Handle::ROOT;
        if is_asked && classid.is_none_or(|classid| classid == row.classid) {
            one(tc, &mut page, row);
        }
    }
    tc.cx.print(&page.into_text());
    Ok(())
}

fn one(tc: &Tc<'_, '_>, page: &mut Page, row: &ClassRow) {
    page.text(format_args!("class {} {} ", row.kind, row.classid));
    match row.parent {
        Handle::ROOT => page.text("root "),
        parent => page.text(format_args!("parent {parent} ")),
    }
    if row.leaf != Handle::NONE {
        page.text(format_args!("leaf {:x}: ", row.leaf.major()));
    }
    if let Some(options) = &row.options {
        kinds::print_htb_class(tc, page, options);
    }
    page.text("\n");
    if !tc.stats {
        return;
    }
    if let Some(c) = &row.counters {
        counters(page, c);
    }
    page.text("\n");
    if let Some(more) = &row.more {
        page.text(format_args!(" lended: {} borrowed: {} giants: {}\n", more.lends, more.borrows, more.giants));
        page.text(format_args!(" tokens: {} ctokens: {}\n\n", more.tokens, more.ctokens));
    }
}
