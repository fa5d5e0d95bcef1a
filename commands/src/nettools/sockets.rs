//! `netstat -t` and `-u`: the sockets.
//!
//! Counterpart: `tcp_info()` and `udp_info()` of `netstat.c`. Deliberately absent: users, timers, programs.

use super::Ran;
use crate::job::{Context, Next};
use crate::names::{Names, Services};
use crate::say;
use nettwin_model::probe::Proto;
use nettwin_model::socket::{Listed, State};
use nettwin_model::{Answer, Query};
use std::net::SocketAddrV4;

/// Prints those of TCP, of UDP, or both.
pub(super) fn show(cx: &mut Context<'_>, (tcp, udp): (bool, bool), listening: bool, all: bool, numeric: bool) -> Ran {
    let netns = cx.netns.clone();
    let sockets = match cx.machine.query(&Query::Sockets(netns)) {
        Ok(Answer::Sockets(sockets)) => sockets,
        Ok(_) => return Ok(Next::Done(1)),
        Err(fault) => {
            let errno = say::errno(cx, "netstat", &fault)?;
            cx.complain(&format!("netstat: {errno}\n"));
            return Ok(Next::Done(1));
        }
    };
    let which = match (all, listening) {
        (true, _) => "servers and established",
        (_, true) => "only servers",
        _ => "w/o servers",
    };
    cx.print(&format!("Active Internet connections ({which})\n"));
    cx.print("Proto Recv-Q Send-Q Local Address           Foreign Address         State      \n");
    let names = if numeric { None } else { Some((Names::hosts(cx), Services::read(cx))) };
    for (proto, wanted) in [(Proto::Tcp, tcp), (Proto::Udp, udp)] {
        for socket in sockets.iter().filter(|s| wanted && s.proto == proto) {
            let serves = socket.state == State::Listen || (proto == Proto::Udp && socket.state == State::Close);
            if all || serves == listening {
                cx.print(&line(socket, names.as_ref()));
            }
        }
    }
    Ok(Next::Done(0))
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
    format!("{proto:<4}  {:>6} {unsent:>6} {local:<23} {remote:<23} {state:<11}\n", socket.received)
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
