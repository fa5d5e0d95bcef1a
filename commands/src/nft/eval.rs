//! Commands become changes of the ruleset; what is wrong with them is said, all of it.
//!
//! Counterpart: nftables 1.0.6, `cmd_evaluate()` and `nft_cmd_expand()`: a table's block is the table, its chains, its sets with their
//! elements and then the rules, and each is looked at beside what the commands before it have made. Deliberately absent:
//! names of chains by their handles.

use super::hint;
use super::parse::MAX_REPORTS;
use super::rule::{Stop, Writer, elements_of, merged};
use super::source::{Loc, Report};
use super::tree::{
    Act, ChainBody, Command, Expr, Handle, Inside, Is, Listed, ObjectBody, Priority, RuleBody, Said, SetBody, Verb,
    What, Word,
};
use super::value::{Book, Type};
use nettwin_model::Errno;
use nettwin_model::rules::words::{priorities, priority_fits};
use nettwin_model::rules::{
    Base, ChainKind, Elem, Family, Hook, Object, ObjectKind, Part, Place, Policy, Refusal, RuleChange, Ruleset, Set,
    SetType, Stateful, Stmt, Verdict, Which, in_jiffies,
};

/// A change, and where what it says is written.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) change: RuleChange,
    at: Places,
}

/// Where the parts of a change are written.
#[derive(Clone, Debug, Default)]
struct Places {
    whole: Loc,
    table: Loc,
    name: Loc,
    handle: Loc,
    /// Each statement's, and those of its own elements.
    stmts: Vec<(Loc, Vec<Loc>)>,
    elems: Vec<Loc>,
    /// Those of a rule's own sets.
    sets: Vec<Loc>,
}

/// Commands that are being understood.
pub(super) struct Evaluation<'a> {
    book: &'a Book<'a>,
    /// The rules as the commands so far have made them.
    rules: Ruleset,
    /// What there is and what they have added: names that are nearly right are looked for here.
    pub(super) names: Ruleset,
    pub(super) steps: Vec<Step>,
    pub(super) reports: Vec<Report>,
}

type Done = Result<(), Stop>;

fn unsupported<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unsupported(what.into()))
}

fn wrong<T>(at: Loc, text: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Wrong(Report::new(at, text)))
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(book: &'a Book<'a>, known: &Ruleset) -> Self {
        Evaluation { book, rules: known.clone(), names: known.clone(), steps: Vec::new(), reports: Vec::new() }
    }

    /// Understands a command; `Err` is what is not supported.
    pub(super) fn command(&mut self, command: &Command) -> Result<(), String> {
        let done = match &command.what {
            Act::Table(Verb::Add | Verb::Create, table, inside) => self.make_table(command, table, inside),
            Act::Table(Verb::Delete, table, _) => {
                self.push(command.at, table, RuleChange::DelTable { which: which(table), lenient: false })
            }
            Act::Table(_, table, _) => self.push(command.at, table, RuleChange::Flush { which: which(table) }),
            Act::Chain(verb @ (Verb::Add | Verb::Create), chain, body) => {
                let made = self.make_chain(command.at, chain, body, *verb == Verb::Create);
                made.and_then(|()| self.rules_of(chain, body))
            }
            Act::Chain(Verb::Delete, chain, _) => {
                self.push(command.at, chain, RuleChange::DelChain { which: which(chain) })
            }
            Act::Chain(_, chain, _) => self.push(command.at, chain, RuleChange::Flush { which: which(chain) }),
            Act::Rule(Verb::Delete, chain, _) => {
                let handle = chain.handle.map_or(0, |h| h.value);
                self.push(command.at, chain, RuleChange::DelRule { which: which(chain), handle })
            }
            Act::Rule(verb, chain, body) => self.rule(command.at, *verb, chain, body),
            Act::Set(verb @ (Verb::Add | Verb::Create), set, body) => {
                self.make_set(command.at, set, body, *verb == Verb::Create)
            }
            Act::Set(Verb::Delete, set, _) => self.push(command.at, set, RuleChange::DelSet { which: which(set) }),
            Act::Set(_, set, body) => self.flush_set(command.at, set, body),
            Act::Elements(verb, set, expr) => self.elements(command.at, *verb, set, expr),
            Act::Rename(chain, to) => self.rename(command.at, chain, to),
            Act::FlushRuleset(family) => {
                self.apply(Step { change: RuleChange::FlushAll { family: *family }, at: Places::default() });
                Ok(())
            }
            Act::Object(Verb::Delete, object, body) => {
                self.push(command.at, object, RuleChange::DelObject { which: which(object), kind: body.kind })
            }
            Act::Object(verb, object, body) => self.make_object(command.at, object, body, *verb == Verb::Create),
            Act::Reset(listed) => self.reset(command.at, listed),
            Act::List(_) => Ok(()),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Stop::Unsupported(what)) => Err(what),
            Err(Stop::Wrong(report)) => {
                if self.reports.len() < MAX_REPORTS {
                    self.reports.push(report);
                }
                Ok(())
            }
        }
    }

    /// The rules as the commands so far have made them.
    pub(super) fn rules(&self) -> &Ruleset {
        &self.rules
    }

    fn apply(&mut self, step: Step) {
        // What is refused here is refused by the kernel, which says so.
        let _ = self.rules.apply(std::slice::from_ref(&step.change));
        let adds = matches!(
            step.change,
            RuleChange::AddTable { .. }
                | RuleChange::AddChain { .. }
                | RuleChange::AddSet { .. }
                | RuleChange::AddObject { .. }
        );
        if adds {
            let _ = self.names.apply(std::slice::from_ref(&step.change));
        }
        self.steps.push(step);
    }

    fn push(&mut self, whole: Loc, of: &Handle, change: RuleChange) -> Done {
        self.apply(Step { change, at: places(whole, of) });
        Ok(())
    }

    fn no_table(&self, table: &Handle) -> Stop {
        let text = hint::table(&self.rules, &table.table.text).unwrap_or_else(|| hint::NOT_THERE.to_owned());
        Stop::Wrong(Report::new(table.table.at, text))
    }

    fn make_table(&mut self, command: &Command, table: &Handle, inside: &[Inside]) -> Done {
        let fresh = matches!(command.what, Act::Table(Verb::Create, ..));
        self.push(command.at, table, RuleChange::AddTable { which: which(table), fresh })?;
        let named = |name: &Word| Handle { name: Some(name.clone()), ..table.clone() };
        // What is wrong with one does not keep the others from being looked at.
        for part in inside {
            if let Inside::Chain(name, body) = part {
                let done = self.make_chain(name.at, &named(name), body, false);
                self.noted(done)?;
            }
        }
        for part in inside {
            if let Inside::Object(name, body) = part {
                let done = self.make_object(name.at, &named(name), body, false);
                self.noted(done)?;
            }
        }
        for part in inside {
            if let Inside::Set(name, body) = part {
                let done = self.make_set(name.at, &named(name), body, false);
                self.noted(done)?;
            }
        }
        for part in inside {
            if let Inside::Chain(name, body) = part {
                self.rules_of(&named(name), body)?;
            }
        }
        Ok(())
    }

    /// Keeps a complaint, and goes on.
    fn noted(&mut self, done: Done) -> Done {
        match done {
            Err(Stop::Wrong(report)) => {
                if self.reports.len() < MAX_REPORTS {
                    self.reports.push(report);
                }
                Ok(())
            }
            other => other,
        }
    }

    fn make_chain(&mut self, whole: Loc, chain: &Handle, body: &ChainBody, fresh: bool) -> Done {
        let Some(table) = self.rules.table(chain.family, &chain.table.text) else { return Err(self.no_table(chain)) };
        let known = table.chain(&which(chain).name).and_then(|c| c.base.clone());
        let policy = body.policy.as_ref().map(|v| if *v == Verdict::Drop { Policy::Drop } else { Policy::Accept });
        let base = match (&body.base, policy) {
            (Some(base), policy) => {
                let kept = known.map(|known| known.policy).unwrap_or_default();
                Some(base_of(chain.family, base, policy.unwrap_or(kept))?)
            }
            (None, Some(policy)) => match known {
                Some(base) => Some(Base { policy, ..base }),
                None => return unsupported("a policy of a chain that is not hooked in"),
            },
            (None, None) => None,
        };
        self.push(whole, chain, RuleChange::AddChain { which: which(chain), base, fresh })
    }

    fn rules_of(&mut self, chain: &Handle, body: &ChainBody) -> Done {
        for rule in &body.rules {
            let done = self.rule(rule.at, Verb::Add, chain, rule);
            self.noted(done)?;
        }
        Ok(())
    }

    fn rule(&mut self, whole: Loc, verb: Verb, chain: &Handle, body: &RuleBody) -> Done {
        let names = &self.names;
        let table = self.rules.table(chain.family, &chain.table.text);
        // A table that is not there is missed first.
        let no_set = |name: &str, at: Loc| {
            let hint = match table {
                Some(_) => hint::set(names, chain.family, &chain.table.text, name),
                None => hint::table(names, &chain.table.text),
            };
            let at = if table.is_some() { at } else { chain.table.at };
            Report::new(at, hint.unwrap_or_else(|| hint::NOT_THERE.to_owned()))
        };
        let mut handle = chain.handle.map(|h| h.at).or(chain.position.map(|p| p.at)).unwrap_or_default();
        let mut beside = chain.position.map(|p| p.value);
        if chain.position.is_some() || chain.index.is_some() {
            let Some(table) = table else { return Err(self.no_table(chain)) };
            let name = chain.name.as_ref().map(|n| n.text.as_str()).unwrap_or_default();
            let at = chain.name.as_ref().map(|n| n.at).unwrap_or_default();
            let Some(found) = table.chain(name) else {
                let hint = hint::chain(&self.rules, chain.family, &chain.table.text, name, false);
                return wrong(at, hint.unwrap_or_else(|| hint::NOT_THERE.to_owned()));
            };
            if let Some(index) = chain.index {
                handle = index.at;
                // An index is a number of rules.
                let Some(rule) = found.rules.get(usize::try_from(index.value).unwrap_or(usize::MAX)) else {
                    return wrong(index.at, format!("Could not process rule: {}", hint::NOT_THERE));
                };
                beside = Some(rule.handle);
            }
        }
        let (rule, stmts) = Writer::new(self.book, chain.family, table, &no_set).rule(body)?;
        for stmt in &rule.stmts {
            if let Stmt::Dynset(what) = stmt {
                self.will_change(&Which::of(chain.family, &chain.table.text, &what.set));
            }
        }
        let which = which(chain);
        let change = match (verb, beside) {
            (Verb::Replace, _) => RuleChange::ReplaceRule { which, handle: chain.handle.map_or(0, |h| h.value), rule },
            (Verb::Insert, None) => RuleChange::AddRule { which, place: Place::First, rule },
            (Verb::Insert, Some(handle)) => RuleChange::AddRule { which, place: Place::Before(handle), rule },
            (_, None) => RuleChange::AddRule { which, place: Place::Last, rule },
            (_, Some(handle)) => RuleChange::AddRule { which, place: Place::After(handle), rule },
        };
        let sets = own_sets(body);
        self.apply(Step { change, at: Places { stmts, handle, sets, ..places(whole, chain) } });
        Ok(())
    }

    /// A set that these commands make, and packets are to change, is made so.
    fn will_change(&mut self, of: &Which) {
        let made = self.steps.iter_mut().find_map(|step| match &mut step.change {
            RuleChange::AddSet { which, set, .. }
                if (which.family, &which.table, &set.name) == (of.family, &of.table, &of.name) =>
            {
                Some(set)
            }
            _ => None,
        });
        let Some(made) = made else { return };
        made.dynamic = true;
        let table = self.rules.table_mut(of.family, &of.table);
        let known = table.and_then(|table| table.sets.iter_mut().find(|set| set.name == of.name));
        known.into_iter().for_each(|set| set.dynamic = true);
    }

    fn make_object(&mut self, whole: Loc, handle: &Handle, body: &ObjectBody, fresh: bool) -> Done {
        let what = match (body.what, body.kind) {
            (Some(what), _) => what,
            (None, ObjectKind::Counter) => Stateful::Counter { packets: 0, bytes: 0 },
            (None, kind) => return unsupported(format!("a {} that says nothing", kind.word())),
        };
        if self.rules.table(handle.family, &handle.table.text).is_none() {
            return Err(self.no_table(handle));
        }
        let object = Object { name: which(handle).name, handle: 0, comment: body.comment.clone(), what };
        let table = Which { name: String::new(), ..which(handle) };
        self.push(whole, handle, RuleChange::AddObject { which: table, object, fresh })
    }

    /// Lets objects begin anew; what they had come to is listed beforehand.
    fn reset(&mut self, whole: Loc, listed: &Listed) -> Done {
        if let Listed::Object(kind, object) = listed {
            return self.push(whole, object, RuleChange::ResetObject { which: which(object), kind: *kind });
        }
        let (kind, family, only) = match listed {
            Listed::Objects(kind, family) => (*kind, *family, None),
            Listed::ObjectsOf(kind, table) => (*kind, Some(table.family), Some(table.table.text.clone())),
            _ => return Ok(()),
        };
        let tables = self.rules.tables.iter().filter(|t| family.is_none_or(|f| f == t.family));
        let tables = tables.filter(|t| only.as_ref().is_none_or(|name| *name == t.name));
        let names = tables
            .flat_map(|t| t.objects.iter().filter(|o| o.kind() == kind).map(|o| Which::of(t.family, &t.name, &o.name)));
        for which in names.collect::<Vec<_>>() {
            let at = Places { whole, ..Places::default() };
            self.apply(Step { change: RuleChange::ResetObject { which, kind }, at });
        }
        Ok(())
    }

    fn make_set(&mut self, whole: Loc, handle: &Handle, body: &SetBody, fresh: bool) -> Done {
        let types: Vec<SetType> = body.key.iter().filter_map(|word| SetType::of_word(&word.text)).collect();
        let [key, more @ ..] = types.as_slice() else {
            return wrong(body.at, "set definition does not specify key");
        };
        let data: Vec<SetType> = body.data.iter().filter_map(|word| SetType::of_word(&word.text)).collect();
        if data.len() > 1 {
            return unsupported("a map to several values");
        }
        if types.contains(&SetType::Verdict) || types.contains(&SetType::Integer) {
            return unsupported("a set of verdicts or of integers");
        }
        let has = |flag: &str| body.flags.iter().any(|f| f.text == flag);
        let set = Set {
            more: more.to_vec(),
            data: data.first().copied(),
            like: body.like.clone(),
            data_like: body.data_like,
            interval: has("interval"),
            constant: has("constant"),
            dynamic: has("dynamic"),
            timed: has("timeout"),
            timeout_ms: body.timeout_ms.map(in_jiffies).filter(|ms| *ms != 0),
            gc_interval_ms: body.gc_interval_ms.filter(|ms| *ms != 0),
            each: body.each.map(|each| each.fresh()),
            auto_merge: body.auto_merge,
            size: body.size.map(|size| u32::try_from(size).unwrap_or(u32::MAX)),
            comment: body.comment.clone(),
            ..Set::new(&which(handle).name, *key)
        };
        let table = Which { name: String::new(), ..which(handle) };
        if self.rules.table(handle.family, &handle.table.text).is_none() {
            return Err(self.no_table(handle));
        }
        self.push(whole, handle, RuleChange::AddSet { which: table, set: set.clone(), fresh })?;
        let Some(elements) = &body.elements else { return Ok(()) };
        let items = elements_of(elements)?;
        self.add_elements(whole, handle, &set, items, false)
    }

    fn set_of(&self, handle: &Handle) -> Result<Set, Stop> {
        let table = self.rules.table(handle.family, &handle.table.text).ok_or_else(|| self.no_table(handle))?;
        let Some(name) = &handle.name else { return Err(self.no_table(handle)) };
        table.set(&name.text).cloned().ok_or_else(|| {
            let text = hint::set(&self.rules, handle.family, &handle.table.text, &name.text)
                .unwrap_or_else(|| hint::NOT_THERE.to_owned());
            Stop::Wrong(Report::new(name.at, text))
        })
    }

    fn flush_set(&mut self, whole: Loc, handle: &Handle, body: &SetBody) -> Done {
        let set = self.set_of(handle)?;
        if set.data.is_some() != body.is_map {
            let at = handle.name.as_ref().map(|n| n.at).unwrap_or_default();
            return wrong(at, hint::NOT_THERE);
        }
        self.push(whole, handle, RuleChange::FlushSet { which: which(handle) })
    }

    fn elements(&mut self, whole: Loc, verb: Verb, handle: &Handle, expr: &super::tree::Expr) -> Done {
        let set = self.set_of(handle)?;
        let items = elements_of(expr)?;
        if verb != Verb::Delete {
            return self.add_elements(whole, handle, &set, items, verb == Verb::Create);
        }
        let types: Vec<Type> = set.keys().into_iter().map(Type::of).collect();
        let (elems, at) = self.book.elements(items, &types, None)?.into_iter().unzip();
        if set.auto_merge {
            return unsupported("deleting from a set that merges");
        }
        let change = RuleChange::DelElems { which: which(handle), elems };
        self.apply(Step { change, at: Places { elems: at, ..places(whole, handle) } });
        Ok(())
    }

    fn add_elements(
        &mut self,
        whole: Loc,
        handle: &Handle,
        set: &Set,
        items: &[super::tree::Item],
        fresh: bool,
    ) -> Done {
        let types: Vec<Type> = set.keys().into_iter().map(Type::of).collect();
        let of = set.data.filter(|data| *data != SetType::Verdict).map(Type::of);
        if set.data.is_none() && items.iter().any(|item| item.data.is_some()) {
            return unsupported("an element with a meaning in a set that is no map");
        }
        let found = self.book.elements(items, &types, of)?;
        let is_one = |elem: &Elem| elem.span.is_one() && elem.more.iter().all(|part| part.span.is_one());
        if let Some((item, (_, at))) = items.iter().zip(&found).find(|(_, (elem, _))| !set.interval && !is_one(elem)) {
            let what = if matches!(item.key.is, Is::Prefix(..)) { "prefix" } else { "range" };
            let text =
                format!("You must add 'flags interval' to your set declaration if you want to add {what} elements");
            return wrong(*at, text);
        }
        if set.data.is_some() && found.iter().any(|(e, _)| e.verdict.is_none() && e.data.is_none()) {
            let at = found.iter().find(|(e, _)| e.verdict.is_none() && e.data.is_none()).map(|(_, at)| *at);
            return wrong(at.unwrap_or_default(), "Could not process rule: Invalid argument");
        }
        if set.interval && set.auto_merge && set.more.is_empty() && set.data.is_none() {
            return self.merge_elements(whole, handle, set, found);
        }
        if set.interval {
            let known = self.set_of(handle).map(|set| set.elems).unwrap_or_default();
            for (i, (elem, at)) in found.iter().enumerate() {
                if let Some((_, other)) = found[..i].iter().find(|(e, _)| e.overlaps(elem) && !e.is_key_of(elem)) {
                    return Err(Report::against(*other, *at, "conflicting intervals specified").into());
                }
                if known.iter().any(|e| e.overlaps(elem) && !e.is_key_of(elem)) {
                    return wrong(*at, "interval overlaps with an existing one");
                }
            }
        }
        let (elems, at) = found.into_iter().unzip();
        let change = RuleChange::AddElems { which: which(handle), elems, fresh };
        self.apply(Step { change, at: Places { elems: at, ..places(whole, handle) } });
        Ok(())
    }

    /// What touches is put together with what is there.
    fn merge_elements(&mut self, whole: Loc, handle: &Handle, set: &Set, found: Vec<(Elem, Loc)>) -> Done {
        let known = self.set_of(handle).map(|set| set.elems).unwrap_or_else(|_| set.elems.clone());
        let (new, places_of): (Vec<Elem>, Vec<Loc>) = found.into_iter().unzip();
        let mut all: Vec<Elem> = known.iter().chain(&new).cloned().collect();
        all.sort_by(|a, b| a.order().cmp(&b.order()));
        let merged: Vec<Elem> = merged(all.iter().map(|e| e.span).collect()).into_iter().map(Elem::span).collect();
        let gone: Vec<Elem> = known.iter().filter(|e| !merged.iter().any(|m| m.span == e.span)).cloned().collect();
        let added: Vec<Elem> = merged.into_iter().filter(|m| !known.iter().any(|e| m.span == e.span)).collect();
        let at = Places { elems: places_of, ..places(whole, handle) };
        if !gone.is_empty() {
            let change = RuleChange::DelElems { which: which(handle), elems: gone };
            self.apply(Step { change, at: at.clone() });
        }
        if !added.is_empty() {
            let change = RuleChange::AddElems { which: which(handle), elems: added, fresh: false };
            self.apply(Step { change, at });
        }
        Ok(())
    }

    fn rename(&mut self, whole: Loc, chain: &Handle, to: &Word) -> Done {
        let Some(table) = self.rules.table(chain.family, &chain.table.text) else { return Err(self.no_table(chain)) };
        let name = which(chain).name;
        if table.chain(&name).is_none() {
            let hint = hint::chain(&self.rules, chain.family, &chain.table.text, &name, false);
            let at = chain.name.as_ref().map(|n| n.at).unwrap_or_default();
            return wrong(at, hint.unwrap_or_else(|| hint::NOT_THERE.to_owned()));
        }
        self.push(whole, chain, RuleChange::RenameChain { which: which(chain), to: to.text.clone() })
    }
}

fn which(handle: &Handle) -> Which {
    Which::of(handle.family, &handle.table.text, handle.name.as_ref().map_or("", |n| &n.text))
}

fn places(whole: Loc, of: &Handle) -> Places {
    Places {
        whole,
        table: of.table.at,
        name: of.name.as_ref().map_or(of.table.at, |n| n.at),
        handle: of.handle.map(|h| h.at).unwrap_or_default(),
        ..Places::default()
    }
}

fn base_of(family: Family, body: &super::tree::BaseBody, policy: Policy) -> Result<Base, Stop> {
    let Some(hook) = Hook::ALL.into_iter().find(|h| h.word() == body.hook.text) else {
        if family == Family::Inet && body.hook.text == "ingress" {
            return unsupported("the hook ingress");
        }
        return wrong(body.hook.at, format!("The {family} family does not support this hook"));
    };
    let kind = match body.kind.text.as_str() {
        "nat" => ChainKind::Nat,
        "route" => ChainKind::Route,
        _ => ChainKind::Filter,
    };
    let priority = match &body.priority {
        Priority::Number(n) => Some(*n),
        Priority::Name(name, more) => priorities(family)
            .iter()
            .find(|(known, _)| known == name && priority_fits(family, known, hook))
            .map(|(_, value)| i64::from(*value).saturating_add(*more)),
    };
    // The kernel takes 32 bits of it.
    match priority.and_then(|n| i32::try_from(n).ok()) {
        Some(priority) => Ok(Base::new(kind, hook, priority, policy)),
        None => wrong(body.at, "invalid priority expression value in this context."),
    }
}

/// What is said of a refusal of the kernel (`nft_cmd_error`).
pub(super) fn refused(step: &Step, refusal: &Refusal, known: &Ruleset) -> Vec<Report> {
    let at = &step.at;
    let whole = (at.whole, false);
    let (place, is_named) = match refusal.part {
        Part::Whole => whole,
        Part::Table => (at.table, true),
        Part::Name => (at.name, true),
        Part::Handle => (at.handle, true),
        Part::Stmt(i) => at.stmts.get(i).map_or(whole, |(loc, _)| (*loc, true)),
        Part::StmtElem(i, n) => at.stmts.get(i).and_then(|(_, elems)| elems.get(n)).map_or(whole, |loc| (*loc, false)),
        Part::Elem(i) => at.elems.get(i).map_or(whole, |loc| (*loc, false)),
    };
    let hint = if refusal.errno == Errno::ENOENT && is_named { hinted(&step.change, known) } else { None };
    let plain = format!("Could not process rule: {}", refusal.errno.text());
    // A rule's own sets come before it: each, and what is in it.
    let sets = at.sets.iter().filter(|_| refusal.part == Part::Table);
    let mut out: Vec<Report> =
        sets.flat_map(|set| [at.table, *set]).map(|place| Report::new(place, plain.clone())).collect();
    out.push(Report::new(place, hint.unwrap_or(plain)));
    out
}

/// Where the sets stand that a rule brings along.
fn own_sets(body: &RuleBody) -> Vec<Loc> {
    let of_map = |expr: &Expr| match &expr.is {
        Is::Map(_, map) if matches!(map.is, Is::Set(_)) => Some(map.at),
        _ => None,
    };
    let of = |said: &Said| match &said.what {
        What::Match { left, right, .. } => match &right.is {
            Is::Set(items) => {
                let is_one = items.len() == 1 && !matches!(items[0].key.is, Is::Set(_));
                (!is_one || matches!(left.is, Is::Concat(_))).then_some(right.at)
            }
            _ => None,
        },
        What::Vmap { map, .. } => matches!(map.is, Is::Set(_)).then_some(map.at),
        What::Nat(nat) => nat.addr.as_ref().and_then(of_map),
        What::SetMark { value, .. } => of_map(value),
        _ => None,
    };
    body.stmts.iter().filter_map(of).collect()
}

fn hinted(change: &RuleChange, known: &Ruleset) -> Option<String> {
    match change {
        RuleChange::DelTable { which, .. } => hint::table(known, &which.table),
        RuleChange::DelChain { which } | RuleChange::AddChain { which, .. } => {
            hint::chain(known, which.family, &which.table, &which.name, false)
        }
        RuleChange::AddRule { which, .. }
        | RuleChange::ReplaceRule { which, .. }
        | RuleChange::DelRule { which, .. } => hint::chain(known, which.family, &which.table, &which.name, true),
        RuleChange::DelSet { which } => hint::set(known, which.family, &which.table, &which.name),
        _ => None,
    }
}
