//! `netstat`: routes, interfaces, and the sockets of TCP and UDP.
//!
//! Counterpart: `netstat.c`. There are no sockets of Unix here.
//! Deliberately absent: sockets of IPv6, statistics, masquerading.

use super::interface::Interface;
use super::sockets::{self, Wanted};
use super::table::{self, Columns};
use super::{Ran, WRONG_WORDS, help};
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::say;
use nettwin_model::{Answer, NetnsState, Query};

/// Begins `netstat`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

const LONG: &[Long] = &[
    ("protocol", Takes::Value, 'A'),
    ("version", Takes::Nothing, 'V'),
    ("interfaces", Takes::Nothing, 'i'),
    ("help", Takes::Nothing, 'h'),
    ("route", Takes::Nothing, 'r'),
    ("statistics", Takes::Nothing, 's'),
    ("raw", Takes::Nothing, 'w'),
    ("tcp", Takes::Nothing, 't'),
    ("udp", Takes::Nothing, 'u'),
    ("udplite", Takes::Nothing, 'U'),
    ("sctp", Takes::Nothing, 'S'),
    ("unix", Takes::Nothing, 'x'),
    ("listening", Takes::Nothing, 'l'),
    ("numeric", Takes::Nothing, 'n'),
    ("numeric-hosts", Takes::Nothing, 'n'),
    ("numeric-ports", Takes::Nothing, 'v'),
    ("numeric-users", Takes::Nothing, 'v'),
    ("symbolic", Takes::Nothing, 'N'),
    ("programs", Takes::Nothing, 'p'),
    ("verbose", Takes::Nothing, 'v'),
    ("timers", Takes::Nothing, 'o'),
    ("continuous", Takes::Nothing, 'c'),
    ("all", Takes::Nothing, 'a'),
    ("extend", Takes::Nothing, 'e'),
    ("fib", Takes::Nothing, 'F'),
    ("cache", Takes::Nothing, 'C'),
    ("masquerade", Takes::Nothing, 'M'),
    ("groups", Takes::Nothing, 'g'),
    ("wide", Takes::Nothing, 'W'),
    ("context", Takes::Nothing, 'Z'),
    ("inet", Takes::Nothing, '4'),
];

fn run(cx: &mut Context<'_>, words: &[String]) -> Ran {
    let Some((program, words)) = words.split_first() else { return Ok(Next::Done(1)) };
    let parsed = getopt::parse(words, "A:CFMacdeghilnNoprsStuUvVWw2fxZ64?", LONG);
    let (mut routes, mut interfaces, mut extended) = (false, false, 0);
    let (mut wanted, mut inet, mut groups) = (Wanted::default(), false, false);
    for met in parsed.options {
        match met {
            Met::Option('r', _) => routes = true,
            Met::Option('i', _) => interfaces = true,
            Met::Option('a', _) => wanted.all = true,
            Met::Option('n', _) => wanted.numeric = true,
            Met::Option('g', _) => groups = true,
            Met::Option('e', _) => extended += 1,
            Met::Option('t', _) => wanted.tcp = true,
            Met::Option('u', _) => wanted.udp = true,
            Met::Option('l', _) => wanted.listening = true,
            Met::Option('p', _) => wanted.programs = true,
            Met::Option('x', _) => wanted.unix = true,
            Met::Option('4', _) => inet = true,
            Met::Option('A', Some(family)) if family == "inet" => inet = true,
            Met::Option('v' | 'W' | 'F', _) => {}
            Met::Option('V', _) => {
                cx.print(help::NETSTAT_VERSION);
                return Ok(Next::Done(0));
            }
            Met::Option('h' | '?', _) => return Ok(usage(cx, 0)),
            Met::Option(key, _) => return Ok(say::unsupported(cx, "netstat", &format!("-{key}"))),
            Met::Wrong(complaint) => {
                cx.complain(&format!("{program}: {complaint}\n"));
                return Ok(usage(cx, WRONG_WORDS));
            }
        }
    }
    let state = super::state(cx, "netstat")?;
    if groups && !interfaces && !routes {
        show_groups(cx, &state);
    } else if interfaces && !routes {
        cx.print("Kernel Interface table\n");
        show_interfaces(cx, &Interface::all(&state), wanted.all, extended > 0, false);
    } else if routes && !interfaces {
        let columns = match extended {
            0 => Columns::Mss,
            1 => Columns::Metric,
            _ => Columns::Both,
        };
        table::print(cx, &state, columns, wanted.numeric);
    } else if routes {
        return Ok(usage(cx, WRONG_WORDS));
    } else {
        if extended > 0 {
            return Ok(say::unsupported(cx, "netstat", "-e"));
        }
        if !(wanted.tcp || wanted.udp || wanted.unix) {
            (wanted.tcp, wanted.udp, wanted.unix) = (true, true, !inet);
        }
        return sockets::show(cx, wanted);
    }
    Ok(Next::Done(0))
}

/// `igmp_do_one()`: who has joined what.
fn show_groups(cx: &mut Context<'_>, state: &NetnsState) {
    let query = Query::Groups(cx.netns.clone());
    let Ok(Answer::Groups(all)) = cx.machine.query(&query) else { return };
    let mut out = String::from("IPv6/IPv4 Group Memberships\n");
    out += "Interface       RefCnt Group\n--------------- ------ ---------------------\n";
    let mut line = |dev: &str, users: u32, group: &str| out += &format!("{dev:<15} {users:<6} {group}\n");
    for of in &all {
        of.groups.iter().for_each(|g| line(of.dev.as_str(), g.users, &g.group.to_string()));
    }
    for of in &all {
        crate::ip::maddr::groups_v6(state, of.dev).iter().for_each(|g| line(of.dev.as_str(), 1, &g.to_string()));
    }
    cx.print(&out);
}

/// The usage goes where the status says, the families always to standard error.
fn usage(cx: &mut Context<'_>, status: u8) -> Next {
    help::say(cx, status, help::NETSTAT);
    cx.complain(help::NETSTAT_FAMILIES);
    Next::Done(status)
}

/// Interfaces as lines, or `long` as blocks; those that are down only with `all`. `narrow` is `ifconfig -s`'s header.
pub(super) fn show_interfaces(cx: &mut Context<'_>, list: &[Interface], all: bool, long: bool, narrow: bool) {
    if !long {
        let gap = if narrow { "      " } else { "             " };
        cx.print(&format!("Iface{gap}MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg\n"));
    }
    for interface in list.iter().filter(|i| all || i.is_up()) {
        cx.print(&if long { interface.block() } else { interface.line() });
    }
}
