//! `conntrack`, as far as it lists.
//!
//! Counterpart: conntrack-tools 1.4.7. The kernel lists in hash order with a random seed; here in order of the tuples.
//! Deliberately absent: everything but `-L`, `-C` and `-V`, and the filters other than `-p`, `-s`, `-d` and `-f ipv4`.

use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::names::aton;
use crate::say;
use nettwin_model::rules::conntrack::{Connection, Tuple};
use nettwin_model::{Answer, Query};
use std::net::IpAddr;

/// Begins `conntrack`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.get(1..).unwrap_or_default().to_vec();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words)))
}

const VERSION: &str = "conntrack v1.4.7 (conntrack-tools)";

fn run(cx: &mut Context<'_>, words: &[String]) -> Next {
    const LONG: &[Long] = &[
        ("dump", Takes::Nothing, 'L'),
        ("count", Takes::Nothing, 'C'),
        ("version", Takes::Nothing, 'V'),
        ("proto", Takes::Value, 'p'),
        ("protonum", Takes::Value, 'p'),
        ("src", Takes::Value, 's'),
        ("orig-src", Takes::Value, 's'),
        ("dst", Takes::Value, 'd'),
        ("orig-dst", Takes::Value, 'd'),
        ("family", Takes::Value, 'f'),
    ];
    let parsed = getopt::parse(words, "LCVp:s:d:f:", LONG);
    let (mut verb, mut proto, mut src, mut dst): (Option<char>, Option<u8>, Option<IpAddr>, Option<IpAddr>) =
        (None, None, None, None);
    for met in parsed.options {
        match met {
            Met::Option('p', Some(name)) => match name.as_str() {
                "tcp" => proto = Some(6),
                "udp" => proto = Some(17),
                "icmp" => proto = Some(1),
                other => return say::unsupported(cx, "conntrack", &format!("-p {other}")),
            },
            Met::Option(letter @ ('s' | 'd'), Some(text)) => match aton(&text) {
                Some(addr) if letter == 's' => src = Some(addr.into()),
                Some(addr) => dst = Some(addr.into()),
                None => return say::unsupported(cx, "conntrack", &format!("-{letter} {text}")),
            },
            Met::Option('f', Some(family)) if family == "ipv4" => {}
            Met::Option('f', Some(family)) => return say::unsupported(cx, "conntrack", &format!("-f {family}")),
            Met::Option(letter, _) => verb = Some(letter),
            Met::Wrong(complaint) => {
                let what = complaint.trim_start_matches("invalid option -- ").trim_matches('\'').to_owned();
                return say::unsupported(cx, "conntrack", &format!("-{what}"));
            }
        }
    }
    if let Some(table) = parsed.operands.first().filter(|t| *t != "conntrack") {
        return say::unsupported(cx, "conntrack", table);
    }
    match verb {
        Some('V') => {
            cx.print(&format!("{VERSION}\n"));
            return Next::Done(0);
        }
        Some(_) => {}
        None => return say::unsupported(cx, "conntrack", "a command other than -L, -C and -V"),
    }
    let netns = cx.netns.clone();
    let list = match cx.machine.query(&Query::Conntrack(netns)) {
        Ok(Answer::Conntrack(list)) => list,
        Ok(_) => Vec::new(),
        Err(fault) => {
            cx.complain(&format!("nettwin: conntrack: {fault}\n"));
            return Next::Done(say::UNSUPPORTED);
        }
    };
    if verb == Some('C') {
        cx.print(&format!("{}\n", list.len()));
        return Next::Done(0);
    }
    let wanted = |c: &&Connection| {
        proto.is_none_or(|p| p == c.original.proto)
            && src.is_none_or(|a| a == c.original.src)
            && dst.is_none_or(|a| a == c.original.dst)
    };
    let mut shown = 0;
    for connection in list.iter().filter(wanted) {
        cx.print(&line(connection));
        shown += 1;
    }
    cx.complain(&format!("{VERSION}: {shown} flow entries have been shown.\n"));
    Next::Done(0)
}

/// A connection's line.
fn line(c: &Connection) -> String {
    let proto = match c.original.proto {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        47 => "gre".to_owned(),
        132 => "sctp".to_owned(),
        _ => "unknown".to_owned(),
    };
    let mut out = format!("{proto:<8} {} {} ", c.original.proto, c.timeout_s);
    if let Some(state) = &c.tcp_state {
        out += &format!("{state} ");
    }
    out += &tuple(&c.original);
    if !c.seen_reply {
        out += "[UNREPLIED] ";
    }
    out += &tuple(&c.reply);
    if c.assured {
        out += "[ASSURED] ";
    }
    out + &format!("mark={} use=1\n", c.mark)
}

fn tuple(t: &Tuple) -> String {
    let ends = format!("src={} dst={} ", t.src, t.dst);
    match t.proto {
        1 => {
            let [kind, code] = t.dport.to_be_bytes();
            format!("{ends}type={kind} code={code} id={} ", t.sport)
        }
        6 | 17 => format!("{ends}sport={} dport={} ", t.sport, t.dport),
        _ => ends,
    }
}
