//! IPv4 and what it carries: ICMP, UDP, TCP.
//!
//! Counterpart: `print-ip.c`, `print-ip-demux.c`, `print-icmp.c`, `print-udp.c`, `print-tcp.c` of tcpdump 4.99.3.
//! Deliberately absent: IPv6, what applications say (a name server's answer is printed as its length), MPTCP, fast open and
//! signature options, ICMP extensions.

use super::print::{Cut, Printer, u8_at, u16_at, u32_at};
use nettwin_model::wire::{PROTO_ICMP, PROTO_TCP, PROTO_UDP, checksum, transport_checksum};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The first sequence numbers of connections, by their ends in one order.
#[derive(Default)]
pub(super) struct Streams(BTreeMap<(End, End), (u32, u32)>);

/// An address and a port.
type End = (Ipv4Addr, u16);

/// What of an IP header its payload's printers want.
struct Ip {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    proto: u8,
    /// More fragments follow.
    more: bool,
}

impl Printer {
    /// An IP packet; `length` is what the link layer says that there is.
    pub(super) fn ip(&mut self, bytes: &[u8], length: usize) -> Result<(), Cut> {
        self.protocol = "ip";
        let version = u8_at(bytes, 0)? >> 4;
        if version != 4 {
            self.put(format_args!("IP{version} (invalid)"));
            return Ok(());
        }
        if !self.style.link {
            self.out.push_str("IP ");
        }
        bytes.get(..20).ok_or(Cut)?;
        if length < 20 {
            self.put(format_args!("truncated-ip {length}"));
            return Ok(());
        }
        let header_len = usize::from(bytes[0] & 15) * 4;
        if header_len < 20 {
            self.put(format_args!("bad-hlen {header_len}"));
            return Ok(());
        }
        let total = usize::from(u16_at(bytes, 2)?);
        if length < total {
            self.put(format_args!("truncated-ip - {} bytes missing! ", total - length));
        }
        let total = if total == 0 { length } else { total };
        if total < header_len {
            self.put(format_args!("bad-len {total}"));
            return Ok(());
        }
        let bytes = &bytes[..bytes.len().min(total)];
        let frag = u16_at(bytes, 6)?;
        let addr = |at| u32_at(bytes, at).map(Ipv4Addr::from_bits);
        let ip = Ip { src: addr(12)?, dst: addr(16)?, proto: bytes[9], more: frag & 0x2000 != 0 };
        if self.style.verbose > 0 {
            self.ip_header(bytes, header_len, frag)?;
        }
        let ends = format!("{} > {}:", self.address(ip.src), self.address(ip.dst));
        let offset = frag & 0x1fff;
        if offset != 0 {
            if self.style.quick <= 1 {
                self.put(format_args!("{ends} "));
                self.proto_name(ip.proto);
            }
            return Ok(());
        }
        if !matches!(ip.proto, PROTO_TCP | PROTO_UDP) {
            self.put(format_args!("{ends} "));
        }
        let payload = bytes.get(header_len..).ok_or(Cut)?;
        let length = total - header_len;
        match ip.proto {
            PROTO_ICMP => self.icmp(payload, length, ip.more),
            PROTO_UDP => self.udp(payload, length, &ip),
            PROTO_TCP => self.tcp(payload, length, &ip),
            _ => {
                self.proto_name(ip.proto);
                self.put(format_args!(" {length}"));
                Ok(())
            }
        }
    }

    fn proto_name(&mut self, proto: u8) {
        // netdb_protoname(): in small letters, as /etc/protocols has it.
        let name = if self.style.numeric { None } else { proto_keyword(proto) };
        match name {
            Some(name) => self.out.push_str(name),
            None => self.put(format_args!("ip-proto-{proto}")),
        }
    }

    /// The line that `-v` begins with.
    fn ip_header(&mut self, bytes: &[u8], header_len: usize, frag: u16) -> Result<(), Cut> {
        let (tos, ttl, proto) = (bytes[1], bytes[8], bytes[9]);
        let ecn = ["", ",ECT(1)", ",ECT(0)", ",CE"][usize::from(tos & 3)];
        self.put(format_args!("(tos 0x{tos:x}{ecn}"));
        if ttl >= 1 {
            self.put(format_args!(", ttl {ttl}"));
        }
        let flags: Vec<&str> = [(0x2000, "+"), (0x4000, "DF"), (0x8000, "rsvd")]
            .into_iter()
            .filter(|(bit, _)| frag & bit != 0)
            .map(|(_, name)| name)
            .collect();
        let flags = if flags.is_empty() { "none".to_owned() } else { flags.join(", ") };
        let (id, offset, total) = (u16_at(bytes, 4)?, (frag & 0x1fff) * 8, u16_at(bytes, 2)?);
        let name = proto_name(proto);
        self.put(format_args!(", id {id}, offset {offset}, flags [{flags}], proto {name} ({proto}), length {total}"));
        if header_len > 20 {
            self.out.push_str(", options (");
            let options = bytes.get(20..header_len).ok_or(Cut)?;
            self.ip_options(options);
            self.out.push(')');
        }
        if !self.style.unsummed && bytes.len() >= header_len && checksum(&bytes[..header_len]) != 0 {
            let (said, right) = (u16_at(bytes, 10)?, right_sum(&bytes[..header_len], 10));
            self.put(format_args!(", bad cksum {said:x} (->{right:x})!"));
        }
        self.out.push_str(")\n    ");
        Ok(())
    }

    fn ip_options(&mut self, mut rest: &[u8]) {
        let mut separator = "";
        while let Some(&code) = rest.first() {
            self.out.push_str(separator);
            separator = ",";
            let name = match code {
                0 => "EOL",
                1 => "NOP",
                7 => "RR",
                68 => "timestamp",
                82 => "traceroute",
                130 => "security",
                131 => "LSRR",
                137 => "SSRR",
                148 => "RA",
                _ => "",
            };
            match name {
                "" => self.put(format_args!("unknown {code}")),
                name => self.out.push_str(name),
            }
            let len = if code <= 1 { 1 } else { rest.get(1).map_or(0, |len| usize::from(*len)) };
            if code > 1 && len < 2 || len > rest.len() {
                self.put(format_args!(" [bad length {len}]"));
                return;
            }
            match code {
                0 => return,
                7 | 131 | 137 => self.route_option(&rest[..len]),
                68 => self.time_option(&rest[..len]),
                148 if len >= 4 && rest[2..4] != [0, 0] => {
                    self.put(format_args!(" value {}", u16::from_be_bytes([rest[2], rest[3]])));
                }
                _ => {}
            }
            rest = &rest[len..];
        }
    }

    /// A recorded or given route (`ip_printroute`).
    fn route_option(&mut self, option: &[u8]) {
        let len = option.len();
        if len < 3 || (len + 1) & 3 != 0 {
            self.put(format_args!(" [bad length {len}]"));
        }
        let Some(&said) = option.get(2) else { return };
        let next = usize::from(said).wrapping_sub(1);
        if next < 3 || next.wrapping_add(1) & 3 != 0 || next > len + 1 {
            self.put(format_args!(" [bad ptr {said}]"));
        }
        for (at, addr) in (3..).step_by(4).zip(option[3..].chunks_exact(4)) {
            let addr = self.address(Ipv4Addr::from_bits(u32_at(addr, 0).unwrap_or(0)));
            let comma = if next > at { "," } else { "" };
            self.put(format_args!(" {addr}{comma}"));
        }
    }

    /// Times of passing (`ip_printts`).
    fn time_option(&mut self, option: &[u8]) {
        let len = option.len();
        let Some(&[said, flags]) = option.get(2..4).and_then(|b| b.first_chunk()) else {
            return self.put(format_args!("[bad length {len}]"));
        };
        self.out.push_str(" TS{");
        let step = if flags & 15 == 0 { 4 } else { 8 };
        if (len - 4) & (step - 1) != 0 {
            self.put(format_args!("[bad length {len}]"));
        }
        let next = usize::from(said).wrapping_sub(1);
        if next < 4 || next.wrapping_sub(4) & (step - 1) != 0 || next > len + 1 {
            self.put(format_args!("[bad ptr {said}]"));
        }
        let mut at = 4;
        match flags & 15 {
            0 => self.out.push_str("TSONLY"),
            1 => self.out.push_str("TS+ADDR"),
            3 => self.out.push_str("PRESPEC"),
            other => {
                self.put(format_args!("[bad ts type {other}]"));
                at = len;
            }
        }
        while let Some(hop) = option.get(at..at + step) {
            let mark = if next == at { " ^ " } else { " " };
            let addr =
                if step == 8 { self.address(Ipv4Addr::from_bits(u32_at(hop, 0).unwrap_or(0))) } else { String::new() };
            self.put(format_args!("{mark}{}@{addr}", u32_at(hop, step - 4).unwrap_or(0)));
            at += step;
        }
        if next == at {
            self.out.push_str(" ^ ");
        }
        match flags >> 4 {
            0 => self.out.push('}'),
            hops => self.put(format_args!(" [{hops} hops not recorded]}} ")),
        }
    }

    fn icmp(&mut self, bytes: &[u8], length: usize, more: bool) -> Result<(), Cut> {
        self.protocol = "icmp";
        let (kind, code) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
        let text = self.icmp_text(bytes, kind, code)?;
        self.put(format_args!("ICMP {text}, length {length}"));
        if self.style.verbose == 0 {
            return Ok(());
        }
        if !more && bytes.len() >= length && checksum(&bytes[..length]) != 0 {
            let (said, right) = (u16_at(bytes, 2)?, right_sum(&bytes[..length], 2));
            self.put(format_args!(" (wrong icmp cksum {said:x} (->{right:x})!)"));
        }
        if matches!(kind, 3 | 4 | 5 | 11 | 12) {
            self.out.push_str("\n\t");
            let quoted = bytes.get(8..).ok_or(Cut)?;
            let length = usize::from(u16_at(quoted, 2)?);
            self.ip(quoted, length)?;
        }
        Ok(())
    }

    fn icmp_text(&self, bytes: &[u8], kind: u8, code: u8) -> Result<String, Cut> {
        let to = || u32_at(bytes, 24).map(|bits| self.address(Ipv4Addr::from_bits(bits)));
        Ok(match (kind, code) {
            (0 | 8, _) => {
                let what = if kind == 8 { "request" } else { "reply" };
                format!("echo {what}, id {}, seq {}", u16_at(bytes, 4)?, u16_at(bytes, 6)?)
            }
            (3, 0) => format!("net {} unreachable", to()?),
            (3, 1) => format!("host {} unreachable", to()?),
            (3, 2) => format!("{} protocol {} unreachable", to()?, u8_at(bytes, 17)?),
            (3, 3) => {
                let (header_len, proto) = (usize::from(u8_at(bytes, 8)? & 15) * 4, u8_at(bytes, 17)?);
                let (to, port) = (to()?, u16_at(bytes, 8 + header_len + 2)?);
                match proto {
                    PROTO_TCP => format!("{to} tcp port {} unreachable", self.port("tcp", port)),
                    PROTO_UDP => format!("{to} udp port {} unreachable", self.port("udp", port)),
                    _ => format!("{to} protocol {proto} port {port} unreachable"),
                }
            }
            (3, 4) => match u16_at(bytes, 6)? {
                0 => format!("{} unreachable - need to frag", to()?),
                mtu => format!("{} unreachable - need to frag (mtu {mtu})", to()?),
            },
            (3, 5) => format!("{} unreachable - source route failed", to()?),
            (3, 6) => format!("net {} unreachable - unknown", to()?),
            (3, 7) => format!("host {} unreachable - unknown", to()?),
            (3, 8) => format!("{} unreachable - source host isolated", to()?),
            (3, 9) => format!("net {} unreachable - admin prohibited", to()?),
            (3, 10) => format!("host {} unreachable - admin prohibited", to()?),
            (3, 11) => format!("net {} unreachable - tos prohibited", to()?),
            (3, 12) => format!("host {} unreachable - tos prohibited", to()?),
            (3, 13) => format!("host {} unreachable - admin prohibited filter", to()?),
            (3, 14) => format!("host {} unreachable - host precedence violation", to()?),
            (3, 15) => format!("host {} unreachable - precedence cutoff", to()?),
            (3, code) => format!("{} unreachable - #{code}", to()?),
            (4, _) => "source quench".to_owned(),
            (5, code) => {
                let gateway = self.address(Ipv4Addr::from_bits(u32_at(bytes, 4)?));
                let to = to()?;
                match code {
                    0 => format!("redirect {to} to net {gateway}"),
                    1 => format!("redirect {to} to host {gateway}"),
                    2 => format!("redirect-tos {to} to net {gateway}"),
                    3 => format!("redirect-tos {to} to host {gateway}"),
                    code => format!("redirect-#{code} {to} to {gateway}"),
                }
            }
            (10, _) => "router solicitation".to_owned(),
            (11, code) => {
                bytes.get(..28).ok_or(Cut)?;
                match code {
                    0 => "time exceeded in-transit".to_owned(),
                    1 => "ip reassembly time exceeded".to_owned(),
                    code => format!("time exceeded-#{code}"),
                }
            }
            (12, 0) => format!("parameter problem - octet {}", u8_at(bytes, 4)?),
            (12, code) => format!("parameter problem - code {code}"),
            (13, _) => format!("time stamp query id {} seq {}", u16_at(bytes, 4)?, u16_at(bytes, 6)?),
            (14, _) => {
                let time = |at| {
                    let ms = u32_at(bytes, at)?;
                    let s = ms / 1000;
                    Ok(format!("{:02}:{:02}:{:02}.{:03}", s / 3600, s / 60 % 60, s % 60, ms % 1000))
                };
                let (id, seq) = (u16_at(bytes, 4)?, u16_at(bytes, 6)?);
                let (sent, came, left) = (time(8)?, time(12)?, time(16)?);
                format!("time stamp reply id {id} seq {seq}: org {sent}, recv {came}, xmit {left}")
            }
            (15, _) => "information request".to_owned(),
            (16, _) => "information reply".to_owned(),
            (17, _) => "address mask request".to_owned(),
            (18, _) => format!("address mask is 0x{:08x}", u32_at(bytes, 8)?),
            (kind, _) => format!("type-#{kind}"),
        })
    }

    fn udp(&mut self, bytes: &[u8], length: usize, ip: &Ip) -> Result<(), Cut> {
        self.protocol = "udp";
        let (sport, dport) = match (u16_at(bytes, 0), u16_at(bytes, 2)) {
            (Ok(sport), Ok(dport)) => (sport, dport),
            _ => {
                let ends = format!("{} > {}: ", self.address(ip.src), self.address(ip.dst));
                self.out.push_str(&ends);
                return Err(Cut);
            }
        };
        let (from, to) = (self.port("udp", sport), self.port("udp", dport));
        let ends = format!("{}.{from} > {}.{to}: ", self.address(ip.src), self.address(ip.dst));
        self.out.push_str(&ends);
        if length < 8 {
            self.put(format_args!("truncated-udp {length}"));
            return Ok(());
        }
        let said = usize::from(u16_at(bytes, 4)?);
        if said < 8 {
            self.put(format_args!("truncated-udplength {said}"));
            return Ok(());
        }
        let (said, length) = (said - 8, (length - 8).min(said - 8));
        if self.style.verbose > 1 && !self.style.unsummed && !ip.more && self.style.quick == 0 {
            let sum = u16_at(bytes, 6)?;
            if sum == 0 {
                self.out.push_str("[no cksum] ");
            } else if let Some(datagram) = bytes.get(..8 + length) {
                match right_transport_sum(ip, datagram, 6) {
                    right if right == sum => self.out.push_str("[udp sum ok] "),
                    right => self.put(format_args!("[bad udp cksum 0x{sum:04x} -> 0x{right:04x}!] ")),
                }
            }
        }
        if said > length && !ip.more {
            self.put(format_args!("UDP, bad length {said} > {length}"));
        } else {
            self.put(format_args!("UDP, length {said}"));
        }
        Ok(())
    }

    fn tcp(&mut self, bytes: &[u8], length: usize, ip: &Ip) -> Result<(), Cut> {
        self.protocol = "tcp";
        let (sport, dport) = match (u16_at(bytes, 0), u16_at(bytes, 2)) {
            (Ok(sport), Ok(dport)) => (sport, dport),
            _ => {
                let ends = format!("{} > {}:", self.address(ip.src), self.address(ip.dst));
                self.out.push_str(&ends);
                return Err(Cut);
            }
        };
        let (from, to) = (self.port("tcp", sport), self.port("tcp", dport));
        let ends = format!("{}.{from} > {}.{to}: ", self.address(ip.src), self.address(ip.dst));
        self.out.push_str(&ends);
        bytes.get(..20).ok_or(Cut)?;
        let header_len = usize::from(bytes[12] >> 4) * 4;
        if header_len < 20 {
            let payload = length.wrapping_sub(header_len);
            self.put(format_args!(" tcp {payload} [bad hdr length {header_len} - too short, < 20]"));
            return Ok(());
        }
        if header_len > length {
            self.put(format_args!(" [bad hdr length {header_len} - too long, > {length}]"));
            return Ok(());
        }
        let payload = length - header_len;
        if self.style.quick > 0 {
            self.put(format_args!("tcp {payload}"));
            return Ok(());
        }
        let flags = bytes[13];
        let names: String =
            "FSRP.UEW".chars().enumerate().filter(|(i, _)| flags >> i & 1 == 1).map(|(_, c)| c).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names };
        self.put(format_args!("Flags [{names}]"));
        let (mut seq, mut ack) = (u32_at(bytes, 4)?, u32_at(bytes, 8)?);
        let mut other_first = 0;
        if !self.style.absolute && flags & ACK != 0 {
            (seq, ack, other_first) = self.streams.relative((ip.src, sport), (ip.dst, dport), flags, seq, ack);
        }
        if self.style.verbose > 0 && !self.style.unsummed && !ip.more && bytes.len() >= length {
            let sum = u16_at(bytes, 16)?;
            match right_transport_sum(ip, &bytes[..length], 16) {
                right if right == sum => self.put(format_args!(", cksum 0x{sum:04x} (correct)")),
                right => self.put(format_args!(", cksum 0x{sum:04x} (incorrect -> 0x{right:04x})")),
            }
        }
        if self.style.verbose > 1 || payload > 0 || flags & (SYN | FIN | RST) != 0 {
            self.put(format_args!(", seq {seq}"));
            if payload > 0 {
                // A segment is far shorter than the space of its numbers.
                self.put(format_args!(":{}", seq.wrapping_add(payload as u32)));
            }
        }
        if flags & ACK != 0 {
            self.put(format_args!(", ack {ack}"));
        }
        let window = u16_at(bytes, 14)?;
        self.put(format_args!(", win {window}"));
        if flags & URG != 0 {
            let urgent = u16_at(bytes, 18)?;
            self.put(format_args!(", urg {urgent}"));
        }
        if header_len > 20 {
            self.out.push_str(", options [");
            let whole = bytes.get(20..header_len);
            self.tcp_options(whole.unwrap_or(&bytes[20..]), other_first);
            whole.ok_or(Cut)?;
            self.out.push(']');
        }
        self.put(format_args!(", length {payload}"));
        Ok(())
    }

    fn tcp_options(&mut self, mut rest: &[u8], other_first: u32) {
        let mut separator = "";
        while let Some(&kind) = rest.first() {
            self.out.push_str(separator);
            separator = ",";
            let len = if kind <= 1 { 1 } else { rest.get(1).map_or(0, |len| usize::from(*len)) };
            let Some(data) = rest.get(..len).filter(|_| kind <= 1 || len >= 2) else {
                self.out.push_str("[bad opt]");
                return;
            };
            let data = data.get(2..).unwrap_or_default();
            match (kind, data) {
                (0, _) => self.out.push_str("eol"),
                (1, _) => self.out.push_str("nop"),
                (2, [a, b]) => self.put(format_args!("mss {}", u16::from_be_bytes([*a, *b]))),
                (3, [shift]) => self.put(format_args!("wscale {shift}")),
                (4, []) => self.out.push_str("sackOK"),
                (5, edges) if edges.len() % 8 == 0 => {
                    self.put(format_args!("sack {} ", edges.len() / 8));
                    for edge in edges.chunks_exact(8) {
                        let at = |i| u32_at(edge, i).unwrap_or(0).wrapping_sub(other_first);
                        self.put(format_args!("{{{}:{}}}", at(0), at(4)));
                    }
                }
                (5, _) => self.out.push_str("sack invalid sack"),
                (8, data) if data.len() == 8 => {
                    let at = |i| u32_at(data, i).unwrap_or(0);
                    self.put(format_args!("TS val {} ecr {}", at(0), at(4)));
                }
                (kind, data) => {
                    self.put(format_args!("unknown-{kind}"));
                    if !data.is_empty() {
                        let hex: String = data.iter().map(|b| format!("{b:02x}")).collect();
                        self.put(format_args!(" 0x{hex}"));
                    }
                }
            }
            if kind == 0 {
                return;
            }
            rest = &rest[len..];
        }
    }
}

impl Streams {
    /// Sequence and acknowledgement number as counted from a connection's first ones, and the other side's first.
    fn relative(
        &mut self,
        from: (Ipv4Addr, u16),
        to: (Ipv4Addr, u16),
        flags: u8,
        seq: u32,
        ack: u32,
    ) -> (u32, u32, u32) {
        let reverse = from.1 > to.1 || from.1 == to.1 && from.0 > to.0;
        let key = if reverse { (to, from) } else { (from, to) };
        match self.0.get(&key) {
            Some(&(first, second)) if flags & SYN == 0 => {
                let (mine, other) = if reverse { (second, first) } else { (first, second) };
                (seq.wrapping_sub(mine), ack.wrapping_sub(other), other)
            }
            _ => {
                // The first packet seen is printed as it is.
                let other = ack.wrapping_sub(1);
                self.0.insert(key, if reverse { (other, seq) } else { (seq, other) });
                (seq, ack, other)
            }
        }
    }
}

/// The checksum that a message should have, its own at `at`.
fn right_sum(message: &[u8], at: usize) -> u16 {
    let mut message = message.to_vec();
    message[at..at + 2].fill(0);
    checksum(&message)
}

fn right_transport_sum(ip: &Ip, segment: &[u8], at: usize) -> u16 {
    let mut segment = segment.to_vec();
    segment[at..at + 2].fill(0);
    match transport_checksum(ip.src, ip.dst, ip.proto, &segment) {
        0 if ip.proto == PROTO_UDP => 0xffff,
        sum => sum,
    }
}

fn proto_name(proto: u8) -> &'static str {
    match proto {
        0 => "Options",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPIP",
        6 => "TCP",
        8 => "EGP",
        17 => "UDP",
        33 => "DCCP",
        41 => "IPv6",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        112 => "VRRP",
        132 => "SCTP",
        _ => "unknown",
    }
}

/// As `/etc/protocols` and filter expressions call it.
pub(super) fn proto_keyword(proto: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(_, number)| *number == proto).map(|(name, _)| *name)
}

/// Protocols by the names that filters know.
pub(super) const PROTOCOLS: &[(&str, u8)] = &[
    ("icmp", 1),
    ("igmp", 2),
    ("tcp", 6),
    ("udp", 17),
    ("ipv6", 41),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmp6", 58),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("sctp", 132),
];

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const URG: u8 = 32;
