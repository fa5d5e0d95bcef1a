//! Rules as iptables lists and saves them.
//!
//! Counterpart: `print_rule_details()` and `save_rule_details()` of iptables 1.8.9, and each extension's `print` and `save`.

use super::values::{ICMP, ICMP6, REJECTS, REJECTS6, protocol_name};
use crate::names::{Names, Services};
use nettwin_model::rules::words::address;
use nettwin_model::rules::xt::{CTSTATE_DNAT, CTSTATE_SNAT, Is, Multiport, Ports, XtMatch, XtRule, XtTarget};
use nettwin_model::rules::{AddrType, Family, Level4, Limit, Log, Nat, Rate, RejectWith, State};
use std::fmt::Write;
use std::net::IpAddr;

/// How a list is wanted.
pub(super) struct List<'a> {
    pub(super) family: Family,
    pub(super) numeric: bool,
    pub(super) verbose: bool,
    pub(super) exact: bool,
    pub(super) line_numbers: bool,
    pub(super) services: &'a Services,
    pub(super) hosts: &'a Names,
}

fn not(is: bool) -> &'static str {
    if is { "! " } else { "" }
}

/// A rule's words, without `-A CHAIN`.
pub(super) fn save(family: Family, rule: &XtRule, counters: Option<(u64, u64)>) -> String {
    let mut out = String::new();
    let net = |out: &mut String, letter: char, is: &Option<Is<(IpAddr, u8)>>| {
        if let Some(Is { what: (addr, len), not: inverted }) = is {
            *out += &format!(" {}-{letter} {}/{len}", not(*inverted), address(*addr));
        }
    };
    net(&mut out, 's', &rule.src);
    net(&mut out, 'd', &rule.dst);
    for (letter, name) in [('i', &rule.iif), ('o', &rule.oif)] {
        if let Some(Is { what, not: inverted }) = name {
            out += &format!(" {}-{letter} {what}", not(*inverted));
        }
    }
    if let Some(Is { what, not: inverted }) = rule.proto {
        out += &format!(" {}-p {}", not(inverted), protocol_name(what));
    }
    match rule.fragment {
        Some(true) => out += " -f",
        Some(false) => out += " ! -f",
        None => {}
    }
    let counters = counters.map_or(String::new(), |(packets, bytes)| format!(" -c {packets} {bytes}"));
    let matches: String = rule.matches.iter().map(save_match).collect();
    // IPv6's own way puts what was counted behind the matches.
    out += &if family == Family::Ip6 { matches + &counters } else { counters + &matches };
    if let Some(target) = &rule.target {
        out += &save_target(target);
    }
    out
}

fn span((lo, hi): Ports) -> String {
    if lo == hi { lo.to_string() } else { format!("{lo}:{hi}") }
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(",")
}

fn state_words(bits: u32) -> String {
    const WORDS: [(&str, u32); 7] = [
        ("INVALID", State::INVALID),
        ("NEW", State::NEW),
        ("RELATED", State::RELATED),
        ("ESTABLISHED", State::ESTABLISHED),
        ("UNTRACKED", State::UNTRACKED),
        ("SNAT", CTSTATE_SNAT),
        ("DNAT", CTSTATE_DNAT),
    ];
    let set: Vec<&str> = WORDS.iter().filter(|(_, bit)| bits & bit != 0).map(|(word, _)| *word).collect();
    set.join(",")
}

fn flag_words(bits: u8) -> String {
    const WORDS: [&str; 6] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG"];
    let set: Vec<&str> = (0..6).filter(|i| bits >> i & 1 == 1).map(|i| WORDS[i]).collect();
    if set.is_empty() { "NONE".into() } else { set.join(",") }
}

fn masked(value: u32, mask: u32) -> String {
    if mask == u32::MAX { format!("{value:#x}") } else { format!("{value:#x}/{mask:#x}") }
}

/// The rate as it is kept: in ten thousandths of a second for a packet.
fn rate_words(limit: &Limit) -> String {
    const SCALE: u64 = 10_000;
    const UNITS: [(&str, Rate); 4] =
        [("day", Rate::Day), ("hour", Rate::Hour), ("min", Rate::Minute), ("sec", Rate::Second)];
    let period = (limit.per.seconds() * SCALE / limit.rate.max(1)).max(1);
    let mut unit = 0;
    while unit + 1 < UNITS.len() {
        let whole = UNITS[unit + 1].1.seconds() * SCALE;
        if period > whole || whole / period < whole % period {
            break;
        }
        unit += 1;
    }
    format!("{}/{}", UNITS[unit].1.seconds() * SCALE / period, UNITS[unit].0)
}

/// A text as a shell reads it back (`xtables_save_string`).
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-+.:/@%^,=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn kinds(bits: u16) -> String {
    let set: Vec<&str> = (0..12).filter(|i| bits >> i & 1 == 1).map(|i| AddrType::WORDS[i]).collect();
    set.join(",")
}

const PACKET_KINDS: [&str; 3] = ["unicast", "broadcast", "multicast"];

fn save_match(m: &XtMatch) -> String {
    let mut out = String::new();
    match m {
        XtMatch::Ports { proto, sport, dport, flags } => {
            out += if *proto == Level4::Udp { " -m udp" } else { " -m tcp" };
            for (word, ports) in [("sport", sport), ("dport", dport)] {
                if let Some(Is { what, not: inverted }) = ports {
                    out += &format!(" {}--{word} {}", not(*inverted), span(*what));
                }
            }
            if let Some(Is { what: (mask, comp), not: inverted }) = flags {
                out += &format!(" {}--tcp-flags {} {}", not(*inverted), flag_words(*mask), flag_words(*comp));
            }
        }
        XtMatch::Icmp(Is { what: (kind, lo, hi), not: inverted }) => {
            out += &format!(" -m icmp {}--icmp-type ", not(*inverted));
            match (kind, (lo, hi)) {
                (255, _) => out += "any",
                (kind, (0, 255)) => out += &kind.to_string(),
                (kind, (lo, _)) => out += &format!("{kind}/{lo}"),
            }
        }
        XtMatch::Icmp6(Is { what: (kind, lo, hi), not: inverted }) => {
            out += &format!(" -m icmp6 {}--icmpv6-type {kind}", not(*inverted));
            if (*lo, *hi) != (0, 255) {
                out += &format!("/{lo}");
            }
        }
        XtMatch::Multiport { which, ports: Is { what, not: inverted } } => {
            let word = match which {
                Multiport::Source => "sports",
                Multiport::Destination => "dports",
                Multiport::Either => "ports",
            };
            out += &format!(" -m multiport {}--{word} {}", not(*inverted), list(what, |p| span(*p)));
        }
        XtMatch::State(Is { what, not: inverted }) => {
            out += &format!(" -m state {}--state {}", not(*inverted), state_words(*what));
        }
        XtMatch::Ctstate(Is { what, not: inverted }) => {
            out += &format!(" -m conntrack {}--ctstate {}", not(*inverted), state_words(*what));
        }
        XtMatch::Mark(Is { what: (value, mask), not: inverted }) => {
            out += &format!(" -m mark {}--mark {}", not(*inverted), masked(*value, *mask));
        }
        XtMatch::Connmark(Is { what: (value, mask), not: inverted }) => {
            out += &format!(" -m connmark {}--mark {}", not(*inverted), masked(*value, *mask));
        }
        XtMatch::Limit(limit) => {
            out += &format!(" -m limit --limit {}", rate_words(limit));
            if limit.burst != 5 {
                out += &format!(" --limit-burst {}", limit.burst);
            }
        }
        XtMatch::Comment(text) => out += &format!(" -m comment --comment {}", quoted(text)),
        XtMatch::Mac(Is { what, not: inverted }) => out += &format!(" -m mac {}--mac-source {what}", not(*inverted)),
        XtMatch::Addrtype { src, dst } => {
            out += " -m addrtype";
            for (word, is) in [("src-type", src), ("dst-type", dst)] {
                if let Some(Is { what, not: inverted }) = is {
                    out += &format!(" {}--{word} {}", not(*inverted), kinds(*what));
                }
            }
        }
        XtMatch::Iprange { src, dst } => {
            out += " -m iprange";
            for (word, is) in [("src-range", src), ("dst-range", dst)] {
                if let Some(Is { what: (lo, hi), not: inverted }) = is {
                    out += &format!(" {}--{word} {}-{}", not(*inverted), address(*lo), address(*hi));
                }
            }
        }
        XtMatch::Pkttype(Is { what, not: inverted }) => {
            let kind = PACKET_KINDS.get(usize::from(*what)).unwrap_or(&"?");
            out += &format!(" -m pkttype {}--pkt-type {kind}", not(*inverted));
        }
    }
    out
}

fn nat_to(nat: &Nat) -> String {
    let mut out = String::new();
    if let Some((lo, hi)) = nat.addrs {
        out += &address(lo);
        if hi != lo {
            out += &format!("-{}", address(hi));
        }
        if lo.is_ipv6() && nat.ports.is_some() {
            out = format!("[{out}]");
        }
    }
    if nat.ports.is_some() {
        out += &format!(":{}", nat_ports(nat));
    }
    out
}

fn nat_ports(nat: &Nat) -> String {
    match nat.ports {
        None => String::new(),
        Some((lo, hi)) if lo == hi => lo.to_string(),
        Some((lo, hi)) => format!("{lo}-{hi}"),
    }
}

fn nat_flags(nat: &Nat, prefix: &str) -> String {
    let flags = [("random", nat.random), ("random-fully", nat.fully_random), ("persistent", nat.persistent)];
    flags.iter().filter(|f| f.1).fold(String::new(), |out, (word, _)| out + " " + prefix + word)
}

fn save_target(target: &XtTarget) -> String {
    match target {
        XtTarget::Accept => " -j ACCEPT".into(),
        XtTarget::Drop => " -j DROP".into(),
        XtTarget::Return => " -j RETURN".into(),
        XtTarget::Jump(chain) => format!(" -j {chain}"),
        XtTarget::Goto(chain) => format!(" -g {chain}"),
        XtTarget::Reject(with) => format!(" -j REJECT --reject-with {}", reject_word(*with)),
        XtTarget::Log(log) => {
            let mut out = " -j LOG".to_owned();
            if let Some(prefix) = &log.prefix {
                out += &format!(" --log-prefix {}", quoted(prefix));
            }
            if let Some(level) = log.level.filter(|l| *l != 4) {
                out += &format!(" --log-level {level}");
            }
            const FLAGS: [(&str, u8); 5] = [
                ("log-tcp-sequence", 1),
                ("log-tcp-options", 2),
                ("log-ip-options", 4),
                ("log-uid", 8),
                ("log-macdecode", 0x20),
            ];
            for (word, _) in FLAGS.iter().filter(|(_, bit)| log.flags & bit != 0) {
                out += &format!(" --{word}");
            }
            out
        }
        XtTarget::Masquerade(nat) | XtTarget::Redirect(nat) => {
            let name = if matches!(target, XtTarget::Masquerade(_)) { "MASQUERADE" } else { "REDIRECT" };
            let ports = nat.ports.map(|_| format!(" --to-ports {}", nat_ports(nat))).unwrap_or_default();
            format!(" -j {name}{ports}{}", nat_flags(nat, "--"))
        }
        XtTarget::Snat(nat) => format!(" -j SNAT --to-source {}{}", nat_to(nat), nat_flags(nat, "--")),
        XtTarget::Dnat(nat) => format!(" -j DNAT --to-destination {}{}", nat_to(nat), nat_flags(nat, "--")),
        XtTarget::Mark { value, mask } => format!(" -j MARK --set-xmark {value:#x}/{mask:#x}"),
        XtTarget::ConnmarkSet { value, mask } => format!(" -j CONNMARK --set-xmark {value:#x}/{mask:#x}"),
        XtTarget::ConnmarkSave => " -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff".into(),
        XtTarget::ConnmarkRestore => " -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff".into(),
        XtTarget::Notrack => " -j NOTRACK".into(),
        XtTarget::CtNotrack => " -j CT --notrack".into(),
        XtTarget::Tcpmss(None) => " -j TCPMSS --clamp-mss-to-pmtu".into(),
        XtTarget::Tcpmss(Some(mss)) => format!(" -j TCPMSS --set-mss {mss}"),
    }
}

fn reject_word(with: RejectWith) -> &'static str {
    REJECTS.iter().chain(REJECTS6).find(|(.., w)| *w == with).map_or("icmp-port-unreachable", |(name, ..)| name)
}

/// A number of at most five digits, or of eight where it is to be exact.
fn count(n: u64, exact: bool) -> String {
    if exact {
        return format!("{n:8} ");
    }
    let mut n = n;
    if n <= 99_999 {
        return format!("{n:5} ");
    }
    for letter in ['K', 'M', 'G', 'T'] {
        n = (n + 500) / 1000;
        if n <= 9999 || letter == 'T' {
            return format!("{n:4}{letter} ");
        }
    }
    format!("{n:4}T ")
}

impl List<'_> {
    /// A chain's two lines of heading; `of`: what is said behind its name.
    pub(super) fn heading(&self, chain: &str, of: &str) -> String {
        let numbers = if self.line_numbers { "num  " } else { "" };
        let counters = match (self.verbose, self.exact) {
            (false, _) => "",
            (true, false) => " pkts bytes ",
            (true, true) => "    pkts      bytes ",
        };
        let ways = if self.verbose { "in     out     " } else { "" };
        format!(
            "Chain {chain} ({of})\n{numbers}{counters}target     prot opt {ways}source               destination         \n"
        )
    }

    /// A rule's line.
    pub(super) fn rule(&self, rule: &XtRule, number: usize, (packets, bytes): (u64, u64)) -> String {
        let mut out = String::new();
        if self.line_numbers {
            out += &format!("{number:<4} ");
        }
        if self.verbose {
            out += &count(packets, self.exact);
            out += &count(bytes, self.exact);
        }
        out += &format!("{:<9} ", rule.target.as_ref().map_or("", |t| target_name(t)));
        let proto = rule.proto.unwrap_or(Is { what: 0, not: false });
        let name = match proto.what {
            n if self.numeric => n.to_string(),
            0 => "all".to_owned(),
            n => protocol_name(n),
        };
        out += &format!("{}{name:<4} ", if proto.not { '!' } else { ' ' });
        out += opt_word(rule);
        out.push(' ');
        if self.verbose {
            let any = if self.numeric { "*" } else { "any" };
            out += &format!(" {:<6} {:<6} ", interface(&rule.iif, any), interface(&rule.oif, any));
        }
        for net in [&rule.src, &rule.dst] {
            let inverted = net.is_some_and(|n| n.not);
            out += &format!("{}{:<19} ", if inverted { '!' } else { ' ' }, self.net(net));
        }
        if matches!(rule.target, Some(XtTarget::Goto(_))) {
            out += "[goto] ";
        }
        out += &self.extensions(rule);
        out.push('\n');
        out
    }

    /// What `-v` says of a rule that is added or removed.
    pub(super) fn line(&self, rule: &XtRule) -> String {
        let proto = rule.proto.unwrap_or(Is { what: 0, not: false });
        let name = if proto.what == 0 { "all".to_owned() } else { protocol_name(proto.what) };
        let mark = |inverted: bool| if inverted { '!' } else { ' ' };
        format!(
            "{} {}{name} opt {} in {} out {} {}{} {}-> {}  {}{}\n",
            rule.target.as_ref().map_or("", |t| target_name(t)),
            mark(proto.not),
            opt_word(rule),
            interface(&rule.iif, "*"),
            interface(&rule.oif, "*"),
            mark(rule.src.is_some_and(|n| n.not)),
            self.net(&rule.src),
            mark(rule.dst.is_some_and(|n| n.not)),
            self.net(&rule.dst),
            if matches!(rule.target, Some(XtTarget::Goto(_))) { "[goto] " } else { "" },
            self.extensions(rule),
        )
    }

    fn net(&self, net: &Option<Is<(IpAddr, u8)>>) -> String {
        match net {
            None if !self.numeric => "anywhere".into(),
            None if self.family == Family::Ip6 => "::/0".into(),
            None => "0.0.0.0/0".into(),
            Some(Is { what: (IpAddr::V4(v4), len), .. }) => {
                let name = self.hosts.of_addr(*v4).filter(|_| !self.numeric);
                let name = name.map_or_else(|| v4.to_string(), str::to_owned);
                if *len == 32 { name } else { format!("{name}/{len}") }
            }
            Some(Is { what: (addr @ IpAddr::V6(_), 128), .. }) => address(*addr),
            Some(Is { what: (addr, len), .. }) => format!("{}/{len}", address(*addr)),
        }
    }

    fn extensions(&self, rule: &XtRule) -> String {
        let level4 = match rule.proto {
            Some(Is { what: 17, not: false }) => "udp",
            _ => "tcp",
        };
        let mut out: String = rule.matches.iter().map(|m| self.match_words(m, level4)).collect();
        if let Some(target) = &rule.target {
            out += &self.target_words(target);
        }
        out
    }

    fn port(&self, port: u16, proto: &str) -> String {
        let name = self.services.of_port(proto, port).filter(|_| !self.numeric);
        name.map_or_else(|| port.to_string(), str::to_owned)
    }

    fn ports(&self, (lo, hi): Ports, proto: &str) -> String {
        if lo == hi { self.port(lo, proto) } else { format!("{}:{}", self.port(lo, proto), self.port(hi, proto)) }
    }

    fn match_words(&self, m: &XtMatch, level4: &str) -> String {
        let mut out = String::new();
        match m {
            XtMatch::Ports { proto, sport, dport, flags } => {
                let name = if *proto == Level4::Udp { "udp" } else { "tcp" };
                out += &format!(" {name}");
                for (word, ports) in [("spt", sport), ("dpt", dport)] {
                    if let Some(Is { what, not }) = ports {
                        let s = if what.0 == what.1 { "" } else { "s" };
                        let mark = if *not { "!" } else { "" };
                        out += &format!(" {word}{s}:{mark}{}", self.ports(*what, name));
                    }
                }
                if let Some(Is { what: (mask, comp), not }) = flags {
                    let mark = if *not { "!" } else { "" };
                    out += &match self.numeric {
                        true => format!(" flags:{mark}0x{mask:02X}/0x{comp:02X}"),
                        false => format!(" flags:{mark}{}/{}", flag_words(*mask), flag_words(*comp)),
                    };
                }
            }
            XtMatch::Icmp(Is { what: (kind, lo, hi), not }) => {
                let mark = if *not { "!" } else { "" };
                let name = ICMP.iter().find(|(_, k, l, h)| (k, l, h) == (kind, lo, hi)).filter(|_| !self.numeric);
                match name {
                    Some((name, ..)) => out += &format!(" icmp {mark}{name}"),
                    None => {
                        out += &if *not { format!(" icmp !type {kind}") } else { format!(" icmptype {kind}") };
                        match (lo, hi) {
                            (0, 255) => {}
                            (lo, hi) if lo == hi => out += &format!(" code {lo}"),
                            (lo, hi) => out += &format!(" codes {lo}-{hi}"),
                        }
                    }
                }
            }
            XtMatch::Icmp6(Is { what: (kind, lo, hi), not }) => {
                let mark = if *not { "!" } else { "" };
                let name = ICMP6.iter().find(|(_, k, l, h)| (k, l, h) == (kind, lo, hi)).filter(|_| !self.numeric);
                match name {
                    Some((name, ..)) => out += &format!(" ipv6-icmp {mark}{name}"),
                    None => {
                        out +=
                            &if *not { format!(" ipv6-icmp !type {kind}") } else { format!(" ipv6-icmptype {kind}") };
                        if (*lo, *hi) != (0, 255) {
                            out += &format!(" code {lo}");
                        }
                    }
                }
            }
            XtMatch::Multiport { which, ports: Is { what, not } } => {
                let word = match which {
                    Multiport::Source => "sports",
                    Multiport::Destination => "dports",
                    Multiport::Either => "ports",
                };
                let mark = if *not { " !" } else { "" };
                out += &format!(" multiport {word} {mark}{}", list(what, |p| self.ports(*p, level4)));
            }
            XtMatch::State(Is { what, not: inverted }) => {
                out += &format!(" {}state {}", not(*inverted), state_words(*what));
            }
            XtMatch::Ctstate(Is { what, not: inverted }) => {
                out += &format!(" {}ctstate {}", not(*inverted), state_words(*what));
            }
            XtMatch::Mark(Is { what: (value, mask), not: inverted }) => {
                out += &format!(" mark match {}{}", not(*inverted), masked(*value, *mask));
            }
            XtMatch::Connmark(Is { what: (value, mask), not: inverted }) => {
                out += &format!(" connmark match {}{}", if *inverted { "!" } else { " " }, masked(*value, *mask));
            }
            XtMatch::Limit(limit) => out += &format!(" limit: avg {} burst {}", rate_words(limit), limit.burst),
            XtMatch::Comment(text) => out += &format!(" /* {text} */"),
            XtMatch::Mac(Is { what, not: inverted }) => out += &format!(" MAC {}{what}", not(*inverted)),
            XtMatch::Addrtype { src, dst } => {
                out += " ADDRTYPE match";
                for (word, is) in [("src-type", src), ("dst-type", dst)] {
                    if let Some(Is { what, not }) = is {
                        out += &format!(" {word} {}{}", if *not { "!" } else { "" }, kinds(*what));
                    }
                }
            }
            XtMatch::Iprange { src, dst } => {
                for (word, is) in [("source", src), ("destination", dst)] {
                    if let Some(Is { what: (lo, hi), not: inverted }) = is {
                        out += &format!(" {word} IP range {}{}-{}", not(*inverted), address(*lo), address(*hi));
                    }
                }
            }
            XtMatch::Pkttype(Is { what, not }) => {
                let kind = PACKET_KINDS.get(usize::from(*what)).unwrap_or(&"?");
                out += &format!(" PKTTYPE {}= {kind}", if *not { "!" } else { "" });
            }
        }
        out
    }

    fn target_words(&self, target: &XtTarget) -> String {
        match target {
            XtTarget::Reject(with) => format!(" reject-with {}", reject_word(*with)),
            XtTarget::Log(log) => self.log_words(log),
            XtTarget::Masquerade(nat) => {
                let ports = nat.ports.map(|_| format!(" masq ports: {}", nat_ports(nat))).unwrap_or_default();
                ports + &nat_flags(nat, "")
            }
            XtTarget::Redirect(nat) => {
                let ports = nat.ports.map(|_| format!(" redir ports {}", nat_ports(nat))).unwrap_or_default();
                ports + &nat_flags(nat, "")
            }
            XtTarget::Snat(nat) | XtTarget::Dnat(nat) => format!(" to:{}{}", nat_to(nat), nat_flags(nat, "")),
            XtTarget::Mark { value, mask } => format!(" MARK {}", mark_words(*value, *mask)),
            XtTarget::ConnmarkSet { value, mask } => format!(" CONNMARK {}", mark_words(*value, *mask)),
            XtTarget::ConnmarkSave => " CONNMARK save".into(),
            XtTarget::ConnmarkRestore => " CONNMARK restore".into(),
            XtTarget::Notrack => " NOTRACK".into(),
            XtTarget::CtNotrack => " CT notrack".into(),
            XtTarget::Tcpmss(None) => " TCPMSS clamp to PMTU".into(),
            XtTarget::Tcpmss(Some(mss)) => format!(" TCPMSS set {mss}"),
            XtTarget::Accept | XtTarget::Drop | XtTarget::Return | XtTarget::Jump(_) | XtTarget::Goto(_) => {
                String::new()
            }
        }
    }

    fn log_words(&self, log: &Log) -> String {
        let level = log.level.unwrap_or(4);
        let mut out = " LOG".to_owned();
        if self.numeric {
            write!(out, " flags {} level {level}", log.flags).expect("a String takes all");
        } else {
            const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];
            write!(out, " level {}", LEVELS[usize::from(level & 7)]).expect("a String takes all");
            const FLAGS: [(&str, u8); 5] =
                [("tcp-sequence", 1), ("tcp-options", 2), ("ip-options", 4), ("uid", 8), ("macdecode", 0x20)];
            for (word, _) in FLAGS.iter().filter(|(_, bit)| log.flags & bit != 0) {
                out += &format!(" {word}");
            }
        }
        if let Some(prefix) = &log.prefix {
            out += &format!(" prefix \"{prefix}\"");
        }
        out
    }
}

fn mark_words(value: u32, mask: u32) -> String {
    match (value, mask) {
        (0, mask) => format!("and {:#x}", !mask),
        (value, mask) if value == mask => format!("or {value:#x}"),
        (value, 0) => format!("xor {value:#x}"),
        (value, u32::MAX) => format!("set {value:#x}"),
        (value, mask) => format!("xset {value:#x}/{mask:#x}"),
    }
}

fn opt_word(rule: &XtRule) -> &'static str {
    match rule.fragment {
        None => "--",
        Some(true) => "-f",
        Some(false) => "!f",
    }
}

fn interface(name: &Option<Is<String>>, any: &str) -> String {
    match name {
        None => any.into(),
        Some(Is { what, not }) => format!("{}{what}", if *not { "!" } else { "" }),
    }
}

fn target_name(target: &XtTarget) -> &str {
    match target {
        XtTarget::Accept => "ACCEPT",
        XtTarget::Drop => "DROP",
        XtTarget::Return => "RETURN",
        XtTarget::Jump(chain) | XtTarget::Goto(chain) => chain,
        XtTarget::Reject(_) => "REJECT",
        XtTarget::Log(_) => "LOG",
        XtTarget::Masquerade(_) => "MASQUERADE",
        XtTarget::Snat(_) => "SNAT",
        XtTarget::Dnat(_) => "DNAT",
        XtTarget::Redirect(_) => "REDIRECT",
        XtTarget::Mark { .. } => "MARK",
        XtTarget::ConnmarkSet { .. } | XtTarget::ConnmarkSave | XtTarget::ConnmarkRestore => "CONNMARK",
        XtTarget::Notrack | XtTarget::CtNotrack => "CT",
        XtTarget::Tcpmss(_) => "TCPMSS",
    }
}
