//! Asynchronous sockets in a machine's namespaces: the same test on virtual time and on real sockets.
//!
//! ```
//! use nettwin::model::{Topology, apply::apply};
//! use nettwin::net::Runtime;
//! use std::time::Duration;
//!
//! let lab = Topology::build()
//!     .netns("h1", |n| n.address("eth0", "10.0.0.1/24"))
//!     .netns("h2", |n| n.address("eth0", "10.0.0.2/24"))
//!     .link("h1:eth0", "h2:eth0")
//!     .finish()
//!     .and_then(|topology| topology.check())
//!     .expect("a good topology");
//! let mut sim = nettwin::sim::Sim::new(lab.seed());
//! apply(&mut sim, lab.desired(), &mut |_| {}).expect("what the kernel would accept");
//! let got = Runtime::new(sim).block_on(async |net| {
//!     let server = net.netns("h2").listen("0.0.0.0:80").expect("a free port");
//!     net.spawn("server", async move {
//!         let (stream, _) = server.accept().await.expect("a client");
//!         stream.send_all(b"hello").await.expect("sent");
//!     });
//!     let stream = net.netns("h1").connect("10.0.0.2:80").await.expect("connected");
//!     net.timeout(Duration::from_secs(1), stream.recv_to_end()).await.expect("in time").expect("received")
//! });
//! assert_eq!(got.expect("no deadlock"), b"hello");
//! ```
//!
//! [`TcpStream`] implements tokio's `AsyncRead` and `AsyncWrite`, so what is written for tokio runs on it: `tokio::io`'s
//! extension traits, codecs, protocol libraries. The executor is ours, on one thread, over
//! [`Backend::advance`](crate::model::Backend::advance): it runs all tasks that can run, then lets the machine go on to the
//! next event or timer. tokio's own timers know milliseconds only and belong to its runtime: use [`Net::sleep`] and
//! [`Net::timeout`]. `tokio::sync` works; `tokio::select!` is deterministic only if `biased`. Kernel counterpart: sockets,
//! `epoll`, threads. Deliberately absent: threads (futures need not be `Send`), IPv6, options.

mod executor;
mod socket;
mod time;

pub use executor::{Deadlock, JoinHandle, Net, Runtime};
pub use socket::{Netns, TcpListener, TcpStream, UdpSocket};
pub use time::{Elapsed, Sleep};
