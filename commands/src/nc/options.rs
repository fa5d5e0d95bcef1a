//! `nc`'s command line.
//!
//! Counterpart: the option loop of `main()`, `build_ports()` and `strtoport()` of OpenBSD netcat 1.219 with Debian's
//! patches. Deliberately absent: `-6 -b -C -F -I -i -M -m -O -P -r -S -T -t -U -V -W -X -x -Z`: each is refused by its name.

use super::help;
use crate::getopt::{self, Met};
use crate::job::{Context, Next};
use crate::names::{self, Names, Services};
use crate::say;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

/// What it asks for.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// `-l`.
    pub(super) listen: bool,
    /// `-k`.
    pub(super) keep: bool,
    /// `-u`.
    pub(super) udp: bool,
    /// `-z`.
    pub(super) scan: bool,
    /// `-v`.
    pub(super) verbose: bool,
    /// `-n`.
    pub(super) numeric: bool,
    /// `-N`, or a `-q` that is not negative.
    pub(super) half_close: bool,
    /// `-d`.
    pub(super) detached: bool,
    /// `-w`.
    pub(super) timeout: Option<Duration>,
    /// `-q`.
    pub(super) quit_after: Option<Duration>,
    /// The host as it was written, and where it is.
    pub(super) host: (String, Ipv4Addr),
    /// `-s` and `-p`.
    pub(super) from: SocketAddrV4,
    /// Whether one of them was given.
    pub(super) binds: bool,
    /// To which ports, or on which.
    pub(super) ports: Vec<u16>,
    /// The hosts file.
    pub(super) names: Names,
}

impl Options {
    /// `tcp` or `udp`.
    pub(super) fn proto(&self) -> &'static str {
        if self.udp { "udp" } else { "tcp" }
    }

    /// Reads the command line; an error is nc's end.
    pub(super) fn parse(cx: &mut Context<'_>, words: &[String]) -> Result<Options, Next> {
        let mut options = Options {
            listen: false,
            keep: false,
            udp: false,
            scan: false,
            verbose: false,
            numeric: false,
            half_close: false,
            detached: false,
            timeout: None,
            quit_after: None,
            host: (String::new(), Ipv4Addr::UNSPECIFIED),
            from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            binds: false,
            ports: Vec::new(),
            names: Names::hosts(cx),
        };
        let (mut port, mut source, mut only_ipv6) = (None, None, false);
        let parsed = getopt::parse(words.get(1..).unwrap_or_default(), SHORT, &[]);
        for met in parsed.options {
            let (key, value) = match met {
                Met::Option(key, value) => (key, value.unwrap_or_default()),
                Met::Wrong(complaint) => {
                    cx.complain(&format!("nc: {complaint}\n"));
                    return Err(usage(cx));
                }
            };
            match key {
                '4' => only_ipv6 = false,
                '6' => only_ipv6 = true,
                // Debugging of the socket cannot be seen.
                'D' => {}
                'd' => options.detached = true,
                'h' => {
                    cx.complain(help::TITLE);
                    cx.complain(help::USAGE);
                    cx.complain(help::SUMMARY);
                    return Err(Next::Done(0));
                }
                'k' => options.keep = true,
                'l' => options.listen = true,
                'N' => options.half_close = true,
                'n' => options.numeric = true,
                'p' => port = Some(value),
                'q' => {
                    let seconds = number(cx, "quit timer", &value, i64::from(i32::MIN), i64::from(i32::MAX))?;
                    options.quit_after = u64::try_from(seconds).ok().map(Duration::from_secs);
                    options.half_close |= seconds >= 0;
                }
                's' => source = Some(value),
                'u' => options.udp = true,
                'v' => options.verbose = true,
                'w' => {
                    let seconds = number(cx, "timeout", &value, 0, i64::from(i32::MAX / 1000))?;
                    options.timeout = Some(Duration::from_secs(seconds.unsigned_abs()));
                }
                'z' => options.scan = true,
                other => return Err(say::unsupported(cx, "nc", &format!("-{other}"))),
            }
        }
        let mut operands = parsed.operands.into_iter();
        let (host, wanted) = match (operands.len(), options.listen) {
            (0, true) => (source.take(), port.take()),
            (0, false) => return Err(usage(cx)),
            (1, true) if port.is_some() || source.is_some() => return Err(usage(cx)),
            (1, true) => (None, operands.next()),
            (1, false) => (operands.next(), None),
            (2, true) if port.is_some() || source.is_some() => return Err(usage(cx)),
            (3.., true) => return Err(usage(cx)),
            _ => (operands.next(), operands.next()),
        };
        if options.listen && options.scan {
            return Err(fail(cx, "cannot use -z and -l"));
        }
        if !options.listen && options.keep {
            return Err(fail(cx, "must use -l with -k"));
        }
        let Some(wanted) = wanted else { return Err(fail(cx, "missing port number")) };
        if options.listen {
            let addr = options.resolve(cx, host.as_deref(), only_ipv6).map_err(|why| failed(cx, "", &why, &host))?;
            let port = service(cx, options.proto(), &wanted)?;
            options.host = (host.unwrap_or_default(), addr);
            options.ports = vec![port];
            return Ok(options);
        }
        options.ports = ports(cx, options.proto(), &wanted)?;
        options.binds = port.is_some() || source.is_some();
        let about = format!(" for host \"{}\" port {}", host.as_deref().unwrap_or_default(), options.ports[0]);
        let addr = options.resolve(cx, host.as_deref(), only_ipv6).map_err(|why| failed(cx, &about, &why, &host))?;
        options.host = (host.unwrap_or_default(), addr);
        if options.binds {
            let addr =
                options.resolve(cx, source.as_deref(), only_ipv6).map_err(|why| failed(cx, "", &why, &source))?;
            let port = port.map_or(Ok(0), |port| service(cx, options.proto(), &port))?;
            options.from = SocketAddrV4::new(addr, port);
        }
        Ok(options)
    }

    /// `getaddrinfo()` of a host; nobody is everybody. An empty error: it is known, but of IPv6.
    fn resolve(&self, _: &mut Context<'_>, host: Option<&str>, only_ipv6: bool) -> Result<Ipv4Addr, String> {
        let Some(host) = host else { return Ok(Ipv4Addr::UNSPECIFIED) };
        match names::aton(host) {
            Some(_) if only_ipv6 => return Err(names::OTHER_FAMILY.into()),
            Some(addr) => return Ok(addr),
            None => {}
        }
        if host.parse::<std::net::Ipv6Addr>().is_ok() {
            return Err(String::new());
        }
        if self.numeric {
            return Err("Name or service not known".into());
        }
        let found = self.names.of_name(host).map(|(addr, _)| addr);
        found.filter(|_| !only_ipv6).ok_or_else(|| names::NO_ANSWER.into())
    }
}

fn failed(cx: &mut Context<'_>, about: &str, why: &str, host: &Option<String>) -> Next {
    match why {
        "" => say::unsupported(cx, "nc", host.as_deref().unwrap_or_default()),
        why => fail(cx, &format!("getaddrinfo{about}: {why}")),
    }
}

/// A port to bind to, as `getaddrinfo()` takes it: a number of any size, of which 16 bits count, or a service.
fn service(cx: &mut Context<'_>, proto: &str, word: &str) -> Result<u16, Next> {
    if let Ok(number) = word.parse::<u32>() {
        // As htons() cuts it.
        return Ok(number as u16);
    }
    let found = Services::read(cx).of_name(proto, word);
    found.ok_or_else(|| fail(cx, "getaddrinfo: Servname not supported for ai_socktype"))
}

/// One port or a range of them, the lowest first.
fn ports(cx: &mut Context<'_>, proto: &str, word: &str) -> Result<Vec<u16>, Next> {
    let range = word.split_once('-').filter(|_| word.starts_with(|c: char| c.is_ascii_digit()));
    let Some((low, high)) = range else { return Ok(vec![port(cx, proto, word)?]) };
    let high = port(cx, proto, high)?;
    let low = port(cx, proto, low)?;
    Ok((low.min(high)..=low.max(high)).collect())
}

fn port(cx: &mut Context<'_>, proto: &str, word: &str) -> Result<u16, Next> {
    if let Some(port) = Services::read(cx).of_name(proto, word) {
        return Ok(port);
    }
    let why = match strtonum(word, 1, 65535) {
        // Within 16 bits.
        Ok(port) => return Ok(port as u16),
        Err(why) => why,
    };
    Err(fail(cx, &format!("port number {why}: {word}")))
}

fn number(cx: &mut Context<'_>, what: &str, word: &str, min: i64, max: i64) -> Result<i64, Next> {
    strtonum(word, min, max).map_err(|why| fail(cx, &format!("{what} {why}: {word}")))
}

/// `strtonum(3)`.
fn strtonum(word: &str, min: i64, max: i64) -> Result<i64, &'static str> {
    let text = word.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("invalid");
    }
    let huge = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    match text.parse().unwrap_or(huge) {
        value if value < min => Err("too small"),
        value if value > max => Err("too large"),
        value => Ok(value),
    }
}

fn usage(cx: &mut Context<'_>) -> Next {
    cx.complain(help::USAGE);
    Next::Done(1)
}

/// Says what is wrong, as `errx(3)` does.
pub(super) fn fail(cx: &mut Context<'_>, text: &str) -> Next {
    cx.complain(&format!("nc: {text}\n"));
    Next::Done(1)
}

const SHORT: &str = "46bCDdFhI:i:klM:m:NnO:P:p:q:rSs:T:tUuV:vW:w:X:x:Zz";
