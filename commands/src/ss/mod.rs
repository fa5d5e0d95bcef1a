//! `ss -t` and `-u`: the sockets.
//!
//! Counterpart: `ss.c` of iproute2 6.1, its columns as they are where the output is no terminal. Deliberately absent: sockets
//! of other kinds, processes, timers, filters, what `-e`, `-i`, `-m` and `-s` add; each is refused by its name.

mod help;

use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Invocation, Job, Next, Once};
use crate::names::Services;
use crate::say;
use nettwin_model::probe::Proto;
use nettwin_model::socket::{Listed, State};
use nettwin_model::{Answer, Query};

/// Begins `ss`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    let words = invocation.words.clone();
    Box::new(Once(move |cx: &mut Context<'_>| run(cx, &words).unwrap_or_else(|end| end)))
}

const LONG: &[Long] = &[
    ("numeric", Takes::Nothing, 'n'),
    ("resolve", Takes::Nothing, 'r'),
    ("options", Takes::Nothing, 'o'),
    ("extended", Takes::Nothing, 'e'),
    ("memory", Takes::Nothing, 'm'),
    ("info", Takes::Nothing, 'i'),
    ("processes", Takes::Nothing, 'p'),
    ("threads", Takes::Nothing, 'T'),
    ("bpf", Takes::Nothing, 'b'),
    ("events", Takes::Nothing, 'E'),
    ("dccp", Takes::Nothing, 'd'),
    ("tcp", Takes::Nothing, 't'),
    ("sctp", Takes::Nothing, 'S'),
    ("udp", Takes::Nothing, 'u'),
    ("raw", Takes::Nothing, 'w'),
    ("unix", Takes::Nothing, 'x'),
    ("all", Takes::Nothing, 'a'),
    ("listening", Takes::Nothing, 'l'),
    ("ipv4", Takes::Nothing, '4'),
    ("ipv6", Takes::Nothing, '6'),
    ("packet", Takes::Nothing, '0'),
    ("family", Takes::Value, 'f'),
    ("socket", Takes::Value, 'A'),
    ("query", Takes::Value, 'A'),
    ("summary", Takes::Nothing, 's'),
    ("diag", Takes::Value, 'D'),
    ("filter", Takes::Value, 'F'),
    ("version", Takes::Nothing, 'V'),
    ("help", Takes::Nothing, 'h'),
    ("context", Takes::Nothing, 'Z'),
    ("contexts", Takes::Nothing, 'z'),
    ("net", Takes::Value, 'N'),
    ("kill", Takes::Nothing, 'K'),
    ("no-header", Takes::Nothing, 'H'),
    ("mptcp", Takes::Nothing, 'M'),
    ("oneline", Takes::Nothing, 'O'),
];

fn run(cx: &mut Context<'_>, words: &[String]) -> Result<Next, Next> {
    let parsed = getopt::parse(words.get(1..).unwrap_or_default(), SHORT, LONG);
    let (mut tcp, mut udp, mut all, mut listening, mut numeric, mut header) = (false, false, false, false, false, true);
    for met in parsed.options {
        match met {
            Met::Option('t', _) => tcp = true,
            Met::Option('u', _) => udp = true,
            Met::Option('a', _) => all = true,
            Met::Option('l', _) => listening = true,
            Met::Option('n', _) => numeric = true,
            Met::Option('H', _) => header = false,
            // One line each is what they are.
            Met::Option('4' | 'O', _) => {}
            Met::Option('V', _) => {
                cx.print("ss utility, iproute2-6.1.0\n");
                return Ok(Next::Done(0));
            }
            Met::Option('h' | '?', _) => {
                cx.print(help::USAGE);
                return Ok(Next::Done(0));
            }
            Met::Option(key, _) => return Ok(say::unsupported(cx, "ss", &format!("-{key}"))),
            Met::Wrong(complaint) => {
                cx.complain(&format!("ss: {complaint}\n{}", help::USAGE));
                return Ok(Next::Done(255));
            }
        }
    }
    if let Some(word) = parsed.operands.first() {
        return Ok(say::unsupported(cx, "ss", word));
    }
    if !tcp && !udp {
        return Ok(say::unsupported(cx, "ss", "sockets other than those of -t and -u"));
    }
    let netns = cx.netns.clone();
    let sockets = match cx.machine.query(&Query::Sockets(netns)) {
        Ok(Answer::Sockets(sockets)) => sockets,
        Ok(_) => return Ok(Next::Done(1)),
        Err(fault) => {
            let errno = say::errno(cx, "ss", &fault)?;
            cx.complain(&format!("ss: {errno}\n"));
            return Ok(Next::Done(1));
        }
    };
    let services = if numeric { Services::default() } else { Services::read(cx) };
    let mut rows = Vec::new();
    if header {
        rows.push(HEADER.map(str::to_owned));
    }
    for (proto, wanted) in [(Proto::Udp, udp), (Proto::Tcp, tcp)] {
        let shown = |s: &&Listed| wanted && s.proto == proto && is_wanted(s.state, all, listening);
        rows.extend(sockets.iter().filter(shown).map(|socket| row(socket, &services)));
    }
    // What all have in common is not told: the kind, and the state where there is but one.
    let hidden = |column| (column == KIND && !(tcp && udp)) || (column == STATE && !tcp && !all && !listening);
    print(cx, &rows, hidden);
    Ok(Next::Done(0))
}

fn is_wanted(state: State, all: bool, listening: bool) -> bool {
    match state {
        _ if all => true,
        State::Listen | State::Close => listening,
        State::TimeWait | State::SynRecv => false,
        _ => !listening,
    }
}

/// The fields of a socket, in the order of the columns.
fn row(socket: &Listed, services: &Services) -> [String; COLUMNS] {
    let proto = if socket.proto == Proto::Udp { "udp" } else { "tcp" };
    let port = |port: u16| match services.of_port(proto, port) {
        _ if port == 0 => "*".to_owned(),
        Some(name) => name.to_owned(),
        None => port.to_string(),
    };
    [
        proto.to_owned(),
        name(socket.state).to_owned(),
        format!("{:<6}", socket.received),
        format!("{:<6}", socket.unsent),
        socket.local.ip().to_string(),
        port(socket.local.port()),
        socket.remote.ip().to_string(),
        port(socket.remote.port()),
        String::new(),
    ]
}

/// Every column is as wide as its widest field.
fn print(cx: &mut Context<'_>, rows: &[[String; COLUMNS]], hidden: impl Fn(usize) -> bool) {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for column in (0..COLUMNS).filter(|&column| !hidden(column)) {
            let (field, width) = (&row[column], widths[column]);
            if !line.is_empty() && width > 0 {
                line += DELIMITERS[column];
            }
            line += &match column {
                LOCAL | PEER => format!("{field:>width$}"),
                _ => format!("{field:<width$}"),
            };
        }
        cx.print(&(line + "\n"));
    }
}

fn name(state: State) -> &'static str {
    match state {
        State::Established => "ESTAB",
        State::SynSent => "SYN-SENT",
        State::SynRecv => "SYN-RECV",
        State::FinWait1 => "FIN-WAIT-1",
        State::FinWait2 => "FIN-WAIT-2",
        State::TimeWait => "TIME-WAIT",
        State::Close => "UNCONN",
        State::CloseWait => "CLOSE-WAIT",
        State::LastAck => "LAST-ACK",
        State::Listen => "LISTEN",
        State::Closing => "CLOSING",
    }
}

const COLUMNS: usize = 9;
const KIND: usize = 0;
const STATE: usize = 1;
const LOCAL: usize = 4;
const PEER: usize = 6;
const HEADER: [&str; COLUMNS] =
    ["Netid", "State", "Recv-Q", "Send-Q", "Local Address", "Port", "Peer Address", "Port", "Process"];
const DELIMITERS: [&str; COLUMNS] = ["", " ", " ", " ", " ", ":", " ", ":", ""];
const SHORT: &str = "halBetuwxnro460spTbEf:mMiA:D:F:vVzZN:KHSOdi?";
