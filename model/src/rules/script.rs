//! A change as an nft command.
//!
//! Counterpart: nft's own grammar, so that a plan prints as a script.

use super::words::print_elem;
use super::{Place, RuleChange, Style, Which, print_rule};
use std::fmt;

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.table)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

impl fmt::Display for RuleChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stateless = Style { stateless: true, ..Style::default() };
        let elems = |set: &super::Set| {
            let keys = set.keys();
            let list: Vec<String> = set.elems.iter().map(|e| print_elem(e, &keys, set.data, stateless)).collect();
            list.join(", ")
        };
        match self {
            RuleChange::AddTable { which, fresh: false } => write!(f, "add table {which}"),
            RuleChange::AddTable { which, fresh: true } => write!(f, "create table {which}"),
            RuleChange::DelTable { which, lenient: false } => write!(f, "delete table {which}"),
            // What is added first is there to be deleted.
            RuleChange::DelTable { which, lenient: true } => write!(f, "add table {which}; delete table {which}"),
            RuleChange::FlushAll { family: None } => f.write_str("flush ruleset"),
            RuleChange::FlushAll { family: Some(family) } => write!(f, "flush ruleset {family}"),
            RuleChange::AddChain { which, base, fresh } => {
                write!(f, "{} chain {which}", if *fresh { "create" } else { "add" })?;
                match base {
                    None => Ok(()),
                    Some(base) => write!(f, " {{ {} }}", base.print(which.family, Style::default())),
                }
            }
            RuleChange::ZeroChain { which } => write!(f, "reset chain {which}"),
            RuleChange::DelChain { which } => write!(f, "delete chain {which}"),
            RuleChange::RenameChain { which, to } => write!(f, "rename chain {which} {to}"),
            RuleChange::Flush { which } if which.name.is_empty() => write!(f, "flush table {which}"),
            RuleChange::Flush { which } => write!(f, "flush chain {which}"),
            RuleChange::AddRule { which, place, rule } => {
                let rule = print_rule(rule, stateless);
                match place {
                    Place::Last => write!(f, "add rule {which} {rule}"),
                    Place::First => write!(f, "insert rule {which} {rule}"),
                    Place::After(handle) => write!(f, "add rule {which} handle {handle} {rule}"),
                    Place::Before(handle) => write!(f, "insert rule {which} handle {handle} {rule}"),
                }
            }
            RuleChange::ReplaceRule { which, handle, rule } => {
                write!(f, "replace rule {which} handle {handle} {}", print_rule(rule, stateless))
            }
            RuleChange::DelRule { which, handle } => write!(f, "delete rule {which} handle {handle}"),
            RuleChange::AddSet { which, set, fresh } => {
                let verb = if *fresh { "create" } else { "add" };
                write!(f, "{verb} {} {} {} {} {{", set.word(), which.family, which.table, set.name)?;
                let text = set.print(Style { terse: true, ..stateless });
                for line in text.lines().skip(1).map(str::trim).filter(|line| *line != "}") {
                    write!(f, " {line};")?;
                }
                if !set.elems.is_empty() {
                    write!(f, " elements = {{ {} }};", elems(set))?;
                }
                f.write_str(" }")
            }
            RuleChange::DelSet { which } => write!(f, "delete set {which}"),
            RuleChange::FlushSet { which } => write!(f, "flush set {which}"),
            RuleChange::AddElems { which, elems: list, .. } => {
                write!(f, "add element {which} {{ {} }}", values(list))
            }
            RuleChange::AddObject { which, object, fresh } => {
                let verb = if *fresh { "create" } else { "add" };
                let text = object.print(Style::default());
                let inside: Vec<&str> = text.lines().skip(1).map(str::trim).filter(|l| *l != "}").collect();
                let kind = object.kind().word();
                write!(f, "{verb} {kind} {which} {} {{ {}; }}", object.name, inside.join("; "))
            }
            RuleChange::DelObject { which, kind } => write!(f, "delete {} {which}", kind.word()),
            RuleChange::ResetObject { which, kind } => write!(f, "reset {} {which}", kind.word()),
            RuleChange::DelElems { which, elems: list } => write!(f, "delete element {which} {{ {} }}", values(list)),
        }
    }
}

/// Elements of a set whose type is not at hand: as numbers, which nft reads for every type.
fn values(elems: &[super::Elem]) -> String {
    let each = elems.iter().map(|e| {
        let what = e.name.as_ref().map_or_else(|| e.span.to_string(), |name| format!("\"{name}\""));
        e.verdict.as_ref().map_or(what.clone(), |v| format!("{what} : {}", super::print::print_verdict(v)))
    });
    each.collect::<Vec<_>>().join(", ")
}
