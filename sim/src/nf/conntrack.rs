//! Connection tracking: which connection a packet belongs to, and what state that is in.
//!
//! Kernel counterpart: `nf_conntrack_core.c`, `nf_conntrack_proto_{icmp,udp,generic}.c`. A connection whose first packet did
//! not get through is never entered. Deliberately absent: expectations, zones, early eviction, accounting.

use super::hooks::Manip;
use super::{Outcome, tcp};
use crate::frame::L2_LEN;
use crate::netns::Ifindex;
use crate::path::Pkt;
use crate::rng::Rng;
use crate::world::World;
use hashbrown::HashMap;
use nettwin_model::Instant;
use nettwin_model::rules::conntrack::{Connection, TCP_STATES};
use nettwin_model::rules::{Hook, State};
use nettwin_model::wire::{
    ICMP_LEN, Icmp, Ipv4, PROTO_ICMP, PROTO_TCP, PROTO_UDP, Tcp, Udp, checksum, transport_checksum,
};
use rustc_hash::FxBuildHasher;
use std::net::Ipv4Addr;
use std::time::Duration;

/// The direction of a packet within its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dir {
    /// As the first packet.
    Original,
    /// The other way.
    Reply,
}

impl Dir {
    pub(super) fn other(self) -> Dir {
        if self == Dir::Original { Dir::Reply } else { Dir::Original }
    }
}

/// What conntrack says of a packet (`enum ip_conntrack_info`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Info {
    /// Nothing yet.
    #[default]
    Unseen,
    /// It was told to pass over it.
    Untracked,
    /// It belongs to nothing.
    Invalid,
    /// It begins a connection.
    New,
    /// It belongs to one that was answered.
    Established(Dir),
    /// It is an error about one.
    Related(Dir),
}

impl Info {
    pub(super) fn dir(self) -> Dir {
        match self {
            Info::Established(dir) | Info::Related(dir) => dir,
            _ => Dir::Original,
        }
    }

    /// As rules see it: a bit of [`State`].
    pub(super) fn bit(self) -> u32 {
        match self {
            Info::Unseen | Info::Invalid => State::INVALID,
            Info::Untracked => State::UNTRACKED,
            Info::New => State::NEW,
            Info::Established(_) => State::ESTABLISHED,
            Info::Related(_) => State::RELATED,
        }
    }
}

/// A packet's connection (`skb->_nfct`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Track {
    pub(super) conn: Option<u32>,
    pub(super) info: Info,
}

impl Track {
    /// That of an error about the packet (`nf_ct_attach`).
    pub(crate) fn of_error(self) -> Track {
        match (self.conn, self.info) {
            (Some(_), Info::New | Info::Established(_) | Info::Related(_)) => {
                Track { conn: self.conn, info: Info::Related(self.info.dir().other()) }
            }
            _ => Track::default(),
        }
    }

    /// That of a packet that conntrack passes over.
    pub(super) fn untracked() -> Track {
        Track { conn: None, info: Info::Untracked }
    }
}

/// One direction of a connection (`struct nf_conntrack_tuple`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tuple {
    pub(crate) src: Ipv4Addr,
    pub(crate) dst: Ipv4Addr,
    pub(crate) proto: u8,
    /// Port, or an ICMP query's identifier.
    pub(crate) sport: u16,
    /// Port, or an ICMP query's type and code.
    pub(crate) dport: u16,
}

impl Tuple {
    /// That of a packet; `None` if it has none.
    pub(crate) fn of(ip: &Ipv4<'_>, payload: &[u8]) -> Option<Tuple> {
        let (sport, dport) = match ip.proto() {
            PROTO_TCP | PROTO_UDP => {
                let word = |at: usize| Some(u16::from_be_bytes([*payload.get(at)?, *payload.get(at + 1)?]));
                (word(0)?, word(2)?)
            }
            PROTO_ICMP if payload.len() >= ICMP_LEN => {
                let id = u16::from_be_bytes([payload[4], payload[5]]);
                (id, u16::from_be_bytes([payload[0], payload[1]]))
            }
            PROTO_ICMP => return None,
            _ => (0, 0),
        };
        Some(Tuple { src: ip.src(), dst: ip.dst(), proto: ip.proto(), sport, dport })
    }

    /// That of an answer (`nf_ct_invert_tuple`); ICMP has one for queries only.
    pub(crate) fn inverted(&self) -> Option<Tuple> {
        let (sport, dport) = match self.proto {
            PROTO_ICMP => {
                let [kind, code] = self.dport.to_be_bytes();
                let answer = match kind {
                    0 => 8,
                    8 => 0,
                    13 => 14,
                    14 => 13,
                    15 => 16,
                    16 => 15,
                    17 => 18,
                    18 => 17,
                    _ => return None,
                };
                (self.sport, u16::from_be_bytes([answer, code]))
            }
            _ => (self.dport, self.sport),
        };
        Some(Tuple { src: self.dst, dst: self.src, proto: self.proto, sport, dport })
    }

    fn to_model(self) -> nettwin_model::rules::conntrack::Tuple {
        let Tuple { src, dst, proto, sport, dport } = self;
        nettwin_model::rules::conntrack::Tuple { src: src.into(), dst: dst.into(), proto, sport, dport }
    }
}

/// A connection (`struct nf_conn`).
pub(super) struct Conn {
    pub(super) original: Tuple,
    pub(super) reply: Tuple,
    pub(super) seen_reply: bool,
    pub(super) assured: bool,
    confirmed: bool,
    pub(super) snat: bool,
    pub(super) dnat: bool,
    src_bound: bool,
    dst_bound: bool,
    pub(super) mark: u32,
    expires: Instant,
    /// When a flow of datagrams counts as one.
    stream_from: Instant,
    pub(super) tcp: tcp::Tcp,
    /// The device whose address it was given.
    pub(super) masquerades: Ifindex,
}

/// A namespace's connections.
#[derive(Default)]
pub(crate) struct Conntrack {
    conns: HashMap<u32, Conn, FxBuildHasher>,
    tuples: HashMap<Tuple, (u32, Dir), FxBuildHasher>,
    last: u32,
    /// Those that are not entered yet, or no more, since this instant.
    loose: Vec<u32>,
    loose_since: Instant,
    /// How many connections there may be before the old ones are looked for.
    sweep_at: usize,
    pub(super) rng: Option<Rng>,
}

/// What a protocol says of a packet of a connection.
pub(super) enum Seen {
    /// It is one, for so long.
    For(Duration),
    /// It is one, and changes nothing.
    Same,
    /// It is none.
    Invalid,
    /// The connection is over; the packet begins another.
    Again,
    /// The connection is over with it.
    Last,
}

const ICMP_TIMEOUT: Duration = Duration::from_secs(30);
const UDP_TIMEOUT: Duration = Duration::from_secs(30);
const UDP_STREAM_TIMEOUT: Duration = Duration::from_secs(120);
const GENERIC_TIMEOUT: Duration = Duration::from_secs(600);

impl Conntrack {
    /// Finds the packet's connection, or begins one (`nf_conntrack_in`).
    pub(super) fn track(&mut self, w: &World, pkt: &mut Pkt, hook: Hook) {
        // Seen before on lo, or about another packet.
        if pkt.track.info != Info::Unseen {
            return;
        }
        self.let_go_of_loose(w.now);
        pkt.track = self.find(w.now, &w.frames.bytes(pkt.frame)[L2_LEN..], hook);
    }

    fn find(&mut self, now: Instant, packet: &[u8], hook: Hook) -> Track {
        let invalid = Track { conn: None, info: Info::Invalid };
        let Some(ip) = Ipv4::unsummed(packet) else { return invalid };
        let Some(payload) = packet.get(ip.header_len()..) else { return invalid };
        if hook == Hook::Prerouting && !is_intact(&ip, payload) {
            return invalid;
        }
        if ip.proto() == PROTO_ICMP
            && let Some(icmp) = Icmp::new(payload)
            && icmp.is_error()
        {
            return self.related(now, &icmp).unwrap_or(invalid);
        }
        if ip.proto() == PROTO_TCP && !Tcp::new(payload).is_some_and(|t| tcp::has_valid_flags(t.flags())) {
            return invalid;
        }
        let Some(tuple) = Tuple::of(&ip, payload) else { return invalid };
        // A connection that is over may have to be begun again, once.
        for _ in 0..2 {
            let known = self.lookup(now, &tuple);
            let (id, dir) = match known {
                Some(known) => known,
                None => match self.begin(now, tuple, payload) {
                    Some(id) => (id, Dir::Original),
                    None => return invalid,
                },
            };
            match self.packet(now, id, dir, payload) {
                Seen::For(time) => self.refresh(id, now + time),
                Seen::Same => {}
                Seen::Invalid => return invalid,
                Seen::Last => self.remove(id, now),
                Seen::Again => {
                    self.remove(id, now);
                    continue;
                }
            }
            let Some(conn) = self.conns.get_mut(&id) else { return invalid };
            let info = match dir {
                Dir::Reply => Info::Established(dir),
                Dir::Original if conn.seen_reply => Info::Established(dir),
                Dir::Original => Info::New,
            };
            conn.seen_reply |= dir == Dir::Reply;
            return Track { conn: Some(id), info };
        }
        invalid
    }

    /// An ICMP error is about the connection of the packet that it quotes (`nf_conntrack_inet_error`).
    fn related(&mut self, now: Instant, icmp: &Icmp<'_>) -> Option<Track> {
        let quoted = icmp.payload();
        let inner = Ipv4::unsummed(quoted)?;
        let tuple = Tuple::of(&inner, quoted.get(inner.header_len()..)?)?.inverted()?;
        let (id, dir) = self.lookup(now, &tuple)?;
        Some(Track { conn: Some(id), info: Info::Related(dir) })
    }

    pub(super) fn lookup(&mut self, now: Instant, tuple: &Tuple) -> Option<(u32, Dir)> {
        let (id, dir) = *self.tuples.get(tuple)?;
        if self.conns.get(&id).is_none_or(|conn| conn.expires <= now) {
            self.remove(id, now);
            return None;
        }
        Some((id, dir))
    }

    /// `init_conntrack()`.
    fn begin(&mut self, now: Instant, original: Tuple, payload: &[u8]) -> Option<u32> {
        let reply = original.inverted()?;
        if original.proto == PROTO_ICMP && !matches!(original.dport >> 8, 8 | 13 | 15 | 17) {
            return None;
        }
        if original.proto == PROTO_TCP && !tcp::may_begin(Tcp::new(payload)?.flags()) {
            return None;
        }
        self.last = self.last.wrapping_add(1);
        let conn = Conn {
            original,
            reply,
            seen_reply: false,
            assured: false,
            confirmed: false,
            snat: false,
            dnat: false,
            src_bound: false,
            dst_bound: false,
            mark: 0,
            expires: now,
            stream_from: now + Duration::from_secs(2),
            tcp: tcp::Tcp::default(),
            masquerades: Ifindex::NONE,
        };
        self.conns.insert(self.last, conn);
        self.loose.push(self.last);
        Some(self.last)
    }

    /// What the protocol makes of it.
    fn packet(&mut self, now: Instant, id: u32, dir: Dir, payload: &[u8]) -> Seen {
        let Some(conn) = self.conns.get_mut(&id) else { return Seen::Invalid };
        match conn.original.proto {
            PROTO_ICMP => Seen::For(ICMP_TIMEOUT),
            PROTO_UDP if conn.seen_reply && now > conn.stream_from => {
                conn.assured = true;
                Seen::For(UDP_STREAM_TIMEOUT)
            }
            PROTO_UDP => Seen::For(UDP_TIMEOUT),
            PROTO_TCP => match Tcp::new(payload) {
                Some(segment) => tcp::packet(conn, dir, segment.flags()),
                None => Seen::Invalid,
            },
            _ => Seen::For(GENERIC_TIMEOUT),
        }
    }

    fn refresh(&mut self, id: u32, expires: Instant) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.expires = expires;
        }
    }

    /// Takes it out of the table. What its last packet needs of it stays until this instant is over.
    fn remove(&mut self, id: u32, now: Instant) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.confirmed = false;
        for tuple in [conn.original, conn.reply] {
            if self.tuples.get(&tuple).is_some_and(|(of, _)| *of == id) {
                self.tuples.remove(&tuple);
            }
        }
        self.let_go_of_loose(now);
        self.loose.push(id);
    }

    /// Those that were not entered in an instant that is over never will be.
    fn let_go_of_loose(&mut self, now: Instant) {
        if self.loose_since == now {
            return;
        }
        self.loose_since = now;
        for id in std::mem::take(&mut self.loose) {
            if self.conns.get(&id).is_some_and(|conn| !conn.confirmed) {
                self.conns.remove(&id);
            }
        }
    }

    /// A new connection's first packet got through (`__nf_conntrack_confirm`).
    pub(super) fn confirm(&mut self, now: Instant, track: Track) -> Outcome {
        let Some(id) = track.conn else { return Outcome::Accept };
        let Some(conn) = self.conns.get(&id) else { return Outcome::Accept };
        if conn.confirmed || track.info != Info::New || conn.expires <= now {
            return Outcome::Accept;
        }
        let (original, reply) = (conn.original, conn.reply);
        if self.lookup(now, &original).is_some() || self.lookup(now, &reply).is_some() {
            return Outcome::Drop; // another was faster
        }
        self.tuples.insert(original, (id, Dir::Original));
        self.tuples.insert(reply, (id, Dir::Reply));
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.confirmed = true;
        }
        self.sweep(now);
        Outcome::Accept
    }

    /// Forgets the old ones once there are twice as many as after the last time (`gc_worker`).
    fn sweep(&mut self, now: Instant) {
        const FEW: usize = 1024;
        if self.conns.len() < self.sweep_at.max(FEW) {
            return;
        }
        // The order of removing cannot be seen.
        let old: Vec<u32> =
            self.conns.iter().filter(|(_, c)| c.confirmed && c.expires <= now).map(|(id, _)| *id).collect();
        for id in old {
            self.remove(id, now);
            self.conns.remove(&id);
        }
        self.sweep_at = self.conns.len() * 2;
    }

    pub(super) fn forget_masqueraded(&mut self, dev: Ifindex, addr: Option<Ipv4Addr>) {
        let is_lost = |c: &Conn| c.masquerades == dev && addr.is_none_or(|addr| c.reply.dst == addr);
        let lost: Vec<u32> = self.conns.iter().filter(|(_, c)| is_lost(c)).map(|(id, _)| *id).collect();
        for id in lost {
            let since = self.loose_since;
            self.remove(id, since);
        }
    }

    /// Whether the half is translated, or will not be (`nf_nat_initialized`).
    pub(super) fn is_bound(&self, id: u32, manip: Manip) -> bool {
        self.conns.get(&id).is_none_or(|conn| match manip {
            Manip::Src => conn.src_bound,
            Manip::Dst => conn.dst_bound,
        })
    }

    /// Binds a half: answers come as `reply` says.
    pub(super) fn bind(&mut self, id: u32, manip: Manip, reply: Tuple) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let is_other = conn.reply != reply;
        conn.reply = reply;
        match manip {
            Manip::Src => (conn.src_bound, conn.snat) = (true, conn.snat | is_other),
            Manip::Dst => (conn.dst_bound, conn.dnat) = (true, conn.dnat | is_other),
        }
    }

    /// What a packet of that direction is to become, if anything (`nf_nat_packet`).
    pub(super) fn target(&self, id: u32, dir: Dir, manip: Manip) -> Option<Tuple> {
        let conn = self.conns.get(&id)?;
        let is_src = (manip == Manip::Src) == (dir == Dir::Original);
        let translated = if is_src { conn.snat } else { conn.dnat };
        if !translated {
            return None;
        }
        let other = if dir == Dir::Original { conn.reply } else { conn.original };
        other.inverted()
    }

    /// What a packet that is quoted to somebody in that direction is to look like: as packets of the other do.
    pub(super) fn quoted(&self, id: u32, dir: Dir) -> Option<Tuple> {
        let conn = self.conns.get(&id)?;
        Some(if dir == Dir::Original { conn.reply } else { conn.original })
    }

    pub(super) fn conn(&self, track: Track) -> Option<&Conn> {
        self.conns.get(&track.conn?)
    }

    pub(super) fn conn_mut(&mut self, track: Track) -> Option<&mut Conn> {
        self.conns.get_mut(&track.conn?)
    }

    /// What answers to a connection's packets look like.
    pub(super) fn reply_of(&self, id: u32) -> Option<Tuple> {
        self.conns.get(&id).map(|conn| conn.reply)
    }

    /// Whether a connection other than this has that direction.
    pub(super) fn is_taken(&mut self, now: Instant, tuple: &Tuple, own: u32) -> bool {
        self.lookup(now, tuple).is_some_and(|(id, _)| id != own)
    }

    /// In canonical order.
    pub(super) fn list(&self, now: Instant) -> Vec<Connection> {
        let entered = self.conns.values().filter(|conn| conn.confirmed && conn.expires > now);
        let mut list: Vec<Connection> = entered
            .map(|conn| Connection {
                original: conn.original.to_model(),
                reply: conn.reply.to_model(),
                timeout_s: u32::try_from(conn.expires.since(now).as_secs()).unwrap_or(u32::MAX),
                tcp_state: (conn.original.proto == PROTO_TCP).then(|| TCP_STATES[conn.tcp.state as usize].to_owned()),
                seen_reply: conn.seen_reply,
                assured: conn.assured,
                mark: conn.mark,
            })
            .collect();
        list.sort();
        list
    }

    /// A packet's state in words.
    pub(super) fn tell(&self, track: Track) -> String {
        let state = match track.info {
            Info::Unseen => "not tracked yet",
            Info::Untracked => "not tracked",
            Info::Invalid => "belongs to no connection",
            Info::New => "begins a connection",
            Info::Established(Dir::Original) => "goes on with a connection",
            Info::Established(Dir::Reply) => "answers a connection",
            Info::Related(_) => "is an error about a connection",
        };
        match self.conn(track) {
            None => state.to_owned(),
            Some(conn) => format!("{state} of {} with {}", conn.original.src, conn.original.dst),
        }
    }
}

/// Checksums, as far as there are any (`nf_conntrack_checksum`).
fn is_intact(ip: &Ipv4<'_>, payload: &[u8]) -> bool {
    match ip.proto() {
        PROTO_ICMP => checksum(payload) == 0,
        PROTO_UDP => {
            let Some(udp) = Udp::quoted(payload) else { return false };
            let datagram = payload.get(..udp.len()).unwrap_or(payload);
            udp.checksum() == 0 || transport_checksum(ip.src(), ip.dst(), PROTO_UDP, datagram) == 0
        }
        PROTO_TCP => Tcp::new(payload).is_some() && transport_checksum(ip.src(), ip.dst(), PROTO_TCP, payload) == 0,
        _ => true,
    }
}
