//! What a tool prints: text, or the same as JSON.
//!
//! Counterpart: `lib/json_print.c`, `lib/json_writer.c`, `lib/color.c`. One pass makes either: what is said with a key is in
//! both, the rest is in one of them. Deliberately absent: numbers in other formats.

use std::fmt::{self, Display, Write};

/// How it is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    /// `-j`.
    pub(crate) json: bool,
    /// `-p`: JSON with lines.
    pub(crate) pretty: bool,
    /// `-o`: a backslash where a line would end.
    pub(crate) oneline: bool,
    /// Escape sequences for colours.
    pub(crate) colour: bool,
    /// Those that are read on a dark ground.
    pub(crate) dark: bool,
}

/// A value with a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Signed(i64),
    /// Of a second.
    Hundredths(u64),
    Bool(bool),
    /// Printed as `%g`.
    Float(f64),
    Null,
}

/// What a colour stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Ifname,
    Mac,
    Inet,
    Inet6,
    Up,
    Down,
    None,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(crate) struct Page {
    out: String,
    style: Style,
    /// Whether what comes now is JSON.
    json: bool,
    depth: usize,
    separated: bool,
}

impl Page {
    /// An empty page; JSON begins with [`Page::open`].
    pub(crate) fn new(style: Style) -> Self {
        Page { style, ..Page::default() }
    }

    /// What was written.
    pub(crate) fn into_text(self) -> String {
        self.out
    }

    /// Begins the array that all of a JSON document is (`new_json_obj`).
    pub(crate) fn open(&mut self) {
        self.json = self.style.json;
        self.separated = false;
        self.open_array("");
    }

    /// Ends it (`delete_json_obj`).
    pub(crate) fn close(&mut self) {
        self.close_array();
        if self.json {
            self.out.push('\n');
        }
        self.json = false;
    }

    /// Whether what comes now is JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Text only.
    pub(crate) fn text(&mut self, text: impl Display) {
        if !self.json {
            let _ = write!(self.out, "{text}");
        }
    }

    /// The end of a line within an entry (`print_nl`).
    pub(crate) fn nl(&mut self) {
        self.text(if self.style.oneline { "\\" } else { "\n" });
    }

    /// JSON only.
    pub(crate) fn field<'a>(&mut self, key: &str, value: impl Into<Value<'a>>) {
        if self.json {
            self.name(key);
            self.value(value.into());
        }
    }

    /// A value with its key, or as text.
    pub(crate) fn say<'a>(&mut self, key: &str, value: impl Into<Value<'a>>, text: fmt::Arguments<'_>) {
        self.paint(Colour::None, key, value, text);
    }

    /// The same in a colour.
    pub(crate) fn paint<'a>(
        &mut self,
        colour: Colour,
        key: &str,
        value: impl Into<Value<'a>>,
        text: fmt::Arguments<'_>,
    ) {
        if self.json {
            self.field(key, value);
        } else {
            self.paint_text(colour, text);
        }
    }

    /// Text in a colour.
    pub(crate) fn paint_text(&mut self, colour: Colour, text: fmt::Arguments<'_>) {
        if self.json {
            return;
        }
        let code = colour.code(self.style.dark).filter(|_| self.style.colour);
        let _ = match code {
            Some(code) => write!(self.out, "\x1b[{code}m{text}\x1b[0m"),
            None => self.out.write_fmt(text),
        };
    }

    /// A member of an array, or text.
    pub(crate) fn item(&mut self, value: &str, text: fmt::Arguments<'_>) {
        if self.json {
            self.value(Value::Text(value));
        } else {
            let _ = self.out.write_fmt(text);
        }
    }

    /// A number in an array, or text.
    pub(crate) fn number_item(&mut self, value: u64, text: fmt::Arguments<'_>) {
        if self.json {
            self.value(Value::Number(value));
        } else {
            let _ = self.out.write_fmt(text);
        }
    }

    /// Begins an object; `key` may be empty, within an array.
    pub(crate) fn open_object(&mut self, key: &str) {
        if self.json {
            self.begin(key, '{');
        }
    }

    /// Ends it.
    pub(crate) fn close_object(&mut self) {
        if self.json {
            self.end('}');
        }
    }

    /// Begins an array.
    pub(crate) fn open_array(&mut self, key: &str) {
        if self.json {
            self.begin(key, '[');
            if self.style.pretty {
                self.out.push(' ');
            }
        }
    }

    /// Ends it.
    pub(crate) fn close_array(&mut self) {
        if self.json {
            if self.style.pretty && self.separated {
                self.out.push(' ');
            }
            self.separated = false;
            self.end(']');
        }
    }

    fn begin(&mut self, key: &str, mark: char) {
        if !key.is_empty() {
            self.name(key);
        }
        self.separate();
        self.out.push(mark);
        self.depth += 1;
        self.separated = false;
    }

    fn end(&mut self, mark: char) {
        self.depth = self.depth.saturating_sub(1);
        if self.separated {
            self.line();
        }
        self.out.push(mark);
        self.separated = true;
    }

    fn name(&mut self, key: &str) {
        self.separate();
        self.line();
        self.separated = false;
        self.string(key);
        self.out.push(':');
        if self.style.pretty {
            self.out.push(' ');
        }
    }

    fn value(&mut self, value: Value<'_>) {
        self.separate();
        match value {
            Value::Text(text) => self.string(text),
            Value::Number(n) => self.out += &n.to_string(),
            Value::Signed(n) => self.out += &n.to_string(),
            Value::Hundredths(n) => {
                let _ = write!(self.out, "{}.{:02}", n / 100, n % 100);
            }
            Value::Bool(on) => self.out += if on { "true" } else { "false" },
            Value::Float(x) => self.out += &crate::number::general(x, 6),
            Value::Null => self.out += "null",
        }
    }

    fn separate(&mut self) {
        if self.separated {
            self.out.push(',');
        }
        self.separated = true;
    }

    fn line(&mut self) {
        if self.style.pretty {
            self.out.push('\n');
            self.out += &"    ".repeat(self.depth);
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '\t' => self.out += "\\t",
                '\n' => self.out += "\\n",
                '\r' => self.out += "\\r",
                '\u{c}' => self.out += "\\f",
                '\u{8}' => self.out += "\\b",
                '\\' => self.out += "\\\\",
                '"' => self.out += "\\\"",
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

impl Colour {
    fn code(self, dark: bool) -> Option<&'static str> {
        let (light, bold) = match self {
            Colour::Ifname => ("36", "1;36"),
            Colour::Mac => ("33", "1;33"),
            Colour::Inet => ("35", "1;35"),
            Colour::Inet6 => ("34", "1;34"),
            Colour::Up => ("32", "1;32"),
            Colour::Down => ("31", "1;31"),
            Colour::None => return None,
        };
        Some(if dark { bold } else { light })
    }

    /// That of an address.
    pub(crate) fn of(addr: std::net::IpAddr) -> Self {
        if addr.is_ipv4() { Colour::Inet } else { Colour::Inet6 }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(on: bool) -> Self {
        Value::Bool(on)
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Value<'_> {
            fn from(n: $ty) -> Self {
                Value::Number(n.into())
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64);

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn write(style: Style) -> String {
        let mut page = Page::new(style);
        page.open();
        page.open_object("");
        page.say("ifindex", 1u32, format_args!("1: "));
        page.paint(Colour::Ifname, "ifname", "lo", format_args!("lo: "));
        page.open_array("flags");
        for flag in ["UP", "LOWER_UP"] {
            page.item(flag, format_args!("{flag},"));
        }
        page.close_array();
        page.nl();
        page.field("none", Value::Null);
        page.open_array("empty");
        page.close_array();
        page.open_array("info");
        page.open_object("");
        page.field("quoted", "a\"b\\");
        page.close_object();
        page.open_object("");
        page.close_object();
        page.close_array();
        page.close_object();
        page.close();
        page.into_text()
    }

    #[test]
    fn one_pass_makes_text_or_json() {
        expect![[r#"
            1: lo: UP,LOWER_UP,
        "#]]
        .assert_eq(&write(Style::default()));
        expect![[r#"
            [{"ifindex":1,"ifname":"lo","flags":["UP","LOWER_UP"],"none":null,"empty":[],"info":[{"quoted":"a\"b\\"},{}]}]
        "#]]
        .assert_eq(&write(Style { json: true, ..Style::default() }));
        expect![[r#"
            [ {
                    "ifindex": 1,
                    "ifname": "lo",
                    "flags": [ "UP","LOWER_UP" ],
                    "none": null,
                    "empty": [ ],
                    "info": [ {
                            "quoted": "a\"b\\"
                        },{} ]
                } ]
        "#]]
        .assert_eq(&write(Style { json: true, pretty: true, ..Style::default() }));
        assert!(write(Style { colour: true, ..Style::default() }).contains("\x1b[36mlo: \x1b[0m"));
    }
}
