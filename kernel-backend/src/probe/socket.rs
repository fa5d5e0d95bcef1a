//! Sockets in the hands of whoever uses the machine.
//!
//! Kernel counterpart: the sockets themselves, non-blocking. A call that would have to wait is remembered, and poll(2) then
//! watches for what it waits for: there is news once. Deliberately absent: options but
//! membership of groups; errors of the queue (`IP_RECVERR`).

use super::sys::{self, Peer};
use nettwin_model::Errno;
use nettwin_model::probe::{ProbeId, Proto};
use nettwin_model::socket::{Call, Reply};
use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, RecvFlags, Shutdown, SocketAddrAny, SocketFlags, SocketType, sockopt};
use std::net::{SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    proto: Proto,
    /// A connection's handshake is under way, as far as anybody has asked.
    opening: bool,
    /// What the last call that was EAGAIN waits for.
    awaits: PollFlags,
}

/// Opens a socket in the calling thread's namespace.
pub(super) fn open(call: &Call) -> Result<Socket, Errno> {
    let new = |proto| -> Result<Socket, Errno> {
        let fd = match proto {
            Proto::Tcp => sys::socket(AddressFamily::INET, SocketType::STREAM, 0)?,
            Proto::Udp => sys::udp_socket()?,
        };
        Ok(Socket { fd, proto, opening: false, awaits: PollFlags::empty() })
    };
    match call {
        Call::Connect { proto, from, to, .. } => {
            let mut socket = new(*proto)?;
            if !from.ip().is_unspecified() || from.port() != 0 {
                sys::bind(&socket.fd, *from.ip(), from.port())?;
            }
            match sys::connect(&socket.fd, *to.ip(), to.port()) {
                Ok(()) => {}
                Err(Errno::EINPROGRESS) => socket.opening = true,
                Err(errno) => return Err(errno),
            }
            Ok(socket)
        }
        Call::Listen { on, backlog, .. } => {
            let socket = new(Proto::Tcp)?;
            // Connections of an earlier server that linger do not keep the port.
            sockopt::set_socket_reuseaddr(&socket.fd, true).map_err(sys::errno)?;
            sys::bind(&socket.fd, *on.ip(), on.port())?;
            rustix::net::listen(&socket.fd, i32::try_from(*backlog).unwrap_or(i32::MAX)).map_err(sys::errno)?;
            Ok(socket)
        }
        Call::Bind { on, .. } => {
            let socket = new(Proto::Udp)?;
            sys::bind(&socket.fd, *on.ip(), on.port())?;
            Ok(socket)
        }
        _ => Err(Errno::EBADF),
    }
}

impl Socket {
    /// A call on this socket; `fresh` is the number of a connection that it accepts, which comes with it.
    pub(super) fn call(&mut self, call: &Call, fresh: ProbeId) -> Result<(Reply, Option<Socket>), Errno> {
        let mut accepted = None;
        let reply = match call {
            Call::Accept(_) => self.accept().map(|(socket, from)| {
                accepted = Some(socket);
                Reply::Accepted(fresh, from)
            }),
            call => self.call_this(call),
        };
        if reply == Err(Errno::EAGAIN) {
            self.awaits |= match call {
                Call::Connected(_) | Call::Send(..) | Call::SendTo(..) => PollFlags::OUT,
                _ => PollFlags::IN,
            };
        }
        reply.map(|reply| (reply, accepted))
    }

    fn call_this(&mut self, call: &Call) -> Result<Reply, Errno> {
        match call {
            Call::Connected(_) => self.connected(),
            // Before that a stream's calls are ENOTCONN; ours are not there yet.
            Call::Send(..) | Call::Recv(..) if self.opening && self.connected() == Err(Errno::EAGAIN) => {
                Err(Errno::EAGAIN)
            }
            Call::Send(_, bytes) => sys::send(&self.fd, bytes).map(Reply::Sent),
            Call::Recv(_, most) => {
                let mut buffer = vec![0; (*most).min(MOST_AT_ONCE)];
                let (got, _) = rustix::net::recv(&self.fd, &mut *buffer, RecvFlags::empty()).map_err(sys::errno)?;
                buffer.truncate(got);
                Ok(Reply::Received(buffer))
            }
            Call::SendTo(_, to, bytes) => match self.proto {
                Proto::Tcp => Err(Errno::EISCONN),
                Proto::Udp => sys::send_to(&self.fd, bytes, *to).map(Reply::Sent),
            },
            Call::RecvFrom(_) => {
                let mut buffer = vec![0; 1 << 16];
                let received = sys::receive(&self.fd, &mut buffer)?;
                let Peer::Inet(from) = received.from else { return Err(Errno::EBADF) };
                buffer.truncate(received.len);
                Ok(Reply::Datagram(from, buffer))
            }
            Call::Shutdown(_) => {
                rustix::net::shutdown(&self.fd, Shutdown::Write).map_err(sys::errno)?;
                Ok(Reply::Done)
            }
            Call::Abort(_) => {
                sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO)).map_err(sys::errno)?;
                Ok(Reply::Done)
            }
            Call::Close(_) => Ok(Reply::Done),
            Call::Join(_, group, at) => {
                sockopt::set_ip_add_membership(&self.fd, group, at).map(|()| Reply::Done).map_err(sys::errno)
            }
            Call::Leave(_, group, at) => {
                sockopt::set_ip_drop_membership(&self.fd, group, at).map(|()| Reply::Done).map_err(sys::errno)
            }
            Call::Names(_) => {
                let own = v4(&rustix::net::getsockname(&self.fd).map_err(sys::errno)?).ok_or(Errno::EAFNOSUPPORT)?;
                let peer = rustix::net::getpeername(&self.fd).ok().and_then(|peer| v4(&peer?));
                Ok(Reply::Names(own, peer))
            }
            Call::Accept(_) | Call::Connect { .. } | Call::Listen { .. } | Call::Bind { .. } => Err(Errno::EBADF),
        }
    }

    fn connected(&mut self) -> Result<Reply, Errno> {
        let mut fds = [PollFd::new(&self.fd, PollFlags::OUT)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        if self.opening && rustix::event::poll(&mut fds, Some(&now)) == Ok(0) {
            return Err(Errno::EAGAIN);
        }
        self.opening = false;
        sys::take_error(&self.fd).map_or(Ok(Reply::Done), Err)
    }

    fn accept(&self) -> Result<(Socket, SocketAddrV4), Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (fd, from) = rustix::net::acceptfrom_with(&self.fd, flags).map_err(sys::errno)?;
        let from = from.as_ref().and_then(v4).ok_or(Errno::EAFNOSUPPORT)?;
        Ok((Socket { fd, proto: Proto::Tcp, opening: false, awaits: PollFlags::empty() }, from))
    }

    /// What to wait for, if anybody waits.
    pub(super) fn watch<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        if !self.awaits.is_empty() {
            fds.push(PollFd::new(&self.fd, self.awaits));
        }
    }

    /// Whether what is waited for is there; it is waited for no longer then.
    pub(super) fn has_news(&mut self) -> bool {
        if self.awaits.is_empty() {
            return false;
        }
        let mut fds = [PollFd::new(&self.fd, self.awaits)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let there = matches!(rustix::event::poll(&mut fds, Some(&now)), Ok(n) if n > 0);
        if there {
            self.awaits = PollFlags::empty();
        }
        there
    }
}

fn v4(addr: &SocketAddrAny) -> Option<SocketAddrV4> {
    match SocketAddr::try_from(addr.clone()) {
        Ok(SocketAddr::V4(addr)) => Some(addr),
        _ => None,
    }
}

/// One call takes no more than this from a stream, bytes.
const MOST_AT_ONCE: usize = 1 << 18;
