//! nft's commands as they are written.
//!
//! Counterpart: nftables 1.0.6, `src/parser_bison.y`; what is said of a wrong word is what bison says there: what was met, and
//! what could be there if that is at most four things. Behind a complaint it goes on at the next separator of the same
//! block. Deliberately absent: objects other than tables, chains, rules, sets and maps; `get`, `reset`, `monitor`, `describe`,
//! `import`, `export`, `include`; the families arp and netdev.

use super::source::{Kind, Loc, Report, Token};
use super::tree::{Act, ChainBody, Command, Count, Expr, Handle, Listed, ObjectBody, RuleBody, SetBody, Verb, Word};
use nettwin_model::rules::{Family, ObjectKind};
use std::collections::BTreeMap;

/// Why a part was not read.
#[derive(Clone, Debug)]
pub(super) enum Halt {
    /// A complaint was made.
    Wrong,
    /// There is no more to read.
    Ended,
    /// It is right, but not supported here.
    Unsupported(String),
}

pub(super) type Read<T> = Result<T, Halt>;

/// A reader of words.
pub(super) struct Parser {
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) reports: Vec<Report>,
    /// What `define` has defined, by block.
    scopes: Vec<BTreeMap<String, Expr>>,
    /// How deep what is read is nested.
    pub(super) depth: usize,
}

/// nft gives up at so many (`parser_max_errors`).
pub(super) const MAX_REPORTS: usize = 10;

const END: &[&str] = &["end of file", "newline", "semicolon"];
const SEPARATOR: &[&str] = &["newline", "semicolon"];

/// Refuses by name.
pub(super) fn unsupported<T>(what: impl Into<String>) -> Read<T> {
    Err(Halt::Unsupported(what.into()))
}

impl Parser {
    pub(super) fn new(tokens: Vec<Token>) -> Self {
        Parser { tokens, at: 0, reports: Vec::new(), scopes: vec![BTreeMap::new()], depth: 0 }
    }

    /// All commands, or what is not supported.
    pub(super) fn commands(&mut self) -> Result<Vec<Command>, String> {
        let mut out = Vec::new();
        while self.peek().kind != Kind::End && self.reports.len() < MAX_REPORTS {
            if self.separator() {
                continue;
            }
            match self.line() {
                Ok(command) => out.extend(command),
                Err(Halt::Unsupported(what)) => return Err(what),
                Err(Halt::Ended) => break,
                Err(Halt::Wrong) => {
                    if self.skip_line().is_err() {
                        break;
                    }
                }
            }
        }
        Ok(out)
    }

    fn line(&mut self) -> Read<Option<Command>> {
        if self.common()? {
            return Ok(None);
        }
        let from = self.peek().at;
        let what = self.act()?;
        if self.peek().kind != Kind::End && !self.separator() {
            return self.fail(END);
        }
        // The separator belongs to it.
        Ok(Some(Command { at: from.to(self.last()), what }))
    }

    /// The word that comes next.
    pub(super) fn peek(&self) -> &Token {
        // The last is the end, and is never passed.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn peek_behind(&self) -> &Token {
        &self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    /// Where the word stands that was read last.
    pub(super) fn last(&self) -> Loc {
        self.tokens[self.at.saturating_sub(1)].at
    }

    /// Whether a keyword or mark comes next.
    pub(super) fn is(&self, word: &str) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Word | Kind::Mark) && token.text == word
    }

    /// Reads it if it comes next.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let is = self.is(word);
        if is {
            self.next();
        }
        is
    }

    /// Reads it, or complains that it is missing.
    pub(super) fn want(&mut self, word: &str, expected: &[&str]) -> Read<()> {
        if self.take(word) { Ok(()) } else { self.fail(expected) }
    }

    pub(super) fn separator(&mut self) -> bool {
        let is = matches!(self.peek().kind, Kind::Newline | Kind::Semicolon);
        if is {
            self.next();
        }
        is
    }

    pub(super) fn newline(&mut self) {
        if self.peek().kind == Kind::Newline {
            self.next();
        }
    }

    /// Complains about the word that comes next.
    pub(super) fn fail<T>(&mut self, expected: &[&str]) -> Read<T> {
        let mut text = format!("syntax error, unexpected {}", self.peek().called());
        if !expected.is_empty() && expected.len() < 5 {
            text += &format!(", expecting {}", expected.join(" or "));
        }
        let at = self.peek().at;
        self.complain(at, text)
    }

    pub(super) fn complain<T>(&mut self, at: Loc, text: impl Into<String>) -> Read<T> {
        self.reports.push(Report::new(at, text));
        Err(Halt::Wrong)
    }

    /// To behind the next separator.
    fn skip_line(&mut self) -> Read<()> {
        loop {
            if self.separator() {
                return Ok(());
            }
            if self.peek().kind == Kind::End || self.reports.len() >= MAX_REPORTS {
                return Err(Halt::Ended);
            }
            self.next();
        }
    }

    /// A block's content, line by line; one that is wrong is passed over.
    pub(super) fn block(&mut self, mut line: impl FnMut(&mut Self) -> Read<()>) -> Read<()> {
        self.scopes.push(BTreeMap::new());
        let done = loop {
            if self.separator() {
                continue;
            }
            if self.take("}") {
                break Ok(());
            }
            if self.peek().kind == Kind::End {
                let _ = self.fail::<()>(&[]);
                break Err(Halt::Ended);
            }
            let read = match self.common() {
                Ok(true) => Ok(()),
                Ok(false) => line(self),
                Err(halt) => Err(halt),
            };
            match read {
                Ok(()) => {}
                Err(Halt::Wrong) => {
                    if let Err(halt) = self.skip_line() {
                        break Err(halt);
                    }
                }
                other => break other,
            }
        };
        self.scopes.pop();
        done
    }

    /// `define` and its relatives, and `include`, which may be anywhere.
    pub(super) fn common(&mut self) -> Read<bool> {
        let verb = match self.peek() {
            Token { kind: Kind::Word, text, .. } => text.clone(),
            _ => return Ok(false),
        };
        match verb.as_str() {
            // One that is as it should be has the file's words in its place.
            "include" => {
                self.next();
                if self.peek().kind != Kind::Quoted {
                    return self.fail(&["quoted string"]);
                }
                self.next();
                self.end_of_line()?;
                Ok(true)
            }
            "define" | "redefine" => {
                self.next();
                let name = self.name()?;
                self.want("=", &["'='"])?;
                let value = self.initializer()?;
                self.end_of_line()?;
                let scope = self.scopes.last_mut().expect("there is always one");
                if verb == "define" && scope.contains_key(&name.text) {
                    return self.complain(name.at, format!("redefinition of symbol '{}'", name.text));
                }
                scope.insert(name.text, value);
                Ok(true)
            }
            "undefine" => {
                self.next();
                let name = self.name()?;
                self.end_of_line()?;
                let scope = self.scopes.last_mut().expect("there is always one");
                match scope.remove(&name.text) {
                    Some(_) => Ok(true),
                    None => self.complain(name.at, format!("undefined symbol '{}'", name.text)),
                }
            }
            _ => Ok(false),
        }
    }

    pub(super) fn end_of_line(&mut self) -> Read<()> {
        if self.separator() { Ok(()) } else { self.fail(SEPARATOR) }
    }

    /// What a name stands for.
    pub(super) fn defined(&mut self, name: &Word) -> Read<Expr> {
        match self.scopes.iter().rev().find_map(|scope| scope.get(&name.text)) {
            Some(value) => Ok(value.clone()),
            None => self.complain(name.at, format!("unknown identifier '{}'", name.text)),
        }
    }

    pub(super) fn name(&mut self) -> Read<Word> {
        if !self.peek().is_name() {
            return self.fail(&["string"]);
        }
        let Token { text, at, .. } = self.next();
        Ok(Word { text, at })
    }

    /// A name, perhaps in quotes.
    pub(super) fn string(&mut self) -> Read<Word> {
        let token = self.peek();
        if !(token.is_name() || matches!(token.kind, Kind::Quoted | Kind::Asterisk)) {
            return self.fail(&["string", "quoted string", "string with a trailing asterisk"]);
        }
        let Token { text, at, .. } = self.next();
        Ok(Word { text, at })
    }

    pub(super) fn number(&mut self) -> Read<Count> {
        if self.peek().kind != Kind::Number {
            return self.fail(&["number"]);
        }
        let Token { text, at, .. } = self.next();
        Ok(Count { value: number(&text), at })
    }

    fn family(&mut self) -> Read<Option<Family>> {
        let token = self.peek();
        if token.kind != Kind::Word {
            return Ok(None);
        }
        match token.text.as_str() {
            "arp" | "netdev" => unsupported(format!("the family {}", token.text)),
            word => {
                let family = Family::of_word(word);
                if family.is_some() {
                    self.next();
                }
                Ok(family)
            }
        }
    }

    fn table(&mut self) -> Read<Handle> {
        let family = self.family()?.unwrap_or(Family::Ip);
        if self.is("handle") {
            return unsupported("a table by its handle");
        }
        let table = self.name()?;
        Ok(Handle { family, table, name: None, handle: None, position: None, index: None })
    }

    /// A table and a chain or set in it.
    fn named(&mut self) -> Read<Handle> {
        let table = self.table()?;
        if self.is("handle") {
            return unsupported("a chain or set by its handle");
        }
        let name = self.name()?;
        Ok(Handle { name: Some(name), ..table })
    }

    fn act(&mut self) -> Read<Act> {
        let token = self.peek().clone();
        let verb = match (token.kind, token.text.as_str()) {
            (Kind::Word, "add") => Some(Verb::Add),
            (Kind::Word, "create") => Some(Verb::Create),
            (Kind::Word, "insert") => Some(Verb::Insert),
            (Kind::Word, "replace") => Some(Verb::Replace),
            (Kind::Word, "delete") => Some(Verb::Delete),
            (Kind::Word, "flush") => Some(Verb::Flush),
            (Kind::Word, "list") => Some(Verb::List),
            (Kind::Word, "reset") => {
                self.next();
                return match self.peek().text.as_str() {
                    "counters" | "counter" | "quotas" | "quota" => Ok(Act::Reset(self.objects()?)),
                    word => unsupported(format!("reset {word}")),
                };
            }
            (Kind::Word, word @ ("get" | "monitor" | "describe" | "import" | "export")) => {
                return unsupported(word);
            }
            (Kind::Word, "rename") => {
                self.next();
                self.want("chain", &["chain"])?;
                let chain = self.named()?;
                return Ok(Act::Rename(chain, self.name()?));
            }
            _ => None,
        };
        if verb.is_some() {
            self.next();
        }
        match verb.unwrap_or(Verb::Add) {
            Verb::Insert => {
                self.want("rule", &["rule"])?;
                self.rule(Verb::Insert)
            }
            Verb::Replace => {
                self.want("rule", &["rule"])?;
                let chain = self.named()?;
                let handle = self.handle_of(chain)?;
                Ok(Act::Rule(Verb::Replace, handle, self.rule_body()?))
            }
            Verb::Delete => self.delete(),
            Verb::Flush => self.flush(),
            Verb::List => Ok(Act::List(self.list()?)),
            made @ (Verb::Add | Verb::Create) => self.made(made, verb.is_some()),
        }
    }

    fn handle_of(&mut self, chain: Handle) -> Read<Handle> {
        self.want("handle", &["handle"])?;
        let handle = Some(self.number()?);
        Ok(Handle { handle, ..chain })
    }

    /// What `add` and `create` make.
    fn made(&mut self, verb: Verb, written: bool) -> Read<Act> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        match word.as_str() {
            "table" => {
                self.next();
                let table = self.table()?;
                let mut inside = Vec::new();
                if self.take("{") {
                    self.block(|parser| parser.inside(&mut inside))?;
                }
                Ok(Act::Table(verb, table, inside))
            }
            "chain" => {
                self.next();
                let chain = self.named()?;
                let mut body = ChainBody::default();
                if self.take("{") {
                    self.block(|parser| parser.chain_line(&mut body))?;
                }
                Ok(Act::Chain(verb, chain, body))
            }
            "rule" if verb == Verb::Add => {
                self.next();
                self.rule(verb)
            }
            "set" | "map" => {
                self.next();
                let set = self.named()?;
                self.want("{", &["'{'"])?;
                let body = self.set_body(word == "map")?;
                Ok(Act::Set(verb, set, Box::new(body)))
            }
            "element" => {
                self.next();
                let set = self.named()?;
                Ok(Act::Elements(verb, set, self.elements()?))
            }
            "counter" | "quota" | "limit" => {
                let kind = self.kind_of_object();
                let object = self.named()?;
                let body = if self.take("{") {
                    self.object_block(kind)?
                } else {
                    let ends = matches!(self.peek().kind, Kind::Newline | Kind::Semicolon | Kind::End);
                    let what = if ends { None } else { Some(self.object(kind)?) };
                    ObjectBody { kind, what, comment: None }
                };
                Ok(Act::Object(verb, object, Box::new(body)))
            }
            "flowtable" | "ct" | "secmark" | "synproxy" => unsupported(format!("add {word}")),
            _ if verb == Verb::Create => self.fail(&[]),
            _ if self.peek().is_name()
                || Family::of_word(&word).is_some()
                || matches!(word.as_str(), "arp" | "netdev") =>
            {
                self.rule(Verb::Add)
            }
            // Behind `add` nothing is a rule of the family ip.
            _ if written => self.fail(&["string"]),
            _ => self.fail(&[]),
        }
    }

    fn rule(&mut self, verb: Verb) -> Read<Act> {
        let chain = self.named()?;
        let (mut position, mut index) = (None, None);
        let from = self.peek().at;
        if self.take("position") {
            let count = self.number()?;
            position = Some(Count { at: from.to(count.at), ..count });
        } else if self.take("handle") {
            position = Some(self.number()?);
        } else if self.take("index") {
            let count = self.number()?;
            index = Some(Count { at: from.to(count.at), ..count });
        }
        Ok(Act::Rule(verb, Handle { position, index, ..chain }, self.rule_body()?))
    }

    pub(super) fn rule_body(&mut self) -> Read<RuleBody> {
        let from = self.peek().at;
        let mut stmts = vec![self.stmt()?];
        while !self.ends_rule() {
            stmts.push(self.stmt()?);
        }
        let mut comment = None;
        if self.take("comment") {
            comment = Some(self.comment()?);
        }
        Ok(RuleBody { stmts, comment, at: from.to(self.last()) })
    }

    pub(super) fn comment(&mut self) -> Read<String> {
        let text = self.string()?;
        if text.text.len() > 128 {
            return self.complain(text.at, "comment too long, 128 characters maximum allowed");
        }
        Ok(text.text)
    }

    /// Whether no statement can begin with the word that comes next.
    fn ends_rule(&self) -> bool {
        let token = self.peek();
        match token.kind {
            Kind::Newline | Kind::Semicolon | Kind::End | Kind::Junk => true,
            Kind::Mark => !matches!(token.text.as_str(), "(" | "$" | "@" | "{"),
            Kind::Word => ["comment", "vmap", "map", "table", "chain", "rule", "handle"].contains(&token.text.as_str()),
            Kind::Quoted | Kind::Asterisk | Kind::Number => false,
        }
    }

    fn delete(&mut self) -> Read<Act> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        match word.as_str() {
            "table" => {
                self.next();
                Ok(Act::Table(Verb::Delete, self.table()?, Vec::new()))
            }
            "chain" => {
                self.next();
                Ok(Act::Chain(Verb::Delete, self.named()?, ChainBody::default()))
            }
            "rule" => {
                self.next();
                let chain = self.named()?;
                let handle = self.handle_of(chain)?;
                let at = self.last();
                Ok(Act::Rule(Verb::Delete, handle, RuleBody { stmts: Vec::new(), comment: None, at }))
            }
            "set" | "map" => {
                self.next();
                let set = self.named()?;
                Ok(Act::Set(Verb::Delete, set, Box::new(SetBody::new(word == "map", self.last()))))
            }
            "element" => {
                self.next();
                let set = self.named()?;
                Ok(Act::Elements(Verb::Delete, set, self.elements()?))
            }
            "counter" | "quota" | "limit" => {
                let kind = self.kind_of_object();
                let object = self.named()?;
                Ok(Act::Object(Verb::Delete, object, Box::new(ObjectBody { kind, what: None, comment: None })))
            }
            "flowtable" | "ct" | "secmark" | "synproxy" => unsupported(format!("delete {word}")),
            _ => self.fail(&[]),
        }
    }

    /// The word that comes next as a kind of objects, of one or of several.
    fn kind_of_object(&mut self) -> ObjectKind {
        let word = self.next().text;
        ObjectKind::ALL.into_iter().find(|k| word.trim_end_matches('s') == k.word()).unwrap_or(ObjectKind::Counter)
    }

    /// Which objects are listed.
    fn objects(&mut self) -> Read<Listed> {
        let all = self.peek().text.ends_with('s');
        let kind = self.kind_of_object();
        Ok(match all {
            false => Listed::Object(kind, self.named()?),
            true if self.take("table") => Listed::ObjectsOf(kind, self.table()?),
            true => Listed::Objects(kind, self.family()?),
        })
    }

    fn flush(&mut self) -> Read<Act> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        match word.as_str() {
            "ruleset" => {
                self.next();
                Ok(Act::FlushRuleset(self.family()?))
            }
            "table" => {
                self.next();
                Ok(Act::Table(Verb::Flush, self.table()?, Vec::new()))
            }
            "chain" => {
                self.next();
                Ok(Act::Chain(Verb::Flush, self.named()?, ChainBody::default()))
            }
            "set" | "map" => {
                self.next();
                let set = self.named()?;
                Ok(Act::Set(Verb::Flush, set, Box::new(SetBody::new(word == "map", self.last()))))
            }
            "meter" => {
                let from = self.next().at;
                self.named()?;
                // The command's place takes in what ends it.
                let behind = Loc { from: from.from.saturating_sub("flush ".len()), to: self.peek().at.to };
                self.complain(behind, "Could not process rule: Operation not supported")
            }
            "flow" => unsupported("flush flow"),
            _ => self.fail(&[]),
        }
    }

    fn list(&mut self) -> Read<Listed> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        let listed = match word.as_str() {
            "counters" | "quotas" | "limits" | "counter" | "quota" | "limit" => return self.objects(),
            "secmarks" | "synproxys" | "flowtables" | "hooks" | "ct" | "secmark" | "synproxy" | "flow"
            | "flowtable" => {
                return unsupported(format!("list {word}"));
            }
            "ruleset" | "tables" | "chains" | "sets" | "maps" | "table" | "chain" | "set" | "map" | "meter"
            | "meters" => self.next(),
            _ => return self.fail(&[]),
        };
        if matches!(listed.text.as_str(), "sets" | "maps" | "meters") && self.is("table") {
            return unsupported(format!("list {word} table"));
        }
        Ok(match listed.text.as_str() {
            "ruleset" => Listed::Ruleset(self.family()?),
            "tables" => Listed::Tables(self.family()?),
            "chains" => Listed::Chains(self.family()?),
            "sets" => Listed::Sets(self.family()?),
            "maps" => Listed::Maps(self.family()?),
            "table" => Listed::Table(self.table()?),
            "chain" => Listed::Chain(self.named()?),
            "set" => Listed::Set(self.named()?),
            "meters" => Listed::Meters(self.family()?),
            "meter" => Listed::Meter(self.named()?),
            _ => Listed::Map(self.named()?),
        })
    }
}

/// A number in either base; one that is too large is the largest.
pub(super) fn number(text: &str) -> u64 {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let octal = text.strip_prefix('0').filter(|rest| !rest.is_empty());
    match (hex, octal) {
        (Some(hex), _) => u64::from_str_radix(hex, 16),
        (None, Some(octal)) if octal.bytes().all(|b| b < b'8') => u64::from_str_radix(octal, 8),
        _ => text.parse(),
    }
    .unwrap_or(u64::MAX)
}
