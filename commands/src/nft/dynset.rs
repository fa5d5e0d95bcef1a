//! Sets that packets change: how they are written, and what becomes of it.
//!
//! Counterpart: nftables 1.0.6, `set_stmt`, `meter_stmt` and `set_elem_options` of `src/parser_bison.y`, `stmt_evaluate_set()` and
//! `stmt_evaluate_meter()`. Deliberately absent: maps that packets change, elements that count several things or connections.

use super::parse::{Parser, Read, unsupported};
use super::rule::{Stop, Writer};
use super::source::{Kind, Report};
use super::tree::{DynsetBody, Expr, Is, Said, What, Word};
use super::value::description;
use nettwin_model::rules::{Dynset, SetOp, Stateful, Stmt, USUAL_SIZE, in_jiffies, words};

impl Parser {
    /// `add @SET { KEY … }` and its like, or as older versions wrote it: `set add KEY … @SET`.
    pub(super) fn dynset(&mut self) -> Read<Said> {
        let from = self.peek().at;
        if self.take("set") {
            let Some(op) = self.op() else { return self.fail(&["add", "update", "delete"]) };
            let (key, timeout_ms) = self.dynset_key()?;
            let each = self.each()?;
            let set_from = self.peek().at;
            let set = self.set_word()?;
            let at = from.to(self.last());
            let body = DynsetBody { op, set_at: set_from.to(set.at), set, key, timeout_ms, each, meter: None, at };
            return Ok(Said { at, core: at, what: What::Dynset(body) });
        }
        let Some(op) = self.op() else { return self.fail(&[]) };
        let set_from = self.peek().at;
        if !self.is("@") && !self.is("$") {
            return self.fail(&["@", "'$'"]);
        }
        let set = self.set_word()?;
        self.want("{", &["'{'"])?;
        let (key, timeout_ms) = self.dynset_key()?;
        let each = self.each()?;
        if self.begins_each() {
            return unsupported("an element that counts several things");
        }
        if self.take(":") {
            return if self.begins_key() { unsupported("a map that packets change") } else { self.fail(&[]) };
        }
        self.want("}", &[])?;
        let at = from.to(self.last());
        let body = DynsetBody { op, set_at: set_from.to(set.at), set, key, timeout_ms, each, meter: None, at };
        Ok(Said { at, core: at, what: What::Dynset(body) })
    }

    /// `meter NAME [size N] { KEY … }`.
    pub(super) fn meter(&mut self) -> Read<Said> {
        let from = self.next().at;
        let set = self.name()?;
        let mut size = USUAL_SIZE;
        if self.take("size") {
            let asked = self.number()?.value;
            size = u32::try_from(asked).unwrap_or(u32::MAX);
            if size == 0 {
                size = USUAL_SIZE;
            }
        }
        self.want("{", &["size", "'{'"])?;
        let (key, timeout_ms) = self.dynset_key()?;
        if self.is("ct") {
            return unsupported("ct count");
        }
        let Some(each) = self.each()? else { return self.fail(&[]) };
        self.want("}", &[])?;
        let (at, whole) = (from.to(self.last()), set.at.to(self.last()));
        let op = if timeout_ms.is_some() { SetOp::Update } else { SetOp::Add };
        let (set_at, each) = (set.at, Some(each));
        let body = DynsetBody { op, set, set_at, key, timeout_ms, each, meter: Some(size), at: whole };
        Ok(Said { at, core: whole, what: What::Dynset(body) })
    }

    fn op(&mut self) -> Option<SetOp> {
        let op = SetOp::ALL.into_iter().find(|op| self.is(op.word()))?;
        self.next();
        Some(op)
    }

    fn set_word(&mut self) -> Read<Word> {
        let name = self.set_name()?;
        match name.is {
            Is::Ref(text) => Ok(Word { text, at: name.at }),
            _ => unsupported("a set that is no name"),
        }
    }

    fn dynset_key(&mut self) -> Read<(Expr, Option<u64>)> {
        if !self.begins_key() {
            return unsupported("an element that is no part of the packet");
        }
        let key = self.keys()?;
        let timeout_ms = if self.take("timeout") { Some(self.time()?) } else { None };
        if self.is("comment") {
            return self.complain(key.at, "Key expression comments are not supported");
        }
        Ok((key, timeout_ms.map(in_jiffies).filter(|ms| *ms != 0)))
    }

    /// A time: `1d2h3m4s5ms`, without what is not there.
    pub(super) fn time(&mut self) -> Read<u64> {
        let token = self.peek().clone();
        if token.kind != Kind::Word {
            return self.fail(&["string"]);
        }
        self.next();
        match words::time(&token.text) {
            Some(ms) => Ok(ms),
            None => self.complain(token.at, format!("can't parse time \"{}\"", token.text)),
        }
    }

    /// Whether what elements count, or let through, comes next.
    pub(super) fn begins_each(&self) -> bool {
        self.peek().kind == Kind::Word && matches!(self.peek().text.as_str(), "counter" | "limit" | "quota")
    }

    /// What elements count or let through.
    pub(super) fn each(&mut self) -> Read<Option<Stateful>> {
        if !self.begins_each() {
            return Ok(None);
        }
        match self.stmt()?.what {
            What::Counter { packets, bytes } => Ok(Some(Stateful::Counter { packets, bytes })),
            What::Limit(limit) => Ok(Some(Stateful::Limit(limit))),
            What::Quota(quota) => Ok(Some(Stateful::Quota(quota))),
            _ => unsupported("an object of an element"),
        }
    }
}

impl Writer<'_> {
    /// A change of a set as it is written becomes the statement.
    pub(super) fn dynset(&mut self, body: &DynsetBody) -> Result<Stmt, Stop> {
        let keys = self.keys(&body.key)?;
        let types: Vec<_> = keys.iter().map(|key| words::key_type(*key)).collect();
        let mut each = body.each;
        if body.meter.is_none() {
            let set = self.set(&body.set.text, body.set_at)?;
            if set.data.is_some() {
                return Err(Stop::Unsupported("a map that packets change".into()));
            }
            if set.keys() != types {
                let name = |types: &[_]| match types {
                    [one] => description(*one).to_owned(),
                    many => {
                        let each: Vec<&str> = many.iter().map(|kind| description(*kind)).collect();
                        format!("concatenation of ({})", each.join(", "))
                    }
                };
                let text =
                    format!("datatype mismatch: expected {}, expression has type {}", name(&set.keys()), name(&types));
                return Err(Report::against(body.key.at, body.at, text).into());
            }
            // What the set says of all its elements goes without saying.
            if each.is_some_and(|each| set.each.is_some_and(|of| of.fresh() == each.fresh())) {
                each = None;
            }
        } else if types.contains(&nettwin_model::rules::SetType::Integer) {
            return Err(Stop::Unsupported("a meter of integers".into()));
        } else {
            self.elems = vec![body.key.at];
        }
        let (set, timeout_ms) = (body.set.text.clone(), body.timeout_ms);
        Ok(Stmt::Dynset(Box::new(Dynset { op: body.op, set, keys, timeout_ms, each, meter: body.meter })))
    }
}
