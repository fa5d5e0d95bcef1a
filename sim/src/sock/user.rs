//! Sockets in the hands of whoever uses the simulator, and the words about them.
//!
//! Kernel counterpart: `net/socket.c`, `net/ipv4/af_inet.c`, `udp_sendmsg()` with its route. A socket is numbered among the
//! workloads; its state is with its namespace's other sockets. Deliberately absent: waiting.

use super::flow::{Reach, Routes};
use super::{SockId, Sockets};
use crate::netns::Ifindex;
use nettwin_model::probe::{ProbeId, Proto};
use nettwin_model::socket::{Call, Reply};
use nettwin_model::{Errno, Instant};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The sockets of one namespace that users have.
#[derive(Default)]
pub(super) struct Users {
    by_sock: BTreeMap<SockId, ProbeId>,
    by_id: BTreeMap<ProbeId, SockId>,
    joined: BTreeMap<ProbeId, Vec<(Ifindex, Ipv4Addr)>>,
}

impl Users {
    /// What a socket has joined, to change; EBADF without the socket.
    pub(super) fn joined(&mut self, id: ProbeId) -> Result<&mut Vec<(Ifindex, Ipv4Addr)>, Errno> {
        if !self.by_id.contains_key(&id) {
            return Err(Errno::EBADF);
        }
        Ok(self.joined.entry(id).or_default())
    }

    /// Forgets what it has joined.
    pub(super) fn take_joined(&mut self, id: ProbeId) -> Vec<(Ifindex, Ipv4Addr)> {
        self.joined.remove(&id).unwrap_or_default()
    }

    /// Whose a socket is.
    pub(super) fn owner(&self, sock: SockId) -> Option<ProbeId> {
        self.by_sock.get(&sock).copied()
    }

    fn add(&mut self, id: ProbeId, sock: SockId) {
        self.by_sock.insert(sock, id);
        self.by_id.insert(id, sock);
    }

    /// Forgets a socket; which it was.
    fn remove(&mut self, id: ProbeId) -> Option<SockId> {
        let sock = self.by_id.remove(&id)?;
        self.by_sock.remove(&sock);
        Some(sock)
    }

    /// A call about this namespace. `fresh` is a number for a socket that it makes.
    pub(super) fn call(
        &mut self,
        now: Instant,
        s: &mut Sockets,
        ip: &impl Routes,
        call: &Call,
        fresh: ProbeId,
    ) -> Result<Reply, Errno> {
        let of = |users: &Self, id: &ProbeId| users.by_id.get(id).copied().ok_or(Errno::EBADF);
        match call {
            Call::Connect { proto, from, to, .. } => {
                let sock = connect(now, s, ip, *proto, *from, *to)?;
                self.add(fresh, sock);
                Ok(Reply::Opened(fresh))
            }
            Call::Listen { on, backlog, .. } => {
                bindable(ip, *on.ip())?;
                // A backlog is far below 2^32.
                let sock = s.tcp_listen(now, *on, *backlog as usize)?;
                self.add(fresh, sock);
                Ok(Reply::Opened(fresh))
            }
            Call::Bind { on, .. } => {
                bindable(ip, *on.ip())?;
                let sock = s.udp_bind(now, *on)?;
                self.add(fresh, sock);
                Ok(Reply::Opened(fresh))
            }
            Call::Connected(id) => {
                let sock = of(self, id)?;
                if s.is_opening(sock) {
                    return Err(Errno::EAGAIN);
                }
                s.take_error(sock).map_or(Ok(Reply::Done), Err)
            }
            Call::Accept(id) => {
                let child = s.accept(of(self, id)?)?;
                self.add(fresh, child);
                let from = s.peer(child).ok_or(Errno::ENOTCONN)?;
                Ok(Reply::Accepted(fresh, from))
            }
            Call::Send(id, bytes) => {
                let sock = of(self, id)?;
                match s.udp_peer(sock) {
                    None => s.send(sock, bytes).map(Reply::Sent),
                    Some(None) => Err(Errno::EDESTADDRREQ),
                    Some(Some(peer)) => send_to(now, s, ip, sock, peer, bytes),
                }
            }
            Call::Recv(id, most) => {
                let sock = of(self, id)?;
                if s.udp_peer(sock).is_some() {
                    let mut payload = s.udp_recv(sock)?.payload;
                    payload.truncate(*most);
                    return Ok(Reply::Received(payload));
                }
                let mut buffer = vec![0; (*most).min(MOST_AT_ONCE)];
                let got = s.recv(sock, &mut buffer)?;
                buffer.truncate(got);
                Ok(Reply::Received(buffer))
            }
            Call::SendTo(id, to, bytes) => {
                let sock = of(self, id)?;
                match s.udp_peer(sock) {
                    None => Err(Errno::EISCONN),
                    Some(_) => send_to(now, s, ip, sock, *to, bytes),
                }
            }
            Call::RecvFrom(id) => {
                let datagram = s.udp_recv(of(self, id)?)?;
                Ok(Reply::Datagram(datagram.from, datagram.payload))
            }
            Call::Shutdown(id) => s.shutdown(of(self, id)?).map(|()| Reply::Done),
            Call::Close(id) => {
                s.close(self.remove(*id).ok_or(Errno::EBADF)?);
                Ok(Reply::Done)
            }
            Call::Abort(id) => {
                s.abort(self.remove(*id).ok_or(Errno::EBADF)?);
                Ok(Reply::Done)
            }
            // The IP layer's affair, which comes first.
            Call::Join(id, ..) | Call::Leave(id, ..) => of(self, id).map(|_| Reply::Done),
            Call::Names(id) => {
                let sock = of(self, id)?;
                let local = s.local(sock).ok_or(Errno::EBADF)?;
                Ok(Reply::Names(local, s.peer(sock)))
            }
        }
    }
}

fn connect(
    now: Instant,
    s: &mut Sockets,
    ip: &impl Routes,
    proto: Proto,
    from: SocketAddrV4,
    to: SocketAddrV4,
) -> Result<SockId, Errno> {
    bindable(ip, *from.ip())?;
    let source = Some(*from.ip()).filter(|addr| !addr.is_unspecified());
    if proto == Proto::Udp {
        let sock = s.udp_bind(now, from)?;
        let connected = ip.route(to, source, proto).and_then(|route| match route.reach {
            Reach::Broadcast => Err(Errno::EACCES), // ip4_datagram_connect() without SO_BROADCAST
            _ => s.udp_connect(sock, route.path.source, SocketAddrV4::new(route.dst, to.port())),
        });
        if let Err(errno) = connected {
            s.close(sock);
            return Err(errno);
        }
        return Ok(sock);
    }
    if from.port() != 0 && !s.is_port_free(now, from) {
        return Err(Errno::EADDRINUSE);
    }
    let route = ip.route(to, source, proto)?;
    if route.reach != Reach::Host {
        return Err(Errno::ENETUNREACH); // tcp_v4_connect()
    }
    let local = SocketAddrV4::new(source.unwrap_or(route.path.source), from.port());
    s.tcp_connect(now, local, SocketAddrV4::new(route.dst, to.port()), route.path)
}

fn send_to(
    now: Instant,
    s: &mut Sockets,
    ip: &impl Routes,
    sock: SockId,
    to: SocketAddrV4,
    bytes: &[u8],
) -> Result<Reply, Errno> {
    if to.port() == 0 {
        return Err(Errno::EINVAL);
    }
    let bound = s.local(sock).map(|local| *local.ip()).filter(|addr| !addr.is_unspecified());
    let route = ip.route(to, bound, Proto::Udp)?;
    if route.reach == Reach::Broadcast {
        return Err(Errno::EACCES); // udp_sendmsg() without SO_BROADCAST
    }
    s.udp_send(now, sock, SocketAddrV4::new(route.dst, to.port()), route.path, bytes)?;
    Ok(Reply::Sent(bytes.len()))
}

fn bindable(ip: &impl Routes, addr: Ipv4Addr) -> Result<(), Errno> {
    if addr.is_unspecified() || ip.can_bind(addr) { Ok(()) } else { Err(Errno::EADDRNOTAVAIL) }
}

/// One call takes no more than this from a stream, bytes.
const MOST_AT_ONCE: usize = 1 << 18;
