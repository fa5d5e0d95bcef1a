//! nft's statements and expressions as they are written.
//!
//! Counterpart: nftables 1.0.6, `src/parser_bison.y` from `stmt` on. Deliberately absent: what filters and address translation
//! do not use, each refused by its name.

use super::parse::{Parser, Read, number, unsupported};
use super::source::{Kind, Loc, Token};
use super::tree::{Expr, Is, Item, NatBody, RejectKind, Said, What, Word};
use nettwin_model::rules::{Cmp, Family, Key, Limit, Log, NatKind, ObjectKind, Quota, Rate, Verdict, words};

impl Parser {
    /// A statement.
    pub(super) fn stmt(&mut self) -> Read<Said> {
        let token = self.peek().clone();
        let from = token.at;
        let said = |parser: &Parser, what| Said { at: from.to(parser.last()), core: from, what };
        if token.kind != Kind::Word {
            return self.looked_at();
        }
        match token.text.as_str() {
            "accept" | "drop" | "continue" | "return" | "jump" | "goto" => {
                let verdict = self.verdict()?;
                let mut stmt = said(self, What::Verdict(verdict.1));
                stmt.core = verdict.0;
                Ok(stmt)
            }
            "counter" => {
                self.next();
                let (mut packets, mut bytes) = (0, 0);
                if self.is("name") {
                    return self.object_named(ObjectKind::Counter, from);
                }
                loop {
                    if self.take("packets") {
                        packets = self.number()?.value;
                    } else if self.take("bytes") {
                        bytes = self.number()?.value;
                    } else {
                        break;
                    }
                }
                Ok(Said { at: from, core: from, what: What::Counter { packets, bytes } })
            }
            "limit" => {
                self.next();
                if self.is("name") {
                    return self.object_named(ObjectKind::Limit, from);
                }
                let limit = self.limit()?;
                let at = from.to(self.last());
                Ok(Said { at, core: at, what: What::Limit(limit) })
            }
            "quota" => {
                self.next();
                if self.is("name") {
                    return self.object_named(ObjectKind::Quota, from);
                }
                let quota = self.quota(from)?;
                let at = from.to(self.last());
                Ok(Said { at, core: at, what: What::Quota(quota) })
            }
            "log" => {
                let log = self.log()?;
                Ok(Said { at: from, core: from, what: What::Log(log) })
            }
            "reject" => {
                let what = self.reject()?;
                Ok(Said { at: from, core: from, what })
            }
            "snat" | "dnat" | "masquerade" | "redirect" => {
                let nat = self.nat()?;
                Ok(Said { at: from, core: from, what: What::Nat(nat) })
            }
            "notrack" => {
                self.next();
                Ok(said(self, What::Notrack))
            }
            "add" | "update" | "delete" | "set" => self.dynset(),
            "meter" => self.meter(),
            "queue" | "dup" | "fwd" | "tproxy" | "synproxy" | "flow" | "xt" => unsupported(token.text),
            "tcp" if self.peek_behind().text == "option" => {
                let mss = self.mss()?;
                Ok(said(self, What::TcpMss(mss)))
            }
            "comment" => self.fail(&[]),
            _ => self.looked_at(),
        }
    }

    /// A decision, and where its core stands.
    fn verdict(&mut self) -> Read<(Loc, Verdict)> {
        let Token { text, at, .. } = self.next();
        let simple = match text.as_str() {
            "accept" => Some(Verdict::Accept),
            "drop" => Some(Verdict::Drop),
            "continue" => Some(Verdict::Continue),
            "return" => Some(Verdict::Return),
            _ => None,
        };
        if let Some(verdict) = simple {
            return Ok((at, verdict));
        }
        if self.is("{") {
            return unsupported(format!("{text} to a chain without a name"));
        }
        if !self.peek().is_name() {
            return self.fail(&["'{'"]);
        }
        let chain = self.name()?;
        Ok((chain.at, if text == "jump" { Verdict::Jump(chain.text) } else { Verdict::Goto(chain.text) }))
    }

    pub(super) fn limit(&mut self) -> Read<Limit> {
        self.want("rate", &["name", "rate"])?;
        let over = self.take("over");
        let (number, from) = (self.number()?.value, self.last());
        if self.peek().kind == Kind::Word {
            return self.limit_of_bytes(number, from, over);
        }
        let rate = number;
        self.want("/", &["/", "string", "bytes"])?;
        let Some(per) = Rate::ALL.into_iter().find(|r| self.is(r.word())) else { return self.fail(&[]) };
        self.next();
        let mut burst = 5;
        if self.is("burst") {
            let from = self.next().at;
            burst = self.number()?.value;
            self.want("packets", &["packets"])?;
            if burst == 0 {
                return self.complain(from.to(self.last()), "packet limit burst must be > 0");
            }
        }
        Ok(Limit { rate, per, burst: u32::try_from(burst).unwrap_or(u32::MAX), over, bytes: false })
    }

    /// What comes behind `counter`, `quota` or `limit`: `name`, and which.
    fn object_named(&mut self, kind: ObjectKind, from: Loc) -> Read<Said> {
        self.next();
        if self.begins_key() {
            return unsupported(format!("{} name by a map", kind.word()));
        }
        if !matches!(self.peek().kind, Kind::Word | Kind::Quoted) {
            return self.fail(&[]);
        }
        let name = self.string()?;
        Ok(Said { at: from.to(name.at), core: name.at, what: What::Object(kind, name.text) })
    }

    /// `[over | until] NUMBER UNIT [used NUMBER UNIT]`. A complaint about a unit is about all from there on.
    pub(super) fn quota(&mut self, from: Loc) -> Read<Quota> {
        let over = self.take("over");
        if !over {
            self.take("until");
        }
        let bytes = self.amount(from)?;
        let at = self.peek().at;
        let used = if self.take("used") { self.amount(at)? } else { 0 };
        Ok(Quota { bytes, over, used: used.min(bytes) })
    }

    fn amount(&mut self, from: Loc) -> Read<u64> {
        let number = self.number()?.value;
        if self.peek().kind != Kind::Word {
            return self.fail(&["string", "bytes"]);
        }
        let unit = self.next();
        match ["bytes", "kbytes", "mbytes"].iter().position(|u| *u == unit.text) {
            Some(at) => Ok(number.wrapping_mul(1 << (10 * at))),
            None => self.complain(from.to(unit.at), "Wrong rate format"),
        }
    }

    /// What comes behind `limit rate NUMBER` where a unit follows: with its time in one word, or by itself.
    fn limit_of_bytes(&mut self, number: u64, from: Loc, over: bool) -> Read<Limit> {
        let word = self.next();
        let of = |unit: &str| ["bytes", "kbytes", "mbytes"].iter().position(|u| *u == unit).map(|i| 1u64 << (10 * i));
        let per = |word: &str| Rate::ALL.into_iter().find(|r| r.word() == word);
        let marked = from.to(word.at);
        let (unit, per) = match word.text.split_once('/') {
            Some((unit, time)) => (of(unit), per(time)),
            None if self.is("/") => {
                let Some(unit) = of(&word.text) else { return self.complain(marked, "Wrong rate format") };
                self.next();
                let Some(time) = Rate::ALL.into_iter().find(|r| self.is(r.word())) else { return self.fail(&[]) };
                self.next();
                (Some(unit), Some(time))
            }
            None if word.text == "bytes" => return self.fail(&["/"]),
            None => return self.complain(marked, "wrong rate format"),
        };
        let (Some(unit), Some(per)) = (unit, per) else { return self.complain(marked, "Wrong rate format") };
        let mut burst = 0;
        if self.is("burst") {
            self.next();
            let (number, from) = (self.number()?.value, self.last());
            if self.is("packets") {
                let at = self.peek().at;
                return self.complain(at, "syntax error, unexpected packets, expecting string or bytes");
            }
            if self.peek().kind != Kind::Word {
                return self.fail(&["string", "bytes"]);
            }
            let word = self.next();
            let Some(unit) = of(&word.text) else { return self.complain(from.to(word.at), "Wrong rate format") };
            burst = number.wrapping_mul(unit);
        }
        // The kernel's attribute has 32 bits, and nft leaves the rest out.
        Ok(Limit { rate: number.wrapping_mul(unit), per, burst: burst as u32, over, bytes: true })
    }

    fn log(&mut self) -> Read<Log> {
        self.next();
        let mut log = Log::default();
        loop {
            let token = self.peek().clone();
            match token.text.as_str() {
                "prefix" if token.kind == Kind::Word => {
                    self.next();
                    let prefix = self.string()?;
                    if prefix.text.contains('$') {
                        return unsupported("a variable in a log prefix");
                    }
                    if prefix.text.len() > 127 {
                        return self.complain(token.at.to(prefix.at), "log prefix is too long");
                    }
                    log.prefix = Some(prefix.text);
                }
                "level" if token.kind == Kind::Word => {
                    self.next();
                    let level = self.string()?;
                    if level.text == "audit" {
                        return unsupported("log level audit");
                    }
                    let Some(found) = words::LOG_LEVELS.iter().position(|word| *word == level.text) else {
                        return self.complain(level.at, "invalid log level");
                    };
                    // One of eight.
                    log.level = Some(found as u8).filter(|l| *l != 4);
                }
                "flags" if token.kind == Kind::Word => {
                    self.next();
                    log.flags |= self.log_flags()?;
                }
                "group" | "snaplen" | "queue-threshold" if token.kind == Kind::Word => {
                    return unsupported(format!("log {}", token.text));
                }
                _ => return Ok(log),
            }
        }
    }

    fn log_flags(&mut self) -> Read<u8> {
        if self.take("all") {
            return Ok(0x2f);
        }
        if self.take("skuid") {
            return Ok(8);
        }
        if self.take("ether") {
            return Ok(0x20);
        }
        if self.take("ip") {
            self.want("options", &["options"])?;
            return Ok(4);
        }
        self.want("tcp", &[])?;
        let mut flags = 0;
        loop {
            flags |= match self.peek().text.as_str() {
                "sequence" => 1,
                "options" => 2,
                _ => return self.fail(&["options", "sequence"]),
            };
            self.next();
            if !self.take(",") {
                return Ok(flags);
            }
        }
    }

    fn reject(&mut self) -> Read<What> {
        self.next();
        if !self.take("with") {
            return Ok(What::Reject(None));
        }
        let kind = match self.peek().text.as_str() {
            "icmp" => RejectKind::Icmp,
            "icmpv6" => RejectKind::Icmp6,
            "icmpx" => RejectKind::Icmpx,
            "tcp" => {
                self.next();
                self.want("reset", &["reset"])?;
                return Ok(What::Reset);
            }
            _ => return self.fail(&["icmp", "icmpv6", "tcp", "icmpx"]),
        };
        self.next();
        let typed = self.take("type");
        let token = self.peek().clone();
        if token.kind != Kind::Number && !token.is_name() {
            return self.fail(if typed { &["number", "string"] } else { &["number", "string", "type"] });
        }
        self.next();
        Ok(What::Reject(Some((kind, Expr { at: token.at, is: Is::Symbol(token.text) }))))
    }

    fn nat(&mut self) -> Read<NatBody> {
        let kind = match self.next().text.as_str() {
            "snat" => NatKind::Snat,
            "dnat" => NatKind::Dnat,
            "masquerade" => NatKind::Masquerade,
            _ => NatKind::Redirect,
        };
        let mut nat = NatBody {
            kind,
            family: None,
            addr: None,
            port: None,
            random: false,
            fully_random: false,
            persistent: false,
        };
        let has_addr = matches!(kind, NatKind::Snat | NatKind::Dnat);
        if has_addr {
            for (word, family) in [("ip", Family::Ip), ("ip6", Family::Ip6)] {
                if self.is(word) && matches!(self.peek_behind().text.as_str(), "to" | "addr" | "prefix") {
                    self.next();
                    nat.family = Some(family);
                }
            }
            for word in ["addr", "interval", "prefix"] {
                if self.is(word) {
                    return unsupported(format!("{} {word}", if kind == NatKind::Snat { "snat" } else { "dnat" }));
                }
            }
            self.take("to");
            if self.take(":") {
                nat.port = Some(self.nat_value()?);
            } else {
                nat.addr = Some(self.nat_value()?);
                if self.take(":") {
                    nat.port = Some(self.nat_value()?);
                }
            }
        } else if self.take("to") {
            if kind == NatKind::Masquerade {
                self.want(":", &["colon"])?;
            } else {
                self.take(":");
            }
            nat.port = Some(self.nat_value()?);
        }
        let is_flag = |text: &str| matches!(text, "random" | "fully-random" | "persistent");
        if self.peek().kind == Kind::Word && is_flag(&self.peek().text) {
            loop {
                match self.peek().text.as_str() {
                    "random" => nat.random = true,
                    "fully-random" => nat.fully_random = true,
                    "persistent" => nat.persistent = true,
                    _ => return self.fail(&["random", "fully-random", "persistent"]),
                }
                self.next();
                if !self.take(",") {
                    break;
                }
            }
        }
        Ok(nat)
    }

    /// An address or port, a range of them, or a map that gives one.
    fn nat_value(&mut self) -> Read<Expr> {
        let key = self.begins_key();
        let first = if key { self.keys()? } else { self.right()? };
        self.map_of(first)
    }

    /// What a map gives, if a map is asked.
    fn map_of(&mut self, key: Expr) -> Read<Expr> {
        if !self.take("map") {
            return Ok(key);
        }
        let map = if self.is("{") { self.set(false)? } else { self.set_name()? };
        Ok(Expr { at: key.at.to(map.at), is: Is::Map(Box::new(key), Box::new(map)) })
    }

    /// A statement that begins with what is looked at.
    fn looked_at(&mut self) -> Read<Said> {
        let from = self.peek().at;
        let left = self.keys()?;
        let said = |parser: &Parser, core, what| Said { at: from.to(parser.last()), core, what };
        if self.take("vmap") {
            let map = if self.is("{") { self.set(true)? } else { self.set_name()? };
            let core = left.at;
            return Ok(said(self, core, What::Vmap { key: left, map }));
        }
        if self.is("map") {
            self.map_of(left)?;
            return self.fail(&[]);
        }
        if self.is("set") {
            return self.set_to(&left);
        }
        let op = self.peek().at;
        let cmp = self.comparison();
        if cmp.is_none() && self.is_nothing() {
            return self.fail(&[]);
        }
        let right = self.right_list()?;
        let mut mask = None;
        if self.take("/") {
            let first = self.basic_right()?;
            if !self.is(",") {
                return self.fail(&["comma"]);
            }
            mask = Some(self.list_from(first)?);
        }
        let core = left.at;
        Ok(said(self, core, What::Match { left, cmp, op, right, mask }))
    }

    /// Whether nothing that could be compared with comes next.
    fn is_nothing(&self) -> bool {
        matches!(self.peek().kind, Kind::Newline | Kind::Semicolon | Kind::End | Kind::Junk)
    }

    fn set_to(&mut self, left: &Expr) -> Read<Said> {
        self.next();
        let value = if self.begins_key() { self.masked()? } else { self.right()? };
        let value = match &value.is {
            Is::Key(_) if self.is(".") => {
                let mut parts = vec![value];
                while self.take(".") {
                    parts.push(self.key()?);
                }
                let at = parts[0].at.to(self.last());
                Expr { at, is: Is::Concat(parts) }
            }
            _ => value,
        };
        let value = self.map_of(value)?;
        let ct = match left.is {
            Is::Key(Key::Mark) => false,
            Is::Key(Key::CtMark) => true,
            Is::Key(key) => return unsupported(format!("{} set", words::key_words(key))),
            _ => return self.fail(&[]),
        };
        Ok(Said { at: left.at.to(self.last()), core: left.at, what: What::SetMark { ct, value } })
    }

    /// `==` and so on; the second of a pair says that it was `!`.
    fn comparison(&mut self) -> Option<(Cmp, bool)> {
        let token = self.peek();
        if !matches!(token.kind, Kind::Word | Kind::Mark) {
            return None;
        }
        let found = match token.text.as_str() {
            "==" | "eq" => (Cmp::Eq, false),
            "!=" | "ne" => (Cmp::Ne, false),
            "<" | "lt" => (Cmp::Lt, false),
            ">" | "gt" => (Cmp::Gt, false),
            "<=" | "le" => (Cmp::Le, false),
            ">=" | "ge" => (Cmp::Ge, false),
            "!" | "not" => (Cmp::Ne, true),
            _ => return None,
        };
        self.next();
        Some(found)
    }

    /// What something is compared with.
    fn right_list(&mut self) -> Read<Expr> {
        if self.is("{") {
            return self.set(false);
        }
        if self.is("@") {
            return self.set_name();
        }
        let first = self.right()?;
        if self.is(",") { self.list_from(first) } else { Ok(first) }
    }

    fn list_from(&mut self, first: Expr) -> Read<Expr> {
        let mut list = vec![first];
        while self.take(",") {
            list.push(self.right()?);
        }
        Ok(Expr { at: list[0].at.to(self.last()), is: Is::List(list) })
    }

    /// Values with points between.
    fn right(&mut self) -> Read<Expr> {
        let first = self.one_right()?;
        if !self.is(".") {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(".") {
            parts.push(self.one_right()?);
        }
        Ok(Expr { at: parts[0].at.to(self.last()), is: Is::Concat(parts) })
    }

    /// A value, a range or a prefix.
    fn one_right(&mut self) -> Read<Expr> {
        let low = self.basic_right()?;
        if self.take("-") {
            let high = self.basic_right()?;
            return Ok(Expr { at: low.at.to(high.at), is: Is::Range(Box::new(low), Box::new(high)) });
        }
        if self.is("/") && self.peek_behind().kind == Kind::Number {
            self.next();
            let length = self.number()?;
            return Ok(Expr { at: low.at.to(length.at), is: Is::Prefix(Box::new(low), length.value) });
        }
        Ok(low)
    }

    /// Values with operators between.
    pub(super) fn basic_right(&mut self) -> Read<Expr> {
        let mut left = self.primary_right()?;
        loop {
            let op = match (self.peek().kind, self.peek().text.as_str()) {
                (Kind::Mark, "|") | (Kind::Word, "or") => '|',
                (Kind::Mark, "&") | (Kind::Word, "and") => '&',
                (Kind::Mark, "^") | (Kind::Word, "xor") => '^',
                _ => return Ok(left),
            };
            self.next();
            let right = self.primary_right()?;
            left = Expr { at: left.at.to(right.at), is: Is::Binary(op, Box::new(left), Box::new(right)) };
        }
    }

    pub(super) fn primary_right(&mut self) -> Read<Expr> {
        let token = self.peek().clone();
        match (token.kind, token.text.as_str()) {
            (Kind::Mark, "(") => {
                let from = self.next().at;
                let inner = self.deeper(Parser::basic_right)?;
                self.want(")", &["')'"])?;
                Ok(Expr { at: from.to(self.last()), ..inner })
            }
            (Kind::Mark, "$") => {
                self.next();
                let name = self.name()?;
                self.defined(&name)
            }
            (Kind::Number | Kind::Quoted | Kind::Asterisk, _) => self.symbol(),
            (Kind::Word, word) if token.is_name() || RIGHT_KEYWORDS.contains(&word) => self.symbol(),
            (Kind::Word, word @ ("exists" | "missing")) => unsupported(word),
            _ => self.fail(&[]),
        }
    }

    pub(super) fn symbol(&mut self) -> Read<Expr> {
        let Token { kind, text, at } = self.next();
        let text = if kind == Kind::Number { number(&text).to_string() } else { text };
        Ok(Expr { at, is: Is::Symbol(text) })
    }

    /// `@NAME`, or what is defined as one.
    pub(super) fn set_name(&mut self) -> Read<Expr> {
        if self.is("$") {
            return self.primary_right();
        }
        let from = self.peek().at;
        self.want("@", &[])?;
        let Word { text, at } = self.name()?;
        Ok(Expr { at: from.to(at), is: Is::Ref(text) })
    }

    /// What `define` gives a name to.
    pub(super) fn initializer(&mut self) -> Read<Expr> {
        if self.is("{") && self.peek_behind().text == "}" {
            let from = self.next().at;
            let to = self.next().at;
            return Ok(Expr { at: from.to(to), is: Is::Set(Vec::new()) });
        }
        if self.take("-") {
            return unsupported("a negative number");
        }
        self.right_list()
    }

    /// Elements in braces, or what is defined as such.
    pub(super) fn elements(&mut self) -> Read<Expr> {
        if self.is("$") {
            return self.primary_right();
        }
        if !self.is("{") {
            return self.fail(&["'{'", "'$'"]);
        }
        self.set(false)
    }

    /// Reads what is nested, unless it is nested too deep.
    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Read<Expr>) -> Read<Expr> {
        const DEEPEST: usize = 32;
        if self.depth >= DEEPEST {
            return unsupported("such deep nesting");
        }
        self.depth += 1;
        let done = read(self);
        self.depth -= 1;
        done
    }

    /// Elements in braces; in a verdict map each has one.
    pub(super) fn set(&mut self, verdicts: bool) -> Read<Expr> {
        let from = self.next().at;
        let mut items = Vec::new();
        loop {
            self.newline();
            if !items.is_empty() && self.is("}") {
                break;
            }
            items.push(self.item(verdicts)?);
            self.newline();
            if self.take(",") {
                continue;
            }
            if !self.is("}") {
                return self.fail(&["comma", "'}'"]);
            }
            break;
        }
        self.next();
        Ok(Expr { at: from.to(self.last()), is: Is::Set(items) })
    }

    fn item(&mut self, verdicts: bool) -> Read<Item> {
        if self.is("*") {
            return unsupported("the element *");
        }
        let key = if self.is("{") { self.deeper(|parser| parser.set(false))? } else { self.right()? };
        let each = self.each()?;
        if self.begins_each() {
            return unsupported("an element that counts several things");
        }
        let (mut comment, mut timeout_ms, mut expires_in_ms) = (None, None, None);
        while self.peek().kind == Kind::Word {
            match self.peek().text.as_str() {
                "comment" => {
                    self.next();
                    comment = Some(self.comment()?);
                }
                "timeout" => {
                    self.next();
                    timeout_ms = Some(self.time()?);
                }
                "expires" => {
                    self.next();
                    expires_in_ms = Some(self.time()?);
                }
                _ => break,
            }
        }
        let mut data = None;
        if self.take(":") {
            let from = self.peek().at;
            let is_verdict =
                matches!(self.peek().text.as_str(), "accept" | "drop" | "continue" | "return" | "jump" | "goto");
            data = Some(if is_verdict {
                let (_, verdict) = self.verdict()?;
                Expr { at: from.to(self.last()), is: Is::Verdict(verdict) }
            } else if verdicts {
                return self.fail(&[]);
            } else {
                self.right()?
            });
        } else if verdicts {
            return self.fail(&["colon"]);
        }
        Ok(Item { key, data, comment, timeout_ms, expires_in_ms, each })
    }
}

/// Keywords that may be compared with.
const RIGHT_KEYWORDS: [&str; 21] = [
    "ether", "ip", "ip6", "vlan", "arp", "dnat", "snat", "ecn", "reset", "tcp", "udp", "udplite", "esp", "ah", "icmp",
    "igmp", "icmpv6", "comp", "dccp", "sctp", "redirect",
];
