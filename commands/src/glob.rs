//! File name patterns.
//!
//! Counterpart: `fnmatch(3)` for one name. Deliberately absent: character classes (`[[:alpha:]]`), escapes.

/// Whether a name is what the pattern (`*`, `?`, `[a-z]`, `[!a]`) says.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    here(&pattern, &name)
}

fn here(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|skip| here(rest, &name[skip..])),
        Some((first, rest)) => {
            let Some((c, name)) = name.split_first() else { return false };
            match (first, rest.iter().position(|&c| c == ']').filter(|&end| end > 0)) {
                ('?', _) => here(rest, name),
                ('[', Some(end)) => in_set(&rest[..end], *c) && here(&rest[end + 1..], name),
                (first, _) => first == c && here(rest, name),
            }
        }
    }
}

fn in_set(set: &[char], c: char) -> bool {
    let (not, set) = match set.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, set),
    };
    let ranged = set.windows(3).any(|w| w[1] == '-' && (w[0]..=w[2]).contains(&c));
    (ranged || set.contains(&c)) != not
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("*", "all") && matches("e*0", "eth0") && matches("?o", "lo"));
        assert!(matches("eth[0-3]", "eth2") && !matches("eth[!0-3]", "eth2"));
        assert!(!matches("e*0", "eth1") && !matches("?", "lo") && matches("[", "["));
    }
}
