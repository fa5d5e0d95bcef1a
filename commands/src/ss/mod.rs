//! `ss`: the sockets of TCP and UDP, who has them, and filters.
//!
//! Counterpart: `ss.c` of iproute2 6.1, its columns as they are where the output is no terminal. Of other kinds there are
//! none that are connected. Deliberately absent, and refused by name: those of other kinds that are not, timers that run,
//! what `-e`, `-i`, `-m` and `-s` add.

mod filter;
mod help;

use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Holder, Invocation, Job, Next, Once};
use crate::names::{Names, Services};
use crate::say;
use filter::{Filter, Wrong};
use nettwin_model::probe::Proto;
use nettwin_model::socket::{Listed, State};
use nettwin_model::{Answer, Query};
use std::net::{Ipv4Addr, SocketAddrV4};

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

/// What the options say.
#[derive(Default)]
struct Said {
    /// Kinds of sockets by their bits; 0: not said.
    kinds: u16,
    /// States asked for; 0: not said.
    states: u16,
    numeric: bool,
    resolve: bool,
    headless: bool,
    processes: bool,
    timers: bool,
    /// Those of a family, where none are said.
    family_kinds: u16,
    /// IPv6 only.
    six: bool,
}

const TCP: u16 = 1;
const UDP: u16 = 2;
const RAW: u16 = 4;
/// The three of Unix.
const UNIX: u16 = 0x38;
/// The two of packets.
const PACKET: u16 = 0xc0;
const NETLINK: u16 = 0x100;
/// DCCP, SCTP, MPTCP: none here.
const OTHER_INET: u16 = 0xe00;
const INET: u16 = TCP | UDP | RAW | OTHER_INET;
const EVERY: u16 = INET | UNIX | PACKET | NETLINK;

fn options(cx: &mut Context<'_>, options: Vec<Met>) -> Result<Said, Next> {
    let mut said = Said::default();
    for met in options {
        match met {
            Met::Option('t', _) => said.kinds |= TCP,
            Met::Option('u', _) => said.kinds |= UDP,
            Met::Option('w', _) => said.kinds |= RAW,
            Met::Option('x', _) => said.kinds |= UNIX,
            Met::Option('a', _) => said.states = filter::ALL,
            Met::Option('l', _) => said.states = filter::LISTEN | filter::CLOSE,
            Met::Option('n', _) => said.numeric = true,
            Met::Option('r', _) => said.resolve = true,
            Met::Option('p', _) => said.processes = true,
            Met::Option('o', _) => said.timers = true,
            Met::Option('H', _) => said.headless = true,
            // One line each is what they are.
            Met::Option('O', _) => {}
            Met::Option('4', _) => said.family_kinds = INET,
            Met::Option('6', _) => {
                said.six = true;
                said.family_kinds = INET;
            }
            Met::Option('f', Some(family)) => match family.as_str() {
                "inet" => said.family_kinds = INET,
                "inet6" => {
                    said.six = true;
                    said.family_kinds = INET;
                }
                "unix" => said.family_kinds = UNIX,
                "help" | "link" | "netlink" | "vsock" | "tipc" | "xdp" => {
                    return Err(say::unsupported(cx, "ss", &format!("-f {family}")));
                }
                _ => return Err(wrong(cx, &format!("\"{family}\" is invalid family"))),
            },
            Met::Option('A', Some(list)) => tables(cx, &mut said, &list)?,
            Met::Option('V', _) => {
                cx.print("ss utility, iproute2-6.1.0\n");
                return Err(Next::Done(0));
            }
            Met::Option('h' | '?', _) => {
                cx.print(help::USAGE);
                return Err(Next::Done(0));
            }
            Met::Option(key, _) => return Err(say::unsupported(cx, "ss", &format!("-{key}"))),
            Met::Wrong(complaint) => return Err(wrong(cx, &complaint)),
        }
    }
    Ok(said)
}

/// `-A TABLE,…`.
fn tables(cx: &mut Context<'_>, said: &mut Said, list: &str) -> Result<(), Next> {
    for table in list.split(',') {
        said.kinds |= match table {
            "all" => EVERY,
            "inet" => INET,
            "tcp" => TCP,
            "udp" => UDP,
            "raw" => RAW,
            "unix" | "u" => UNIX,
            "packet" | "p" => PACKET,
            "netlink" => NETLINK,
            "unix_dgram" | "unix_stream" | "unix_seqpacket" | "packet_raw" | "packet_dgram" | "dccp" | "sctp"
            | "vsock" | "tipc" | "xdp" | "mptcp" => return Err(say::unsupported(cx, "ss", &format!("-A {table}"))),
            _ => return Err(wrong(cx, &format!("\"{table}\" is illegal socket table id"))),
        };
    }
    Ok(())
}

fn wrong(cx: &mut Context<'_>, complaint: &str) -> Next {
    cx.complain(&format!("ss: {complaint}\n{}", help::USAGE));
    Next::Done(255)
}

/// `state NAME` and `exclude NAME` before the expression.
fn states<'a>(cx: &mut Context<'_>, said: &mut Said, words: &'a [String]) -> Result<&'a [String], Next> {
    let (mut rest, mut seen) = (words, false);
    while let Some((word, after)) = rest.split_first() {
        let takes = match word.as_str() {
            "state" => true,
            "exclude" | "excl" => false,
            _ => break,
        };
        let Some((name, after)) = after.split_first() else {
            cx.complain("Command line is not complete. Try option \"help\"\n");
            return Err(Next::Done(255));
        };
        let Some(bits) = filter::states(name) else {
            cx.complain(&format!("ss: wrong state name: {name}\n"));
            return Err(Next::Done(255));
        };
        let before = match (seen, takes) {
            (true, _) => said.states,
            (false, true) => 0,
            (false, false) => filter::ALL,
        };
        said.states = if takes { before | bits } else { before & !bits };
        (rest, seen) = (after, true);
    }
    if seen && said.states == 0 {
        cx.complain("ss: no socket states to show with such filter.\n");
        return Err(Next::Done(0));
    }
    Ok(rest)
}

fn run(cx: &mut Context<'_>, words: &[String]) -> Result<Next, Next> {
    let parsed = getopt::parse(words.get(1..).unwrap_or_default(), SHORT, LONG);
    let mut said = options(cx, parsed.options)?;
    let expression = states(cx, &mut said, &parsed.operands)?.to_vec();
    said.kinds = [said.kinds, said.family_kinds, EVERY].into_iter().find(|kinds| *kinds != 0).unwrap_or(EVERY);
    let unlisted = said.kinds & (NETLINK | PACKET | RAW);
    if said.states & filter::CLOSE != 0 && unlisted != 0 && said.kinds != INET {
        return Err(say::unsupported(cx, "ss", "sockets of netlink, packets and raw with -a or -l"));
    }
    let hosts = if said.resolve || !expression.is_empty() { Names::hosts(cx) } else { Names::default() };
    let services = Services::read(cx);
    let filter = match Filter::parse(&expression, &hosts, &services) {
        Ok(filter) => filter,
        Err(Wrong::Syntax) => {
            return Err(wrong(cx, "bison bellows (while parsing filter): \"syntax error!\" Sorry."));
        }
        Err(Wrong::Address(word)) => {
            let text = format!("Error: an inet prefix is expected rather than \"{word}\".\n");
            cx.complain(&(text + "Cannot parse dst/src address.\n"));
            return Ok(Next::Done(1));
        }
        Err(Wrong::Unsupported(word)) => return Err(say::unsupported(cx, "ss", &word)),
    };
    let shown = if said.six { Vec::new() } else { select(cx, &said, &filter)? };
    let holders = if said.processes { cx.held() } else { Vec::new() };
    let services = if said.numeric { Services::default() } else { services };
    let hosts = if said.resolve { hosts } else { Names::default() };
    let mut rows = Vec::new();
    if !said.headless {
        rows.push(HEADER.map(str::to_owned));
    }
    for socket in &shown {
        if said.timers && (socket.unsent > 0 && socket.state != State::Listen || socket.state == State::TimeWait) {
            return Err(say::unsupported(cx, "ss", "-o with a timer that runs"));
        }
        let of = |(proto, local, remote, _): &&(Proto, SocketAddrV4, SocketAddrV4, Holder)| {
            (*proto, *local, *remote) == (socket.proto, socket.local, socket.remote)
        };
        let users: Vec<String> = holders
            .iter()
            .filter(of)
            .map(|(.., h)| format!("(\"{}\",pid={},fd={})", h.process.name, h.process.pid, h.fd))
            .collect();
        let process = if users.is_empty() { String::new() } else { format!(" users:({})", users.join(",")) };
        rows.push(row(socket, &hosts, &services, process));
    }
    // What all have in common is not told: the kind, and the state where there is but one.
    let states = if said.states != 0 { said.states } else { said.usual_states() };
    let hidden =
        |column| (column == KIND && said.kinds.count_ones() == 1) || (column == STATE && states.count_ones() == 1);
    print(cx, &rows, hidden);
    Ok(Next::Done(0))
}

impl Said {
    /// The states that are shown where none are said.
    fn usual_states(&self) -> u16 {
        let by_kind = [
            (TCP | UNIX | OTHER_INET, filter::CONNECTIONS),
            (UDP | RAW, filter::ESTABLISHED),
            (PACKET | NETLINK, filter::CLOSE),
        ];
        by_kind.into_iter().filter(|(kinds, _)| self.kinds & kinds != 0).fold(0, |all, (_, states)| all | states)
    }
}

/// The sockets of TCP and UDP that are asked for.
fn select(cx: &mut Context<'_>, said: &Said, filter: &Filter) -> Result<Vec<Listed>, Next> {
    let netns = cx.netns.clone();
    let sockets = match cx.machine.query(&Query::Sockets(netns)) {
        Ok(Answer::Sockets(sockets)) => sockets,
        Ok(_) => return Err(Next::Done(1)),
        Err(fault) => {
            let errno = say::errno(cx, "ss", &fault)?;
            cx.complain(&format!("ss: {errno}\n"));
            return Err(Next::Done(1));
        }
    };
    let mut out = Vec::new();
    for (proto, kind, usual) in [(Proto::Udp, UDP, filter::ESTABLISHED), (Proto::Tcp, TCP, filter::CONNECTIONS)] {
        let states = if said.states != 0 { said.states } else { usual };
        let fits = |s: &&Listed| s.proto == proto && filter::bit(s.state) & states != 0 && filter.takes(s);
        out.extend(sockets.iter().filter(|_| said.kinds & kind != 0).filter(fits).cloned());
    }
    // The kernel tells of who listens first.
    out.sort_by_key(|s: &Listed| (s.proto == Proto::Tcp, s.state != State::Listen));
    Ok(out)
}

/// The fields of a socket, in the order of the columns.
fn row(socket: &Listed, hosts: &Names, services: &Services, process: String) -> [String; COLUMNS] {
    let proto = if socket.proto == Proto::Udp { "udp" } else { "tcp" };
    let port = |port: u16| match services.of_port(proto, port) {
        _ if port == 0 => "*".to_owned(),
        Some(name) => name.to_owned(),
        None => port.to_string(),
    };
    let host = |addr: Ipv4Addr| hosts.of_addr(addr).map_or_else(|| addr.to_string(), str::to_owned);
    [
        proto.to_owned(),
        name(socket.state).to_owned(),
        format!("{:<6}", socket.received),
        format!("{:<6}", socket.unsent),
        host(*socket.local.ip()),
        port(socket.local.port()),
        host(*socket.remote.ip()),
        port(socket.remote.port()),
        process,
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
