//! What somebody may have meant by a name that is not there.
//!
//! Counterpart: nftables 1.0.6, `src/misspell.c`, `nft_cmd_enoent()` of `src/cmd.c`: the least number of edits, in a table whose
//! rows share a cell and whose letters are read one too far, so that short names are easily taken for each other.

use nettwin_model::rules::{Chain, Family, Ruleset, Set, Table};

/// nft's measure of how far two names are apart.
fn distance(a: &str, b: &str) -> usize {
    let letter = |text: &str, i: usize| text.as_bytes().get(i).copied().unwrap_or(0);
    let (rows, width) = (a.len(), b.len());
    let cell = |i: usize, j: usize| i * width + j;
    let mut cells = vec![0; (rows + 1) * (width + 1)];
    for i in 0..=rows {
        cells[cell(i, 0)] = i;
    }
    for j in 0..=width {
        cells[cell(0, j)] = j;
    }
    for i in 1..=rows {
        for j in 1..=width {
            let differs = usize::from(letter(a, i) != letter(b, j));
            let least =
                (cells[cell(i - 1, j)] + 1).min(cells[cell(i, j - 1)] + 1).min(cells[cell(i - 1, j - 1)] + differs);
            cells[cell(i, j)] = least;
            let swapped = letter(a, i) == letter(b, j - 1) && letter(a, i - 1) == letter(b, j);
            if i > 1 && j > 1 && swapped {
                cells[cell(i, j)] = least.min(cells[cell(i - 2, j - 2)] + differs);
            }
        }
    }
    cells[cell(rows, width)]
}

/// The nearest of the names that is near enough; of several as near, the first.
fn nearest<'a, T>(name: &str, candidates: impl Iterator<Item = (&'a str, T)>) -> Option<T> {
    let mut best: Option<(usize, T)> = None;
    for (candidate, what) in candidates {
        let (longest, shortest) = (candidate.len().max(name.len()), candidate.len().min(name.len()));
        if longest <= 1 {
            continue;
        }
        let enough = if longest - shortest <= 1 { longest.div_ceil(3).max(1) } else { (longest + 2).div_ceil(3) };
        let far = distance(candidate, name);
        if far <= enough && best.as_ref().is_none_or(|(least, _)| far < *least) {
            best = Some((far, what));
        }
    }
    best.map(|(_, what)| what)
}

pub(super) const NOT_THERE: &str = "No such file or directory";

/// A table of about that name.
pub(super) fn table(rules: &Ruleset, name: &str) -> Option<String> {
    nearest(name, rules.tables.iter().map(|t| (t.name.as_str(), t))).map(meant_table)
}

fn meant_table(table: &Table) -> String {
    format!("{NOT_THERE}; did you mean table ‘{}’ in family {}?", table.name, table.family)
}

/// A chain of about that name, wherever it is; `Err` if it is its table that is wrong.
fn near_chain<'a>(rules: &'a Ruleset, name: &str) -> Option<(&'a Table, &'a Chain)> {
    let all = rules.tables.iter().flat_map(|t| t.chains.iter().map(move |c| (c.name.as_str(), (t, c))));
    nearest(name, all)
}

/// What is said of a chain, or of something in it, that is not there. A rule's own chain is no news.
pub(super) fn chain(rules: &Ruleset, family: Family, table: &str, name: &str, of_rule: bool) -> Option<String> {
    let (found, chain) = near_chain(rules, name)?;
    if let Some(text) = other_table(rules, family, table, found) {
        return Some(text);
    }
    if of_rule && chain.name == name {
        return None;
    }
    Some(format!("{NOT_THERE}; did you mean chain ‘{}’ in table {} ‘{}’?", chain.name, found.family, found.name))
}

/// The table that was found, if the one that was named is not there.
fn other_table(rules: &Ruleset, family: Family, table: &str, found: &Table) -> Option<String> {
    let is_there = rules.table(family, table).is_some();
    (!is_there && (found.name != table || found.family != family)).then(|| meant_table(found))
}

/// What is said of a set or map that is not there.
pub(super) fn set(rules: &Ruleset, family: Family, of: &str, name: &str) -> Option<String> {
    let all = rules.tables.iter().flat_map(|t| t.sets.iter().map(move |s| (s.name.as_str(), (t, s))));
    let (table, set): (&Table, &Set) = nearest(name, all)?;
    if let Some(text) = other_table(rules, family, of, table) {
        return Some(text);
    }
    let word = if set.data.is_some() { "map" } else { "set" };
    Some(format!("{NOT_THERE}; did you mean {word} ‘{}’ in table {} ‘{}’?", set.name, table.family, table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_near_as_nft_finds_them() {
        let near = |name: &str, all: &[&str]| nearest(name, all.iter().map(|n| (*n, (*n).to_owned())));
        assert_eq!(near("c", &["c", "d", "n3"]).as_deref(), Some("n3"));
        assert_eq!(near("nope", &["c", "d", "e", "n", "n3"]), None);
        assert_eq!(near("otherx", &["c", "other", "base"]).as_deref(), Some("other"));
        assert_eq!(near("c", &["c", "other", "base"]).as_deref(), Some("other"));
        assert_eq!(near("nope", &["c", "other", "base", "q"]).as_deref(), Some("base"));
        assert_eq!(near("aa", &["a", "m", "ma", "z"]).as_deref(), Some("ma"));
        assert_eq!(near("cc", &["c", "other", "base"]).as_deref(), Some("c"));
        assert_eq!(near("nope", &["foo"]).as_deref(), Some("foo"));
    }
}
