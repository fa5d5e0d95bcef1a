//! Where sockets are kept and how a packet finds its own: constant time, whatever their number.
//!
//! Kernel counterpart: `inet_hashinfo` (established, listening and bind hashes), `udp_table`, `inet_timewait_sock.c`. The
//! hash tables have a fixed hasher and are never walked. Deliberately absent: `SO_REUSEPORT` groups.

use super::segment::Tuple;
use super::tcp::{Tcp, TimeWait};
use super::udp::Udp;
use hashbrown::HashMap;
use nettwin_model::Instant;
use nettwin_model::probe::Proto;
use rustc_hash::FxBuildHasher;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

/// A socket of one namespace; it stays unique after the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SockId {
    pub(super) index: u32,
    birth: u32,
}

/// What a socket is.
pub(super) enum Socket {
    Listener(Listener),
    Tcp(Box<Tcp>),
    Udp(Box<Udp>),
}

/// A listening socket: its address and the connections that nobody has accepted yet.
pub(super) struct Listener {
    pub(super) local: SocketAddrV4,
    backlog: usize,
    /// SYN received, handshake not complete.
    pub(super) opening: Vec<SockId>,
    /// Complete, oldest first.
    pub(super) ready: VecDeque<SockId>,
}

impl Listener {
    pub(super) fn new(local: SocketAddrV4, backlog: usize) -> Self {
        Listener { local, backlog, opening: Vec::new(), ready: VecDeque::new() }
    }

    /// How many connections wait, and how many may.
    pub(super) fn queue(&self) -> (u32, u32) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        (count(self.ready.len()), count(self.backlog))
    }

    /// `sk_acceptq_is_full` lets one more than the backlog in. Those that are still opening count here; the kernel would
    /// answer them with SYN cookies and drop them when they complete.
    pub(super) fn is_full(&self) -> bool {
        self.ready.len() + self.opening.len() > self.backlog
    }
}

struct Slot {
    birth: u32,
    socket: Option<Socket>,
    /// The listener of a connection that was not accepted yet.
    parent: Option<SockId>,
    runnable: bool,
    news: bool,
    alarm: Option<Instant>,
}

/// The sockets themselves. An index is used again, a [`SockId`] never.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    births: u32,
}

impl Slots {
    /// All that are there.
    pub(super) fn all(&self) -> impl Iterator<Item = &Socket> {
        self.slots.iter().filter_map(|slot| slot.socket.as_ref())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    pub(super) fn insert(&mut self, socket: Socket) -> SockId {
        self.births = self.births.wrapping_add(1);
        let birth = self.births;
        let slot = Slot { birth, socket: Some(socket), parent: None, runnable: false, news: false, alarm: None };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                // Each socket takes far more than a byte of memory: there are never 2^32.
                (self.slots.len() - 1) as u32
            }
        };
        SockId { index, birth }
    }

    /// Forgets a socket. It has no alarm any more.
    pub(super) fn remove(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else { return };
        if slot.socket.take().is_some() {
            slot.alarm = None;
            slot.runnable = false;
            self.free.push(index);
        }
    }

    fn slot(&mut self, id: SockId) -> Option<&mut Slot> {
        self.slots.get_mut(id.index as usize).filter(|s| s.birth == id.birth && s.socket.is_some())
    }

    pub(super) fn get(&self, id: SockId) -> Option<&Socket> {
        self.slots.get(id.index as usize).filter(|s| s.birth == id.birth)?.socket.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: SockId) -> Option<&mut Socket> {
        self.slot(id)?.socket.as_mut()
    }

    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Socket> {
        self.slots.get_mut(index as usize)?.socket.as_mut()
    }

    pub(super) fn id(&self, index: u32) -> Option<SockId> {
        let slot = self.slots.get(index as usize)?;
        slot.socket.as_ref().map(|_| SockId { index, birth: slot.birth })
    }

    /// Makes `child` a connection that `listener` has not completed yet.
    pub(super) fn set_parent(&mut self, child: SockId, listener: SockId) {
        if let Some(slot) = self.slot(child) {
            slot.parent = Some(listener);
        }
        if let Some(Socket::Listener(l)) = self.get_mut(listener) {
            l.opening.push(child);
        }
    }

    /// If `child` is a connection of a listener that has just completed its handshake: it may be accepted from now on.
    /// Returns the listener of a connection that nobody has accepted.
    pub(super) fn adopt(&mut self, child: SockId) -> Option<SockId> {
        let parent = self.slot(child)?.parent?;
        let is_open = matches!(self.get(child), Some(Socket::Tcp(tcp)) if !tcp.is_opening() && !tcp.is_closed());
        match self.get_mut(parent) {
            Some(Socket::Listener(l)) => {
                if is_open && let Some(at) = l.opening.iter().position(|c| *c == child) {
                    l.opening.remove(at);
                    l.ready.push_back(child);
                }
                // Accepted connections are told about themselves.
                (l.opening.contains(&child) || l.ready.contains(&child)).then_some(parent)
            }
            _ => None,
        }
    }

    /// If `child` is a connection that its listener has not handed out: the listener drops it while it is opening, and
    /// hands it out closed if it was complete. Returns whether nobody will ever ask for it.
    pub(super) fn forget_unaccepted(&mut self, child: SockId) -> bool {
        let Some(parent) = self.slot(child).and_then(|s| s.parent) else { return false };
        let Some(Socket::Listener(l)) = self.get_mut(parent) else { return false };
        match l.opening.iter().position(|c| *c == child) {
            Some(at) => {
                l.opening.remove(at);
                true
            }
            None => false,
        }
    }

    /// Returns whether the mark changed.
    pub(super) fn set_runnable(&mut self, index: u32, runnable: bool) -> bool {
        match self.slots.get_mut(index as usize) {
            Some(slot) if slot.socket.is_some() => std::mem::replace(&mut slot.runnable, runnable) != runnable,
            _ => false,
        }
    }

    pub(super) fn alarm(&self, index: u32) -> Option<Instant> {
        self.slots.get(index as usize)?.alarm
    }

    pub(super) fn set_alarm(&mut self, index: u32, at: Option<Instant>) {
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.alarm = at;
        }
    }

    /// Marks that there is news about a socket; whether there was none before.
    pub(super) fn has_news(&mut self, id: SockId) -> bool {
        self.slot(id).is_some_and(|slot| !std::mem::replace(&mut slot.news, true))
    }

    /// Takes that mark off; whether it was there.
    pub(super) fn take_news(&mut self, id: SockId) -> bool {
        self.slot(id).is_some_and(|slot| std::mem::replace(&mut slot.news, false))
    }
}

/// Who has which address and port.
#[derive(Default)]
pub(super) struct Ports {
    connected: HashMap<Tuple, u32, FxBuildHasher>,
    bound: HashMap<(Proto, SocketAddrV4), u32, FxBuildHasher>,
    /// How many sockets are bound to a port, on whatever address.
    users: HashMap<(Proto, u16), u32, FxBuildHasher>,
}

impl Ports {
    /// The connection that a packet belongs to.
    pub(super) fn connection(&self, tuple: &Tuple) -> Option<u32> {
        self.connected.get(tuple).copied()
    }

    /// The socket bound to the packet's very address, else the one bound to all (`compute_score`).
    pub(super) fn bound(&self, tuple: &Tuple) -> Option<u32> {
        let at = |ip: Ipv4Addr| self.bound.get(&(tuple.proto, SocketAddrV4::new(ip, tuple.local.port())));
        at(*tuple.local.ip()).or_else(|| at(Ipv4Addr::UNSPECIFIED)).copied()
    }

    /// Whether the port is free there: nobody on that address or on all, and nobody at all if this is all.
    pub(super) fn can_bind(&self, proto: Proto, local: SocketAddrV4) -> bool {
        if local.ip().is_unspecified() {
            return !self.users.contains_key(&(proto, local.port()));
        }
        let all = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local.port());
        !self.bound.contains_key(&(proto, local)) && !self.bound.contains_key(&(proto, all))
    }

    /// Whether anybody listens on that TCP port.
    pub(super) fn is_listening(&self, port: u16) -> bool {
        self.users.contains_key(&(Proto::Tcp, port))
    }

    pub(super) fn bind(&mut self, proto: Proto, local: SocketAddrV4, index: u32) {
        self.bound.insert((proto, local), index);
        *self.users.entry((proto, local.port())).or_default() += 1;
    }

    pub(super) fn unbind(&mut self, proto: Proto, local: SocketAddrV4) {
        if self.bound.remove(&(proto, local)).is_some() {
            self.release(proto, local.port());
        }
    }

    fn release(&mut self, proto: Proto, port: u16) {
        if let Some(users) = self.users.get_mut(&(proto, port)) {
            *users -= 1;
            if *users == 0 {
                self.users.remove(&(proto, port));
            }
        }
    }

    /// A connection begins. A connected UDP socket still occupies its port.
    pub(super) fn connect(&mut self, tuple: Tuple, index: u32) {
        self.connected.insert(tuple, index);
        if tuple.proto == Proto::Udp {
            *self.users.entry((Proto::Udp, tuple.local.port())).or_default() += 1;
        }
    }

    pub(super) fn disconnect(&mut self, tuple: &Tuple) {
        if self.connected.remove(tuple).is_some() && tuple.proto == Proto::Udp {
            self.release(Proto::Udp, tuple.local.port());
        }
    }

    /// Ends a connection, unless another has taken its place.
    pub(super) fn disconnect_if(&mut self, tuple: &Tuple, index: u32) {
        if self.connected.get(tuple) == Some(&index) {
            self.disconnect(tuple);
        }
    }
}

/// Connections in TIME-WAIT. They need no timer: one that is over is not found, and goes when another comes.
#[derive(Default)]
pub(super) struct TimeWaits {
    entries: HashMap<Tuple, (Instant, TimeWait), FxBuildHasher>,
    order: VecDeque<(Instant, Tuple)>,
}

impl TimeWaits {
    pub(super) fn insert(&mut self, until: Instant, tuple: Tuple, rest: TimeWait) {
        self.entries.insert(tuple, (until, rest));
        self.order.push_back((until, tuple));
    }

    pub(super) fn find(&mut self, now: Instant, tuple: &Tuple) -> Option<TimeWait> {
        self.purge(now);
        self.entries.get(tuple).map(|(_, rest)| *rest)
    }

    pub(super) fn remove(&mut self, tuple: &Tuple) {
        self.entries.remove(tuple);
    }

    /// Those whose time is not over, the oldest first, and whether they were begun here.
    pub(super) fn lasting(&self, now: Instant) -> impl Iterator<Item = (Tuple, bool)> + '_ {
        let lasts = move |(until, tuple): &&(Instant, Tuple)| {
            *until > now && self.entries.get(tuple).is_some_and(|(last, _)| last == until)
        };
        let client = |tuple: &Tuple| self.entries.get(tuple).is_some_and(|(_, rest)| rest.client);
        self.order.iter().filter(lasts).map(move |(_, tuple)| (*tuple, client(tuple)))
    }

    fn purge(&mut self, now: Instant) {
        while let Some(&(until, tuple)) = self.order.front() {
            if until > now {
                break;
            }
            self.order.pop_front();
            // A later connection of the same ends may be waiting now.
            if self.entries.get(&tuple).is_some_and(|(until, _)| *until <= now) {
                self.entries.remove(&tuple);
            }
        }
    }
}
