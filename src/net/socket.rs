//! Sockets as futures.
//!
//! Deliberately absent: anything that the machine's own sockets do not do. Errors are the machine's, with Linux's numbers.

use super::executor::Net;
use crate::model::probe::{ProbeId, Proto};
use crate::model::socket::{Call, Reply};
use crate::model::{Errno, Fault, NetnsName};
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A namespace, to open sockets in.
#[derive(Clone)]
pub struct Netns {
    net: Net,
    name: NetnsName,
}

impl Netns {
    pub(super) fn new(net: Net, name: &str) -> Self {
        let name = NetnsName::new(name).unwrap_or_else(|e| panic!("{name:?} names no namespace: {e}"));
        Netns { net, name }
    }

    /// Connects to an address and port, as `10.0.0.2:80`.
    pub async fn connect(&self, to: &str) -> io::Result<TcpStream> {
        let to = address(to)?;
        let call = Call::Connect { netns: self.name.clone(), proto: Proto::Tcp, from: ANY, to };
        let socket = self.open(call, format!("a connection from {} to {to}", self.name))?;
        poll_fn(|cx| socket.poll(cx, &Call::Connected(socket.id), "")).await?;
        Ok(TcpStream { socket: Rc::new(socket) })
    }

    /// Listens on an address and port, as `0.0.0.0:80`; port 0 is any.
    pub fn listen(&self, on: &str) -> io::Result<TcpListener> {
        self.listen_with_backlog(on, 128)
    }

    /// The same, with room for so many connections (and one) that nobody has accepted yet.
    pub fn listen_with_backlog(&self, on: &str, backlog: u32) -> io::Result<TcpListener> {
        let on = address(on)?;
        let call = Call::Listen { netns: self.name.clone(), on, backlog };
        Ok(TcpListener { socket: self.open(call, format!("{on} in {}", self.name))?, netns: self.name.clone() })
    }

    /// Binds a UDP socket to an address and port, as `0.0.0.0:53`; port 0 is any.
    pub fn bind(&self, on: &str) -> io::Result<UdpSocket> {
        let on = address(on)?;
        let call = Call::Bind { netns: self.name.clone(), on };
        Ok(UdpSocket { socket: self.open(call, format!("{on} in {}", self.name))? })
    }

    /// A UDP socket that is connected: it learns of ICMP errors.
    pub fn udp_connect(&self, to: &str) -> io::Result<UdpSocket> {
        let to = address(to)?;
        let call = Call::Connect { netns: self.name.clone(), proto: Proto::Udp, from: ANY, to };
        Ok(UdpSocket { socket: self.open(call, format!("{to} in {}", self.name))? })
    }

    fn open(&self, call: Call, what: String) -> io::Result<Socket> {
        match self.net.machine.borrow_mut().socket(&call) {
            Ok(Reply::Opened(id)) => Ok(Socket { net: self.net.clone(), id, what }),
            Ok(other) => Err(io::Error::other(format!("an answer out of place: {other:?}"))),
            Err(fault) => Err(io_error(fault)),
        }
    }
}

/// An open socket; closed when dropped.
struct Socket {
    net: Net,
    id: ProbeId,
    /// What it is, for whoever reads of a deadlock.
    what: String,
}

impl Socket {
    fn call(&self, call: &Call) -> io::Result<Reply> {
        self.net.machine.borrow_mut().socket(call).map_err(io_error)
    }

    fn poll(&self, cx: &Context<'_>, call: &Call, doing: &str) -> Poll<io::Result<Reply>> {
        let reply = self.net.machine.borrow_mut().socket(call);
        match reply {
            Err(Fault::Refused { errno: Errno::EAGAIN, .. }) => {
                let what = if doing.is_empty() { self.what.clone() } else { format!("{doing} {}", self.what) };
                self.net.shared.borrow_mut().wait_for_news(self.id, what, cx);
                Poll::Pending
            }
            Err(fault) => Poll::Ready(Err(io_error(fault))),
            Ok(reply) => Poll::Ready(Ok(reply)),
        }
    }

    fn names(&self) -> io::Result<(SocketAddrV4, Option<SocketAddrV4>)> {
        match self.call(&Call::Names(self.id))? {
            Reply::Names(own, peer) => Ok((own, peer)),
            other => Err(out_of_place(&other)),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A socket whose namespace is gone is closed already.
        let _ = self.call(&Call::Close(self.id));
        self.net.shared.borrow_mut().forget_socket(self.id);
    }
}

/// A socket that connections come to.
pub struct TcpListener {
    socket: Socket,
    netns: NetnsName,
}

impl TcpListener {
    /// The next connection, and from whom it is.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddrV4)> {
        let call = Call::Accept(self.socket.id);
        match poll_fn(|cx| self.socket.poll(cx, &call, "a client of")).await? {
            Reply::Accepted(id, from) => {
                let what = format!("the connection from {from} to {}", self.netns);
                let socket = Socket { net: self.socket.net.clone(), id, what };
                Ok((TcpStream { socket: Rc::new(socket) }, from))
            }
            other => Err(out_of_place(&other)),
        }
    }

    /// Its own address and port.
    pub fn local_addr(&self) -> io::Result<SocketAddrV4> {
        self.socket.names().map(|(own, _)| own)
    }
}

/// A connection. Clones are the same connection, which is closed with the last of them.
#[derive(Clone)]
pub struct TcpStream {
    socket: Rc<Socket>,
}

impl TcpStream {
    /// Its own address and port.
    pub fn local_addr(&self) -> io::Result<SocketAddrV4> {
        self.socket.names().map(|(own, _)| own)
    }

    /// The other end's.
    pub fn peer_addr(&self) -> io::Result<SocketAddrV4> {
        self.socket.names()?.1.ok_or_else(|| errno_error(Errno::ENOTCONN))
    }

    /// Takes at most so many bytes; none at the stream's end.
    pub async fn recv(&self, most: usize) -> io::Result<Vec<u8>> {
        poll_fn(|cx| self.poll_recv(cx, most)).await
    }

    /// Takes all bytes up to the stream's end.
    pub async fn recv_to_end(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let some = self.recv(CHUNK).await?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&some);
        }
    }

    /// Appends all these bytes.
    pub async fn send_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let sent = poll_fn(|cx| self.poll_send(cx, rest)).await?;
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Sends no more; the other way stays open.
    pub fn shutdown_write(&self) -> io::Result<()> {
        self.socket.call(&Call::Shutdown(self.socket.id)).map(drop)
    }

    fn poll_recv(&self, cx: &Context<'_>, most: usize) -> Poll<io::Result<Vec<u8>>> {
        let call = Call::Recv(self.socket.id, most);
        Poll::Ready(match ready!(self.socket.poll(cx, &call, "bytes of"))? {
            Reply::Received(bytes) => Ok(bytes),
            other => Err(out_of_place(&other)),
        })
    }

    fn poll_send(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let some = &bytes[..bytes.len().min(CHUNK)];
        let call = Call::Send(self.socket.id, some.to_vec());
        Poll::Ready(match ready!(self.socket.poll(cx, &call, "room in"))? {
            Reply::Sent(count) => Ok(count),
            other => Err(out_of_place(&other)),
        })
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let bytes = ready!(self.poll_recv(cx, buffer.remaining()))?;
        buffer.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.shutdown_write())
    }
}

/// A UDP socket.
pub struct UdpSocket {
    socket: Socket,
}

impl UdpSocket {
    /// Its own address and port.
    pub fn local_addr(&self) -> io::Result<SocketAddrV4> {
        self.socket.names().map(|(own, _)| own)
    }

    /// Sends a datagram.
    pub async fn send_to(&self, bytes: &[u8], to: &str) -> io::Result<()> {
        let call = Call::SendTo(self.socket.id, address(to)?, bytes.to_vec());
        poll_fn(|cx| self.socket.poll(cx, &call, "room in")).await.map(drop)
    }

    /// The next datagram, and from whom it is.
    pub async fn recv_from(&self) -> io::Result<(Vec<u8>, SocketAddrV4)> {
        let call = Call::RecvFrom(self.socket.id);
        match poll_fn(|cx| self.socket.poll(cx, &call, "a datagram to")).await? {
            Reply::Datagram(from, bytes) => Ok((bytes, from)),
            other => Err(out_of_place(&other)),
        }
    }

    /// Sends a datagram to whom the socket is connected to.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let call = Call::Send(self.socket.id, bytes.to_vec());
        poll_fn(|cx| self.socket.poll(cx, &call, "room in")).await.map(drop)
    }

    /// The next datagram.
    pub async fn recv(&self) -> io::Result<Vec<u8>> {
        let call = Call::Recv(self.socket.id, usize::from(u16::MAX));
        match poll_fn(|cx| self.socket.poll(cx, &call, "a datagram to")).await? {
            Reply::Received(bytes) => Ok(bytes),
            other => Err(out_of_place(&other)),
        }
    }
}

fn address(text: &str) -> io::Result<SocketAddrV4> {
    let bad =
        |_| io::Error::new(io::ErrorKind::InvalidInput, format!("{text:?} is no address and port like 10.0.0.2:80"));
    text.parse().map_err(bad)
}

fn io_error(fault: Fault) -> io::Error {
    match fault {
        Fault::Refused { errno, .. } => errno_error(errno),
        other => io::Error::other(other.to_string()),
    }
}

/// The error with Linux's number where numbers are Linux's, with its kind and text elsewhere.
fn errno_error(errno: Errno) -> io::Error {
    if cfg!(target_os = "linux") {
        return io::Error::from_raw_os_error(errno.0);
    }
    use io::ErrorKind as Kind;
    let kind = match errno {
        Errno::ECONNREFUSED => Kind::ConnectionRefused,
        Errno::ECONNRESET => Kind::ConnectionReset,
        Errno::ENOTCONN => Kind::NotConnected,
        Errno::EPIPE => Kind::BrokenPipe,
        Errno::ETIMEDOUT => Kind::TimedOut,
        Errno::EHOSTUNREACH => Kind::HostUnreachable,
        Errno::ENETUNREACH => Kind::NetworkUnreachable,
        Errno::EADDRINUSE => Kind::AddrInUse,
        Errno::EADDRNOTAVAIL => Kind::AddrNotAvailable,
        Errno::EACCES | Errno::EPERM => Kind::PermissionDenied,
        Errno::ENOENT => Kind::NotFound,
        Errno::EINVAL => Kind::InvalidInput,
        _ => Kind::Other,
    };
    io::Error::new(kind, errno.text())
}

fn out_of_place(reply: &Reply) -> io::Error {
    io::Error::other(format!("an answer out of place: {reply:?}"))
}

const ANY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
/// One call takes or gives no more than this, bytes.
const CHUNK: usize = 1 << 16;
