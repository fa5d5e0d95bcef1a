//! A packet's line: the time, the link layer, ARP, the spanning tree, hexadecimal dumps.
//!
//! Counterpart: `print.c`, `util-print.c`, `print-ether.c`, `print-sll.c`, `print-arp.c`, `print-llc.c`, `print-stp.c`,
//! `print-ascii.c` and `addrtoname.c` of tcpdump 4.99.3. Deliberately absent: VLAN tags, rapid and multiple spanning trees,
//! SNAP, other hardware than Ethernet, the names of a manufacturer's addresses.

use super::inet::Streams;
use super::packet::{COOKED_LEN, LinkType, Packet};
use crate::clock::date;
use crate::names::{Names, Services};
use nettwin_model::Mac;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What is printed.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    /// `-n`: no names.
    pub(super) numeric: bool,
    /// `-N`: no domains behind names.
    pub(super) no_domain: bool,
    /// `-e`: the link-layer header.
    pub(super) link: bool,
    /// `-v`, so often.
    pub(super) verbose: u32,
    /// `-q`, so often.
    pub(super) quick: u32,
    /// `-x`, so often.
    pub(super) hex: u32,
    /// `-X`, so often.
    pub(super) hex_ascii: u32,
    /// `-A`, so often.
    pub(super) ascii: u32,
    /// `-t`, so often.
    pub(super) time: u32,
    /// `-S`: absolute sequence numbers.
    pub(super) absolute: bool,
    /// `-K`: checksums are not looked at.
    pub(super) unsummed: bool,
    /// `-#`.
    pub(super) number: bool,
}

/// Prints packets, one after another.
pub(super) struct Printer {
    pub(super) style: Style,
    link: LinkType,
    /// The names of devices by their indexes.
    devices: BTreeMap<u32, String>,
    hosts: Names,
    services: Services,
    pub(super) streams: Streams,
    /// What `-ttt` and `-ttttt` count from.
    reference: Option<Duration>,
    pub(super) out: String,
    /// Whose header is being read, for when it is cut off.
    pub(super) protocol: &'static str,
}

/// A header is not all there.
#[derive(Debug)]
pub(super) struct Cut;

/// Reads at a place of what was kept.
pub(super) fn u8_at(bytes: &[u8], at: usize) -> Result<u8, Cut> {
    bytes.get(at).copied().ok_or(Cut)
}

/// The same, two bytes.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Cut> {
    bytes.get(at..).and_then(|b| b.first_chunk()).map(|b| u16::from_be_bytes(*b)).ok_or(Cut)
}

/// The same, four bytes.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Cut> {
    bytes.get(at..).and_then(|b| b.first_chunk()).map(|b| u32::from_be_bytes(*b)).ok_or(Cut)
}

fn mac_at(bytes: &[u8], at: usize) -> Result<Mac, Cut> {
    bytes.get(at..).and_then(|b| b.first_chunk()).map(|b| Mac(*b)).ok_or(Cut)
}

impl Printer {
    /// A printer of packets of that link type.
    pub(super) fn new(
        style: Style,
        link: LinkType,
        devices: BTreeMap<u32, String>,
        hosts: Names,
        services: Services,
    ) -> Self {
        let (streams, reference, out, protocol) = (Streams::default(), None, String::new(), "");
        Printer { style, link, devices, hosts, services, streams, reference, out, protocol }
    }

    /// The packet's text, the `number`-th.
    pub(super) fn packet(&mut self, packet: &Packet, number: u64) -> String {
        self.out.clear();
        if self.style.number {
            self.put(format_args!("{number:>5}  "));
        }
        self.time(packet.at);
        let printed = match self.link {
            LinkType::Ethernet => self.ethernet(&packet.bytes, packet.len),
            LinkType::Cooked => self.cooked(&packet.bytes, packet.len),
        };
        let header_len = printed.unwrap_or_else(|Cut| {
            let protocol = self.protocol;
            self.put(format_args!(" [|{protocol}]"));
            0
        });
        let payload = packet.bytes.get(header_len..).unwrap_or_default();
        let Style { hex, hex_ascii, ascii, .. } = self.style;
        match (hex_ascii, hex, ascii) {
            (2.., ..) => self.dump(&packet.bytes, true),
            (1, ..) => self.dump(payload, true),
            (_, 2.., _) => self.dump(&packet.bytes, false),
            (_, 1, _) => self.dump(payload, false),
            (_, _, 2..) => self.text(&packet.bytes),
            (_, _, 1) => self.text(payload),
            _ => {}
        }
        self.out.push('\n');
        std::mem::take(&mut self.out)
    }

    pub(super) fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a String takes all");
    }

    /// The time as `-t` asks for it (`ts_print`).
    fn time(&mut self, at: Duration) {
        match self.style.time {
            1 => {}
            2 => self.put(format_args!("{}.{:06} ", at.as_secs(), at.subsec_micros())),
            n @ (3 | 5) => {
                let since = *self.reference.get_or_insert(at);
                let sign = if at < since { '-' } else { ' ' };
                let text = clock(at.abs_diff(since));
                self.put(format_args!("{sign}{text} "));
                if n == 3 {
                    self.reference = Some(at);
                }
            }
            4 => {
                let (year, month, day) = date(at);
                self.put(format_args!("{year:04}-{month:02}-{day:02} {} ", clock(at)));
            }
            _ => self.put(format_args!("{} ", clock(at))),
        }
    }

    /// Returns the header's length.
    fn ethernet(&mut self, bytes: &[u8], len: usize) -> Result<usize, Cut> {
        self.protocol = "ether";
        let (dst, src, ethertype) = (mac_at(bytes, 0)?, mac_at(bytes, 6)?, u16_at(bytes, 12)?);
        let (payload, payload_len) = (&bytes[14..], len - 14);
        let addresses = format!("{} > {}, ", self.mac(src), self.mac(dst));
        if self.style.link {
            self.out.push_str(&addresses);
        }
        if ethertype < 0x600 {
            let length = payload_len.min(ethertype.into());
            if self.style.link {
                self.put(format_args!("802.3, length {length}: "));
            }
            let used = self.llc(&payload[..payload.len().min(length)], length, Some((src, dst)))?;
            return Ok(14 + used);
        }
        let kind = self.ethertype(ethertype);
        if self.style.link {
            self.put(format_args!("{kind}, length {len}: "));
        }
        if !self.network(ethertype, payload, payload_len)? {
            if !self.style.link {
                self.put(format_args!("{addresses}{kind}, length {len}: "));
            }
            self.unknown(payload);
        }
        Ok(14)
    }

    fn cooked(&mut self, bytes: &[u8], len: usize) -> Result<usize, Cut> {
        self.protocol = "sll2";
        let (protocol, ifindex, kind) = (u16_at(bytes, 0)?, u32_at(bytes, 4)?, u8_at(bytes, 10)?);
        let (halen, addr) = (u8_at(bytes, 11)?, mac_at(bytes, 12)?);
        let payload = bytes.get(COOKED_LEN..).ok_or(Cut)?;
        let name = self.devices.get(&ifindex).map_or("?", String::as_str).to_owned();
        let way = match kind {
            0 => "In",
            1 => "B",
            2 => "M",
            3 => "P",
            4 => "Out",
            _ => "?",
        };
        self.put(format_args!("{name:<5} {way:<3} "));
        if self.style.link {
            self.cooked_header(ifindex, (halen, addr), protocol, len);
        }
        let payload_len = len - COOKED_LEN;
        match protocol {
            4 => {
                let used = self.llc(payload, payload_len, None)?;
                return Ok(COOKED_LEN + used);
            }
            0..0x600 => self.unknown(payload),
            _ => {
                if !self.network(protocol, payload, payload_len)? {
                    if !self.style.link {
                        self.cooked_header(ifindex, (halen, addr), protocol, len);
                    }
                    self.unknown(payload);
                }
            }
        }
        Ok(COOKED_LEN)
    }

    fn cooked_header(&mut self, ifindex: u32, (halen, addr): (u8, Mac), protocol: u16, len: usize) {
        self.put(format_args!("ifindex {ifindex} "));
        if halen == 6 {
            let addr = self.mac(addr);
            self.put(format_args!("{addr} "));
        }
        if self.style.quick == 0 {
            match protocol {
                1 => self.out.push_str("802.3"),
                4 => self.out.push_str("802.2"),
                other => {
                    let name = ethertype_name(other).unwrap_or("Unknown");
                    self.put(format_args!("ethertype {name} (0x{other:04x})"));
                }
            }
            self.put(format_args!(", length {len}: "));
        }
    }

    /// What is behind the link layer; false if nobody knows it.
    fn network(&mut self, ethertype: u16, payload: &[u8], len: usize) -> Result<bool, Cut> {
        match ethertype {
            0x0800 => self.ip(payload, len)?,
            0x0806 | 0x8035 => self.arp(payload, len)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A payload that nobody knows, unless a dump follows anyway.
    pub(super) fn unknown(&mut self, payload: &[u8]) {
        let Style { hex, hex_ascii, quick, .. } = self.style;
        if hex == 0 && hex_ascii == 0 && quick == 0 {
            self.dump(payload, true);
        }
    }

    fn ethertype(&self, ethertype: u16) -> String {
        let name = ethertype_name(ethertype);
        match (self.style.quick, name) {
            (0, name) => format!("ethertype {} (0x{ethertype:04x})", name.unwrap_or("Unknown")),
            (_, Some(name)) => name.to_owned(),
            (_, None) => format!("Unknown Ethertype (0x{ethertype:04x})"),
        }
    }

    fn arp(&mut self, bytes: &[u8], len: usize) -> Result<(), Cut> {
        self.protocol = "arp";
        let (hardware, protocol) = (u16_at(bytes, 0)?, u16_at(bytes, 2)?);
        let (hlen, plen, op) = (u8_at(bytes, 4)?, u8_at(bytes, 5)?, u16_at(bytes, 6)?);
        let (sha, spa) = (8, 8 + usize::from(hlen));
        let tha = spa + usize::from(plen);
        let tpa = tha + usize::from(hlen);
        bytes.get(..tpa + usize::from(plen)).ok_or(Cut)?;
        if !self.style.link {
            self.out.push_str("ARP, ");
        }
        let strange = protocol != 0x0800 || plen != 4 || hlen == 0;
        if strange || self.style.verbose > 0 {
            let kind = if hardware == 1 { "Ethernet".to_owned() } else { format!("Unknown Hardware ({hardware})") };
            let name =
                ethertype_name(protocol).map_or_else(|| format!("Unknown Protocol (0x{protocol:04x})"), str::to_owned);
            self.put(format_args!("{kind} (len {hlen}), {name} (len {plen})"));
            if self.style.verbose > 0 {
                self.out.push_str(", ");
            }
        }
        if !strange || self.style.verbose > 0 {
            let ip = |me: &Self, at: usize| match (protocol, plen) {
                (0x0800, 4) => u32_at(bytes, at).map(|bits| me.address(Ipv4Addr::from_bits(bits))),
                (0x0800, _) => Ok("<wrong len>".to_owned()),
                _ => Ok("<wrong proto type>".to_owned()),
            };
            let hw = |me: &Self, at: usize| me.link_address(&bytes[at..at + usize::from(hlen)]);
            let text = match op {
                1 => {
                    let asked = if bytes[tha..tpa].iter().any(|b| *b != 0) {
                        format!(" ({})", hw(self, tha))
                    } else {
                        String::new()
                    };
                    format!("Request who-has {}{asked} tell {}", ip(self, tpa)?, ip(self, spa)?)
                }
                2 => format!("Reply {} is-at {}", ip(self, spa)?, hw(self, sha)),
                3 => format!("Reverse Request who-is {} tell {}", hw(self, tha), hw(self, sha)),
                4 => format!("Reverse Reply {} at {}", hw(self, tha), ip(self, tpa)?),
                other => {
                    self.put(format_args!("Unknown ({other}) "));
                    self.unknown(bytes);
                    return Ok(());
                }
            };
            self.out.push_str(&text);
        }
        self.put(format_args!(", length {len}"));
        Ok(())
    }

    /// Returns the length of the header.
    fn llc(&mut self, bytes: &[u8], len: usize, addresses: Option<(Mac, Mac)>) -> Result<usize, Cut> {
        self.protocol = "llc";
        let (dsap, ssap, control) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?, u8_at(bytes, 2)?);
        let unnumbered = control & 3 == 3;
        let header_len = if unnumbered { 3 } else { 4 };
        let wide = if unnumbered { u16::from(control) } else { u16::from_le_bytes([control, u8_at(bytes, 3)?]) };
        let (group, response) = (dsap & 1 == 1, ssap & 1 == 1);
        let (to, from) = (dsap & !1, ssap & !1);
        if self.style.link {
            let (to_name, from_name) = (sap(to).unwrap_or("Unknown"), sap(from).unwrap_or("Unknown"));
            let who = if group { "Group" } else { "Individual" };
            let what = if response { "Response" } else { "Command" };
            self.put(format_args!("LLC, dsap {to_name} (0x{to:02x}) {who}, ssap {from_name} (0x{from:02x}) {what}, "));
            match unnumbered {
                true => self.put(format_args!("ctrl 0x{wide:02x}: ")),
                false => self.put(format_args!("ctrl 0x{wide:04x}: ")),
            }
        }
        let payload = &bytes[header_len..];
        if (to, from, control) == (0x42, 0x42, 3) {
            self.stp(payload, len - header_len)?;
            return Ok(header_len);
        }
        if !self.style.link {
            let unknown = |what: &str, n: u8| sap(n).map_or_else(|| format!("Unknown {what} 0x{n:02x}"), str::to_owned);
            let (to_name, from_name) = (unknown("DSAP", to), unknown("SSAP", from));
            let text = match addresses {
                Some((src, dst)) if to == from => format!("{} > {} {to_name} ", self.mac(src), self.mac(dst)),
                Some((src, dst)) => format!("{} {from_name} > {} {to_name} ", self.mac(src), self.mac(dst)),
                None if to == from => format!("{to_name} "),
                None => format!("{from_name} > {to_name} "),
            };
            self.out.push_str(&text);
        }
        let poll = if unnumbered { control & 0x10 != 0 } else { wide & 0x100 != 0 };
        let flags = match (response, poll) {
            (false, false) => "Command",
            (true, false) => "Response",
            (false, true) => "Poll",
            (true, true) => "Final",
        };
        if unnumbered {
            let command = match control & 0xef {
                0x03 => "ui".to_owned(),
                0xe3 => "test".to_owned(),
                0xaf => "xid".to_owned(),
                0x0f => "dm".to_owned(),
                0x43 => "disc".to_owned(),
                0x63 => "ua".to_owned(),
                0x6f => "sabme".to_owned(),
                0x87 => "frmr".to_owned(),
                other => format!("{other:02x}"),
            };
            self.put(format_args!("Unnumbered, {command}, Flags [{flags}], length {len}"));
        } else {
            let received = wide >> 9;
            match control & 3 {
                1 => {
                    let command =
                        ["Receiver Ready", "Receiver not Ready", "Reject", "?"][usize::from(control >> 2 & 3)];
                    let text =
                        format_args!("Supervisory, {command}, rcv seq {received}, Flags [{flags}], length {len}");
                    self.out.push_str(&text.to_string());
                    return Ok(header_len);
                }
                _ => {
                    let sent = wide >> 1 & 0x7f;
                    let text =
                        format!("Information, send seq {sent}, rcv seq {received}, Flags [{flags}], length {len}");
                    self.out.push_str(&text);
                }
            }
        }
        self.unknown(payload);
        Ok(header_len)
    }

    fn stp(&mut self, bytes: &[u8], len: usize) -> Result<(), Cut> {
        self.protocol = "stp";
        if len < 4 {
            self.out.push_str(" (invalid)");
            return Ok(());
        }
        if u16_at(bytes, 0)? != 0 {
            self.put(format_args!("unknown STP version, length {len}"));
            return Ok(());
        }
        match u8_at(bytes, 2)? {
            0 => self.out.push_str("STP 802.1d"),
            2 => self.out.push_str("STP 802.1w"),
            3 => self.out.push_str("STP 802.1s"),
            4 => self.out.push_str("STP 802.1aq"),
            other => {
                self.put(format_args!("STP Unknown STP protocol (0x{other:02x})"));
                return Ok(());
            }
        }
        match u8_at(bytes, 3)? {
            0x00 if len < 35 => self.out.push_str(", Config (invalid)"),
            0x00 => {
                self.out.push_str(", Config");
                self.config_bpdu(bytes, len)?;
            }
            0x02 => self.out.push_str(", Rapid STP"),
            0x80 => self.out.push_str(", Topology Change"),
            other => self.put(format_args!(", Unknown BPDU Type (0x{other:02x})")),
        }
        Ok(())
    }

    fn config_bpdu(&mut self, bytes: &[u8], len: usize) -> Result<(), Cut> {
        let flags = u8_at(bytes, 4)?;
        const FLAGS: [(u8, &str); 6] = [
            (0x01, "Topology change"),
            (0x02, "Proposal"),
            (0x10, "Learn"),
            (0x20, "Forward"),
            (0x40, "Agreement"),
            (0x80, "Topology change ACK"),
        ];
        let set: Vec<&str> = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
        let set = if set.is_empty() { "none".to_owned() } else { set.join(", ") };
        let id = |at: usize| Ok(format!("{:04x}.{}", u16_at(bytes, at)?, mac_at(bytes, at + 2)?));
        let (root, bridge, cost, port) = (id(5)?, id(17)?, u32_at(bytes, 13)?, u16_at(bytes, 25)?);
        self.put(format_args!(", Flags [{set}], bridge-id {bridge}.{port:04x}, length {len}"));
        if self.style.verbose > 0 {
            let seconds = |at: usize| Ok(format!("{:.2}s", f64::from(u16_at(bytes, at)?) / 256.0));
            let (age, max, hello, delay) = (seconds(27)?, seconds(29)?, seconds(31)?, seconds(33)?);
            let times = format!("message-age {age}, max-age {max}, hello-time {hello}, forwarding-delay {delay}");
            self.put(format_args!("\n\t{times}\n\troot-id {root}, root-pathcost {cost}"));
        }
        Ok(())
    }

    /// An address, or its host's name.
    pub(super) fn address(&self, addr: Ipv4Addr) -> String {
        let name = if self.style.numeric { None } else { self.hosts.of_addr(addr) };
        match name {
            Some(name) if self.style.no_domain => name.split('.').next().unwrap_or(name).to_owned(),
            Some(name) => name.to_owned(),
            None => addr.to_string(),
        }
    }

    /// A port, or its service's name.
    pub(super) fn port(&self, proto: &str, port: u16) -> String {
        let name = if self.style.numeric { None } else { self.services.of_port(proto, port) };
        name.map_or_else(|| port.to_string(), str::to_owned)
    }

    fn mac(&self, mac: Mac) -> String {
        match mac {
            _ if self.style.numeric => mac.to_string(),
            Mac::BROADCAST => "Broadcast".to_owned(),
            Mac([0, 0, 0, ..]) => format!("{mac} (oui Ethernet)"),
            _ => format!("{mac} (oui Unknown)"),
        }
    }

    fn link_address(&self, bytes: &[u8]) -> String {
        match <[u8; 6]>::try_from(bytes) {
            Ok(mac) => self.mac(Mac(mac)),
            Err(_) if bytes.is_empty() => "<empty>".to_owned(),
            Err(_) => bytes.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"),
        }
    }

    fn dump(&mut self, bytes: &[u8], with_ascii: bool) {
        for (i, line) in bytes.chunks(16).enumerate() {
            let hex: String =
                line.chunks(2).map(|two| two.iter().fold(" ".to_owned(), |s, b| s + &format!("{b:02x}"))).collect();
            let offset = i * 16;
            if with_ascii {
                let ascii: String = line.iter().map(|&b| if b.is_ascii_graphic() { b as char } else { '.' }).collect();
                self.put(format_args!("\n\t0x{offset:04x}: {hex:<40}  {ascii}"));
            } else {
                self.put(format_args!("\n\t0x{offset:04x}: {hex}"));
            }
        }
    }

    fn text(&mut self, bytes: &[u8]) {
        self.out.push('\n');
        for (i, &b) in bytes.iter().enumerate() {
            let left = bytes.len() - i - 1;
            match b {
                b'\r' if left > 1 && bytes[i + 1] != b'\n' => self.out.push('.'),
                b'\r' => {}
                b'\t' | b' ' | b'\n' => self.out.push(b as char),
                b if b.is_ascii_graphic() => self.out.push(b as char),
                _ => self.out.push('.'),
            }
        }
    }
}

/// The time of day.
fn clock(time: Duration) -> String {
    let s = time.as_secs();
    format!("{:02}:{:02}:{:02}.{:06}", s / 3600 % 24, s / 60 % 60, s % 60, time.subsec_micros())
}

fn ethertype_name(ethertype: u16) -> Option<&'static str> {
    Some(match ethertype {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        0x8035 => "Reverse ARP",
        0x86dd => "IPv6",
        0x8100 => "802.1Q",
        0x88a8 => "802.1Q-QinQ",
        0x8847 => "MPLS unicast",
        0x8848 => "MPLS multicast",
        0x8863 => "PPPoE D",
        0x8864 => "PPPoE S",
        0x888e => "EAPOL",
        0x88cc => "LLDP",
        0x9000 => "Loopback",
        _ => return None,
    })
}

fn sap(sap: u8) -> Option<&'static str> {
    Some(match sap {
        0x00 => "Null",
        0x02 | 0x03 => "802.1B I",
        0x06 => "IP",
        0x0e => "ProWay NM",
        0x42 => "STP",
        0x8e => "ProWay ASM",
        0xaa => "SNAP",
        0xe0 => "IPX",
        0xf0 => "NetBeui",
        0xfe => "ISO NS",
        0xfc | 0xff => "Global",
        _ => return None,
    })
}
