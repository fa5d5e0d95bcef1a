//! Impairments in tc's words: what follows `netem` in `tc qdisc add dev DEV root netem …`.
//!
//! Counterpart: `tc/q_netem.c`. `seed` is newer than tc 6.1 (6.8). Deliberately absent: the distribution `experimental` and
//! those of files.

use super::cursor::{Word, Words, WordsError, once_flag};
use super::units::{parse_rate, parse_share, parse_time, print_rate, print_share, print_time};
use crate::impair::{Bursts, Chance, Distribution, Impairment, Share, Slot};
use std::fmt::Write;
use std::time::Duration;

const REMEDY: &str = "use delay, distribution, loss, ecn, duplicate, corrupt, reorder, gap, rate, slot, limit or seed, as in `delay 10ms 2ms loss 1%`";

/// Reads an impairment. An empty line is one that does nothing.
pub fn parse(text: &str) -> Result<Impairment, WordsError> {
    let mut words = Words::new(text);
    let mut out = Impairment::default();
    let mut seen = Seen::default();
    while let Some(key) = words.next() {
        parse_word(&mut words, key, &mut out, &mut seen)?;
    }
    if let Some(key) = seen.reorder_at.filter(|_| out.delay.is_zero()) {
        return Err(key.error("`reorder` needs a delay to overtake", "add a delay, as in `delay 10ms reorder 25%`"));
    }
    if let Some(key) = seen.gap_at.filter(|_| out.reorder.share == Share(0)) {
        return Err(key.error("`gap` without `reorder` does nothing", "add `reorder PERCENT` or drop `gap`"));
    }
    if let Some(key) = seen.distribution_at.filter(|_| out.jitter.is_zero()) {
        return Err(key.error("a distribution of no jitter does nothing", "add a jitter, as in `delay 10ms 2ms`"));
    }
    if let Some(key) = seen.ecn_at.filter(|_| out.loss.share == Share(0) && out.bursts.is_none()) {
        return Err(key.error("`ecn` without loss does nothing", "add `loss PERCENT` or drop `ecn`"));
    }
    if out.reorder.share != Share(0) && out.gap == 0 {
        // tc fills it in: every frame is a candidate.
        out.gap = 1;
    }
    Ok(out)
}

/// Writes an impairment; one that does nothing is `delay 0s`, because no words mean no impairment elsewhere.
pub fn print(impairment: &Impairment) -> String {
    let i = impairment;
    let mut out = String::new();
    let mut say = |words: std::fmt::Arguments<'_>| {
        let space = if out.is_empty() { "" } else { " " };
        write!(out, "{space}{words}").expect("a String takes all");
    };
    if let Some(limit) = i.limit {
        say(format_args!("limit {limit}"));
    }
    if !i.delay.is_zero() || !i.jitter.is_zero() {
        say(format_args!("delay {}", print_time(i.delay)));
        if !i.jitter.is_zero() || i.delay_correlation != Share(0) {
            say(format_args!("{}", print_time(i.jitter)));
        }
        if i.delay_correlation != Share(0) {
            say(format_args!("{}", print_share(i.delay_correlation)));
        }
        if let Some(distribution) = i.distribution {
            say(format_args!("distribution {}", distribution.name()));
        }
    }
    if let Some(bursts) = i.bursts {
        say(format_args!("loss {}", print_bursts(bursts)));
    }
    let chances = [("loss", i.loss), ("duplicate", i.duplicate), ("reorder", i.reorder), ("corrupt", i.corrupt)];
    for (key, chance) in chances.into_iter().filter(|(_, c)| *c != Chance::default()) {
        say(format_args!("{key} {}", print_share(chance.share)));
        if chance.correlation != Share(0) {
            say(format_args!("{}", print_share(chance.correlation)));
        }
    }
    if i.rate_bps != 0 {
        say(format_args!("rate {}", print_rate(i.rate_bps)));
        if !i.overhead.is_none() {
            say(format_args!("{} {} {}", i.overhead.packet, i.overhead.cell, i.overhead.per_cell));
        }
    }
    if let Some(slot) = i.slot {
        say(format_args!("{}", print_slot(slot)));
    }
    if i.ecn {
        say(format_args!("ecn"));
    }
    if i.gap > 1 {
        say(format_args!("gap {}", i.gap));
    }
    if let Some(seed) = i.seed {
        say(format_args!("seed {seed}"));
    }
    if out.is_empty() {
        out.push_str("delay 0s");
    }
    out
}

/// Which words were there already.
#[derive(Default)]
struct Seen<'a> {
    delay: bool,
    loss: bool,
    duplicate: bool,
    corrupt: bool,
    rate: bool,
    limit: bool,
    seed: bool,
    reorder_at: Option<Word<'a>>,
    gap_at: Option<Word<'a>>,
    distribution_at: Option<Word<'a>>,
    ecn_at: Option<Word<'a>>,
    slot: bool,
}

fn parse_word<'a>(
    words: &mut Words<'a>,
    key: Word<'a>,
    out: &mut Impairment,
    seen: &mut Seen<'a>,
) -> Result<(), WordsError> {
    match key.text {
        "delay" | "latency" => {
            once_flag(&mut seen.delay, key)?;
            parse_delay(words, key, out)?;
        }
        "loss" | "drop" => {
            once_flag(&mut seen.loss, key)?;
            if let Some(model) = words.peek().filter(|w| matches!(w.text, "state" | "gemodel")) {
                words.next();
                out.bursts = Some(parse_bursts(words, model)?);
            } else {
                words.eat("random");
                out.loss = parse_chance(words, key)?;
            }
        }
        "duplicate" => {
            once_flag(&mut seen.duplicate, key)?;
            out.duplicate = parse_chance(words, key)?;
        }
        "corrupt" => {
            once_flag(&mut seen.corrupt, key)?;
            out.corrupt = parse_chance(words, key)?;
        }
        "reorder" => {
            super::cursor::once(&mut seen.reorder_at, key, key)?;
            out.reorder = parse_chance(words, key)?;
        }
        "gap" => {
            super::cursor::once(&mut seen.gap_at, key, key)?;
            out.gap = words.value(key)?.number("a distance", 1..=u32::MAX)?;
        }
        "rate" => {
            once_flag(&mut seen.rate, key)?;
            out.rate_bps = parse_rate(words.value(key)?)?;
            if let Some(word) = next_signed(words) {
                out.overhead.packet = signed(word)?;
                if let Some(word) = next_number(words) {
                    out.overhead.cell = word.number("a number of bytes", 0..=u32::MAX)?;
                    if let Some(word) = next_signed(words) {
                        out.overhead.per_cell = signed(word)?;
                    }
                }
            }
        }
        "limit" => {
            once_flag(&mut seen.limit, key)?;
            out.limit = Some(words.value(key)?.number("a number of packets", 0..=u32::MAX)?);
        }
        "seed" => {
            once_flag(&mut seen.seed, key)?;
            out.seed = Some(words.value(key)?.number("a seed", 0..=u64::MAX)?);
        }
        "distribution" => {
            super::cursor::once(&mut seen.distribution_at, key, key)?;
            out.distribution = parse_distribution(words.value(key)?)?;
        }
        "ecn" => {
            super::cursor::once(&mut seen.ecn_at, key, key)?;
            out.ecn = true;
        }
        "slot" => {
            once_flag(&mut seen.slot, key)?;
            out.slot = Some(parse_slot(words, key)?);
        }
        _ => return Err(key.unknown(REMEDY)),
    }
    Ok(())
}

/// `delay TIME [JITTER [CORRELATION]]`.
fn parse_delay(words: &mut Words<'_>, key: Word<'_>, out: &mut Impairment) -> Result<(), WordsError> {
    out.delay = parse_time(words.value(key)?)?;
    let Some(jitter) = next_number(words) else { return Ok(()) };
    out.jitter = parse_time(jitter)?;
    if out.jitter > Duration::ZERO && out.jitter > super::units::MAX_TIME / 2 {
        return Err(jitter.error(format!("`{}` is too much jitter", jitter.text), "stay below 2147s"));
    }
    let Some(correlation) = next_number(words) else { return Ok(()) };
    if out.jitter.is_zero() {
        return Err(correlation.error("a correlation of no jitter does nothing", "drop it, or give a jitter above 0"));
    }
    out.delay_correlation = parse_share(correlation)?;
    Ok(())
}

/// A distribution's name; `uniform` is none.
fn parse_distribution(word: Word<'_>) -> Result<Option<Distribution>, WordsError> {
    let found = Distribution::by_name(word.text);
    if found.is_none() && word.text != "uniform" {
        return Err(word.unknown("use uniform, normal, pareto or paretonormal"));
    }
    Ok(found)
}

/// `MIN [MAX]` or `distribution NAME DELAY JITTER`, then `packets N` and `bytes N`.
fn parse_slot(words: &mut Words<'_>, key: Word<'_>) -> Result<Slot, WordsError> {
    // Within four thousand seconds.
    let ns = |word: Word<'_>| parse_time(word).map(|time| time.as_nanos() as u64);
    let mut out = Slot::default();
    if let Some(word) = words.eat("distribution") {
        out.distribution = parse_distribution(words.value(word)?)?;
        out.spread_ns = Some((ns(words.value(word)?)?, ns(words.value(word)?)?));
    } else {
        out.min_ns = ns(words.value(key)?)?;
        out.max_ns = next_number(words).map(ns).transpose()?.unwrap_or(out.min_ns);
    }
    loop {
        if let Some(word) = words.eat("packets") {
            out.packets = words.value(word)?.number("a number of packets", 0..=i32::MAX as u32)?;
        } else if let Some(word) = words.eat("bytes") {
            out.bytes = words.value(word)?.number("a number of bytes", 0..=i32::MAX as u32)?;
        } else {
            return Ok(out);
        }
    }
}

fn print_slot(slot: Slot) -> String {
    let time = |ns| print_time(Duration::from_nanos(ns));
    let mut out = match slot.spread_ns {
        Some((delay, jitter)) => {
            let name = slot.distribution.map_or("uniform", Distribution::name);
            format!("slot distribution {name} {} {}", time(delay), time(jitter))
        }
        None => format!("slot {} {}", time(slot.min_ns), time(slot.max_ns)),
    };
    for (key, value) in [("packets", slot.packets), ("bytes", slot.bytes)] {
        if value != 0 {
            out += &format!(" {key} {value}");
        }
    }
    out
}

/// `PERCENT [CORRELATION]`.
fn parse_chance(words: &mut Words<'_>, key: Word<'_>) -> Result<Chance, WordsError> {
    let share = parse_share(words.value(key)?)?;
    let correlation = next_number(words).map(parse_share).transpose()?.unwrap_or_default();
    Ok(Chance { share, correlation })
}

/// `state P13 [P31 [P32 [P23 [P14]]]]` or `gemodel P [R [1-H [1-K]]]`, from the second word on.
fn parse_bursts(words: &mut Words<'_>, model: Word<'_>) -> Result<Bursts, WordsError> {
    let first = parse_share(words.value(model)?)?;
    let mut more = |slot: &mut Share| -> Result<bool, WordsError> {
        let Some(word) = next_number(words) else { return Ok(false) };
        *slot = parse_share(word)?;
        Ok(true)
    };
    if model.text == "state" {
        let Bursts::States { p13, mut p31, mut p32, mut p23, mut p14 } = Bursts::states(first) else {
            return Err(model.unknown(REMEDY));
        };
        let _ = more(&mut p31)? && more(&mut p32)? && more(&mut p23)? && more(&mut p14)?;
        return Ok(Bursts::States { p13, p31, p32, p23, p14 });
    }
    let Bursts::GilbertElliott { p, mut r, mut h, mut k1 } = Bursts::gilbert_elliott(first) else {
        return Err(model.unknown(REMEDY));
    };
    if more(&mut r)? && more(&mut h)? {
        // The words say what is lost in the bad state.
        h = Share(u32::MAX - h.0);
        more(&mut k1)?;
    }
    Ok(Bursts::GilbertElliott { p, r, h, k1 })
}

fn print_bursts(bursts: Bursts) -> String {
    let (model, shares) = match bursts {
        Bursts::States { p13, p31, p32, p23, p14 } => ("state", vec![p13, p31, p32, p23, p14]),
        Bursts::GilbertElliott { p, r, h, k1 } => ("gemodel", vec![p, r, Share(u32::MAX - h.0), k1]),
    };
    shares.into_iter().fold(model.to_owned(), |text, share| text + " " + &print_share(share))
}

/// The next word if it begins with a digit: tc's `NEXT_IS_NUMBER`.
fn next_number<'a>(words: &mut Words<'a>) -> Option<Word<'a>> {
    let word = words.peek().filter(|w| starts_with_digit(w.text))?;
    words.next();
    Some(word)
}

fn signed(word: Word<'_>) -> Result<i32, WordsError> {
    let remedy = "write a number, as in `rate 1mbit 20`";
    word.text.parse().map_err(|_| word.error(format!("`{}` is not a number of bytes", word.text), remedy))
}

/// The same with a minus perhaps.
fn next_signed<'a>(words: &mut Words<'a>) -> Option<Word<'a>> {
    let word = words.peek().filter(|w| starts_with_digit(w.text.trim_start_matches('-')))?;
    words.next();
    Some(word)
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: &str) {
        let got = match parse(text) {
            Ok(i) => print(&i),
            Err(e) => format!("{:?} {}", &text[e.at.clone()], e.message),
        };
        assert_eq!(got, expect);
    }

    #[test]
    fn impairments_are_tcs_words() {
        check(
            "delay 10ms 2ms 25% loss 1% duplicate 1% corrupt 0.1% reorder 25% 50% gap 5 rate 1mbit limit 1000",
            "limit 1000 delay 10ms 2ms 25% loss 1% duplicate 1% reorder 25% 50% corrupt 0.1% rate 1mbit gap 5",
        );
        check("", "delay 0s");
        check("delay 0ms", "delay 0s");
        check("loss random 3%", "loss 3%");
        check("rate 1mbit 20", "rate 1mbit 20 0 0");
        check("rate 1mbit -4 48 5 loss 1%", "loss 1% rate 1mbit -4 48 5");
        check("loss state 3%", "loss state 3% 97% 0% 100% 0%");
        check("loss state 1% 2% 3% 4% 5%", "loss state 1% 2% 3% 4% 5%");
        check("loss gemodel 1%", "loss gemodel 1% 99% 100% 0%");
        check("loss gemodel 1% 10% 70% 0.1%", "loss gemodel 1% 10% 70% 0.1%");
        check("delay 100", "delay 100us");
        check("delay 1ms seed 42", "delay 1ms seed 42");
        check("distribution normal delay 5ms 1ms", "delay 5ms 1ms distribution normal");
        check("delay 5ms 1ms distribution uniform loss 1% ecn", "delay 5ms 1ms loss 1% ecn");
        check("slot 1ms", "slot 1ms 1ms");
        check("slot 1ms 2ms bytes 5000 packets 4 loss 1%", "loss 1% slot 1ms 2ms packets 4 bytes 5000");
        check("slot distribution pareto 5ms 1ms packets 3", "slot distribution pareto 5ms 1ms packets 3");
    }

    #[test]
    fn complaints_name_the_word() {
        check("delay", "\"delay\" nothing follows `delay`");
        check("delay 10parsecs", "\"10parsecs\" `10parsecs` is not a time");
        check("dealy 10ms", "\"dealy\" unknown word `dealy`");
        check("loss 101%", "\"101%\" `101%` is not a percentage");
        check("reorder 25%", "\"reorder\" `reorder` needs a delay to overtake");
        check("delay 1ms gap 5", "\"gap\" `gap` without `reorder` does nothing");
        check("delay 1ms delay 2ms", "\"delay\" `delay` is said twice");
        check("delay 1ms 1ms distribution odd", "\"odd\" unknown word `odd`");
        check("delay 1ms distribution normal", "\"distribution\" a distribution of no jitter does nothing");
        check("ecn", "\"ecn\" `ecn` without loss does nothing");
        check("loss gemodel", "\"gemodel\" nothing follows `gemodel`");
        check("delay 1ms 0 5%", "\"5%\" a correlation of no jitter does nothing");
    }

    fn chance() -> impl Strategy<Value = Chance> {
        let pair = (1u32.., any::<u32>());
        prop_oneof![Just(Chance::default()), pair.prop_map(|(s, c)| Chance { share: Share(s), correlation: Share(c) })]
    }

    proptest! {
        #[test]
        fn impairments_round_trip(
            (delay, jitter, correlation) in (1..10_000_000_000u64, 0..1_000_000_000u64, any::<u32>()),
            (loss, duplicate, corrupt, reorder) in (chance(), chance(), chance(), chance()),
            (gap, rate_bps, limit, seed) in (1..100u32, 0..1_000_000u64, any::<Option<u32>>(), any::<Option<u64>>()),
        ) {
            let impairment = Impairment {
                delay: Duration::from_nanos(delay),
                jitter: Duration::from_nanos(jitter),
                delay_correlation: Share(if jitter == 0 { 0 } else { correlation }),
                loss, bursts: None, duplicate, corrupt, reorder,
                gap: if reorder == Chance::default() { 0 } else { gap },
                rate_bps, limit, seed, ..Impairment::default()
            };
            prop_assert_eq!(parse(&print(&impairment)), Ok(impairment));
        }
        #[test]
        fn no_line_panics(text in "(delay|loss|rate|gap|reorder|[0-9]{1,3}(ms|%|bit)|\\PC{0,3}| ){0,8}") {
            let _ = parse(&text);
        }
    }
}
