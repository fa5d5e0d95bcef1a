//! `traceroute`'s command line.
//!
//! Counterpart: `CLIF_parse()` of the library that traceroute 2.1.2 brings along, and the checks of `main()` behind it.
//! Deliberately absent: `-d -F -g -T -i -l -r -z -e -A -M -O -UL -D -P --sport --fwmark --mtu --back`: each is refused by
//! its name.

use super::help;
use crate::job::{Context, Next};
use crate::names::{self, Names};
use crate::number::{general, strtod_rest, strtol_rest};
use crate::say;
use nettwin_model::probe::{Trace, TraceMethod};
use std::net::Ipv4Addr;
use std::time::Duration;

/// What it asks for.
pub(super) struct Options {
    /// The workload.
    pub(super) trace: Trace,
    /// The destination as it was written.
    pub(super) target: String,
    /// `-n`.
    pub(super) numeric: bool,
}

/// An option: its letter, its long name, what its argument is called.
struct Known(Option<char>, &'static str, Option<&'static str>);

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    Known(Some('4'), "", None),
    Known(Some('6'), "", None),
    Known(Some('d'), "debug", None),
    Known(Some('F'), "dont-fragment", None),
    Known(Some('f'), "first", Some("first_ttl")),
    Known(Some('g'), "gateway", Some("gate,...")),
    Known(Some('I'), "icmp", None),
    Known(Some('T'), "tcp", None),
    Known(Some('i'), "interface", Some("device")),
    Known(Some('m'), "max-hops", Some("max_ttl")),
    Known(Some('N'), "sim-queries", Some("squeries")),
    Known(Some('n'), "", None),
    Known(Some('p'), "port", Some("port")),
    Known(Some('t'), "tos", Some("tos")),
    Known(Some('l'), "flowlabel", Some("flow_label")),
    Known(Some('w'), "wait", Some("MAX,HERE,NEAR")),
    Known(Some('q'), "queries", Some("nqueries")),
    Known(Some('r'), "", None),
    Known(Some('s'), "source", Some("src_addr")),
    Known(Some('z'), "sendwait", Some("sendwait")),
    Known(Some('e'), "extensions", None),
    Known(Some('A'), "as-path-lookups", None),
    Known(Some('M'), "module", Some("name")),
    Known(Some('O'), "options", Some("OPTS,...")),
    Known(None, "sport", Some("num")),
    Known(None, "fwmark", Some("num")),
    Known(Some('U'), "udp", None),
    Known(Some('D'), "dccp", None),
    Known(Some('P'), "protocol", Some("prot")),
    Known(None, "mtu", None),
    Known(None, "back", None),
    Known(Some('V'), "version", None),
    Known(None, "help", None),
];

/// The numbers as they were given: they are checked when all words have been read.
struct Given {
    first: u64,
    max: u64,
    queries: u64,
    wait: [f64; 3],
    port: Option<u16>,
    packet_len: Option<i64>,
    only_ipv6: bool,
    /// The first option of those that are known and not supported.
    unsupported: Option<String>,
}

impl Options {
    /// Reads the command line; an error is traceroute's end.
    pub(super) fn parse(cx: &mut Context<'_>, words: &[String]) -> Result<Options, Next> {
        if words.len() < 2 {
            cx.complain(help::USAGE);
            return Err(Next::Done(0));
        }
        let mut options = Options {
            trace: Trace { per_hop: 3, ..Trace::new(cx.netns.clone(), Ipv4Addr::UNSPECIFIED) },
            target: String::new(),
            numeric: false,
        };
        let wait = [5.0, 3.0, 10.0];
        let mut given = Given {
            first: 1,
            max: 30,
            queries: 3,
            wait,
            port: None,
            packet_len: None,
            only_ipv6: false,
            unsupported: None,
        };
        let (mut at, mut operands, mut only_operands) = (1, 0, false);
        while let Some(word) = words.get(at) {
            let argc = at;
            at += 1;
            if !only_operands && word == "--" {
                only_operands = true;
            } else if !only_operands && word.len() > 1 && word.starts_with('-') {
                options.option(cx, word, argc, words, &mut at, &mut given)?;
            } else {
                operands += 1;
                options.operand(cx, word, operands, argc, &mut given)?;
            }
        }
        if operands == 0 {
            cx.complain("Specify \"host\" missing argument.\n");
            return Err(Next::Done(2));
        }
        if let Some(name) = &given.unsupported {
            return Err(say::unsupported(cx, "traceroute", name));
        }
        options.check(cx, &given)?;
        Ok(options)
    }

    /// One word of options.
    fn option(
        &mut self,
        cx: &mut Context<'_>,
        word: &str,
        argc: usize,
        words: &[String],
        at: &mut usize,
        given: &mut Given,
    ) -> Result<(), Next> {
        let bad = |cx: &mut Context<'_>, name: &str| Err(fail(cx, &format!("Bad option `{name}' (argc {argc})")));
        if let Some(rest) = word.strip_prefix("--") {
            let (name, attached) = rest.split_once('=').map_or((rest, None), |(n, v)| (n, Some(v.to_owned())));
            let Some(known) = KNOWN.iter().find(|k| !k.1.is_empty() && k.1 == name) else {
                return match attached {
                    Some(value) => Err(fail(cx, &format!("Bad option `--{rest}' (with arg `{value}') (argc {argc})"))),
                    None => bad(cx, &format!("--{name}")),
                };
            };
            let Some(what) = known.2 else { return self.take(cx, known, &format!("--{name}"), "", argc, given) };
            let Some(value) = attached else {
                return Err(fail(
                    cx,
                    &format!("Option `--{name}' (argc {argc}) requires an argument: `--{name}={what}'"),
                ));
            };
            return self.take(cx, known, &format!("--{name}"), &value, argc, given);
        }
        let mut rest = word[1..].chars();
        while let Some(letter) = rest.next() {
            let name = format!("-{letter}");
            let Some(known) = KNOWN.iter().find(|k| k.0 == Some(letter)) else { return bad(cx, &name) };
            let Some(what) = known.2 else {
                self.take(cx, known, &name, "", argc, given)?;
                continue;
            };
            // A value stands directly behind an option that is alone, else in the next word.
            let attached = Some(rest.as_str().to_owned()).filter(|r| !r.is_empty());
            let value = match attached {
                Some(_) if rest.as_str().len() + 2 < word.len() => None,
                Some(value) => Some(value),
                None => {
                    let next = words.get(*at).cloned();
                    *at += usize::from(next.is_some());
                    next
                }
            };
            let Some(value) = value else {
                return Err(fail(cx, &format!("Option `{name}' (argc {argc}) requires an argument: `{name} {what}'")));
            };
            return self.take(cx, known, &name, &value, *at - 1, given);
        }
        Ok(())
    }

    /// One option.
    fn take(
        &mut self,
        cx: &mut Context<'_>,
        known: &Known,
        name: &str,
        value: &str,
        argc: usize,
        given: &mut Given,
    ) -> Result<(), Next> {
        let wrong =
            |cx: &mut Context<'_>| fail(cx, &format!("Cannot handle `{name}' option with arg `{value}' (argc {argc})"));
        let Some(letter) = known.0 else {
            if known.1 == "help" {
                cx.complain(help::USAGE);
                return Err(Next::Done(0));
            }
            given.unsupported.get_or_insert_with(|| name.to_owned());
            return Ok(());
        };
        match letter {
            '4' => given.only_ipv6 = false,
            '6' => given.only_ipv6 = true,
            'n' => self.numeric = true,
            'I' => self.trace.method = TraceMethod::Icmp,
            'U' => self.trace.method = TraceMethod::UdpToPort,
            'V' => {
                cx.complain(help::VERSION);
                return Err(Next::Done(0));
            }
            'f' => given.first = unsigned(value).ok_or_else(|| wrong(cx))?,
            'm' => given.max = unsigned(value).ok_or_else(|| wrong(cx))?,
            'q' => given.queries = unsigned(value).ok_or_else(|| wrong(cx))?,
            // More than all is all.
            'N' => {
                let number = unsigned(value).ok_or_else(|| wrong(cx))?;
                self.trace.in_flight = u16::try_from(number).unwrap_or(u16::MAX);
            }
            // A port or a type of service is cut to its width.
            'p' => given.port = Some(unsigned(value).ok_or_else(|| wrong(cx))? as u16),
            't' => self.trace.tos = unsigned(value).ok_or_else(|| wrong(cx))? as u8,
            'w' => given.wait = wait(value).ok_or_else(|| wrong(cx))?,
            's' => match names::aton(value) {
                Some(source) => self.trace.source = Some(source),
                None => {
                    cx.complain(&format!("{value}: {}\n", names::NO_ANSWER));
                    return Err(wrong(cx));
                }
            },
            _ => {
                given.unsupported.get_or_insert_with(|| name.to_owned());
            }
        }
        Ok(())
    }

    fn operand(
        &mut self,
        cx: &mut Context<'_>,
        word: &str,
        position: usize,
        argc: usize,
        given: &mut Given,
    ) -> Result<(), Next> {
        match position {
            1 => {
                self.target = word.to_owned();
                match resolve(cx, word, given.only_ipv6) {
                    Ok(dst) => {
                        self.trace.dst = dst;
                        Ok(())
                    }
                    Err("") => Err(say::unsupported(cx, "traceroute", word)),
                    Err(why) => {
                        cx.complain(&format!("{word}: {why}\n"));
                        Err(fail(
                            cx,
                            &format!("Cannot handle \"host\" cmdline arg `{word}' on position 1 (argc {argc})"),
                        ))
                    }
                }
            }
            2 => match strtol_rest(word, 0) {
                Some((len, "")) => {
                    given.packet_len = Some(len);
                    Ok(())
                }
                _ => Err(fail(
                    cx,
                    &format!("Cannot handle \"packetlen\" cmdline arg `{word}' on position 2 (argc {argc})"),
                )),
            },
            _ => Err(fail(cx, &format!("Extra arg `{word}' (position {position}, argc {argc})"))),
        }
    }

    /// What `main()` checks, in its order.
    fn check(&mut self, cx: &mut Context<'_>, given: &Given) -> Result<(), Next> {
        let [max_wait, here, near] = given.wait;
        if given.max > 255 {
            return Err(fail(cx, "max hops cannot be more than 255"));
        }
        if !(1..=10).contains(&given.queries) {
            return Err(fail(cx, "no more than 10 probes per hop"));
        }
        if given.first == 0 || given.first > given.max {
            return Err(fail(cx, "first hop out of range"));
        }
        if given.wait.iter().any(|w| *w < 0.0) {
            let all = given.wait.map(|w| general(w, 6)).join(",");
            return Err(fail(cx, &format!("bad wait specifications `{all}' used")));
        }
        let trace = &mut self.trace;
        if let Some(len) = given.packet_len {
            trace.packet_len = match u16::try_from(len.max(28)) {
                Ok(len @ ..=65000) => len,
                _ => return Err(fail(cx, &format!("too big packetlen {len} specified"))),
            };
        }
        // All within 8 bits by now.
        (trace.first_hop, trace.max_hops, trace.per_hop) = (given.first as u8, given.max as u8, given.queries as u8);
        trace.wait = Duration::try_from_secs_f64(max_wait).unwrap_or(Duration::from_secs(u32::MAX.into()));
        // Casts of a float saturate.
        (trace.here_permille, trace.near_permille) = ((here * 1000.0) as u32, (near * 1000.0) as u32);
        trace.port = match (trace.method, given.port) {
            (TraceMethod::Icmp, Some(_)) => return Err(say::unsupported(cx, "traceroute", "-p with -I")),
            (_, Some(port)) => port,
            (TraceMethod::UdpToPort, None) => 53,
            (_, None) => 33434,
        };
        Ok(())
    }
}

/// An address or a name of the hosts file. An empty error: it is known, but of IPv6.
fn resolve(cx: &mut Context<'_>, word: &str, only_ipv6: bool) -> Result<Ipv4Addr, &'static str> {
    match names::aton(word) {
        Some(_) if only_ipv6 => return Err(names::OTHER_FAMILY),
        Some(addr) => return Ok(addr),
        None => {}
    }
    if word.parse::<std::net::Ipv6Addr>().is_ok() {
        return Err("");
    }
    let found = Names::hosts(cx).of_name(word).map(|(addr, _)| addr);
    found.filter(|_| !only_ipv6).ok_or(names::NO_ANSWER)
}

fn fail(cx: &mut Context<'_>, text: &str) -> Next {
    cx.complain(&format!("{text}\n"));
    Next::Done(2)
}

/// `strtoul()` of a whole word.
fn unsigned(word: &str) -> Option<u64> {
    match strtol_rest(word, 0) {
        Some((value, "")) if !word.is_empty() => Some(u64::from(value as u32)),
        _ => None,
    }
}

/// `MAX,HERE,NEAR`: what is left out says nothing.
fn wait(word: &str) -> Option<[f64; 3]> {
    let mut out = [0.0; 3];
    let mut rest = word;
    for (i, slot) in out.iter_mut().enumerate() {
        let (value, behind) = strtod_rest(rest)?;
        if behind.len() == rest.len() {
            return None;
        }
        *slot = value;
        match behind.strip_prefix(',') {
            Some(next) if i < 2 => rest = next,
            None if behind.is_empty() => break,
            _ => return None,
        }
    }
    Some(out)
}
