//! What nft lists.
//!
//! Counterpart: nftables 1.0.6, `do_command_list()` of `src/rule.c`. Deliberately absent: lists of what is not kept here.

use super::hint;
use super::json;
use super::source::Report;
use super::tree::{Handle, Listed};
use nettwin_model::rules::{
    Chain, Elem, Family, Key, ObjectKind, Operand, Ruleset, SetType, Span, Stmt, Style, Table, print_ruleset,
};

/// Why there is no list.
pub(super) enum Stop {
    Wrong(Report),
    Unsupported(String),
}

/// A list as text or, wanted so, as JSON; and what is said of tables that iptables keeps.
pub(super) fn list(
    rules: &Ruleset,
    listed: &Listed,
    devs: &[(u32, String)],
    style: Style,
    as_json: bool,
) -> Result<(String, String), Stop> {
    let named = with_names(rules, devs);
    let part = part(&named, listed)?;
    if as_json {
        let text = json::print(&part, listed, style).map_err(Stop::Unsupported)?;
        return Ok((text, String::new()));
    }
    let shows_rules = !matches!(listed, Listed::Tables(_));
    let warnings = part.tables.iter().filter(|_| shows_rules).filter_map(Table::warning).collect();
    let text = match listed {
        Listed::Ruleset(_) => print_ruleset(&part, style),
        Listed::Tables(_) => part
            .tables
            .iter()
            .map(|t| {
                let handle = if style.handles { format!(" # handle {}", t.handle) } else { String::new() };
                format!("table {} {}{handle}\n", t.family, t.name)
            })
            .collect(),
        // Without the lines between: these are lists of chains, not of tables.
        Listed::Chains(_) | Listed::Sets(_) | Listed::Maps(_) | Listed::Meters(_) => {
            part.tables.iter().map(|t| tight(t, style)).collect()
        }
        Listed::Objects(..) | Listed::ObjectsOf(..) | Listed::Object(..) => {
            part.tables.iter().map(|t| tight(t, style)).collect()
        }
        Listed::Table(_) => part.tables.iter().map(|t| t.print(style)).collect(),
        Listed::Chain(_) | Listed::Set(_) | Listed::Map(_) | Listed::Meter(_) => {
            part.tables.iter().map(|t| tight(t, style)).collect()
        }
    };
    Ok((text, warnings))
}

fn tight(table: &Table, style: Style) -> String {
    let objects = table.objects.iter().map(|o| o.print(style));
    let inside = objects.chain(table.sets.iter().map(|s| s.print(style)));
    let chains = table.chains.iter().map(|c| c.print(table.family, Style { handles: style.handles, ..style }));
    let inside: String = inside.chain(chains).collect();
    format!("table {} {} {{\n{inside}}}\n", table.family, table.name)
}

/// What of the rules is listed.
fn part(rules: &Ruleset, listed: &Listed) -> Result<Ruleset, Stop> {
    let of_family = |family: Option<Family>| {
        let tables = rules.tables.iter().filter(move |t| family.is_none_or(|f| f == t.family));
        tables.cloned().collect::<Vec<Table>>()
    };
    let without_rules = |chain: &mut Chain| chain.rules.clear();
    let tables = match listed {
        Listed::Ruleset(family) | Listed::Tables(family) => of_family(*family),
        Listed::Chains(family) => {
            let mut tables = of_family(*family);
            for table in &mut tables {
                table.sets.clear();
                table.objects.clear();
                table.chains.iter_mut().for_each(without_rules);
            }
            tables
        }
        Listed::Sets(family) | Listed::Maps(family) | Listed::Meters(family) => {
            let word = word_of(listed);
            let mut tables = of_family(*family);
            for table in &mut tables {
                table.chains.clear();
                table.objects.clear();
                table.sets.retain(|set| set.word() == word);
            }
            tables
        }
        Listed::Objects(kind, family) => {
            let tables = of_family(*family).into_iter().filter(|t| !t.objects.is_empty());
            tables.map(|table| objects_of(table, *kind)).collect()
        }
        Listed::ObjectsOf(kind, handle) => {
            let table = table_of(rules, handle)?.clone();
            if table.objects.is_empty() { Vec::new() } else { vec![objects_of(table, *kind)] }
        }
        Listed::Object(kind, handle) => {
            let mut table = objects_of(table_of(rules, handle)?.clone(), *kind);
            table.objects.retain(|o| o.name == name_of(handle));
            if table.objects.is_empty() {
                return Err(no_such(handle));
            }
            vec![table]
        }
        Listed::Table(handle) => vec![table_of(rules, handle)?.clone()],
        Listed::Chain(handle) => {
            let table = table_of(rules, handle)?;
            let name = name_of(handle);
            let chain = table.chain(name).cloned().ok_or_else(|| no_such(handle))?;
            vec![Table { chains: vec![chain], sets: Vec::new(), objects: Vec::new(), ..table.clone() }]
        }
        Listed::Set(handle) | Listed::Map(handle) | Listed::Meter(handle) => {
            let table = table_of(rules, handle)?;
            let set = table.set(name_of(handle)).filter(|set| set.word() == word_of(listed));
            let set = set.cloned().ok_or_else(|| no_such(handle))?;
            vec![Table { chains: Vec::new(), sets: vec![set], objects: Vec::new(), ..table.clone() }]
        }
    };
    Ok(Ruleset { tables, ..rules.clone() })
}

/// What is listed of sets, maps and meters, in nft's word.
fn word_of(listed: &Listed) -> &'static str {
    match listed {
        Listed::Maps(_) | Listed::Map(_) => "map",
        Listed::Meters(_) | Listed::Meter(_) => "meter",
        _ => "set",
    }
}

/// A table's objects of a kind alone.
fn objects_of(table: Table, kind: ObjectKind) -> Table {
    let objects = table.objects.into_iter().filter(|o| o.kind() == kind).collect();
    Table { chains: Vec::new(), sets: Vec::new(), objects, ..table }
}

fn name_of(handle: &Handle) -> &str {
    handle.name.as_ref().map_or("", |n| &n.text)
}

fn table_of<'a>(rules: &'a Ruleset, handle: &Handle) -> Result<&'a Table, Stop> {
    let found = rules.table(handle.family, &handle.table.text);
    found.ok_or_else(|| Stop::Wrong(Report::new(handle.table.at, hint::NOT_THERE)))
}

fn no_such(handle: &Handle) -> Stop {
    let at = handle.name.as_ref().map_or(handle.table.at, |n| n.at);
    Stop::Wrong(Report::new(at, hint::NOT_THERE))
}

/// The rules with interfaces by the names that they have now.
fn with_names(rules: &Ruleset, devs: &[(u32, String)]) -> Ruleset {
    let name = |index: u128| devs.iter().find(|(i, _)| u128::from(*i) == index).map(|(_, name)| name.clone());
    let elem = |elem: &mut Elem, kind: SetType| {
        if kind == SetType::IfaceIndex && elem.name.is_none() {
            elem.name = name(elem.span.lo);
        }
    };
    let is_index = |key: Key| matches!(key, Key::Iif | Key::Oif);
    let mut named = rules.clone();
    for table in &mut named.tables {
        for set in &mut table.sets {
            let kind = set.key;
            set.elems.iter_mut().for_each(|e| elem(e, kind));
        }
        for stmt in table.chains.iter_mut().flat_map(|c| &mut c.rules).flat_map(|r| &mut r.stmts) {
            match stmt {
                Stmt::Match(m) if is_index(m.key) => {
                    if let Operand::Spans(spans) = &m.to {
                        let names: Option<Vec<String>> =
                            spans.iter().map(|s| Span::is_one(s).then(|| name(s.lo)).flatten()).collect();
                        if let Some(names) = names {
                            m.to = Operand::Names(names);
                        }
                    }
                }
                Stmt::Vmap { key, map: Operand::Map(elems) } if is_index(*key) => {
                    elems.iter_mut().for_each(|e| elem(e, SetType::IfaceIndex));
                }
                _ => {}
            }
        }
    }
    named
}
