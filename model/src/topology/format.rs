//! `fmt`: the text of a topology in one canonical style, every comment kept, nothing reordered.
//!
//! TOML gets other white space: `key = value`, one blank line before each heading, lists on one line where they fit. JSON
//! is indented by two. YAML, whose white space means something, is left as it is. Formatting twice changes nothing more,
//! and what the text means stays the same.

use super::{Format, json, toml, yaml};
use crate::complaint::Complaint;

/// The width that a line with a list must fit.
const WIDTH: usize = 100;

/// The text in canonical style; or what is wrong with its syntax.
pub fn format_text(text: &str, format: Format) -> Result<String, Vec<Complaint>> {
    match format {
        Format::Toml => {
            let meant = toml::parse(text)?;
            let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
            let formatted = print(&Reader { text: bare, at: 0 }.document());
            // The reader here knows the usual ways to write TOML. What is written in others stays as it is.
            let same = toml::parse(&formatted).is_ok_and(|root| root.means(&meant));
            Ok(if same { formatted } else { text.to_owned() })
        }
        Format::Json => {
            json::parse(text)?;
            let value: Result<serde_json::Value, _> = serde_json::from_str(text);
            Ok(value.map_or_else(|_| text.to_owned(), |v| format!("{v:#}\n")))
        }
        Format::Yaml => yaml::parse(text).map(|_| text.to_owned()),
    }
}

/// A line of a document.
enum Line {
    Blank,
    Comment(String),
    Heading(String, Option<String>),
    Pair(String, Value, Option<String>),
}

enum Value {
    /// Whatever has no inside, as it is written.
    Atom(String),
    /// A list or an inline table.
    Group { table: bool, items: Vec<Item>, last: Vec<String> },
}

/// An item of a group, with the comments on lines of their own before it and the one behind it.
struct Item {
    before: Vec<String>,
    key: Option<String>,
    value: Value,
    after: Option<String>,
}

/// Reads TOML that is known to be well formed; on anything else it ends early, and never fails.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while self.at < self.text.len() {
            self.skip(" \t\r");
            let before = self.at;
            match self.peek() {
                None => break,
                Some('\n') => {
                    self.at += 1;
                    lines.push(Line::Blank);
                    continue;
                }
                Some('#') => lines.push(Line::Comment(self.comment().unwrap_or_default())),
                Some('[') => {
                    let brackets = if self.rest().starts_with("[[") { 2 } else { 1 };
                    self.at += brackets;
                    let key = self.key();
                    self.skip("]");
                    let (open, close) = if brackets == 2 { ("[[", "]]") } else { ("[", "]") };
                    lines.push(Line::Heading(format!("{open}{key}{close}"), self.comment()));
                }
                Some(_) => {
                    let key = self.key();
                    self.skip("=");
                    lines.push(Line::Pair(key, self.value(), self.comment()));
                }
            }
            // The end of the line belongs to it.
            self.skip(" \t\r");
            self.take("\n");
            if self.at == before {
                break;
            }
        }
        lines
    }

    /// A key's parts, without the white space around their dots.
    fn key(&mut self) -> String {
        let mut key = String::new();
        loop {
            self.skip(" \t");
            key.push_str(&self.atom(".=]"));
            self.skip(" \t");
            if !self.take(".") {
                return key;
            }
            key.push('.');
        }
    }

    fn value(&mut self) -> Value {
        self.skip(" \t");
        match self.peek() {
            Some('[') => self.group(false),
            Some('{') => self.group(true),
            _ => Value::Atom(self.atom(",]}")),
        }
    }

    fn group(&mut self, table: bool) -> Value {
        let close = if table { "}" } else { "]" };
        let mut items: Vec<Item> = Vec::new();
        self.at += 1;
        loop {
            let (mut same_line, others) = self.comments();
            // A comma on the line after its item's comment.
            if self.take(",") {
                let (more, mut later) = self.comments();
                same_line = same_line.or(more);
                let mut before = others;
                before.append(&mut later);
                self.attach(&mut items, &mut same_line);
                if self.ends(close) {
                    return Value::Group { table, items, last: with(same_line, before) };
                }
                items.push(self.item(table, with(same_line, before)));
                continue;
            }
            self.attach(&mut items, &mut same_line);
            let before = with(same_line, others);
            if self.ends(close) {
                return Value::Group { table, items, last: before };
            }
            items.push(self.item(table, before));
        }
    }

    /// A comment on the line of the last item is that item's.
    fn attach(&self, items: &mut [Item], comment: &mut Option<String>) {
        if let Some(last) = items.last_mut().filter(|i| i.after.is_none()) {
            last.after = comment.take();
        }
    }

    fn ends(&mut self, close: &str) -> bool {
        self.take(close) || self.at >= self.text.len()
    }

    fn item(&mut self, table: bool, before: Vec<String>) -> Item {
        let start = self.at;
        let key = table.then(|| {
            let key = self.key();
            self.skip(" \t\r\n");
            self.skip("=");
            self.skip(" \t\r\n");
            key
        });
        let value = self.value();
        if self.at == start {
            self.at = self.text.len();
        }
        Item { before, key, value, after: None }
    }

    /// White space and comments: the comment on this line, and those on the following lines.
    fn comments(&mut self) -> (Option<String>, Vec<String>) {
        let first = self.comment();
        let mut others = Vec::new();
        loop {
            self.skip(" \t\r\n");
            match self.comment() {
                Some(comment) => others.push(comment),
                None => return (first, others),
            }
        }
    }

    fn comment(&mut self) -> Option<String> {
        self.skip(" \t\r");
        if self.peek() != Some('#') {
            return None;
        }
        let rest = self.rest();
        let len = rest.find('\n').unwrap_or(rest.len());
        let comment = rest[..len].trim_end().to_owned();
        self.at += len;
        Some(comment)
    }

    /// A string, or a run up to white space, a comment or one of `ends`.
    fn atom(&mut self, ends: &str) -> String {
        let rest = self.rest();
        let len = match rest.as_bytes().first() {
            Some(b'"' | b'\'') => string_len(rest),
            _ => {
                let end = |c: char| c.is_whitespace() || c == '#' || ends.contains(c);
                let len = rest.find(end).unwrap_or(rest.len());
                // A date and a time may have one space between them.
                match rest[len..].strip_prefix(' ').filter(|_| is_date(&rest[..len])) {
                    Some(time) if time.starts_with(|c: char| c.is_ascii_digit()) => {
                        len + 1 + time.find(end).unwrap_or(time.len())
                    }
                    _ => len,
                }
            }
        };
        self.at += len;
        rest[..len].to_owned()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, of: &str) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(|c| of.contains(c)).len();
    }

    fn take(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        self.at += if found { what.len() } else { 0 };
        found
    }
}

fn with(first: Option<String>, others: Vec<String>) -> Vec<String> {
    first.into_iter().chain(others).collect()
}

fn is_date(s: &str) -> bool {
    s.len() == 10 && s.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() })
}

/// The length of the string that `s` starts with, quotes included.
fn string_len(s: &str) -> usize {
    let quote = &s[..1];
    let long = quote.repeat(3);
    let close = if s.starts_with(&long) { long.as_str() } else { quote };
    let mut at = close.len();
    while at < s.len() {
        let rest = &s[at..];
        if quote == "\"" && rest.starts_with('\\') {
            at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
        } else if rest.starts_with(close) {
            // A long string may end in up to two quotes of its own.
            let own = if close.len() == 3 {
                rest[3..].bytes().take(2).take_while(|b| *b == quote.as_bytes()[0]).count()
            } else {
                0
            };
            return at + close.len() + own;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    s.len()
}

/// The lines: no two blank ones together, none at the ends, one before each heading and the comments right above it.
fn print(lines: &[Line]) -> String {
    let mut out: Vec<String> = Vec::new();
    // Where the comments began that nothing but a heading has followed yet.
    let mut block: Option<usize> = None;
    for line in lines {
        let last_blank = out.last().is_none_or(String::is_empty);
        match line {
            Line::Blank if last_blank => {}
            Line::Blank => {
                out.push(String::new());
                block = None;
            }
            Line::Comment(comment) => {
                block = block.or(Some(out.len()));
                out.push(comment.clone());
            }
            Line::Heading(heading, comment) => {
                let above = block.take().unwrap_or(out.len());
                if above > 0 && !out[above - 1].is_empty() {
                    out.insert(above, String::new());
                }
                out.push(with_comment(heading.clone(), comment));
            }
            Line::Pair(key, value, comment) => {
                block = None;
                let text = inline(value)
                    .filter(|v| key.len() + 3 + v.len() <= WIDTH || matches!(value, Value::Atom(_)) || is_table(value))
                    .unwrap_or_else(|| spread(value, 0));
                out.push(with_comment(format!("{key} = {text}"), comment));
            }
        }
    }
    while out.last().is_some_and(String::is_empty) {
        out.pop();
    }
    out.into_iter().map(|line| line + "\n").collect()
}

fn with_comment(line: String, comment: &Option<String>) -> String {
    match comment {
        Some(comment) => format!("{line} {comment}"),
        None => line,
    }
}

fn is_table(value: &Value) -> bool {
    matches!(value, Value::Group { table: true, .. })
}

/// A value on one line; none if there are comments in it.
fn inline(value: &Value) -> Option<String> {
    let (table, items) = match value {
        Value::Atom(atom) => return Some(atom.clone()),
        Value::Group { last, .. } if !last.is_empty() => return None,
        Value::Group { table, items, .. } => (*table, items),
    };
    let mut each = Vec::new();
    for item in items {
        if !item.before.is_empty() || item.after.is_some() {
            return None;
        }
        each.push(keyed(item, inline(&item.value)?));
    }
    let inside = each.join(", ");
    Some(match (table, inside.is_empty()) {
        (true, true) => "{}".to_owned(),
        (true, false) => format!("{{ {inside} }}"),
        (false, _) => format!("[{inside}]"),
    })
}

/// A value with its items on lines of their own.
fn spread(value: &Value, depth: usize) -> String {
    let (table, items, last) = match value {
        Value::Atom(atom) => return atom.clone(),
        Value::Group { table, items, last } => (*table, items, last),
    };
    let (open, close) = if table { ('{', '}') } else { ('[', ']') };
    let indent = "    ".repeat(depth + 1);
    let mut out = format!("{open}\n");
    for item in items {
        for comment in &item.before {
            out += &format!("{indent}{comment}\n");
        }
        let short = inline(&item.value).filter(|v| indent.len() + v.len() < WIDTH || is_table(&item.value));
        let text = keyed(item, short.unwrap_or_else(|| spread(&item.value, depth + 1)));
        out += &format!("{indent}{}\n", with_comment(format!("{text},"), &item.after));
    }
    for comment in last {
        out += &format!("{indent}{comment}\n");
    }
    out + &"    ".repeat(depth) + &close.to_string()
}

fn keyed(item: &Item, value: String) -> String {
    match &item.key {
        Some(key) => format!("{key} = {value}"),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let once = format_text(text, Format::Toml).unwrap();
        assert_eq!(once, expect);
        assert_eq!(format_text(&once, Format::Toml).unwrap(), once, "not the same the second time");
    }

    #[test]
    fn white_space_is_made_canonical_and_comments_stay() {
        check(
            "\n\n# the lab\nname='x'   # short\n\n\n\nseed   =  7\n# two\n[ netns . h1 ]#h\n\n\nroutes=[ 'a',\n 'b' ]\n",
            "# the lab\nname = 'x' # short\n\nseed = 7\n\n# two\n[netns.h1] #h\n\nroutes = ['a', 'b']\n",
        );
        check("[[link]]\nends=[\"a:b\",\"c.d:e\",]\n[[ link ]]", "[[link]]\nends = [\"a:b\", \"c.d:e\"]\n\n[[link]]\n");
        check("a . 'b.c'. d = {x=1,y = [ 1.5,-2 ], z={ }}", "a.'b.c'.d = { x = 1, y = [1.5, -2], z = {} }\n");
    }

    #[test]
    fn lists_with_comments_or_too_long_have_lines_of_their_own() {
        check(
            "a = [ # why\n 1, # one\n # two\n 2 # second\n , 3\n # end\n ]",
            "a = [\n    # why\n    1, # one\n    # two\n    2, # second\n    3,\n    # end\n]\n",
        );
        let long = "x".repeat(60);
        check(&format!("a = ['{long}','{long}']"), &format!("a = [\n    '{long}',\n    '{long}',\n]\n"));
    }

    #[test]
    fn strings_and_dates_are_left_as_they_are() {
        check(
            "a = \"\"\"x # [\n  \\\" \"\"\"\"\"\nb='''it''s'''\nc = \"\\\\\"\nd = 1979-05-27 07:32:00 # t\n",
            "a = \"\"\"x # [\n  \\\" \"\"\"\"\"\nb = '''it''s'''\nc = \"\\\\\"\nd = 1979-05-27 07:32:00 # t\n",
        );
    }
}
