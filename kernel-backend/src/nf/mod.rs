//! Rules and connections through nfnetlink.
//!
//! Kernel counterpart: `net/netfilter/nf_tables_api.c`, `nf_conntrack_netlink.c`. A list of changes is one transaction; no
//! other program is asked. Only nettwin's own tables are read back: others' are not its business. Deliberately absent:
//! rules in another's tongue, renaming of chains, counting anew, sets of `typeof`, objects with names, maps to anything but verdicts.

mod attr;
mod decode;
mod encode;
mod socket;

use crate::machine::KernelBackend;
use attr::{Attrs, Read};
use encode::{Encoder, layout_of, verdict_data};
use nettwin_model::rules::conntrack::{Connection, TCP_STATES, Tuple};
use nettwin_model::rules::{
    Base, Chain, ChainKind, Elem, Family, Hook, Key, Match, Nat, NatKind, OWN_TABLE, Place, Policy, Rule, RuleChange,
    Ruleset, Set, SetType, Span, State, Stmt, Table, Which,
};
use nettwin_model::{Errno, Fault, NetnsName};
pub(crate) use socket::NfSocket;
use socket::{APPEND, CREATE, EXCL, Message};
use std::collections::BTreeMap;
use std::net::IpAddr;

const NEW_TABLE: u16 = 0;
const GET_TABLE: u16 = 1;
const DEL_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const GET_CHAIN: u16 = 4;
const DEL_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const GET_RULE: u16 = 7;
const DEL_RULE: u16 = 8;
const NEW_SET: u16 = 9;
const GET_SET: u16 = 10;
const DEL_SET: u16 = 11;
const NEW_ELEM: u16 = 12;
const GET_ELEM: u16 = 13;
const DEL_ELEM: u16 = 14;
const NFTABLES: u16 = 10;
const CTNETLINK: u16 = 1;
const SET_ANONYMOUS: u32 = 1;
const SET_CONSTANT: u32 = 2;
const SET_INTERVAL: u32 = 4;
const SET_MAP: u32 = 8;
const ELEM_INTERVAL_END: u32 = 1;

fn unsupported(what: &str) -> Fault {
    Fault::Missing { capability: format!("{what} on the kernel"), remedy: "use the simulator".into() }
}

impl KernelBackend {
    fn netfilter(&mut self, netns: &NetnsName) -> Result<NfSocket, Fault> {
        self.room(netns)?;
        self.worker.run_in(&self.rooms[netns].netns, NfSocket::open)?
    }

    /// All of the changes or none.
    pub(crate) fn change_ruleset(&mut self, netns: &NetnsName, changes: &[RuleChange]) -> Result<(), Fault> {
        let mut socket = self.netfilter(netns)?;
        let mut batch = Batch::default();
        for (i, change) in changes.iter().enumerate() {
            batch.at = i;
            batch.change(&mut socket, change)?;
        }
        if batch.messages.is_empty() {
            return Ok(());
        }
        match socket.transact(&batch.messages)? {
            Ok(()) => Ok(()),
            Err((_, errno)) => match lacking(&mut socket, changes)? {
                Some(what) => Err(Fault::Missing {
                    capability: format!("{what} in this kernel's nf_tables"),
                    remedy: "run it on a kernel that is built with it".into(),
                }),
                None => Err(Fault::errno(errno)),
            },
        }
    }

    /// nettwin's own tables.
    pub(crate) fn ruleset(&mut self, netns: &NetnsName) -> Result<Ruleset, Fault> {
        let room = self.rooms.get_mut(netns).ok_or(Fault::errno(Errno::ENOENT))?;
        let mut socket = match room.rules.take() {
            Some(socket) => socket,
            None => self.worker.run_in(&room.netns, NfSocket::open)??,
        };
        let read = read_ruleset(&mut socket);
        if read.is_ok() {
            // What was left half read is nobody's answer later.
            room.rules = Some(socket);
        }
        match read {
            // A kernel without nf_tables has no rules.
            Err(Fault::Refused { errno: Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EPERM, .. }) => {
                Ok(Ruleset::default())
            }
            other => other,
        }
    }

    /// All connections, in canonical order.
    pub(crate) fn connections(&mut self, netns: &NetnsName) -> Result<Vec<Connection>, Fault> {
        let mut socket = self.netfilter(netns)?;
        let rows = match socket.dump(CTNETLINK, 1, 0, &[]) {
            Err(Fault::Refused { errno: Errno::EINVAL | Errno::EOPNOTSUPP, .. }) => return Ok(Vec::new()),
            other => other?,
        };
        let mut list: Vec<Connection> = rows.iter().filter_map(|(_, row)| connection(socket::read(row))).collect();
        list.sort();
        Ok(list)
    }
}

/// What of these changes the kernel was built without, if anything: a table that is made and removed at once tells.
fn lacking(socket: &mut NfSocket, changes: &[RuleChange]) -> Result<Option<&'static str>, Fault> {
    let table = Which::table(Family::Ip, "nettwin-try");
    let chain = Which::of(Family::Ip, "nettwin-try", "try");
    let base = |kind, hook| Some(Base::new(kind, hook, 0, Policy::Accept));
    let mut works = |kind, hook, stmts: Vec<Stmt>| {
        let tried = [
            RuleChange::AddTable { which: table.clone(), fresh: true },
            RuleChange::AddChain { which: chain.clone(), base: base(kind, hook), fresh: true },
            RuleChange::AddRule { which: chain.clone(), place: Place::Last, rule: Rule::new(stmts) },
            RuleChange::DelTable { which: table.clone(), lenient: false },
        ];
        let mut batch = Batch::default();
        for change in &tried {
            batch.change(socket, change)?;
        }
        Ok::<bool, Fault>(socket.transact(&batch.messages)?.is_ok())
    };
    let counter = || vec![Stmt::Counter { packets: 0, bytes: 0 }];
    if !works(ChainKind::Filter, Hook::Input, counter())? {
        return Ok(Some("filtering of IPv4"));
    }
    let stmts = |wanted: fn(&Stmt) -> bool| {
        let rules = changes.iter().filter_map(|change| match change {
            RuleChange::AddRule { rule, .. } | RuleChange::ReplaceRule { rule, .. } => Some(rule),
            _ => None,
        });
        rules.flat_map(|rule| &rule.stmts).any(wanted)
    };
    let masquerade = vec![Stmt::Nat(Nat::new(NatKind::Masquerade))];
    if stmts(|s| matches!(s, Stmt::Nat(_))) && !works(ChainKind::Nat, Hook::Postrouting, masquerade)? {
        return Ok(Some("translation of addresses"));
    }
    let state = vec![Stmt::Match(Match::bits(Key::CtState, false, State::NEW))];
    if stmts(Stmt::is_about_connections) && !works(ChainKind::Filter, Hook::Input, state)? {
        return Ok(Some("tracking of connections"));
    }
    Ok(None)
}

#[derive(Default)]
struct Batch {
    messages: Vec<Message>,
    at: usize,
    sets: u32,
}

impl Batch {
    fn push(&mut self, kind: u16, flags: u16, family: Family, attrs: Attrs) {
        self.messages.push(Message { kind, flags, family: family.number(), attrs: attrs.0, change: self.at });
    }

    fn change(&mut self, socket: &mut NfSocket, change: &RuleChange) -> Result<(), Fault> {
        let fresh = |fresh: bool| if fresh { CREATE | EXCL } else { CREATE };
        let attrs = Attrs::default;
        match change {
            RuleChange::AddTable { which, fresh: new } => {
                self.push(NEW_TABLE, fresh(*new), which.family, attrs().text(1, &which.table).word(2, 0));
            }
            RuleChange::DelTable { which, lenient } => {
                if *lenient {
                    self.push(NEW_TABLE, CREATE, which.family, attrs().text(1, &which.table).word(2, 0));
                }
                self.push(DEL_TABLE, 0, which.family, attrs().text(1, &which.table));
            }
            RuleChange::FlushAll { family } => {
                self.messages.push(Message {
                    kind: DEL_TABLE,
                    flags: 0,
                    family: family.map_or(0, Family::number),
                    attrs: Vec::new(),
                    change: self.at,
                });
            }
            RuleChange::AddChain { which, base, fresh: new } => {
                let mut data = attrs().text(1, &which.table).text(3, &which.name);
                if let Some(base) = base {
                    let hook = attrs().word(1, base.hook.number()).word(2, base.priority.cast_unsigned());
                    data =
                        data.nest(4, hook).word(5, u32::from(base.policy == Policy::Accept)).text(7, base.kind.word());
                }
                self.push(NEW_CHAIN, fresh(*new), which.family, data);
            }
            RuleChange::DelChain { which } => {
                self.push(DEL_CHAIN, 0, which.family, attrs().text(1, &which.table).text(3, &which.name));
            }
            RuleChange::RenameChain { .. } => return Err(unsupported("renaming a chain")),
            RuleChange::ZeroChain { .. } => return Err(unsupported("letting a chain count anew")),
            RuleChange::Flush { which } => {
                let data = attrs().text(1, &which.table);
                let data = if which.name.is_empty() { data } else { data.text(2, &which.name) };
                self.push(DEL_RULE, 0, which.family, data);
            }
            RuleChange::AddRule { which, place, rule } => self.add_rule(which, *place, rule)?,
            RuleChange::ReplaceRule { which, handle, rule } => {
                self.add_rule(which, Place::After(*handle), rule)?;
                let data = attrs().text(1, &which.table).text(2, &which.name).long(3, *handle);
                self.push(DEL_RULE, 0, which.family, data);
            }
            RuleChange::DelRule { which, handle } => {
                let data = attrs().text(1, &which.table).text(2, &which.name).long(3, *handle);
                self.push(DEL_RULE, 0, which.family, data);
            }
            RuleChange::AddSet { which, set, fresh: new } => {
                if !set.like.is_empty() {
                    return Err(unsupported("a set of typeof"));
                }
                self.sets += 1;
                self.add_set(which, set, self.sets, fresh(*new))?;
            }
            RuleChange::DelSet { which } => {
                self.push(DEL_SET, 0, which.family, attrs().text(1, &which.table).text(2, &which.name));
            }
            RuleChange::FlushSet { which } => {
                self.push(DEL_ELEM, 0, which.family, attrs().text(1, &which.table).text(2, &which.name));
            }
            RuleChange::AddObject { .. } | RuleChange::DelObject { .. } | RuleChange::ResetObject { .. } => {
                return Err(unsupported("an object with a name"));
            }
            RuleChange::AddElems { which, elems, fresh: new } => {
                let set = known_set(socket, which)?;
                let data = attrs().text(1, &which.table).text(2, &which.name);
                self.push(NEW_ELEM, fresh(*new), which.family, data.nest(3, elements(&set, elems)));
            }
            RuleChange::DelElems { which, elems } => {
                let set = known_set(socket, which)?;
                let data = attrs().text(1, &which.table).text(2, &which.name);
                self.push(DEL_ELEM, 0, which.family, data.nest(3, elements(&set, elems)));
            }
        }
        Ok(())
    }

    fn add_rule(&mut self, which: &Which, place: Place, rule: &Rule) -> Result<(), Fault> {
        if !rule.tongue.is_nft() {
            return Err(unsupported("a rule as iptables writes it"));
        }
        let (exprs, sets) = Encoder::new(which.family, &mut self.sets).rule(&rule.stmts)?;
        for (id, set) in &sets {
            self.add_set(which, set, *id, CREATE)?;
        }
        let mut data = Attrs::default().text(1, &which.table).text(2, &which.name).nest(4, exprs);
        if let Some(comment) = &rule.comment {
            data = data.bytes(7, &comment_bytes(comment));
        }
        let flags = match place {
            Place::Last => CREATE | APPEND,
            Place::First => CREATE,
            Place::After(handle) => {
                data = data.long(6, handle);
                CREATE | APPEND
            }
            Place::Before(handle) => {
                data = data.long(6, handle);
                CREATE
            }
        };
        self.push(NEW_RULE, flags, which.family, data);
        Ok(())
    }

    fn add_set(&mut self, which: &Which, set: &Set, id: u32, flags: u16) -> Result<(), Fault> {
        let anonymous = set.name.starts_with("__");
        let mut bits = if anonymous { SET_ANONYMOUS } else { 0 };
        bits |= if set.constant { SET_CONSTANT } else { 0 };
        bits |= if set.interval { SET_INTERVAL } else { 0 };
        bits |= if set.data.is_some() { SET_MAP } else { 0 };
        if !set.more.is_empty() {
            return Err(unsupported("a set of values that are looked at together"));
        }
        let (kind, layout) = (set.key.number(), layout_of(set.key));
        // At most 16 bytes.
        let mut data = Attrs::default().text(1, &which.table).text(2, &set.name).word(3, bits);
        data = data.word(4, kind).word(5, layout.bytes as u32);
        match set.data {
            None => {}
            Some(SetType::Verdict) => data = data.word(6, SetType::Verdict.number()).word(7, 0),
            Some(_) => return Err(unsupported("a map to values")),
        }
        self.push(NEW_SET, flags, which.family, data.word(10, id));
        if !set.elems.is_empty() {
            let data = Attrs::default().text(1, &which.table).text(2, &set.name).word(4, id);
            self.push(NEW_ELEM, CREATE, which.family, data.nest(3, elements(set, &set.elems)));
        }
        Ok(())
    }
}

/// nft's user data of a rule: a comment.
fn comment_bytes(comment: &str) -> Vec<u8> {
    let text = [comment.as_bytes(), &[0]].concat();
    // A comment is at most 127 bytes long.
    [&[0, text.len() as u8][..], &text].concat()
}

fn elements(set: &Set, elems: &[Elem]) -> Attrs {
    const NFTA_LIST_ELEM: u16 = 1;
    let layout = layout_of(set.key);
    let value = |bytes: &[u8]| Attrs::default().bytes(1, bytes);
    let mut out = Attrs::default();
    // An interval is its beginning, and behind its last value an end, unless another begins there.
    let begins: Vec<u128> = elems.iter().map(|e| e.span.lo).collect();
    let bits = layout.bytes * 8;
    let last = if bits == 128 { u128::MAX } else { (1u128 << bits) - 1 };
    for elem in elems {
        let key = match &elem.name {
            Some(name) => encode::padded(name),
            None => layout.write(elem.span.lo),
        };
        let mut one = Attrs::default().nest(1, value(&key));
        if let Some(verdict) = &elem.verdict {
            one = one.nest(2, verdict_data(verdict));
        }
        out = out.nest(NFTA_LIST_ELEM, one);
        if set.interval && elem.span.hi != last && !begins.contains(&(elem.span.hi + 1)) {
            let end = Attrs::default().nest(1, value(&layout.write(elem.span.hi + 1))).word(3, ELEM_INTERVAL_END);
            out = out.nest(NFTA_LIST_ELEM, end);
        }
    }
    out
}

fn known_set(socket: &mut NfSocket, which: &Which) -> Result<Set, Fault> {
    let sets = read_sets(socket, which.family, &which.table)?;
    sets.into_values().find(|set| set.name == which.name).ok_or(Fault::errno(Errno::ENOENT))
}

fn read_ruleset(socket: &mut NfSocket) -> Result<Ruleset, Fault> {
    let mut rules = Ruleset::default();
    let mut chains: BTreeMap<u8, Vec<Vec<u8>>> = BTreeMap::new();
    let tables = socket.dump(NFTABLES, GET_TABLE, 0, &[])?;
    let own = |row: &[u8]| Read(row).text(1).is_some_and(|name| name == OWN_TABLE);
    let tables: Vec<_> = tables.into_iter().filter(|(_, row)| own(row)).collect();
    if tables.is_empty() {
        return Ok(rules);
    }
    for (family, row) in socket.dump(NFTABLES, GET_CHAIN, 0, &[])? {
        chains.entry(family).or_default().push(row);
    }
    let rule_rows = socket.dump(NFTABLES, GET_RULE, 0, &[])?;
    for (number, row) in tables {
        let Some(family) = Family::of_number(number) else { continue };
        let sets = read_sets(socket, family, OWN_TABLE)?;
        let handle = Read(&row).long(4).unwrap_or(0);
        let mut table = Table {
            family,
            name: OWN_TABLE.to_owned(),
            handle,
            last_handle: 0,
            chains: Vec::new(),
            objects: Vec::new(),
            sets: sets.values().filter(|set| !set.name.starts_with("__")).cloned().collect(),
        };
        table.sets.sort_by_key(|set| set.handle);
        for row in chains.get(&number).into_iter().flatten().filter(|row| own(row)) {
            table.chains.extend(chain(Read(row)));
        }
        for (_, row) in rule_rows.iter().filter(|(f, row)| *f == number && own(row)) {
            let row = Read(row);
            let (Some(name), Some(handle), Some(exprs)) = (row.text(2), row.long(3), row.nest(4)) else { continue };
            let comment = row.get(7).and_then(|data| {
                let length = usize::from(*data.get(1)?);
                let text = data.get(2..2 + length).filter(|_| data[0] == 0)?;
                Some(String::from_utf8_lossy(text.strip_suffix(&[0]).unwrap_or(text)).into_owned())
            });
            let stmts = decode::rule(family, exprs, &sets).ok_or_else(|| {
                Fault::Broken(format!(
                    "rule {handle} of {family} {OWN_TABLE} {name} was not written by nettwin: remove it with nft"
                ))
            })?;
            if let Some(chain) = table.chain_mut(&name) {
                chain.rules.push(Rule { handle, stmts, comment, ..Rule::default() });
            }
        }
        rules.tables.push(table);
    }
    Ok(rules)
}

fn chain(row: Read<'_>) -> Option<Chain> {
    let base = row.nest(4).and_then(|hook| {
        let kind = row.text(7)?;
        let kind = [ChainKind::Filter, ChainKind::Nat, ChainKind::Route].into_iter().find(|k| k.word() == kind)?;
        let at = Hook::ALL.into_iter().find(|h| Some(h.number()) == hook.word(1))?;
        let policy = if row.word(5) == Some(0) { Policy::Drop } else { Policy::Accept };
        Some(Base::new(kind, at, hook.word(2)?.cast_signed(), policy))
    });
    Some(Chain { name: row.text(3)?, handle: row.long(2)?, base, rules: Vec::new() })
}

/// A table's sets by name, with what is in them.
fn read_sets(socket: &mut NfSocket, family: Family, table: &str) -> Result<BTreeMap<String, Set>, Fault> {
    let attrs = Attrs::default().text(1, table);
    let mut out = BTreeMap::new();
    for (_, row) in socket.dump(NFTABLES, GET_SET, family.number(), &attrs.0)? {
        let row = Read(&row);
        let (Some(name), Some(flags), Some(kind)) = (row.text(2), row.word(3), row.word(4)) else { continue };
        let of = |number: u32| SetType::ALL.iter().find(|t| t.2 == number).map(|t| t.0);
        let Some(key) = of(kind) else { continue };
        let data = row.word(6).filter(|_| flags & SET_MAP != 0).and_then(of);
        let mut set = Set {
            handle: row.long(16).unwrap_or(0),
            data,
            interval: flags & SET_INTERVAL != 0,
            constant: flags & SET_CONSTANT != 0 && flags & SET_ANONYMOUS != 0,
            ..Set::new(&name, key)
        };
        let attrs = Attrs::default().text(1, table).text(2, &name);
        for (_, elems) in socket.dump(NFTABLES, GET_ELEM, family.number(), &attrs.0)? {
            if let Some(list) = Read(&elems).nest(3) {
                read_elements(&mut set, list);
            }
        }
        close_intervals(&mut set);
        out.insert(name, set);
    }
    Ok(out)
}

/// Elements as they come; an interval's end is marked by a span that is upside down.
fn read_elements(set: &mut Set, list: Read<'_>) {
    let layout = layout_of(set.key);
    for (_, elem) in list.each() {
        let elem = Read(elem);
        let Some(bytes) = elem.nest(1).and_then(|key| key.get(1)) else { continue };
        let verdict = elem.nest(2).and_then(|data| data.nest(2)).and_then(decode::verdict);
        if set.key == SetType::Ifname {
            let name = bytes.split(|b| *b == 0).next().unwrap_or_default();
            set.elems.push(Elem { verdict, ..Elem::named(&String::from_utf8_lossy(name)) });
            continue;
        }
        let Some(value) = layout.read(bytes) else { continue };
        let ends = elem.word(3).unwrap_or(0) & ELEM_INTERVAL_END != 0;
        let span = if ends { Span { lo: value, hi: 0 } } else { Span::one(value) };
        set.elems.push(Elem { verdict, ..Elem::span(span) });
    }
}

fn close_intervals(set: &mut Set) {
    set.elems.sort_by(|a, b| a.order().cmp(&b.order()));
    if !set.interval {
        return;
    }
    let bits = layout_of(set.key).bytes * 8;
    let last = if bits == 128 { u128::MAX } else { (1u128 << bits) - 1 };
    let marks = std::mem::take(&mut set.elems);
    for (i, elem) in marks.iter().enumerate() {
        if elem.span.hi < elem.span.lo {
            continue;
        }
        let hi = marks.get(i + 1).map_or(last, |next| next.span.lo - 1);
        set.elems.push(Elem { span: Span::new(elem.span.lo, hi), ..elem.clone() });
    }
}

fn connection(row: Read<'_>) -> Option<Connection> {
    const SEEN_REPLY: u32 = 2;
    const ASSURED: u32 = 4;
    let status = row.word(3)?;
    let state = row.nest(4).and_then(|info| info.nest(1)).and_then(|tcp| tcp.byte(1));
    Some(Connection {
        original: tuple(row.nest(1)?)?,
        reply: tuple(row.nest(2)?)?,
        timeout_s: row.word(7).unwrap_or(0),
        tcp_state: state.and_then(|s| TCP_STATES.get(usize::from(s))).map(|s| (*s).to_owned()),
        seen_reply: status & SEEN_REPLY != 0,
        assured: status & ASSURED != 0,
        mark: row.word(8).unwrap_or(0),
    })
}

fn tuple(row: Read<'_>) -> Option<Tuple> {
    let (ip, proto) = (row.nest(1)?, row.nest(2)?);
    let v4 = |kind| Some(IpAddr::from(<[u8; 4]>::try_from(ip.get(kind)?).ok()?));
    let v6 = |kind| Some(IpAddr::from(<[u8; 16]>::try_from(ip.get(kind)?).ok()?));
    let (src, dst) = (v4(1).or_else(|| v6(3))?, v4(2).or_else(|| v6(4))?);
    let icmp = |id, kind, code| Some((proto.half(id)?, u16::from_be_bytes([proto.byte(kind)?, proto.byte(code)?])));
    let ports = proto.half(2).zip(proto.half(3));
    let (sport, dport) = icmp(4, 5, 6).or_else(|| icmp(7, 8, 9)).or(ports).unwrap_or((0, 0));
    Some(Tuple { src, dst, proto: proto.byte(1)?, sport, dport })
}
