//! `iperf3`'s command line.
//!
//! Counterpart: `iperf_parse_arguments()` of iperf3 3.12, `unit_atof()` and `unit_atoi()` of its `units.c`. Deliberately
//! absent, and refused by name: IPv6, SCTP, several buffers' and sockets' settings, files, JSON, logs, authentication.

use super::help::USAGE;
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Next};
use crate::names::{self, Names};
use crate::number::{atoi, strtod_rest};
use crate::say;
use std::net::Ipv4Addr;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// To whom a client connects, as it was written and as it is; `None`: a server.
    pub(super) client: Option<(String, Ipv4Addr)>,
    pub(super) bind: Ipv4Addr,
    pub(super) port: u16,
    pub(super) one_off: bool,
    /// Seconds between two lines; none at all.
    pub(super) interval: Option<Duration>,
    /// The letter of `-f`.
    pub(super) unit: char,
    pub(super) task: Task,
}

/// What a client asks of a server.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Task {
    pub(super) udp: bool,
    pub(super) reverse: bool,
    pub(super) streams: usize,
    /// Bytes of a block or a datagram; 0: as is usual.
    pub(super) block: usize,
    pub(super) until: Until,
    /// Bits a second; 0: as fast as may be.
    pub(super) rate: u64,
}

/// When a test ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Until {
    Seconds(u64),
    Bytes(u64),
    Blocks(u64),
}

const SHORT: &str = "p:f:i:D1VJvsc:ub:t:n:k:l:P:Rw:B:M:N46S:L:ZO:F:A:T:C:dI:hX:";

const LONG: &[Long] = &[
    ("port", Takes::Value, 'p'),
    ("format", Takes::Value, 'f'),
    ("interval", Takes::Value, 'i'),
    ("daemon", Takes::Nothing, 'D'),
    ("one-off", Takes::Nothing, '1'),
    ("verbose", Takes::Nothing, 'V'),
    ("json", Takes::Nothing, 'J'),
    ("version", Takes::Nothing, 'v'),
    ("server", Takes::Nothing, 's'),
    ("client", Takes::Value, 'c'),
    ("udp", Takes::Nothing, 'u'),
    ("bitrate", Takes::Value, 'b'),
    ("bandwidth", Takes::Value, 'b'),
    ("time", Takes::Value, 't'),
    ("bytes", Takes::Value, 'n'),
    ("blockcount", Takes::Value, 'k'),
    ("length", Takes::Value, 'l'),
    ("parallel", Takes::Value, 'P'),
    ("reverse", Takes::Nothing, 'R'),
    ("bidir", Takes::Nothing, 'x'),
    ("window", Takes::Value, 'w'),
    ("bind", Takes::Value, 'B'),
    ("set-mss", Takes::Value, 'M'),
    ("no-delay", Takes::Nothing, 'N'),
    ("version4", Takes::Nothing, '4'),
    ("version6", Takes::Nothing, '6'),
    ("tos", Takes::Value, 'S'),
    ("zerocopy", Takes::Nothing, 'Z'),
    ("omit", Takes::Value, 'O'),
    ("logfile", Takes::Value, 'y'),
    ("forceflush", Takes::Nothing, 'e'),
    ("help", Takes::Nothing, 'h'),
];

/// Reads the command line.
pub(super) fn parse(cx: &mut Context<'_>, words: &[String]) -> Result<Options, Next> {
    let mut options = Options {
        client: None,
        bind: Ipv4Addr::UNSPECIFIED,
        port: 5201,
        one_off: false,
        interval: Some(Duration::from_secs(1)),
        unit: 'a',
        task: Task { udp: false, reverse: false, streams: 1, block: 0, until: Until::Seconds(10), rate: 0 },
    };
    let (mut server, mut host, mut rate, mut of_client) = (false, None, None, false);
    for met in getopt::parse(words.get(1..).unwrap_or_default(), SHORT, LONG).options {
        let (key, value) = match met {
            Met::Option(key, value) => (key, value.unwrap_or_default()),
            Met::Wrong(complaint) => {
                cx.complain(&format!("iperf3: {complaint}\n{USAGE}"));
                return Err(Next::Done(1));
            }
        };
        of_client |= "ubtnklPR".contains(key);
        let task = &mut options.task;
        match key {
            'p' => match u16::try_from(atoi(&value)) {
                Ok(port) if port > 0 => options.port = port,
                _ => return Err(wrong(cx, "port number must be between 1 and 65535 inclusive")),
            },
            'f' => match value.chars().next().filter(|unit| "kmgtKMGT".contains(*unit)) {
                Some(unit) => options.unit = unit,
                None => return Err(wrong(cx, "bad format specifier (valid formats are in the set [kmgtKMGT])")),
            },
            'i' => {
                let seconds = strtod_rest(&value).map_or(0.0, |(number, _)| number);
                if seconds != 0.0 && !(0.1..=60.0).contains(&seconds) {
                    return Err(wrong(cx, "invalid report interval (min = 0.1, max = 60 seconds)"));
                }
                options.interval = (seconds > 0.0).then(|| Duration::from_secs_f64(seconds));
            }
            // That takes a process, and whoever has one sees to it.
            'D' => return Err(say::unsupported(cx, "iperf3", "-D")),
            '1' => options.one_off = true,
            's' => server = true,
            'c' => host = Some(value),
            'u' => task.udp = true,
            'b' => rate = Some(scaled(value.split('/').next().unwrap_or_default(), 1000)),
            't' => match u64::try_from(atoi(&value)) {
                Ok(seconds @ ..=86400) => task.until = Until::Seconds(seconds),
                _ => return Err(wrong(cx, "test duration too long (maximum = 86400 seconds)")),
            },
            'n' => task.until = Until::Bytes(scaled(&value, 1024)),
            'k' => task.until = Until::Blocks(scaled(&value, 1024)),
            // At most a buffer's size, below.
            'l' => task.block = scaled(&value, 1024) as usize,
            'P' => match usize::try_from(atoi(&value)) {
                Ok(streams @ ..=128) => task.streams = streams,
                _ => return Err(wrong(cx, "number of parallel streams too large (maximum = 128)")),
            },
            'R' => task.reverse = true,
            'B' => match names::aton(&value) {
                Some(bind) => options.bind = bind,
                None => return Err(say::unsupported(cx, "iperf3", &format!("-B {value}"))),
            },
            // Nothing is held back here, and nothing is copied.
            'N' | '4' | 'Z' | 'e' => {}
            'v' => return Err(say::unsupported(cx, "iperf3", "-v")),
            'h' => {
                cx.print(USAGE);
                return Err(Next::Done(0));
            }
            other => {
                let long = LONG.iter().find(|(_, _, key)| *key == other).map_or("", |(name, _, _)| *name);
                let name = if long.is_empty() { format!("-{other}") } else { format!("--{long}") };
                return Err(say::unsupported(cx, "iperf3", &name));
            }
        }
    }
    match (&host, server) {
        (Some(_), true) => return Err(wrong(cx, "cannot be both server and client")),
        (None, false) => return Err(wrong(cx, "must either be a client (-c) or server (-s)")),
        (None, true) if of_client => return Err(wrong(cx, "some option you are trying to set is client only")),
        _ => {}
    }
    let task = &mut options.task;
    if task.block > if task.udp { 65507 } else { 1 << 20 } {
        let kind = if task.udp {
            "block size invalid (minimum = 16 bytes, maximum = 65507 bytes)"
        } else {
            "block size too large (maximum = 1048576 bytes)"
        };
        return Err(wrong(cx, kind));
    }
    task.rate = rate.unwrap_or(if task.udp { 1 << 20 } else { 0 });
    if let Some(host) = host {
        let found = names::aton(&host).or_else(|| Names::hosts(cx).of_name(&host).map(|(addr, _)| addr));
        match found {
            Some(addr) => options.client = Some((host, addr)),
            None if host.contains(':') => return Err(say::unsupported(cx, "iperf3", &host)),
            None => {
                cx.complain("iperf3: error - unable to connect to server: Resource temporarily unavailable\n");
                return Err(Next::Done(1));
            }
        }
    }
    Ok(options)
}

fn wrong(cx: &mut Context<'_>, what: &str) -> Next {
    cx.complain(&format!("iperf3: parameter error - {what}\n\n"));
    cx.print(USAGE);
    Next::Done(1)
}

/// A number with a suffix for thousands; the step is 1000 for bits and 1024 for bytes.
fn scaled(text: &str, step: u64) -> u64 {
    let Some((number, rest)) = strtod_rest(text) else { return 0 };
    let power = match rest.chars().next().map(|c| c.to_ascii_lowercase()) {
        Some('t') => 4,
        Some('g') => 3,
        Some('m') => 2,
        Some('k') => 1,
        _ => 0,
    };
    // A cast of a float saturates.
    (number * step.pow(power) as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn suffixes_scale() {
        assert_eq!(scaled("10M", 1000), 10_000_000);
        assert_eq!(scaled("1.5k", 1024), 1536);
        assert_eq!(scaled("7", 1024), 7);
        assert_eq!(scaled("x", 1024), 0);
    }
}
