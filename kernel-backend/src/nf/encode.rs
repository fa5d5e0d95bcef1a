//! Statements as nf_tables expressions.
//!
//! Kernel counterpart: `nft_*.c`, `include/uapi/linux/netfilter/nf_tables.h`; the same expressions in the same order as nft
//! makes, so that nft lists what was written. Deliberately absent: rules in another's tongue.

use super::attr::Attrs;
use nettwin_model::rules::{
    Cmp, Elem, Family, Key, Level4, Match, Nat, NatKind, Operand, RejectWith, Set, SetType, Span, Stmt, Verdict,
};
use nettwin_model::{Errno, Fault};
use std::net::IpAddr;

/// Where values are kept: the first and the second 128-bit register.
pub(super) const REG_1: u32 = 1;
const REG_2: u32 = 2;
const REG_3: u32 = 3;
const REG_4: u32 = 4;
const REG_VERDICT: u32 = 0;

/// A value that is read, and how it lies in its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) bytes: usize,
    /// In the machine's own order.
    pub(super) native: bool,
}

impl Layout {
    pub(super) fn write(self, value: u128) -> Vec<u8> {
        let all = value.to_be_bytes();
        let mut out = all[16 - self.bytes..].to_vec();
        if self.native && cfg!(target_endian = "little") {
            out.reverse();
        }
        out
    }

    pub(super) fn read(self, bytes: &[u8]) -> Option<u128> {
        let mut bytes = bytes.get(..self.bytes)?.to_vec();
        if self.native && cfg!(target_endian = "little") {
            bytes.reverse();
        }
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
    }
}

/// Where a key's value is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Meta(u32),
    Ct(u32),
    /// Base (link 0, network 1, transport 2), offset and length.
    Payload(u32, u32, u32),
    /// Flags of a lookup for an address's type.
    Fib(u32),
}

/// What must be so for a value to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// IPv4 or IPv6, in a family that has both.
    Nfproto(u8),
    /// This protocol.
    L4proto(u8),
}

/// Each key with its source, its layout and what it needs.
pub(super) const KEYS: &[(Key, Source, Layout, Needs)] = &[
    (Key::Nfproto, Source::Meta(15), BYTE, Needs::Nothing),
    (Key::L4proto, Source::Meta(16), BYTE, Needs::Nothing),
    (Key::Length, Source::Meta(0), WORD, Needs::Nothing),
    (Key::Protocol, Source::Meta(1), HALF, Needs::Nothing),
    (Key::Mark, Source::Meta(3), WORD, Needs::Nothing),
    (Key::Iif, Source::Meta(4), WORD, Needs::Nothing),
    (Key::Oif, Source::Meta(5), WORD, Needs::Nothing),
    (Key::PktType, Source::Meta(19), BYTE, Needs::Nothing),
    (Key::EtherSaddr, Source::Payload(0, 6, 6), MAC, Needs::Nothing),
    (Key::EtherDaddr, Source::Payload(0, 0, 6), MAC, Needs::Nothing),
    (Key::IpSaddr, Source::Payload(1, 12, 4), ADDR4, Needs::Nfproto(2)),
    (Key::IpDaddr, Source::Payload(1, 16, 4), ADDR4, Needs::Nfproto(2)),
    (Key::IpProtocol, Source::Payload(1, 9, 1), BYTE, Needs::Nfproto(2)),
    (Key::IpTtl, Source::Payload(1, 8, 1), BYTE, Needs::Nfproto(2)),
    (Key::IpLength, Source::Payload(1, 2, 2), HALF, Needs::Nfproto(2)),
    (Key::IpFragOff, Source::Payload(1, 6, 2), HALF, Needs::Nfproto(2)),
    (Key::IpId, Source::Payload(1, 4, 2), HALF, Needs::Nfproto(2)),
    (Key::Ip6Saddr, Source::Payload(1, 8, 16), ADDR6, Needs::Nfproto(10)),
    (Key::Ip6Daddr, Source::Payload(1, 24, 16), ADDR6, Needs::Nfproto(10)),
    (Key::Sport(Level4::Any), Source::Payload(2, 0, 2), HALF, Needs::Nothing),
    (Key::Dport(Level4::Any), Source::Payload(2, 2, 2), HALF, Needs::Nothing),
    (Key::Sport(Level4::Tcp), Source::Payload(2, 0, 2), HALF, Needs::L4proto(6)),
    (Key::Dport(Level4::Tcp), Source::Payload(2, 2, 2), HALF, Needs::L4proto(6)),
    (Key::Sport(Level4::Udp), Source::Payload(2, 0, 2), HALF, Needs::L4proto(17)),
    (Key::Dport(Level4::Udp), Source::Payload(2, 2, 2), HALF, Needs::L4proto(17)),
    (Key::TcpFlags, Source::Payload(2, 13, 1), BYTE, Needs::L4proto(6)),
    (Key::UdpLength, Source::Payload(2, 4, 2), HALF, Needs::L4proto(17)),
    (Key::IcmpType, Source::Payload(2, 0, 1), BYTE, Needs::L4proto(1)),
    (Key::IcmpCode, Source::Payload(2, 1, 1), BYTE, Needs::L4proto(1)),
    (Key::CtState, Source::Ct(0), WORD, Needs::Nothing),
    (Key::CtDirection, Source::Ct(1), BYTE, Needs::Nothing),
    (Key::CtStatus, Source::Ct(2), WORD, Needs::Nothing),
    (Key::CtMark, Source::Ct(3), WORD, Needs::Nothing),
    (Key::SaddrType, Source::Fib(1), WORD, Needs::Nothing),
    (Key::DaddrType, Source::Fib(2), WORD, Needs::Nothing),
];

const BYTE: Layout = Layout { bytes: 1, native: false };
const HALF: Layout = Layout { bytes: 2, native: false };
const WORD: Layout = Layout { bytes: 4, native: true };
const ADDR4: Layout = Layout { bytes: 4, native: false };
const ADDR6: Layout = Layout { bytes: 16, native: false };
const MAC: Layout = Layout { bytes: 6, native: false };
/// `IFNAMSIZ`.
pub(super) const NAME_BYTES: usize = 16;

/// A rule's expressions, and the sets that they need.
pub(super) struct Encoder<'a> {
    pub(super) family: Family,
    out: Attrs,
    /// Sets without a name: their number and what is in them.
    pub(super) sets: Vec<(u32, Set)>,
    next_set: &'a mut u32,
    /// What the rule has asked for already.
    known: Vec<Needs>,
}

fn unsupported(what: &str) -> Fault {
    Fault::Missing {
        capability: format!("{what} in a rule for the kernel"),
        remedy: "use the simulator, or write it otherwise".into(),
    }
}

impl<'a> Encoder<'a> {
    pub(super) fn new(family: Family, next_set: &'a mut u32) -> Self {
        Encoder { family, out: Attrs::default(), sets: Vec::new(), next_set, known: Vec::new() }
    }

    /// The list of expressions.
    pub(super) fn rule(mut self, stmts: &[Stmt]) -> Result<(Attrs, Vec<(u32, Set)>), Fault> {
        for stmt in stmts {
            self.stmt(stmt)?;
        }
        Ok((self.out, self.sets))
    }

    fn add(&mut self, name: &str, data: Attrs) {
        const NFTA_LIST_ELEM: u16 = 1;
        let expr = Attrs::default().text(1, name).nest(2, data);
        self.out = std::mem::take(&mut self.out).nest(NFTA_LIST_ELEM, expr);
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result<(), Fault> {
        let attrs = Attrs::default;
        match stmt {
            Stmt::Match(m) => self.matches(m)?,
            Stmt::Counter { packets, bytes } => self.add("counter", attrs().long(1, *bytes).long(2, *packets)),
            Stmt::Limit(limit) => {
                let data = attrs()
                    .long(1, limit.rate)
                    .long(2, limit.per.seconds())
                    .word(3, limit.burst)
                    .word(4, limit.bytes.into());
                self.add("limit", data.word(5, u32::from(limit.over)));
            }
            Stmt::Log(log) => {
                let mut data = attrs();
                if let Some(prefix) = &log.prefix {
                    data = data.text(2, prefix);
                }
                if let Some(level) = log.level {
                    data = data.word(5, level.into());
                }
                if log.flags != 0 {
                    data = data.word(6, log.flags.into());
                }
                self.add("log", data);
            }
            Stmt::Verdict(verdict) => {
                self.add("immediate", attrs().word(1, REG_VERDICT).nest(2, verdict_data(verdict)));
            }
            Stmt::Vmap { key, map } => self.vmap(*key, map)?,
            Stmt::Tuple { .. } | Stmt::TupleVmap { .. } => {
                return Err(unsupported("values that are looked at together"));
            }
            Stmt::Dynset(_) => return Err(unsupported("a set that packets change")),
            Stmt::NatBy { .. } | Stmt::MarkBy { .. } => return Err(unsupported("a map to values")),
            Stmt::Reject(with) => {
                let (kind, code) = match with {
                    RejectWith::Icmp(code) | RejectWith::Icmp6(code) => (0, *code),
                    RejectWith::TcpReset => (1, 0),
                    RejectWith::Icmpx(code) => (2, *code),
                };
                if kind == 1 {
                    self.needs(Needs::L4proto(6));
                }
                self.add("reject", attrs().word(1, kind).bytes(2, &[code]));
            }
            Stmt::Nat(nat) => self.nat(nat),
            Stmt::SetMark { and, xor } => self.mark(true, *and, *xor),
            Stmt::SetCtMark { and, xor } => self.mark(false, *and, *xor),
            Stmt::SaveMark => {
                self.add("meta", attrs().word(1, REG_1).word(2, 3));
                self.add("ct", attrs().word(2, 3).word(4, REG_1));
            }
            Stmt::RestoreMark => {
                self.add("ct", attrs().word(1, REG_1).word(2, 3));
                self.add("meta", attrs().word(2, 3).word(3, REG_1));
            }
            Stmt::Quota(quota) => {
                let data = attrs().long(1, quota.bytes).word(2, quota.over.into());
                self.add("quota", data.long(4, quota.used));
            }
            Stmt::Object { .. } => return Err(unsupported("an object with a name")),
            Stmt::Notrack => self.add("notrack", attrs()),
            Stmt::TcpMss(to) => {
                self.needs(Needs::L4proto(6));
                match to {
                    Some(mss) => self.immediate(REG_1, &mss.to_be_bytes()),
                    None => self.add("rt", attrs().word(1, REG_1).word(2, 3)),
                }
                let place = attrs().word(7, REG_1).bytes(2, &[2]).word(3, 2).word(4, 2).word(5, 0).word(6, 1);
                self.add("exthdr", place);
            }
        }
        Ok(())
    }

    /// Asks for what a value needs, unless the rule has done so.
    fn needs(&mut self, needs: Needs) {
        let (meta, value) = match needs {
            Needs::Nothing => return,
            Needs::Nfproto(_) if self.family != Family::Inet => return,
            Needs::Nfproto(n) => (15, n),
            Needs::L4proto(n) => (16, n),
        };
        if self.known.contains(&needs) {
            return;
        }
        self.known.push(needs);
        self.add("meta", Attrs::default().word(1, REG_1).word(2, meta));
        self.compare(Cmp::Eq, &[value]);
    }

    fn compare(&mut self, cmp: Cmp, value: &[u8]) {
        let op = match cmp {
            Cmp::Eq => 0,
            Cmp::Ne => 1,
            Cmp::Lt => 2,
            Cmp::Le => 3,
            Cmp::Gt => 4,
            Cmp::Ge => 5,
        };
        self.add("cmp", Attrs::default().word(1, REG_1).word(2, op).nest(3, data_value(value)));
    }

    fn immediate(&mut self, register: u32, value: &[u8]) {
        self.add("immediate", Attrs::default().word(1, register).nest(2, data_value(value)));
    }

    /// Reads a key into the first register.
    fn load(&mut self, key: Key) -> Result<Layout, Fault> {
        let attrs = Attrs::default;
        let Some((_, source, layout, needs)) = KEYS.iter().find(|(k, ..)| *k == key) else {
            return Err(unsupported(&format!("{key:?}")));
        };
        self.needs(*needs);
        match *source {
            Source::Meta(which) => self.add("meta", attrs().word(1, REG_1).word(2, which)),
            Source::Ct(which) => self.add("ct", attrs().word(1, REG_1).word(2, which)),
            Source::Payload(base, offset, length) => {
                self.add("payload", attrs().word(1, REG_1).word(2, base).word(3, offset).word(4, length));
            }
            Source::Fib(flags) => self.add("fib", attrs().word(1, REG_1).word(2, 3).word(3, flags)),
        }
        Ok(*layout)
    }

    fn matches(&mut self, m: &Match) -> Result<(), Fault> {
        if matches!(m.key, Key::Iifname | Key::Oifname) {
            return self.names(m);
        }
        let layout = self.load(m.key)?;
        if let Some(mask) = m.mask {
            self.bitwise(layout, mask, 0);
        }
        match (&m.to, m.cmp) {
            (Operand::Bits(bits), cmp) => {
                self.bitwise(layout, *bits, 0);
                let cmp = if cmp == Cmp::Ne { Cmp::Eq } else { Cmp::Ne };
                self.compare(cmp, &layout.write(0));
            }
            (Operand::Spans(spans), cmp @ (Cmp::Eq | Cmp::Ne)) => match spans.as_slice() {
                [one] => self.span(layout, cmp, *one),
                many => {
                    let elems = many.iter().map(|s| Elem::span(*s)).collect();
                    self.lookup_anonymous(m.key, cmp, elems)?;
                }
            },
            (Operand::Spans(spans), cmp) => match spans.as_slice() {
                [Span { lo, .. }] => self.compare(cmp, &layout.write(*lo)),
                _ => return Err(Fault::errno(Errno::EINVAL)),
            },
            (Operand::Set(name), cmp) => self.lookup(name, None, cmp == Cmp::Ne),
            (Operand::Range(span), cmp) => self.range(layout, cmp, *span),
            (Operand::Map(elems), cmp) => self.lookup_anonymous(m.key, cmp, elems.clone())?,
            (Operand::Names(_), _) => return Err(Fault::errno(Errno::EINVAL)),
        }
        Ok(())
    }

    fn span(&mut self, layout: Layout, cmp: Cmp, span: Span) {
        if span.is_one() {
            return self.compare(cmp, &layout.write(span.lo));
        }
        // Bytes fit 16, and the layout's bits are at most 128.
        let bits = (layout.bytes * 8) as u8;
        match span.prefix_len(bits).filter(|_| !layout.native && layout.bytes >= 4) {
            Some(len) => {
                let host = u32::from(bits - len);
                let ones = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
                let mask = if host >= 128 { 0 } else { (ones >> host) << host };
                let data = Attrs::default().word(1, REG_1).word(2, REG_1).word(3, u32::from(bits) / 8);
                let data = data.nest(4, data_value(&layout.write(mask))).nest(5, data_value(&layout.write(0)));
                self.add("bitwise", data);
                self.compare(cmp, &layout.write(span.lo));
            }
            None => self.range(layout, cmp, span),
        }
    }

    fn range(&mut self, layout: Layout, cmp: Cmp, span: Span) {
        let data = Attrs::default().word(1, REG_1).word(2, u32::from(cmp == Cmp::Ne));
        let data = data.nest(3, data_value(&layout.write(span.lo)));
        self.add("range", data.nest(4, data_value(&layout.write(span.hi))));
    }

    fn bitwise(&mut self, layout: Layout, mask: u32, xor: u32) {
        // At most 16.
        let length = layout.bytes as u32;
        let data = Attrs::default().word(1, REG_1).word(2, REG_1).word(3, length);
        let data = data.nest(4, data_value(&layout.write(mask.into()))).nest(5, data_value(&layout.write(xor.into())));
        self.add("bitwise", data);
    }

    fn names(&mut self, m: &Match) -> Result<(), Fault> {
        let which = if m.key == Key::Iifname { 6 } else { 7 };
        match &m.to {
            Operand::Names(names) => match names.as_slice() {
                [one] => {
                    self.add("meta", Attrs::default().word(1, REG_1).word(2, which));
                    let value = match one.strip_suffix('*') {
                        Some(start) => start.as_bytes().to_vec(),
                        None => padded(one),
                    };
                    self.compare(m.cmp, &value);
                }
                many => {
                    if many.iter().any(|n| n.ends_with('*')) {
                        return Err(unsupported("several interface names with wildcards"));
                    }
                    self.add("meta", Attrs::default().word(1, REG_1).word(2, which));
                    let elems = many.iter().map(|n| Elem::named(n)).collect();
                    self.lookup_anonymous(m.key, m.cmp, elems)?;
                }
            },
            Operand::Set(name) => {
                self.add("meta", Attrs::default().word(1, REG_1).word(2, which));
                self.lookup(name, None, m.cmp == Cmp::Ne);
            }
            _ => return Err(Fault::errno(Errno::EINVAL)),
        }
        Ok(())
    }

    fn lookup_anonymous(&mut self, key: Key, cmp: Cmp, elems: Vec<Elem>) -> Result<(), Fault> {
        let id = self.anonymous(key, None, elems)?;
        self.lookup("__set%d", Some(id), cmp == Cmp::Ne);
        Ok(())
    }

    fn anonymous(&mut self, key: Key, data: Option<SetType>, elems: Vec<Elem>) -> Result<u32, Fault> {
        let kind = nettwin_model::rules::words::key_type(key);
        if kind == SetType::Integer {
            return Err(unsupported(&format!("a set of {key:?}")));
        }
        *self.next_set += 1;
        let interval = elems.iter().any(|e| !e.span.is_one());
        let name = if data.is_some() { "__map%d" } else { "__set%d" };
        let set = Set { data, interval, constant: true, elems, ..Set::new(name, kind) };
        self.sets.push((*self.next_set, set));
        Ok(*self.next_set)
    }

    fn lookup(&mut self, name: &str, id: Option<u32>, not: bool) {
        let mut data = Attrs::default().text(1, name).word(2, REG_1);
        if let Some(id) = id {
            data = data.word(4, id);
        }
        if not {
            data = data.word(5, 1);
        }
        self.add("lookup", data);
    }

    fn vmap(&mut self, key: Key, map: &Operand) -> Result<(), Fault> {
        if matches!(key, Key::Iifname | Key::Oifname) {
            let which = if key == Key::Iifname { 6 } else { 7 };
            self.add("meta", Attrs::default().word(1, REG_1).word(2, which));
        } else {
            self.load(key)?;
        }
        let (name, id) = match map {
            Operand::Set(name) => (name.clone(), None),
            Operand::Map(elems) => {
                ("__map%d".to_owned(), Some(self.anonymous(key, Some(SetType::Verdict), elems.clone())?))
            }
            _ => return Err(Fault::errno(Errno::EINVAL)),
        };
        let mut data = Attrs::default().text(1, &name).word(2, REG_1).word(3, REG_VERDICT);
        if let Some(id) = id {
            data = data.word(4, id);
        }
        self.add("lookup", data);
        Ok(())
    }

    fn mark(&mut self, packet: bool, and: u32, xor: u32) {
        let (name, set) = if packet { ("meta", 3) } else { ("ct", 4) };
        if and == 0 {
            self.immediate(REG_1, &WORD.write(xor.into()));
        } else {
            self.add(name, Attrs::default().word(1, REG_1).word(2, 3));
            self.bitwise(WORD, and, xor);
        }
        self.add(name, Attrs::default().word(2, 3).word(set, REG_1));
    }

    fn nat(&mut self, nat: &Nat) {
        let bytes = |addr: IpAddr| match addr {
            IpAddr::V4(a) => a.octets().to_vec(),
            IpAddr::V6(a) => a.octets().to_vec(),
        };
        let mut flags = 0;
        flags |= if nat.random { 4 } else { 0 };
        flags |= if nat.persistent { 8 } else { 0 };
        flags |= if nat.fully_random { 16 } else { 0 };
        let (mut addr_regs, mut port_regs) = (None, None);
        if let Some((lo, hi)) = nat.addrs {
            self.immediate(REG_1, &bytes(lo));
            if hi != lo {
                self.immediate(REG_2, &bytes(hi));
            }
            addr_regs = Some((REG_1, if hi == lo { REG_1 } else { REG_2 }));
            flags |= 1;
        }
        if let Some((lo, hi)) = nat.ports {
            self.immediate(REG_3, &lo.to_be_bytes());
            if hi != lo {
                self.immediate(REG_4, &hi.to_be_bytes());
            }
            port_regs = Some((REG_3, if hi == lo { REG_3 } else { REG_4 }));
            flags |= 2;
        }
        let attrs = Attrs::default;
        match nat.kind {
            NatKind::Snat | NatKind::Dnat => {
                let family = if nat.addrs.is_some_and(|(lo, _)| lo.is_ipv6()) { 10 } else { 2 };
                let mut data = attrs().word(1, u32::from(nat.kind == NatKind::Dnat)).word(2, family);
                if let Some((lo, hi)) = addr_regs {
                    data = data.word(3, lo).word(4, hi);
                }
                if let Some((lo, hi)) = port_regs {
                    data = data.word(5, lo).word(6, hi);
                }
                self.add("nat", if flags == 0 { data } else { data.word(7, flags) });
            }
            NatKind::Masquerade => {
                let data = if flags & !3 == 0 && port_regs.is_none() { attrs() } else { attrs().word(1, flags) };
                self.add("masq", port_regs.map_or(data.clone(), |(lo, hi)| data.word(2, lo).word(3, hi)));
            }
            NatKind::Redirect => {
                let data = port_regs.map_or_else(attrs, |(lo, hi)| attrs().word(1, lo).word(2, hi));
                self.add("redir", if flags == 0 { data } else { data.word(3, flags) });
            }
        }
    }
}

/// A name as long as names can be.
pub(super) fn padded(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(NAME_BYTES, 0);
    bytes
}

fn data_value(value: &[u8]) -> Attrs {
    Attrs::default().bytes(1, value)
}

/// A decision, as data.
pub(super) fn verdict_data(verdict: &Verdict) -> Attrs {
    let code = |code: i32| Attrs::default().word(1, code.cast_unsigned());
    let inner = match verdict {
        Verdict::Drop => code(0),
        Verdict::Accept => code(1),
        Verdict::Continue => code(-1),
        Verdict::Return => code(-5),
        Verdict::Jump(chain) => code(-3).text(2, chain),
        Verdict::Goto(chain) => code(-4).text(2, chain),
    };
    Attrs::default().nest(2, inner)
}

/// How a set type's values lie.
pub(super) fn layout_of(kind: SetType) -> Layout {
    match kind {
        SetType::Ipv4Addr => ADDR4,
        SetType::Ipv6Addr => ADDR6,
        SetType::EtherAddr => MAC,
        SetType::InetService | SetType::EtherType => HALF,
        SetType::Ifname => Layout { bytes: NAME_BYTES, native: false },
        SetType::Mark
        | SetType::CtState
        | SetType::CtStatus
        | SetType::IfaceIndex
        | SetType::FibAddrtype
        | SetType::Verdict => WORD,
        // Whoever asks for a set of these looks at a byte.
        SetType::Integer
        | SetType::InetProto
        | SetType::NfProto
        | SetType::IcmpType
        | SetType::IcmpCode
        | SetType::Icmp6Type
        | SetType::Icmp6Code
        | SetType::PktType
        | SetType::CtDir
        | SetType::TcpFlag
        | SetType::Dscp => BYTE,
    }
}
