//! What nft reads, as words with their places, and its complaints about places.
//!
//! Counterpart: nftables 1.0.6, `src/scanner.l`, `src/erec.c`. Deliberately absent: words that are keywords only within a
//! scope are told apart by the parser.

use std::net::Ipv6Addr;

/// Text that is read, and where it is from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file, if it is one.
    pub(super) file: Option<String>,
    /// Its text, and behind it that of all files that it includes.
    pub(super) text: String,
    /// These files, in order.
    pub(super) included: Vec<Included>,
}

/// A file within another.
#[derive(Clone, Debug)]
pub(super) struct Included {
    /// Where its text begins.
    from: usize,
    file: String,
    /// Where it is named.
    by: Loc,
}

/// A place in a source: the first byte and the one behind the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Loc {
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Loc {
    /// From the beginning of this to the end of the other.
    pub(super) fn to(self, other: Loc) -> Loc {
        Loc { from: self.from, to: other.to }
    }
}

/// A complaint: what is marked with `^` comes first, with `~` what it disagrees with.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) text: String,
    pub(super) at: Vec<Loc>,
}

impl Report {
    pub(super) fn new(at: Loc, text: impl Into<String>) -> Self {
        Report { text: text.into(), at: vec![at] }
    }

    /// About something that disagrees with something else.
    pub(super) fn against(at: Loc, other: Loc, text: impl Into<String>) -> Self {
        Report { text: text.into(), at: vec![at, other] }
    }
}

impl Source {
    /// Something to read that names no file yet.
    pub(super) fn new(file: Option<String>, text: String) -> Self {
        Source { file, text, included: Vec::new() }
    }

    /// Adds a file that is named there; where its text begins.
    pub(super) fn add(&mut self, file: String, text: &str, by: Loc) -> usize {
        let from = self.text.len();
        self.text += text;
        self.included.push(Included { from, file, by });
        from
    }

    /// The file that a byte is in; `None` if it is the first.
    fn part(&self, at: usize) -> Option<usize> {
        self.included.iter().rposition(|part| part.from <= at)
    }

    /// That file's text, and where it begins.
    fn text_of(&self, part: Option<usize>) -> (usize, &str) {
        let from = part.map_or(0, |i| self.included[i].from);
        let next = self.included.get(part.map_or(0, |i| i + 1)).map_or(self.text.len(), |next| next.from);
        (from, self.text.get(from..next).unwrap_or_default())
    }

    /// The way to a file that is included: who names it, and where.
    fn way(&self, part: Option<usize>) -> String {
        let mut out = String::new();
        let mut part = part;
        while let Some(i) = part {
            let by = self.included[i].by;
            part = self.part(by.from);
            let name = match part {
                Some(i) => &self.included[i].file,
                None => self.file.as_deref().unwrap_or("<cmdline>"),
            };
            let ((line, column), (_, last)) = (self.place(by.from), self.place(by.to.max(by.from + 1) - 1));
            let head = if out.is_empty() { "In file included from" } else { "                 from" };
            out += &format!("{head} {name}:{line}:{column}-{last}:\n");
        }
        out
    }

    /// Line and column of a byte, from 1.
    fn place(&self, at: usize) -> (usize, usize) {
        let (from, text) = self.text_of(self.part(at));
        let before = text.get(..at - from).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before.len() - line_start + 1)
    }

    /// The complaint as it is printed: message, line, marks (`erec_print`).
    pub(super) fn print(&self, report: &Report) -> String {
        let places: Vec<((usize, usize), usize)> =
            report.at.iter().map(|loc| (self.place(loc.from), self.place(loc.to.max(loc.from + 1) - 1).1)).collect();
        let Some(&((line, column), last)) = places.first() else { return format!("Error: {}\n", report.text) };
        let part = report.at.first().and_then(|loc| self.part(loc.from));
        let file = part.map(|i| &self.included[i].file).or(self.file.as_ref());
        let place = file.map_or(String::new(), |file| format!("{file}:{line}:{column}-{last}: "));
        let place = self.way(part) + &place;
        // What was given as words is one line to nft, whatever is in it.
        let shown = if file.is_some() { line - 1 } else { 0 };
        let (_, whole) = self.text_of(part);
        let text = whole.lines().nth(shown).or(whole.lines().last()).unwrap_or_default();
        let end = places.iter().map(|(_, last)| *last).max().unwrap_or(0);
        let mut marks = vec![b' '; end];
        for (i, byte) in text.bytes().enumerate().take(end).filter(|(_, byte)| *byte == b'\t') {
            marks[i] = byte;
        }
        for (n, ((_, column), last)) in places.iter().enumerate().rev() {
            marks.iter_mut().take(*last).skip(column - 1).for_each(|mark| *mark = if n == 0 { b'^' } else { b'~' });
        }
        format!("{place}Error: {}\n{text}\n{}\n", report.text, String::from_utf8_lossy(&marks))
    }
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, an address or a keyword.
    Word,
    /// In double quotes.
    Quoted,
    /// A name with an asterisk.
    Asterisk,
    Number,
    /// Punctuation.
    Mark,
    Newline,
    Semicolon,
    End,
    /// Nothing that nft knows.
    Junk,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Without quotes.
    pub(super) text: String,
    pub(super) at: Loc,
}

impl Token {
    /// Whether it can be a name.
    pub(super) fn is_name(&self) -> bool {
        self.kind == Kind::Word && !KEYWORDS.contains(&self.text.as_str())
    }

    /// What the parser calls it.
    pub(super) fn called(&self) -> String {
        let name = match (self.kind, self.text.as_str()) {
            (Kind::Word, word) if KEYWORDS.contains(&word) => canonical(word),
            (Kind::Word, _) => "string",
            (Kind::Quoted, _) => "quoted string",
            (Kind::Asterisk, _) => "string with a trailing asterisk",
            (Kind::Number, _) => "number",
            (Kind::Newline, _) => "newline",
            (Kind::Semicolon, _) => "semicolon",
            (Kind::End, _) => "end of file",
            (Kind::Junk, _) => "junk",
            (Kind::Mark, ",") => "comma",
            (Kind::Mark, ":") => "colon",
            (Kind::Mark, mark @ ("{" | "}" | "(" | ")" | "[" | "]" | "|" | "=" | "$")) => return format!("'{mark}'"),
            (Kind::Mark, mark) => mark,
        };
        name.to_owned()
    }
}

/// Words that are written as operators are called.
fn canonical(word: &str) -> &str {
    match word {
        "eq" => "==",
        "ne" => "!=",
        "le" => "<=",
        "lt" => "<",
        "ge" => ">=",
        "gt" => ">",
        "lshift" => "<<",
        "rshift" => ">>",
        "xor" => "^",
        "and" => "&",
        "or" => "'|'",
        "not" => "!",
        other => other,
    }
}

/// The words of a source.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let first = rest.as_bytes()[0];
        let mut push = |kind, length: usize, word: &str| {
            out.push(Token { kind, text: word.to_owned(), at: Loc { from: at, to: at + length } });
            length
        };
        at += match first {
            b' ' | b'\t' | b'\r' => 1,
            b'\\' if rest.starts_with("\\\n") => 2,
            b'\n' => push(Kind::Newline, 1, "\n"),
            b';' => push(Kind::Semicolon, 1, ";"),
            b'#' => rest.find('\n').unwrap_or(rest.len()),
            b'"' => match rest[1..].find('"') {
                Some(end) => {
                    let inside = &rest[1..=end];
                    let kind = if inside.ends_with('*') { Kind::Asterisk } else { Kind::Quoted };
                    push(kind, end + 2, inside)
                }
                None => push(Kind::Junk, 1, "\""),
            },
            _ => match word(rest) {
                Some((kind, length)) => push(kind, length, &rest[..length]),
                None => match mark(rest) {
                    Some(mark) => push(Kind::Mark, mark.len(), mark),
                    None => {
                        let length = rest.chars().next().map_or(1, char::len_utf8);
                        push(Kind::Junk, length, &rest[..length])
                    }
                },
            },
        };
    }
    out.push(Token { kind: Kind::End, text: String::new(), at: Loc { from: text.len(), to: text.len() } });
    out
}

/// The longest word that the text begins with.
fn word(text: &str) -> Option<(Kind, usize)> {
    let run = |allowed: fn(&u8) -> bool| text.bytes().take_while(allowed).count();
    let mut best: Option<(Kind, usize)> = None;
    let mut consider = |kind, length: usize| {
        if length > best.map_or(0, |b| b.1) {
            best = Some((kind, length));
        }
    };
    let first = text.as_bytes()[0];
    if first.is_ascii_alphabetic()
        || first == b'_'
        || first == b'.' && run(|b| b.is_ascii_alphanumeric() || *b == b'.') > 1
    {
        let length = run(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(b));
        if text[length..].starts_with('*') {
            consider(Kind::Asterisk, length + 1);
        }
        consider(Kind::Word, length);
    }
    if first.is_ascii_digit() {
        let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
        let digits = hex.map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_hexdigit).count());
        consider(Kind::Number, if digits > 0 { digits + 2 } else { run(u8::is_ascii_digit) });
        consider(Kind::Word, time(text));
        consider(Kind::Word, ipv4(text));
    }
    if first.is_ascii_hexdigit() || first == b':' {
        consider(Kind::Word, class(text));
        consider(Kind::Word, mac(text));
        consider(Kind::Word, ipv6(text));
    }
    best
}

/// `5d`, `1h30m`, …
fn time(text: &str) -> usize {
    let mut at = 0;
    for unit in ["d", "h", "m", "s", "ms"] {
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[at + digits..];
        if digits > 0 && rest.starts_with(unit) && !(unit == "m" && rest.starts_with("ms")) {
            at += digits + unit.len();
        }
    }
    at
}

/// Four numbers with points between, however large.
fn ipv4(text: &str) -> usize {
    let mut at = 0;
    for i in 0..4 {
        if i > 0 {
            if !text[at..].starts_with('.') {
                return 0;
            }
            at += 1;
        }
        let digits = text[at..].bytes().take(3).take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return 0;
        }
        at += digits;
    }
    at
}

fn mac(text: &str) -> usize {
    let mut at = 0;
    for i in 0..6 {
        if i > 0 {
            if !text[at..].starts_with(':') {
                return 0;
            }
            at += 1;
        }
        let digits = text[at..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
        if digits == 0 {
            return 0;
        }
        at += digits;
    }
    at
}

/// Two numbers that could be a traffic class.
fn class(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take(4).take_while(u8::is_ascii_hexdigit).count();
    let first = digits(text);
    let Some(rest) = text[first..].strip_prefix(':').filter(|_| first > 0) else { return 0 };
    let second = digits(rest);
    let ends = rest[second..].starts_with([' ', '\t', '\n', ':', '-', '}', ',']);
    if second > 0 && ends { first + 1 + second } else { 0 }
}

fn ipv6(text: &str) -> usize {
    let run = text.bytes().take_while(|b| b.is_ascii_hexdigit() || b":.".contains(b)).count();
    (2..=run.min(45)).rev().find(|n| text[..*n].parse::<Ipv6Addr>().is_ok()).unwrap_or(0)
}

fn mark(text: &str) -> Option<&'static str> {
    const MARKS: [&str; 29] = [
        "==", "!=", "<=", ">=", "<<", ">>", "<", ">", ",", ".", ":", "{", "}", "[", "]", "(", ")", "^", "&", "|", "!",
        "/", "-", "*", "@", "$", "=", "+", "\\*",
    ];
    MARKS.into_iter().find(|mark| text.starts_with(mark))
}

/// Words that are keywords everywhere, and so are no names.
#[rustfmt::skip]
const KEYWORDS: &[&str] = &[
    "eq", "ne", "le", "lt", "ge", "gt", "lshift", "rshift", "xor", "and", "or", "not", "vmap", "include", "define", "redefine",
    "undefine", "describe", "hook", "device", "devices", "table", "chain", "rule", "set", "element", "map", "flowtable", "handle",
    "ruleset", "socket", "tproxy", "accept", "drop", "continue", "jump", "goto", "return", "inet", "netdev", "add", "replace",
    "update", "create", "insert", "delete", "get", "list", "reset", "flush", "rename", "import", "export", "monitor", "position",
    "index", "comment", "constant", "interval", "dynamic", "auto-merge", "timeout", "gc-interval", "elements", "expires", "policy",
    "size", "flow", "offload", "meter", "counter", "log", "queue", "limit", "quota", "hour", "day", "reject", "snat", "dnat",
    "masquerade", "redirect", "random", "th", "bridge", "ether", "type", "typeof", "vlan", "arp", "ip", "ecn", "time", "icmp",
    "icmpv6", "igmp", "ip6", "priority", "ah", "esp", "comp", "flags", "udp", "udplite", "tcp", "dccp", "sctp", "rt", "rt0", "rt2",
    "srh", "hbh", "frag", "dst", "mh", "meta", "mark", "iif", "iifname", "iiftype", "oif", "oifname", "oiftype", "skuid", "skgid",
    "nftrace", "rtclassid", "ibriport", "ibrname", "obriport", "obrname", "pkttype", "cpu", "iifgroup", "oifgroup", "cgroup", "ct",
    "numgen", "jhash", "symhash", "dup", "fwd", "fib", "osf", "synproxy", "notrack", "all", "exists", "missing", "exthdr", "ipsec",
    "secmark", "xt",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_long_as_can_be() {
        let words = |text: &str| tokens(text).into_iter().map(|t| t.text).collect::<Vec<_>>().join("|");
        assert_eq!(words("ip saddr 1.2.3.4/24"), "ip|saddr|1.2.3.4|/|24|");
        assert_eq!(words("80-90,{22:accept}"), "80|-|90|,|{|22|:|accept|}|");
        assert_eq!(words("fe80::1 00:11:22:33:44:55 ::1"), "fe80::1|00:11:22:33:44:55|::1|");
        assert_eq!(words("eth*;\"a b\" 5/second 1h30m 10mbytes"), "eth*|;|a b|5|/|second|1h30m|10m|bytes|");
        assert_eq!(words("a . b # c\n0x1f"), "a|.|b|\n|0x1f|");
    }
}
