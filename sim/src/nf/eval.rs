//! Rules, carried out: statement by statement.
//!
//! Kernel counterpart: `nft_do_chain()`, `nft_meta_get_eval()`, `nft_payload_eval()`, `nft_ct_get_eval()`, `nft_limit.c`. A
//! value that a packet does not have ends the rule, whatever it would be compared with.

use super::conntrack::{Dir, Track};
use super::hooks::ChainAt;
use super::{Nf, nat};
use crate::frame::L2_LEN;
use crate::netns::{Ifindex, Netns};
use crate::path::{Cast, Pkt};
use crate::world::World;
use nettwin_model::rules::{
    Cmp, Elem, Hook, Key, Level4, Limit, Log, Match, Nat, ObjectKind, Operand, RejectWith, SetType, Span, Stateful,
    Stmt, Style, Table, Verdict, print_rule,
};
use nettwin_model::wire::{Ipv4, PROTO_ICMP, PROTO_TCP, PROTO_UDP};
use nettwin_model::{Instant, RouteKind};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

/// A packet at a hook, as rules see it.
pub(super) struct At<'a> {
    ns: &'a Netns,
    pub(super) now: Instant,
    hook: Hook,
    iif: Ifindex,
    oif: Ifindex,
    /// The frame, Ethernet header included.
    bytes: &'a [u8],
    /// What was decided, in words, while somebody listens.
    pub(super) trail: Vec<String>,
    tells: bool,
    /// The MSS that a SYN is to offer at most.
    pub(super) mss: Option<u16>,
}

impl<'a> At<'a> {
    /// The packet's length, without its Ethernet header.
    pub(super) fn len(&self) -> u64 {
        // A frame is far shorter than 2^64.
        self.bytes.len().saturating_sub(L2_LEN) as u64
    }

    pub(super) fn new(ns: &'a Netns, w: &'a World, pkt: &Pkt, hook: Hook, iif: Ifindex, oif: Ifindex) -> Self {
        let bytes = w.frames.bytes(pkt.frame);
        At { ns, now: w.now, hook, iif, oif, bytes, trail: Vec::new(), tells: w.trace.is_on(), mss: None }
    }
}

/// How a chain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Accept,
    Drop,
    Reject(RejectWith),
    /// At its end, or by `return`.
    Return,
}

/// What a rule's limit has left, by table, rule and place in it.
pub(super) type Limits = BTreeMap<(u64, u64, usize), Bucket>;

/// A token bucket that is filled by time (`struct nft_limit_priv`).
pub(super) struct Bucket {
    tokens_ns: u64,
    last: Instant,
}

/// What comes after a statement.
enum Then {
    /// The next statement.
    On,
    /// The next rule.
    NextRule,
    /// The end of the chain, for all that called it or for it alone.
    End(End),
    Jump(String),
    Goto(String),
}

impl Nf {
    /// A chain, and what it jumps to (`nft_do_chain`).
    pub(super) fn eval(&mut self, at: &mut At<'_>, pkt: &mut Pkt, chain: ChainAt, depth: usize) -> End {
        /// `NFT_JUMP_STACK_SIZE`: deeper rulesets are not accepted.
        const MAX_DEPTH: usize = 16;
        if depth > MAX_DEPTH {
            return End::Drop;
        }
        let rules = |nf: &Nf| nf.rules.tables[chain.table].chains[chain.chain].rules.len();
        for rule in 0..rules(self) {
            match self.rule(at, pkt, chain, rule) {
                Then::On | Then::NextRule => {}
                Then::End(end) => return end,
                Then::Jump(name) => match self.called(chain, &name).map(|c| self.eval(at, pkt, c, depth + 1)) {
                    None | Some(End::Return) => {}
                    Some(end) => return end,
                },
                Then::Goto(name) => {
                    return self.called(chain, &name).map_or(End::Return, |c| self.eval(at, pkt, c, depth + 1));
                }
            }
        }
        End::Return
    }

    fn called(&self, from: ChainAt, name: &str) -> Option<ChainAt> {
        let chain = self.rules.tables[from.table].chains.iter().position(|c| c.name == name)?;
        Some(ChainAt { table: from.table, chain })
    }

    fn rule(&mut self, at: &mut At<'_>, pkt: &mut Pkt, chain: ChainAt, rule: usize) -> Then {
        for i in 0.. {
            let table = &self.rules.tables[chain.table];
            let found = &table.chains[chain.chain].rules[rule];
            let Some(stmt) = found.stmts.get(i) else { break };
            let then = match stmt {
                Stmt::Match(m) => match self.holds(at, pkt, table, m) {
                    true => Then::On,
                    false => Then::NextRule,
                },
                Stmt::Limit(limit) => {
                    let (limit, key) = (*limit, (table.handle, found.handle, i));
                    if self.limits.entry(key).or_insert_with(|| Bucket::full(&limit, at.now)).allows(
                        &limit,
                        at.now,
                        at.len(),
                    ) {
                        Then::On
                    } else {
                        Then::NextRule
                    }
                }
                Stmt::Vmap { key, map } => match self.mapped(at, pkt, table, *key, map) {
                    Some(verdict) => then(&verdict),
                    None => Then::NextRule,
                },
                Stmt::Tuple { keys, not, to } => match self.found(at, pkt, table, keys, to) {
                    Some(found) if found.is_some() != *not => Then::On,
                    _ => Then::NextRule,
                },
                Stmt::TupleVmap { keys, map } => {
                    let verdict = self.found(at, pkt, table, keys, map).flatten().and_then(|e| e.verdict.as_ref());
                    verdict.map_or(Then::NextRule, then)
                }
                Stmt::MarkBy { keys, map } => {
                    match self.found(at, pkt, table, keys, map).flatten().and_then(|e| e.data) {
                        Some(data) => {
                            // Marks have 32 bits.
                            pkt.mark = data.lo as u32;
                            Then::On
                        }
                        None => Then::NextRule,
                    }
                }
                Stmt::NatBy { nat, keys, map } => {
                    let data = self.found(at, pkt, table, keys, map).flatten().and_then(|e| e.data);
                    match data.map(|data| translation(nat, data)) {
                        Some(nat) => self.bind(at, pkt, &nat),
                        None => Then::NextRule,
                    }
                }
                Stmt::Dynset(what) => {
                    let what = what.clone();
                    if self.change_set(at, pkt, chain.table, &what) { Then::On } else { Then::NextRule }
                }
                Stmt::Verdict(verdict) => then(verdict),
                // What is no TCP cannot be reset; the rule is not about it.
                Stmt::Reject(RejectWith::TcpReset) if self.value(at, pkt, Key::L4proto) != Some(PROTO_TCP.into()) => {
                    Then::NextRule
                }
                Stmt::Reject(with) => Then::End(End::Reject(*with)),
                Stmt::Log(log) => {
                    if at.tells {
                        at.trail.push(logged(log));
                    }
                    Then::On
                }
                Stmt::SetMark { and, xor } => {
                    pkt.mark = pkt.mark & and ^ xor;
                    Then::On
                }
                Stmt::Notrack => {
                    if pkt.track == Track::default() {
                        pkt.track = Track::untracked();
                    }
                    Then::On
                }
                Stmt::TcpMss(to) => {
                    at.mss = Some(to.unwrap_or_else(|| path_mss(at, pkt)));
                    Then::On
                }
                Stmt::SetCtMark { and, xor } => {
                    let (and, xor) = (*and, *xor);
                    self.with_conn(pkt, |conn, _| *conn = *conn & and ^ xor)
                }
                Stmt::SaveMark => self.with_conn(pkt, |conn, packet| *conn = *packet),
                Stmt::RestoreMark => self.with_conn(pkt, |conn, packet| *packet = *conn),
                Stmt::Nat(nat) => {
                    let nat = *nat;
                    self.bind(at, pkt, &nat)
                }
                Stmt::Quota(_) => {
                    let length = at.len();
                    let stmts = &mut self.rules.tables[chain.table].chains[chain.chain].rules[rule].stmts;
                    let Some(Stmt::Quota(quota)) = stmts.get_mut(i) else { return Then::NextRule };
                    if quota.takes(length) { Then::On } else { Then::NextRule }
                }
                Stmt::Object { kind, name } => {
                    let (kind, name) = (*kind, name.clone());
                    self.shared(at, chain.table, kind, &name)
                }
                Stmt::Counter { .. } => {
                    let length = at.bytes.len().saturating_sub(L2_LEN) as u64;
                    let stmts = &mut self.rules.tables[chain.table].chains[chain.chain].rules[rule].stmts;
                    if let Some(Stmt::Counter { packets, bytes }) = stmts.get_mut(i) {
                        (*packets, *bytes) = (packets.wrapping_add(1), bytes.wrapping_add(length));
                    }
                    Then::On
                }
            };
            match then {
                Then::On => {}
                other => {
                    if at.tells && !matches!(other, Then::NextRule) {
                        let rule = &self.rules.tables[chain.table].chains[chain.chain].rules[rule];
                        let text = print_rule(rule, Style { stateless: true, ..Style::default() });
                        at.trail.push(format!("{}: {text}", self.name(chain)));
                    }
                    return other;
                }
            }
        }
        Then::NextRule
    }

    /// What an object that rules share makes of a packet.
    fn shared(&mut self, at: &At<'_>, table: usize, kind: ObjectKind, name: &str) -> Then {
        let table = &mut self.rules.tables[table];
        let of_table = table.handle;
        let Some(object) = table.object_mut(name, kind) else { return Then::NextRule };
        let goes_on = match &mut object.what {
            Stateful::Counter { packets, bytes } => {
                (*packets, *bytes) = (packets.wrapping_add(1), bytes.wrapping_add(at.len()));
                true
            }
            Stateful::Quota(quota) => quota.takes(at.len()),
            Stateful::Limit(limit) => {
                // No statement of a rule has that place.
                let key = (of_table, object.handle, usize::MAX);
                let bucket = self.limits.entry(key).or_insert_with(|| Bucket::full(limit, at.now));
                bucket.allows(limit, at.now, at.len())
            }
        };
        if goes_on { Then::On } else { Then::NextRule }
    }

    /// Something about the marks of connection and packet.
    fn with_conn(&mut self, pkt: &mut Pkt, change: impl FnOnce(&mut u32, &mut u32)) -> Then {
        match self.conntrack.conn_mut(pkt.track) {
            Some(conn) => {
                change(&mut conn.mark, &mut pkt.mark);
                Then::On
            }
            None => Then::NextRule,
        }
    }

    fn bind(&mut self, at: &At<'_>, pkt: &Pkt, what: &Nat) -> Then {
        let Some(id) = pkt.track.conn else { return Then::NextRule };
        let bound = nat::bind(&mut self.conntrack, at.ns, at.now, id, what, at.hook, at.iif, at.oif);
        Then::End(if bound { End::Accept } else { End::Drop })
    }

    fn holds(&self, at: &At<'_>, pkt: &Pkt, table: &Table, m: &Match) -> bool {
        if matches!(m.key, Key::Iifname | Key::Oifname) {
            let name = at.name(m.key);
            let found = match &m.to {
                Operand::Names(names) => names.iter().any(|pattern| is_named(name, pattern)),
                Operand::Set(set) => table.set(set).is_some_and(|set| find_name(&set.elems, name).is_some()),
                _ => false,
            };
            return found == (m.cmp != Cmp::Ne);
        }
        let Some(value) = self.value(at, pkt, m.key) else { return false };
        let value = m.mask.map_or(value, |mask| value & u128::from(mask));
        match (&m.to, m.cmp) {
            (Operand::Spans(spans), Cmp::Eq) => spans.iter().any(|span| span.has(value)),
            (Operand::Spans(spans), Cmp::Ne) => !spans.iter().any(|span| span.has(value)),
            (Operand::Spans(spans), cmp) => spans.first().is_some_and(|span| compare(value, cmp, span.lo)),
            (Operand::Bits(bits), cmp) => (value & u128::from(*bits) != 0) == (cmp != Cmp::Ne),
            (Operand::Set(set), cmp) => {
                let has = table.set(set).is_some_and(|set| find(&set.elems, value).is_some());
                has == (cmp != Cmp::Ne)
            }
            (Operand::Range(span), cmp) => span.has(value) == (cmp != Cmp::Ne),
            (Operand::Map(elems), cmp) => find(elems, value).is_some() == (cmp != Cmp::Ne),
            (Operand::Names(_), _) => false,
        }
    }

    fn mapped(&self, at: &At<'_>, pkt: &Pkt, table: &Table, key: Key, map: &Operand) -> Option<Verdict> {
        let elems = match map {
            Operand::Map(elems) => elems,
            Operand::Set(name) => &table.set(name)?.elems,
            _ => return None,
        };
        let elem = match key {
            Key::Iifname | Key::Oifname => find_name(elems, at.name(key)),
            _ => find(elems, self.value(at, pkt, key)?),
        };
        elem?.verdict.clone()
    }

    /// The element for what a packet has there, if it has all of it.
    fn found<'a>(
        &'a self,
        at: &At<'_>,
        pkt: &Pkt,
        table: &'a Table,
        keys: &[Key],
        map: &'a Operand,
    ) -> Option<Option<&'a Elem>> {
        let elems = match map {
            Operand::Map(elems) => elems,
            Operand::Set(name) => &table.set(name)?.elems,
            Operand::Spans(_) | Operand::Range(_) | Operand::Bits(_) | Operand::Names(_) => return None,
        };
        let values = self.values(at, pkt, keys)?;
        let is = |value: &Result<u128, &str>, name: &Option<String>, span: &Span| match (value, name) {
            (Ok(value), None) => span.has(*value),
            (Err(is), Some(pattern)) => is_named(is, pattern),
            _ => false,
        };
        Some(elems.iter().find(|elem| {
            let parts = elem.more.iter().map(|part| (&part.name, &part.span));
            let parts = std::iter::once((&elem.name, &elem.span)).chain(parts);
            elem.more.len() + 1 == values.len() && values.iter().zip(parts).all(|(v, (name, span))| is(v, name, span))
        }))
    }

    /// What a packet has there, names of devices as such, if it has all of it.
    pub(super) fn values<'a>(&self, at: &'a At<'_>, pkt: &Pkt, keys: &[Key]) -> Option<Vec<Result<u128, &'a str>>> {
        let each = keys.iter().map(|key| match key {
            Key::Iifname | Key::Oifname => Some(Err(at.name(*key))),
            _ => self.value(at, pkt, *key).map(Ok),
        });
        each.collect()
    }

    /// What a packet has there, if it has anything.
    fn value(&self, at: &At<'_>, pkt: &Pkt, key: Key) -> Option<u128> {
        let word = |v: u32| Some(u128::from(v));
        match key {
            Key::Nfproto => return word(2),
            Key::Iif => return word(at.iif.0),
            Key::Oif => return word(at.oif.0),
            Key::Length => return Some((at.bytes.len() - L2_LEN) as u128),
            Key::Protocol if at.is_ipv4() => return word(0x0800),
            Key::Protocol => return big(&at.bytes[12..14]),
            Key::Mark => return word(pkt.mark),
            Key::PktType => {
                return word(match pkt.cast {
                    Cast::Host => 0,
                    Cast::Broadcast => 1,
                    Cast::Multicast => 2,
                    Cast::Other => 3,
                });
            }
            Key::CtState => return word(pkt.track.info.bit()),
            Key::CtMark => return word(self.conntrack.conn(pkt.track)?.mark),
            Key::CtDirection => {
                self.conntrack.conn(pkt.track)?;
                return word(u32::from(pkt.track.info.dir() == Dir::Reply));
            }
            Key::CtStatus => {
                let conn = self.conntrack.conn(pkt.track)?;
                let bits = [(1, conn.seen_reply), (2, conn.assured), (4, conn.snat), (5, conn.dnat)];
                return word(bits.iter().filter(|b| b.1).map(|b| 1 << b.0).sum());
            }
            // What is made here has no Ethernet header yet.
            Key::EtherSaddr if at.iif != Ifindex::NONE => return mac(&at.bytes[6..12]),
            Key::EtherDaddr if at.iif != Ifindex::NONE => return mac(&at.bytes[..6]),
            Key::EtherType if at.iif != Ifindex::NONE => return big(&at.bytes[12..14]),
            Key::EtherSaddr | Key::EtherDaddr | Key::EtherType => return None,
            _ => {}
        }
        let packet = &at.bytes[L2_LEN..];
        let ip = Ipv4::unsummed(packet).filter(|_| at.is_ipv4())?;
        let payload = packet.get(ip.header_len()..)?;
        let first = ip.frag_offset() == 0;
        let at_level4 = |proto: Option<u8>, from: usize, len: usize| {
            let fits = first && proto.is_none_or(|p| p == ip.proto());
            payload.get(from..from + len).filter(|_| fits).and_then(big)
        };
        let proto = |level| match level {
            Level4::Any => None,
            Level4::Tcp => Some(PROTO_TCP),
            Level4::Udp => Some(PROTO_UDP),
        };
        match key {
            Key::L4proto | Key::IpProtocol => word(ip.proto().into()),
            Key::IpSaddr => word(ip.src().to_bits()),
            Key::IpDaddr => word(ip.dst().to_bits()),
            Key::IpTtl => word(ip.ttl().into()),
            Key::IpDscp => word((ip.tos() >> 2).into()),
            Key::IpLength => big(&packet[2..4]),
            Key::IpFragOff => big(&packet[6..8]),
            Key::IpId => big(&packet[4..6]),
            Key::UdpLength => at_level4(Some(PROTO_UDP), 4, 2),
            Key::Sport(level) => at_level4(proto(level), 0, 2),
            Key::Dport(level) => at_level4(proto(level), 2, 2),
            Key::TcpFlags => at_level4(Some(PROTO_TCP), 13, 1),
            Key::IcmpType => at_level4(Some(PROTO_ICMP), 0, 1),
            Key::IcmpCode => at_level4(Some(PROTO_ICMP), 1, 1),
            Key::SaddrType => word(kind_of_address(at.ns, ip.src())),
            Key::DaddrType => word(kind_of_address(at.ns, ip.dst())),
            _ => None,
        }
    }
}

impl At<'_> {
    fn name(&self, key: Key) -> &str {
        let dev = if key == Key::Iifname { self.iif } else { self.oif };
        self.ns.dev(dev).map_or("", |dev| dev.name.as_str())
    }

    fn is_ipv4(&self) -> bool {
        // The header of what is made here is still zero.
        let ethertype = &self.bytes[12..14];
        ethertype == [8, 0] || ethertype == [0, 0]
    }
}

fn then(verdict: &Verdict) -> Then {
    match verdict {
        Verdict::Accept => Then::End(End::Accept),
        Verdict::Drop => Then::End(End::Drop),
        Verdict::Return => Then::End(End::Return),
        Verdict::Continue => Then::On,
        Verdict::Jump(chain) => Then::Jump(chain.clone()),
        Verdict::Goto(chain) => Then::Goto(chain.clone()),
    }
}

fn compare(value: u128, cmp: Cmp, with: u128) -> bool {
    match cmp {
        Cmp::Eq => value == with,
        Cmp::Ne => value != with,
        Cmp::Lt => value < with,
        Cmp::Gt => value > with,
        Cmp::Le => value <= with,
        Cmp::Ge => value >= with,
    }
}

fn is_named(name: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(name == pattern, |start| name.starts_with(start))
}

fn find_name<'a>(elems: &'a [Elem], name: &str) -> Option<&'a Elem> {
    elems.iter().find(|e| e.name.as_ref().is_some_and(|pattern| is_named(name, pattern)))
}

fn find(elems: &[Elem], value: u128) -> Option<&Elem> {
    elems.iter().find(|e| e.name.is_none() && Span::has(&e.span, value))
}

fn big(bytes: &[u8]) -> Option<u128> {
    Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
}

fn mac(bytes: &[u8]) -> Option<u128> {
    big(bytes)
}

/// `RTN_*` of an address (`inet_dev_addr_type`).
fn kind_of_address(ns: &Netns, addr: std::net::Ipv4Addr) -> u32 {
    match ns.l3.fib.addr_type(addr) {
        RouteKind::Unicast => 1,
        RouteKind::Local => 2,
        RouteKind::Broadcast => 3,
        RouteKind::Multicast => 5,
        RouteKind::Blackhole => 6,
        RouteKind::Unreachable => 7,
        RouteKind::Prohibit => 8,
        _ => 0,
    }
}

/// The MSS that the way takes: IP's and TCP's headers less.
fn path_mss(at: &At<'_>, pkt: &Pkt) -> u16 {
    let mtu = |dev| at.ns.dev(dev).map_or(u32::MAX, |dev| dev.mtu);
    let path = if pkt.mtu == 0 { u32::MAX } else { pkt.mtu };
    u16::try_from(path.min(mtu(at.oif)).min(mtu(at.iif)).saturating_sub(40)).unwrap_or(u16::MAX)
}

/// A translation to what a map gave.
fn translation(nat: &Nat, data: Span) -> Nat {
    if nat.data == Some(SetType::InetService) {
        // Ports have 16 bits.
        return Nat { ports: Some((data.lo as u16, data.hi as u16)), ..*nat };
    }
    let addr = |value: u128| IpAddr::V4(Ipv4Addr::from_bits(value as u32));
    Nat { addrs: Some((addr(data.lo), addr(data.hi))), ..*nat }
}

fn logged(log: &Log) -> String {
    format!("logs {:?}", log.prefix.as_deref().unwrap_or_default())
}

impl Bucket {
    pub(super) fn full(limit: &Limit, now: Instant) -> Self {
        Bucket { tokens_ns: max_tokens(limit), last: now }
    }

    /// `nft_limit_eval()`: whether a packet goes on with the rule.
    pub(super) fn allows(&mut self, limit: &Limit, now: Instant, len: u64) -> bool {
        let passed = now.as_nanos().saturating_sub(self.last.as_nanos());
        self.last = now;
        let tokens = self.tokens_ns.saturating_add(passed).min(max_tokens(limit));
        let size = if limit.bytes { len } else { 1 };
        let cost = limit.window_ns().saturating_mul(size) / limit.rate.max(1);
        let within = tokens >= cost;
        self.tokens_ns = if within { tokens - cost } else { tokens };
        within != limit.over
    }
}

fn max_tokens(limit: &Limit) -> u64 {
    // One that holds more was not taken.
    limit.bucket_ns().unwrap_or(0)
}
