//! Options as glibc reads them, with its complaints word for word.
//!
//! Counterpart: `getopt_long(3)` of glibc 2.36: operands are moved behind the options unless the short options begin with
//! `+`, `--` ends them, long names may be shortened as far as they stay unique. Deliberately absent: `-W foo`, a leading
//! `-` or `:` in the short options, `getopt_long_only`.

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// No.
    Nothing,
    /// The rest of its word or the next one.
    Value,
    /// The rest of its word, if there is one.
    Maybe,
}

/// A long option: its name, whether it takes a value, and the key it is reported under.
pub(crate) type Long = (&'static str, Takes, char);

/// One option as it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// A known one: its key and its value.
    Option(char, Option<String>),
    /// A wrong one: the complaint, without the program's name and the newline.
    Wrong(String),
}

/// What a command line's words are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// The options in their order.
    pub(crate) options: Vec<Met>,
    /// What is left, in its order.
    pub(crate) operands: Vec<String>,
}

/// Reads the words that follow the program's name. `short` is getopt's option string; without `long` it is `getopt(3)`.
pub(crate) fn parse(words: &[String], short: &str, long: &[Long]) -> Parsed {
    let (short, in_order) = short.strip_prefix('+').map_or((short, false), |rest| (rest, true));
    let mut out = Parsed::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        } else if let Some(name) = word.strip_prefix("--").filter(|_| !long.is_empty()) {
            out.options.push(long_option(name, long, &mut words));
        } else if word.len() > 1 && word.starts_with('-') {
            short_options(&word[1..], short, &mut words, &mut out.options);
        } else {
            out.operands.push(word.clone());
            if in_order {
                break;
            }
        }
    }
    out.operands.extend(words.cloned());
    out
}

fn short_options<'a>(word: &str, short: &str, words: &mut impl Iterator<Item = &'a String>, options: &mut Vec<Met>) {
    let mut rest = word.chars();
    while let Some(key) = rest.next() {
        let Some(spec) = short.split_once(key).filter(|_| key != ':').map(|(_, behind)| behind) else {
            options.push(Met::Wrong(format!("invalid option -- '{key}'")));
            continue;
        };
        let attached = Some(rest.as_str()).filter(|r| !r.is_empty()).map(str::to_owned);
        if spec.starts_with("::") {
            options.push(Met::Option(key, attached));
            return;
        }
        if spec.starts_with(':') {
            options.push(match attached.or_else(|| words.next().cloned()) {
                Some(value) => Met::Option(key, Some(value)),
                None => Met::Wrong(format!("option requires an argument -- '{key}'")),
            });
            return;
        }
        options.push(Met::Option(key, None));
    }
}

fn long_option<'a>(word: &str, long: &[Long], words: &mut impl Iterator<Item = &'a String>) -> Met {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let mut begins = long.iter().filter(|(n, ..)| n.starts_with(name));
    let found = match long.iter().find(|(n, ..)| *n == name).or_else(|| begins.next()) {
        None => return Met::Wrong(format!("unrecognized option '--{name}'")),
        Some(found) => found,
    };
    // Several names of one meaning are no question.
    if found.0 != name && begins.any(|other| (other.1, other.2) != (found.1, found.2)) {
        let all = long.iter().filter(|(n, ..)| n.starts_with(name));
        let list: String = all.map(|(n, ..)| format!(" '--{n}'")).collect();
        return Met::Wrong(format!("option '--{word}' is ambiguous; possibilities:{list}"));
    }
    let (full, takes, key) = *found;
    match (takes, value) {
        (Takes::Nothing, Some(_)) => Met::Wrong(format!("option '--{full}' doesn't allow an argument")),
        (Takes::Value, None) => match words.next() {
            Some(next) => Met::Option(key, Some(next.clone())),
            None => Met::Wrong(format!("option '--{full}' requires an argument")),
        },
        (_, value) => Met::Option(key, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &[Long] =
        &[("verbose", Takes::Nothing, 'v'), ("version", Takes::Nothing, 'V'), ("file", Takes::Value, 'f')];

    fn check(line: &str, expect: &str) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let parsed = parse(&words, "vf:o::", LONG);
        let mut out: Vec<String> = parsed
            .options
            .iter()
            .map(|met| match met {
                Met::Option(key, value) => {
                    format!("{key}{}", value.as_ref().map_or(String::new(), |v| format!("={v}")))
                }
                Met::Wrong(text) => text.clone(),
            })
            .collect();
        out.push(format!("[{}]", parsed.operands.join(" ")));
        assert_eq!(out.join("; "), expect, "{line}");
    }

    #[test]
    fn options_are_read_as_glibc_reads_them() {
        check("a -v b -fx c", "v; f=x; [a b c]");
        check("-vf x -- -v", "v; f=x; [-v]");
        check("-ox -o x -", "o=x; o; [x -]");
        check("--file=a --file b --fi c", "f=a; f=b; f=c; []");
        check(
            "-z --zed -f",
            "invalid option -- 'z'; unrecognized option '--zed'; option requires an argument -- 'f'; []",
        );
        check("--ver", "option '--ver' is ambiguous; possibilities: '--verbose' '--version'; []");
        check(
            "--verb=1 --file",
            "option '--verbose' doesn't allow an argument; option '--file' requires an argument; []",
        );
        check("-:", "invalid option -- ':'; []");
    }
}
