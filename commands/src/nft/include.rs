//! `include`: the words of other files, in its place.
//!
//! Counterpart: nftables 1.0.6, `scanner_include_file()` of `src/scanner.l`. Deliberately absent: `-I`; patterns of folders.

use super::source::{Kind, Loc, Report, Source, Token, tokens};
use crate::job::Files;

/// As deep as files may name each other.
const MAX_DEPTH: usize = 16;

/// The words with those of the files that they name, as far as these can be read.
pub(super) fn splice(
    files: &mut dyn Files,
    source: &mut Source,
    given: &[Token],
    depth: usize,
    reports: &mut Vec<Report>,
) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut i = 0;
    while let Some(token) = given.get(i) {
        let begins = out.last().is_none_or(|last| {
            matches!(last.kind, Kind::Newline | Kind::Semicolon) || matches!(last.text.as_str(), "{" | "}")
        });
        let named = match (token.text.as_str(), given.get(i + 1), given.get(i + 2)) {
            ("include", Some(path), Some(end)) if begins && token.kind == Kind::Word && path.kind == Kind::Quoted => {
                matches!(end.kind, Kind::Newline | Kind::Semicolon | Kind::End).then_some((path, end))
            }
            _ => None,
        };
        let Some((path, end)) = named else {
            out.push(token.clone());
            i += 1;
            continue;
        };
        let at = token.at.to(end.at);
        match read(files, &path.text) {
            _ if depth >= MAX_DEPTH => {
                reports.push(Report::new(at, format!("Include nested too deeply, max {MAX_DEPTH} levels")));
            }
            None => reports.push(Report::new(at, format!("File not found: {}", path.text))),
            Some(found) => {
                for (file, text) in found {
                    let mut words = tokens(&text);
                    words.retain(|word| word.kind != Kind::End);
                    let from = source.add(file, &text, at);
                    for word in &mut words {
                        word.at = Loc { from: word.at.from + from, to: word.at.to + from };
                    }
                    out.extend(splice(files, source, &words, depth + 1, reports));
                }
            }
        }
        out.push(end.clone());
        i += 3;
    }
    out
}

/// The files that a path means, with what is in them; `None` if it is not there. A pattern may mean none.
fn read(files: &mut dyn Files, path: &str) -> Option<Vec<(String, String)>> {
    let is_from_here = ["/", "./", "../"].iter().any(|start| path.starts_with(start));
    let path = if is_from_here { path.to_owned() } else { format!("/etc/{path}") };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (folder, pattern) = path.rsplit_once('/')?;
    if pattern.is_empty() {
        return Some(Vec::new());
    }
    if !pattern.contains(['*', '?', '[']) {
        return files.read(&path).ok().map(|bytes| vec![(path.clone(), text(bytes))]);
    }
    let mut names: Vec<String> = files.list(folder).unwrap_or_default().into_iter().map(|entry| entry.name).collect();
    names.retain(|name| {
        fits(pattern.as_bytes(), name.as_bytes()) && (!name.starts_with('.') || pattern.starts_with('.'))
    });
    names.sort_unstable();
    let each = names.into_iter().map(|name| format!("{folder}/{name}"));
    Some(each.filter_map(|path| files.read(&path).ok().map(|bytes| (path, text(bytes)))).collect())
}

/// Whether a name fits a pattern of `*` and `?` (`glob(7)`).
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|n| fits(rest, &name[n..])),
        ([b'?', rest @ ..], [_, behind @ ..]) => fits(rest, behind),
        ([a, rest @ ..], [b, behind @ ..]) => a == b && fits(rest, behind),
        ([], []) => true,
        _ => false,
    }
}
