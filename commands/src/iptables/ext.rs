//! The matches and targets that are known: their options, and what these mean.
//!
//! Counterpart: iptables' `extensions/libxt_*.c`, `libipt_*.c`, `libip6t_*.c`. One that exists and is not known here is refused by name.

use super::names::address;
use super::parse::{Stop, unsupported, usage};
use super::values::{
    LOG_LEVELS, address_kinds, icmp_type, icmp6_type, integer, port_list, port_range, rate, reject, states, tcp_flags,
    udp_port_range, word32,
};
use crate::names::Services;
use nettwin_model::Mac;
use nettwin_model::rules::xt::{Is, Multiport, Ports, XtMatch, XtTarget};
use nettwin_model::rules::{Family, Level4, Limit, Log, Nat, NatKind, Rate, RejectWith};
use std::net::IpAddr;

/// An extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Udp,
    Icmp,
    Icmp6,
    Multiport,
    State,
    Conntrack,
    Mark,
    Connmark,
    Limit,
    Comment,
    Mac,
    Addrtype,
    Iprange,
    Pkttype,
    RejectTarget,
    LogTarget,
    Masquerade,
    Snat,
    Dnat,
    Redirect,
    MarkTarget,
    ConnmarkTarget,
    Notrack,
    Ct,
    Tcpmss,
}

const MATCHES: &[(&str, Kind)] = &[
    ("tcp", Kind::Tcp),
    ("udp", Kind::Udp),
    ("icmp", Kind::Icmp),
    ("icmp6", Kind::Icmp6),
    ("multiport", Kind::Multiport),
    ("state", Kind::State),
    ("conntrack", Kind::Conntrack),
    ("mark", Kind::Mark),
    ("connmark", Kind::Connmark),
    ("limit", Kind::Limit),
    ("comment", Kind::Comment),
    ("mac", Kind::Mac),
    ("addrtype", Kind::Addrtype),
    ("iprange", Kind::Iprange),
    ("pkttype", Kind::Pkttype),
];

const TARGETS: &[(&str, Kind)] = &[
    ("REJECT", Kind::RejectTarget),
    ("LOG", Kind::LogTarget),
    ("MASQUERADE", Kind::Masquerade),
    ("SNAT", Kind::Snat),
    ("DNAT", Kind::Dnat),
    ("REDIRECT", Kind::Redirect),
    ("MARK", Kind::MarkTarget),
    ("CONNMARK", Kind::ConnmarkTarget),
    ("NOTRACK", Kind::Notrack),
    ("CT", Kind::Ct),
    ("TCPMSS", Kind::Tcpmss),
];

#[rustfmt::skip]
const OTHER_MATCHES: &[&str] = &[
    "ah", "bpf", "cgroup", "cluster", "connbytes", "connlabel", "connlimit", "cpu", "dccp", "devgroup", "dscp", "ecn", "esp", "hashlimit",
    "helper", "ipcomp", "ipvs", "length", "nfacct", "osf", "owner", "physdev", "policy", "quota", "rateest", "recent", "rpfilter", "sctp",
    "set", "socket", "standard", "statistic", "string", "tcpmss", "time", "tos", "u32",
];

/// Those of one family alone.
const OTHER_MATCHES4: &[&str] = &["realm", "ttl"];
const OTHER_MATCHES6: &[&str] = &["dst", "eui64", "frag", "hbh", "hl", "ipv6header", "mh", "rt", "srh"];

#[rustfmt::skip]
const OTHER_TARGETS: &[&str] = &[
    "AUDIT", "CHECKSUM", "CLASSIFY", "CONNSECMARK", "DSCP", "HMARK", "IDLETIMER", "LED", "NETMAP", "NFLOG", "NFQUEUE", "RATEEST",
    "SECMARK", "SET", "SYNPROXY", "TCPOPTSTRIP", "TEE", "TOS", "TPROXY", "TRACE",
];

const OTHER_TARGETS4: &[&str] = &["CLUSTERIP", "ECN", "TTL", "ULOG"];
const OTHER_TARGETS6: &[&str] = &["DNPT", "HL", "SNPT"];

/// The match of that name; `Err` if there is one that is not known here.
pub(super) fn find_match(name: &str, family: Family) -> Option<Result<Kind, ()>> {
    let is_v6 = family == Family::Ip6;
    let name = match name {
        "icmpv6" | "ipv6-icmp" if is_v6 => "icmp6",
        "icmp" if is_v6 => return None,
        "icmp6" if !is_v6 => return None,
        other => other,
    };
    find(name, MATCHES, &[OTHER_MATCHES, if is_v6 { OTHER_MATCHES6 } else { OTHER_MATCHES4 }])
}

/// The target of that name.
pub(super) fn find_target(name: &str, family: Family) -> Option<Result<Kind, ()>> {
    let more = if family == Family::Ip6 { OTHER_TARGETS6 } else { OTHER_TARGETS4 };
    find(name, TARGETS, &[OTHER_TARGETS, more])
}

fn find(name: &str, known: &[(&str, Kind)], other: &[&[&str]]) -> Option<Result<Kind, ()>> {
    let kind = known.iter().find(|(n, _)| *n == name).map(|(_, kind)| Ok(*kind));
    kind.or_else(|| other.concat().contains(&name).then_some(Err(())))
}

/// An option of an extension.
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) more: Option<String>,
    pub(super) not: bool,
}

/// What an extension comes to.
pub(super) enum Made {
    Match(XtMatch),
    Target(XtTarget),
}

/// An extension in the making.
#[derive(Debug)]
pub(super) struct Ext {
    pub(super) kind: Kind,
    family: Family,
    given: Vec<&'static str>,
    sport: Option<Is<Ports>>,
    dport: Option<Is<Ports>>,
    flags: Option<Is<(u8, u8)>>,
    icmp: Option<Is<(u8, u8, u8)>>,
    ports: Option<(Multiport, Is<Vec<Ports>>)>,
    bits: Option<Is<u32>>,
    mark: Option<Is<(u32, u32)>>,
    limit: Limit,
    text: String,
    mac: Option<Is<Mac>>,
    kinds: [Option<Is<u16>>; 2],
    ranges: [Option<Is<(IpAddr, IpAddr)>>; 2],
    reject: RejectWith,
    log: Log,
    nat: Nat,
    target: Option<XtTarget>,
}

impl Kind {
    pub(super) fn is_target(self) -> bool {
        TARGETS.iter().any(|(_, kind)| *kind == self)
    }

    pub(super) fn name(self) -> &'static str {
        MATCHES.iter().chain(TARGETS).find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Its options, and how many words each takes.
    pub(super) fn options(self) -> &'static [(&'static str, u8)] {
        match self {
            Kind::Tcp => &[
                ("source-port", 1),
                ("sport", 1),
                ("destination-port", 1),
                ("dport", 1),
                ("syn", 0),
                ("tcp-flags", 1),
                ("tcp-option", 1),
            ],
            Kind::Udp => &[("source-port", 1), ("sport", 1), ("destination-port", 1), ("dport", 1)],
            Kind::Icmp => &[("icmp-type", 1)],
            Kind::Icmp6 => &[("icmpv6-type", 1)],
            Kind::Multiport => {
                &[("source-ports", 1), ("sports", 1), ("destination-ports", 1), ("dports", 1), ("ports", 1)]
            }
            Kind::State => &[("state", 1)],
            Kind::Conntrack => &[
                ("ctstate", 1),
                ("ctproto", 1),
                ("ctorigsrc", 1),
                ("ctorigdst", 1),
                ("ctreplsrc", 1),
                ("ctrepldst", 1),
                ("ctorigsrcport", 1),
                ("ctorigdstport", 1),
                ("ctreplsrcport", 1),
                ("ctrepldstport", 1),
                ("ctstatus", 1),
                ("ctexpire", 1),
                ("ctdir", 1),
            ],
            Kind::Mark | Kind::Connmark => &[("mark", 1)],
            Kind::Limit => &[("limit", 1), ("limit-burst", 1)],
            Kind::Comment => &[("comment", 1)],
            Kind::Mac => &[("mac-source", 1)],
            Kind::Addrtype => &[("src-type", 1), ("dst-type", 1), ("limit-iface-in", 0), ("limit-iface-out", 0)],
            Kind::Iprange => &[("src-range", 1), ("dst-range", 1)],
            Kind::Pkttype => &[("pkt-type", 1)],
            Kind::RejectTarget => &[("reject-with", 1)],
            Kind::LogTarget => &[
                ("log-level", 1),
                ("log-prefix", 1),
                ("log-tcp-sequence", 0),
                ("log-tcp-options", 0),
                ("log-ip-options", 0),
                ("log-uid", 0),
                ("log-macdecode", 0),
            ],
            Kind::Masquerade => &[("to-ports", 1), ("random", 0), ("random-fully", 0)],
            Kind::Snat => &[("to-source", 1), ("random", 0), ("random-fully", 0), ("persistent", 0)],
            Kind::Dnat => &[("to-destination", 1), ("random", 0), ("persistent", 0)],
            Kind::Redirect => &[("to-ports", 1), ("random", 0)],
            Kind::MarkTarget => &[("set-xmark", 1), ("set-mark", 1), ("and-mark", 1), ("or-mark", 1), ("xor-mark", 1)],
            Kind::ConnmarkTarget => &[
                ("set-xmark", 1),
                ("set-mark", 1),
                ("and-mark", 1),
                ("or-mark", 1),
                ("xor-mark", 1),
                ("save-mark", 0),
                ("restore-mark", 0),
                ("ctmask", 1),
                ("nfmask", 1),
                ("mask", 1),
            ],
            Kind::Notrack => &[],
            Kind::Ct => &[("notrack", 0), ("helper", 1), ("zone", 1), ("timeout", 1), ("ctevents", 1)],
            Kind::Tcpmss => &[("set-mss", 1), ("clamp-mss-to-pmtu", 0)],
        }
    }
}

impl Ext {
    pub(super) fn new(kind: Kind, family: Family) -> Self {
        let nat = Nat::new(match kind {
            Kind::Snat => NatKind::Snat,
            Kind::Dnat => NatKind::Dnat,
            Kind::Redirect => NatKind::Redirect,
            _ => NatKind::Masquerade,
        });
        Ext {
            kind,
            family,
            given: Vec::new(),
            sport: None,
            dport: None,
            flags: None,
            icmp: None,
            ports: None,
            bits: None,
            mark: None,
            limit: Limit { rate: 3, per: Rate::Hour, burst: 5, over: false, bytes: false },
            text: String::new(),
            mac: None,
            kinds: [None; 2],
            ranges: [None; 2],
            reject: if family == Family::Ip6 { RejectWith::Icmp6(4) } else { RejectWith::Icmp(3) },
            log: Log::default(),
            nat,
            target: None,
        }
    }

    /// Takes one of its options.
    pub(super) fn take(&mut self, given: Given, proto: Option<Is<u8>>, services: &Services) -> Result<(), Stop> {
        let Given { name, value, more, not } = given;
        let name = match name {
            "sport" => "source-port",
            "dport" => "destination-port",
            "sports" => "source-ports",
            "dports" => "destination-ports",
            other => other,
        };
        if matches!(name, "syn" | "tcp-flags") && self.flags.is_some() {
            return usage("Only one of `--syn' or `--tcp-flags'  allowed");
        }
        if matches!(self.kind, Kind::Tcp) && self.given.contains(&name) {
            return usage(format!("Only one `--{name}' allowed"));
        }
        if not && !self.may_be_inverted(name) {
            return usage(format!("{}: option \"--{name}\" cannot be inverted.\n", self.kind.name()));
        }
        if self.given.contains(&name) {
            return usage(format!("{}: option \"--{name}\" can only be used once.\n", self.kind.name()));
        }
        self.given.push(name);
        let level4 = if self.kind == Kind::Udp { "udp" } else { "tcp" };
        match (self.kind, name) {
            (Kind::Tcp | Kind::Udp, "source-port" | "destination-port") => {
                let what = match self.kind {
                    Kind::Tcp => port_range(&value, level4, services)?,
                    _ => udp_port_range(name, &value, services)?,
                };
                // All of them are as good as none.
                let ports = Some(Is { what, not }).filter(|_| what != (0, u16::MAX) || not);
                *if name == "source-port" { &mut self.sport } else { &mut self.dport } = ports;
            }
            (Kind::Tcp, "syn") => self.flags = Some(Is { what: (0x17, 0x02), not }),
            (Kind::Tcp, "tcp-flags") => {
                let Some(comp) = more else { return usage("--tcp-flags requires two args.") };
                self.flags = Some(Is { what: (tcp_flags(&value)?, tcp_flags(&comp)?), not });
            }
            (Kind::Icmp | Kind::Icmp6, _) => {
                let what = if self.kind == Kind::Icmp { icmp_type(&value)? } else { icmp6_type(&value)? };
                if not && what.0 != 255 && (what.1, what.2) != (0, 255) {
                    return unsupported(&format!("! --{name} with a code"));
                }
                self.icmp = Some(Is { what, not });
            }
            (Kind::Multiport, name) => {
                let proto = match proto {
                    Some(Is { what: 6, not: false }) => "tcp",
                    Some(Is { what: 17 | 33 | 132 | 136, not: false }) => "udp",
                    None => {
                        return usage("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
                    }
                    Some(_) => return usage("multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP"),
                };
                let which = match name {
                    "source-ports" => Multiport::Source,
                    "destination-ports" => Multiport::Destination,
                    _ => return unsupported("multiport --ports"),
                };
                self.ports = Some((which, Is { what: port_list(&value, proto, services)?, not }));
            }
            (Kind::State, _) => self.bits = Some(Is { what: states(&value, false)?, not }),
            (Kind::Conntrack, "ctstate") => {
                let what = states(&value, true)?;
                if what >> 16 != 0 && what & 0xffff != 0 {
                    return unsupported("--ctstate with SNAT or DNAT among others");
                }
                self.bits = Some(Is { what, not });
            }
            (Kind::Conntrack, other) => return unsupported(&format!("conntrack --{other}")),
            (Kind::Mark | Kind::Connmark, _) => self.mark = Some(Is { what: self.masked(name, &value)?, not }),
            (Kind::Limit, "limit") => (self.limit.rate, self.limit.per) = rate(&value)?,
            (Kind::Limit, _) => match word32(&value).filter(|n| *n <= 10000) {
                // 0 is as good as nothing said.
                Some(burst) => self.limit.burst = if burst == 0 { 5 } else { burst },
                None => return usage("limit: bad value for option \"--limit-burst\", or out of range (0-10000).\n"),
            },
            (Kind::Comment, _) => match value.len() {
                0..256 => self.text = value,
                _ => return usage(format!("comment: bad value for option \"--{name}\".")),
            },
            (Kind::Mac, _) => {
                let is_mac = value.len() == 17 && value.split(':').all(|part| part.len() == 2);
                match value.to_lowercase().parse().ok().filter(|_| is_mac) {
                    Some(mac) => self.mac = Some(Is { what: mac, not }),
                    None => return usage("Invalid MAC address specified."),
                }
            }
            (Kind::Addrtype, "src-type") => self.kinds[0] = Some(Is { what: address_kinds(&value)?, not }),
            (Kind::Addrtype, "dst-type") => self.kinds[1] = Some(Is { what: address_kinds(&value)?, not }),
            (Kind::Addrtype, other) => return unsupported(&format!("addrtype --{other}")),
            (Kind::Iprange, _) => {
                let (lo, hi) = value.split_once('-').unwrap_or((&value, &value));
                let read = |text: &str| {
                    let bad = || Stop::Usage(format!("iprange: Bad value for \"--{name}\" option: \"{text}\""));
                    address(text, self.family).ok_or_else(bad)
                };
                let (lo, hi) = (read(lo)?, read(hi)?);
                if lo > hi {
                    return unsupported("a range whose end is before its beginning");
                }
                self.ranges[usize::from(name == "dst-range")] = Some(Is { what: (lo, hi), not });
            }
            (Kind::Pkttype, _) => {
                let kinds =
                    [("unicast", 0), ("host", 0), ("broadcast", 1), ("bcast", 1), ("multicast", 2), ("mcast", 2)];
                match kinds.iter().find(|(word, _)| value.eq_ignore_ascii_case(word)) {
                    Some((_, kind)) => self.bits = Some(Is { what: *kind, not }),
                    None => return usage(format!("Bad packet type '{value}'")),
                }
            }
            (Kind::RejectTarget, _) => self.reject = reject(&value, self.family)?,
            (Kind::LogTarget, name) => self.log_option(name, &value)?,
            (Kind::Masquerade | Kind::Redirect, "to-ports") => self.nat.ports = Some(self.nat_ports(&value, proto)?),
            (Kind::Snat, "to-source") | (Kind::Dnat, "to-destination") => self.nat_range(&value, proto)?,
            (_, "random") => self.nat.random = true,
            (_, "random-fully") => self.nat.fully_random = true,
            (_, "persistent") => self.nat.persistent = true,
            (Kind::MarkTarget | Kind::ConnmarkTarget, name) => self.mark_option(name, &value)?,
            (Kind::Ct, "notrack") => self.target = Some(XtTarget::CtNotrack),
            (Kind::Ct, other) => return unsupported(&format!("CT --{other}")),
            (Kind::Tcpmss, "set-mss") => {
                let most = if self.family == Family::Ip6 { 65495 } else { 65515 };
                match integer(&value).and_then(|n| u16::try_from(n).ok()).filter(|n| *n <= most) {
                    Some(mss) => self.target = Some(XtTarget::Tcpmss(Some(mss))),
                    None => {
                        let what = format!("bad value for option \"--set-mss\", or out of range (0-{most})");
                        return usage(format!("TCPMSS: {what}.\n"));
                    }
                }
            }
            (Kind::Tcpmss, _) => self.target = Some(XtTarget::Tcpmss(None)),
            (_, other) => return unsupported(&format!("--{other}")),
        }
        Ok(())
    }

    fn may_be_inverted(&self, name: &str) -> bool {
        !self.kind.is_target() && !matches!(self.kind, Kind::Limit | Kind::Comment) && !name.starts_with("limit-iface")
    }

    fn masked(&self, name: &str, value: &str) -> Result<(u32, u32), Stop> {
        let (number, mask) = value.split_once('/').map_or((value, None), |(n, m)| (n, Some(m)));
        let mask = mask.map_or(Some(u32::MAX), word32);
        match (word32(number), mask) {
            (Some(number), Some(mask)) => Ok((number, mask)),
            _ => usage(format!("{}: bad integer value for option \"--{name}\", or out of range.\n", self.kind.name())),
        }
    }

    fn mark_option(&mut self, name: &'static str, value: &str) -> Result<(), Stop> {
        let connection = self.kind == Kind::ConnmarkTarget;
        let (value, mask) = match name {
            "ctmask" | "nfmask" | "mask" => match word32(value) {
                Some(_) => return Ok(()),
                None => {
                    return usage(format!(
                        "CONNMARK: bad value for option \"--{name}\", or out of range (0-4294967295).\n"
                    ));
                }
            },
            "set-xmark" => self.masked(name, value)?,
            "set-mark" => {
                let (value, mask) = self.masked(name, value)?;
                (value, mask | value)
            }
            "and-mark" => (0, !self.masked(name, value)?.0),
            "or-mark" => {
                let bits = self.masked(name, value)?.0;
                (bits, bits)
            }
            "xor-mark" => (self.masked(name, value)?.0, 0),
            "save-mark" => {
                self.target = Some(XtTarget::ConnmarkSave);
                return Ok(());
            }
            "restore-mark" => {
                self.target = Some(XtTarget::ConnmarkRestore);
                return Ok(());
            }
            other => return unsupported(&format!("{} --{other}", self.kind.name())),
        };
        self.target = Some(match connection {
            true => XtTarget::ConnmarkSet { value, mask },
            false => XtTarget::Mark { value, mask },
        });
        Ok(())
    }

    fn log_option(&mut self, name: &str, value: &str) -> Result<(), Stop> {
        match name {
            "log-level" => {
                let level = match integer(value) {
                    Some(n) => u8::try_from(n).ok().filter(|n| *n <= 7),
                    None => {
                        LOG_LEVELS.iter().find(|(word, _)| word.starts_with(&value.to_lowercase())).map(|(_, n)| *n)
                    }
                };
                match level {
                    Some(level) => self.log.level = Some(level),
                    None => return usage(format!("log level \"{value}\" unknown\n")),
                }
            }
            "log-prefix" => {
                if value.contains('\n') {
                    return usage("Newlines not allowed in --log-prefix");
                }
                self.log.prefix = Some(value.to_owned()).filter(|p| !p.is_empty());
            }
            "log-tcp-sequence" => self.log.flags |= 1,
            "log-tcp-options" => self.log.flags |= 2,
            "log-ip-options" => self.log.flags |= 4,
            "log-uid" => self.log.flags |= 8,
            _ => self.log.flags |= 0x20,
        }
        Ok(())
    }

    fn nat_ports(&self, text: &str, proto: Option<Is<u8>>) -> Result<(u16, u16), Stop> {
        if !proto.is_some_and(|p| matches!(p.what, 1 | 6 | 17 | 33 | 132)) {
            return usage("Need TCP, UDP, SCTP or DCCP with port specification");
        }
        // A number, and what is behind it.
        let one = |part: &'_ str| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let number = integer(&part[..end]).and_then(|n| u16::try_from(n).ok());
            let number = number.ok_or_else(|| Stop::Usage(format!("Port `{part}' not valid")))?;
            Ok::<_, Stop>((number, part[end..].to_owned()))
        };
        let (lo, rest) = one(text)?;
        let ((hi, rest), last) = match rest.strip_prefix('-') {
            Some(last) => (one(last)?, last.to_owned()),
            None => ((lo, rest), String::new()),
        };
        if !rest.is_empty() {
            return usage(format!("Garbage after port value: `{rest}'"));
        }
        if hi < lo {
            return usage(format!("Port range `{last}' funky"));
        }
        if lo == 0 {
            return unsupported("the port 0");
        }
        Ok((lo, hi))
    }

    fn nat_range(&mut self, text: &str, proto: Option<Is<u8>>) -> Result<(), Stop> {
        let (addrs, ports) = match (text.split_once('['), text.split_once(':')) {
            // IPv6's colons are no port's, unless there is but one.
            (None, Some((_, rest))) if self.family == Family::Ip6 && rest.contains(':') => (text, None),
            (None, Some((addrs, ports))) => (addrs, Some(ports)),
            (None, None) => (text, None),
            (Some(_), _) if self.family == Family::Ip => return usage("Invalid address format"),
            (Some((_, rest)), _) => match rest.split_once(']') {
                Some((addrs, rest)) => (addrs, rest.split_once(':').map(|(_, ports)| ports)),
                None => return usage("Invalid address format"),
            },
        };
        if let Some(ports) = ports {
            if ports.contains('/') {
                return unsupported("a shifted range of ports");
            }
            self.nat.ports = Some(self.nat_ports(ports, proto)?);
        }
        if addrs.is_empty() && ports.is_some() {
            return Ok(());
        }
        let one = |text: &str| {
            let is_whole = self.family == Family::Ip6 || text.split('.').count() == 4;
            let addr = address(text, self.family).filter(|_| is_whole);
            addr.ok_or_else(|| Stop::Usage(format!("Bad IP address \"{text}\"")))
        };
        let (lo, hi) = addrs.split_once('-').map_or((addrs, None), |(lo, hi)| (lo, Some(hi)));
        let lo = one(lo)?;
        let hi = hi.map_or(Ok(lo), one)?;
        if hi < lo {
            return unsupported("a range whose end is before its beginning");
        }
        self.nat.addrs = Some((lo, hi));
        Ok(())
    }

    /// Whether all is there that must be (`x6_fcheck`).
    pub(super) fn check(&mut self, proto: Option<Is<u8>>) -> Result<(), Stop> {
        let must = |option: &str| usage(format!("{}: option \"--{option}\" must be specified\n", self.kind.name()));
        // Whether it is that protocol or anything but.
        let is = |number| proto.is_some_and(|p| p.what == number);
        match self.kind {
            // Without options it is left to the kernel.
            Kind::Tcp if !is(6) && !self.given.is_empty() => usage("TCP match requires '-p tcp'"),
            Kind::Udp if !is(17) && !self.given.is_empty() => usage("UDP match requires '-p udp'"),
            Kind::Icmp if self.icmp.is_none() => must("icmp-type"),
            Kind::Icmp6 if self.icmp.is_none() => must("icmpv6-type"),
            Kind::Multiport if self.given.len() > 1 => {
                let mut both =
                    ["source-ports", "destination-ports", "ports"].into_iter().filter(|n| self.given.contains(n));
                let (one, other) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
                usage(format!("multiport: option \"--{one}\" cannot be used together with \"--{other}\".\n"))
            }
            Kind::Multiport if self.ports.is_none() => usage("multiport expection an option"),
            Kind::State if self.bits.is_none() => must("state"),
            Kind::Conntrack if self.bits.is_none() => usage("conntrack: At least one option is required"),
            Kind::Mark | Kind::Connmark if self.mark.is_none() => must("mark"),
            Kind::Comment if self.given.is_empty() => must("comment"),
            Kind::Mac if self.mac.is_none() => must("mac-source"),
            Kind::Addrtype if self.kinds == [None; 2] => usage("addrtype: you must specify --src-type or --dst-type"),
            Kind::Iprange if self.ranges == [None; 2] => {
                usage("iprange match: You must specify `--src-range' or `--dst-range'")
            }
            Kind::Pkttype if self.bits.is_none() => must("pkt-type"),
            Kind::Snat if self.nat.addrs.is_none() && self.nat.ports.is_none() => must("to-source"),
            Kind::Dnat if self.nat.addrs.is_none() && self.nat.ports.is_none() => must("to-destination"),
            Kind::MarkTarget | Kind::ConnmarkTarget if self.excluded().is_some() => {
                let (one, other) = self.excluded().unwrap_or_default();
                let kind = self.kind.name();
                usage(format!("{kind}: option \"--{one}\" cannot be used together with \"--{other}\".\n"))
            }
            Kind::MarkTarget if self.target.is_none() => {
                usage("MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required")
            }
            Kind::ConnmarkTarget if self.target.is_none() => usage("CONNMARK target: No operation specified"),
            Kind::Ct if self.target.is_none() => unsupported("CT without --notrack"),
            Kind::Tcpmss if self.target.is_none() => usage("TCPMSS target: At least one parameter is required"),
            _ => Ok(()),
        }
    }

    /// Two options about marks of which there may be one.
    fn excluded(&self) -> Option<(&'static str, &'static str)> {
        let given = |name: &str| self.given.contains(&name);
        let marks = self.kind.options().iter().map(|(name, _)| *name).filter(|name| name.ends_with("mark"));
        let mut marks = marks.filter(|name| given(name));
        if let (Some(one), Some(other)) = (marks.next(), marks.next()) {
            return Some((one, other));
        }
        ["ctmask", "nfmask"].into_iter().find(|name| given(name) && given("mask")).map(|name| (name, "mask"))
    }

    /// What it comes to; it was checked.
    pub(super) fn done(&self) -> Result<Made, Stop> {
        let bits = self.bits.unwrap_or(Is { what: 0, not: false });
        let mark = self.mark.unwrap_or(Is { what: (0, 0), not: false });
        let level4 = if self.kind == Kind::Udp { Level4::Udp } else { Level4::Tcp };
        let connmark = self.kind == Kind::ConnmarkTarget;
        if connmark && let Some(mask) = self.given.iter().find(|name| name.ends_with("mask")) {
            return unsupported(&format!("CONNMARK --{mask}"));
        }
        Ok(match self.kind {
            Kind::Tcp | Kind::Udp => {
                Made::Match(XtMatch::Ports { proto: level4, sport: self.sport, dport: self.dport, flags: self.flags })
            }
            Kind::Icmp => Made::Match(XtMatch::Icmp(self.icmp.unwrap_or(Is { what: (255, 0, 255), not: false }))),
            Kind::Icmp6 => Made::Match(XtMatch::Icmp6(self.icmp.unwrap_or(Is { what: (255, 0, 255), not: false }))),
            Kind::Multiport => match &self.ports {
                Some((which, ports)) => Made::Match(XtMatch::Multiport { which: *which, ports: ports.clone() }),
                None => return usage("multiport expection an option"),
            },
            Kind::State => Made::Match(XtMatch::State(bits)),
            Kind::Conntrack => Made::Match(XtMatch::Ctstate(bits)),
            Kind::Mark => Made::Match(XtMatch::Mark(mark)),
            Kind::Connmark => Made::Match(XtMatch::Connmark(mark)),
            Kind::Limit => Made::Match(XtMatch::Limit(self.limit)),
            Kind::Comment => Made::Match(XtMatch::Comment(self.text.clone())),
            Kind::Mac => Made::Match(XtMatch::Mac(self.mac.unwrap_or(Is { what: Mac::ZERO, not: false }))),
            Kind::Addrtype => Made::Match(XtMatch::Addrtype { src: self.kinds[0], dst: self.kinds[1] }),
            Kind::Iprange => Made::Match(XtMatch::Iprange { src: self.ranges[0], dst: self.ranges[1] }),
            // Below 3.
            Kind::Pkttype => Made::Match(XtMatch::Pkttype(Is { what: bits.what as u8, not: bits.not })),
            Kind::RejectTarget => Made::Target(XtTarget::Reject(self.reject)),
            Kind::LogTarget => Made::Target(XtTarget::Log(self.log.clone())),
            Kind::Masquerade => Made::Target(XtTarget::Masquerade(self.nat)),
            Kind::Snat => Made::Target(XtTarget::Snat(self.nat)),
            Kind::Dnat => Made::Target(XtTarget::Dnat(self.nat)),
            Kind::Redirect => Made::Target(XtTarget::Redirect(self.nat)),
            Kind::Notrack => Made::Target(XtTarget::Notrack),
            Kind::MarkTarget | Kind::ConnmarkTarget | Kind::Ct | Kind::Tcpmss => match &self.target {
                Some(target) => Made::Target(target.clone()),
                None => return usage("no operation specified"),
            },
        })
    }
}
