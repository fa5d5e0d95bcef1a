//! What each kind of qdisc is told in words, and how it shows itself.
//!
//! Counterpart: `tc/q_fifo.c`, `tc/q_prio.c`, `tc/q_tbf.c`, `tc/q_htb.c`; netem is in [`super::netem`]. Deliberately absent, and
//! refused by name: the other kinds, `rate 50%`, `offload`.

use super::number::{
    print_rate, print_size, print_time, rate, size, size_and_cell, time, us_of, xmit_bytes, xmit_ticks,
};
use super::{Tc, help, netem, unsupported};
use crate::iproute::args::{Stop, Words, matches, whole};
use crate::iproute::page::Page;
use nettwin_model::Impairment;
use nettwin_model::queue::{Htb, HtbClass, Prio, QdiscOptions, Rate, Tbf};

/// What is known besides the kinds that can be made.
const OTHER_KINDS: &[&str] = &[
    "cake", "cbq", "cbs", "choke", "clsact", "codel", "drr", "dsmark", "etf", "ets", "fifo", "fq", "fq_codel",
    "fq_pie", "gred", "hfsc", "hhf", "ingress", "mq", "mqprio", "multiq", "pie", "plug", "qfq", "red", "rr", "sfb",
    "sfq", "skbprio", "taprio",
];

/// What was said of a kind. netem's words say only what is to change.
pub(super) enum Said {
    Options(Option<QdiscOptions>),
    Netem(netem::Spoken),
}

impl Said {
    /// What the kernel is to be told, where `before` is there already.
    pub(super) fn over(self, before: Option<Impairment>) -> Option<QdiscOptions> {
        match self {
            Said::Options(options) => options,
            Said::Netem(spoken) => Some(QdiscOptions::Netem(Box::new(spoken.over(before)))),
        }
    }
}

/// The words behind a kind.
pub(super) fn parse(kind: &str, words: &mut Words<'_>, deletes: bool) -> Result<Said, Stop> {
    let options = match kind {
        "netem" => return netem::parse(words).map(Said::Netem),
        "pfifo" | "bfifo" | "pfifo_head_drop" => fifo(kind, words)?,
        "prio" => Some(QdiscOptions::Prio(prio(words)?)),
        "tbf" => Some(QdiscOptions::Tbf(tbf(words)?)),
        "htb" => Some(QdiscOptions::Htb(htb(words)?)),
        _ if OTHER_KINDS.contains(&kind) && !deletes => return Err(unsupported(kind)),
        "pfifo_fast" if words.peek().is_some() => {
            return Err(Stop::back(255, format!("qdisc '{kind}' does not support option parsing\n")));
        }
        "pfifo_fast" => None,
        _ => {
            // A kind that the tool has no words of.
            if let Some(word) = words.peek() {
                let text = format!("Unknown qdisc \"{kind}\", hence option \"{word}\" is unparsable\n");
                return Err(Stop::back(1, text));
            }
            None
        }
    };
    Ok(Said::Options(options))
}

/// `return -1` of a parser, of which `tc` makes 1.
fn failed(text: impl Into<String>) -> Stop {
    Stop::back(1, text)
}

fn fifo(kind: &str, words: &mut Words<'_>) -> Result<Option<QdiscOptions>, Stop> {
    let mut options = None;
    while let Some(word) = words.next() {
        match word {
            "limit" => {
                let value = words.value()?;
                let limit = size(value);
                let wrong = || failed(format!("{kind}: Illegal value for \"limit\": \"{value}\"\n"));
                options = Some(QdiscOptions::Fifo { limit: limit.ok_or_else(wrong)? });
            }
            "help" => return Err(failed(help::FIFO)),
            _ => return Err(failed(format!("{kind}: unknown parameter \"{word}\"\n{}", help::FIFO))),
        }
    }
    Ok(options)
}

fn prio(words: &mut Words<'_>) -> Result<Prio, Stop> {
    let mut out = Prio::default();
    let (mut maps, mut at) = (false, 0);
    while let Some(word) = words.next() {
        match word {
            "bands" => {
                if maps {
                    return Err(failed(help::PRIO));
                }
                let bands = whole(words.value()?, 10).and_then(|n| i32::try_from(n).ok());
                out.bands = bands.ok_or_else(|| failed("Illegal \"bands\"\n"))?.cast_unsigned();
            }
            "priomap" if maps => return Err(failed("Error: duplicate priomap\n")),
            "priomap" => maps = true,
            "help" => return Err(failed(help::PRIO)),
            _ if !maps => return Err(failed(format!("What is \"{word}\"?\n{}", help::PRIO))),
            _ => {
                let band = whole(word, 10).and_then(|n| u32::try_from(n).ok());
                let band = band.ok_or_else(|| failed("Illegal \"priomap\" element\n"))?;
                if band > out.bands {
                    return Err(failed("\"priomap\" element is out of bands\n"));
                }
                let slot = out.map.get_mut(at).ok_or_else(|| failed("\"priomap\" index > TC_PRIO_MAX=15\n"))?;
                *slot = u8::try_from(band).unwrap_or(u8::MAX);
                at += 1;
            }
        }
    }
    Ok(out)
}

/// A rate's value; a part of the device's speed is not known.
fn read_rate(word: &str, wrong: impl Fn() -> Stop) -> Result<u64, Stop> {
    if word.contains('%') {
        return Err(unsupported(&format!("rate {word}")));
    }
    rate(word).ok_or_else(wrong)
}

/// What tc says of the frames of a rate.
#[derive(Default)]
struct Frames {
    mpu: u32,
    overhead: u16,
    atm: bool,
}

impl Frames {
    fn rate(&self, bps: u64) -> Rate {
        // As C cuts it.
        Rate { bps, mpu: self.mpu as u16, overhead: self.overhead, atm: self.atm }
    }
}

/// `get_linklayer`.
fn linklayer(word: &str) -> Option<bool> {
    match word {
        "ethernet" => Some(false),
        "atm" | "adsl" => Some(true),
        _ => None,
    }
}

fn tbf(words: &mut Words<'_>) -> Result<Tbf, Stop> {
    let (mut limit, mut latency, mut burst, mut mtu) = (0u32, 0u32, 0u32, 0u32);
    let (mut bps, mut peak, mut frames) = (0u64, 0u64, Frames::default());
    let twice = |what: &str| failed(format!("tbf: duplicate \"{what}\" specification\n"));
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        let is_known = is("limit")
            || is("latency")
            || is("burst")
            || ["buffer", "maxburst", "mtu", "minburst", "mpu", "rate"].contains(&word)
            || is("peakrate")
            || is("overhead")
            || is("linklayer");
        if word == "help" {
            return Err(failed(help::TBF));
        }
        if !is_known {
            return Err(failed(format!("tbf: unknown parameter \"{word}\"\n{}", help::TBF)));
        }
        let value = words.value()?;
        let wrong = |what: &str| failed(format!("tbf: illegal value for \"{what}\": \"{value}\"\n"));
        match word {
            _ if is("limit") && limit != 0 => return Err(twice("limit")),
            _ if is("limit") && latency != 0 => {
                return Err(failed("tbf: specifying both \"latency\" and \"limit\" is not allowed\n"));
            }
            _ if is("limit") => limit = size(value).ok_or_else(|| wrong("limit"))?,
            _ if is("latency") && latency != 0 => return Err(twice("latency")),
            _ if is("latency") && limit != 0 => {
                return Err(failed("tbf: specifying both \"limit\" and \"/latency\" is not allowed\n"));
            }
            _ if is("latency") => latency = time(value).ok_or_else(|| wrong("latency"))?,
            _ if is("burst") || word == "buffer" || word == "maxburst" => {
                if burst != 0 {
                    return Err(twice("buffer/burst/maxburst"));
                }
                burst = size_and_cell(value).ok_or_else(|| wrong(word))?;
            }
            "mtu" | "minburst" if mtu != 0 => return Err(twice("mtu/minburst")),
            "mtu" | "minburst" => mtu = size_and_cell(value).ok_or_else(|| wrong(word))?,
            "mpu" if frames.mpu != 0 => return Err(twice("mpu")),
            "mpu" => frames.mpu = size(value).ok_or_else(|| wrong("mpu"))?,
            "rate" if bps != 0 => return Err(twice("rate")),
            "rate" => bps = read_rate(value, || wrong("rate"))?,
            _ if is("peakrate") && peak != 0 => return Err(twice("peakrate")),
            _ if is("peakrate") => peak = read_rate(value, || wrong("peakrate"))?,
            _ if is("overhead") && frames.overhead != 0 => return Err(twice("overhead")),
            _ if is("overhead") => {
                let bytes = whole(value, 10).and_then(|n| u16::try_from(n).ok());
                frames.overhead = bytes.ok_or_else(|| wrong("overhead"))?;
            }
            _ => frames.atm = linklayer(value).ok_or_else(|| wrong("linklayer"))?,
        }
    }
    let mut missing = String::new();
    let mut miss = |is_missing: bool, text: &str| {
        if is_missing {
            missing += text;
        }
    };
    miss(bps == 0, "tbf: the \"rate\" parameter is mandatory.\n");
    miss(burst == 0, "tbf: the \"burst\" parameter is mandatory.\n");
    let no_mtu = "tbf: when \"peakrate\" is specified, \"mtu\" must also be specified.\n";
    miss(peak != 0 && mtu == 0, no_mtu);
    miss(limit == 0 && latency == 0, "tbf: either \"limit\" or \"latency\" is required.\n");
    if !missing.is_empty() {
        return Err(failed(missing + help::TBF));
    }
    if limit == 0 {
        let within = |bps: u64, burst: u32| bps as f64 * f64::from(latency) / 1e6 + f64::from(burst);
        let most = if peak > 0 { within(peak, mtu) } else { f64::INFINITY };
        // As C cuts a double to an unsigned.
        limit = within(bps, burst).min(most) as i64 as u32;
    }
    Ok(Tbf {
        rate: frames.rate(bps),
        buffer_ticks: xmit_ticks(bps, burst),
        burst: Some(burst),
        peak: (peak > 0).then(|| frames.rate(peak)),
        mtu_ticks: if peak > 0 { xmit_ticks(peak, mtu) } else { 0 },
        mtu: (peak > 0).then_some(mtu),
        limit,
    })
}

fn htb(words: &mut Words<'_>) -> Result<Htb, Stop> {
    const R2Q: u32 = 10;
    let mut out = Htb { r2q: R2Q, ..Htb::default() };
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        let illegal = |what: &str| failed(format!("Illegal \"{what}\"\n{}", help::HTB));
        let number = |word: &str, base| whole(word, base).and_then(|n| u32::try_from(n).ok());
        match word {
            _ if is("default") => out.default = number(words.value()?, 16).ok_or_else(|| illegal("default"))?,
            _ if is("r2q") => out.r2q = number(words.value()?, 10).ok_or_else(|| illegal("r2q"))?,
            _ if is("direct_qlen") => {
                let value = words.value()?;
                out.direct_qlen = Some(number(value, 10).ok_or_else(|| illegal("direct_qlen"))?);
            }
            _ if is("debug") || is("offload") => return Err(unsupported(word)),
            _ => return Err(failed(format!("What is \"{word}\"?\n{}", help::HTB))),
        }
    }
    Ok(out)
}

/// A class's words.
pub(super) fn htb_class(words: &mut Words<'_>) -> Result<HtbClass, Stop> {
    let (mut bps, mut ceil, mut burst, mut cburst, mut mtu) = (0u64, 0u64, 0u32, 0u32, 1600u32);
    let (mut out, mut frames) = (HtbClass::default(), Frames::default());
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        let illegal = |what: &str| failed(format!("Illegal \"{what}\"\n{}", help::HTB));
        let is_known =
            ["prio", "mtu", "mpu", "overhead", "linklayer", "quantum", "burst", "cburst"].iter().any(|k| is(k))
                || ["buffer", "maxburst", "cbuffer", "cmaxburst", "ceil", "rate"].contains(&word);
        if !is_known {
            let what = if word == "help" { String::new() } else { format!("What is \"{word}\"?\n") };
            return Err(failed(what + help::HTB));
        }
        let value = words.value()?;
        let number = || whole(value, 10).and_then(|n| u32::try_from(n).ok());
        let short = || whole(value, 10).and_then(|n| u16::try_from(n).ok());
        match word {
            _ if is("prio") => out.prio = number().ok_or_else(|| illegal("prio"))?,
            _ if is("mtu") => mtu = number().ok_or_else(|| illegal("mtu"))?,
            _ if is("mpu") => frames.mpu = short().ok_or_else(|| illegal("mpu"))?.into(),
            _ if is("overhead") => frames.overhead = short().ok_or_else(|| illegal("overhead"))?,
            _ if is("linklayer") => frames.atm = linklayer(value).ok_or_else(|| illegal("linklayer"))?,
            _ if is("quantum") => out.quantum = number().ok_or_else(|| illegal("quantum"))?,
            _ if is("burst") || word == "buffer" || word == "maxburst" => {
                burst = size_and_cell(value).ok_or_else(|| illegal(word))?;
            }
            _ if is("cburst") || word == "cbuffer" || word == "cmaxburst" => {
                cburst = size_and_cell(value).ok_or_else(|| illegal(word))?;
            }
            "ceil" if ceil != 0 => return Err(failed("Double \"ceil\" spec\n")),
            "ceil" => ceil = read_rate(value, || illegal("ceil"))?,
            _ if bps != 0 => return Err(failed("Double \"rate\" spec\n")),
            _ => bps = read_rate(value, || illegal("rate"))?,
        }
    }
    if bps == 0 {
        return Err(failed("\"rate\" is required.\n"));
    }
    ceil = if ceil == 0 { bps } else { ceil };
    /// What `/proc/net/psched` says of the clock.
    const HZ: u64 = 1_000_000_000;
    let least = |bps: u64| u32::try_from(bps / HZ).unwrap_or(u32::MAX).saturating_add(mtu);
    burst = if burst == 0 { least(bps) } else { burst };
    cburst = if cburst == 0 { least(ceil) } else { cburst };
    (out.rate, out.ceil) = (frames.rate(bps), frames.rate(ceil));
    (out.buffer_ticks, out.cbuffer_ticks) = (xmit_ticks(bps, burst), xmit_ticks(ceil, cburst));
    Ok(out)
}

/// A qdisc's options as they are shown.
pub(super) fn print(tc: &Tc<'_, '_>, page: &mut Page, kind: &str, options: &QdiscOptions) {
    match options {
        QdiscOptions::Fifo { limit } if kind == "bfifo" => {
            page.say("limit", *limit, format_args!("limit {}", print_size((*limit).into())));
        }
        QdiscOptions::Fifo { limit } => page.say("limit", *limit, format_args!("limit {limit}p")),
        QdiscOptions::Prio(prio) => {
            page.say("bands", prio.bands, format_args!("bands {} priomap", prio.bands));
            page.open_array("priomap");
            for band in prio.map {
                page.number_item(band.into(), format_args!(" {band}"));
            }
            page.close_array();
            page.field("multiqueue", false);
        }
        QdiscOptions::Tbf(tbf) => print_tbf(tc, page, tbf),
        QdiscOptions::Htb(htb) => {
            page.say("r2q", htb.r2q, format_args!("r2q {}", htb.r2q));
            let default = format!("{:#x}", htb.default);
            let default = if htb.default == 0 { "0" } else { &default };
            page.say("default", default, format_args!(" default {default}"));
            let direct = htb.direct_packets;
            page.say("direct_packets_stat", direct, format_args!(" direct_packets_stat {direct}"));
            if tc.details {
                page.say("ver", "3.17", format_args!(" ver 3.17"));
            }
            if let Some(qlen) = htb.direct_qlen {
                page.say("direct_qlen", qlen, format_args!(" direct_qlen {qlen}"));
            }
        }
        QdiscOptions::Netem(impairment) => netem::print(page, impairment),
    }
}

fn print_tbf(tc: &Tc<'_, '_>, page: &mut Page, tbf: &Tbf) {
    page.say("rate", tbf.rate.bps, format_args!("rate {} ", print_rate(tbf.rate.bps)));
    bucket(tc, page, ("burst", "burst"), tbf.rate, tbf.buffer_ticks);
    if let Some(peak) = tbf.peak {
        page.text(format_args!("peakrate {} ", print_rate(peak.bps)));
        if tbf.mtu_ticks != 0 || peak.mpu != 0 {
            bucket(tc, page, ("mtu", "minburst"), peak, tbf.mtu_ticks);
        }
    }
    let waits = |bps: u64, ticks: u32| 1e6 * (f64::from(tbf.limit) / bps as f64) - us_of(ticks.into()) as f64;
    let mut latency = waits(tbf.rate.bps, tbf.buffer_ticks);
    if let Some(peak) = tbf.peak {
        latency = latency.max(waits(peak.bps, tbf.mtu_ticks));
    }
    if latency >= 0.0 {
        // Cut, as C does.
        let us = latency as u64;
        page.say("lat", us, format_args!("lat {} ", print_time(us)));
    }
    if tc.raw || latency < 0.0 {
        page.say("limit", tbf.limit, format_args!("limit {} ", print_size(tbf.limit.into())));
    }
    if tbf.rate.overhead != 0 {
        page.say("overhead", tbf.rate.overhead, format_args!("overhead {} ", tbf.rate.overhead));
    }
    print_layer(tc, page, tbf.rate);
}

/// A bucket of a tbf: with `-d` in one word with its cell, and what a frame takes at least.
fn bucket(tc: &Tc<'_, '_>, page: &mut Page, (long, short): (&str, &str), rate: Rate, ticks: u32) {
    let bytes = xmit_bytes(rate.bps, ticks);
    if tc.details {
        let text = format!("{}/1", print_size(bytes));
        page.say(long, text.as_str(), format_args!("{long} {text} "));
        page.say("mpu", rate.mpu, format_args!("mpu {} ", print_size(rate.mpu.into())));
    } else {
        page.say(short, bytes, format_args!("{short} {} ", print_size(bytes)));
    }
    if tc.raw {
        page.text(format_args!("[{ticks:08x}] "));
    }
}

fn print_layer(tc: &Tc<'_, '_>, page: &mut Page, rate: Rate) {
    if rate.atm || tc.details {
        let layer = if rate.atm { "atm" } else { "ethernet" };
        page.say("linklayer", layer, format_args!("linklayer {layer} "));
    }
}

/// A class of an htb as it is shown.
pub(super) fn print_htb_class(tc: &Tc<'_, '_>, page: &mut Page, c: &HtbClass) {
    if c.level == 0 {
        page.text(format_args!("prio {} ", c.prio));
        if tc.details {
            page.text(format_args!("quantum {} ", c.quantum));
        }
    }
    page.text(format_args!("rate {} ", print_rate(c.rate.bps)));
    if c.rate.overhead != 0 {
        page.text(format_args!("overhead {} ", c.rate.overhead));
    }
    page.text(format_args!("ceil {} ", print_rate(c.ceil.bps)));
    print_layer(tc, page, c.rate);
    for (key, rate, ticks) in [("burst", c.rate, c.buffer_ticks), ("cburst", c.ceil, c.cbuffer_ticks)] {
        let bytes = print_size(xmit_bytes(rate.bps, ticks));
        match tc.details {
            true => page.text(format_args!("{key} {bytes}/1 mpu {} ", print_size(rate.mpu.into()))),
            false => page.text(format_args!("{key} {bytes} ")),
        }
    }
    if tc.details {
        page.text(format_args!("level {} ", c.level));
    }
    if tc.raw {
        page.text(format_args!("buffer [{:08x}] cbuffer [{:08x}] ", c.buffer_ticks, c.cbuffer_ticks));
    }
}

/// Whether the kernel warns of a class's quantum: how it is, as `htb_change_class` has it.
pub(super) fn quantum_warning(class: &HtbClass, r2q: u32) -> Option<&'static str> {
    match class.rate.bps / u64::from(r2q.max(1)) {
        _ if class.quantum != 0 => None,
        ..1000 => Some("small"),
        1000..=200_000 => None,
        _ => Some("big"),
    }
}
