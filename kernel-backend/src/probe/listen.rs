//! An echo server.
//!
//! Kernel counterpart: `inetd`'s echo service. It answers a datagram from the address that it was sent to. Deliberately
//! absent: limits; it is for a lab.

use super::sys::{self, Peer};
use super::{Begin, Clock, Outbox, Refusal, Task};
use nettwin_model::Errno;
use nettwin_model::probe::{Listen, Outcome, ProbeEvent, Proto, Stop, WakeAt};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, sockopt};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

/// Binds, and for TCP listens.
pub(super) fn open(listen: &Listen) -> Result<Begin, Refusal> {
    let addr = listen.addr.unwrap_or(Ipv4Addr::UNSPECIFIED);
    let server = match listen.proto {
        Proto::Udp => {
            let udp = sys::udp_socket()?;
            sys::want_destination(&udp)?;
            sys::enlarge_inbox(&udp, INBOX_BYTES)?;
            sys::bind(&udp, addr, listen.port)?;
            Server { socket: udp, proto: Proto::Udp, clients: Vec::new() }
        }
        Proto::Tcp => {
            let tcp = sys::socket(AddressFamily::INET, SocketType::STREAM, 0)?;
            // Connections of an earlier server that linger do not keep the port.
            sockopt::set_socket_reuseaddr(&tcp, true).map_err(sys::errno)?;
            sys::bind(&tcp, addr, listen.port)?;
            rustix::net::listen(&tcp, BACKLOG).map_err(sys::errno)?;
            Server { socket: tcp, proto: Proto::Tcp, clients: Vec::new() }
        }
    };
    let source = listen.addr.map(Into::into);
    Ok(Box::new(move |clock, out| {
        out.push((clock.now(), ProbeEvent::Started { source }));
        Some(Box::new(server))
    }))
}

#[derive(Debug)]
struct Server {
    socket: OwnedFd,
    proto: Proto,
    clients: Vec<Client>,
}

/// One connection.
#[derive(Debug)]
struct Client {
    tcp: OwnedFd,
    /// Read, not yet sent back.
    held: Vec<u8>,
    /// The other side has sent all it will.
    is_ended: bool,
}

impl Server {
    fn echo_datagrams(&self) {
        let mut buffer = vec![0; 1 << 16];
        loop {
            match sys::receive(&self.socket, &mut buffer) {
                Ok(received) => {
                    let (Peer::Inet(peer), Some(me)) = (received.from, received.to) else { continue };
                    // An echo that cannot be sent is lost, as any datagram may be. A broadcast is answered from the
                    // address that the route back gives.
                    let bytes = &buffer[..received.len];
                    let _ = sys::send_from(&self.socket, bytes, peer, me)
                        .or_else(|_| sys::send_to(&self.socket, bytes, peer));
                }
                Err(Errno::EAGAIN) => return,
                // An ICMP error about an echo; nobody is waiting for it.
                Err(_) => {}
            }
        }
    }

    fn accept(&mut self) {
        while let Ok(tcp) = rustix::net::accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            self.clients.push(Client { tcp, held: Vec::new(), is_ended: false });
        }
    }
}

impl Client {
    /// Sends back what it can; returns whether the connection lives on.
    fn echo(&mut self) -> bool {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            while !self.held.is_empty() {
                match sys::send(&self.tcp, &self.held) {
                    Ok(n) => drop(self.held.drain(..n)),
                    Err(Errno::EAGAIN) => return true,
                    Err(_) => return false,
                }
            }
            if self.is_ended {
                return false;
            }
            match rustix::net::recv(&self.tcp, &mut *buffer, RecvFlags::empty()).map_err(sys::errno) {
                Ok((0, _)) => self.is_ended = true,
                Ok((n, _)) => self.held.extend_from_slice(&buffer[..n]),
                Err(Errno::EAGAIN) => return true,
                Err(_) => return false,
            }
        }
    }
}

impl Task for Server {
    fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::new(&self.socket, PollFlags::IN));
        for client in &self.clients {
            // What is held must go before more is read.
            let flags = if client.held.is_empty() { PollFlags::IN } else { PollFlags::OUT };
            fds.push(PollFd::new(&client.tcp, flags));
        }
    }

    fn wake_at(&self) -> WakeAt {
        None
    }

    fn read(&mut self, _clock: Clock, _out: &mut Outbox) {
        match self.proto {
            Proto::Udp => self.echo_datagrams(),
            Proto::Tcp => {
                self.accept();
                self.clients.retain_mut(Client::echo);
            }
        }
    }

    fn timer(&mut self, _clock: Clock, _out: &mut Outbox) {}

    fn stop(&mut self, _how: Stop, clock: Clock, out: &mut Outbox) {
        out.push((clock.now(), ProbeEvent::Done(Outcome::Stopped)));
    }
}

const BACKLOG: i32 = 128;
const CHUNK_BYTES: usize = 64 << 10;
const INBOX_BYTES: usize = 4 << 20;
