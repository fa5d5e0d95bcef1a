//! `tcpdump`'s command line.
//!
//! Counterpart: the option loop of `main()` in tcpdump 4.99.3's `tcpdump.c`.

use super::print::Style;
use crate::getopt::{self, Long, Met, Takes};
use crate::job::{Context, Next};
use crate::number::{strtol, strtol_rest};
use crate::say;
use nettwin_model::probe::Direction;

/// What it asks for.
pub(super) struct Options {
    /// How packets are printed.
    pub(super) style: Style,
    /// `-i`.
    pub(super) device: Option<String>,
    /// `-c`.
    pub(super) count: Option<u64>,
    /// `-r`.
    pub(super) read: Option<String>,
    /// `-w`.
    pub(super) write: Option<String>,
    /// `-s`.
    pub(super) snap_len: u32,
    /// `-p`: the device is left as it is.
    pub(super) promiscuous: bool,
    /// `-Q`.
    pub(super) direction: Option<Direction>,
    /// `-l`.
    pub(super) line_buffered: bool,
    /// `--immediate-mode`.
    pub(super) immediate: bool,
    /// `--print`.
    pub(super) print: bool,
    /// `--count`.
    pub(super) only_count: bool,
    /// The filter expression.
    pub(super) expression: String,
}

impl Options {
    /// Reads the command line; an error is tcpdump's end.
    pub(super) fn parse(cx: &mut Context<'_>, program: &str, words: &[String]) -> Result<Options, Next> {
        let mut o = Options {
            style: Style::default(),
            device: None,
            count: None,
            read: None,
            write: None,
            snap_len: MAX_SNAP_LEN,
            promiscuous: true,
            direction: None,
            line_buffered: false,
            immediate: false,
            print: false,
            only_count: false,
            expression: String::new(),
        };
        let parsed = getopt::parse(words.get(1..).unwrap_or_default(), SHORT, LONG);
        let mut file = None;
        for met in parsed.options {
            let (key, value) = match met {
                Met::Option(key, value) => (key, value.unwrap_or_default()),
                Met::Wrong(complaint) => {
                    cx.complain(&format!("{program}: {complaint}\n{VERSION}{}", usage(program)));
                    return Err(Next::Done(1));
                }
            };
            let style = &mut o.style;
            match key {
                'n' => style.numeric = true,
                'N' => style.no_domain = true,
                'e' => style.link = true,
                'v' => style.verbose += 1,
                'q' => style.quick += 1,
                'x' => style.hex += 1,
                'X' => style.hex_ascii += 1,
                'A' => style.ascii += 1,
                't' => style.time += 1,
                'S' => style.absolute = true,
                'K' => style.unsummed = true,
                '#' => style.number = true,
                'i' => o.device = Some(value),
                'r' => o.read = Some(value),
                'w' => o.write = Some(value),
                'F' => file = Some(value),
                'p' => o.promiscuous = false,
                'l' => o.line_buffered = true,
                'c' => match strtol(&value, 10).and_then(|n| u64::try_from(n).ok()).filter(|n| *n > 0) {
                    Some(count) => o.count = Some(count),
                    None => return Err(fail(cx, program, &format!("invalid packet count {value}"))),
                },
                's' => match strtol_rest(&value, 0) {
                    Some((n @ 0..=262_144, "")) => {
                        // Within 19 bits.
                        o.snap_len = if n == 0 { MAX_SNAP_LEN } else { n as u32 };
                    }
                    _ => {
                        let text = format!("invalid snaplen {value} (must be >= 0 and <= {MAX_SNAP_LEN})");
                        return Err(fail(cx, program, &text));
                    }
                },
                'Q' => match value.to_ascii_lowercase().as_str() {
                    "in" => o.direction = Some(Direction::In),
                    "out" => o.direction = Some(Direction::Out),
                    "inout" => o.direction = None,
                    _ => return Err(fail(cx, program, &format!("unknown capture direction `{value}'"))),
                },
                // How a filter is made, whose the process is, how a file is buffered: nothing that could be seen.
                'O' | 'Z' | 'U' | 'a' | MICRO => {}
                PRINT => o.print = true,
                COUNT => o.only_count = true,
                IMMEDIATE => o.immediate = true,
                'h' => {
                    cx.print(&format!("{VERSION}{}", usage(program)));
                    return Err(Next::Done(0));
                }
                VERSION_KEY => {
                    cx.print(VERSION);
                    return Err(Next::Done(0));
                }
                other => {
                    let long = LONG.iter().find(|(.., key)| *key == other && !key.is_ascii());
                    let name = long.map_or_else(|| format!("-{other}"), |(name, ..)| format!("--{name}"));
                    return Err(say::unsupported(cx, program, &name));
                }
            }
        }
        if o.style.time > 5 {
            return Err(fail(cx, program, "only -t, -tt, -ttt, -tttt and -ttttt are supported"));
        }
        o.expression = match file {
            None => parsed.operands.join(" "),
            Some(path) => match cx.files.read(&path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(e) => {
                    let text = format!("can't open {path}: {}", say::io_error(&e));
                    return Err(fail(cx, program, &text));
                }
            },
        };
        Ok(o)
    }
}

/// Says what is wrong and ends (`error()`).
pub(super) fn fail(cx: &mut Context<'_>, program: &str, text: &str) -> Next {
    cx.complain(&format!("{program}: {text}\n"));
    Next::Done(1)
}

fn usage(program: &str) -> String {
    format!("Usage: {program} {USAGE}")
}

const SHORT: &str = "aAbB:c:C:dDeE:fF:G:hHi:Ij:JKlLm:M:nNOpqQ:r:s:StT:uUvV:w:W:xXy:Yz:Z:#";
const MAX_SNAP_LEN: u32 = 262_144;
const VERSION_KEY: char = '\u{e000}';
const MICRO: char = '\u{e001}';
const NANO: char = '\u{e002}';
const PRECISION: char = '\u{e003}';
const IMMEDIATE: char = '\u{e004}';
const COUNT: char = '\u{e005}';
const FP_TYPE: char = '\u{e006}';
const PRINT: char = '\u{e007}';

const LONG: &[Long] = &[
    ("buffer-size", Takes::Value, 'B'),
    ("list-interfaces", Takes::Nothing, 'D'),
    ("help", Takes::Nothing, 'h'),
    ("interface", Takes::Value, 'i'),
    ("monitor-mode", Takes::Nothing, 'I'),
    ("time-stamp-type", Takes::Value, 'j'),
    ("list-time-stamp-types", Takes::Nothing, 'J'),
    ("micro", Takes::Nothing, MICRO),
    ("nano", Takes::Nothing, NANO),
    ("time-stamp-precision", Takes::Value, PRECISION),
    ("dont-verify-checksums", Takes::Nothing, 'K'),
    ("list-data-link-types", Takes::Nothing, 'L'),
    ("no-optimize", Takes::Nothing, 'O'),
    ("no-promiscuous-mode", Takes::Nothing, 'p'),
    ("direction", Takes::Value, 'Q'),
    ("snapshot-length", Takes::Value, 's'),
    ("absolute-tcp-sequence-numbers", Takes::Nothing, 'S'),
    ("packet-buffered", Takes::Nothing, 'U'),
    ("linktype", Takes::Value, 'y'),
    ("immediate-mode", Takes::Nothing, IMMEDIATE),
    ("relinquish-privileges", Takes::Value, 'Z'),
    ("count", Takes::Nothing, COUNT),
    ("fp-type", Takes::Nothing, FP_TYPE),
    ("number", Takes::Nothing, '#'),
    ("print", Takes::Nothing, PRINT),
    ("version", Takes::Nothing, VERSION_KEY),
];

const VERSION: &str = "\
tcpdump version 4.99.3
libpcap version 1.10.3 (with TPACKET_V3)
OpenSSL 3.0.19 27 Jan 2026
";

const USAGE: &str = "\
[-AbdDefhHIJKlLnNOpqStuUvxX#] [ -B size ] [ -c count ] [--count]
\t\t[ -C file_size ] [ -E algo:secret ] [ -F file ] [ -G seconds ]
\t\t[ -i interface ] [ --immediate-mode ] [ -j tstamptype ]
\t\t[ -M secret ] [ --number ] [ --print ] [ -Q in|out|inout ]
\t\t[ -r file ] [ -s snaplen ] [ -T type ] [ --version ]
\t\t[ -V file ] [ -w file ] [ -W filecount ] [ -y datalinktype ]
\t\t[ --time-stamp-precision precision ] [ --micro ] [ --nano ]
\t\t[ -z postrotate-command ] [ -Z user ] [ expression ]
";
