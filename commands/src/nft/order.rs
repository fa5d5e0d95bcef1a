//! Which values have an order.
//!
//! Counterpart: nftables 1.0.6, the operators `<` to `>=` in `expr_evaluate_relational()` of `src/evaluate.c`. Deliberately absent:
//! what is compared for being equal, which all may be.

use super::rule::Stop;
use super::source::{Loc, Report};
use super::tree::{Expr, Is};
use nettwin_model::rules::Cmp;

/// Several values together have none.
pub(super) fn unless_several_ordered(left: &Expr, cmp: Option<(Cmp, bool)>, at: Loc) -> Result<(), Stop> {
    match (&left.is, word(cmp)) {
        (Is::Concat(_), Some(op)) => Err(undefined(op, "concat", left.at, at)),
        _ => Ok(()),
    }
}

/// Only single values have one.
pub(super) fn ordered(cmp: Option<(Cmp, bool)>, right: &Expr, at: Loc) -> Result<(), Stop> {
    let Some(op) = word(cmp) else { return Ok(()) };
    let right = match &right.is {
        Is::Set(items) if items.len() == 1 => &items[0].key,
        _ => right,
    };
    let kind = match &right.is {
        Is::Set(_) => "set",
        Is::Ref(_) => "set reference",
        Is::Range(..) => "range",
        Is::Prefix(..) => "prefix",
        Is::Symbol(name) if name.ends_with('*') => "prefix",
        _ => return Ok(()),
    };
    Err(undefined(op, kind, right.at, at))
}

fn word(cmp: Option<(Cmp, bool)>) -> Option<&'static str> {
    Some(match cmp?.0 {
        Cmp::Lt => "<",
        Cmp::Gt => ">",
        Cmp::Le => "<=",
        Cmp::Ge => ">=",
        Cmp::Eq | Cmp::Ne => return None,
    })
}

fn undefined(op: &str, kind: &str, at: Loc, op_at: Loc) -> Stop {
    Report::against(at, op_at, format!("Relational expression ({op}) is undefined for {kind} expressions")).into()
}
