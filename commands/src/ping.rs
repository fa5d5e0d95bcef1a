//! What `ping` prints, event by event.
//!
//! Counterpart: `ping.c` and `ping_common.c` of iputils 20221126. Deliberately absent: flood and quiet modes, record
//! route, time stamps, IPv6.

use crate::ping_ms;
use nettwin_model::Errno;
use nettwin_model::probe::{IcmpError, Outcome, Ping, PingOutcome, ProbeEvent};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// A ping's transcript: feed it the probe's events in order.
pub struct PingText {
    ping: Ping,
    began: bool,
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
    fn out(text: String) -> Self {
        Lines { out: text, err: String::new() }
    }

    fn err(text: String) -> Self {
        Lines { out: String::new(), err: text }
    }
}

impl PingText {
    /// A transcript of this ping, begun before its first event.
    pub fn new(ping: &Ping) -> Self {
        PingText { ping: ping.clone(), began: false }
    }

    /// What this event prints.
    pub fn event(&mut self, event: &ProbeEvent) -> Lines {
        match event {
            ProbeEvent::Started { source } => {
                self.began = true;
                Lines::out(self.header(*source))
            }
            ProbeEvent::Reply { from, seq, ttl, bytes, rtt, duplicate } => {
                let time = if self.ping.size >= 16 { format!(" time={} ms", ping_ms(*rtt)) } else { String::new() };
                let dup = if *duplicate { " (DUP!)" } else { "" };
                Lines::out(format!("{bytes} bytes from {from}: icmp_seq={seq} ttl={ttl}{time}{dup}\n"))
            }
            ProbeEvent::Icmp { from, seq, error } if error.kind == 5 => {
                Lines::out(format!("From {from}: icmp_seq={seq} {}\n", icmp_text(*error)))
            }
            ProbeEvent::Icmp { from, seq, error } => {
                Lines::out(format!("From {from} icmp_seq={seq} {}\n", icmp_text(*error)))
            }
            ProbeEvent::SendFailed { errno: Errno::EMSGSIZE, mtu: Some(mtu), .. } => {
                Lines::err(format!("ping: local error: message too long, mtu={mtu}\n"))
            }
            ProbeEvent::SendFailed { errno, .. } => Lines::err(format!("ping: sendmsg: {errno}\n")),
            ProbeEvent::Done(Outcome::Ping(p)) => Lines::out(self.trailer(p)),
            ProbeEvent::Done(Outcome::Failed(Errno::EACCES)) if !self.ping.broadcast => Lines::err(
                "ping: Do you want to ping broadcast? Then -b. If not, check your local firewall rules\n".to_owned(),
            ),
            ProbeEvent::Done(Outcome::Failed(errno)) => {
                // The source address is bound before the destination is tried.
                let call =
                    if self.ping.source.is_some() && *errno == Errno::EADDRNOTAVAIL { "bind" } else { "connect" };
                Lines::err(format!("ping: {call}: {errno}\n"))
            }
            _ => Lines::default(),
        }
    }

    /// Ping's exit status for an outcome: 0 some reply, 1 none, 2 it could not begin.
    pub fn status(&self, outcome: &Outcome) -> i32 {
        match outcome {
            Outcome::Ping(p) if p.received == 0 => 1,
            Outcome::Ping(p) if self.ping.deadline.is_some() && self.ping.count.is_some_and(|c| p.received < c) => 1,
            Outcome::Ping(_) => 0,
            _ => 2,
        }
    }

    fn header(&self, source: Option<IpAddr>) -> String {
        let p = &self.ping;
        let from = match (p.source, p.dev, source) {
            (_, Some(dev), Some(addr)) => format!(" from {addr} {dev}:"),
            (Some(addr), None, _) => format!(" from {addr} :"),
            _ => String::new(),
        };
        let warning = if p.broadcast { "WARNING: pinging broadcast address\n" } else { "" };
        format!("{warning}PING {0} ({0}){from} {1}({2}) bytes of data.\n", p.dst, p.size, u32::from(p.size) + 28)
    }

    fn trailer(&self, p: &PingOutcome) -> String {
        let mut text = format!(
            "\n--- {} ping statistics ---\n{} packets transmitted, {} received",
            self.ping.dst, p.transmitted, p.received
        );
        if p.duplicates > 0 {
            text += &format!(", +{} duplicates", p.duplicates);
        }
        if p.errors > 0 {
            text += &format!(", +{} errors", p.errors);
        }
        if p.transmitted > 0 {
            let lost = f64::from(p.transmitted.saturating_sub(p.received)) * 100.0 / f64::from(p.transmitted);
            text += &format!(", {}% packet loss, time {}ms", percent(lost), p.time.as_millis());
        }
        text.push('\n');
        let pipe = |p: &PingOutcome| if p.pipe > 1 { format!("pipe {}", p.pipe) } else { String::new() };
        match p.rtt.filter(|_| p.received > 0 && self.ping.size >= 16) {
            Some(r) => {
                text +=
                    &format!("rtt min/avg/max/mdev = {}/{}/{}/{} ms", ms3(r.min), ms3(r.avg), ms3(r.max), ms3(r.mdev));
                if p.pipe > 1 {
                    text += &format!(", {}", pipe(p));
                }
            }
            None => text += &pipe(p),
        }
        text.push('\n');
        text
    }
}

/// `%g` as ping uses it for the loss: six significant digits, no trailing zeros.
fn percent(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let whole = if x >= 100.0 {
        3
    } else if x >= 10.0 {
        2
    } else {
        1
    };
    let text = format!("{:.*}", 6 - whole, x);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn ms3(d: Duration) -> String {
    let us = d.as_micros();
    format!("{}.{:03}", us / 1000, us % 1000)
}

/// What ping says about an ICMP error (`pr_icmph`).
pub fn icmp_text(e: IcmpError) -> String {
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
        (5, code) => {
            let what = match code {
                0 => "Redirect Network",
                1 => "Redirect Host",
                2 => "Redirect Type of Service and Network",
                3 => "Redirect Type of Service and Host",
                _ => "Redirect, Bad Code",
            };
            format!("{what}(New nexthop: {})", Ipv4Addr::from_bits(e.info))
        }
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

    fn us(n: u64) -> Duration {
        Duration::from_micros(n)
    }

    #[test]
    fn a_ping_that_is_answered() {
        let ping = Ping::new(NetnsName::new("a").unwrap(), Ipv4Addr::new(10, 0, 0, 9), 2);
        let mut text = PingText::new(&ping);
        let events = [
            ProbeEvent::Started { source: None },
            ProbeEvent::Reply { from: ping.dst, seq: 1, ttl: 64, bytes: 64, rtt: us(250), duplicate: false },
            ProbeEvent::Reply { from: ping.dst, seq: 2, ttl: 64, bytes: 64, rtt: us(12_349), duplicate: false },
            ProbeEvent::Done(Outcome::Ping(PingOutcome {
                transmitted: 3,
                received: 2,
                time: us(203_000),
                rtt: Some(Rtt { min: us(77), avg: us(163), max: us(250), mdev: us(86) }),
                pipe: 1,
                ..PingOutcome::default()
            })),
        ];
        let all: String = events.iter().map(|e| text.event(e).out).collect();
        expect_test::expect![[r#"
            PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.
            64 bytes from 10.0.0.9: icmp_seq=1 ttl=64 time=0.250 ms
            64 bytes from 10.0.0.9: icmp_seq=2 ttl=64 time=12.3 ms

            --- 10.0.0.9 ping statistics ---
            3 packets transmitted, 2 received, 33.3333% packet loss, time 203ms
            rtt min/avg/max/mdev = 0.077/0.163/0.250/0.086 ms
        "#]]
        .assert_eq(&all);
    }

    #[test]
    fn a_ping_that_is_not() {
        let ping = Ping::new(NetnsName::new("a").unwrap(), Ipv4Addr::new(10, 0, 0, 9), 1);
        let mut text = PingText::new(&ping);
        let error = IcmpError { kind: 3, code: 1, info: 0 };
        let lines = text.event(&ProbeEvent::Icmp { from: Ipv4Addr::new(10, 0, 0, 1), seq: 1, error });
        assert_eq!(lines.out, "From 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n");
        let outcome = Outcome::Ping(PingOutcome { transmitted: 1, errors: 1, pipe: 1, ..PingOutcome::default() });
        assert_eq!(
            text.event(&ProbeEvent::Done(outcome.clone())).out,
            "\n--- 10.0.0.9 ping statistics ---\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n"
        );
        assert_eq!(text.status(&outcome), 1);
        let failed = ProbeEvent::Done(Outcome::Failed(Errno::ENETUNREACH));
        assert_eq!(text.event(&failed).err, "ping: connect: Network is unreachable\n");
    }
}
