//! `iptables`, `iptables-save` and `iptables-restore`, and the same three of `ip6tables`.
//!
//! Counterpart: iptables 1.8.9, nf_tables flavour: the tables and chains that it has built in are made when something is
//! put in them, and a rule is kept as it was written. Those of `ip6tables` are kept and listed, and no packet ever meets
//! them: there is no IPv6. Deliberately absent: the lock, matches and targets that [`ext`] does not know.

mod checks;
mod ext;
mod names;
mod parse;
mod print;
mod restore;
mod values;

use crate::job::{Context, Invocation, Job, Next, Once};
use crate::names::{Names, Services};
use crate::say;
use nettwin_model::rules::xt::XtRule;
use nettwin_model::rules::{
    Base, Chain, ChainKind, Family, Hook, Place, Policy, Rule, RuleChange, Ruleset, Table, Tongue, Which,
};
use nettwin_model::{Answer, Errno, Fault, Op, Query};
use parse::{Command, HINT, NAT_DROP, Stop, Verb};
use print::List;

pub(crate) use restore::{start_restore, start_restore6, start_save, start_save6};

/// The version, as every complaint names it.
const VERSION: &str = "v1.8.9 (nf_tables)";

/// A table that is built in.
struct Builtin {
    name: &'static str,
    chains: &'static [(&'static str, ChainKind, Hook, i32)],
}

/// In the order in which they are saved.
const TABLES: &[Builtin] = &[
    Builtin {
        name: "mangle",
        chains: &[
            ("PREROUTING", ChainKind::Filter, Hook::Prerouting, -150),
            ("INPUT", ChainKind::Filter, Hook::Input, -150),
            ("FORWARD", ChainKind::Filter, Hook::Forward, -150),
            ("OUTPUT", ChainKind::Route, Hook::Output, -150),
            ("POSTROUTING", ChainKind::Filter, Hook::Postrouting, -150),
        ],
    },
    Builtin {
        name: "security",
        chains: &[
            ("INPUT", ChainKind::Filter, Hook::Input, 50),
            ("FORWARD", ChainKind::Filter, Hook::Forward, 50),
            ("OUTPUT", ChainKind::Filter, Hook::Output, 50),
        ],
    },
    Builtin {
        name: "raw",
        chains: &[
            ("PREROUTING", ChainKind::Filter, Hook::Prerouting, -300),
            ("OUTPUT", ChainKind::Filter, Hook::Output, -300),
        ],
    },
    Builtin {
        name: "filter",
        chains: &[
            ("INPUT", ChainKind::Filter, Hook::Input, 0),
            ("FORWARD", ChainKind::Filter, Hook::Forward, 0),
            ("OUTPUT", ChainKind::Filter, Hook::Output, 0),
        ],
    },
    Builtin {
        name: "nat",
        chains: &[
            ("PREROUTING", ChainKind::Nat, Hook::Prerouting, -100),
            ("INPUT", ChainKind::Nat, Hook::Input, 100),
            ("OUTPUT", ChainKind::Nat, Hook::Output, -100),
            ("POSTROUTING", ChainKind::Nat, Hook::Postrouting, 100),
        ],
    },
];

fn builtin(table: &str) -> &'static Builtin {
    TABLES.iter().find(|t| t.name == table).unwrap_or(&TABLES[3])
}

impl Builtin {
    fn base(&self, chain: &str, policy: Policy) -> Option<Base> {
        let (_, kind, hook, priority) = self.chains.iter().find(|(name, ..)| *name == chain)?;
        Some(Base::new(*kind, *hook, *priority, policy))
    }
}

/// Begins `iptables`.
pub(crate) fn start(invocation: &Invocation) -> Box<dyn Job> {
    begin(invocation, Family::Ip)
}

/// Begins `ip6tables`.
pub(crate) fn start6(invocation: &Invocation) -> Box<dyn Job> {
    begin(invocation, Family::Ip6)
}

fn begin(invocation: &Invocation, family: Family) -> Box<dyn Job> {
    let words = invocation.words.get(1..).unwrap_or_default().to_vec();
    Box::new(Once(move |cx: &mut Context<'_>| {
        let services = Services::read(cx);
        let result = parse::parse(&words, None, family, &services, &Names::with_networks(cx))
            .and_then(|command| run(cx, &command, &services));
        match result {
            Ok(status) => Next::Done(status),
            Err(stop) => end(cx, program(family), &stop),
        }
    }))
}

/// The program of a family.
fn program(family: Family) -> &'static str {
    if family == Family::Ip6 { "ip6tables" } else { "iptables" }
}

/// Says why it ends.
fn end(cx: &mut Context<'_>, program: &str, stop: &Stop) -> Next {
    match stop {
        Stop::Usage(text) => {
            cx.complain(&format!("{program} {VERSION}: {text}\n{}", hint(program)));
            Next::Done(2)
        }
        Stop::Plain(text, status) => {
            cx.complain(text);
            Next::Done(*status)
        }
        // Of a line of a file: there it was passed over.
        Stop::Other => {
            cx.complain(&hint(program));
            Next::Done(2)
        }
        Stop::Unsupported(what) => say::unsupported(cx, program, what),
    }
}

fn hint(program: &str) -> String {
    HINT.replace("iptables", program)
}

/// A complaint of `nft_strerror()`.
fn failed<T>(family: Family, text: &str) -> Result<T, Stop> {
    Err(Stop::Plain(format!("{}: {text}.\n", program(family)), 1))
}

const NO_CHAIN: &str = "No chain/target/match by that name";
const NO_RULE: &str = "Bad rule (does a matching rule exist in that chain?)";

/// The rules that are there.
fn rules(cx: &mut Context<'_>, family: Family) -> Result<Ruleset, Stop> {
    let program = program(family);
    let netns = cx.netns.clone();
    match cx.machine.query(&Query::Ruleset(netns)) {
        Ok(Answer::Ruleset(rules)) => Ok(*rules),
        Ok(_) => {
            let text = format!("nettwin: {program}: the machine answered another question\n");
            Err(Stop::Plain(text, say::UNSUPPORTED))
        }
        Err(fault) => Err(Stop::Plain(format!("nettwin: {program}: {fault}\n"), say::UNSUPPORTED)),
    }
}

/// Changes that one command comes to, and what the kernel's refusal of them is called.
#[derive(Default)]
struct Batch {
    changes: Vec<RuleChange>,
    what: String,
}

fn commit(cx: &mut Context<'_>, family: Family, batch: Batch) -> Result<(), Stop> {
    if batch.changes.is_empty() {
        return Ok(());
    }
    let op = Op::Ruleset { netns: cx.netns.clone(), changes: batch.changes };
    match say::execute(cx, op) {
        Ok(()) => Ok(()),
        Err(Fault::Refused { errno, .. }) => Err(refused(family, &batch.what, errno)),
        Err(fault) => Err(Stop::Plain(format!("nettwin: {}: {fault}\n", program(family)), say::UNSUPPORTED)),
    }
}

fn refused(family: Family, what: &str, errno: Errno) -> Stop {
    let (action, subject) = what.split_once('|').unwrap_or((what, ""));
    // A target in a wrong place is an invalid argument to the old checks that iptables' rules undergo.
    let errno = if errno == Errno::EOPNOTSUPP { Errno::EINVAL } else { errno };
    Stop::Plain(format!("{} {VERSION}:  {action} failed ({}): {subject}\n", program(family), errno.text()), 4)
}

/// A table as iptables sees it.
struct View<'a> {
    family: Family,
    name: &'a str,
    table: Option<&'a Table>,
}

impl<'a> View<'a> {
    fn new(rules: &'a Ruleset, family: Family, name: &'a str) -> Self {
        View { family, name, table: rules.table(family, name) }
    }

    fn chain(&self, name: &str) -> Option<&'a Chain> {
        self.table?.chain(name)
    }

    fn which(&self, chain: &str) -> Which {
        Which::of(self.family, self.name, chain)
    }

    /// Whether there is such a chain, or would be once it is used.
    fn knows(&self, chain: &str) -> bool {
        builtin(self.name).base(chain, Policy::Accept).is_some() || self.chain(chain).is_some()
    }

    /// Whether there is no such chain for commands that want one: those that are built in come with their first rule.
    fn is_missing(&self, chain: &str) -> bool {
        self.chain(chain).is_none()
    }

    /// What must be made before something is put in a chain.
    fn make(&self, chain: &str) -> Vec<RuleChange> {
        let mut out = Vec::new();
        if self.table.is_none() {
            out.push(RuleChange::AddTable { which: self.which(""), fresh: false });
        }
        if self.chain(chain).is_none()
            && let Some(base) = builtin(self.name).base(chain, Policy::Accept)
        {
            out.push(RuleChange::AddChain { which: self.which(chain), base: Some(base), fresh: false });
        }
        out
    }

    /// All chains: those built in, whether they are there or not, then the others by name.
    fn chains(&self) -> Vec<(String, Option<&'a Chain>)> {
        let builtin = builtin(self.name);
        let first = builtin.chains.iter().map(|(name, ..)| ((*name).to_owned(), self.chain(name)));
        let mut own: Vec<&Chain> = self
            .table
            .iter()
            .flat_map(|t| &t.chains)
            .filter(|c| builtin.base(&c.name, Policy::Accept).is_none())
            .collect();
        own.sort_by(|a, b| a.name.cmp(&b.name));
        first.chain(own.into_iter().map(|c| (c.name.clone(), Some(c)))).collect()
    }

    /// Complains about a table that somebody else has written to.
    fn check(&self) -> Result<(), Stop> {
        let is_ours = |chain: &Chain| {
            let base = builtin(self.name).base(&chain.name, Policy::Accept);
            let same = match (&chain.base, base) {
                (Some(is), Some(must)) => (is.kind, is.hook, is.priority) == (must.kind, must.hook, must.priority),
                (None, None) => true,
                _ => false,
            };
            same && chain.rules.iter().all(|r| !r.tongue.is_nft())
        };
        if self.table.is_none_or(|t| t.chains.iter().all(is_ours)) {
            return Ok(());
        }
        let program = program(self.family);
        let text = format!("{program} {VERSION}: table `{}' is incompatible, use 'nft' tool.\n", self.name);
        Err(Stop::Plain(text, 1))
    }
}

/// A rule as iptables wrote it.
fn written(rule: &Rule) -> Option<&XtRule> {
    match &rule.tongue {
        Tongue::Iptables(xt) => Some(xt),
        Tongue::Nft => None,
    }
}

fn policy_word(policy: Policy) -> &'static str {
    if policy == Policy::Drop { "DROP" } else { "ACCEPT" }
}

/// What a chain's policy has decided about.
fn rest_of(chain: Option<&Chain>) -> (u64, u64) {
    chain.and_then(|c| c.base.as_ref()).and_then(|b| b.rest).unwrap_or_default()
}

fn policy_of(chain: Option<&Chain>) -> Policy {
    chain.and_then(|c| c.base.as_ref()).map(|b| b.policy).unwrap_or_default()
}

fn run(cx: &mut Context<'_>, command: &Command, services: &Services) -> Result<u8, Stop> {
    match command.verb {
        Verb::Version => {
            cx.print(&format!("{} {VERSION}\n", program(command.family)));
            return Ok(0);
        }
        Verb::Help => return parse::unsupported("-h"),
        _ => {}
    }
    cx.complain(&command.warnings);
    let rules = rules(cx, command.family)?;
    let view = View::new(&rules, command.family, &command.table);
    view.check()?;
    match command.verb {
        Verb::List | Verb::ListRules if command.zeroes => {
            match command.verb {
                Verb::List => list(cx, &view, command, services)?,
                _ => list_rules(cx, &view, command)?,
            };
            let zero = Command { verb: Verb::Zero, number: 0, ..command.clone() };
            carry_out(cx, &view, &zero, services)
        }
        Verb::List => list(cx, &view, command, services),
        Verb::ListRules => list_rules(cx, &view, command),
        _ => carry_out(cx, &view, command, services),
    }
}

/// Makes the changes that a command comes to.
fn carry_out(cx: &mut Context<'_>, view: &View<'_>, command: &Command, services: &Services) -> Result<u8, Stop> {
    let mut said = String::new();
    let batch = changes(view, command, services, &Names::with_networks(cx), &mut said);
    // What is said is said even if it is refused.
    cx.print(&said);
    commit(cx, command.family, batch?).map(|()| 0)
}

/// The changes that a command comes to; `said` gets what `-v` says of them.
fn changes(
    view: &View<'_>,
    command: &Command,
    services: &Services,
    hosts: &Names,
    said: &mut String,
) -> Result<Batch, Stop> {
    let chain = command.chain.clone().unwrap_or_default();
    let mut batch = Batch::default();
    match command.verb {
        Verb::Append | Verb::Insert | Verb::Replace | Verb::Delete | Verb::Check => {
            let family = view.family;
            let list =
                List { family, numeric: true, verbose: true, exact: false, line_numbers: false, services, hosts };
            let done = rule_changes(view, command, &chain, &mut batch);
            let tells = match &done {
                Ok(()) => command.verb != Verb::Check,
                Err(Stop::Plain(..)) => !matches!(command.verb, Verb::Check | Verb::Delete),
                Err(_) => false,
            };
            if command.verbose && tells {
                said.extend(command.rules.iter().map(|rule| list.line(rule)));
            }
            done?;
        }
        Verb::DeleteNum => {
            let rules = view.chain(&chain).map(|c| c.rules.as_slice()).unwrap_or_default();
            if view.is_missing(&chain) {
                return failed(view.family, NO_CHAIN);
            }
            let Some(rule) = rules.get(command.number - 1) else {
                return failed(view.family, "Index of deletion too big");
            };
            batch.changes.push(RuleChange::DelRule { which: view.which(&chain), handle: rule.handle });
        }
        Verb::New => {
            if view.knows(&chain) {
                return failed(view.family, "Chain already exists");
            }
            batch.changes = view.make(&chain);
            batch.changes.push(RuleChange::AddChain { which: view.which(&chain), base: None, fresh: true });
        }
        Verb::Flush => {
            if !chain.is_empty() && !view.knows(&chain) {
                return failed(view.family, NO_CHAIN);
            }
            for (name, found) in view.chains().into_iter().filter(|(name, _)| chain.is_empty() || *name == chain) {
                if command.verbose && chain.is_empty() {
                    *said += &format!("Flushing chain `{name}'\n");
                }
                if found.is_some() {
                    batch.changes.push(RuleChange::Flush { which: view.which(&name) });
                } else if !chain.is_empty() {
                    // One that is named is made if need be.
                    batch.changes.extend(view.make(&name));
                }
            }
        }
        Verb::Zero | Verb::ZeroNum => {
            if command.zeroes {
                // Who lists first makes what is built in.
                let missing = view
                    .chains()
                    .into_iter()
                    .filter(|(name, found)| found.is_none() && (chain.is_empty() || *name == chain));
                let missing: Vec<String> = missing.map(|(name, _)| name).collect();
                if view.table.is_none() && !chain.is_empty() && !missing.is_empty() {
                    return Err(refused(view.family, &format!("CHAIN_ZERO|chain {chain}"), Errno::ENOENT));
                }
                if view.table.is_some() {
                    batch.changes.extend(missing.iter().flat_map(|name| view.make(name)));
                }
            } else if !chain.is_empty() && view.is_missing(&chain) {
                // What errno was left behind by the first look at the table decides.
                let first = if builtin(view.name).chains[0].0 == "PREROUTING" { "PREROUTING" } else { "OUTPUT" };
                let text = match command.number {
                    0 => NO_CHAIN,
                    _ if view.is_missing(first) => NO_RULE,
                    _ => "Incompatible with this kernel",
                };
                return failed(view.family, text);
            }
            for (name, found) in view.chains().into_iter().filter(|(name, _)| chain.is_empty() || *name == chain) {
                let Some(found) = found else { continue };
                if command.verbose && command.number == 0 {
                    *said += &format!("Zeroing chain `{name}'\n");
                }
                if command.number == 0 && found.base.as_ref().is_some_and(|b| b.rest.is_some()) {
                    batch.changes.push(RuleChange::ZeroChain { which: view.which(&name) });
                }
                for (i, rule) in found.rules.iter().enumerate() {
                    if command.number == 0 || command.number == i + 1 {
                        zero(view, &name, rule, &mut batch);
                    }
                }
            }
        }
        Verb::DeleteChain => {
            let tells = |name: &str| if command.verbose { format!("Deleting chain `{name}'\n") } else { String::new() };
            delete_chains(view, &chain, &mut batch, &mut |name| *said += &tells(name))?;
        }
        Verb::Rename => {
            if view.knows(&command.word) {
                return failed(view.family, "File exists");
            }
            if builtin(view.name).base(&chain, Policy::Accept).is_some() {
                return parse::unsupported("-E of a chain that is built in");
            }
            if view.chain(&chain).is_none() {
                return failed(view.family, NO_CHAIN);
            }
            batch.changes.push(RuleChange::RenameChain { which: view.which(&chain), to: command.word.clone() });
        }
        Verb::Policy => {
            let policy = match command.word.as_str() {
                "ACCEPT" => Policy::Accept,
                "DROP" if view.name == "nat" => return parse::usage(NAT_DROP),
                "DROP" => Policy::Drop,
                _ => return failed(view.family, "Bad policy name. Run `dmesg' for more information"),
            };
            let base = builtin(view.name).base(&chain, policy);
            let Some(base) = base.map(|base| Base { rest: Some((0, 0)), ..base }) else {
                return failed(view.family, "Bad built-in chain name");
            };
            batch.changes = view.make(&chain);
            batch.changes.push(RuleChange::AddChain { which: view.which(&chain), base: Some(base), fresh: false });
        }
        Verb::List | Verb::ListRules | Verb::Version | Verb::Help => {}
    }
    Ok(batch)
}

/// A rule's counters go back to nothing, as a rule in its place.
fn zero(view: &View<'_>, chain: &str, rule: &Rule, batch: &mut Batch) {
    if rule.counted().is_some_and(|counted| counted != (0, 0)) {
        let mut new = rule.clone();
        new.set_counted((0, 0));
        batch.changes.push(RuleChange::ReplaceRule { which: view.which(chain), handle: rule.handle, rule: new });
    }
}

fn delete_chains(view: &View<'_>, chain: &str, batch: &mut Batch, tell: &mut dyn FnMut(&str)) -> Result<(), Stop> {
    let busy = |name: &str| refused(view.family, &format!("CHAIN_DEL|chain {name}"), Errno::EBUSY);
    let builtin = builtin(view.name);
    if chain.is_empty() {
        for (name, found) in view.chains() {
            let Some(found) = found else { continue };
            let is_builtin = builtin.base(&name, Policy::Accept).is_some();
            if is_builtin && (!found.rules.is_empty() || policy_of(Some(found)) == Policy::Drop) {
                continue;
            }
            if !is_builtin {
                tell(&name);
                if !found.rules.is_empty() || view.table.is_some_and(|t| t.references(&name) > 0) {
                    return Err(busy(&name));
                }
            }
            batch.changes.push(RuleChange::DelChain { which: view.which(&name) });
        }
        return Ok(());
    }
    let Some(found) = view.chain(chain) else { return failed(view.family, NO_CHAIN) };
    let is_builtin = builtin.base(chain, Policy::Accept).is_some();
    tell(chain);
    if !found.rules.is_empty() || view.table.is_some_and(|t| t.references(chain) > 0) {
        return Err(busy(chain));
    }
    if is_builtin && policy_of(Some(found)) == Policy::Drop {
        return failed(view.family, "Directory not empty");
    }
    batch.changes.push(RuleChange::DelChain { which: view.which(chain) });
    Ok(())
}

/// `-A`, `-I`, `-R`, `-D` and `-C` with a rule.
fn rule_changes(view: &View<'_>, command: &Command, chain: &str, batch: &mut Batch) -> Result<(), Stop> {
    if let Some(jump) = command.jump.as_ref().filter(|jump| !view.knows(jump)) {
        return parse::usage(format!("Chain '{jump}' does not exist"));
    }
    match command.verb {
        Verb::Delete | Verb::Check if !view.knows(chain) => return failed(view.family, NO_RULE),
        Verb::Replace if view.is_missing(chain) => return failed(view.family, NO_CHAIN),
        _ if !view.knows(chain) => return failed(view.family, NO_CHAIN),
        _ => {}
    }
    let there = view.chain(chain).map(|c| c.rules.as_slice()).unwrap_or_default();
    let which = || view.which(chain);
    let find = |rule: &XtRule| there.iter().find(|r| written(r) == Some(rule));
    // IPv6's rules begin at nothing, whatever is said.
    let (packets, bytes) = if view.family == Family::Ip6 { (0, 0) } else { command.counters };
    let made = |rule: &XtRule| Rule::iptables(rule.clone(), packets, bytes);
    let verb = match command.verb {
        Verb::Append => "RULE_APPEND",
        Verb::Insert => "RULE_INSERT",
        _ => "RULE_REPLACE",
    };
    batch.what = format!("{verb}|rule in chain {chain}");
    match command.verb {
        Verb::Append => {
            batch.changes = view.make(chain);
            let add = |rule| RuleChange::AddRule { which: which(), place: Place::Last, rule: made(rule) };
            batch.changes.extend(command.rules.iter().map(add));
        }
        Verb::Insert => {
            let place = match there.get(command.number - 1) {
                Some(_) if command.number == 1 => Place::First,
                Some(rule) => Place::Before(rule.handle),
                None if command.number == 1 => Place::First,
                None if command.number == there.len() + 1 => Place::Last,
                None => return failed(view.family, "Index of insertion too big"),
            };
            batch.changes = view.make(chain);
            let add = |rule| RuleChange::AddRule { which: which(), place, rule: made(rule) };
            batch.changes.extend(command.rules.iter().map(add));
        }
        Verb::Replace => {
            let Some(old) = there.get(command.number - 1) else {
                return failed(view.family, "Index of replacement too big");
            };
            for rule in &command.rules {
                batch.changes.push(RuleChange::ReplaceRule { which: which(), handle: old.handle, rule: made(rule) });
            }
        }
        Verb::Delete => {
            for rule in &command.rules {
                let Some(old) = find(rule) else { return failed(view.family, NO_RULE) };
                batch.changes.push(RuleChange::DelRule { which: which(), handle: old.handle });
            }
        }
        _ => {
            if command.rules.iter().any(|rule| find(rule).is_none()) {
                return failed(view.family, NO_RULE);
            }
        }
    }
    // The kernel is asked last.
    if matches!(command.verb, Verb::Append | Verb::Insert | Verb::Replace) {
        for rule in &command.rules {
            if !checks::kernel_takes(rule, view.family, view.name, chain) {
                return Err(refused(view.family, &batch.what, Errno::EINVAL));
            }
        }
    }
    Ok(())
}

fn incompatible(view: &View<'_>, chain: &str) -> Stop {
    let (program, table) = (program(view.family), view.name);
    let text = format!("{program} {VERSION}: chain `{chain}' in table `{table}' is incompatible, use 'nft' tool.\n");
    Stop::Plain(text, 1)
}

/// `-L`.
fn list(cx: &mut Context<'_>, view: &View<'_>, command: &Command, services: &Services) -> Result<u8, Stop> {
    let hosts = Names::with_networks(cx);
    let list = List {
        family: view.family,
        numeric: command.numeric,
        verbose: command.verbose,
        exact: command.exact,
        line_numbers: command.line_numbers,
        services,
        hosts: &hosts,
    };
    let mut texts = Vec::new();
    for (name, chain) in view.chains() {
        if command.chain.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let mut text = String::new();
        if command.number == 0 {
            let of = match builtin(view.name).base(&name, Policy::Accept) {
                Some(_) => {
                    let counters = match rest_of(chain) {
                        (packets, bytes) if command.verbose => format!(" {packets} packets, {bytes} bytes"),
                        _ => String::new(),
                    };
                    format!("policy {}{counters}", policy_word(policy_of(chain)))
                }
                None => format!("{} references", view.table.map_or(0, |t| t.references(&name))),
            };
            text += &list.heading(&name, &of);
        }
        for (i, rule) in chain.iter().flat_map(|c| &c.rules).enumerate() {
            let wanted = command.number == 0 || command.number == i + 1;
            if let Some(xt) = written(rule).filter(|_| wanted) {
                text += &list.rule(xt, i + 1, rule.counted().unwrap_or_default());
            }
        }
        texts.push(text);
    }
    if texts.is_empty()
        && let Some(chain) = &command.chain
    {
        return Err(incompatible(view, chain));
    }
    cx.print(&texts.join("\n"));
    Ok(0)
}

/// `-S`.
fn list_rules(cx: &mut Context<'_>, view: &View<'_>, command: &Command) -> Result<u8, Stop> {
    let chains: Vec<_> = view
        .chains()
        .into_iter()
        .filter(|(name, _)| command.chain.as_ref().is_none_or(|wanted| wanted == name))
        .collect();
    if let Some(chain) = command.chain.as_ref().filter(|_| chains.is_empty()) {
        return Err(incompatible(view, chain));
    }
    let mut out = String::new();
    for (name, chain) in chains.iter().filter(|_| command.number == 0) {
        out += &match builtin(view.name).base(name, Policy::Accept) {
            Some(_) => {
                let counters = match rest_of(*chain) {
                    (packets, bytes) if command.verbose => format!(" -c {packets} {bytes}"),
                    _ => String::new(),
                };
                format!("-P {name} {}{counters}\n", policy_word(policy_of(*chain)))
            }
            None => format!("-N {name}\n"),
        };
    }
    for (name, chain) in &chains {
        for (i, rule) in chain.iter().flat_map(|c| &c.rules).enumerate() {
            if let Some(xt) = written(rule).filter(|_| command.number == 0 || command.number == i + 1) {
                let counters = command.verbose.then(|| rule.counted().unwrap_or_default());
                out += &format!("-A {name}{}\n", print::save(view.family, xt, counters));
            }
        }
    }
    cx.print(&out);
    Ok(0)
}
