//! TOML into the tree.

use super::tree::{Data, Entry, Node};
use crate::complaint::{Complaint, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads TOML. All syntax errors are said.
pub(super) fn parse(text: &str) -> Result<Node, Vec<Complaint>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.into_iter().map(complaint).collect());
    }
    Ok(Node::new(0..text.len(), table(root.into_inner())))
}

fn complaint(error: toml::de::Error) -> Complaint {
    let span = error.span().map_or(Span::NOWHERE, Span::new);
    let duplicate = error.message().contains("duplicate key");
    let help = if duplicate {
        "say it once; what belongs together goes under one heading"
    } else {
        "TOML has lines of `key = value`, tables as `[netns.h1]`, lists of tables as `[[link]]`"
    };
    let code = if duplicate { "duplicate-name" } else { "syntax" };
    Complaint::error(code, span, error.message().to_owned()).help(help)
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let data = match value.into_inner() {
        DeValue::String(s) => Data::Text(s.into_owned()),
        DeValue::Integer(n) => {
            i64::from_str_radix(n.as_str(), n.radix()).map_or(Data::Other("an integer out of all range"), Data::Whole)
        }
        DeValue::Float(_) => Data::Other("a fractional number"),
        DeValue::Boolean(b) => Data::Flag(b),
        DeValue::Datetime(_) => Data::Other("a date"),
        DeValue::Array(items) => Data::List(items.into_iter().map(node).collect()),
        DeValue::Table(entries) => table(entries),
    };
    Node::new(span, data)
}

/// A table's entries in the order of the text (the parser keeps them by key).
fn table(entries: DeTable<'_>) -> Data {
    let mut out: Vec<Entry> = entries
        .into_iter()
        .map(|(key, value)| Entry { key_span: key.span(), key: key.into_inner().into_owned(), value: node(value) })
        .collect();
    out.sort_by_key(|e| e.key_span.start);
    Data::Table(out)
}
