//! Changes of queues in tc's words: what follows `tc` in `tc qdisc add dev DEV root handle 1: tbf rate 1mbit …`.
//!
//! Counterpart: `tc/tc_qdisc.c`, `tc/tc_class.c`, `tc/tc_filter.c` and each kind's `q_*.c` and `f_*.c`. Only printed; what people
//! write is read, as leniently as tc does it, by nettwin's `tc`.

use super::netem;
use super::units::print_rate;
use crate::name::IfName;
use crate::queue::{
    ClassRequest, FilterOptions, FilterRequest, Handle, HtbClass, Prio, QdiscOptions, QdiscRequest, QueueChange, Rate,
    RateTime, TICK_NS, Tbf, U32Key,
};
use std::fmt::Write;

/// The words of a change.
pub fn print(dev: IfName, change: &QueueChange) -> String {
    match change {
        QueueChange::Qdisc(request) => qdisc(dev, request),
        QueueChange::Class(request) => class(dev, request),
        QueueChange::Filter(request) => filter(dev, request),
    }
}

fn qdisc(dev: IfName, r: &QdiscRequest) -> String {
    let mut out = format!("qdisc {} dev {dev}", r.verb.word());
    place(&mut out, r.parent);
    if r.handle != Handle::NONE {
        say(&mut out, format_args!("handle {}", r.handle));
    }
    if let Some(kind) = &r.kind {
        say(&mut out, format_args!("{kind}"));
    }
    match &r.options {
        None => {}
        Some(QdiscOptions::Fifo { limit }) => say(&mut out, format_args!("limit {limit}")),
        Some(QdiscOptions::Prio(Prio { bands, map })) => {
            let map: Vec<String> = map.iter().map(u8::to_string).collect();
            say(&mut out, format_args!("bands {bands} priomap {}", map.join(" ")));
        }
        Some(QdiscOptions::Tbf(t)) => tbf(&mut out, t),
        Some(QdiscOptions::Htb(h)) => {
            say(&mut out, format_args!("default {:x} r2q {}", h.default, h.r2q));
            if let Some(direct) = h.direct_qlen {
                say(&mut out, format_args!("direct_qlen {direct}"));
            }
        }
        Some(QdiscOptions::Netem(i)) => say(&mut out, format_args!("{}", netem::print(i))),
    }
    out
}

fn tbf(out: &mut String, t: &Tbf) {
    rate(out, "rate", t.rate);
    say(out, format_args!("burst {}b limit {}b", bytes(t.burst, t.rate, t.buffer_ticks), t.limit));
    if let Some(peak) = t.peak {
        say(out, format_args!("peakrate {} mtu {}b", print_rate(peak.bps), bytes(t.mtu, peak, t.mtu_ticks)));
    }
}

/// What is said in bytes, or what the time comes to.
fn bytes(said: Option<u32>, rate: Rate, ticks: u32) -> u64 {
    said.map_or_else(|| RateTime::new(rate).bytes(u64::from(ticks) * TICK_NS), u64::from)
}

fn rate(out: &mut String, key: &str, rate: Rate) {
    say(out, format_args!("{key} {}", print_rate(rate.bps)));
    if rate.mpu != 0 {
        say(out, format_args!("mpu {}", rate.mpu));
    }
    if rate.overhead != 0 {
        say(out, format_args!("overhead {}", rate.overhead));
    }
    if rate.atm {
        say(out, format_args!("linklayer atm"));
    }
}

fn class(dev: IfName, r: &ClassRequest) -> String {
    let mut out = format!("class {} dev {dev}", r.verb.word());
    place(&mut out, r.parent);
    say(&mut out, format_args!("classid {}", r.classid));
    if let Some(kind) = &r.kind {
        say(&mut out, format_args!("{kind}"));
    }
    if let Some(HtbClass { rate: assured, ceil, buffer_ticks, cbuffer_ticks, quantum, prio, level: _ }) = r.options {
        rate(&mut out, "rate", assured);
        let (burst, cburst) = (bytes(None, assured, buffer_ticks), bytes(None, ceil, cbuffer_ticks));
        say(&mut out, format_args!("ceil {} burst {burst}b cburst {cburst}b prio {prio}", print_rate(ceil.bps)));
        if quantum != 0 {
            say(&mut out, format_args!("quantum {quantum}"));
        }
    }
    out
}

fn filter(dev: IfName, r: &FilterRequest) -> String {
    let mut out = format!("filter {} dev {dev}", r.verb.word());
    place(&mut out, r.parent);
    if r.protocol != 0 {
        say(&mut out, format_args!("protocol {}", protocol(r.protocol)));
    }
    if r.prio != 0 {
        say(&mut out, format_args!("prio {}", r.prio));
    }
    if r.handle != 0 {
        say(&mut out, format_args!("handle {:#x}", r.handle));
    }
    if let Some(kind) = &r.kind {
        say(&mut out, format_args!("{kind}"));
    }
    match &r.options {
        None => {}
        Some(FilterOptions::U32 { classid, keys }) => {
            for U32Key { value, mask, at, behind } in keys {
                let from = if *behind { "nexthdr+" } else { "" };
                say(&mut out, format_args!("match u32 {value:#x} {mask:#x} at {from}{at}"));
            }
            say(&mut out, format_args!("flowid {classid}"));
        }
        Some(FilterOptions::Fw { classid, .. } | FilterOptions::Matchall { classid }) => {
            say(&mut out, format_args!("classid {classid}"));
        }
    }
    out
}

fn place(out: &mut String, parent: Handle) {
    match parent {
        Handle::NONE => {}
        Handle::ROOT => say(out, format_args!("root")),
        _ => say(out, format_args!("parent {parent}")),
    }
}

/// An EtherType's name among tc's.
pub fn protocol(ethertype: u16) -> String {
    match ethertype {
        0x0003 => "all".into(),
        0x0800 => "ip".into(),
        0x0806 => "arp".into(),
        0x8100 => "802.1Q".into(),
        0x86dd => "ipv6".into(),
        other => format!("[{other}]"),
    }
}

fn say(out: &mut String, words: std::fmt::Arguments<'_>) {
    write!(out, " {words}").expect("a String takes all");
}
