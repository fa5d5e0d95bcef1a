//! In which line of a script a command was typed, found by its words.
//!
//! A shell tells the programs that it runs nothing about lines, so the script's text is searched for the command that fits
//! best: a variable fits whatever it may have been. Counterpart: `LINENO`. Deliberately absent: reading shell grammar; where
//! no line fits (a function's `"$@"` has no letter in common with anything), none is said.

/// The commands in a script's text.
pub(crate) struct Lines {
    commands: Vec<(usize, Vec<String>)>,
    /// Where the last one was found: the next is looked for behind it first.
    last: usize,
}

impl Lines {
    /// Reads a script.
    pub(crate) fn of(script: &str) -> Self {
        let mut commands = Vec::new();
        let mut lines = script.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let mut line = line.to_owned();
            while line.ends_with('\\')
                && let Some((_, more)) = lines.next()
            {
                line.pop();
                line.push_str(more);
            }
            commands.extend(cut(&line).into_iter().map(|words| (number + 1, words)));
        }
        Lines { commands, last: 0 }
    }

    /// The line of a command.
    pub(crate) fn find(&mut self, words: &[String]) -> Option<usize> {
        let scored = self.commands.iter().enumerate().filter_map(|(at, (_, typed))| Some((fits(typed, words)?, at)));
        // Among those that fit alike the next one.
        let best = scored.max_by_key(|(score, at)| (*score, *at >= self.last, std::cmp::Reverse(*at)));
        let (_, at) = best.filter(|(score, _)| *score > 0)?;
        self.last = at;
        Some(self.commands[at].0)
    }
}

/// Cuts a line into commands and their words, quotes taken off.
fn cut(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let end = |word: &mut Option<String>, words: &mut Vec<String>| words.extend(word.take());
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, ';' | '&' | '|' | '(' | ')' | '`') => {
                end(&mut word, &mut words);
                commands.push(std::mem::take(&mut words));
            }
            (None, _) if c.is_whitespace() => end(&mut word, &mut words),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    end(&mut word, &mut words);
    commands.push(words);
    commands.iter_mut().for_each(|words| words.retain(|word| !is_redirection(word)));
    commands.retain(|words| !words.is_empty());
    commands
}

fn is_redirection(word: &str) -> bool {
    word.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(['<', '>'])
}

/// How many letters of what was typed are in the command, if it can have become the command. What stands before it, such as
/// `sudo` or `if`, does not count.
fn fits(typed: &[String], words: &[String]) -> Option<usize> {
    (0..typed.len()).filter_map(|start| fits_from(&typed[start..], words)).max()
}

fn fits_from(typed: &[String], words: &[String]) -> Option<usize> {
    let Some((first, rest)) = typed.split_first() else { return words.is_empty().then_some(0) };
    let (literal, is_open) = match first.split_once('$') {
        Some((literal, _)) => (literal, true),
        None => (first.as_str(), false),
    };
    if is_open && literal.is_empty() {
        // A variable by itself may be no word, or several.
        return (0..=words.len()).filter_map(|taken| fits_from(rest, &words[taken..])).max();
    }
    let (word, more) = words.split_first()?;
    let fits = if is_open { word.starts_with(literal) } else { word == literal || is_path_to(literal, word) };
    fits.then_some(())?;
    Some(literal.len() + fits_from(rest, more)?)
}

/// Whether `typed` is a path to the program of this name.
fn is_path_to(typed: &str, name: &str) -> bool {
    typed.strip_suffix(name).is_some_and(|folder| folder.ends_with("bin/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_by_their_words() {
        let script = "#!/bin/sh\nNS=h1\nip netns add $NS; ip netns add h2 # ip netns add h3\nadd() {\n  sudo ip -n $1 link \\\n\
                      set \"$2\" up 2>/dev/null\n}\nfor i in 1 2; do\n  ip netns exec h$i ping -c1 10.0.0.$i\ndone\n\
                      ip netns add h2\nrun() { \"$@\"; }\n";
        let mut lines = Lines::of(script);
        let mut check = |command: &str, line: Option<usize>| {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(lines.find(&words), line, "{command}");
        };
        check("ip netns add h1", Some(3));
        check("ip netns add h2", Some(3));
        check("ip -n h1 link set eth0 up", Some(5));
        check("ip netns exec h2 ping -c1 10.0.0.2", Some(9));
        check("ip netns add h2", Some(11));
        check("brctl addbr br0", None);
    }
}
