//! netem's words.
//!
//! Counterpart: `tc/q_netem.c`. Stricter words for the same things
//! are in [`nettwin_model::words::netem`]. Deliberately absent, and refused by name: the distribution `experimental`.

use super::number::{print_rate, print_time, rate, share, size, ticks_of, us_of};
use super::{help, unsupported};
use crate::iproute::args::{Stop, Words, matches, unsigned};
use crate::iproute::page::{Page, Value};
use crate::number::{general, strtod_rest, strtol_rest};
use nettwin_model::Impairment;
use nettwin_model::impair::{Bursts, Chance, Distribution, Overhead, Share, Slot};
use nettwin_model::queue::TICK_NS;
use std::time::Duration;

/// What was said. The kernel takes what is not said from the qdisc that is there, or not, each after its kind.
#[derive(Default)]
pub(super) struct Spoken {
    /// These are always sent whole.
    base: Impairment,
    correlations: bool,
    reorder: bool,
    corrupt: bool,
    rate: bool,
    ecn: bool,
}

impl Spoken {
    /// The impairment that comes of it where `before` is there already (`netem_change`).
    pub(super) fn over(self, before: Option<Impairment>) -> Impairment {
        let mut to = self.base;
        let Some(before) = before else { return to };
        if !self.correlations {
            to.delay_correlation = before.delay_correlation;
            to.loss.correlation = before.loss.correlation;
            to.duplicate.correlation = before.duplicate.correlation;
        }
        if !self.reorder {
            to.reorder = before.reorder;
        }
        if !self.corrupt {
            to.corrupt = before.corrupt;
        }
        if !self.rate {
            (to.rate_bps, to.overhead) = (before.rate_bps, before.overhead);
        }
        to.ecn |= before.ecn;
        to.slot = to.slot.or(before.slot);
        to
    }
}

pub(super) fn parse(words: &mut Words<'_>) -> Result<Spoken, Stop> {
    let mut spoken = Spoken::default();
    let mut lossy = false;
    while let Some(word) = words.next() {
        let is = |full: &str| matches(word, full);
        let i = &mut spoken.base;
        match word {
            _ if is("limit") => {
                let value = words.value()?;
                let limit = size(value).ok_or_else(|| illegal("limit"))?;
                i.limit = Some(limit).filter(|limit| *limit != DEFAULT_LIMIT);
            }
            _ if is("latency") || is("delay") => {
                i.delay = time(words.value()?)?;
                if let Some(value) = next_number(words) {
                    i.jitter = time(value)?;
                    if let Some(value) = next_number(words) {
                        i.delay_correlation = percent(value, "latency")?;
                        spoken.correlations = true;
                    }
                }
            }
            _ if is("loss") || is("drop") => {
                if lossy {
                    return Err(illegal("duplicate loss argument\n"));
                }
                lossy = true;
                let value = match words.value()? {
                    "random" => words.value()?,
                    "state" => {
                        i.bursts = Some(states(words)?);
                        continue;
                    }
                    "gemodel" => {
                        i.bursts = Some(gilbert_elliott(words)?);
                        continue;
                    }
                    number if number.starts_with(|c: char| c.is_ascii_digit()) => number,
                    other => return Err(failed(format!("Unknown loss parameter: {other}\n"))),
                };
                i.loss.share = percent(value, "loss percent")?;
                if let Some(value) = next_number(words) {
                    i.loss.correlation = percent(value, "loss correlation")?;
                    spoken.correlations = true;
                }
            }
            _ if is("ecn") => (i.ecn, spoken.ecn) = (true, true),
            _ if is("distribution") => i.distribution = Some(distribution(words.value()?)?),
            _ if is("slot") => i.slot = Some(slot(words)?),
            _ if is("reorder") => {
                i.reorder = chance(words, "reorder")?;
                spoken.reorder = true;
            }
            _ if is("corrupt") => {
                i.corrupt = chance(words, "corrupt")?;
                spoken.corrupt = true;
            }
            _ if is("gap") => i.gap = unsigned(words.value()?).ok_or_else(|| illegal("gap"))?,
            _ if is("duplicate") => {
                i.duplicate.share = percent(words.value()?, "duplicate")?;
                if let Some(value) = next_number(words) {
                    i.duplicate.correlation = percent(value, "duplicate")?;
                    spoken.correlations = true;
                }
            }
            _ if is("rate") => {
                i.rate_bps = rate(words.value()?).ok_or_else(|| illegal("rate"))?;
                spoken.rate = true;
                i.overhead = overhead(words)?;
            }
            "help" => return Err(failed(help::NETEM)),
            _ => return Err(failed(format!("What is \"{word}\"?\n{}", help::NETEM))),
        }
    }
    let i = &mut spoken.base;
    if i.reorder.share != Share(0) {
        if i.delay.is_zero() {
            let why = "reordering not possible without specifying some delay\n";
            return Err(failed(format!("{why}{}", help::NETEM)));
        }
        i.gap = i.gap.max(1);
    } else if i.gap > 0 {
        return Err(failed(format!("gap specified without reorder probability\n{}", help::NETEM)));
    }
    if spoken.ecn && i.loss.share == Share(0) && i.bursts.is_none() {
        return Err(failed(format!("ecn requested without loss model\n{}", help::NETEM)));
    }
    if i.distribution.is_some() && (i.delay.is_zero() || i.jitter.is_zero()) {
        let why = "distribution specified but no latency and jitter values\n";
        return Err(failed(format!("{why}{}", help::NETEM)));
    }
    Ok(spoken)
}

/// A distribution by its file's name (`get_distribution`).
fn distribution(name: &str) -> Result<Distribution, Stop> {
    if name == "experimental" {
        return Err(unsupported("distribution experimental"));
    }
    Distribution::by_name(name).ok_or_else(|| {
        let file = format!("/usr/lib/x86_64-linux-gnu/tc//{name}.dist");
        failed(format!("No distribution data for {name} ({file}: No such file or directory)\n"))
    })
}

/// `slot`'s words.
fn slot(words: &mut Words<'_>) -> Result<Slot, Stop> {
    let mut out = Slot::default();
    if let Some(word) = next_number(words) {
        out.min_ns = nanoseconds(word).ok_or_else(|| illegal("slot min_delay"))?;
        if let Some(word) = next_number(words) {
            out.max_ns = nanoseconds(word).ok_or_else(|| illegal("slot min_delay max_delay"))?;
        }
        out.max_ns = out.max_ns.max(out.min_ns);
    } else {
        match words.value()? {
            "distribution" => {}
            other => return Err(failed(format!("Unknown slot parameter: {other}\n"))),
        }
        out.distribution = Some(distribution(words.value()?)?);
        let delay = nanoseconds(words.value()?).ok_or_else(|| illegal("slot delay"))?;
        let jitter = nanoseconds(words.value()?).ok_or_else(|| illegal("slot jitter"))?;
        if jitter == 0 {
            return Err(failed("Non-positive jitter\n"));
        }
        out.spread_ns = Some((delay, jitter));
    }
    if words.peek().is_some_and(|word| matches(word, "packets")) {
        words.next();
        let count = words.next().and_then(unsigned).filter(|n| *n <= i32::MAX.cast_unsigned());
        out.packets = count.ok_or_else(|| illegal("slot packets"))?;
    }
    if words.peek().is_some_and(|word| matches(word, "bytes")) {
        words.next();
        out.bytes = words.next().and_then(size).ok_or_else(|| illegal("slot bytes"))?;
    }
    Ok(out)
}

/// `get_time64`: a number alone is nanoseconds.
fn nanoseconds(word: &str) -> Option<u64> {
    let (number, unit) = strtod_rest(word)?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" => 1e9,
        "ms" | "msec" | "msecs" => 1e6,
        "us" | "usec" | "usecs" => 1e3,
        "" | "ns" | "nsec" | "nsecs" => 1.0,
        _ => return None,
    };
    let ns = number * factor;
    // Bounded just here.
    (0.0..9e18).contains(&ns).then_some(ns as u64)
}

/// The kernel's own limit, packets: what is not said.
const DEFAULT_LIMIT: u32 = 1000;

/// `return -1` of a parser, of which `tc` makes 1.
fn failed(text: impl Into<String>) -> Stop {
    Stop::back(1, text)
}

fn illegal(what: &str) -> Stop {
    failed(format!("Illegal \"{what}\"\n"))
}

/// `[PACKETOVERHEAD] [CELLSIZE] [CELLOVERHEAD]`, each where the next word looks like it.
fn overhead(words: &mut Words<'_>) -> Result<Overhead, Stop> {
    let mut out = Overhead::default();
    if let Some(word) = next_signed(words) {
        out.packet = signed(word)?;
    }
    if let Some(word) = next_number(words) {
        out.cell = unsigned(word).ok_or_else(|| illegal("rate"))?;
    }
    if let Some(word) = next_signed(words) {
        out.per_cell = signed(word)?;
    }
    Ok(out)
}

/// `get_s32`.
fn signed(word: &str) -> Result<i32, Stop> {
    let (number, rest) = strtol_rest(word, 0).ok_or_else(|| illegal("rate"))?;
    i32::try_from(number).ok().filter(|_| rest.is_empty()).ok_or_else(|| illegal("rate"))
}

/// The next word if it begins with a digit or a minus and a digit (`NEXT_IS_SIGNED_NUMBER`).
fn next_signed<'a>(words: &mut Words<'a>) -> Option<&'a str> {
    let is_signed = |word: &&str| word.strip_prefix('-').unwrap_or(word).starts_with(|c: char| c.is_ascii_digit());
    words.peek().filter(is_signed)?;
    words.next()
}

/// The next word if it begins with a digit (`NEXT_IS_NUMBER`).
fn next_number<'a>(words: &mut Words<'a>) -> Option<&'a str> {
    words.peek().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    words.next()
}

fn chance(words: &mut Words<'_>, key: &str) -> Result<Chance, Stop> {
    let share = percent(words.value()?, key)?;
    let correlation = next_number(words).map(|value| percent(value, key)).transpose()?.unwrap_or_default();
    Ok(Chance { share, correlation })
}

fn states(words: &mut Words<'_>) -> Result<Bursts, Stop> {
    let p13 = percent(words.value()?, "loss p13")?;
    let (mut p31, mut p32, mut p23, mut p14) = (Share(u32::MAX - p13.0), Share(0), Share(u32::MAX), Share(0));
    let slots = [(&mut p31, "loss p31"), (&mut p32, "loss p32"), (&mut p23, "loss p23"), (&mut p14, "loss p14")];
    for (slot, what) in slots {
        let Some(value) = next_number(words) else { break };
        *slot = percent(value, what)?;
    }
    Ok(Bursts::States { p13, p31, p32, p23, p14 })
}

fn gilbert_elliott(words: &mut Words<'_>) -> Result<Bursts, Stop> {
    let p = percent(words.value()?, "loss gemodel p")?;
    let (mut r, mut h, mut k1) = (Share(u32::MAX - p.0), Share(0), Share(0));
    if let Some(value) = next_number(words) {
        r = percent(value, "loss gemodel r")?;
        if let Some(value) = next_number(words) {
            // The word is 1-h.
            h = Share(u32::MAX - percent(value, "loss gemodel h")?.0);
            if let Some(value) = next_number(words) {
                k1 = percent(value, "loss gemodel k")?;
            }
        }
    }
    Ok(Bursts::GilbertElliott { p, r, h, k1 })
}

fn bursts(page: &mut Page, bursts: Bursts) {
    let (object, shares) = match bursts {
        Bursts::States { p13, p31, p32, p23, p14 } => (
            "loss-state",
            vec![
                ("p13", " loss state p13", p13),
                ("p31", " p31", p31),
                ("p32", " p32", p32),
                ("p23", " p23", p23),
                ("p14", " p14", p14),
            ],
        ),
        Bursts::GilbertElliott { p, r, h, k1 } => {
            let lost = Share(u32::MAX - h.0);
            (
                "loss-gemodel",
                vec![("p", " loss gemodel p", p), ("r", " r", r), ("1-h", " 1-h", lost), ("1-k", " 1-k", k1)],
            )
        }
    };
    page.open_object(object);
    for (key, word, share) in shares {
        let share = fraction(share);
        page.say(key, Value::Float(share), format_args!("{word} {}%", general(share * 100.0, 6)));
    }
    page.close_object();
}

fn percent(word: &str, what: &str) -> Result<Share, Stop> {
    share(word).ok_or_else(|| illegal(what))
}

/// A time in the ticks that the tool sends (`get_ticks`).
fn time(word: &str) -> Result<Duration, Stop> {
    let us = super::number::time(word).ok_or_else(|| illegal("latency"))?;
    let ticks = ticks_of(us.into());
    if ticks > u64::from(u32::MAX) {
        return Err(failed(format!("Illegal {us} time (too large)\nIllegal \"latency\"\n")));
    }
    Ok(Duration::from_nanos(ticks * TICK_NS))
}

/// A time as it is printed: in whole microseconds, by ticks.
fn microseconds(time: Duration) -> u64 {
    us_of(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX) / TICK_NS)
}

pub(super) fn print(page: &mut Page, i: &Impairment) {
    let limit = i.limit.unwrap_or(DEFAULT_LIMIT);
    page.say("limit", limit, format_args!("limit {limit}"));
    let (delay, jitter) = (microseconds(i.delay), microseconds(i.jitter));
    if !i.delay.is_zero() {
        page.open_object("delay");
        page.say("delay", Value::Float(delay as f64 / 1e6), format_args!(" delay {}", print_time(delay)));
        // In JSON all of it, in text what there is of it.
        page.field("jitter", Value::Float(jitter as f64 / 1e6));
        if page.is_json() || !i.jitter.is_zero() {
            page.text(format_args!("  {}", print_time(jitter)));
            correlation(page, i.delay_correlation);
        }
        page.close_object();
    }
    let chances = [
        ("loss-random", "loss", i.loss),
        ("duplicate", "duplicate", i.duplicate),
        ("reorder", "reorder", i.reorder),
        ("corrupt", "corrupt", i.corrupt),
    ];
    for (n, (object, key, chance)) in chances.into_iter().enumerate() {
        if n == 1
            && let Some(model) = i.bursts
        {
            bursts(page, model);
        }
        if chance.share == Share(0) {
            continue;
        }
        page.open_object(object);
        let share = fraction(chance.share);
        page.say(key, Value::Float(share), format_args!(" {key} {}%", general(share * 100.0, 6)));
        correlation(page, chance.correlation);
        page.close_object();
    }
    if i.rate_bps > 0 {
        page.open_object("rate");
        page.say("rate", i.rate_bps, format_args!(" rate {}", print_rate(i.rate_bps)));
        let Overhead { packet, cell, per_cell } = i.overhead;
        for (key, value) in
            [("packetoverhead", packet.into()), ("cellsize", cell.into()), ("celloverhead", per_cell.into())]
        {
            let value: i64 = value;
            page.field(key, Value::Signed(value));
            if value != 0 {
                page.text(format_args!(" {key} {value}"));
            }
        }
        page.close_object();
    }
    if let Some(slot) = &i.slot {
        print_slot(page, slot);
    }
    page.field("ecn", i.ecn);
    if i.ecn {
        page.text(" ecn ");
    }
    let gap = i.gap;
    if gap > 0 {
        page.text(format_args!(" gap {gap}"));
    }
    page.field("gap", gap);
}

fn print_slot(page: &mut Page, slot: &Slot) {
    page.open_object("slot");
    let times = match slot.spread_ns {
        Some((delay, jitter)) => [("distribution", " slot distribution ", delay), ("jitter", " ", jitter)],
        None => [("min-delay", " slot ", slot.min_ns), ("max-delay", " ", slot.max_ns)],
    };
    for (key, before, ns) in times {
        page.say(key, Value::Float(ns as f64 / 1e9), format_args!("{before}{}", print_ns(ns)));
    }
    for (key, value) in [("packets", slot.packets), ("bytes", slot.bytes)] {
        page.field(key, value);
        if value != 0 {
            page.text(format_args!(" {key} {value}"));
        }
    }
    page.close_object();
}

/// `sprint_time64`.
fn print_ns(ns: u64) -> String {
    let value = ns as f64;
    match ns {
        1_000_000_000.. => format!("{}s", general(value / 1e9, 3)),
        1_000_000.. => format!("{}ms", general(value / 1e6, 3)),
        1000.. => format!("{}us", general(value / 1e3, 3)),
        _ => format!("{ns}ns"),
    }
}

fn correlation(page: &mut Page, share: Share) {
    let share = fraction(share);
    page.field("correlation", Value::Float(share));
    if share > 0.0 {
        page.text(format_args!(" {}%", general(share * 100.0, 6)));
    }
}

fn fraction(share: Share) -> f64 {
    f64::from(share.0) / f64::from(u32::MAX)
}
