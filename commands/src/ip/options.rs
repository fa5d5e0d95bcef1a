//! The options before the object.
//!
//! Counterpart: `main()` of `ip/ip.c`, `matches_color()`.

use super::{help, unsupported};
use crate::iproute::args::{MINUS_ONE, Stop, Words, invarg, matches, unsigned};
use crate::iproute::inet::Family;
use crate::iproute::page::Style;
use crate::job::Invocation;

/// What they say.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) family: Family,
    /// `-s`, as often as it is said.
    pub(super) stats: u32,
    pub(super) details: bool,
    /// Counters with a unit.
    pub(super) human: bool,
    /// Units of 1024.
    pub(super) iec: bool,
    pub(super) brief: bool,
    pub(super) style: Style,
    pub(super) all: bool,
    pub(super) force: bool,
    /// The file of `-batch`.
    pub(super) batch: Option<String>,
    /// The namespace of `-n`.
    pub(super) netns: Option<String>,
    /// Standard output is a terminal.
    pub(super) is_tty: bool,
}

/// Options and what follows them.
pub(super) struct Parsed {
    pub(super) options: Options,
    pub(super) rest: Vec<String>,
}

/// Reads them.
pub(super) fn parse(invocation: &Invocation) -> Result<Parsed, Stop> {
    let mut words = Words::new(invocation.words.get(1..).unwrap_or_default());
    let mut options = Options { is_tty: invocation.is_tty, ..Options::default() };
    let mut colour = "never";
    while let Some(word) = words.peek() {
        if word == "--" {
            words.next();
            break;
        }
        if !word.starts_with('-') {
            break;
        }
        words.next();
        // `--brief` is `-brief`.
        let option = if word.starts_with("--") { &word[1..] } else { word };
        one(option, &mut words, &mut options, &mut colour)?;
    }
    options.style.colour = !options.style.json
        && match colour {
            "always" => true,
            "auto" => invocation.is_tty,
            _ => false,
        };
    options.style.dark = invocation.env.get("COLORFGBG").is_some_and(|value| is_dark(value));
    Ok(Parsed { options, rest: words.rest().to_vec() })
}

fn one<'a>(option: &'a str, words: &mut Words<'a>, options: &mut Options, colour: &mut &'a str) -> Result<(), Stop> {
    let usage = || Stop::exit(MINUS_ONE, help::MAIN);
    let is = |full: &str| matches(option, full);
    match option {
        _ if is("-loops") => drop(words.next().ok_or_else(usage)?),
        _ if is("-family") => {
            let word = words.next().filter(|word| *word != "help").ok_or_else(usage)?;
            options.family = family(word)?;
        }
        "-4" => options.family = Family::Inet,
        "-6" => options.family = Family::Inet6,
        "-0" => options.family = Family::Packet,
        "-M" | "-B" => return Err(unsupported(option)),
        _ if is("-human") || is("-human-readable") => options.human = true,
        _ if is("-iec") => options.iec = true,
        _ if is("-stats") || is("-statistics") => options.stats += 1,
        _ if is("-details") => options.details = true,
        _ if is("-resolve") => return Err(unsupported(option)),
        _ if is("-oneline") => options.style.oneline = true,
        // They are about `ip monitor`.
        _ if is("-timestamp") || is("-tshort") => {}
        _ if is("-Version") => return Err(Stop::exit(0, "").printing("ip utility, iproute2-6.1.0, libbpf 1.1.2\n")),
        _ if is("-force") => options.force = true,
        _ if is("-batch") => options.batch = Some(words.next().ok_or_else(usage)?.to_owned()),
        _ if is("-brief") => options.brief = true,
        _ if is("-json") => options.style.json = true,
        _ if is("-pretty") => options.style.pretty = true,
        _ if is("-rcvbuf") => {
            let size = words.next().ok_or_else(usage)?;
            if unsigned(size).is_none() {
                return Err(Stop::exit(MINUS_ONE, format!("Invalid rcvbuf size '{size}'\n")));
            }
        }
        _ if coloured(option, colour) => {}
        _ if is("-help") => return Err(usage()),
        _ if is("-netns") => options.netns = Some(words.next().unwrap_or("(null)").to_owned()),
        _ if is("-Numeric") => return Err(unsupported(option)),
        _ if is("-all") => options.all = true,
        "-echo" => return Err(unsupported(option)),
        _ => {
            let text = format!("Option \"{option}\" is unknown, try \"ip -help\".\n");
            return Err(Stop::exit(MINUS_ONE, text));
        }
    }
    Ok(())
}

fn family(word: &str) -> Result<Family, Stop> {
    match Family::read(word) {
        Family::Unspec => Err(invarg("invalid protocol family", word)),
        Family::Mpls | Family::Bridge => Err(unsupported(&format!("-family {word}"))),
        family => Ok(family),
    }
}

/// `-c[olor][={always|auto|never}]`.
fn coloured<'a>(option: &'a str, colour: &mut &'a str) -> bool {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let known = matches(name, "-color") && matches!(value, "" | "always" | "auto" | "never");
    if known {
        *colour = if value.is_empty() { "always" } else { value };
    }
    known
}

/// `COLORFGBG` ends in the number of a dark colour.
fn is_dark(value: &str) -> bool {
    value.rsplit_once(';').is_some_and(|(_, last)| matches!(last, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "8"))
}
