//! Routing tables: what is in them, and the lookup.
//!
//! Kernel counterpart: `net/ipv4/fib_trie.c`. How a table's prefixes lie in memory is in [`leaves`]. As in the kernel, while the
//! three default rules stand, the tables local and main are searched as one: the longer prefix wins, the local table
//! among equals; [`crate::rules`] asks them one by one.

mod leaves;
pub(crate) mod lpm;

use crate::few::Few;
use crate::netns::Ifindex;
use leaves::Leaves;
use nettwin_model::metrics::LOCK_MTU;
use nettwin_model::route::{TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN};
use nettwin_model::{Errno, Metrics, RouteKind, RouteVerb, Scope};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// One way to go (`struct fib_nh`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    /// The gateway.
    pub(crate) via: Option<Ipv4Addr>,
    /// The device; [`Ifindex::NONE`] for routes that go nowhere.
    pub(crate) dev: Ifindex,
    /// 1 to 256.
    pub(crate) weight: u16,
    /// The gateway is believed to be on the link.
    pub(crate) onlink: bool,
    /// How near the gateway is: link for a true gateway, host for an own address or none (`fib_nh_scope`).
    pub(crate) scope: Scope,
    /// Its device is down (`RTNH_F_DEAD`).
    pub(crate) dead: bool,
    /// Its device has no carrier (`RTNH_F_LINKDOWN`).
    pub(crate) linkdown: bool,
    /// It has no share among several (`fib_nh_upper_bound` of -1).
    pub(crate) benched: bool,
}

impl Hop {
    fn is_same_way(&self, other: &Hop) -> bool {
        (self.via, self.dev, self.weight, self.onlink, self.scope)
            == (other.via, other.dev, other.weight, other.onlink, other.scope)
    }
}

/// A route without its prefix (`struct fib_alias` with its `fib_info`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alias {
    /// What becomes of packets.
    pub(crate) kind: RouteKind,
    /// Type of service, 0 for any.
    pub(crate) tos: u8,
    /// Lower wins.
    pub(crate) metric: u32,
    /// How far the destination is.
    pub(crate) scope: Scope,
    /// Who made it.
    pub(crate) proto: u8,
    /// The preferred source.
    pub(crate) prefsrc: Option<Ipv4Addr>,
    /// What is said of its metrics; `None`: nothing.
    pub(crate) said: Option<Arc<Said>>,
    /// The nexthop object that says where to: its number, and whether it is a blackhole.
    pub(crate) object: Option<(u32, bool)>,
    /// Where to; empty for blackhole and its like.
    pub(crate) hops: Few<Hop>,
    /// Never to be used again, about to be flushed (`RTNH_F_DEAD` of the whole).
    pub(crate) dead: bool,
    /// Of several equal default routes, the first has which of them was taken last; -1: none (`fa_default`).
    pub(crate) default: Cell<i32>,
}

/// A route's metrics (`struct dst_metrics`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The MTU, bytes.
    pub(crate) mtu: Option<u32>,
    /// It is locked.
    pub(crate) mtu_lock: bool,
    /// The advertised MSS, bytes.
    pub(crate) advmss: Option<u32>,
    /// The others, where there are any.
    pub(crate) others: Option<Arc<Metrics>>,
}

impl Said {
    const NOTHING: &'static Said = &Said { mtu: None, mtu_lock: false, advmss: None, others: None };

    /// To be kept, if anything is said.
    pub(crate) fn kept(self) -> Option<Arc<Said>> {
        (self != *Said::NOTHING).then(|| Arc::new(self))
    }
}

impl Alias {
    /// Its metrics.
    #[inline]
    pub(crate) fn said(&self) -> &Said {
        self.said.as_deref().unwrap_or(Said::NOTHING)
    }

    /// Whether the kernel would share one `fib_info` between the two (`fib_find_info`) and call them the same route.
    fn is_same_route(&self, other: &Alias) -> bool {
        self.kind == other.kind
            && (self.scope, self.proto, self.prefsrc) == (other.scope, other.proto, other.prefsrc)
            && self.said == other.said
            && self.object == other.object
            && self.hops.len() == other.hops.len()
            && self.hops.iter().zip(&other.hops).all(|(a, b)| a.is_same_way(b))
    }

    fn rank(&self) -> (std::cmp::Reverse<u8>, u32) {
        (std::cmp::Reverse(self.tos), self.metric)
    }
}

/// A prefix as the key of an ordered map: the longest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u64);

impl Key {
    fn new(dst: u32, len: u8) -> Self {
        Key(u64::from(32 - len) << 32 | u64::from(dst))
    }

    fn prefix(self) -> (Ipv4Addr, u8) {
        // The low half is the address, the high half 32 less the length.
        (Ipv4Addr::from(self.0 as u32), 32 - (self.0 >> 32) as u8)
    }

    /// 32 less the length.
    #[inline]
    fn place(self) -> usize {
        (self.0 >> 32) as usize
    }

    #[inline]
    fn covers(self, addr: u32) -> bool {
        // As many low bits as 32 less the length do not count.
        u64::from(addr ^ self.0 as u32) >> self.place() == 0
    }
}

/// One table.
#[derive(Default)]
struct Table(Leaves);

/// What a packet asks for (`struct flowi4`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    /// To whom.
    pub(crate) dst: Ipv4Addr,
    /// From whom; counts for multipath and rules only.
    pub(crate) src: Ipv4Addr,
    /// Type of service.
    pub(crate) tos: u8,
    /// Routes that reach further than this are passed over.
    pub(crate) scope: Scope,
    /// Only by this device, unless [`Ifindex::NONE`].
    pub(crate) oif: Ifindex,
    /// The device that it came in by, `lo` if it was made here. Only rules ask.
    pub(crate) iif: Ifindex,
    /// What else only rules ask.
    pub(crate) asks: Selectors,
}

/// What nothing but policy rules asks of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selectors {
    /// Its mark.
    pub(crate) mark: u32,
    /// Who sends it.
    pub(crate) uid: u32,
    /// Its protocol.
    pub(crate) proto: u8,
    /// Its source port.
    pub(crate) sport: u16,
    /// Its destination port.
    pub(crate) dport: u16,
}

impl Selectors {
    /// Of a packet of that protocol, without ports.
    pub(crate) fn proto(proto: u8) -> Self {
        Selectors { proto, ..Selectors::default() }
    }

    /// Of an ICMP message: where others have ports, the kernel has its type and code (`struct flowi_uli`).
    pub(crate) fn icmp(kind: u8, code: u8) -> Self {
        let dport = u16::from_be_bytes([kind, code]);
        Selectors { dport, ..Selectors::proto(nettwin_model::wire::PROTO_ICMP) }
    }

    /// As the answer would have them.
    pub(crate) fn reversed(self) -> Self {
        Selectors { sport: self.dport, dport: self.sport, ..self }
    }
}

impl Flow {
    /// To `dst`, by whatever device.
    pub(crate) fn to(dst: Ipv4Addr) -> Self {
        Flow {
            dst,
            src: Ipv4Addr::UNSPECIFIED,
            tos: 0,
            scope: Scope::GLOBAL,
            oif: Ifindex::NONE,
            iif: Ifindex::LO,
            asks: Selectors::default(),
        }
    }
}

/// A route found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'a> {
    /// The table.
    pub(crate) table: u32,
    /// The prefix's length.
    pub(crate) len: u8,
    /// The route.
    pub(crate) alias: &'a Alias,
    /// Which of its ways: the first that is usable.
    pub(crate) hop: usize,
    /// All routes of that prefix in that table, in the order of the lookup.
    pub(crate) leaf: &'a [Alias],
}

impl<'a> Hit<'a> {
    /// The way to go.
    pub(crate) fn way(&self) -> &'a Hop {
        &self.alias.hops[self.hop]
    }
}

/// Why a lookup found nothing: `Errno` of a route that says no, ENETUNREACH if there was none.
type Found<'a> = Result<Hit<'a>, Errno>;

/// What one table answers.
pub(crate) enum Asked<'a> {
    /// A route.
    Hit(Hit<'a>),
    /// A route that says no.
    Refused(Errno),
    /// Nothing, or that another table is to be asked.
    Nothing,
}

/// What a deletion must match; `None` matches anything.
pub(crate) struct Pattern {
    /// Destination.
    pub(crate) dst: Ipv4Addr,
    /// Its length.
    pub(crate) len: u8,
    /// Type of service, exactly.
    pub(crate) tos: u8,
    /// Metric; 0 matches anything.
    pub(crate) metric: u32,
    /// Kind.
    pub(crate) kind: Option<RouteKind>,
    /// Scope.
    pub(crate) scope: Option<Scope>,
    /// Who made it; 0 matches anything.
    pub(crate) proto: u8,
    /// Preferred source.
    pub(crate) prefsrc: Option<Ipv4Addr>,
    /// The MTU metric.
    pub(crate) mtu: Option<u32>,
    /// The advertised MSS metric.
    pub(crate) advmss: Option<u32>,
    /// The other metrics: those that are said; which are locked if any is.
    pub(crate) metrics: Metrics,
    /// The nexthop object.
    pub(crate) object: Option<u32>,
    /// The ways: gateway and device, each open or given. Empty matches anything.
    pub(crate) hops: Vec<(Option<Ipv4Addr>, Option<Ifindex>)>,
}

impl Pattern {
    fn matches(&self, a: &Alias) -> bool {
        self.kind.is_none_or(|k| k == a.kind)
            && self.scope.is_none_or(|s| s == a.scope)
            && (self.proto == 0 || self.proto == a.proto)
            && self.prefsrc.is_none_or(|p| a.prefsrc == Some(p))
            && (self.metric == 0 || self.metric == a.metric)
            && self.mtu.is_none_or(|m| a.said().mtu == Some(m))
            && self.advmss.is_none_or(|m| a.said().advmss == Some(m))
            && self.matches_metrics(a)
            && self.matches_ways(a)
    }

    /// `fib_metrics_match()`.
    fn matches_metrics(&self, a: &Alias) -> bool {
        let (asked, none) = (&self.metrics, Metrics::default());
        let has = a.said().others.as_deref().unwrap_or(&none);
        asked.values.iter().all(|(&metric, &value)| has.value(metric) == value)
            && (asked.congestion.is_none() || asked.congestion == has.congestion)
            && (asked.locked == 0 || asked.locked == has.locked | if a.said().mtu_lock { LOCK_MTU } else { 0 })
    }

    /// `fib_nh_match()`.
    fn matches_ways(&self, a: &Alias) -> bool {
        let is_open = self.hops.iter().all(|way| *way == (None, None));
        match (self.object, a.object) {
            (Some(asked), Some((id, _))) => asked == id,
            (Some(_), None) => false,
            (None, Some(_)) => is_open,
            (None, None) => self.matches_hops(a),
        }
    }

    fn matches_hops(&self, a: &Alias) -> bool {
        let one = |&(via, dev): &(Option<Ipv4Addr>, Option<Ifindex>), hop: &Hop| {
            via.is_none_or(|v| hop.via == Some(v)) && dev.is_none_or(|d| hop.dev == d)
        };
        match self.hops.as_slice() {
            [] | [(None, None)] => true,
            [only] => a.hops.first().is_some_and(|hop| one(only, hop)),
            all => all.len() == a.hops.len() && all.iter().zip(&a.hops).all(|(p, hop)| one(p, hop)),
        }
    }
}

/// All routing tables of a namespace.
#[derive(Default)]
pub(crate) struct Fib {
    tables: BTreeMap<u32, Table>,
    local: Table,
    main: Table,
    made_local: bool,
    made_main: bool,
    /// Rules were changed: local and main are tables of their own, and rules say which is asked (`fib_unmerge`).
    split: bool,
    /// Somebody added local routes by hand: source validation looks at the tables then.
    pub(crate) has_custom_local: bool,
}

impl Table {
    /// Changes every route; those that are dead then go. Says how many.
    fn sweep(&mut self, change: &mut impl FnMut(&mut Alias)) -> usize {
        let mut gone = 0;
        self.0.retain(|leaf| {
            leaf.retain_mut(|alias| {
                change(alias);
                gone += usize::from(alias.dead);
                !alias.dead
            });
            !leaf.is_empty()
        });
        gone
    }
}

impl Fib {
    fn table(&self, id: u32) -> Option<&Table> {
        match id {
            TABLE_LOCAL => Some(&self.local),
            TABLE_MAIN => Some(&self.main),
            other => self.tables.get(&other),
        }
    }

    fn table_mut(&mut self, id: u32) -> &mut Table {
        match id {
            TABLE_LOCAL => &mut self.local,
            TABLE_MAIN => &mut self.main,
            other => self.tables.entry(other).or_default(),
        }
    }

    /// Rules were changed once: from now on they are asked, and each table by itself.
    pub(crate) fn split(&mut self) {
        self.split = true;
    }

    /// Whether they were.
    #[inline]
    pub(crate) fn is_split(&self) -> bool {
        self.split
    }

    /// Makes the first table that was never used (`fib_empty_table`).
    pub(crate) fn empty_table(&mut self) -> u32 {
        let id = (1..=TABLE_LOCAL).find(|id| !self.has_table(*id)).unwrap_or(TABLE_LOCAL);
        self.table_mut(id);
        id
    }

    /// What a table says to a packet (`fib_table_lookup`).
    pub(crate) fn ask(&self, table: u32, flow: &Flow, skips_linkdown: &impl Fn(Ifindex) -> bool) -> Asked<'_> {
        let Some(found) = self.table(table) else { return Asked::Nothing };
        match search((table, found), None, flow, skips_linkdown) {
            Some(Ok(hit)) => Asked::Hit(hit),
            Some(Err(RouteKind::Throw)) | None => Asked::Nothing,
            Some(Err(kind)) => Asked::Refused(refusal(kind)),
        }
    }

    /// Whether the table has ever been used. Main is made with local.
    pub(crate) fn has_table(&self, id: u32) -> bool {
        match id {
            TABLE_LOCAL => self.made_local,
            TABLE_MAIN => self.made_local || self.made_main,
            id => self.tables.contains_key(&id),
        }
    }

    /// Adds a route as the verb says (`fib_table_insert`).
    pub(crate) fn insert(
        &mut self,
        table: u32,
        dst: Ipv4Addr,
        len: u8,
        new: Alias,
        verb: RouteVerb,
    ) -> Result<(), Errno> {
        let key = Key::new(dst.to_bits(), len);
        self.made_local |= table == TABLE_LOCAL;
        self.made_main |= table == TABLE_MAIN;
        let table = self.table_mut(table);
        let leaf = table.0.entry(key);
        // The first alias that does not come before the new one (fib_find_alias).
        let first = leaf.iter().position(|a| a.rank() >= new.rank()).unwrap_or(leaf.len());
        let last = leaf.iter().position(|a| a.rank() > new.rank()).unwrap_or(leaf.len());
        let equals = &leaf[first..last];
        let same = equals.iter().position(|a| a.is_same_route(&new));
        let verdict = if equals.is_empty() {
            if matches!(verb, RouteVerb::Change | RouteVerb::Test) {
                Err(Errno::ENOENT)
            } else {
                leaf.insert(first, new);
                Ok(())
            }
        } else {
            match (verb, same) {
                (RouteVerb::Add | RouteVerb::Test, _) => Err(Errno::EEXIST),
                (RouteVerb::Replace | RouteVerb::Change, Some(0)) => Ok(()),
                (_, Some(_)) => Err(Errno::EEXIST),
                (RouteVerb::Replace | RouteVerb::Change, None) => {
                    leaf[first] = new;
                    Ok(())
                }
                (RouteVerb::Append, None) => {
                    leaf.insert(last, new);
                    Ok(())
                }
                (RouteVerb::Prepend, None) => {
                    leaf.insert(first, new);
                    Ok(())
                }
            }
        };
        table.0.forget_if_empty(key);
        verdict
    }

    /// Removes the first route that matches (`fib_table_delete`); ESRCH if there is none.
    pub(crate) fn delete(&mut self, table: u32, pattern: &Pattern) -> Result<Alias, Errno> {
        if self.table(table).is_none() {
            return Err(Errno::ESRCH);
        }
        let key = Key::new(pattern.dst.to_bits(), pattern.len);
        let table = self.table_mut(table);
        let leaf = table.0.get_mut(key).ok_or(Errno::ESRCH)?;
        let at = leaf.iter().position(|a| a.tos == pattern.tos && pattern.matches(a)).ok_or(Errno::ESRCH)?;
        let gone = leaf.remove(at);
        table.0.forget_if_empty(key);
        Ok(gone)
    }

    /// The route of a packet: tables local and main as one, then default (`fib_lookup` without custom rules).
    ///
    /// `skips_linkdown` says whether routes by a device are passed over while it has no carrier.
    #[inline]
    pub(crate) fn lookup(&self, flow: &Flow, skips_linkdown: impl Fn(Ifindex) -> bool) -> Found<'_> {
        match search((TABLE_LOCAL, &self.local), Some((TABLE_MAIN, &self.main)), flow, &skips_linkdown) {
            Some(Ok(hit)) => return Ok(hit),
            Some(Err(RouteKind::Throw)) | None => {}
            Some(Err(kind)) => return Err(refusal(kind)),
        }
        match self.tables.get(&TABLE_DEFAULT).and_then(|t| search((TABLE_DEFAULT, t), None, flow, &skips_linkdown)) {
            Some(Ok(hit)) => Ok(hit),
            Some(Err(RouteKind::Throw)) | None => Err(Errno::ENETUNREACH),
            Some(Err(kind)) => Err(refusal(kind)),
        }
    }

    /// Searches where `id` is asked: local and main are one while no rule was changed.
    fn search_in(&self, id: u32, flow: &Flow) -> Option<Result<Hit<'_>, RouteKind>> {
        match id {
            TABLE_LOCAL | TABLE_MAIN if !self.split => {
                search((TABLE_LOCAL, &self.local), Some((TABLE_MAIN, &self.main)), flow, &|_| false)
            }
            other => search((other, self.table(other)?), None, flow, &|_| false),
        }
    }

    /// The route of a packet in one table (`fib_table_lookup`); ENETUNREACH if the table does not know.
    pub(crate) fn lookup_in(&self, table: u32, flow: &Flow) -> Found<'_> {
        match self.search_in(table, flow) {
            Some(Ok(hit)) => Ok(hit),
            Some(Err(kind)) => Err(refusal(kind)),
            None => Err(Errno::ENETUNREACH),
        }
    }

    /// What an address is (`inet_addr_type`): unicast if no table knows better. The kernel asks table local, which is one
    /// with main while no rule was changed.
    pub(crate) fn addr_type(&self, addr: Ipv4Addr) -> RouteKind {
        self.addr_type_in(TABLE_LOCAL, addr)
    }

    /// The same by another table (`__inet_dev_addr_type`).
    pub(crate) fn addr_type_in(&self, table: u32, addr: Ipv4Addr) -> RouteKind {
        if addr.is_unspecified() || addr.is_broadcast() {
            return RouteKind::Broadcast;
        }
        if addr.is_multicast() {
            return RouteKind::Multicast;
        }
        match self.search_in(table, &Flow::to(addr)) {
            Some(Ok(hit)) => hit.alias.kind,
            _ => RouteKind::Unicast,
        }
    }

    /// Whether an address is one of the namespace's.
    pub(crate) fn is_local(&self, addr: Ipv4Addr) -> bool {
        self.addr_type(addr) == RouteKind::Local
    }

    /// Every route with its table and prefix: by table, then address, then length, then the order of the lookup.
    pub(crate) fn dump(&self) -> Vec<(u32, Ipv4Addr, u8, &Alias)> {
        let mut ids: Vec<u32> = self.tables.keys().copied().chain([TABLE_LOCAL, TABLE_MAIN]).collect();
        ids.sort_unstable();
        let mut all = Vec::new();
        for id in ids {
            let Some(table) = self.table(id) else { continue };
            let at = all.len();
            for (key, leaf) in table.0.iter() {
                let (dst, len) = key.prefix();
                all.extend(leaf.iter().map(|a| (id, dst, len, a)));
            }
            all[at..].sort_by_key(|&(_, dst, len, _)| (dst, len));
        }
        all
    }

    /// Lets `change` touch every route, then forgets those that are dead (`fib_flush`). Returns how many were.
    pub(crate) fn sweep(&mut self, mut change: impl FnMut(&mut Alias)) -> usize {
        let tables = self.tables.values_mut().chain([&mut self.local, &mut self.main]);
        tables.map(|table| table.sweep(&mut change)).sum()
    }

    /// The same in one table.
    pub(crate) fn sweep_in(&mut self, table: u32, mut change: impl FnMut(&mut Alias)) -> usize {
        if self.table(table).is_some() { self.table_mut(table).sweep(&mut change) } else { 0 }
    }
}

/// The errno of a route that says no (`fib_props`).
pub(crate) fn refusal(kind: RouteKind) -> Errno {
    match kind {
        RouteKind::Unreachable => Errno::EHOSTUNREACH,
        RouteKind::Prohibit => Errno::EACCES,
        RouteKind::Throw => Errno::ENETUNREACH,
        _ => Errno::EINVAL,
    }
}

/// Of a packet's type of service only these bits are compared (`fib_dscp_masked_match`).
pub(crate) const TOS_MASK: u8 = 0x1c;

/// Which kinds say no.
pub(crate) fn says_no(kind: RouteKind) -> bool {
    matches!(kind, RouteKind::Blackhole | RouteKind::Unreachable | RouteKind::Prohibit | RouteKind::Throw)
}

/// The longest match of one table, or of two searched as one; the first wins among equal lengths.
#[inline]
fn search<'a>(
    first: (u32, &'a Table),
    second: Option<(u32, &'a Table)>,
    flow: &Flow,
    skips_linkdown: &impl Fn(Ifindex) -> bool,
) -> Option<Result<Hit<'a>, RouteKind>> {
    let dst = flow.dst.to_bits();
    let mut of_first = first.1.0.covering(dst);
    let mut of_second = second.map(|(_, table)| table.0.covering(dst));
    let mut a = of_first.next();
    let mut b = of_second.as_mut().and_then(Iterator::next);
    loop {
        let (table, len, leaf) = match (a, b) {
            (Some((len, leaf)), other) if other.is_none_or(|(l, _)| len >= l) => {
                a = of_first.next();
                (first.0, len, leaf)
            }
            (_, Some((len, leaf))) => {
                b = of_second.as_mut().and_then(Iterator::next);
                (second.map_or(first.0, |(id, _)| id), len, leaf)
            }
            _ => return None,
        };
        for alias in leaf {
            if (alias.tos != 0 && alias.tos != flow.tos & TOS_MASK) || alias.scope < flow.scope {
                continue;
            }
            if says_no(alias.kind) {
                return Some(Err(alias.kind));
            }
            if alias.object.is_some_and(|(_, blackhole)| blackhole) {
                return Some(Err(RouteKind::Blackhole));
            }
            let usable = |hop: &Hop| {
                !hop.dead
                    && (flow.oif == Ifindex::NONE || flow.oif == hop.dev)
                    && !(hop.linkdown && skips_linkdown(hop.dev))
            };
            if let Some(hop) = alias.hops.iter().position(usable) {
                return Some(Ok(Hit { table, len, alias, hop, leaf }));
            }
        }
    }
}

#[cfg(test)]
mod tests;
