//! The command line of `iptables` and `ip6tables`, and a line of their `-restore`.
//!
//! Counterpart: `do_parse()` of `xshared.c`: options are read one after another, those of matches and targets as soon as
//! these are named, so which complaint comes first depends on the order of words. Deliberately absent: names of hosts that are
//! not in `/etc/hosts`.

use super::ext::{self, Ext, Given};
use super::names::{addresses, alias, chain_name, chain_name_is_free, interface, unspecified};
use super::values;
use crate::names::{Names, Services};
use nettwin_model::rules::Family;
use nettwin_model::rules::xt::{Is, XtRule, XtTarget};
use std::net::IpAddr;

/// An end with a complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// `xtables_error(PARAMETER_PROBLEM)`: with the hint at the usage.
    Usage(String),
    /// A complaint as it is, with a status.
    Plain(String, u8),
    /// It is about the other family: a line of a file that is passed over.
    Other,
    /// Something that the real tool knows and this one does not.
    Unsupported(String),
}

pub(super) fn usage<T>(text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Usage(text.into()))
}

pub(super) fn unsupported<T>(what: &str) -> Result<T, Stop> {
    Err(Stop::Unsupported(what.to_owned()))
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Append,
    Check,
    Delete,
    DeleteNum,
    Insert,
    Replace,
    List,
    ListRules,
    Flush,
    Zero,
    ZeroNum,
    New,
    DeleteChain,
    Rename,
    Policy,
    Version,
    Help,
}

impl Verb {
    fn letter(self) -> char {
        match self {
            Verb::Append => 'A',
            Verb::Check => 'C',
            Verb::Delete | Verb::DeleteNum => 'D',
            Verb::Insert => 'I',
            Verb::Replace => 'R',
            Verb::List => 'L',
            Verb::ListRules => 'S',
            Verb::Flush => 'F',
            Verb::Zero | Verb::ZeroNum => 'Z',
            Verb::New => 'N',
            Verb::DeleteChain => 'X',
            Verb::Rename => 'E',
            Verb::Policy => 'P',
            Verb::Version | Verb::Help => 'V',
        }
    }

    fn takes_rule(self) -> bool {
        matches!(self, Verb::Append | Verb::Check | Verb::Delete | Verb::Insert | Verb::Replace)
    }
}

/// A command as it was read.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) verb: Verb,
    pub(super) family: Family,
    pub(super) table: String,
    pub(super) chain: Option<String>,
    /// A rule's number, from 1; 0 if none was given.
    pub(super) number: usize,
    /// `-E`'s second name, or `-P`'s policy.
    pub(super) word: String,
    /// One for each pair of addresses.
    pub(super) rules: Vec<XtRule>,
    /// The chain that a jump names, if it is no target known to be one.
    pub(super) jump: Option<String>,
    pub(super) counters: (u64, u64),
    pub(super) verbose: bool,
    pub(super) numeric: bool,
    pub(super) exact: bool,
    pub(super) line_numbers: bool,
    /// Sets what it lists to zero.
    pub(super) zeroes: bool,
    /// What is said of it beforehand.
    pub(super) warnings: String,
}

const LONG: &[(&str, u8, char)] = &[
    ("append", 1, 'A'),
    ("delete", 1, 'D'),
    ("check", 1, 'C'),
    ("insert", 1, 'I'),
    ("replace", 1, 'R'),
    ("list", 2, 'L'),
    ("list-rules", 2, 'S'),
    ("flush", 2, 'F'),
    ("zero", 2, 'Z'),
    ("new-chain", 1, 'N'),
    ("delete-chain", 2, 'X'),
    ("rename-chain", 1, 'E'),
    ("policy", 1, 'P'),
    ("source", 1, 's'),
    ("destination", 1, 'd'),
    ("src", 1, 's'),
    ("dst", 1, 'd'),
    ("protocol", 1, 'p'),
    ("in-interface", 1, 'i'),
    ("jump", 1, 'j'),
    ("table", 1, 't'),
    ("match", 1, 'm'),
    ("numeric", 0, 'n'),
    ("out-interface", 1, 'o'),
    ("verbose", 0, 'v'),
    ("wait", 2, 'w'),
    ("wait-interval", 2, 'W'),
    ("exact", 0, 'x'),
    ("fragments", 0, 'f'),
    ("version", 0, 'V'),
    ("help", 2, 'h'),
    ("line-numbers", 0, '0'),
    ("modprobe", 1, 'M'),
    ("set-counters", 1, 'c'),
    ("goto", 1, 'g'),
    ("ipv4", 0, '4'),
    ("ipv6", 0, '6'),
];

const SHORT: &str = "A1D1C1I1R1L2S2F2Z2N1X2E1P1V0h2o1p1s1d1j1i1f0b0v0w2W2n0t1m1x0c1g140606M1";

/// One option.
enum Opt {
    /// One of the tool's own.
    Own(char, Option<String>),
    /// One of an extension's: which, and its name.
    Ext(usize, &'static str, Option<String>),
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    /// What is left of a word of several short options.
    cluster: Option<String>,
    command: Command,
    verb: Option<Verb>,
    invert: bool,
    seen: Vec<char>,
    exts: Vec<Ext>,
    source: Option<(String, bool)>,
    destination: Option<(String, bool)>,
    rule: XtRule,
    proto_word: Option<String>,
    goto: bool,
}

/// Reads a command. `table` is the one of a file's section.
pub(super) fn parse(
    words: &[String],
    table: Option<&str>,
    family: Family,
    services: &Services,
    hosts: &Names,
) -> Result<Command, Stop> {
    let command = Command {
        verb: Verb::Help,
        family,
        table: table.unwrap_or("filter").to_owned(),
        chain: None,
        number: 0,
        word: String::new(),
        rules: Vec::new(),
        jump: None,
        counters: (0, 0),
        verbose: false,
        numeric: false,
        exact: false,
        line_numbers: false,
        zeroes: false,
        warnings: String::new(),
    };
    let parser = Parser {
        words,
        at: 0,
        cluster: None,
        command,
        verb: None,
        invert: false,
        seen: Vec::new(),
        exts: Vec::new(),
        source: None,
        destination: None,
        rule: XtRule::default(),
        proto_word: None,
        goto: false,
    };
    parser.run(table.is_some(), services, hosts)
}

impl Parser<'_> {
    fn run(mut self, in_file: bool, services: &Services, hosts: &Names) -> Result<Command, Stop> {
        loop {
            if let Some(rest) = self.cluster.take() {
                let (letter, rest) = split_first(&rest);
                let option = self.short(letter, rest)?;
                self.option(option, in_file, services)?;
                continue;
            }
            let Some(word) = self.words.get(self.at).cloned() else { break };
            self.at += 1;
            if word == "!" {
                if self.invert {
                    return usage("multiple consecutive ! not allowed");
                }
                self.invert = true;
                continue;
            }
            let option = if let Some(long) = word.strip_prefix("--").filter(|l| !l.is_empty()) {
                self.long(long)?
            } else if let Some(short) = word.strip_prefix('-').filter(|s| !s.is_empty()) {
                let (letter, rest) = split_first(short);
                self.short(letter, rest)?
            } else {
                return Err(Stop::Plain(format!("Bad argument `{word}'\n{}", super::hint(self.program())), 2));
            };
            self.option(option, in_file, services)?;
            if matches!(self.verb, Some(Verb::Version | Verb::Help)) {
                break;
            }
        }
        self.finish(hosts)
    }

    fn program(&self) -> &'static str {
        super::program(self.command.family)
    }

    fn short(&mut self, letter: char, rest: &str) -> Result<Opt, Stop> {
        let takes = SHORT
            .char_indices()
            .step_by(2)
            .find(|(_, c)| *c == letter)
            .and_then(|(i, _)| SHORT[i + 1..].chars().next());
        let value = match takes {
            None => return usage(format!("unknown option \"-{letter}\"")),
            Some('0') => {
                if !rest.is_empty() {
                    self.cluster = Some(rest.to_owned());
                }
                None
            }
            Some('2') => Some(rest.to_owned()).filter(|r| !r.is_empty()),
            Some(_) if !rest.is_empty() => Some(rest.to_owned()),
            Some(_) => Some(self.value(&format!("-{letter}"))?),
        };
        Ok(Opt::Own(letter, value))
    }

    fn value(&mut self, name: &str) -> Result<String, Stop> {
        let value = self.words.get(self.at).cloned();
        self.at += 1;
        value.ok_or_else(|| Stop::Usage(format!("option \"{name}\" requires an argument")))
    }

    fn long(&mut self, text: &str) -> Result<Opt, Stop> {
        let (name, given) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        for _ in 0..2 {
            let own = LONG.iter().filter(|(long, ..)| long.starts_with(name));
            let mut found: Vec<(bool, Option<usize>, &'static str, u8, char)> =
                own.map(|(long, takes, key)| (*long == name, None, *long, *takes, *key)).collect();
            for (i, ext) in self.exts.iter().enumerate() {
                let fits = ext.kind.options().iter().filter(|(long, _)| long.starts_with(name));
                found.extend(fits.map(|(long, takes)| (*long == name, Some(i), *long, *takes, ' ')));
            }
            let exact = found.iter().rev().find(|f| f.0).copied();
            let same = found.windows(2).all(|w| w[0].1 == w[1].1 && (w[0].4, alias(w[0].2)) == (w[1].4, alias(w[1].2)));
            let chosen = exact.or_else(|| found.first().copied().filter(|_| same));
            match chosen {
                None if found.is_empty() && self.load_protocol()? => continue,
                None => return usage(format!("unknown option \"--{name}\"")),
                Some((_, ext, long, takes, key)) => {
                    let value = match takes {
                        1 => Some(match given {
                            Some(value) => value,
                            None => self.value(&format!("--{name}"))?,
                        }),
                        _ => given,
                    };
                    return Ok(match ext {
                        None => Opt::Own(key, value),
                        Some(i) => Opt::Ext(i, long, value),
                    });
                }
            }
        }
        usage(format!("unknown option \"--{name}\""))
    }

    /// The protocol's own match, which need not be named.
    fn load_protocol(&mut self) -> Result<bool, Stop> {
        let Some(name) = self.proto_word.clone() else { return Ok(false) };
        if self.rule.proto.is_none() || self.exts.iter().any(|e| e.kind.name() == name) {
            return Ok(false);
        }
        match ext::find_match(&name, self.command.family) {
            Some(Ok(kind)) => {
                self.exts.push(Ext::new(kind, self.command.family));
                Ok(true)
            }
            Some(Err(())) => unsupported(&format!("-m {name}")),
            None => Ok(false),
        }
    }

    fn takes_next(&self) -> Option<String> {
        self.words.get(self.at).filter(|w| !w.starts_with('-') && *w != "!").cloned()
    }

    fn next(&mut self) -> Option<String> {
        let word = self.takes_next()?;
        self.at += 1;
        Some(word)
    }

    fn verb(&mut self, verb: Verb) -> Result<(), Stop> {
        if self.invert {
            return usage("unexpected '!' flag before --");
        }
        if let Some(old) = self.verb {
            // What is listed may be zeroed then.
            let lists = |verb| matches!(verb, Verb::List | Verb::ListRules);
            if lists(old) && verb == Verb::Zero || old == Verb::Zero && lists(verb) {
                self.command.zeroes = true;
                self.verb = Some(if lists(old) { old } else { verb });
                return Ok(());
            }
            return usage(format!("Cannot use -{} with -{}", verb.letter(), old.letter()));
        }
        self.verb = Some(verb);
        Ok(())
    }

    fn number(&mut self) -> Result<Option<usize>, Stop> {
        let Some(word) = self.next() else { return Ok(None) };
        match values::integer(&word) {
            Some(n) if n > 0 && n <= u64::from(u32::MAX) => Ok(usize::try_from(n).ok()),
            _ => usage(format!("Invalid rule number `{word}'")),
        }
    }

    /// An option that may be given once.
    fn once(&mut self, letter: char) -> Result<bool, Stop> {
        if self.seen.contains(&letter) {
            return usage(format!("multiple -{letter} flags not allowed"));
        }
        self.seen.push(letter);
        let not = std::mem::take(&mut self.invert);
        if not && !matches!(letter, 's' | 'd' | 'p' | 'i' | 'o' | 'f') {
            return usage(format!("cannot have ! before -{letter}"));
        }
        Ok(not)
    }

    #[allow(clippy::too_many_lines)]
    fn option(&mut self, option: Opt, in_file: bool, services: &Services) -> Result<(), Stop> {
        let (letter, value) = match option {
            Opt::Own(letter, value) => (letter, value),
            Opt::Ext(i, name, value) => {
                let more = match name {
                    "tcp-flags" => self.next(),
                    _ => None,
                };
                let not = std::mem::take(&mut self.invert);
                let given = Given { name, value: value.unwrap_or_default(), more, not };
                return self.exts[i].take(given, self.rule.proto, services);
            }
        };
        let text = value.clone().unwrap_or_default();
        match letter {
            'A' | 'C' | 'N' | 'D' | 'I' | 'R' | 'P' | 'E' => {
                let verb = match letter {
                    'A' => Verb::Append,
                    'C' => Verb::Check,
                    'N' => Verb::New,
                    'D' => Verb::Delete,
                    'I' => Verb::Insert,
                    'R' => Verb::Replace,
                    'P' => Verb::Policy,
                    _ => Verb::Rename,
                };
                if letter == 'N' {
                    chain_name_is_free(&text, self.command.family)?;
                }
                self.verb(verb)?;
                self.command.chain = Some(text);
                match verb {
                    Verb::Delete => {
                        if let Some(number) = self.number()? {
                            self.command.number = number;
                            self.verb = Some(Verb::DeleteNum);
                        }
                    }
                    Verb::Insert => self.command.number = self.number()?.unwrap_or(1),
                    Verb::Replace => match self.number()? {
                        Some(number) => self.command.number = number,
                        None => return usage("-R requires a rule number"),
                    },
                    Verb::Policy => match self.next() {
                        Some(word) => self.command.word = word,
                        None => return usage("-P requires a chain and a policy"),
                    },
                    Verb::Rename => match self.next() {
                        Some(word) => self.command.word = word,
                        None => return usage("-E requires old-chain-name and new-chain-name"),
                    },
                    _ => {}
                }
            }
            'L' | 'S' | 'F' | 'Z' | 'X' => {
                self.verb(match letter {
                    'L' => Verb::List,
                    'S' => Verb::ListRules,
                    'F' => Verb::Flush,
                    'Z' => Verb::Zero,
                    _ => Verb::DeleteChain,
                })?;
                let given = value.or_else(|| self.next());
                // The second of two may leave it out.
                let again = self.command.zeroes && given.is_none();
                if !again {
                    self.command.chain = given;
                }
                if !again
                    && self.command.chain.is_some()
                    && matches!(letter, 'L' | 'S' | 'Z')
                    && let Some(number) = self.number()?
                {
                    self.command.number = number;
                    if letter == 'Z' && !self.command.zeroes {
                        self.verb = Some(Verb::ZeroNum);
                    }
                }
            }
            'V' => self.verb = Some(Verb::Version),
            'h' => self.verb = Some(Verb::Help),
            'p' => {
                let not = self.once('p')?;
                let lower = text.to_ascii_lowercase();
                let number = values::protocol(&lower)
                    .ok_or_else(|| Stop::Usage(format!("unknown protocol \"{lower}\" specified")))?;
                if number == 0 && not {
                    return usage("rule would never match protocol");
                }
                if self.command.family == Family::Ip6 && values::is_extension_header(number) && !not {
                    self.command.warnings +=
                        &format!("Warning: never matched protocol: {lower}. use extension match instead.\n");
                }
                self.rule.proto = Some(Is { what: number, not }).filter(|p| p.what != 0);
                self.proto_word = Some(values::protocol_match(number, &lower));
            }
            's' | 'd' => {
                let not = self.once(letter)?;
                let given = Some((text, not));
                if letter == 's' {
                    self.source = given;
                } else {
                    self.destination = given;
                }
            }
            'i' | 'o' => {
                let not = self.once(letter)?;
                let name = interface(&text)?;
                let is = Some(Is { what: name, not }).filter(|i| i.what != "+" || i.not);
                if letter == 'i' { self.rule.iif = is } else { self.rule.oif = is }
            }
            'f' if self.command.family == Family::Ip6 => {
                return usage("`-f' is not supported in IPv6, use -m frag instead");
            }
            'f' => {
                let not = self.once('f')?;
                self.rule.fragment = Some(!not);
            }
            'j' | 'g' => {
                self.once(letter)?;
                self.jump(letter, &text)?;
            }
            'm' => {
                if self.invert {
                    return usage("unexpected ! flag before --match");
                }
                match ext::find_match(&text, self.command.family) {
                    Some(Ok(kind)) => self.exts.push(Ext::new(kind, self.command.family)),
                    Some(Err(())) => return unsupported(&format!("-m {text}")),
                    None => {
                        return usage(format!("Couldn't load match `{text}':No such file or directory\n"));
                    }
                }
            }
            'n' => self.command.numeric = true,
            'v' => self.command.verbose = true,
            'x' => self.command.exact = true,
            '0' => self.command.line_numbers = true,
            't' => {
                if self.invert {
                    return usage("unexpected ! flag before --table");
                }
                if in_file {
                    return usage("The -t option cannot be used in iptables-restore.\n");
                }
                self.command.table = text;
            }
            'c' => {
                self.once('c')?;
                let Some(bytes) = self.next() else { return usage("-c requires packet and byte counter") };
                let number = |word: &str| values::integer(word);
                let packets = number(&text).ok_or_else(|| Stop::Usage("-c packet counter not numeric".into()))?;
                let bytes = number(&bytes).ok_or_else(|| Stop::Usage("-c byte counter not numeric".into()))?;
                self.command.counters = (packets, bytes);
            }
            'w' | 'W' => {
                let _ = value.or_else(|| self.next());
            }
            'M' => {}
            '4' | '6' if (letter == '6') == (self.command.family == Family::Ip6) => {}
            '4' | '6' => return Err(Stop::Other),
            other => return usage(format!("unknown option \"-{other}\"")),
        }
        self.invert = false;
        Ok(())
    }

    fn jump(&mut self, letter: char, name: &str) -> Result<(), Stop> {
        if self.rule.target.is_some() || self.command.jump.is_some() || self.exts.iter().any(|e| e.kind.is_target()) {
            return usage(format!("multiple -{letter} flags not allowed"));
        }
        if name.len() > 28 && letter == 'j' {
            return usage(format!("Invalid target name `{name}' (28 chars max)"));
        }
        if letter == 'g' {
            self.goto = true;
            self.command.jump = Some(name.to_owned());
            return Ok(());
        }
        self.rule.target = match name {
            "ACCEPT" => Some(XtTarget::Accept),
            "DROP" => Some(XtTarget::Drop),
            "RETURN" => Some(XtTarget::Return),
            "QUEUE" => return unsupported("-j QUEUE"),
            _ => None,
        };
        if self.rule.target.is_some() {
            return Ok(());
        }
        match ext::find_target(name, self.command.family) {
            Some(Ok(kind)) => self.exts.push(Ext::new(kind, self.command.family)),
            Some(Err(())) => return unsupported(&format!("-j {name}")),
            None => self.command.jump = Some(name.to_owned()),
        }
        Ok(())
    }

    fn finish(mut self, hosts: &Names) -> Result<Command, Stop> {
        if matches!(self.verb, Some(Verb::Version | Verb::Help)) {
            self.command.verb = self.verb.unwrap_or(Verb::Help);
            return Ok(self.command);
        }
        if self.command.table == "nat" && self.rule.target == Some(XtTarget::Drop) {
            return usage(NAT_DROP);
        }
        // Matches first.
        for targets in [false, true] {
            for ext in self.exts.iter_mut().filter(|ext| ext.kind.is_target() == targets) {
                ext.check(self.rule.proto)?;
            }
        }
        if self.invert {
            return usage("nothing appropriate following !");
        }
        let Some(verb) = self.verb else { return usage("no command specified") };
        self.command.verb = verb;
        for ext in &self.exts {
            match ext.done()? {
                ext::Made::Match(m) => self.rule.matches.push(m),
                ext::Made::Target(target) => self.rule.target = Some(target),
            }
        }
        if let Some(chain) = &self.command.jump {
            let chain = chain.clone();
            self.rule.target = Some(if self.goto { XtTarget::Goto(chain) } else { XtTarget::Jump(chain) });
        }
        let family = self.command.family;
        let any = || vec![Is { what: (unspecified(family), 0), not: false }];
        let read = |given: &Option<(String, bool)>| match given {
            Some((text, not)) => addresses(text, *not, family, hosts),
            None => Ok(any()),
        };
        let (sources, destinations) = (read(&self.source)?, read(&self.destination)?);
        let several = sources.len() > 1 || destinations.len() > 1;
        if several && sources.iter().chain(&destinations).any(|is| is.not) {
            return usage("! not allowed with multiple source or destination IP addresses");
        }
        if several && verb == Verb::Replace {
            return usage("Replacement rule does not specify a unique address");
        }
        self.check_options(verb)?;
        if let Some(chain) = &self.command.chain {
            chain_name(chain)?;
        }
        self.check_interfaces(verb)?;
        let some = |is: &Is<(IpAddr, u8)>| Some(*is).filter(|n| n.what.1 != 0 || n.not);
        for source in &sources {
            for destination in &destinations {
                self.command.rules.push(XtRule { src: some(source), dst: some(destination), ..self.rule.clone() });
            }
        }
        if !super::TABLES.iter().any(|t| t.name == self.command.table) {
            let (program, version, table) = (self.program(), super::VERSION, &self.command.table);
            let hint = format!("Perhaps {program} or your kernel needs to be upgraded.");
            return Err(Stop::Plain(format!("{program} {version}: table '{table}' does not exist\n{hint}\n"), 3));
        }
        Ok(self.command)
    }

    /// Which options go with which command (`generic_opt_check`).
    fn check_options(&self, verb: Verb) -> Result<(), Stop> {
        let c = &self.command;
        let given = |letter: char| match letter {
            'n' => c.numeric,
            'x' => c.exact,
            '0' => c.line_numbers,
            'j' => self.seen.contains(&'j') || self.seen.contains(&'g'),
            other => self.seen.contains(&other),
        };
        // All may be verbose.
        let legal = match verb {
            Verb::Insert | Verb::Replace | Verb::Append => "sdpjiocf",
            Verb::Delete | Verb::Check => "sdpjiof",
            Verb::List => "nx0",
            Verb::Policy => "c",
            _ => "",
        };
        match "nsdpjxio0cf".chars().find(|letter| given(*letter) && !legal.contains(*letter)) {
            Some(letter) => usage(format!("Illegal option `-{letter}' with this command")),
            None => Ok(()),
        }
    }

    /// Chains that a rule's interface cannot be known in.
    fn check_interfaces(&self, verb: Verb) -> Result<(), Stop> {
        let chain = self.command.chain.as_deref().filter(|_| verb.takes_rule()).unwrap_or_default();
        if matches!(chain, "PREROUTING" | "INPUT") && self.seen.contains(&'o') {
            return usage(format!("Can't use -o with {chain}\n"));
        }
        if matches!(chain, "POSTROUTING" | "OUTPUT") && self.seen.contains(&'i') {
            return usage(format!("Can't use -i with {chain}\n"));
        }
        Ok(())
    }
}

pub(super) const NAT_DROP: &str =
    "\nThe \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n";

pub(super) const HINT: &str = "Try `iptables -h' or 'iptables --help' for more information.\n";

fn split_first(text: &str) -> (char, &str) {
    let mut chars = text.chars();
    (chars.next().unwrap_or('?'), chars.as_str())
}
