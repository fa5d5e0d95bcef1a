//! `ping`'s command line.
//!
//! Counterpart: the option loop of `main()` in iputils 20221126's `ping.c`, and `fill()`.

use super::text::Style;
use crate::getopt::{self, Met};
use crate::iputils::{fail, number, version};
use crate::job::{Context, Next};
use crate::number::strtod_rest;
use crate::say;
use nettwin_model::probe::{Ping, PmtuDisc};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What it asks for.
pub(super) struct Options {
    /// The workload, without destination and device.
    pub(super) ping: Ping,
    /// How it is told of.
    pub(super) style: Style,
    /// Whom to ping, as it was written.
    pub(super) target: String,
    /// `-I` with a device.
    pub(super) device: Option<String>,
    /// `-n`.
    pub(super) numeric: bool,
    /// `-6`, or called `ping6`.
    pub(super) only_ipv6: bool,
    /// `-t 0`, which the socket refuses.
    pub(super) zero_ttl: bool,
    /// `-B`: the address of the first request is that of all.
    pub(super) sticky: bool,
    /// `-r`: only whom no gateway stands before.
    pub(super) dontroute: bool,
    /// What is printed before all else.
    pub(super) preamble: String,
}

impl Options {
    /// Reads the command line; an error is ping's end.
    pub(super) fn parse(cx: &mut Context<'_>, program: &str, words: &[String]) -> Result<Options, Next> {
        let mut options = Options {
            ping: Ping { count: None, report_sent: true, ..Ping::new(cx.netns.clone(), Ipv4Addr::UNSPECIFIED, 0) },
            style: Style::default(),
            target: String::new(),
            device: None,
            numeric: false,
            only_ipv6: program.ends_with('6'),
            zero_ttl: false,
            sticky: false,
            dontroute: false,
            preamble: String::new(),
        };
        let (mut only_ipv4, mut has_interval, mut pattern) = (program.ends_with('4'), false, None);
        let parsed = getopt::parse(words.get(1..).unwrap_or_default(), SHORT, &[]);
        for met in parsed.options {
            let (key, value) = match met {
                Met::Option(key, value) => (key, value.unwrap_or_default()),
                Met::Wrong(complaint) => {
                    cx.complain(&format!("{program}: {complaint}\n"));
                    return Err(usage(cx));
                }
            };
            match key {
                '4' | '6' => {
                    if if key == '4' { options.only_ipv6 } else { only_ipv4 } {
                        return Err(fail(cx, program, 2, "only one -4 or -6 option may be specified"));
                    }
                    *(if key == '4' { &mut only_ipv4 } else { &mut options.only_ipv6 }) = true;
                }
                'i' => {
                    let seconds = seconds(cx, program, &value, "bad timing interval")?;
                    // Cut to whole milliseconds; the bound is that of a C int.
                    match (seconds * 1000.0).trunc() {
                        ms if ms > f64::from(i32::MAX) => {
                            return Err(fail(cx, program, 2, &format!("bad timing interval: {value}")));
                        }
                        ms if ms < 0.0 => return Err(say::unsupported(cx, program, &format!("-i {value}"))),
                        ms => options.ping.interval = Duration::from_millis(ms as u64),
                    }
                    has_interval = true;
                }
                'p' => pattern = Some(value),
                'V' => {
                    cx.print(&version("ping"));
                    return Err(Next::Done(0));
                }
                'h' | '?' => return Err(usage(cx)),
                key => options.take(cx, program, key, &value)?,
            }
        }
        let Some(target) = parsed.operands.last() else {
            return Err(fail(cx, program, 1, "usage error: Destination address required"));
        };
        options.target.clone_from(target);
        if let Some(pattern) = pattern {
            options.fill(cx, program, &pattern)?;
        }
        if parsed.operands.len() > 1 {
            return Err(say::unsupported(cx, program, &parsed.operands[0]));
        }
        if options.style.flood && !has_interval {
            options.ping.interval = Duration::ZERO;
        }
        Ok(options)
    }

    /// One option of those that only note something.
    fn take(&mut self, cx: &mut Context<'_>, program: &str, key: char, value: &str) -> Result<(), Next> {
        let ping = &mut self.ping;
        match key {
            'a' => self.style.audible = true,
            'A' => {
                ping.adaptive = true;
                self.style.adaptive = true;
            }
            'b' => ping.broadcast = true,
            'c' => {
                let count = number(cx, program, value, 1, i64::MAX)?;
                ping.count = Some(u32::try_from(count).unwrap_or(u32::MAX));
            }
            // The socket's debugging, whose clock is read, what is about groups only: none can be seen.
            'd' | 'U' | 'L' => {}
            'B' => self.sticky = true,
            'r' => self.dontroute = true,
            'D' => self.style.timestamps = true,
            // Within 16 bits.
            'e' => ping.ident = Some(number(cx, program, value, 0, 0xffff)? as u16),
            'f' => {
                self.style.flood = true;
                self.numeric = true;
            }
            'I' if value.contains(':') => match value.split('%').next().unwrap_or("").parse::<std::net::Ipv6Addr>() {
                Ok(_) => return Err(say::unsupported(cx, program, &format!("-I {value}"))),
                Err(_) => return Err(fail(cx, program, 2, &format!("invalid source address: {value}"))),
            },
            'I' => match value.parse() {
                Ok(source) => ping.source = Some(source),
                Err(_) => self.device = Some(value.to_owned()),
            },
            // Within 17 bits.
            'l' => ping.preload = number(cx, program, value, 1, 0x10000)? as u32,
            'M' => {
                ping.pmtudisc = match value {
                    "do" => PmtuDisc::Do,
                    "dont" => PmtuDisc::Dont,
                    "want" => PmtuDisc::Want,
                    _ => return Err(fail(cx, program, 2, &format!("invalid -M argument: {value}"))),
                }
            }
            'n' => self.numeric = true,
            'O' => ping.outstanding = true,
            'q' => {
                ping.quiet = true;
                self.style.quiet = true;
            }
            'Q' => ping.tos = type_of_service(cx, program, value)?,
            's' => {
                // Within 32 bits. More than any packet takes fails alike.
                let size = number(cx, program, value, 0, i64::from(i32::MAX))? as u32;
                self.style.size = Some(size);
                ping.size = u16::try_from(size).unwrap_or(u16::MAX);
            }
            't' => {
                // Within 8 bits.
                let ttl = number(cx, program, value, 0, 255)? as u8;
                ping.ttl = Some(ttl);
                self.zero_ttl = ttl == 0;
            }
            'w' => {
                let seconds = number(cx, program, value, 0, i64::from(i32::MAX))?.unsigned_abs();
                ping.deadline = (seconds > 0).then(|| Duration::from_secs(seconds));
            }
            'W' => {
                let seconds = seconds(cx, program, value, "bad linger time")?;
                if seconds < 0.0 || seconds > f64::from(i32::MAX) / 1000.0 {
                    return Err(fail(cx, program, 2, &format!("bad linger time: {value}")));
                }
                ping.linger = Duration::from_millis((seconds * 1000.0).trunc() as u64);
            }
            'm' => {
                // Within 32 bits.
                ping.mark = number(cx, program, value, 0, i64::from(u32::MAX))? as u32;
            }
            'S' => {
                // No buffer here is too small for a ping.
                number(cx, program, value, 1, i64::from(i32::MAX))?;
            }
            other => return Err(say::unsupported(cx, program, &format!("-{other}"))),
        }
        Ok(())
    }

    /// `-p`: up to 16 bytes in hexadecimal digits, two each; the last may have one.
    fn fill(&mut self, cx: &mut Context<'_>, program: &str, pattern: &str) -> Result<(), Next> {
        if let Some(at) = pattern.find(|c: char| !c.is_ascii_hexdigit()) {
            let text = format!("patterns must be specified as hex digits: {}", &pattern[at..]);
            return Err(fail(cx, program, 2, &text));
        }
        let bytes = pattern.as_bytes().chunks(2).take(16).filter_map(|two| {
            let digits = std::str::from_utf8(two).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        self.ping.pattern = bytes.collect();
        if !self.style.quiet {
            let hex: String = self.ping.pattern.iter().map(|b| format!("{b:02x}")).collect();
            self.preamble = format!("PATTERN: 0x{hex}\n");
        }
        Ok(())
    }
}

/// `ping_strtod`: what is behind the number is complained of and forgiven.
fn seconds(cx: &mut Context<'_>, program: &str, word: &str, what: &str) -> Result<f64, Next> {
    if word.is_empty() {
        return Err(fail(cx, program, 2, &format!("{what}: ")));
    }
    let (value, rest) = strtod_rest(word).unwrap_or((0.0, word));
    if !rest.is_empty() {
        cx.complain(&format!("{program}: option argument contains garbage: {rest}\n"));
        cx.complain(&format!("{program}: this will become fatal error in the future\n"));
    }
    if value == 0.0 || value.is_normal() {
        Ok(value)
    } else {
        Err(fail(cx, program, 2, &format!("{what}: {word}: Numerical result out of range")))
    }
}

/// `parsetos`: hexadecimal with `0x`, else decimal, all of the word.
fn type_of_service(cx: &mut Context<'_>, program: &str, word: &str) -> Result<u8, Next> {
    let hex = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let (digits, base) = hex.map_or((word, 10), |digits| (digits, 16));
    let value = match crate::number::strtol_rest(digits, base) {
        Some((value, "")) => value,
        None if digits.is_empty() => 0,
        _ => return Err(fail(cx, program, 2, &format!("bad TOS value: {word}"))),
    };
    if value > 255 {
        let text = format!("the decimal value of TOS bits must be in range 0-255: {value}");
        return Err(fail(cx, program, 2, &text));
    }
    // Eight bits of what is left count.
    Ok((value & 0xff) as u8)
}

fn usage(cx: &mut Context<'_>) -> Next {
    cx.complain(USAGE);
    Next::Done(2)
}

const SHORT: &str = "h?4bRT:6F:N:aABc:CdDe:fi:I:l:Lm:M:nOp:qQ:rs:S:t:UvVw:W:";

const USAGE: &str = "
Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -a                 use audible ping
  -A                 use adaptive ping
  -B                 sticky source address
  -c <count>         stop after <count> replies
  -C                 call connect() syscall on socket creation
  -D                 print timestamps
  -d                 use SO_DEBUG socket option
  -e <identifier>    define identifier for ping session, default is random for
                     SOCK_RAW and kernel defined for SOCK_DGRAM
                     Imply using SOCK_RAW (for IPv4 only for identifier 0)
  -f                 flood ping
  -h                 print help and exit
  -I <interface>     either interface name or address
  -i <interval>      seconds between sending each packet
  -L                 suppress loopback of multicast packets
  -l <preload>       send <preload> number of packages while waiting replies
  -m <mark>          tag the packets going out
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution
  -O                 report outstanding replies
  -p <pattern>       contents of padding byte
  -q                 quiet output
  -Q <tclass>        use quality of service <tclass> bits
  -s <size>          use <size> as number of data bytes to be sent
  -S <size>          use <size> as SO_SNDBUF socket option value
  -t <ttl>           define time to live
  -U                 print user-to-user latency
  -v                 verbose output
  -V                 print version and exit
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

IPv4 options:
  -4                 use IPv4
  -b                 allow pinging broadcast
  -R                 record route
  -T <timestamp>     define timestamp, can be one of <tsonly|tsandaddr|tsprespec>

IPv6 options:
  -6                 use IPv6
  -F <flowlabel>     define flow label, default is random
  -N <nodeinfo opt>  use icmp6 node info query, try <help> as argument

For more details see ping(8).
";
