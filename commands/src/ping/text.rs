//! What `ping` prints, event by event.
//!
//! Counterpart: `ping.c` and `ping_common.c` of iputils 20221126. Deliberately absent: record route, time stamps, checking
//! the payload that came back, a flood's dots cut at the width of a terminal, IPv6.

use crate::clock;
use crate::names::Names;
use crate::number::general;
use nettwin_model::probe::{IcmpError, Outcome, Ping, PingOutcome, ProbeEvent};
use nettwin_model::{Errno, Instant};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// How a ping is told of.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    /// The name it was called by.
    pub(super) program: String,
    /// Its destination, as it is called.
    pub(super) hostname: String,
    /// How many bytes of data were asked for (`-s`).
    pub(super) size: Option<u32>,
    /// Names for who answers.
    pub(super) names: Option<Names>,
    /// Nothing but the first and the last lines (`-q`).
    pub(super) quiet: bool,
    /// A dot for each request, taken back with its answer (`-f`).
    pub(super) flood: bool,
    /// The time before each line (`-D`).
    pub(super) timestamps: bool,
    /// A bell with each reply (`-a`).
    pub(super) audible: bool,
    /// `-A`.
    pub(super) adaptive: bool,
}

/// A ping's transcript: feed it the probe's events in order.
pub struct PingText {
    ping: Ping,
    style: Style,
    /// What SIGQUIT asks for.
    sent: u32,
    received: u32,
    duplicates: u32,
    sum_us: u64,
    min_us: u64,
    max_us: u64,
    /// Eight times the smoothed round-trip time.
    smoothed_us: u64,
    /// The request that was not let out last.
    refused: Option<u16>,
}

/// What one event prints, and on which stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// Standard output, newlines included.
    pub out: String,
    /// Standard error, newlines included.
    pub err: String,
}

impl Lines {
    fn out(text: impl Into<String>) -> Self {
        Lines { out: text.into(), err: String::new() }
    }

    fn err(text: impl Into<String>) -> Self {
        Lines { out: String::new(), err: text.into() }
    }
}

impl PingText {
    /// A transcript of this ping, begun before its first event.
    pub fn new(ping: &Ping) -> Self {
        let (program, hostname) = ("ping".to_owned(), ping.dst.to_string());
        PingText::styled(ping, Style { program, hostname, ..Style::default() })
    }

    /// The same, told in another style.
    pub(super) fn styled(ping: &Ping, style: Style) -> Self {
        let (ping, min_us) = (ping.clone(), u64::MAX);
        PingText {
            ping,
            style,
            sent: 0,
            received: 0,
            duplicates: 0,
            sum_us: 0,
            min_us,
            max_us: 0,
            smoothed_us: 0,
            refused: None,
        }
    }

    /// The name ping was called by.
    pub(super) fn program(&self) -> &str {
        &self.style.program
    }

    /// What this event prints.
    pub fn event(&mut self, event: &ProbeEvent) -> Lines {
        self.event_at(Instant::ZERO, event)
    }

    /// The same, for a style with timestamps.
    pub(super) fn event_at(&mut self, now: Instant, event: &ProbeEvent) -> Lines {
        let (quiet, flood) = (self.style.quiet, self.style.flood);
        match event {
            ProbeEvent::Started { source } => Lines::out(self.header(*source)),
            ProbeEvent::Sent { .. } => {
                self.sent += 1;
                Lines::out(if flood && !quiet { "." } else { "" })
            }
            ProbeEvent::Outstanding { seq } => {
                Lines::out(format!("{}no answer yet for icmp_seq={seq}\n", self.stamp(now)))
            }
            ProbeEvent::Reply { rtt, duplicate, .. } => {
                self.note(*rtt, *duplicate);
                if quiet { Lines::default() } else { Lines::out(self.reply(now, event)) }
            }
            ProbeEvent::Icmp { .. } if quiet => Lines::default(),
            // Redirects and quenches come as packets, the other errors by the error queue.
            ProbeEvent::Icmp { error, .. } if flood => Lines::out(if is_news(*error) { "" } else { "\u{8}E" }),
            ProbeEvent::Icmp { from, seq, error } => {
                // A rule rejected it: the error was there before the send failed.
                let rejected = self.refused.take() == Some(*seq);
                let colon = if is_news(*error) { ":" } else { "" };
                let (stamp, from, text) = (self.stamp(now), self.address(*from), self.icmp_text(*error));
                let out = format!("{stamp}From {from}{colon} icmp_seq={seq} {text}\n");
                let err = if rejected {
                    format!("{}: sendmsg: {}\n", self.style.program, Errno::EPERM)
                } else {
                    String::new()
                };
                Lines { out, err }
            }
            ProbeEvent::SendFailed { .. } if quiet => Lines::default(),
            ProbeEvent::SendFailed { errno: Errno::EMSGSIZE, mtu: Some(_), .. } if flood => Lines::out("E"),
            ProbeEvent::SendFailed { errno: Errno::EMSGSIZE, mtu: Some(mtu), .. } => {
                Lines::err(format!("{}: local error: message too long, mtu={mtu}\n", self.style.program))
            }
            ProbeEvent::SendFailed { errno: Errno::ENOBUFS | Errno::ENOMEM, .. } if flood => Lines::out("E"),
            ProbeEvent::SendFailed { errno: errno @ (Errno::ENOBUFS | Errno::ENOMEM), .. } => {
                Lines::err(format!("{}: sendmsg: {errno}\n", self.style.program))
            }
            ProbeEvent::SendFailed { errno: Errno::EPERM, seq, .. } => {
                self.refused = Some(*seq);
                Lines::default()
            }
            ProbeEvent::Done(Outcome::Ping(p)) => Lines::out(self.trailer(p)),
            ProbeEvent::Done(Outcome::Failed(errno)) => {
                Lines::err(format!("{}: {}\n", self.style.program, self.failure(*errno)))
            }
            _ => Lines::default(),
        }
    }

    /// What SIGQUIT prints (`status()`).
    pub(super) fn status_line(&self) -> String {
        let loss = if self.sent == 0 { 0 } else { i64::from(self.sent) - i64::from(self.received) };
        let loss = loss * 100 / i64::from(self.sent.max(1));
        let mut text = format!("\r{}/{} packets, {loss}% loss", self.received, self.sent);
        if self.received > 0 && self.is_timed() {
            let avg = self.sum_us / u64::from(self.received + self.duplicates);
            let [min, avg, ewma, max] = [self.min_us, avg, self.smoothed_us / 8, self.max_us].map(us3);
            text += &format!(", min/avg/ewma/max = {min}/{avg}/{ewma}/{max} ms");
        }
        text + "\n"
    }

    fn note(&mut self, rtt: Duration, duplicate: bool) {
        *(if duplicate { &mut self.duplicates } else { &mut self.received }) += 1;
        let us = u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX >> 8);
        self.sum_us = self.sum_us.saturating_add(us);
        self.min_us = self.min_us.min(us);
        self.max_us = self.max_us.max(us);
        self.smoothed_us = match self.smoothed_us {
            0 => us * 8,
            old => (old - old / 8).saturating_add(us),
        };
    }

    /// Payloads below 16 bytes hold no time.
    fn is_timed(&self) -> bool {
        self.ping.size >= 16
    }

    fn is_to_many(&self) -> bool {
        self.ping.broadcast || self.ping.dst.is_multicast()
    }

    fn stamp(&self, now: Instant) -> String {
        let time = clock::wall(now);
        let stamp = || format!("[{}.{:06}] ", time.as_secs(), time.subsec_micros());
        if self.style.timestamps { stamp() } else { String::new() }
    }

    /// `pr_addr()`.
    fn address(&self, addr: Ipv4Addr) -> String {
        match self.style.names.as_ref().and_then(|names| names.of_addr(addr)) {
            Some(name) => format!("{name} ({addr})"),
            None => addr.to_string(),
        }
    }

    fn header(&self, source: Option<IpAddr>) -> String {
        let p = &self.ping;
        let dev = p.dev.map(|dev| dev.to_string()).unwrap_or_default();
        let from = match source {
            Some(addr) if p.source.is_some() || p.dev.is_some() => format!("from {addr} {dev}: "),
            _ => String::new(),
        };
        let (name, bytes) = (&self.style.hostname, self.style.size.unwrap_or(p.size.into()));
        format!("PING {name} ({}) {from}{bytes}({}) bytes of data.\n", p.dst, bytes.wrapping_add(28))
    }

    fn reply(&self, now: Instant, event: &ProbeEvent) -> String {
        let ProbeEvent::Reply { from, seq, ttl, bytes, rtt, duplicate } = event else { return String::new() };
        let bell = if self.style.audible { "\u{7}" } else { "" };
        if self.style.flood {
            return format!("\u{8} \u{8}{bell}");
        }
        let (stamp, name) = (self.stamp(now), self.address(*from));
        let mut text = format!("{stamp}{bytes} bytes from {name}: icmp_seq={seq} ttl={ttl}");
        if u32::from(*bytes) < u32::from(self.ping.size) + 8 {
            return text + " (truncated)\n";
        }
        if self.is_timed() {
            text += &format!(" time={} ms", ping_ms(*rtt));
        }
        if *duplicate && !self.is_to_many() {
            text += " (DUP!)";
        }
        if *from != self.ping.dst && !self.is_to_many() {
            text += " (DIFFERENT ADDRESS!)";
        }
        text + bell + "\n"
    }

    fn trailer(&self, p: &PingOutcome) -> String {
        let mut text = format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {} received",
            self.style.hostname, p.transmitted, p.received
        );
        if p.duplicates > 0 {
            text += &format!(", +{} duplicates", p.duplicates);
        }
        if p.errors > 0 {
            text += &format!(", +{} errors", p.errors);
        }
        if p.transmitted > 0 {
            let lost = f64::from(p.transmitted.saturating_sub(p.received)) * 100.0 / f64::from(p.transmitted);
            let ms = (p.time.as_nanos() + 500_000) / 1_000_000;
            text += &format!(", {}% packet loss, time {ms}ms", general(lost, 6));
        }
        text.push('\n');
        let mut last = Vec::new();
        if let Some(r) = p.rtt.filter(|_| p.received > 0 && self.is_timed()) {
            let [min, avg, max, mdev] = [r.min, r.avg, r.max, r.mdev].map(ms3);
            last.push(format!("rtt min/avg/max/mdev = {min}/{avg}/{max}/{mdev} ms"));
        }
        if p.pipe > 1 {
            last.push(format!("pipe {}", p.pipe));
        }
        let hurries = self.ping.interval.is_zero() || self.style.flood || self.style.adaptive;
        if p.received > 0 && hurries && p.transmitted > 1 {
            let gap = p.time.as_micros() / u128::from(p.transmitted - 1);
            let gap = us3(u64::try_from(gap).unwrap_or(u64::MAX));
            last.push(format!("ipg/ewma {gap}/{} ms", us3(self.smoothed_us / 8)));
        }
        text + &last.join(", ") + "\n"
    }

    fn failure(&self, errno: Errno) -> String {
        match errno {
            Errno::EACCES if !self.ping.broadcast => {
                "Do you want to ping broadcast? Then -b. If not, check your local firewall rules".to_owned()
            }
            // The source address is bound before the destination is tried.
            Errno::EADDRNOTAVAIL if self.ping.source.is_some() => format!("bind: {errno}"),
            _ => format!("connect: {errno}"),
        }
    }

    /// What ping says about an ICMP error (`pr_icmph`).
    fn icmp_text(&self, e: IcmpError) -> String {
        if e.kind != 5 {
            return icmp_text(e);
        }
        let what = match e.code {
            0 => "Redirect Network".into(),
            1 => "Redirect Host".into(),
            2 => "Redirect Type of Service and Network".into(),
            3 => "Redirect Type of Service and Host".into(),
            code => format!("Redirect, Bad Code: {code}"),
        };
        format!("{what}(New nexthop: {})", self.address(Ipv4Addr::from_bits(e.info)))
    }
}

/// Whether a message is no error.
fn is_news(e: IcmpError) -> bool {
    matches!(e.kind, 4 | 5)
}

/// A round-trip time in milliseconds: three decimals below 1 ms, then rounded to three significant digits.
fn ping_ms(time: Duration) -> String {
    match time.as_micros() {
        us @ 99_950.. => format!("{}", (us + 500) / 1000),
        us @ 9_995.. => format!("{}.{}", (us + 50) / 1000, (us + 50) % 1000 / 100),
        us @ 1000.. => format!("{}.{:02}", (us + 5) / 1000, (us + 5) % 1000 / 10),
        us => format!("0.{us:03}"),
    }
}

fn ms3(d: Duration) -> String {
    us3(u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
}

fn us3(us: u64) -> String {
    format!("{}.{:03}", us / 1000, us % 1000)
}

fn icmp_text(e: IcmpError) -> String {
    match (e.kind, e.code) {
        (3, 0) => "Destination Net Unreachable".into(),
        (3, 1) => "Destination Host Unreachable".into(),
        (3, 2) => "Destination Protocol Unreachable".into(),
        (3, 3) => "Destination Port Unreachable".into(),
        (3, 4) => format!("Frag needed and DF set (mtu = {})", e.info),
        (3, 5) => "Source Route Failed".into(),
        (3, 6) => "Destination Net Unknown".into(),
        (3, 7) => "Destination Host Unknown".into(),
        (3, 8) => "Source Host Isolated".into(),
        (3, 9) => "Destination Net Prohibited".into(),
        (3, 10) => "Destination Host Prohibited".into(),
        (3, 11) => "Destination Net Unreachable for Type of Service".into(),
        (3, 12) => "Destination Host Unreachable for Type of Service".into(),
        (3, 13) => "Packet filtered".into(),
        (3, 14) => "Precedence Violation".into(),
        (3, 15) => "Precedence Cutoff".into(),
        (3, code) => format!("Dest Unreachable, Bad Code: {code}"),
        (4, _) => "Source Quench".into(),
        (11, 0) => "Time to live exceeded".into(),
        (11, 1) => "Frag reassembly time exceeded".into(),
        (11, code) => format!("Time exceeded, Bad Code: {code}"),
        (12, _) => format!("Parameter problem: pointer = {}", e.info >> 24),
        (kind, _) => format!("Bad ICMP type: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nettwin_model::NetnsName;
    use nettwin_model::probe::Rtt;

    const HIM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    fn text(style: Style) -> PingText {
        let ping = Ping::new(NetnsName::new("a").unwrap(), HIM, 2);
        PingText::styled(&ping, Style { program: "ping".into(), hostname: HIM.to_string(), ..style })
    }

    fn reply(seq: u16, rtt: u64) -> ProbeEvent {
        ProbeEvent::Reply { from: HIM, seq, ttl: 64, bytes: 64, rtt: us(rtt), duplicate: false }
    }

    fn out(text: &mut PingText, event: ProbeEvent) -> String {
        text.event(&event).out
    }

    #[test]
    fn a_ping_that_is_answered() {
        let mut text = text(Style::default());
        let events = [
            ProbeEvent::Started { source: None },
            reply(1, 250),
            reply(2, 12_349),
            ProbeEvent::Done(Outcome::Ping(PingOutcome {
                transmitted: 3,
                received: 2,
                time: us(203_000),
                rtt: Some(Rtt { min: us(77), avg: us(163), max: us(250), mdev: us(86) }),
                pipe: 1,
                ..PingOutcome::default()
            })),
        ];
        let all: String = events.into_iter().map(|e| out(&mut text, e)).collect();
        expect_test::expect![[r#"
            PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.
            64 bytes from 10.0.0.9: icmp_seq=1 ttl=64 time=0.250 ms
            64 bytes from 10.0.0.9: icmp_seq=2 ttl=64 time=12.3 ms

            --- 10.0.0.9 ping statistics ---
            3 packets transmitted, 2 received, 33.3333% packet loss, time 203ms
            rtt min/avg/max/mdev = 0.077/0.163/0.250/0.086 ms
        "#]]
        .assert_eq(&all);
        assert_eq!(text.status_line(), "\r2/0 packets, 0% loss, min/avg/ewma/max = 0.250/6.299/1.762/12.349 ms\n");
    }

    #[test]
    fn times_are_rounded_at_each_width() {
        let said = [5, 999, 1000, 9_994, 9_995, 99_949, 99_950, 1_234_500].map(|n| ping_ms(us(n)));
        assert_eq!(said, ["0.005", "0.999", "1.00", "9.99", "10.0", "99.9", "100", "1235"]);
    }

    #[test]
    fn a_ping_that_is_not() {
        let mut text = text(Style::default());
        let error = IcmpError { kind: 3, code: 1, info: 0 };
        let line = out(&mut text, ProbeEvent::Icmp { from: Ipv4Addr::new(10, 0, 0, 1), seq: 1, error });
        assert_eq!(line, "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n");
        let outcome = Outcome::Ping(PingOutcome { transmitted: 1, errors: 1, pipe: 1, ..PingOutcome::default() });
        assert_eq!(
            out(&mut text, ProbeEvent::Done(outcome)),
            "\n--- 10.0.0.9 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n"
        );
        let failed = ProbeEvent::Done(Outcome::Failed(Errno::ENETUNREACH));
        assert_eq!(text.event(&failed).err, "ping: connect: Network is unreachable\n");
    }

    #[test]
    fn a_flood_is_dots_and_backspaces() {
        let mut text = text(Style { flood: true, ..Style::default() });
        let said = [ProbeEvent::Sent { seq: 1 }, reply(1, 10), ProbeEvent::Sent { seq: 2 }].map(|e| out(&mut text, e));
        assert_eq!(said.concat(), ".\u{8} \u{8}.");
    }
}
