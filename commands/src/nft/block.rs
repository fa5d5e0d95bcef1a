//! What stands in the braces of tables, chains and sets.
//!
//! Counterpart: nftables 1.0.6, `table_block`, `chain_block` and `set_block` of `src/parser_bison.y`. Deliberately absent: options of
//! tables, devices of hooks.

use super::parse::{Parser, Read, unsupported};
use super::source::{Kind, Loc};
use super::tree::{BaseBody, ChainBody, Count, Inside, Is, ObjectBody, Priority, SetBody, Word};
use nettwin_model::rules::{Key, ObjectKind, SetType, Stateful, Verdict, words};

impl Parser {
    pub(super) fn inside(&mut self, out: &mut Vec<Inside>) -> Read<()> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        match word.as_str() {
            "chain" => {
                self.next();
                let name = self.name()?;
                self.want("{", &["'{'"])?;
                let mut body = ChainBody::default();
                self.block(|parser| parser.chain_line(&mut body))?;
                self.end_of_line()?;
                out.push(Inside::Chain(name, body));
                Ok(())
            }
            "set" | "map" => {
                self.next();
                let name = self.name()?;
                self.want("{", &["'{'"])?;
                let body = self.set_body(word == "map")?;
                self.end_of_line()?;
                out.push(Inside::Set(name, Box::new(body)));
                Ok(())
            }
            "counter" | "quota" | "limit" => {
                self.next();
                let kind = ObjectKind::ALL.into_iter().find(|k| k.word() == word).unwrap_or(ObjectKind::Counter);
                let name = self.name()?;
                self.want("{", &["'{'"])?;
                let body = self.object_block(kind)?;
                self.end_of_line()?;
                out.push(Inside::Object(name, Box::new(body)));
                Ok(())
            }
            "flags" | "comment" | "flowtable" | "ct" | "secmark" | "synproxy" => {
                unsupported(format!("{word} of a table"))
            }
            _ => self.fail(&[]),
        }
    }

    pub(super) fn chain_line(&mut self, body: &mut ChainBody) -> Read<()> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        match word.as_str() {
            "type" => {
                let base = self.hook()?;
                self.end_of_line()?;
                body.base = Some(base);
                Ok(())
            }
            "policy" => {
                let from = self.next().at;
                let verdict = match self.peek().text.as_str() {
                    "accept" => Verdict::Accept,
                    "drop" => Verdict::Drop,
                    _ => return self.fail(&["accept", "drop", "'$'"]),
                };
                self.next();
                let at = from.to(self.last());
                self.end_of_line()?;
                if body.policy.is_some() {
                    return self.complain(at, "you cannot set chain policy twice");
                }
                body.policy = Some(verdict);
                Ok(())
            }
            "flags" | "comment" => unsupported(format!("{word} of a chain")),
            _ => {
                let rule = self.rule_body()?;
                self.end_of_line()?;
                body.rules.push(rule);
                Ok(())
            }
        }
    }

    fn hook(&mut self) -> Read<BaseBody> {
        self.next();
        let kind = self.name()?;
        self.want("hook", &["hook"])?;
        let hook = self.name()?;
        if self.is("device") || self.is("devices") {
            return unsupported("the hook of a device");
        }
        let from = self.peek().at;
        self.want("priority", &["priority"])?;
        // What a number can be is at most 32 bits.
        let signed = |count: Count| i64::try_from(count.value).unwrap_or(i64::MAX);
        let priority = if self.take("-") {
            Priority::Number(-signed(self.number()?))
        } else if self.peek().kind == Kind::Number {
            Priority::Number(signed(self.number()?))
        } else if self.peek().is_name() {
            let name = self.name()?.text;
            let more = match (self.take("+"), self.is("-")) {
                (true, _) => signed(self.number()?),
                (false, true) => {
                    self.next();
                    -signed(self.number()?)
                }
                (false, false) => 0,
            };
            Priority::Name(name, more)
        } else {
            return self.fail(&[]);
        };
        let at = from.to(self.last());
        const KINDS: [&str; 3] = ["filter", "nat", "route"];
        const HOOKS: [&str; 7] = ["prerouting", "input", "forward", "output", "postrouting", "ingress", "egress"];
        if !KINDS.contains(&kind.text.as_str()) {
            return self.complain(kind.at, "unknown chain type");
        }
        if !HOOKS.contains(&hook.text.as_str()) {
            return self.complain(hook.at, "unknown chain hook");
        }
        Ok(BaseBody { kind, hook, priority, at })
    }

    /// What stands in an object's braces.
    pub(super) fn object_block(&mut self, kind: ObjectKind) -> Read<ObjectBody> {
        let mut body = ObjectBody { kind, what: None, comment: None };
        self.block(|parser| {
            if parser.take("comment") {
                body.comment = Some(parser.comment()?);
                return parser.end_of_line();
            }
            body.what = Some(parser.object(kind)?);
            Ok(())
        })?;
        Ok(body)
    }

    /// What an object is.
    pub(super) fn object(&mut self, kind: ObjectKind) -> Read<Stateful> {
        let from = self.peek().at;
        Ok(match kind {
            ObjectKind::Counter => {
                self.want("packets", &[])?;
                let packets = self.number()?.value;
                self.want("bytes", &["bytes"])?;
                Stateful::Counter { packets, bytes: self.number()?.value }
            }
            ObjectKind::Quota => Stateful::Quota(self.quota(from)?),
            ObjectKind::Limit => Stateful::Limit(self.limit()?),
        })
    }

    pub(super) fn set_body(&mut self, is_map: bool) -> Read<SetBody> {
        let mut body = SetBody::new(is_map, self.last());
        self.block(|parser| parser.set_line(&mut body))?;
        // All but the brace at its end.
        let before = self.at.checked_sub(2).and_then(|at| self.tokens.get(at)).map_or(body.at, |token| token.at);
        body.at = body.at.to(before);
        Ok(body)
    }

    fn set_line(&mut self, body: &mut SetBody) -> Read<()> {
        let word = if self.peek().kind == Kind::Word { self.peek().text.clone() } else { String::new() };
        const LINES: [&str; 12] = [
            "type",
            "typeof",
            "flags",
            "size",
            "comment",
            "auto-merge",
            "elements",
            "timeout",
            "gc-interval",
            "counter",
            "limit",
            "quota",
        ];
        if !LINES.contains(&word.as_str()) {
            return if word == "policy" { unsupported("policy of a set") } else { self.fail(&[]) };
        }
        if let Some(each) = self.each()? {
            if body.each.replace(each).is_some() || self.begins_each() {
                return unsupported("a set whose elements count several things");
            }
            return self.end_of_line();
        }
        self.next();
        match word.as_str() {
            "timeout" => {
                body.timeout_ms = Some(self.time()?);
                self.end_of_line()
            }
            "gc-interval" => {
                body.gc_interval_ms = Some(self.time()?);
                self.end_of_line()
            }
            "type" => {
                let key = self.type_words()?;
                let mut data = Vec::new();
                if body.is_map {
                    self.want(":", &["colon", "."])?;
                    data = self.type_words()?;
                }
                if !self.separator() {
                    return self.fail(&["newline", "semicolon", "."]);
                }
                (body.key, body.data) = (key, data);
                (body.like, body.data_like) = (Vec::new(), None);
                Ok(())
            }
            "typeof" => self.set_like(body),
            "flags" => {
                loop {
                    let flag = self.next();
                    match flag.text.as_str() {
                        "constant" | "interval" | "dynamic" | "timeout" => {
                            body.flags.push(Word { text: flag.text, at: flag.at })
                        }
                        _ => {
                            self.at -= 1;
                            return self.fail(&["constant", "interval", "dynamic", "timeout"]);
                        }
                    }
                    if !self.take(",") {
                        break;
                    }
                }
                self.end_of_line()
            }
            "size" => {
                body.size = Some(self.number()?.value);
                self.end_of_line()
            }
            "comment" => {
                body.comment = Some(self.comment()?);
                self.end_of_line()
            }
            "auto-merge" => {
                body.auto_merge = true;
                Ok(())
            }
            _ => {
                self.want("=", &["'='"])?;
                body.elements = Some(self.elements()?);
                Ok(())
            }
        }
    }

    /// What comes behind `typeof`.
    fn set_like(&mut self, body: &mut SetBody) -> Read<()> {
        let (like, key) = self.alike()?;
        let (mut data_like, mut data) = (None, Vec::new());
        if body.is_map {
            self.want(":", &["colon", "."])?;
            if self.is("verdict") {
                data = self.type_words()?;
            } else {
                let (keys, words) = self.alike()?;
                (data_like, data) = (keys.first().copied(), words);
            }
        }
        if !self.separator() {
            return self.fail(&["newline", "semicolon", "."]);
        }
        (body.like, body.data_like, body.key, body.data) = (like, data_like, key, data);
        Ok(())
    }

    /// Keys with points between, and the names of their types.
    fn alike(&mut self) -> Read<(Vec<Key>, Vec<Word>)> {
        let (mut keys, mut types) = (Vec::new(), Vec::new());
        loop {
            let token = self.peek().clone();
            if !self.begins_key() && (token.is_name() || token.kind == Kind::Number) {
                return self.complain(token.at, "primary expression type 'symbol' lacks typeof serialization");
            }
            let key = self.key()?;
            let Is::Key(found) = key.is else { return unsupported("typeof of such an expression") };
            let kind = words::key_type(found);
            if kind == SetType::Integer {
                return unsupported("a set of integers");
            }
            keys.push(found);
            types.push(Word { text: kind.word().to_owned(), at: key.at });
            if !self.take(".") {
                return Ok((keys, types));
            }
        }
    }

    /// Types with points between.
    fn type_words(&mut self) -> Read<Vec<Word>> {
        let mut out = Vec::new();
        loop {
            let token = self.peek().clone();
            let is_keyword = token.kind == Kind::Word && matches!(token.text.as_str(), "mark" | "ecn");
            if !token.is_name() && !is_keyword {
                return self.fail(&[]);
            }
            self.next();
            if SetType::of_word(&token.text).is_none() {
                if OTHER_TYPES.contains(&token.text.as_str()) {
                    return unsupported(format!("the type {}", token.text));
                }
                return self.complain(token.at, format!("unknown datatype {}", token.text));
            }
            out.push(Word { text: token.text, at: token.at });
            if !self.take(".") {
                return Ok(out);
            }
        }
    }
}

impl SetBody {
    pub(super) fn new(is_map: bool, at: Loc) -> Self {
        SetBody {
            is_map,
            at,
            key: Vec::new(),
            data: Vec::new(),
            like: Vec::new(),
            data_like: None,
            flags: Vec::new(),
            timeout_ms: None,
            gc_interval_ms: None,
            each: None,
            auto_merge: false,
            size: None,
            comment: None,
            elements: None,
        }
    }
}

/// Types that nft knows beside those here.
#[rustfmt::skip]
const OTHER_TYPES: [&str; 22] = [
    "ll_addr", "arp_op", "dccp_pkttype", "mh_type", "time", "iface_type", "realm", "classid", "uid", "gid", "ct_label", "icmpx_code",
    "devgroup", "ecn", "boolean", "ct_event", "igmp_type", "day", "hour", "cgroupsv2", "string", "bitmask",
];
