//! `netstat -t` and `-u`: the sockets.
//!
//! Counterpart: `tcp_info()` and `udp_info()` of `netstat.c`. Deliberately absent: users, timers.

use super::Ran;
use crate::job::{Context, Next};
use crate::names::{Names, Services};
use crate::say;
use nettwin_model::probe::Proto;
use nettwin_model::socket::{Listed, State};
use nettwin_model::{Answer, Query};
use std::net::SocketAddrV4;

/// What is shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) tcp: bool,
    pub(super) udp: bool,
    /// The table of Unix sockets, of which there are none here.
    pub(super) unix: bool,
    pub(super) listening: bool,
    pub(super) all: bool,
    pub(super) numeric: bool,
    pub(super) programs: bool,
}

/// Prints them.
pub(super) fn show(cx: &mut Context<'_>, wanted: Wanted) -> Ran {
    let which = match (wanted.all, wanted.listening) {
        (true, _) => "servers and established",
        (_, true) => "only servers",
        _ => "w/o servers",
    };
    let program = if wanted.programs { " PID/Program name    " } else { "" };
    if wanted.tcp || wanted.udp {
        internet(cx, wanted, which, program)?;
    }
    if wanted.unix {
        cx.print(&format!("Active UNIX domain sockets ({which})\n"));
        let program = if wanted.programs { "PID/Program name     " } else { "" };
        cx.print(&format!("Proto RefCnt Flags       Type       State         I-Node   {program}Path\n"));
    }
    Ok(Next::Done(0))
}

fn internet(cx: &mut Context<'_>, wanted: Wanted, which: &str, program: &str) -> Result<(), Next> {
    let netns = cx.netns.clone();
    let sockets = match cx.machine.query(&Query::Sockets(netns)) {
        Ok(Answer::Sockets(sockets)) => sockets,
        Ok(_) => return Err(Next::Done(1)),
        Err(fault) => {
            let errno = say::errno(cx, "netstat", &fault)?;
            cx.complain(&format!("netstat: {errno}\n"));
            return Err(Next::Done(1));
        }
    };
    cx.print(&format!("Active Internet connections ({which})\n"));
    let titles = "Proto Recv-Q Send-Q Local Address           Foreign Address         State      ";
    cx.print(&format!("{titles}{program}\n"));
    let names = if wanted.numeric { None } else { Some((Names::hosts(cx), Services::read(cx))) };
    let holders = if wanted.programs { cx.held() } else { Vec::new() };
    for (proto, is_wanted) in [(Proto::Tcp, wanted.tcp), (Proto::Udp, wanted.udp)] {
        let mut these: Vec<&Listed> = sockets.iter().filter(|s| is_wanted && s.proto == proto).collect();
        // The kernel tells of who listens first.
        these.sort_by_key(|s| s.state != State::Listen);
        for socket in these {
            let serves = socket.state == State::Listen || (proto == Proto::Udp && socket.state == State::Close);
            if !wanted.all && serves != wanted.listening {
                continue;
            }
            let holder = holders.iter().find(|(proto, local, remote, _)| {
                (*proto, *local, *remote) == (socket.proto, socket.local, socket.remote)
            });
            let program = match holder {
                _ if !wanted.programs => String::new(),
                Some((.., h)) => format!(" {:<20}", format!("{}/{}", h.process.pid, h.process.name)),
                None => format!(" {:<20}", "-"),
            };
            cx.print(&format!("{}{program}\n", line(socket, names.as_ref())));
        }
    }
    Ok(())
}

fn line(socket: &Listed, names: Option<&(Names, Services)>) -> String {
    let (proto, state) = match (socket.proto, socket.state) {
        (Proto::Udp, State::Close) => ("udp", ""),
        (Proto::Udp, state) => ("udp", name(state)),
        (Proto::Tcp, state) => ("tcp", name(state)),
    };
    let (local, remote) = (end(socket.local, proto, names), end(socket.remote, proto, names));
    // A listener's limit is not told.
    let unsent = if socket.state == State::Listen { 0 } else { socket.unsent };
    format!("{proto:<4}  {:>6} {unsent:>6} {local:<23} {remote:<23} {state:<11}", socket.received)
}

/// An address and a port, in 23 columns.
fn end(addr: SocketAddrV4, proto: &str, names: Option<&(Names, Services)>) -> String {
    let number = addr.port().to_string();
    let port = match names {
        _ if addr.port() == 0 => "*",
        Some((_, services)) => services.of_port(proto, addr.port()).unwrap_or(&number),
        None => &number,
    };
    let host = names.and_then(|(hosts, _)| hosts.of_addr(*addr.ip()));
    let host = host.map_or_else(|| addr.ip().to_string(), str::to_owned);
    let room = 22usize.saturating_sub(port.len());
    format!("{}:{port}", host.chars().take(room).collect::<String>())
}

fn name(state: State) -> &'static str {
    match state {
        State::Established => "ESTABLISHED",
        State::SynSent => "SYN_SENT",
        State::SynRecv => "SYN_RECV",
        State::FinWait1 => "FIN_WAIT1",
        State::FinWait2 => "FIN_WAIT2",
        State::TimeWait => "TIME_WAIT",
        State::Close => "CLOSE",
        State::CloseWait => "CLOSE_WAIT",
        State::LastAck => "LAST_ACK",
        State::Listen => "LISTEN",
        State::Closing => "CLOSING",
    }
}
