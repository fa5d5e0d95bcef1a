//! `nc`: connections and datagrams from standard input and to standard output.
//!
//! Counterpart: `main()`, `remote_connect()`, `local_listen()`, `udptest()` of OpenBSD netcat 1.219 with Debian's patches.
//! Deliberately absent: IPv6, Unix sockets, proxies, TLS, and two listeners on one port (`SO_REUSEPORT`).

mod help;
mod options;
mod relay;

use crate::job::{Context, Invocation, Job, Next, Waits, Wake};
use crate::names::{NO_ANSWER, Services};
use crate::say;
use nettwin_model::probe::{ProbeId, Proto};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Fault, Instant};
use options::{Options, fail};
use relay::Relay;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// Begins `nc`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    Box::new(NcJob { words: invocation.words.clone(), running: None })
}

struct NcJob {
    words: Vec<String>,
    running: Option<Running>,
}

struct Running {
    options: Options,
    phase: Phase,
    /// The ports that are still to be tried.
    next_port: usize,
    status: u8,
}

enum Phase {
    /// The next port is to be tried.
    Port,
    /// Its connection is under way.
    Connecting { sock: ProbeId, until: Option<Instant> },
    /// Datagrams go to it until so many have gone, one each second.
    Testing { sock: ProbeId, left: u64, at: Instant },
    /// A listener waits for a connection.
    Accepting { listener: ProbeId },
    /// A bound socket waits for the first datagram.
    Awaiting { sock: ProbeId },
    /// Bytes go there and back.
    Relaying { relay: Relay, listener: Option<ProbeId> },
}

/// What comes next.
enum Go {
    On,
    Wait(Waits),
    End(Next),
}

impl Job for NcJob {
    fn wake(&mut self, cx: &mut Context<'_>, _: Wake) -> Next {
        if self.running.is_none() {
            match begin(cx, &self.words) {
                Ok(running) => self.running = Some(running),
                Err(end) => return end,
            }
        }
        let Some(running) = &mut self.running else { return Next::Done(1) };
        loop {
            match running.go(cx) {
                Go::On => {}
                Go::Wait(waits) => return Next::Wait(waits),
                Go::End(end) => return end,
            }
        }
    }
}

fn begin(cx: &mut Context<'_>, words: &[String]) -> Result<Running, Next> {
    let options = Options::parse(cx, words)?;
    if !options.listen {
        return Ok(Running { options, phase: Phase::Port, next_port: 0, status: 1 });
    }
    let (netns, on) = (cx.netns.clone(), SocketAddrV4::new(options.host.1, options.ports[0]));
    let call = if options.udp { Call::Bind { netns, on } } else { Call::Listen { netns, on, backlog: 1 } };
    let sock = match cx.socket(&call) {
        Ok(Reply::Opened(sock)) => sock,
        Ok(_) => return Err(Next::Done(1)),
        Err(fault) => {
            let errno = say::errno(cx, "nc", &fault)?;
            return Err(fail(cx, &errno.to_string()));
        }
    };
    if options.verbose {
        let on = match cx.socket(&Call::Names(sock)) {
            Ok(Reply::Names(own, _)) => own,
            _ => on,
        };
        report(cx, &options, if options.udp { "Bound" } else { "Listening" }, on);
    }
    let phase = match (options.udp, options.keep) {
        (false, _) => Phase::Accepting { listener: sock },
        (true, false) => Phase::Awaiting { sock },
        (true, true) => Phase::Relaying { relay: Relay::bound(cx, &options, sock, None), listener: None },
    };
    Ok(Running { options, phase, next_port: 0, status: 0 })
}

/// `report_sock()`.
fn report(cx: &mut Context<'_>, options: &Options, what: &str, addr: SocketAddrV4) {
    let name = match options.names.of_addr(*addr.ip()) {
        _ if options.numeric => addr.ip().to_string(),
        Some(name) => name.to_owned(),
        None => return cx.complain(&format!("nc: getnameinfo: {NO_ANSWER}\n")),
    };
    cx.complain(&format!("{what} on {name} {}\n", addr.port()));
}

fn is_again<T>(result: &Result<T, Fault>) -> bool {
    matches!(result, Err(Fault::Refused { errno: Errno::EAGAIN, .. }))
}

impl Running {
    fn go(&mut self, cx: &mut Context<'_>) -> Go {
        match &mut self.phase {
            Phase::Port => self.connect(cx),
            &mut Phase::Connecting { sock, until } => self.connecting(cx, sock, until),
            &mut Phase::Testing { sock, left, at } => self.testing(cx, sock, left, at),
            &mut Phase::Accepting { listener } => {
                let accepted = cx.socket(&Call::Accept(listener));
                match accepted {
                    Ok(Reply::Accepted(sock, from)) => {
                        if self.options.verbose {
                            report(cx, &self.options, "Connection received", from);
                        }
                        let relay = Relay::new(cx, &self.options, sock);
                        self.phase = Phase::Relaying { relay, listener: Some(listener) };
                        Go::On
                    }
                    again if is_again(&again) => Go::Wait(Waits::default()),
                    _ => Go::End(Next::Done(1)),
                }
            }
            &mut Phase::Awaiting { sock } => {
                let received = cx.socket(&Call::RecvFrom(sock));
                match received {
                    Ok(Reply::Datagram(from, bytes)) => {
                        if self.options.verbose {
                            report(cx, &self.options, "Connection received", from);
                        }
                        cx.out.extend_from_slice(&bytes);
                        let relay = Relay::bound(cx, &self.options, sock, Some(from));
                        self.phase = Phase::Relaying { relay, listener: None };
                        Go::On
                    }
                    again if is_again(&again) => Go::Wait(Waits::default()),
                    _ => Go::End(Next::Done(1)),
                }
            }
            Phase::Relaying { relay, listener } => {
                if let Some(waits) = relay.run(cx, &self.options) {
                    return Go::Wait(waits);
                }
                let (sock, listener) = (relay.sock, *listener);
                close(cx, sock);
                match listener {
                    Some(listener) if self.options.keep => {
                        self.phase = Phase::Accepting { listener };
                        Go::On
                    }
                    _ if self.options.listen => Go::End(Next::Done(self.status)),
                    _ => {
                        self.phase = Phase::Port;
                        Go::On
                    }
                }
            }
        }
    }

    /// The next port.
    fn connect(&mut self, cx: &mut Context<'_>) -> Go {
        let Some(&port) = self.options.ports.get(self.next_port) else { return Go::End(Next::Done(self.status)) };
        self.next_port += 1;
        let proto = if self.options.udp { Proto::Udp } else { Proto::Tcp };
        let to = SocketAddrV4::new(self.options.host.1, port);
        match cx.socket(&Call::Connect { netns: cx.netns.clone(), proto, from: self.options.from, to }) {
            Ok(Reply::Opened(sock)) if self.options.udp => self.connected(cx, sock),
            Ok(Reply::Opened(sock)) => {
                let until = self.options.timeout.map(|timeout| cx.machine.now() + timeout);
                self.phase = Phase::Connecting { sock, until };
                Go::On
            }
            Ok(_) => Go::End(Next::Done(1)),
            Err(fault) => {
                let errno = match say::errno(cx, "nc", &fault) {
                    Ok(errno) => errno,
                    Err(end) => return Go::End(end),
                };
                let is_bind = matches!(errno, Errno::EADDRNOTAVAIL | Errno::EADDRINUSE);
                if self.options.binds && is_bind {
                    return Go::End(fail(cx, &format!("bind failed: {errno}")));
                }
                self.failed(cx, "failed", errno);
                Go::On
            }
        }
    }

    fn failed(&mut self, cx: &mut Context<'_>, how: &str, errno: Errno) {
        self.phase = Phase::Port;
        if self.options.verbose {
            let (host, port, proto) = (self.host(), self.port(), self.options.proto());
            cx.complain(&format!("nc: connect to {host} port {port} ({proto}) {how}: {errno}\n"));
        }
    }

    /// The host, with its address where that says more.
    fn host(&self) -> String {
        let (host, addr) = &self.options.host;
        let addr = if addr.is_unspecified() { Ipv4Addr::UNSPECIFIED } else { *addr };
        if self.options.numeric || *host == addr.to_string() { host.clone() } else { format!("{host} ({addr})") }
    }

    fn port(&self) -> u16 {
        self.next_port.checked_sub(1).and_then(|at| self.options.ports.get(at)).copied().unwrap_or_default()
    }

    fn connecting(&mut self, cx: &mut Context<'_>, sock: ProbeId, until: Option<Instant>) -> Go {
        let result = cx.socket(&Call::Connected(sock));
        match result {
            Ok(_) => self.connected(cx, sock),
            again if is_again(&again) => {
                if until.is_none_or(|at| at > cx.machine.now()) {
                    return Go::Wait(Waits { until, input: false });
                }
                close(cx, sock);
                self.failed(cx, "timed out", Errno::EINPROGRESS);
                Go::On
            }
            Err(Fault::Refused { errno, .. }) => {
                close(cx, sock);
                self.failed(cx, "failed", errno);
                Go::On
            }
            Err(fault) => Go::End(say::errno(cx, "nc", &fault).map_or_else(|end| end, |_| Next::Done(1))),
        }
    }

    /// The other end is there, as far as can be told.
    fn connected(&mut self, cx: &mut Context<'_>, sock: ProbeId) -> Go {
        self.status = 0;
        let tells = self.options.verbose || self.options.scan;
        if tells && self.options.udp {
            let sent = [0; 2].map(|_| cx.socket(&Call::Send(sock, b"X".to_vec())));
            if sent.iter().any(Result::is_err) {
                return self.refused(cx, sock);
            }
            let left = self.options.timeout.map_or(UDP_SCAN_S, |timeout| timeout.as_secs());
            self.phase = Phase::Testing { sock, left, at: cx.machine.now() + SECOND };
            return Go::On;
        }
        if tells {
            self.tell(cx);
        }
        self.relay(cx, sock)
    }

    /// `udptest()`.
    fn testing(&mut self, cx: &mut Context<'_>, sock: ProbeId, left: u64, at: Instant) -> Go {
        if left == 0 {
            self.tell(cx);
            return self.relay(cx, sock);
        }
        if cx.machine.now() < at {
            return Go::Wait(Waits { until: Some(at), input: false });
        }
        if let Err(Fault::Refused { errno: Errno::ECONNREFUSED, .. }) = cx.socket(&Call::Send(sock, b"X".to_vec())) {
            return self.refused(cx, sock);
        }
        self.phase = Phase::Testing { sock, left: left - 1, at: at + SECOND };
        Go::On
    }

    fn refused(&mut self, cx: &mut Context<'_>, sock: ProbeId) -> Go {
        close(cx, sock);
        self.status = 1;
        self.phase = Phase::Port;
        Go::On
    }

    /// `connection_info()`.
    fn tell(&mut self, cx: &mut Context<'_>) {
        if !self.options.verbose {
            return;
        }
        let (host, port, proto) = (self.host(), self.port(), self.options.proto());
        let services = if self.options.numeric { Services::default() } else { Services::read(cx) };
        let service = services.of_port(proto, port).unwrap_or("*");
        cx.complain(&format!("Connection to {host} {port} port [{proto}/{service}] succeeded!\n"));
    }

    fn relay(&mut self, cx: &mut Context<'_>, sock: ProbeId) -> Go {
        if self.options.scan {
            close(cx, sock);
            self.phase = Phase::Port;
        } else {
            let relay = Relay::new(cx, &self.options, sock);
            self.phase = Phase::Relaying { relay, listener: None };
        }
        Go::On
    }
}

fn close(cx: &mut Context<'_>, sock: ProbeId) {
    // That it is gone already is no matter.
    let _ = cx.socket(&Call::Close(sock));
}

const SECOND: Duration = Duration::from_secs(1);
/// Debian's `UDP_SCAN_TIMEOUT`.
const UDP_SCAN_S: u64 = 3;
